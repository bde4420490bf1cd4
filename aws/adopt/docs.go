package adopt

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"skerry.dev/skerry/spec"
)

// document is one document on its way into a file.
type document struct {
	kind    string
	comment []string // lines above it
	meta    []said   // name first
	spec    []said
}

// file writes documents into one file in the one form of spec.Format.
func file(name string, list []*document) []byte {
	var w docWriter
	for i, d := range list {
		if i > 0 {
			w.out.WriteString("---\n")
		}
		for _, line := range d.comment {
			w.out.WriteString("# " + line + "\n")
		}
		w.object([]said{{"apiVersion", spec.APIVersion}, {"kind", d.kind}, {"metadata", d.meta}}, 0)
		w.out.WriteString("spec:\n")
		w.object(d.spec, 1)
	}
	out, problems := spec.Format(spec.File{Name: name, Data: []byte(w.out.String())})
	if len(problems) > 0 {
		panic(fmt.Sprintf("BUG: a document that cannot be formatted: %v", problems[0]))
	}
	return out
}

// docWriter writes YAML.
type docWriter struct{ out strings.Builder }

// object writes fields, each on a line of its own.
func (w *docWriter) object(list []said, depth int) {
	for _, f := range list {
		w.field(f, depth)
	}
}

func (w *docWriter) field(f said, depth int) {
	indent := strings.Repeat("  ", depth)
	w.out.WriteString(indent + scalar(f.name) + ":")
	if text, ok := flow(f.value); ok && len(indent)+len(f.name)+len(": ")+len(text) <= flowBytesMax || isScalar(f.value) {
		w.out.WriteString(" " + text + "\n")
		return
	}
	w.out.WriteString("\n")
	switch v := f.value.(type) {
	case []said:
		w.object(v, depth+1)
	case []string:
		for _, item := range v {
			w.out.WriteString(indent + "  - " + scalar(item) + "\n")
		}
	case [][]said:
		for _, item := range v {
			w.item(item, depth+1)
		}
	}
}

// item writes an object of a list: its first field behind the dash.
func (w *docWriter) item(fields []said, depth int) {
	var inner docWriter
	inner.object(fields, depth+1)
	lines := inner.out.String()
	w.out.WriteString(strings.Repeat("  ", depth) + "- " + strings.TrimPrefix(lines, strings.Repeat("  ", depth+1)))
}

// flow is a value on one line; false: it has parts that belong on lines of their own.
func flow(value any) (string, bool) {
	switch v := value.(type) {
	case string:
		return scalar(v), true
	case int:
		return strconv.Itoa(v), true
	case []string:
		parts := make([]string, len(v))
		for i, item := range v {
			parts[i] = inFlow(item)
		}
		return "[" + strings.Join(parts, ", ") + "]", true
	case []said:
		parts := make([]string, len(v))
		for i, f := range v {
			text, ok := flow(f.value)
			if s, isText := f.value.(string); isText {
				text = inFlow(s)
			} else if _, isObject := f.value.([]said); isObject || !ok {
				return "", false
			}
			parts[i] = inFlow(f.name) + ": " + text
		}
		return "{" + strings.Join(parts, ", ") + "}", true
	case [][]said:
		return "[]", len(v) == 0
	}
	panic(fmt.Sprintf("BUG: a document with a value of type %T", value))
}

func isScalar(value any) bool {
	switch value.(type) {
	case string, int:
		return true
	}
	return false
}

// plain are texts that mean the same in YAML with and without quotes: words, paths, URLs, and numbers with a unit.
var (
	plainText = regexp.MustCompile(`^(/|[A-Za-z/][A-Za-z0-9._/:+-]*[A-Za-z0-9/_-]|[A-Za-z]|[0-9]+(ms|s|m|h|KB|MB|GB|/s|/m|/h))$`)
	yamlWords = []string{"true", "false", "null", "yes", "no", "y", "n"}
)

// scalar is text in YAML, in quotes where it would be something else without them.
func scalar(s string) string {
	if plainText.MatchString(s) && !slices.Contains(yamlWords, strings.ToLower(s)) {
		return s
	}
	var out strings.Builder
	encoder := json.NewEncoder(&out) // what JSON quotes, YAML reads
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(s); err != nil {
		panic("BUG: text that cannot be quoted: " + err.Error())
	}
	text := strings.TrimSuffix(out.String(), "\n")
	if !strings.ContainsFunc(text, hidden) {
		return text
	}
	var escaped strings.Builder
	for _, c := range text {
		if hidden(c) {
			fmt.Fprintf(&escaped, `\u%04x`, c)
		} else {
			escaped.WriteRune(c)
		}
	}
	return escaped.String()
}

// hidden reports whether a character must not stand in a document as it is.
func hidden(c rune) bool { return c >= 0x7f && c < 0xa0 || c == 0xfeff }

// inFlow is scalar inside of brackets, where a colon makes readers stumble.
func inFlow(s string) string {
	if text := scalar(s); !strings.Contains(text, ":") || text[0] == '"' {
		return text
	}
	return `"` + s + `"`
}

// put is a list with a value at a path of names, and the objects on the way. The list itself does not change.
func put(list []said, value any, path ...string) []said {
	list = slices.Clone(list)
	i := slices.IndexFunc(list, func(f said) bool { return f.name == path[0] })
	if i < 0 {
		i = len(list)
		list = append(list, said{name: path[0]})
	}
	if len(path) == 1 {
		list[i].value = value
		return list
	}
	inner, _ := list[i].value.([]said)
	list[i].value = put(inner, value, path[1:]...)
	return list
}

// at is the value at a path of names; nil: there is none.
func at(list []said, path ...string) any {
	for _, f := range list {
		if f.name != path[0] {
			continue
		}
		if len(path) == 1 {
			return f.value
		}
		inner, _ := f.value.([]said)
		return at(inner, path[1:]...)
	}
	return nil
}

// textOf is the text at a path of names; empty: there is none.
func textOf(list []said, path ...string) string {
	s, _ := at(list, path...).(string)
	return s
}

// without is the fields but for the one at a path of names, and the objects on the way that it leaves empty.
func without(list []said, path ...string) []said {
	if len(path) == 1 {
		return slices.DeleteFunc(slices.Clone(list), func(f said) bool { return f.name == path[0] })
	}
	inner, _ := at(list, path[0]).([]said)
	if inner = without(inner, path[1:]...); len(inner) == 0 {
		return without(list, path[0])
	}
	return put(list, inner, path[0])
}

// sameValue reports whether two values say the same.
func sameValue(a, b any) bool {
	x, y := docWriter{}, docWriter{}
	x.field(said{"v", a}, 0)
	y.field(said{"v", b}, 0)
	return x.out.String() == y.out.String()
}

// flowBytesMax is how long a line may get, in bytes, before an object or a list takes several.
const flowBytesMax = 110
