package runtime

import (
	"cmp"

	"github.com/seed-c6589352/wherry/wasmhost"
)

// ModuleLimits bounds what the module of a tenant may be: what it declares is
// memory and time of the host before any of its code runs. Each is the most that is
// allowed; a zero field takes the default in parentheses.
type ModuleLimits struct {
	Bytes        int    // size of the module (8 MiB)
	Types        uint32 // function types (10 000)
	Imports      uint32 // (1 000)
	Functions    uint32 // functions of its own (50 000)
	Exports      uint32 // (10 000)
	Globals      uint32 // (10 000)
	Tables       uint32 // (16)
	Segments     uint32 // data segments (100 000)
	Elements     uint32 // element segments (10 000)
	Params       uint32 // parameters or results of a type (1 000)
	Locals       uint32 // locals of a function (50 000)
	AllLocals    uint32 // locals of all functions (1 000 000)
	BodyBytes    uint32 // code of a function (256 KiB)
	Blocks       uint32 // blocks, loops and ifs within each other (5 000)
	Intricacy    uint64 // what makes compiling slow, at some 2 us each: see wasmhost.ModuleLimits (4 million)
	TableEntries uint32 // entries of a table, also after growing (10 000)
}

// MaxModuleBytes is the most that ModuleLimits.Bytes can be.
const MaxModuleBytes = 256 << 20

// host returns the configuration of the engine.
func (l ModuleLimits) host(cacheDir string, memoryPages uint32) wasmhost.Config {
	return wasmhost.Config{
		CacheDir:       cacheDir,
		MemoryPages:    memoryPages,
		MaxModuleBytes: cmp.Or(l.Bytes, 8<<20),
		Limits: wasmhost.ModuleLimits{
			Types: l.Types, Imports: l.Imports, Functions: l.Functions, Exports: l.Exports, Globals: l.Globals,
			Tables: l.Tables, Segments: l.Segments, Elements: l.Elements, Params: l.Params,
			Locals: l.Locals, AllLocals: l.AllLocals, BodyBytes: l.BodyBytes, Blocks: l.Blocks,
			Intricacy: l.Intricacy, TableEntries: l.TableEntries,
		},
	}
}

// HostConfig returns how the modules of c are admitted: for who wants to try one
// as a server with that configuration would.
func (c *Config) HostConfig() wasmhost.Config {
	pages := uint32(1)
	for i := range c.Tenants {
		pages = max(pages, c.Tenants[i].Limits.InstancePages())
	}
	host := c.Modules.host(c.CacheDir, pages)
	host.Unmetered = c.Unmetered
	return host
}

// Module returns what is known of the module that a tenant's new instances are made of.
func (s *Server) Module(tenant string) (wasmhost.Info, error) {
	t := s.tenants[tenant]
	if t == nil {
		return wasmhost.Info{}, ErrNotFound
	}
	if m := t.edition.Load(); m != nil {
		return m.Info(), nil
	}
	return wasmhost.Info{}, ErrNative
}
