package seclang

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"

	"skerry.dev/skerry/fault"
)

// Parse reads files of rules, in this order, as one configuration: SecDefaultAction holds for the files that follow, ids are unique
// and markers are found over all of them. Names are paths within fsys, and so is what the files name (Include, @pmFromFile): relative
// to the folder of the file that names it, never outside of fsys. All that is wrong is in the problems, in the order of
// files, with columns in bytes; the Set is nil if there are any.
func Parse(fsys fs.FS, files ...string) (*Set, []fault.Problem) {
	p := newParser(fsys)
	for _, f := range files {
		p.file(f, Pos{File: f})
	}
	return p.finish()
}

// ParseText reads one text of rules that is called name; what it names is looked for in fsys, which may be nil, beside name.
func ParseText(name, text string, fsys fs.FS) (*Set, []fault.Problem) {
	p := newParser(fsys)
	if len(text) > fileBytesMax {
		p.wrong(Pos{File: name}, tooLarge(fileBytesMax, "fileBytesMax"), "split it")
		return p.finish()
	}
	p.text(name, text)
	return p.finish()
}

// parser is one configuration in the making.
type parser struct {
	fsys     fs.FS
	set      *Set
	problems []fault.Problem

	stack     []string // files that include each other, the innermost last
	fileCount int
	bytes     int    // of the files so far
	held      int    // phrases and prefixes so far
	dir       string // of the file that is read
	lines     *lines // of it
	rules     int
	defaults  [6]*defaults   // by phase
	ids       map[int]int    // rule id → index of its item
	places    map[int]Pos    // rule id → where it stands
	markers   map[string]int // name → index of the last item that is it
	jumps     []jump
	lists     map[string][]string // phrase files that have been read
	open      *Rule               // the first rule of a chain that is not finished
	last      *Rule               // its last link so far
}

// jump is a skipAfter, to be checked when all markers are known.
type jump struct {
	rule *Rule
	item int
	at   span
}

func newParser(fsys fs.FS) *parser {
	return &parser{
		fsys: fsys, set: &Set{}, ids: map[int]int{}, places: map[int]Pos{}, markers: map[string]int{}, lists: map[string][]string{},
	}
}

// finish checks what can be known only at the end.
func (p *parser) finish() (*Set, []fault.Problem) {
	for _, j := range p.jumps {
		if p.full() {
			break
		}
		p.jump(j)
	}
	if len(p.problems) > 0 {
		return nil, p.problems
	}
	return p.set, nil
}

// jump checks that a skipAfter leads forward to a marker or, in ModSecurity's other form, to a rule.
func (p *parser) jump(j jump) {
	if m, ok := p.markers[j.at.s]; ok {
		if m < j.item {
			p.wrong(j.at.pos(), "skipAfter leads back: the marker "+quote(j.at.s)+" stands before the rule", "it would skip all that follows in the phase")
		}
		return
	}
	if id, ok := number(j.at.s); ok {
		if item, ok := p.ids[id]; ok && item > j.item {
			j.rule.SkipAfter = "id:" + j.at.s
			return
		}
	}
	p.wrong(j.at.pos(), "skipAfter names a marker that is in none of the files: "+quote(j.at.s), meant(j.at.s, keys(p.markers)))
}

// file reads one file of rules. at is who asked for it.
func (p *parser) file(name string, at Pos) {
	switch {
	case slices.Contains(p.stack, name):
		p.wrong(at, "the files include each other: "+strings.Join(append(p.stack, name), " → "), "")
		return
	case len(p.stack) >= includeDepthMax:
		p.wrong(at, fmt.Sprintf("files include each other more than %d deep (includeDepthMax)", includeDepthMax), "")
		return
	case p.fileCount >= filesMax:
		p.wrong(at, fmt.Sprintf("more than %d files (filesMax)", filesMax), "")
		return
	}
	p.fileCount++
	text, err := p.read(name, fileBytesMax, "fileBytesMax")
	if err != nil {
		p.wrong(at, err.Error(), "")
		return
	}
	if p.bytes += len(text); p.bytes > setBytesMax {
		p.wrong(at, fmt.Sprintf("files of rules of more than %d MB in all (setBytesMax)", setBytesMax>>20), "")
		return
	}
	p.stack = append(p.stack, name)
	p.text(name, text)
	p.stack = p.stack[:len(p.stack)-1]
}

// text reads the directives of one file.
func (p *parser) text(name, text string) {
	outerDir, outerLines := p.dir, p.lines
	p.dir, p.lines = path.Dir(name), newLines(name, text)
	for {
		t, torn, ok := p.lines.next()
		if !ok || p.full() {
			break
		}
		if torn != "" {
			p.wrong(t.pos(), torn, "")
			continue
		}
		p.directive(t)
	}
	p.unfinished()
	p.dir, p.lines = outerDir, outerLines
}

// read gives the content of a file within its limit.
func (p *parser) read(name string, most int, limit string) (string, error) {
	if p.fsys == nil {
		return "", errors.New("cannot read " + quote(name) + ": these rules stand alone, without files beside them")
	}
	f, err := p.fsys.Open(name)
	if err != nil {
		return "", errors.New("cannot read " + quote(name) + ": " + reason(err))
	}
	defer f.Close() // read only
	text, err := io.ReadAll(io.LimitReader(f, int64(most)+1))
	switch {
	case err != nil:
		return "", errors.New("cannot read " + quote(name) + ": " + reason(err))
	case len(text) > most:
		return "", errors.New(quote(name) + ": " + tooLarge(most, limit))
	}
	return string(text), nil
}

// reason is why a file could not be read, without the path that the error repeats.
func reason(err error) string {
	if e := (*fs.PathError)(nil); errors.As(err, &e) {
		return e.Err.Error()
	}
	return err.Error()
}

func tooLarge(most int, limit string) string {
	return fmt.Sprintf("the file is larger than %d MB (%s)", most>>20, limit)
}

// beside is the path of a file that t names, relative to the folder of the file that is read.
func (p *parser) beside(t span) (string, *flaw) {
	name := path.Join(p.dir, t.s)
	switch {
	case strings.Contains(t.s, "://"):
		return "", &flaw{t.pos(), "rules and lists are not fetched from other servers: " + quote(t.s), "fetch it when you deploy"}
	case path.IsAbs(t.s) || strings.Contains(t.s, `\`):
		return "", &flaw{t.pos(), "a path within the folder of rules is wanted, not " + quote(t.s), "paths are relative to the file that names them, with slashes"}
	case !fs.ValidPath(name) || name == ".":
		return "", &flaw{t.pos(), "the path leads out of the folder of rules: " + quote(t.s), "put the file beside the rules"}
	}
	return name, nil
}

// include reads the files that a pattern matches, by name. Without optional, there must be one.
func (p *parser) include(t span, optional bool) {
	name, f := p.beside(t)
	if p.noted(f) {
		return
	}
	if !strings.ContainsAny(t.s, "*?[") {
		if _, err := p.stat(name); optional && errors.Is(err, fs.ErrNotExist) {
			return
		}
		p.file(name, t.pos())
		return
	}
	if p.fsys == nil {
		p.wrong(t.pos(), "cannot look for "+quote(t.s)+": these rules stand alone, without files beside them", "")
		return
	}
	names, err := fs.Glob(p.fsys, name)
	switch {
	case err != nil:
		p.wrong(t.pos(), "the pattern of files cannot be read: "+quote(t.s), "")
	case len(names) == 0 && !optional:
		p.wrong(t.pos(), "no file matches "+quote(t.s), "if there need not be one, use IncludeOptional")
	}
	for _, n := range names {
		p.file(n, t.pos())
	}
}

// stat looks whether a file is there.
func (p *parser) stat(name string) (fs.FileInfo, error) {
	if p.fsys == nil {
		return nil, fs.ErrNotExist
	}
	return fs.Stat(p.fsys, name)
}
