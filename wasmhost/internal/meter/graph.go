package meter

// A graph is who calls whom: the module's own functions, and behind them a node
// for each type of function, by which a call through a table goes to all
// functions of that type that a table may lead to.
//
// It is walked once, depth first. An edge back to where the walk comes from
// closes a cycle, and the function it leads to is counted; one that is left
// without such an edge calls nothing but what was left before it, so the deepest
// stack that it can make is known then.
type graph struct {
	m      *Module
	kind   map[string]uint32 // type nodes by their types, which a module may repeat
	ofType []uint32          // the node of each type
	kinds  [][]uint32        // functions of each type node
	state  []walkState
	height []uint32 // of each node: bytes of stack that it takes with all that it calls and is not counted
	counts []bool
	path   []step
}

type walkState uint8

const (
	unseen walkState = iota
	onPath
	left
)

// A step is a node on the way of the walk, and how many of its edges it has
// taken.
type step struct{ node, edge uint32 }

// maxHeight is the most stack that a chain of calls may take that does not count,
// in bytes: the last function of a deeper one counts as well.
const maxHeight = 64 << 10

// frameBytes estimates the frame of a function. The engine gives every value that
// does not stay in a register a place of its own; of common code about one in
// eight does not. Code that is made for it may take up to eight times as much. Many
// results of a call or a block have a place of their own all, and so has each
// version of a local where several come together.
func (f *function) frameBytes() uint32 {
	return uint32(min(64+8*uint64(f.locals)+uint64(f.shape.values)+4*f.shape.carried+f.shape.merged, 1<<30))
}

// newGraph finds the functions that count. In the result, height is what each of
// those counts.
func newGraph(m *Module) *graph {
	g := &graph{m: m, kind: make(map[string]uint32)}
	for _, t := range m.types {
		key := typeKey(t)
		node, ok := g.kind[key]
		if !ok {
			node = uint32(len(g.kinds))
			g.kind[key] = node
			g.kinds = append(g.kinds, nil)
		}
		g.ofType = append(g.ofType, node)
	}
	imports := len(m.imports)
	for i := range m.funcs {
		if imports+i < len(m.taken) && m.taken[imports+i] {
			node := g.ofType[m.funcs[i].typ]
			g.kinds[node] = append(g.kinds[node], uint32(i))
		}
	}
	n := len(m.funcs) + len(g.kinds)
	g.state, g.height, g.counts = make([]walkState, n), make([]uint32, n), make([]bool, n)
	for i := range m.funcs {
		if g.state[i] == unseen {
			g.walk(uint32(i))
		}
	}
	return g
}

func typeKey(t FuncType) string {
	key := make([]byte, 0, len(t.Params)+len(t.Results)+1)
	for _, p := range t.Params {
		key = append(key, byte(p))
	}
	key = append(key, 0)
	for _, r := range t.Results {
		key = append(key, byte(r))
	}
	return string(key)
}

// edge returns where the i-th edge of a node leads, and false where there is
// none.
func (g *graph) edge(node, i uint32) (to uint32, ok bool) {
	funcs := uint32(len(g.m.funcs))
	if node >= funcs {
		kind := g.kinds[node-funcs]
		if uint64(i) >= uint64(len(kind)) {
			return 0, false
		}
		return kind[i], true
	}
	c := &g.m.calls[node]
	direct := uint32(len(c.direct))
	if i < direct {
		return c.direct[i] - uint32(len(g.m.imports)), true
	}
	if i -= direct; uint64(i) < uint64(len(c.types)) {
		return funcs + g.ofType[c.types[i]], true
	}
	return 0, false
}

func (g *graph) walk(from uint32) {
	g.enter(from)
	for len(g.path) > 0 {
		at := &g.path[len(g.path)-1]
		to, ok := g.edge(at.node, at.edge)
		if !ok {
			g.leave(at.node)
			continue
		}
		at.edge++
		switch g.state[to] {
		case unseen:
			g.enter(to)
		case onPath:
			if uint64(to) < uint64(len(g.m.funcs)) {
				g.counts[to] = true
			} else {
				// Of a type nothing can be counted, but the function that calls
				// by it is on the same cycle.
				g.counts[at.node] = true
			}
		case left:
			g.reaches(at.node, to)
		}
	}
}

func (g *graph) enter(node uint32) {
	g.state[node] = onPath
	g.path = append(g.path, step{node: node})
}

// leave ends a node of which everything is known.
func (g *graph) leave(node uint32) {
	if uint64(node) < uint64(len(g.m.funcs)) {
		g.height[node] += g.m.funcs[node].frameBytes()
		g.counts[node] = g.counts[node] || g.height[node] > maxHeight
	}
	g.state[node] = left
	g.path = g.path[:len(g.path)-1]
	if len(g.path) > 0 {
		g.reaches(g.path[len(g.path)-1].node, node)
	}
}

// reaches notes that one node calls another that was left.
func (g *graph) reaches(node, to uint32) {
	if !g.counts[to] {
		g.height[node] = max(g.height[node], g.height[to])
	}
}
