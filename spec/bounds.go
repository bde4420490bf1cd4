package spec

import (
	"fmt"
	"strings"

	"github.com/goccy/go-yaml/token"
)

// YAMLBounds are what a text of YAML may have before the parser sees it. The parser's time grows with the square of depth, of the keys
// in a mapping and of empty lines, and its stack with depth: 60 KB of "- [" took it 10 s. Its methods take linear time.
type YAMLBounds struct {
	Depth      int // how deep mappings and lists may nest
	Keys       int // of one mapping
	EmptyLines int // that follow each other
}

// documentBounds are those of a document of a spec.
var documentBounds = YAMLBounds{Depth: nodeDepthMax, Keys: keysMax, EmptyLines: emptyLinesMax}

// Text says what a text has too much of for the lexer; empty: nothing.
func (b YAMLBounds) Text(text string) (bad string) {
	empty := 0
	for line := range strings.Lines(text) {
		if strings.TrimSpace(line) != "" {
			empty = 0
		} else if empty++; empty > b.EmptyLines {
			return fmt.Sprintf("more than %d empty lines in a row", b.EmptyLines)
		}
	}
	return ""
}

// level is one open collection: its column in block style, 0 in brackets, and how many keys it has so far.
type level struct{ col, keys int }

// Tokens finds what would be too deep or too wide for the parser, without knowing more of the grammar than that what stands further
// right is deeper. bad is empty where there is nothing.
func (b YAMLBounds) Tokens(tokens token.Tokens) (at *token.Token, bad string) {
	levels := []level{{}}
	tags := 0 // that follow each other: each is a level of the parser's stack
	for _, t := range tokens {
		if t.Type == token.TagType || t.Type == token.AnchorType {
			if tags++; tags > b.Depth {
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
			if t.Type == token.SequenceEntryType && flowing(levels) {
				return t, "an item with - stands in brackets"
			}
			levels = entered(levels, t)
		}
		if len(levels) > b.Depth+2 {
			return t, fmt.Sprintf("mappings and lists nest deeper than %d", b.Depth)
		}
		if levels[len(levels)-1].keys > b.Keys {
			return t, fmt.Sprintf("a mapping has more than %d keys", b.Keys)
		}
	}
	return nil, ""
}

// entered is the levels after a dash, a question mark or a colon.
func entered(levels []level, t *token.Token) []level {
	col, flow := t.Position.Column, flowing(levels)
	if t.Type == token.MappingValueType && t.Prev != nil {
		col = t.Prev.Position.Column
	}
	for levels[len(levels)-1].col > col {
		levels = levels[:len(levels)-1]
	}
	if levels[len(levels)-1].col < col && !flow {
		levels = append(levels, level{col: col})
	}
	if t.Type != token.SequenceEntryType {
		levels[len(levels)-1].keys++
	}
	return levels
}

// flowing says whether the innermost open collection is one in brackets: columns mean nothing there.
func flowing(levels []level) bool { return len(levels) > 1 && levels[len(levels)-1].col == 0 }
