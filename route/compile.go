package route

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"

	"skerry.dev/skerry/exchange"
	"skerry.dev/skerry/fault"
	"skerry.dev/skerry/spec"
)

// compiler makes trees; it goes from one entrypoint to the next because it shares between them what is equal.
type compiler struct {
	texts  map[string]string   // paths: entrypoints of one company look alike
	shapes map[string]*shapes  // by the bytes of the list
	names  map[string][]string // lists of the names of {name} segments, by the list joined
	hosts  map[string]string   // hosts, their bytes side by side
	groups map[place][]rule    // of the entrypoint at work
	places []place             // keys of groups, in the order of the document
}

// packHosts copies the names of all hosts into one piece of memory: a match compares one of them, and side by side they
// stay in the processor's caches.
func (c *compiler) packHosts(entrypoints []*spec.Entrypoint) {
	var all strings.Builder
	for _, e := range entrypoints {
		for _, host := range e.Hosts {
			all.WriteString(host)
		}
	}
	packed, at := all.String(), 0
	c.hosts = map[string]string{}
	for _, e := range entrypoints {
		for _, host := range e.Hosts {
			c.hosts[host] = packed[at : at+len(host)]
			at += len(host)
		}
	}
}

// place is where rules meet: one path, whatever its {name}s are called.
type place struct {
	shape shape
	path  string // {name} written as {}
}

func newCompiler() *compiler {
	return &compiler{texts: map[string]string{}, shapes: map[string]*shapes{}, names: map[string][]string{}, groups: map[place][]rule{}}
}

// tree compiles the routes of one entrypoint.
func (c *compiler) tree(e *spec.Entrypoint, targets []Target) (*tree, []fault.Problem) {
	t := &tree{entrypoint: e}
	clear(c.groups)
	c.places = c.places[:0]
	var anyPath []rule
	var problems []fault.Problem
	for i := range targets {
		m := &targets[i].Route.Match
		r := rule{target: &targets[i], when: newPredicate(m)}
		if m.Path.Kind == spec.PathAny {
			anyPath = append(anyPath, r)
			continue
		}
		at, text, fix := c.place(m.Path, &r)
		if text != "" {
			problems = append(problems, problem(targets[i].Route.At, text, fix))
			continue
		}
		if _, known := c.groups[at]; !known {
			c.places = append(c.places, at)
		}
		c.groups[at] = append(c.groups[at], r)
	}
	if len(problems) > 0 {
		return t, problems
	}
	order := func(rules []rule) []rule {
		slices.SortStableFunc(rules, compareRules)
		problems = append(problems, unreachable(rules)...)
		return rules
	}
	c.layShapes(t)
	// A quarter of the slots is free: fewer make long clusters, more make less use of the processor's caches.
	t.slots = make([]rule, len(c.places)*4/3+1)
	for _, at := range c.places {
		t.laySlot(at, order(c.groups[at]))
	}
	t.any = t.lay(order(anyPath))
	return t, problems
}

// place finds where the rule of a path stands, and fills in its path and names.
func (c *compiler) place(m spec.PathMatch, r *rule) (at place, text, fix string) {
	if text, fix = checkPath(m.Path); text != "" {
		return at, text, fix
	}
	path := m.Path
	switch m.Kind {
	case spec.PathExact:
		at.shape.kind = kindExact
	case spec.PathPattern:
		at.shape.kind = kindPattern
	default: // whole segments: "/a/" is the prefix "/a"
		at.shape.kind, path = kindPrefix, strings.TrimSuffix(path, "/")
	}
	for rest := path; rest != ""; at.shape.depth++ {
		segment := rest[1:]
		if i := strings.IndexByte(segment, '/'); i >= 0 {
			segment = segment[:i]
		}
		rest = rest[1+len(segment):]
		if at.shape.depth == maxSegments {
			return at, fmt.Sprintf("path %q has more than %d segments", m.Path, maxSegments), "match a prefix of it"
		}
		if at.shape.kind == kindExact {
			continue
		}
		name, named, bad := segmentName(segment, r.target.names)
		if bad != "" {
			return at, fmt.Sprintf("path %q: %s", m.Path, bad), ""
		}
		if named {
			at.shape.named |= 1 << (31 - at.shape.depth)
			r.target.names = append(r.target.names, name)
		}
	}
	if key := strings.Join(r.target.names, "/"); key != "" {
		if c.names[key] == nil {
			c.names[key] = r.target.names
		}
		r.target.names = c.names[key]
	}
	for _, name := range r.target.names {
		path = strings.Replace(path, "{"+name+"}", "{}", 1)
	}
	if _, known := c.texts[path]; !known {
		c.texts[path] = path
	}
	at.path = c.texts[path]
	r.path = at.path
	return at, "", ""
}

// lay puts rules, in order, beside the table.
func (t *tree) lay(rules []rule) span {
	from := uint32(len(t.more))
	t.more = append(t.more, rules...)
	return span{from, uint32(len(t.more))}
}

// laySlot puts the rules of one place, in order, into the table.
func (t *tree) laySlot(at place, rules []rule) {
	p := split{path: []byte(at.path)}
	p.cut(int(at.shape.depth))
	key := at.shape.key(&p.sums)
	i := t.home(key)
	for t.slots[i].target != nil {
		if i++; i == len(t.slots) {
			i = 0
		}
	}
	first := rules[0]
	first.shape, first.tag, first.more = at.shape, uint32(key), t.lay(rules[1:])
	t.slots[i] = first
}

// layShapes orders the shapes: exact paths, patterns with static segments first, longer prefixes first.
func (c *compiler) layShapes(t *tree) {
	var list []shape
	deepest := 0
	for _, at := range c.places {
		if !slices.Contains(list, at.shape) {
			list = append(list, at.shape)
			deepest = max(deepest, int(at.shape.depth))
		}
	}
	slices.SortFunc(list, func(a, b shape) int {
		return cmp.Or(cmp.Compare(a.kind, b.kind), cmp.Compare(b.depth, a.depth), cmp.Compare(a.named, b.named))
	})
	var key []byte
	for _, s := range list {
		key = append(binary.LittleEndian.AppendUint32(key, s.named), s.depth, byte(s.kind))
	}
	if c.shapes[string(key)] == nil {
		c.shapes[string(key)] = &shapes{list, deepest}
	}
	t.shapes = c.shapes[string(key)]
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
