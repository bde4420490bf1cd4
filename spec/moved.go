package spec

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// This file is about the bulk redirects of an entrypoint: its `redirects`, and the CSV file that they may name.

type movedDoc struct {
	from, to val[string]
	status   val[int]
}

type redirectsDoc struct {
	file   val[string]
	status val[int]
	list   val[[]val[movedDoc]]
}

var redirectStatus = numberOf(301, 302, 303, 307, 308)

var movedItem = object[movedDoc]{
	name: "moved path", doc: "One path that has gone elsewhere.",
	fields: []field[*movedDoc]{
		row("from", func(m *movedDoc) *val[string] { return &m.from }, words(movedFrom, pathInSchema), "The whole path, in normal form.").needed(),
		row("to", func(m *movedDoc) *val[string] { return &m.to }, words(movedTo, locationInSchema),
			"A URL or an absolute path; the query of a request is appended if it has none itself.").needed(),
		row("status", func(m *movedDoc) *val[int] { return &m.status }, redirectStatus, "The status code: that of the redirects, if left out."),
	},
}

var redirects = object[redirectsDoc]{
	name: "redirects", doc: "Single paths that have gone elsewhere; they win over every route.",
	fields: []field[*redirectsDoc]{
		row("file", func(r *redirectsDoc) *val[string] { return &r.file }, besideName(".csv"),
			"A .csv file, by its path from the directory of this document: from,to or from,to,status in each line."),
		rowOr("status", func(r *redirectsDoc) *val[int] { return &r.status }, redirectStatus, 308, "The status code of those that name none."),
		row("list", func(r *redirectsDoc) *val[[]val[movedDoc]] { return &r.list }, listOf(movedItem.shape(), redirectsMax),
			"The redirects themselves, beside those of the file."),
	},
	check: func(l *log, at Pos, r *redirectsDoc) {
		if !r.file.given() && !r.list.given() {
			l.refuse(at, "add `file: NAME.csv` or `list: [{from: /a, to: /b}]`", "the redirects have neither a file nor a list")
		}
	},
}

// movedFrom checks the path of a bulk redirect as that of a match, but for {name}: there are no segments to name.
func movedFrom(s string) (bad, fix string) {
	if strings.ContainsAny(s, "{}") {
		return fmt.Sprintf("the path %q has braces in it: a bulk redirect is of one path", clip(s)), "write a route with `match` and `redirect`"
	}
	return matchPath(s)
}

// movedTo checks where a bulk redirect goes: as in a route, without placeholders.
func movedTo(s string) (bad, fix string) {
	if strings.ContainsAny(s, "{}") {
		return fmt.Sprintf("the redirect to %q has braces in it: a bulk redirect goes to one place", clip(s)), "write a route with `match` and `redirect`"
	}
	return location(s)
}

// A gone is one bulk redirect on its way into the model.
type gone struct {
	Moved
	at Pos // of its from
}

// moved are the bulk redirects of an entrypoint, by their paths.
func (r *resolver) moved(d val[redirectsDoc], hosts []string) []Moved {
	if !d.Set {
		return nil
	}
	status := d.V.status.V
	if !d.V.status.Set {
		status = 308
	}
	all := r.fromFile(d.V.file, status)
	for _, m := range d.V.list.V {
		if !m.V.from.Set || !m.V.to.Set {
			continue
		}
		g := gone{Moved{m.V.from.V, m.V.to.V, status}, m.V.from.At}
		if m.V.status.Set {
			g.Status = m.V.status.V
		}
		all = append(all, g)
	}
	if len(all) > redirectsMax {
		r.log.refuse(d.At, "use routes with a prefix for what has a pattern", "there are %d redirects, the limit is %d", len(all), redirectsMax)
		return nil
	}
	slices.SortStableFunc(all, func(a, b gone) int { return strings.Compare(a.From, b.From) })
	all = r.distinctMoved(all)
	r.circles(all, hosts)
	out := make([]Moved, len(all))
	for i, g := range all {
		out[i] = g.Moved
	}
	return out
}

// distinctMoved refuses a path that is moved twice, and keeps the first of the two.
func (r *resolver) distinctMoved(all []gone) []gone {
	kept := all[:0]
	for _, g := range all {
		if n := len(kept); n > 0 && kept[n-1].From == g.From {
			r.log.refuse(g.at, "remove one of them", "the path %q is redirected twice, first at %s", clip(g.From), kept[n-1].at)
			continue
		}
		kept = append(kept, g)
	}
	return kept
}

// circles refuses redirects that lead back to themselves, at once or over others: a browser would give up on them.
func (r *resolver) circles(all []gone, hosts []string) {
	next := make([]int, len(all)) // where each goes, or -1
	for i, g := range all {
		next[i] = -1
		if path, here := pathHere(g.To, hosts); here {
			if j, found := slices.BinarySearchFunc(all, path, func(g gone, path string) int { return strings.Compare(g.From, path) }); found {
				next[i] = j
			}
		}
	}
	walk := make([]int, len(all)) // the walk that came by, from 1 on
	for i := range all {
		at := i
		for at >= 0 && walk[at] == 0 {
			walk[at] = i + 1
			at = next[at]
		}
		switch {
		case at < 0 || walk[at] != i+1:
		case next[at] == at:
			r.log.refuse(all[at].at, "remove it", "the redirect of %q leads to itself", clip(all[at].From))
		default:
			r.log.refuse(all[at].at, "remove one of them", "the redirects of %q and %q lead in a circle", clip(all[at].From), clip(all[next[at]].From))
		}
	}
}

// pathHere is the path that a redirect goes to, if it stays on one of the hosts. A port that is written out may be another
// server's.
func pathHere(to string, hosts []string) (path string, here bool) {
	if i := strings.IndexAny(to, "?#"); i >= 0 {
		to = to[:i]
	}
	if strings.HasPrefix(to, "/") {
		return to, true
	}
	_, rest, _ := strings.Cut(to, "://")
	host, port := splitPort(authority(to))
	path = strings.TrimPrefix(rest, authority(to))
	return orElse(path, "/"), slices.Contains(hosts, foldHost(host)) && (port == "" || port == ":80" || port == ":443")
}

// fromFile are the redirects of a CSV file (RFC 4180; lines that begin with # are comments). Its first line may name the
// columns.
func (r *resolver) fromFile(name val[string], status int) (all []gone) {
	if !name.Set {
		return nil
	}
	f, ok := r.log.readBeside(name.At, name.V)
	if !ok {
		return nil
	}
	t := &table{log: r.log, file: f, status: status, rows: csv.NewReader(bytes.NewReader(f.Data))}
	t.rows.FieldsPerRecord, t.rows.Comment, t.rows.TrimLeadingSpace, t.rows.ReuseRecord = -1, '#', true, true
	t.lines = lineStarts(f.Data)
	for len(all) <= redirectsMax { // one more is enough to be too many
		g, ok, end := t.next()
		if end {
			break
		}
		if ok {
			all = append(all, g)
		}
	}
	return all
}

// A table reads the lines of a CSV file.
type table struct {
	log    *log
	file   File
	rows   *csv.Reader
	lines  []int // offsets at which they begin
	begun  bool
	status int // of lines without one
}

// next is the next redirect; ok is false for a line with a problem.
func (t *table) next() (g gone, ok, end bool) {
	cells, err := t.rows.Read()
	var bad *csv.ParseError
	switch {
	case err == io.EOF:
		return g, false, true
	case errors.As(err, &bad):
		t.log.refuse(t.pos(bad.Line, bad.Column), `put a cell with a quote or a comma in quotes: "/a,b"`, "this is not valid CSV: %s", bad.Err)
		return g, false, true // what follows a lost quote means nothing
	case err != nil:
		t.log.refuse(Pos{File: t.file.Name}, "", "cannot be read: %s", err)
		return g, false, true
	}
	for i := range cells {
		cells[i] = strings.TrimRight(cells[i], " \t")
	}
	first := !t.begun
	if t.begun = true; first && isHeading(cells) {
		return g, false, false
	}
	g, ok = t.row(cells)
	return g, ok, false
}

func isHeading(cells []string) bool {
	line := strings.ToLower(strings.Join(cells, ","))
	return line == "from,to" || line == "from,to,status"
}

func (t *table) row(cells []string) (g gone, ok bool) {
	at := func(i int) Pos { return t.pos(t.rows.FieldPos(i)) }
	if len(cells) != 2 && len(cells) != 3 {
		t.log.refuse(at(0), "write from,to or from,to,status", "a line has 2 or 3 cells, this one has %d", len(cells))
		return g, false
	}
	before := t.log.count()
	if bad, fix := movedFrom(cells[0]); bad != "" {
		t.log.refuse(at(0), fix, "%s", bad)
	}
	if bad, fix := movedTo(cells[1]); bad != "" {
		t.log.refuse(at(1), fix, "%s", bad)
	}
	g = gone{Moved{cells[0], cells[1], t.status}, at(0)}
	if len(cells) == 3 && cells[2] != "" {
		g.Status, _ = redirectStatus.read(t.log, &node{kind: cellKind(cells[2]), text: cells[2], at: at(2)})
	}
	return g, t.log.count() == before
}

// cellKind says whether a cell is a number.
func cellKind(s string) nodeKind {
	if _, err := strconv.Atoi(s); err == nil {
		return numberNode
	}
	return textNode
}

// pos is a place as other problems have it: in characters, where CSV counts bytes.
func (t *table) pos(line, col int) Pos {
	p := Pos{File: t.file.Name, Line: line, Col: col}
	if line < 1 || line > len(t.lines) {
		return p
	}
	start := t.lines[line-1]
	end := min(max(start+col-1, start), len(t.file.Data))
	p.Col = utf8.RuneCount(t.file.Data[start:end]) + 1
	return p
}

// lineStarts are the offsets at which lines begin.
func lineStarts(data []byte) []int {
	starts := []int{0}
	for i, b := range data {
		if b == '\n' {
			starts = append(starts, i+1)
		}
	}
	return starts
}
