package route

import (
	"bytes"
	"fmt"

	"skerry.dev/skerry/exchange"
	"skerry.dev/skerry/fault"
	"skerry.dev/skerry/spec"
)

// A Target is what a match leads to.
type Target struct {
	Entrypoint *spec.Entrypoint
	Route      *spec.Route
	Index      int    // dense over the table, in the order of entrypoints, then routes
	Label      string // "entrypoint/route", for metrics and logs

	names []string // of the {name} segments, in order
}

// A Table finds the target of a request. It never changes; many goroutines use it at once.
type Table struct {
	targets []Target
	exact   map[string]*tree // by host
	suffix  map[string]*tree // by what follows "*." of a wildcard host
	longest int              // bytes of the longest suffix
}

// New compiles a table of these entrypoints. With problems the table is nil.
func New(entrypoints []*spec.Entrypoint) (*Table, []fault.Problem) {
	total := 0
	for _, e := range entrypoints {
		total += len(e.Routes)
	}
	t := &Table{targets: make([]Target, 0, total), exact: map[string]*tree{}, suffix: map[string]*tree{}}
	var problems []fault.Problem
	compiler := newCompiler()
	compiler.packHosts(entrypoints)
	for _, e := range entrypoints {
		first := len(t.targets)
		for _, r := range e.Routes {
			t.targets = append(t.targets, Target{Entrypoint: e, Route: r, Index: len(t.targets), Label: e.Meta.Name + "/" + r.Name})
		}
		tree, ps := compiler.tree(e, t.targets[first:])
		problems = append(problems, ps...)
		problems = append(problems, t.addHosts(e, tree, compiler.hosts)...)
	}
	if len(problems) > 0 {
		return nil, problems
	}
	return t, nil
}

func (t *Table) addHosts(e *spec.Entrypoint, tr *tree, packed map[string]string) (problems []fault.Problem) {
	for _, host := range e.Hosts {
		host = packed[host]
		name, hosts := host, t.exact
		if len(host) > 2 && host[:2] == "*." {
			name, hosts = host[2:], t.suffix
			t.longest = max(t.longest, len(name))
		}
		normal, port, err := exchange.NormalHost([]byte(name), new(exchange.Scratch))
		switch other := hosts[name]; {
		case err != nil:
			problems = append(problems, problem(e.At, fmt.Sprintf("host %q: %s", host, textOf(err)), ""))
		case port != 0:
			problems = append(problems, problem(e.At, fmt.Sprintf("host %q names a port", host), "leave out the port: an entrypoint answers on every port the edge listens on"))
		case string(normal) != name:
			problems = append(problems, problem(e.At, fmt.Sprintf("host %q is not in normal form", host), fmt.Sprintf("write %q", host[:len(host)-len(name)]+string(normal))))
		case other != nil && other.entrypoint != e:
			problems = append(problems, problem(e.At, fmt.Sprintf("host %q belongs to entrypoint %q already", host, other.entrypoint.Meta.Name), "give each host to one entrypoint"))
		}
		hosts[name] = tr
	}
	return problems
}

// Targets returns every target, Targets()[i].Index == i. It must not be changed.
func (t *Table) Targets() []Target { return t.targets }

// Match returns the target of a request whose host and path are in normal form, and the entrypoint of its host; the
// target is nil if the entrypoint has no route for it, both are nil if no entrypoint has the host. The values of
// {name} segments go to x.Facts.Entry.Params, views of the path.
func (t *Table) Match(x *exchange.Exchange) (*Target, *spec.Entrypoint) {
	return t.MatchPath(x, x.Req.Path)
}

// MatchPath is Match for another path than the request's.
func (t *Table) MatchPath(x *exchange.Exchange, path []byte) (*Target, *spec.Entrypoint) {
	x.Facts.Entry.Params = x.Facts.Entry.Params[:0]
	tr := t.tree(x.Req.Host)
	if tr == nil {
		return nil, nil
	}
	r := tr.find(x, path)
	if r == nil {
		return nil, tr.entrypoint
	}
	if params := x.Facts.Entry.Params; len(params) > 0 {
		for i, name := range r.target.names {
			params[i].Name = name
		}
	}
	return r.target, tr.entrypoint
}

// SameRaw reports whether the path as sent, x.Req.RawPath, leads to the same target as its normal form did. It says no
// to dot segments: an origin that gets the raw form would resolve them in its own way. It leaves x as it was.
func (t *Table) SameRaw(x *exchange.Exchange, target *Target) bool {
	if bytes.Equal(x.Req.RawPath, x.Req.Path) {
		return true
	}
	tr := t.tree(x.Req.Host)
	if tr == nil || exchange.HasDotSegment(x.Req.RawPath) {
		return false
	}
	kept := x.Facts.Entry.Params
	r := tr.find(x, x.Req.RawPath)
	x.Facts.Entry.Params = x.Facts.Entry.Params[:len(kept)]
	return r != nil && r.target == target
}

// tree returns the routes of the host: its own, or those of the longest wildcard above it.
func (t *Table) tree(host []byte) *tree {
	if tr := t.exact[string(host)]; tr != nil {
		return tr
	}
	if len(t.suffix) == 0 {
		return nil
	}
	for {
		dot := bytes.IndexByte(host, '.')
		if dot < 0 {
			return nil
		}
		if host = host[dot+1:]; len(host) > t.longest {
			continue
		}
		if tr := t.suffix[string(host)]; tr != nil {
			return tr
		}
	}
}

func problem(at spec.Pos, text, fix string) fault.Problem {
	return fault.Problem{File: at.File, Line: at.Line, Col: at.Col, Text: text, Fix: fix}
}

// textOf is the text of a refusal by the normal form, without its kind.
func textOf(err error) string {
	if f, ok := err.(*fault.Error); ok {
		return f.Text
	}
	return err.Error()
}
