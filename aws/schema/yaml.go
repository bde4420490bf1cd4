package schema

import (
	"bytes"
	"encoding/json"
	"fmt"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// readYAML reads one of our own tables, strictly, into what has json tags. It knows what the tables have: the decoder of the YAML module
// would be a twentieth of the WebAssembly.
func readYAML(text []byte, into any) error {
	file, err := parser.ParseBytes(text, 0)
	if err != nil {
		return err
	}
	if len(file.Docs) != 1 {
		return fmt.Errorf("%d documents, one is needed", len(file.Docs))
	}
	v, err := plain(file.Docs[0].Body)
	if err != nil {
		return err
	}
	data, err := json.Marshal(v)
	if err != nil {
		return err
	}
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	return d.Decode(into)
}

// plain is a node as maps, lists and scalars.
func plain(a ast.Node) (any, error) {
	switch a := a.(type) {
	case *ast.MappingNode:
		out := map[string]any{}
		for _, e := range a.Values {
			v, err := plain(e.Value)
			if err != nil {
				return nil, err
			}
			out[e.Key.GetToken().Value] = v
		}
		return out, nil
	case *ast.SequenceNode:
		out := make([]any, 0, len(a.Values))
		for _, e := range a.Values {
			v, err := plain(e)
			if err != nil {
				return nil, err
			}
			out = append(out, v)
		}
		return out, nil
	case *ast.StringNode:
		return a.Value, nil
	case *ast.IntegerNode:
		return a.Value, nil
	case *ast.BoolNode:
		return a.Value, nil
	}
	return nil, fmt.Errorf("line %d: a table has no %s", a.GetToken().Position.Line, a.Type())
}
