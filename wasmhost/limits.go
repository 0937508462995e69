package wasmhost

// ModuleLimits bounds what a module may declare. Each is the most that is
// allowed; a zero field takes the default in parentheses.
type ModuleLimits struct {
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
	Intricacy    uint64 // sum over all functions of branches x (locals + branches / 16) + 4 x calls + 2 x values beyond 8 that a call, block or branch carries: what makes compiling slow, at some 2 us each (4 million)
	TableEntries uint32 // entries of a table, also after growing (10 000); four times as many in element segments
	MemoryPages  uint32 // set by the host: Config.MemoryPages
}
