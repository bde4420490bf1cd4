package cfn

import (
	"bytes"
	"fmt"
	"unicode/utf8"

	"skerry.dev/skerry/aws/schema"
	"skerry.dev/skerry/fault"
)

// ReadJSON reads any document in JSON of at most so many bytes, template or not, with the place of every value. A name that stands
// twice in an object is refused, as is what nests deeper than a template may. An error is a fault.Problems of one.
func ReadJSON(name string, data []byte, bytesMax int) (*schema.Node, error) {
	data = bytes.TrimPrefix(data, []byte("\ufeff"))
	bad := &fault.Problem{File: name, Line: 1, Col: 1}
	switch {
	case len(data) > bytesMax:
		bad.Text = fmt.Sprintf("the file has %d bytes, more than %d", len(data), bytesMax)
	case !utf8.Valid(data):
		bad.Text, bad.Fix = "this is not UTF-8", "save the file as UTF-8"
	default:
		root, bad := readJSON(name, data)
		if bad != nil {
			return nil, fault.Problems{*bad}
		}
		return root, nil
	}
	return nil, fault.Problems{*bad}
}

// Document is the whole template as it was read, with functions in their long form. It must not be changed.
func (t *Template) Document() *schema.Node { return t.raw }
