package spec

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// This file is about what shapes write: its JSON form, and its form on one line.

// ordered is a JSON object that keeps its order.
type ordered []member

type member struct {
	key   string
	value any
}

// MarshalJSON is for the schema, where an object may be the default of a field.
func (o ordered) MarshalJSON() ([]byte, error) { return toJSON(o), nil }

// toJSON is the JSON form of a written value.
func toJSON(v any) []byte { return appendJSON(nil, v) }

// appendJSON knows what shapes write: text, numbers, lists and ordered objects. The general encoder took as long over a
// spec of 2,000 entrypoints as parsing them did.
func appendJSON(out []byte, v any) []byte {
	switch v := v.(type) {
	case nil:
		return append(out, "null"...)
	case string:
		return appendText(out, v)
	case int:
		return strconv.AppendInt(out, int64(v), 10)
	case float64:
		return strconv.AppendFloat(out, v, 'f', -1, 64)
	case []string:
		out = append(out, '[')
		for i, e := range v {
			out = appendText(comma(out, i), e)
		}
		return append(out, ']')
	case []any:
		out = append(out, '[')
		for i, e := range v {
			out = appendJSON(comma(out, i), e)
		}
		return append(out, ']')
	case ordered:
		out = append(out, '{')
		for i, m := range v {
			out = append(appendText(comma(out, i), m.key), ':')
			out = appendJSON(out, m.value)
		}
		return append(out, '}')
	}
	panic(fmt.Sprintf("BUG: spec: a %T has no JSON form", v))
}

func comma(out []byte, i int) []byte {
	if i > 0 {
		return append(out, ',')
	}
	return out
}

func appendText(out []byte, s string) []byte {
	if !strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r >= 0x7f || r == '"' || r == '\\' }) {
		return append(append(append(out, '"'), s...), '"')
	}
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(s); err != nil {
		panic("BUG: spec: text without JSON form: " + err.Error())
	}
	for _, r := range strings.TrimSuffix(b.String(), "\n") {
		if r >= 0x7f && r < 0xa0 || r == '\ufeff' { // what no file may hold as it is, see unreadable
			out = fmt.Appendf(out, "\\u%04x", r)
		} else {
			out = utf8.AppendRune(out, r)
		}
	}
	return out
}

// oneLine is a written value as explain prints it.
func oneLine(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return v
	case []any:
		parts := make([]string, len(v))
		for i, p := range v {
			parts[i] = oneLine(p)
		}
		return "[" + strings.Join(parts, ", ") + "]"
	case ordered:
		parts := make([]string, len(v))
		for i, m := range v {
			parts[i] = m.key + ": " + oneLine(m.value)
		}
		return "{" + strings.Join(parts, ", ") + "}"
	}
	return string(toJSON(v))
}
