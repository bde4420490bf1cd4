package spec

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"sort"
	"strings"
	"unicode/utf8"
)

// parseJSON reads one or several JSON values; each is a document. It walks tokens instead of unmarshalling, to keep
// positions and keys that stand twice.
func parseJSON(name string, data []byte, l *log) []*node {
	j := &jsonReader{name: name, data: data, log: l, dec: json.NewDecoder(bytes.NewReader(data))}
	j.dec.UseNumber()
	for i, b := range data {
		if b == '\n' {
			j.lines = append(j.lines, i+1)
		}
	}
	var docs []*node
	for len(docs) <= documentsMax {
		n, err := j.value(0)
		if err == io.EOF {
			return docs
		}
		if err == errRefused {
			return docs
		}
		if err != nil {
			at := j.pos(int(j.dec.InputOffset()))
			if syntax, ok := err.(*json.SyntaxError); ok {
				at = j.pos(int(syntax.Offset) - 1)
			}
			l.refuse(at, "", "this is not valid JSON: %s", strings.TrimPrefix(err.Error(), "json: "))
			return docs
		}
		docs = append(docs, n)
	}
	l.refuse(Pos{File: name, Line: 1, Col: 1}, "split the file", "the file has more than %d documents", documentsMax)
	return docs
}

// errRefused ends the file: its problem is noted, and reading on would be the harm.
var errRefused = errors.New("refused")

type jsonReader struct {
	name  string
	data  []byte
	lines []int // offsets at which the second line and the following ones begin
	dec   *json.Decoder
	log   *log
}

// pos is the place of an offset.
func (j *jsonReader) pos(offset int) Pos {
	offset = min(max(offset, 0), len(j.data))
	line := sort.SearchInts(j.lines, offset+1)
	start := 0
	if line > 0 {
		start = j.lines[line-1]
	}
	return Pos{File: j.name, Line: line + 1, Col: utf8.RuneCount(j.data[start:offset]) + 1}
}

// next returns the next token and the place where it begins.
func (j *jsonReader) next() (json.Token, Pos, error) {
	from := int(j.dec.InputOffset())
	for from < len(j.data) && strings.IndexByte(" \t\r\n,:", j.data[from]) >= 0 {
		from++
	}
	t, err := j.dec.Token()
	return t, j.pos(from), err
}

func (j *jsonReader) value(depth int) (*node, error) {
	t, at, err := j.next()
	if err != nil {
		return nil, err
	}
	n := &node{at: at}
	switch t := t.(type) {
	case json.Delim:
		if depth == nodeDepthMax {
			j.log.refuse(at, "", "mappings and lists nest deeper than %d", nodeDepthMax)
			return nil, errRefused
		}
		n.style = flow
		if t == '{' {
			n.kind = mapNode
			return n, j.entries(n, depth)
		}
		n.kind = listNode
		return n, j.items(n, depth)
	case string:
		n.kind, n.text, n.style = textNode, t, double
	case json.Number:
		n.kind, n.text = numberNode, t.String()
	case bool:
		n.kind, n.text = boolNode, map[bool]string{true: "true", false: "false"}[t]
	}
	return n, nil
}

func (j *jsonReader) entries(n *node, depth int) error {
	for j.dec.More() {
		t, at, err := j.next()
		if err != nil {
			return noEOF(err)
		}
		if len(n.entries) == keysMax {
			j.log.refuse(at, "", "a mapping has more than %d keys", keysMax)
			return errRefused
		}
		v, err := j.value(depth + 1)
		if err != nil {
			return noEOF(err)
		}
		name, _ := t.(string) // the decoder refuses other keys
		n.entries = append(n.entries, entry{&node{kind: textNode, text: name, at: at, style: double}, v})
	}
	_, _, err := j.next()
	return noEOF(err)
}

func (j *jsonReader) items(n *node, depth int) error {
	for j.dec.More() {
		v, err := j.value(depth + 1)
		if err != nil {
			return noEOF(err)
		}
		n.items = append(n.items, v)
	}
	_, _, err := j.next()
	return noEOF(err)
}

// noEOF keeps the end of the file inside a value from looking like the end of the documents.
func noEOF(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}
