package spec

import (
	"fmt"
	"strings"

	"github.com/goccy/go-yaml/token"
)

// The parser's time grows with the square of depth, of the keys in a mapping and of empty lines, and its stack with depth:
// 60 KB of "- [" took it 10 s. The checks of this file run before it, in linear time.

// tooLong says what a document has too much of for the lexer.
func tooLong(text string) (bad string) {
	if len(text) > documentBytesMax {
		return fmt.Sprintf("%d bytes, the limit is %d", len(text), documentBytesMax)
	}
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

// level is one open collection: its column in block style, 0 in brackets, and how many keys it has so far.
type level struct{ col, keys int }

// tooMuch finds what would be too deep or too wide for the parser, without knowing more of the grammar than that what
// stands further right is deeper.
func tooMuch(tokens token.Tokens) (at *token.Token, bad string) {
	levels := []level{{}}
	top := func() *level { return &levels[len(levels)-1] }
	for _, t := range tokens {
		switch t.Type {
		case token.SequenceStartType, token.MappingStartType:
			levels = append(levels, level{})
		case token.SequenceEndType, token.MappingEndType:
			for len(levels) > 1 && top().col > 0 {
				levels = levels[:len(levels)-1]
			}
			if len(levels) > 1 {
				levels = levels[:len(levels)-1]
			}
		case token.SequenceEntryType, token.MappingKeyType, token.MappingValueType:
			if t.Type == token.SequenceEntryType && flowing(levels) {
				return t, "an item with - stands in brackets"
			}
			col := t.Position.Column
			if t.Type == token.MappingValueType && t.Prev != nil {
				col = t.Prev.Position.Column
			}
			for top().col > col {
				levels = levels[:len(levels)-1]
			}
			if top().col < col && !flowing(levels) {
				levels = append(levels, level{col: col})
			}
			if t.Type != token.SequenceEntryType {
				top().keys++
			}
		}
		if len(levels) > nodeDepthMax+2 {
			return t, fmt.Sprintf("mappings and lists nest deeper than %d", nodeDepthMax)
		}
		if top().keys > keysMax {
			return t, fmt.Sprintf("a mapping has more than %d keys", keysMax)
		}
	}
	return nil, ""
}

// flowing says whether the innermost open collection is one in brackets: columns mean nothing there.
func flowing(levels []level) bool { return len(levels) > 1 && levels[len(levels)-1].col == 0 }
