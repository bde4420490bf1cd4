package compile

import (
	"slices"
	"strconv"
	"strings"

	"skerry.dev/skerry/aws/model"
)

// load is what resources take of a stack.
type load struct {
	resources     int
	distributions int
	dynamic       int         // references to secrets, "{{resolve:…}}"
	bytes         int         // of the template
	refs          []model.Ref // each once
}

func (l *load) add(m *load) {
	l.resources += m.resources
	l.distributions += m.distributions
	l.dynamic += m.dynamic
	l.bytes += m.bytes
}

// loads are those of resources that have been weighed: each is weighed once.
type loads map[*model.Resource]*load

// of weighs a resource.
func (l loads) of(r *model.Resource) *load {
	if known := l[r]; known != nil {
		return known
	}
	w := &weigher{load: load{resources: 1}, depth: propertiesDepth}
	if _, ok := r.Props.(*model.Distribution); ok {
		w.distributions = 1
	}
	w.bytes = resourceBytes + len(r.ID) + len(r.Type()) + len(r.Owner)
	for _, d := range r.DependsOn {
		w.bytes += lineBytes + len(d.ID)
	}
	model.Walk(r.Props, w.visit)
	l[r] = &w.load
	return l[r]
}

// sum weighs several.
func (l loads) sum(list []*model.Resource) load {
	var out load
	for _, r := range list {
		out.add(l.of(r))
	}
	return out
}

// crossing counts, of each resource, the attributes that resources of other units refer to: they may come to stand in other
// stacks.
func (l loads) crossing(lists ...[]unit) map[*model.Resource]int {
	home := make(map[*model.Resource]*unit, len(l))
	for _, list := range lists {
		for i := range list {
			for _, r := range list[i].resources {
				home[r] = &list[i]
			}
		}
	}
	seen := map[model.Ref]bool{}
	out := map[*model.Resource]int{}
	for r, in := range home {
		for _, ref := range l.of(r).refs {
			if home[ref.Resource] != in && !seen[ref] {
				seen[ref] = true
				out[ref.Resource]++
			}
		}
	}
	return out
}

// exports is how many attributes of each stack's resources other stacks refer to.
func (l loads) exports(d *model.Deployment) map[*model.Stack]int {
	seen := map[model.Ref]bool{}
	out := map[*model.Stack]int{}
	for _, s := range d.Stacks {
		for _, r := range s.Resources {
			for _, ref := range l.of(r).refs {
				if ref.Resource.Stack != s && !seen[ref] {
					seen[ref] = true
					out[ref.Resource.Stack]++
				}
			}
		}
	}
	return out
}

const (
	// resourceBytes is what a resource takes of a template beside its id, type, owner and properties, in bytes: its braces, the
	// words Type, Metadata, Properties and DeletionPolicy, the indent.
	resourceBytes = 300
	// lineBytes is what a line of a list takes beside its text, in bytes.
	lineBytes = 16
	// propertiesDepth is how deep the properties of a resource stand in a template.
	propertiesDepth = 3
	// importBytes is what an import of another stack's export takes beside the names, in bytes: it is the longest form of a
	// reference.
	importBytes = 60
)

// weigher adds up how long properties are as JSON with two spaces for each level, in bytes. Letters that JSON escapes count as escaped,
// and those that it may escape too.
type weigher struct {
	load
	depth int
	open  []model.Step // the objects and lists around
}

func (w *weigher) visit(step model.Step, name string, leaf any) {
	if step == model.End {
		w.depth--
		w.open = w.open[:len(w.open)-1]
		return
	}
	if n := len(w.open); n > 0 {
		w.bytes += len("\n,") + 2*w.depth
		if w.open[n-1] == model.Object {
			w.bytes += len(": ") + textWidth(name)
		}
	}
	if step == model.Leaf {
		w.leaf(leaf, w.depth)
		return
	}
	w.bytes += len("{}") + 1 + 2*w.depth
	w.depth++
	w.open = append(w.open, step)
}

// leaf counts what stands for a value in a template, or something as long.
func (w *weigher) leaf(v any, depth int) {
	switch v := v.(type) {
	case model.Text:
		w.dynamic += strings.Count(string(v), "{{resolve:")
		w.bytes += textWidth(string(v))
	case model.Int:
		w.bytes += digits(int64(v))
	case model.Float:
		w.bytes += len(strconv.FormatFloat(float64(v), 'g', -1, 64))
	case model.Bool, bool:
		w.bytes += len("false")
	case model.Ref:
		if !slices.Contains(w.refs, v) {
			w.refs = append(w.refs, v)
		}
		w.bytes += importBytes + len(v.Resource.ID) + len(v.Attr) + len(sharedStack) + len(`""`)
	case model.Join:
		w.bytes += importBytes + len("[]") + 1 + 2*depth
		for _, part := range v {
			w.bytes += len("\n,") + 2*(depth+1)
			w.leaf(part, depth+1)
		}
	case model.Pseudo:
		w.bytes += importBytes + len(`""`)
	case model.Value:
		w.bytes += len(`""`)
	case string:
		w.bytes += textWidth(v)
	default:
		w.bytes += len("null") + importBytes // free JSON has few other kinds
	}
}

func digits(n int64) int {
	var buf [20]byte
	return len(strconv.AppendInt(buf[:0], n, 10))
}

func textWidth(s string) int {
	n := len(s) + len(`""`)
	for _, c := range []byte(s) {
		switch {
		case c == '"' || c == '\\' || c == '\n' || c == '\t' || c == '\r':
			n++
		case c < ' ' || c == '<' || c == '>' || c == '&':
			n += len(`\u0000`) - 1
		}
	}
	return n
}

// targets are the resources that a resource refers to.
func (l loads) targets(r *model.Resource) []*model.Resource {
	var out []*model.Resource
	for _, ref := range l.of(r).refs {
		out = append(out, ref.Resource)
	}
	return out
}
