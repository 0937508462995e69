package wasmhost

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"sync"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"

	"github.com/seed-c6589352/wherry/wasmhost/internal/meter"
)

// pageBytes is the size of a page of WebAssembly memory; maxPages is how many
// pages an address of 32 bits can reach.
const (
	pageBytes = 64 << 10
	maxPages  = 1 << 16
)

// Config sets up a [Host]. A zero field takes the default in parentheses.
type Config struct {
	// CacheDir keeps compiled code between runs of the process; it is created
	// if it does not exist. What is damaged there is found and compiled again, but
	// who can write to it can have anything executed, so nobody else may. (in
	// memory only)
	CacheDir string
	// MaxModuleBytes is the largest module that is looked at. (8 MiB)
	MaxModuleBytes int
	// Limits bounds what a module may declare.
	Limits ModuleLimits
	// MemoryPages is the most memory that any instance gets, in pages of
	// 64 KiB, at most 65536; a module that starts with more is refused. (256)
	MemoryPages uint32
	// Unmetered runs guests without counting fuel or stack. It is for measuring
	// what that costs: such a guest can stop its loop, and the process, for ever.
	Unmetered bool

	noImage   bool // every instance initialises by itself; for tests
	interpret bool // by the engine's interpreter; for tests
}

func (c Config) withDefaults() Config {
	return Config{
		CacheDir:       c.CacheDir,
		MaxModuleBytes: cmp.Or(c.MaxModuleBytes, 8<<20),
		MemoryPages:    cmp.Or(c.MemoryPages, 256),
		Limits:         c.Limits,
		Unmetered:      c.Unmetered,
		noImage:        c.noImage,
		interpret:      c.interpret,
	}
}

// Errors of a host that is used or closed at the wrong time.
var (
	ErrHostClosed = errors.New("wasmhost: host is closed")
	ErrHostInUse  = errors.New("wasmhost: host has live instances")
)

// A Host is the engine and the code that it has compiled. One is enough for a
// process. It is safe for concurrent use.
type Host struct {
	// Set by New, never changed.
	cfg     Config
	engine  wazero.Runtime
	cache   wazero.CompilationCache
	seals   *codeCache
	modules wazero.ModuleConfig // what every instance of a guest starts from
	imports map[importName]hostcall

	mu        sync.Mutex
	codes     map[Digest]*code // Guarded by mu.
	instances int              // Guarded by mu.
	closed    bool             // Guarded by mu.
}

// New returns a host. The error is about cfg: a limit out of range, or a cache
// directory that cannot be used.
func New(cfg Config) (*Host, error) {
	cfg = cfg.withDefaults()
	if cfg.MaxModuleBytes < 0 || cfg.MemoryPages > maxPages {
		return nil, fmt.Errorf("wasmhost: limits out of range: module %d bytes, memory %d pages", cfg.MaxModuleBytes, cfg.MemoryPages)
	}
	cache, seals := wazero.NewCompilationCache(), new(codeCache)
	if cfg.CacheDir != "" {
		seals.dir = cfg.CacheDir
		if err := seals.check(); err != nil {
			return nil, err
		}
		var err error
		if cache, err = wazero.NewCompilationCacheWithDir(cfg.CacheDir); err != nil {
			return nil, fmt.Errorf("wasmhost: compile cache: %w", err)
		}
	}
	h := &Host{
		cfg:     cfg,
		cache:   cache,
		seals:   seals,
		imports: make(map[importName]hostcall),
		codes:   make(map[Digest]*code),
		// Without a name, because the name section of a module is the guest's:
		// one called "wherry_v1" would be linked into its neighbours. With a
		// source of randomness, or every instance seeds a generator for 20 us.
		modules: wazero.NewModuleConfig().WithName("").WithStartFunctions().WithRandSource(rand.Reader),
	}
	engine := wazero.NewRuntimeConfig()
	if cfg.interpret {
		engine = wazero.NewRuntimeConfigInterpreter()
	}
	h.engine = wazero.NewRuntimeWithConfig(context.Background(), engine.
		WithCompilationCache(cache).
		WithCoreFeatures(api.CoreFeaturesV2).
		WithMemoryLimitPages(cfg.MemoryPages).
		WithDebugInfoEnabled(false)) // line tables are the guest's, and large
	if err := h.link(); err != nil {
		return nil, errors.Join(err, h.Close())
	}
	return h, nil
}

// link offers every hostcall to the guests of h.
func (h *Host) link() error {
	builders := make(map[string]wazero.HostModuleBuilder)
	for _, c := range append(append(hostcalls(), wasiCalls()...), refillCall()) {
		b := builders[c.module]
		if b == nil {
			b = h.engine.NewHostModuleBuilder(c.module)
			builders[c.module] = b
		}
		b.NewFunctionBuilder().WithName(c.name).
			WithGoFunction(api.GoFunc(c.enter), c.params, c.results).
			Export(c.name)
		if c.module != meter.ImportModule {
			h.imports[c.importName] = c
		}
	}
	for name, b := range builders {
		if _, err := b.Instantiate(context.Background()); err != nil {
			return fmt.Errorf("wasmhost: hostcalls of %s: %w", name, err)
		}
	}
	return nil
}

// Close releases the engine and all compiled code. It refuses with
// [ErrHostInUse] while an instance lives, whose memory would vanish under it.
// A second call does nothing.
func (h *Host) Close() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return nil
	}
	if h.instances != 0 {
		return fmt.Errorf("%w: %d", ErrHostInUse, h.instances)
	}
	h.closed = true
	h.seals.seal(true)
	for _, c := range h.codes {
		c.freeImage() // of modules that nobody has closed
	}
	clear(h.codes)
	ctx := context.Background()
	if err := errors.Join(h.engine.Close(ctx), h.cache.Close(ctx)); err != nil {
		return fmt.Errorf("wasmhost: close: %w", err)
	}
	return nil
}

// hold returns the code with this digest, held once more, and whether the
// caller is the first and has to compile it.
func (h *Host) hold(d Digest) (c *code, first bool, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return nil, false, ErrHostClosed
	}
	c, ok := h.codes[d]
	if !ok {
		c = &code{host: h, digest: d, ready: make(chan struct{})}
		h.codes[d] = c
	}
	c.refs++
	return c, !ok, nil
}

// drop undoes one hold; the last one frees the code.
func (h *Host) drop(c *code) {
	h.mu.Lock()
	defer h.mu.Unlock()
	c.refs--
	if c.refs > 0 {
		return
	}
	if h.codes[c.digest] == c {
		delete(h.codes, c.digest)
	}
	c.freeImage()
	if c.compiled != nil && !h.closed {
		// It closes without an error: nothing but the engine's table is involved.
		_ = c.compiled.Close(context.Background())
	}
}

// freeImage gives back the copy that instances start from. To be called with the
// host's lock, while there is no instance.
func (c *code) freeImage() {
	if c.image != nil {
		c.image.free()
		c.image = nil
	}
}

// enlist counts an instance of c, which keeps the host open and c compiled.
func (h *Host) enlist(c *code) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case h.closed:
		return ErrHostClosed
	case c.refs == 0: // its module was closed at the same time
		return fmt.Errorf("wasmhost: module %s is closed", c.digest)
	}
	h.instances++
	c.refs++
	return nil
}

// discharge undoes enlist.
func (h *Host) discharge(c *code) {
	h.mu.Lock()
	h.instances--
	h.mu.Unlock()
	h.drop(c)
}
