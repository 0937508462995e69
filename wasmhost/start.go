package wasmhost

import (
	"context"
	"errors"
	"fmt"

	"github.com/tetratelabs/wazero/experimental"

	"github.com/seed-c6589352/wherry/abi"
	"github.com/seed-c6589352/wherry/wasmhost/internal/meter"
)

// instantiate starts an instance of c; see Module.Instantiate.
func (c *code) instantiate(cfg InstanceConfig) (*Instance, error) {
	cfg = cfg.withDefaults(c.host)
	if cfg.MemoryPages < c.info.MemoryMinPages {
		return nil, refuse(RuleMemoryLimit, "starts with %d pages, the limit is %d", c.info.MemoryMinPages, cfg.MemoryPages)
	}
	if err := c.host.enlist(c); err != nil {
		return nil, err
	}
	in := &Instance{
		cfg:    cfg,
		code:   c,
		clock:  cfg.Now,
		stdout: lineBuffer{level: LevelInfo},
		stderr: lineBuffer{level: LevelWarn},
	}
	if err := in.start(); err != nil {
		in.Close()
		return nil, err
	}
	return in, nil
}

// start takes in from nothing to idle: by a copy of an instance that has
// initialised if there is one, or else by running the guest's code. What it has
// made when it fails, Close releases.
func (in *Instance) start() error {
	im, pages := in.code.image, min(in.cfg.MemoryPages, in.code.info.MemoryMaxPages)
	if im != nil && !im.fits(pages) {
		im = nil // the trial has taken more than this one may have
	}
	if err := in.memory.reserve(pages, im); err != nil {
		return err
	}
	if err := in.boots(); err != nil {
		return err
	}
	var mailAt uint32
	var err error
	if im != nil {
		mailAt, err = im.mailAt, im.restore(in)
	} else if mailAt, err = in.initialize(); err == nil && in.code.keeps {
		in.code.image, err = in.newImage(mailAt)
	}
	if err != nil {
		return err
	}
	return in.register(mailAt)
}

// initialize puts the module's data into the memory and runs its code until it
// has told where its mailbox is, all with one amount of fuel.
func (in *Instance) initialize() (mailAt uint32, err error) {
	p := &in.code.program
	for i, s := range p.Data {
		to, ok := in.View(s.Offset, uint32(len(s.Bytes)))
		if !ok {
			return 0, in.die(&TrapError{ReasonOutOfBounds, fmt.Errorf("data segment %d, of %d bytes at %#x: out of bounds", i, len(s.Bytes), s.Offset)})
		}
		copy(to, s.Bytes)
	}
	fuel := in.cfg.InitFuel
	spent := int64(0)
	run := func(export string, results int) error {
		f := in.module.ExportedFunction(export)
		if f == nil {
			return nil // an optional one
		}
		err := in.enter(f, fuel-spent, 0, results)
		spent += in.fuel.spent
		in.fuel.spent = spent
		return err
	}
	if p.Starts {
		if err := run(meter.ExportStart, 0); err != nil {
			return 0, err
		}
	}
	if err := run(abi.ExportInitialize, 0); err != nil {
		return 0, err
	}
	if err := run(abi.ExportMailbox, 1); err != nil {
		return 0, err
	}
	return uint32(in.stack[0]), nil
}

// boots has the engine build the instance. None of the guest's code runs.
func (in *Instance) boots() (err error) {
	in.boot = experimental.WithMemoryAllocator(context.Background(),
		experimental.MemoryAllocatorFunc(func(_, _ uint64) experimental.LinearMemory { return &in.memory }))
	in.life = running
	in.module, err = in.code.host.engine.InstantiateModule((*guestContext)(in), in.code.compiled, in.code.host.modules)
	in.boot = nil
	if err != nil {
		return in.trapped(err)
	}
	in.life = idle
	return nil
}

// register reads the mailbox at addr, checks it, keeps what the host needs of
// it, and tells the guest its grants.
func (in *Instance) register(addr uint32) error {
	box, ok := in.View(addr, abi.MailboxSize)
	if !ok {
		return &abi.MailboxError{Problem: fmt.Sprintf("mailbox at %#x is not inside the memory", addr)}
	}
	m := &in.mailbox
	m.Get(box)
	if err := m.Check(addr, uint64(len(in.memory.bytes))); err != nil {
		return fmt.Errorf("wasmhost: %w", err)
	}
	m.Grants, m.Minor = in.cfg.Grants, abi.Minor
	m.Put(box)
	in.mailAt, in.wants = addr, m.Wants

	// The views reach to the end of what the guest registered at most; what is
	// beyond the contract's largest sizes is left alone. The checks above have
	// put both inside the memory, which never shrinks.
	in.outboxRecords = int(min(m.OutboxRecords, abi.MaxOutboxRecords))
	var ok1, ok2 bool
	in.inbox, ok1 = in.View(m.Inbox, min(m.InboxBytes, abi.MaxInboxBytes))
	in.outbox, ok2 = in.View(m.Outbox, uint32(in.outboxRecords)*abi.RecordSize)
	if !ok1 || !ok2 {
		return errors.New("wasmhost: a checked mailbox reaches beyond the memory")
	}
	in.inboxAddr = m.Inbox
	in.back = inboxEnd(m.InboxBytes)
	return nil
}
