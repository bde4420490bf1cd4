package cfn

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	yamlparser "github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"

	"skerry.dev/skerry/aws/schema"
	"skerry.dev/skerry/fault"
	"skerry.dev/skerry/spec"
)

type yamlReader struct {
	parser
	scalars int  // tokens that became nodes
	colon   rune // that stands for a colon inside of a word
}

// readYAML reads one document. What CloudFormation does not take is refused: aliases, merged keys, several documents.
func readYAML(name string, data []byte) (*schema.Node, *fault.Problem) {
	y := &yamlReader{parser: parser{name: name}}
	text := string(bytes.ReplaceAll(data, []byte("\r\n"), []byte("\n")))
	text, bad := y.disguise(text)
	if bad != "" {
		y.refuse(y.pos(nil), "", bad)
		return nil, y.first
	}
	if bad := bounds.Text(text); bad != "" {
		y.refuse(y.pos(nil), "", "the template has "+bad)
		return nil, y.first
	}
	tokens := lexer.Tokenize(text)
	if at, bad := bounds.Tokens(tokens); bad != "" {
		y.refuse(y.pos(at), "", bad)
		return nil, y.first
	}
	file, err := yamlparser.Parse(tokens, 0, yamlparser.AllowDuplicateMapKey())
	if err != nil {
		y.syntax(err)
		return nil, y.first
	}
	var body ast.Node
	for _, d := range file.Docs {
		if d.Body == nil {
			continue
		}
		if body != nil {
			y.refuse(y.pos(d.Body.GetToken()), "one template is one document", "a second document begins here")
			return nil, y.first
		}
		body = d.Body
	}
	if body == nil {
		y.refuse(y.pos(nil), "", "the template is empty")
		return nil, y.first
	}
	n := y.read(body, 0)
	if y.first == nil && y.scalars != countScalars(tokens) {
		// The parser read other text than stands there. Better no template than half of one.
		y.refuse(n.At, "write it in a simpler form, or as JSON", "this template cannot be read to its end")
	}
	return n, y.first
}

// disguise replaces the colons inside of words, as in aws:SourceArn or AWS::Region, by a rune that the text has not: inside brackets the
// lexer would take them for the end of a name. A rune is as wide as a colon, so that places stay right; restore puts the colons back.
func (y *yamlReader) disguise(text string) (disguised, bad string) {
	for y.colon = privateFirst; strings.ContainsRune(text, y.colon); y.colon++ {
		if y.colon == privateLast {
			return "", "the template has every character of private use, and none is left to read it with"
		}
	}
	var out strings.Builder
	for {
		at := strings.IndexByte(text, ':')
		if at < 0 {
			out.WriteString(text)
			return out.String(), ""
		}
		end := at + 1
		for end < len(text) && text[end] == ':' {
			end++
		}
		out.WriteString(text[:at])
		if at > 0 && inWord(text[at-1]) && end < len(text) && inWord(text[end]) {
			for range end - at {
				out.WriteRune(y.colon)
			}
		} else {
			out.WriteString(text[at:end])
		}
		text = text[end:]
	}
}

// The runes of private use, from which one is taken.
const (
	privateFirst = '\ue000'
	privateLast  = '\uf8ff'
)

// inWord is whether a byte before or after a colon makes it part of a word, not the end of a name.
func inWord(c byte) bool { return strings.IndexByte(" \t\n,[]{}\"'\\", c) < 0 }

func (y *yamlReader) restore(text string) string {
	return strings.ReplaceAll(text, string(y.colon), ":")
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

func (y *yamlReader) pos(t *token.Token) spec.Pos {
	if t == nil || t.Position == nil {
		return y.at(1, 1)
	}
	return y.at(t.Position.Line, max(t.Position.Column, 1))
}

func (y *yamlReader) syntax(err error) {
	var ye interface { // what the parser's errors are; their Error would print the source as well
		error
		GetToken() *token.Token
		GetMessage() string
	}
	if errors.As(err, &ye) {
		y.refuse(y.pos(ye.GetToken()), "", "this is not valid YAML: "+y.restore(ye.GetMessage()))
		return
	}
	y.refuse(y.pos(nil), "", "this is not valid YAML: "+y.restore(err.Error()))
}

func (y *yamlReader) read(a ast.Node, depth int) *schema.Node {
	at := y.pos(a.GetToken())
	n := &schema.Node{At: at}
	if !y.enter(at, depth) {
		return n
	}
	switch a := a.(type) {
	case *ast.MappingNode:
		return y.mapping(a, depth)
	case *ast.SequenceNode:
		n.Kind, n.At = schema.List, y.pos(a.Start)
		for _, v := range a.Values {
			n.Items = append(n.Items, y.read(v, depth+1))
		}
	case *ast.LiteralNode:
		y.scalars++
		n.Kind, n.Text, n.At = schema.Text, y.restore(a.Value.Value), y.pos(a.Start)
	case *ast.StringNode:
		y.scalars++
		n.Kind, n.Text = schema.Text, y.restore(a.Value)
	case *ast.BoolNode:
		y.scalars++
		n.Kind, n.Text = schema.Bool, strings.ToLower(a.Token.Value)
	case *ast.IntegerNode:
		y.scalars++
		n.Kind, n.Text = schema.Number, a.Token.Value
		if a.Token.Type != token.IntegerType || leadingZero(a.Token.Value) || !json.Valid([]byte(n.Text)) {
			n.Kind = schema.Text // an account id that begins with 0 is none either
		}
	case *ast.FloatNode:
		y.scalars++
		if n.Kind, n.Text = schema.Number, a.Token.Value; !json.Valid([]byte(n.Text)) { // 1. and .5
			n.Text = float(a.Value)
		}
	case *ast.NullNode:
		if a.Token.Type == token.NullType {
			y.scalars++
		}
	case *ast.TagNode:
		return y.tag(a, depth)
	default:
		y.foreign(a)
	}
	return n
}

func leadingZero(digits string) bool {
	return len(digits) > 1 && digits[0] == '0'
}

func (y *yamlReader) mapping(a *ast.MappingNode, depth int) *schema.Node {
	n := &schema.Node{Kind: schema.Map, At: y.pos(a.Start)}
	seen := map[string]bool{}
	for i, v := range a.Values {
		switch v.Key.(type) {
		case *ast.StringNode, *ast.BoolNode, *ast.IntegerNode, *ast.FloatNode, *ast.NullNode:
		default:
			y.foreign(v.Key)
			return n
		}
		key := y.read(v.Key, 0)
		if i == 0 && !a.IsFlowStyle {
			n.At = key.At
		}
		y.add(n, seen, schema.Field{Name: key.Text, At: key.At, Value: y.read(v.Value, depth+1)})
		if y.first != nil {
			return n
		}
	}
	return n
}

// tag makes the long form of a function of its short one: "!Ref x" is "Ref: x", "!Sub x" is "Fn::Sub: x".
func (y *yamlReader) tag(a *ast.TagNode, depth int) *schema.Node {
	at := y.pos(a.Start)
	name, isFunction := strings.CutPrefix(a.Start.Value, "!")
	switch name {
	case "Ref", "Condition":
	case "And", "Base64", "Cidr", "Contains", "EachMemberEquals", "EachMemberIn", "Equals", "FindInMap", "GetAtt", "GetAZs", "If", "ImportValue",
		"Join", "Length", "Not", "Or", "RefAll", "Select", "Split", "Sub", "ToJsonString", "Transform", "ValueOf", "ValueOfAll":
		name = "Fn::" + name
	default:
		isFunction = false
	}
	if !isFunction || a.Value == nil {
		y.refuse(at, "quote text that begins with !", quote(y.restore(a.Start.Value))+" is no function of CloudFormation")
		return &schema.Node{At: at}
	}
	value := y.read(a.Value, depth+1)
	if name == "Fn::GetAtt" && value.Kind == schema.Text {
		id, attr, _ := strings.Cut(value.Text, ".")
		value = &schema.Node{Kind: schema.List, At: value.At, Items: []*schema.Node{
			{Kind: schema.Text, Text: id, At: value.At}, {Kind: schema.Text, Text: attr, At: value.At},
		}}
	}
	return &schema.Node{Kind: schema.Map, At: at, Fields: []schema.Field{{Name: name, At: at, Value: value}}}
}

// foreign refuses what CloudFormation does not take.
func (y *yamlReader) foreign(a ast.Node) {
	at := y.pos(a.GetToken())
	switch a.(type) {
	case *ast.AnchorNode, *ast.AliasNode:
		y.refuse(at, "write the value out; quote text that begins with & or *", "CloudFormation takes no anchors and aliases")
	case *ast.MergeKeyNode:
		y.refuse(at, "write the values out", "CloudFormation takes no merged keys (<<)")
	default:
		y.refuse(at, "write it as text in quotes", strings.ToLower(a.Type().String())+" cannot stand in a template")
	}
}
