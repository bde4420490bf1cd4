package cfn

import (
	"bytes"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml/token"

	"skerry.dev/skerry/fault"
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

// The YAML parser's time grows with the square of depth, of the names in an object and of empty lines, and its stack with
// depth. The checks below run before it, in linear time.

// tooLong says what a text has too much of for the lexer.
func tooLong(text string) (bad string) {
	empty := 0
	for line := range strings.Lines(text) {
		if strings.TrimSpace(line) != "" {
			empty = 0
		} else if empty++; empty > emptyLinesMax {
			return fmt.Sprintf("more than %d empty lines in a row", emptyLinesMax)
		}
	}
	return ""
}

// level is one open collection: its column in block style, 0 in brackets, and how many names it has so far.
type level struct{ col, keys int }

// tooMuch finds what would be too deep or too wide for the parser, without knowing more of the grammar than that what stands
// further right is deeper.
func tooMuch(tokens token.Tokens) (at *token.Token, bad string) {
	levels := []level{{}}
	tags := 0 // that follow each other: each is a level of the parser's stack
	for _, t := range tokens {
		top := &levels[len(levels)-1]
		flowing := len(levels) > 1 && top.col == 0
		if t.Type == token.TagType || t.Type == token.AnchorType {
			if tags++; tags > depthMax {
				return t, "tags follow each other"
			}
			continue
		}
		tags = 0
		switch t.Type {
		case token.SequenceStartType, token.MappingStartType:
			levels = append(levels, level{})
		case token.SequenceEndType, token.MappingEndType:
			for len(levels) > 1 && levels[len(levels)-1].col > 0 {
				levels = levels[:len(levels)-1]
			}
			levels = levels[:max(len(levels)-1, 1)]
		case token.SequenceEntryType, token.MappingKeyType, token.MappingValueType:
			if t.Type == token.SequenceEntryType && flowing {
				return t, "an item with - stands in brackets"
			}
			levels = entered(levels, t, flowing)
		}
		if len(levels) > depthMax+2 {
			return t, fmt.Sprintf("objects and lists nest deeper than %d", depthMax)
		}
		if levels[len(levels)-1].keys > keysMax {
			return t, fmt.Sprintf("an object has more than %d names", keysMax)
		}
	}
	return nil, ""
}

// entered is the levels after a dash, a question mark or a colon.
func entered(levels []level, t *token.Token, flowing bool) []level {
	col := t.Position.Column
	if t.Type == token.MappingValueType && t.Prev != nil {
		col = t.Prev.Position.Column
	}
	for levels[len(levels)-1].col > col {
		levels = levels[:len(levels)-1]
	}
	if levels[len(levels)-1].col < col && !flowing {
		levels = append(levels, level{col: col})
	}
	if t.Type != token.SequenceEntryType {
		levels[len(levels)-1].keys++
	}
	return levels
}
