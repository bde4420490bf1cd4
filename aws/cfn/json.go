package cfn

import (
	"bytes"
	"encoding/json"
	"io"
	"sort"
	"strings"
	"unicode/utf8"

	"skerry.dev/skerry/aws/schema"
	"skerry.dev/skerry/fault"
	"skerry.dev/skerry/spec"
)

// parser is what reading JSON and reading YAML have in common.
type parser struct {
	name  string
	nodes int
	first *fault.Problem
}

func (p *parser) at(line, col int) spec.Pos { return spec.Pos{File: p.name, Line: line, Col: col} }

// refuse notes the first problem; reading ends with it.
func (p *parser) refuse(at spec.Pos, fix, text string) {
	if p.first == nil {
		p.first = &fault.Problem{File: at.File, Line: at.Line, Col: at.Col, Text: text, Fix: fix}
	}
}

// enter counts a value; false: it is one too many, or too deep.
func (p *parser) enter(at spec.Pos, depth int) bool {
	p.nodes++
	switch {
	case p.first != nil:
		return false
	case depth > depthMax:
		p.refuse(at, "", "objects and lists nest deeper than 64")
	case p.nodes > nodesMax:
		p.refuse(at, "split the template", "the template has more than 1,000,000 values")
	}
	return p.first == nil
}

// add puts a name into an object; a name may stand once.
func (p *parser) add(n *schema.Node, seen map[string]bool, f schema.Field) {
	if seen[f.Name] {
		p.refuse(f.At, "remove one of them", "the name "+quote(f.Name)+" stands twice in this object")
		return
	}
	seen[f.Name] = true
	n.Fields = append(n.Fields, f)
}

// quote is a name as problems show it.
func quote(s string) string {
	if len(s) > 60 {
		s = strings.ToValidUTF8(s[:60], "") + "…"
	}
	return `"` + s + `"`
}

type jsonReader struct {
	parser
	data  []byte
	lines []int // offsets at which the second line and the following ones begin
	dec   *json.Decoder
	// The last place that was asked for: places are asked for in order, and a template may be one long line.
	last    spec.Pos
	lastOff int
}

// readJSON reads one value by its tokens: unmarshalling would lose places, and names that stand twice.
func readJSON(name string, data []byte) (*schema.Node, *fault.Problem) {
	j := &jsonReader{parser: parser{name: name}, data: data, dec: json.NewDecoder(bytes.NewReader(data))}
	j.dec.UseNumber()
	for i, b := range data {
		if b == '\n' {
			j.lines = append(j.lines, i+1)
		}
	}
	n := j.value(0)
	if j.first == nil {
		if _, at, err := j.next(); err != io.EOF {
			j.refuse(at, "remove it", "something follows the template")
		}
	}
	return n, j.first
}

func (j *jsonReader) pos(offset int) spec.Pos {
	offset = min(max(offset, 0), len(j.data))
	line := sort.SearchInts(j.lines, offset+1)
	start, col := 0, 1
	if line > 0 {
		start = j.lines[line-1]
	}
	if j.last.Line == line+1 && j.lastOff <= offset {
		start, col = j.lastOff, j.last.Col
	}
	j.last, j.lastOff = j.at(line+1, col+utf8.RuneCount(j.data[start:offset])), offset
	return j.last
}

// next returns the next token and the place where it begins.
func (j *jsonReader) next() (json.Token, spec.Pos, error) {
	from := int(j.dec.InputOffset())
	for from < len(j.data) && strings.IndexByte(" \t\r\n,:", j.data[from]) >= 0 {
		from++
	}
	t, err := j.dec.Token()
	return t, j.pos(from), err
}

func (j *jsonReader) failed(err error) {
	at := j.pos(int(j.dec.InputOffset()))
	if syntax, ok := err.(*json.SyntaxError); ok {
		at = j.pos(int(syntax.Offset) - 1)
	}
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	j.refuse(at, "", "this is not valid JSON: "+err.Error())
}

func (j *jsonReader) value(depth int) *schema.Node {
	t, at, err := j.next()
	n := &schema.Node{At: at}
	if err != nil {
		j.failed(err)
		return n
	}
	if !j.enter(at, depth) {
		return n
	}
	switch t := t.(type) {
	case json.Delim:
		if t == '{' {
			n.Kind = schema.Map
			j.object(n, depth)
		} else {
			n.Kind = schema.List
			for j.first == nil && j.dec.More() {
				n.Items = append(n.Items, j.value(depth+1))
			}
			j.closed()
		}
	case string:
		n.Kind, n.Text = schema.Text, t
	case json.Number:
		n.Kind, n.Text = schema.Number, t.String()
	case bool:
		n.Kind, n.Text = schema.Bool, map[bool]string{true: "true", false: "false"}[t]
	}
	return n
}

func (j *jsonReader) object(n *schema.Node, depth int) {
	seen := map[string]bool{}
	for j.first == nil && j.dec.More() {
		t, at, err := j.next()
		if err != nil {
			j.failed(err)
			return
		}
		name, _ := t.(string) // the decoder refuses other names
		j.add(n, seen, schema.Field{Name: name, At: at, Value: j.value(depth + 1)})
	}
	j.closed()
}

func (j *jsonReader) closed() {
	if j.first != nil {
		return
	}
	if _, _, err := j.next(); err != nil {
		j.failed(err)
	}
}
