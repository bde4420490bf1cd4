package spec

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// chunk is the text of one YAML document.
type chunk struct {
	text  string
	lines int    // that stand before it in the file
	lead  string // the comment on the marker before it, with its #
}

// parseYAML reads the documents of a file. It splits them itself: the parser loses documents that follow "...", and one
// document that does not parse would hide the others. Splitting lines is sound, since "---" at the start of a line ends a
// document everywhere, also inside quotes and block text (YAML 1.2.2 section 9.1.2).
func parseYAML(name string, data []byte, l *log) []*node {
	chunks := splitYAML(name, data, l)
	if len(chunks) > documentsMax {
		l.refuse(Pos{File: name, Line: 1, Col: 1}, "split the file", "the file has more than %d documents", documentsMax)
		return nil
	}
	var docs []*node
	for _, c := range chunks {
		if n := parseChunk(name, c, l); n != nil {
			docs = append(docs, n)
		}
	}
	return docs
}

func splitYAML(name string, data []byte, l *log) []chunk {
	var chunks []chunk
	text := string(bytes.ReplaceAll(data, []byte("\r\n"), []byte("\n")))
	start, from, lead := 0, 0, "" // where the current document begins: line, offset; the comment before
	line := 0
	for offset := 0; offset < len(text); line++ {
		end := len(text)
		if i := strings.IndexByte(text[offset:], '\n'); i >= 0 {
			end = offset + i + 1
		}
		row := text[offset:end]
		if mark, rest := marker(row); mark {
			chunks = append(chunks, chunk{text[from:offset], start, lead})
			start, from, lead = line+1, end, rest
			if rest != "" && rest[0] != '#' {
				l.refuse(Pos{File: name, Line: line + 1, Col: 1}, "begin the document on the next line",
					"%q stands on the line of a document marker", clip(rest))
			}
		}
		offset = end
	}
	return append(chunks, chunk{text[from:], start, lead})
}

// marker says whether a line begins or ends a document, and what else stands on it.
func marker(row string) (is bool, rest string) {
	if !strings.HasPrefix(row, "---") && !strings.HasPrefix(row, "...") {
		return false, ""
	}
	rest = row[3:]
	if rest != "" && !strings.ContainsAny(rest[:1], " \t\n") {
		return false, ""
	}
	return true, strings.TrimSpace(rest)
}

// parseChunk returns the node of one document, nil if there is none or it does not parse.
func parseChunk(name string, c chunk, l *log) *node {
	y := &yamlReader{name: name, lines: c.lines, log: l}
	bad := documentBounds.Text(c.text)
	if n := len(c.text); n > documentBytesMax {
		bad = fmt.Sprintf("%d bytes, the limit is %d", n, documentBytesMax)
	}
	if bad != "" {
		l.refuse(y.pos(nil), "split it", "this document has %s", bad)
		return nil
	}
	tokens := lexer.Tokenize(c.text)
	if at, bad := documentBounds.Tokens(tokens); bad != "" {
		l.refuse(y.pos(at), "", "%s", bad)
		return nil
	}
	file, err := parser.Parse(tokens, 0, parser.AllowDuplicateMapKey())
	if err != nil {
		y.syntax(err)
		return nil
	}
	if len(file.Docs) == 0 || len(file.Docs) == 1 && file.Docs[0].Body == nil {
		return nil
	}
	before := l.count()
	n := y.read(file.Docs[0].Body, 0)
	if l.count() > before {
		return nil
	}
	if len(file.Docs) > 1 || y.scalars != countScalars(tokens) {
		// The parser read other text than stands there. Better no spec than half of one.
		l.refuse(n.at, "write it in a simpler form", "this document cannot be read to its end")
		return nil
	}
	return n
}

// countScalars counts the tokens that must become nodes.
func countScalars(tokens token.Tokens) int {
	count := 0
	for _, t := range tokens {
		switch t.Type {
		case token.StringType, token.SingleQuoteType, token.DoubleQuoteType, token.IntegerType, token.FloatType,
			token.BoolType, token.NullType, token.BinaryIntegerType, token.OctetIntegerType, token.HexIntegerType,
			token.InfinityType, token.NanType:
			count++
		}
	}
	return count
}

type yamlReader struct {
	name    string
	lines   int
	log     *log
	scalars int // tokens that became nodes
}

func (y *yamlReader) pos(t *token.Token) Pos {
	if t == nil || t.Position == nil {
		return Pos{File: y.name, Line: y.lines + 1, Col: 1}
	}
	return Pos{File: y.name, Line: t.Position.Line + y.lines, Col: max(t.Position.Column, 1)}
}

func (y *yamlReader) syntax(err error) {
	var ye interface { // what the parser's errors are; their Error would print the source as well
		error
		GetToken() *token.Token
		GetMessage() string
	}
	if errors.As(err, &ye) {
		y.log.refuse(y.pos(ye.GetToken()), "", "this is not valid YAML: %s", ye.GetMessage())
		return
	}
	y.log.refuse(y.pos(nil), "", "this is not valid YAML: %s", err)
}

// read turns a node of the parser into ours. What a spec does not need is refused: anchors and aliases (they can grow a
// small file without bound), tags, merge keys, complex keys.
func (y *yamlReader) read(a ast.Node, depth int) *node {
	if depth > nodeDepthMax {
		y.log.refuse(y.pos(a.GetToken()), "", "mappings and lists nest deeper than %d", nodeDepthMax)
		return &node{}
	}
	switch a := a.(type) {
	case *ast.MappingNode:
		return y.mapping(a, depth)
	case *ast.SequenceNode:
		return y.list(a, depth)
	case *ast.LiteralNode:
		y.scalars++
		return &node{kind: textNode, text: a.Value.Value, at: y.pos(a.Start), style: literal}
	case *ast.StringNode:
		y.scalars++
		return &node{kind: textNode, text: a.Value, at: y.pos(a.Token), style: quotes(a.Token)}
	case *ast.BoolNode:
		return y.scalar(boolNode, a.Token)
	case *ast.IntegerNode:
		return y.scalar(numberNode, a.Token)
	case *ast.FloatNode:
		return y.scalar(numberNode, a.Token)
	case *ast.NullNode:
		return y.null(a)
	}
	return y.foreign(a)
}

func (y *yamlReader) scalar(k nodeKind, t *token.Token) *node {
	y.scalars++
	return &node{kind: k, text: t.Value, at: y.pos(t)}
}

func (y *yamlReader) null(a *ast.NullNode) *node {
	if a.Token.Type == token.NullType {
		y.scalars++
	}
	return &node{kind: nullNode, at: y.pos(a.Token)}
}

func (y *yamlReader) list(a *ast.SequenceNode, depth int) *node {
	n := &node{kind: listNode, at: y.pos(a.Start), style: styleOf(a.IsFlowStyle), end: y.end(a.End)}
	for i, v := range a.Values {
		item := y.read(v, depth+1)
		item.mark = item.at
		if !a.IsFlowStyle && i < len(a.Entries) {
			item.mark = y.pos(a.Entries[i].Start)
		}
		n.items = append(n.items, item)
	}
	return n
}

// end is the place of a closing bracket; block style has none.
func (y *yamlReader) end(t *token.Token) Pos {
	if t == nil {
		return Pos{}
	}
	return y.pos(t)
}

func (y *yamlReader) mapping(a *ast.MappingNode, depth int) *node {
	n := &node{kind: mapNode, at: y.pos(a.Start), style: styleOf(a.IsFlowStyle), end: y.end(a.End)}
	for i, v := range a.Values {
		key := y.key(v.Key)
		if key == nil {
			continue
		}
		if i == 0 && !a.IsFlowStyle {
			n.at = key.at
		}
		key.mark = key.at
		n.entries = append(n.entries, entry{key, y.read(v.Value, depth+1)})
	}
	return n
}

// key returns nil for what cannot be the name of a field.
func (y *yamlReader) key(k ast.MapKeyNode) *node {
	switch k := k.(type) {
	case *ast.StringNode, *ast.BoolNode, *ast.IntegerNode, *ast.FloatNode:
		n := y.read(k, 0)
		n.kind = textNode // as in JSON, every key is text
		return n
	case *ast.MergeKeyNode:
		y.log.refuse(y.pos(k.Token), "write the values out, or put them into a Profile", "merge keys (<<) are not supported")
	default:
		y.log.refuse(y.pos(k.GetToken()), "use plain text before the colon", "this cannot be the name of a field")
	}
	return nil
}

// foreign refuses the parts of YAML that a spec does not need.
func (y *yamlReader) foreign(a ast.Node) *node {
	at := y.pos(a.GetToken())
	switch a.(type) {
	case *ast.AnchorNode:
		y.log.refuse(at, "write the value out, or put it into a Profile", "anchors (&) are not supported")
	case *ast.AliasNode:
		y.log.refuse(at, "write the value out, or put it into a Profile", "aliases (*) are not supported; quote text that begins with *")
	case *ast.TagNode:
		y.log.refuse(at, "remove it; quote text that begins with !", "tags (!) are not supported")
	case *ast.DirectiveNode:
		y.log.refuse(at, "remove the line", "directives (%%) are not supported")
	default:
		y.log.refuse(at, "write it as text in quotes", "%s cannot stand in a spec", strings.ToLower(fmt.Sprint(a.Type())))
	}
	return &node{at: at}
}

func styleOf(isFlow bool) style {
	if isFlow {
		return flow
	}
	return plain
}

func quotes(t *token.Token) style {
	switch t.Type {
	case token.SingleQuoteType:
		return single
	case token.DoubleQuoteType:
		return double
	}
	return plain
}
