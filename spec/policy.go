package spec

import (
	"slices"
	"strings"
)

// policyDoc is Policy as a document says it.
type policyDoc struct {
	log       val[Switch]
	requestID val[Switch]
	forwarded val[Forwarded]
	errors    val[Errors]
	path      val[PathForm]
	websocket val[Switch]
	methods   val[[]string]
	headers   val[headersDoc]
}

type headersDoc struct{ request, response val[editsDoc] }

type editsDoc struct {
	set    val[[]val[Pair]]
	remove val[[]val[string]]
}

// A policyRow is a field of the policy, and how it gets into the model and back. The headers are no such row: they are
// merged name by name.
type policyRow struct {
	field[policyDoc]
	set   func(*policyDoc) (Pos, bool) // whether a document sets it, and where
	take  func(from *policyDoc, into *Policy)
	tell  func(from *Policy, into *policyDoc)
	write func(*policyDoc) any
}

func say[V any](name string, at func(*policyDoc) *val[V], in func(*Policy) **V, is shape[V], doc string) policyRow {
	return policyRow{
		field: row(name, at, is, doc),
		set:   func(d *policyDoc) (Pos, bool) { v := at(d); return v.At, v.Set },
		take: func(d *policyDoc, p *Policy) {
			v := at(d).V
			*in(p) = &v
		},
		tell: func(p *Policy, d *policyDoc) {
			if v := *in(p); v != nil {
				*at(d) = said(*v)
			}
		},
		write: func(d *policyDoc) any { return is.write(at(d).V) },
	}
}

// policyRows is the table of the policy, in the order in which documents are formatted and explained.
var policyRows = []policyRow{
	say("log", func(d *policyDoc) *val[Switch] { return &d.log }, func(p *Policy) **Switch { return &p.Log }, onOff,
		"Whether each exchange is logged as one event."),
	say("requestID", func(d *policyDoc) *val[Switch] { return &d.requestID }, func(p *Policy) **Switch { return &p.RequestID }, onOff,
		"Whether X-Request-Id is set towards the service and on the response."),
	say("forwarded", func(d *policyDoc) *val[Forwarded] { return &d.forwarded }, func(p *Policy) **Forwarded { return &p.Forwarded },
		oneOf(ForwardedSet, ForwardedRemove, ForwardedKeep),
		"What the service gets of X-Forwarded-* and Forwarded: set by the edge, remove all, or keep what the client sent (only behind another trusted proxy)."),
	say("errors", func(d *policyDoc) *val[Errors] { return &d.errors }, func(p *Policy) **Errors { return &p.Errors },
		oneOf(ErrorsAuto, ErrorsHTML, ErrorsProblem),
		"The form of the edge's own error answers: html, problem (RFC 9457), or auto by what the client accepts."),
	say("path", func(d *policyDoc) *val[PathForm] { return &d.path }, func(p *Policy) **PathForm { return &p.Path },
		oneOf(PathNormal, PathRaw),
		"The path that the service gets: the normal form that was matched, or raw as the client sent it if both match the same route."),
	say("websocket", func(d *policyDoc) *val[Switch] { return &d.websocket }, func(p *Policy) **Switch { return &p.WebSocket }, onOff,
		"Whether a connection may be upgraded to a WebSocket."),
	say("methods", func(d *policyDoc) *val[[]string] { return &d.methods }, func(p *Policy) **[]string { return &p.Methods },
		methodList,
		"The allowed methods, others get 405; empty: all but TRACE and CONNECT."),
}

var methodList = sortedSet(bare(listOf(words(method, map[string]any{"pattern": "^[A-Z-]+$"}), conditionsMax)))

// sortedSet drops what stands twice and the order, which mean nothing.
func sortedSet(is shape[[]string]) shape[[]string] {
	read := is.read
	is.read = func(l *log, n *node) ([]string, bool) {
		vs, ok := read(l, n)
		slices.Sort(vs)
		return slices.Compact(vs), ok
	}
	return is
}

// policyFields are the rows of the policy, the headers among them.
var policyFields = append(fieldsOf(policyRows),
	row("headers", func(d *policyDoc) *val[headersDoc] { return &d.headers }, headers.shape(),
		"Header fields that are set and removed, in both directions; merged name by name, the nearest to the route wins."))

func fieldsOf(rows []policyRow) []field[policyDoc] {
	out := make([]field[policyDoc], len(rows))
	for i, r := range rows {
		out[i] = r.field
	}
	return out
}

var headers = object[headersDoc]{
	name: "headers", doc: "Edits of header fields.",
	fields: []field[headersDoc]{
		row("request", func(h *headersDoc) *val[editsDoc] { return &h.request }, edits.shape(), "Edits of what the service gets."),
		row("response", func(h *headersDoc) *val[editsDoc] { return &h.response }, edits.shape(), "Edits of what the client gets."),
	},
}

var (
	nameInSchema = map[string]any{"pattern": "^[!#$%&'*+.^_`|~0-9A-Za-z-]+$", "maxLength": 256}
	editedName   = words(editName, nameInSchema)
	headerName   = words(fieldName, nameInSchema)
	headerValue  = words(fieldValue, map[string]any{"maxLength": textBytesMax})
)

var edits = object[editsDoc]{
	name: "edits", doc: "Edits in one direction.",
	fields: []field[editsDoc]{
		row("set", func(e *editsDoc) *val[[]val[Pair]] { return &e.set },
			pairsOf("set", editedName, headerValue, true, editsMax),
			"Fields to set: name and value; each replaces every field of its name."),
		row("remove", func(e *editsDoc) *val[[]val[string]] { return &e.remove }, listOf(editedName, editsMax),
			"Names of fields to remove."),
	},
	check: func(l *log, _ Pos, e *editsDoc) {
		seen := map[string]bool{}
		for _, p := range e.set.V {
			seen[strings.ToLower(p.V.Name)] = p.Set
		}
		for _, r := range e.remove.V {
			if r.Set && seen[strings.ToLower(r.V)] {
				l.refuse(r.At, "remove it from one of them; set alone replaces every field of that name",
					"%q is both set and removed", r.V)
			}
		}
	},
}
