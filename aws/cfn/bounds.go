package cfn

import (
	"bytes"
	"fmt"
	"unicode/utf8"

	"skerry.dev/skerry/fault"
	"skerry.dev/skerry/spec"
)

// unreadable finds what no parser should see. Control characters may stand in JSON and YAML only as escapes.
func unreadable(name string, data []byte) *fault.Problem {
	at := fault.Problem{File: name, Line: 1, Col: 1}
	if len(data) > templateBytesMax {
		at.Text = fmt.Sprintf("the template has %d bytes, more than %d; CloudFormation takes %d", len(data), templateBytesMax, StackBytesMax)
		return &at
	}
	for i := 0; i < len(data); {
		r, size := utf8.DecodeRune(data[i:])
		switch {
		case r == utf8.RuneError && size == 1:
			at.Text, at.Fix = "this is not UTF-8", "save the file as UTF-8"
			return &at
		case r == '\n':
			at.Line, at.Col = at.Line+1, 0
		case r == '\r' && !bytes.HasPrefix(data[i:], []byte("\r\n")):
			at.Text, at.Fix = "a carriage return stands alone here", "end lines with a line feed"
			return &at
		case r < ' ' && r != '\t' && r != '\r' || r == 0x7f:
			at.Text, at.Fix = "a control character stands here", `write it as an escape in "double quotes"`
			return &at
		}
		at.Col++
		i += size
	}
	return nil
}

// bounds are what a template of YAML may have.
var bounds = spec.YAMLBounds{Depth: depthMax, Keys: keysMax, EmptyLines: emptyLinesMax}
