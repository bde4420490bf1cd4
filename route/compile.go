package route

import (
	"fmt"
	"slices"
	"strings"

	"skerry.dev/skerry/exchange"
	"skerry.dev/skerry/fault"
	"skerry.dev/skerry/spec"
)

// newTree compiles the routes of one entrypoint.
func newTree(e *spec.Entrypoint, targets []Target) (*tree, []fault.Problem) {
	b := builder{tree: &tree{entrypoint: e}, children: map[edge]uint32{}}
	b.addNode(root, "")
	var problems []fault.Problem
	for i := range targets {
		problems = append(problems, b.addRoute(&targets[i])...)
	}
	if len(problems) > 0 {
		return b.tree, problems
	}
	if len(b.tree.nodes) > maxNodes {
		return b.tree, []fault.Problem{problem(e.At, fmt.Sprintf("entrypoint %q has more than %d different path segments", e.Meta.Name, maxNodes), "split it into several entrypoints")}
	}
	problems = b.layRules()
	b.laySlots()
	b.layNear()
	return b.tree, problems
}

// builder is a tree on its way.
type builder struct {
	tree     *tree
	children map[edge]uint32
	at       [][kinds][]rule // by node and kind
	any      []rule
	named    bool // a prefix has a {name}
}

type edge struct {
	parent  uint32
	segment string
}

// The kinds of rules at a node, in the order of its spans.
const (
	kindExact = iota
	kindPattern
	kindPrefix
	kinds
)

func (b *builder) addNode(parent uint32, segment string) uint32 {
	b.tree.nodes = append(b.tree.nodes, node{parent: parent, segment: segment})
	b.at = append(b.at, [kinds][]rule{})
	return uint32(len(b.tree.nodes) - 1)
}

// step returns the child of a node for a segment, made if it is not there.
func (b *builder) step(parent uint32, segment string, named bool) uint32 {
	if named {
		if b.tree.nodes[parent].name == 0 {
			child := b.addNode(parent, "")
			b.tree.nodes[parent].name = child
		}
		return b.tree.nodes[parent].name
	}
	key := edge{parent, segment}
	child, ok := b.children[key]
	if !ok {
		child = b.addNode(parent, segment)
		b.children[key] = child
	}
	return child
}

func (b *builder) addRoute(target *Target) []fault.Problem {
	m := &target.Route.Match
	r := rule{target: target, when: newPredicate(m)}
	if m.Path.Kind == spec.PathAny {
		b.any = append(b.any, r)
		return nil
	}
	path := m.Path.Path
	if text, fix := checkPath(path); text != "" {
		return []fault.Problem{problem(target.Route.At, text, fix)}
	}
	kind := map[spec.PathKind]int{spec.PathExact: kindExact, spec.PathPattern: kindPattern, spec.PathPrefix: kindPrefix}[m.Path.Kind]
	if kind == kindPrefix { // whole segments: "/a/" is the prefix "/a"
		path = strings.TrimSuffix(path, "/")
	}
	n, depth := uint32(root), 0
	for path != "" {
		segment, rest := path[1:], ""
		if i := strings.IndexByte(segment, '/'); i >= 0 {
			segment, rest = segment[:i], segment[i:]
		}
		name, named, bad := "", false, ""
		if kind != kindExact {
			name, named, bad = segmentName(segment, r.names)
		}
		if bad != "" {
			return []fault.Problem{problem(target.Route.At, fmt.Sprintf("path %q: %s", m.Path.Path, bad), "")}
		}
		if named {
			r.names = append(r.names, name)
		}
		n, path, depth = b.step(n, segment, named), rest, depth+1
	}
	if kind == kindPrefix {
		b.named = b.named || len(r.names) > 0
		b.tree.deepest = max(b.tree.deepest, depth)
	}
	b.at[n][kind] = append(b.at[n][kind], r)
	return nil
}

// checkPath says what is wrong with a path of a spec and how to mend it.
func checkPath(path string) (text, fix string) {
	normal, err := exchange.NormalPath([]byte(path), new(exchange.Scratch))
	switch {
	case err != nil:
		return fmt.Sprintf("path %q can never match: %s", path, textOf(err)), ""
	case string(normal) != path:
		return fmt.Sprintf("path %q can never match: it is not in normal form", path), fmt.Sprintf("write %q", normal)
	}
	return "", ""
}

// segmentName returns the name of a {name} segment.
func segmentName(segment string, taken []string) (name string, named bool, bad string) {
	if !strings.ContainsAny(segment, "{}") {
		return "", false, ""
	}
	name, ok := strings.CutPrefix(segment, "{")
	if ok {
		name, ok = strings.CutSuffix(name, "}")
	}
	for i, c := range []byte(name) {
		letter := 'a' <= c|0x20 && c|0x20 <= 'z' || c == '_'
		ok = ok && (letter || i > 0 && ('0' <= c && c <= '9' || c == '-'))
	}
	switch {
	case !ok || name == "":
		return "", false, fmt.Sprintf("segment %q is not {name}, a whole segment of letters, digits, '_' and '-'", segment)
	case name == "path" || name == "query":
		return "", false, fmt.Sprintf("{%s} is taken: a redirect uses it for the %s of the request", name, name)
	case slices.Contains(taken, name):
		return "", false, fmt.Sprintf("{%s} stands in it twice", name)
	}
	return name, true, ""
}

// layRules puts the rules of all nodes into one array, each span in its order of precedence.
func (b *builder) layRules() (problems []fault.Problem) {
	t := b.tree
	lay := func(rules []rule) uint32 {
		slices.SortStableFunc(rules, compareRules)
		problems = append(problems, unreachable(rules)...)
		t.rules = append(t.rules, rules...)
		return uint32(len(t.rules))
	}
	for i := range t.nodes {
		n, rules := &t.nodes[i], &b.at[i]
		n.first = uint32(len(t.rules))
		n.exact, n.pattern, n.prefix = lay(rules[kindExact]), lay(rules[kindPattern]), lay(rules[kindPrefix])
	}
	t.any.from = uint32(len(t.rules))
	t.any.to = lay(b.any)
	return problems
}

// unreachable reports rules of one path, in order, that stand behind one that asks for nothing more than the path.
// Others may be hidden as well; this is the case that is always a mistake.
func unreachable(rules []rule) (problems []fault.Problem) {
	for i := 1; i < len(rules); i++ {
		if taker := rules[i-1]; taker.when == nil {
			r := rules[i].target.Route
			problems = append(problems, problem(r.At, fmt.Sprintf("route %q can never match: route %q before it takes every request of this path", r.Name, taker.target.Route.Name), "remove one, or give the first one methods, headers or query"))
		}
	}
	return problems
}

// laySlots builds the hash table of the static children, at most half full.
func (b *builder) laySlots() {
	t := b.tree
	size := 2
	for size < 2*len(t.nodes) {
		size *= 2
	}
	t.slots = make([]uint32, size)
	mask := uint32(size - 1)
	for i := 1; i < len(t.nodes); i++ {
		n := &t.nodes[i]
		if t.nodes[n.parent].name == uint32(i) {
			continue
		}
		h := hash(n.parent, []byte(n.segment))
		at := h & mask
		for t.slots[at] != 0 {
			at = (at + 1) & mask
		}
		t.slots[at] = h&^nodeMask | uint32(i)
	}
}

// layNear tells every node what is above and below it; a parent has a smaller number than its children.
func (b *builder) layNear() {
	t := b.tree
	if !b.named {
		t.deepest = 0
	}
	for i := range t.nodes {
		n := &t.nodes[i]
		n.near = t.nodes[n.parent].near
		if n.prefix > n.pattern {
			n.near = uint32(i) + 1
		}
	}
	for i := len(t.nodes) - 1; i > 0; i-- {
		n := &t.nodes[i]
		below := n.below
		if n.pattern > n.exact {
			below |= belowPattern
		}
		if n.prefix > n.pattern {
			below |= belowPrefix
		}
		t.nodes[n.parent].below |= below
	}
}
