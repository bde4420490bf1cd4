package lint

import (
	"slices"
	"strings"

	"skerry.dev/skerry/aws/cfn"
)

func functionSize(l *linter, r *cfn.Resource) {
	code := r.Properties.Get("FunctionCode")
	if text, ok := code.AsText(); r.Type == typeFunction && ok {
		l.quota(code, len(text), "functionBytes")
	}
}

func functionStore(l *linter, r *cfn.Resource) {
	if r.Type != typeFunction {
		return
	}
	c := r.Properties.Get("FunctionConfig")
	list, _ := entries(c.Get("KeyValueStoreAssociations"))
	if len(list) > 0 && is(c.Get("Runtime"), "cloudfront-js-1.0") {
		l.find(c.Get("KeyValueStoreAssociations"), "the runtime is cloudfront-js-1.0")
	}
	if n := len(sure(list, func(e entry) bool { return e.sure })); n > 1 {
		l.find(c.Get("KeyValueStoreAssociations"), "%d stores are associated", n)
	}
}

func functionHandler(l *linter, r *cfn.Resource) {
	code := r.Properties.Get("FunctionCode")
	text, ok := code.AsText()
	if r.Type != typeFunction || !ok {
		return
	}
	list := words(text)
	if list != nil && !slices.ContainsFunc(list, func(w word) bool { return w.text == "handler" && !w.quoted }) {
		l.find(code, "the code has no handler")
	}
}

// unsupported is what a runtime of CloudFront does not know, with what to say of it.
var unsupported = map[string]string{
	"class": "classes", "?.": "optional chaining", "yield": "generators", "export": "export", "eval": "eval", "setTimeout": "timers",
	"setInterval": "timers", "setImmediate": "timers", "fetch": "requests of its own", "XMLHttpRequest": "requests of its own", "process": "process",
}

// unsupported1 is what only cloudfront-js-2.0 knows.
var unsupported1 = map[string]string{"const": "const", "let": "let", "async": "async functions", "await": "await", "import": "import"}

// modules are what a function may import.
var modules = map[string]bool{"cloudfront": true, "crypto": true, "querystring": true, "buffer": true, "url": true, "string_decoder": true}

func functionSyntax(l *linter, r *cfn.Resource) {
	code := r.Properties.Get("FunctionCode")
	text, ok := code.AsText()
	if r.Type != typeFunction || !ok {
		return
	}
	old := is(r.Properties.Path("FunctionConfig", "Runtime"), "cloudfront-js-1.0")
	list := words(text)
	if list == nil && strings.TrimSpace(text) != "" {
		l.find(code, "a string, a comment or a template does not end")
		return
	}
	said := map[string]bool{}
	for i, w := range list {
		what := strange(list, i, old)
		if what != "" && !said[what] {
			said[what] = true
			l.find(code, "line %d of the code: the runtime does not know %s", w.line, what)
		}
	}
	if at, bad := unbalanced(list); bad != "" {
		l.find(code, "line %d of the code: %s", at, bad)
	}
}

// strange says what of a word the runtime does not know; empty: it does.
func strange(list []word, i int, old bool) string {
	w := list[i]
	before, after := word{}, word{}
	if i > 0 {
		before = list[i-1]
	}
	if i+1 < len(list) {
		after = list[i+1]
	}
	named := before.text == "." || after.text == ":" // a property
	calls := after.text == "("
	switch {
	case w.quoted || named && w.text != "?.":
		return ""
	case old && unsupported1[w.text] != "" && !calls:
		return unsupported1[w.text]
	case w.text == "Function" && before.text == "new":
		return "new Function"
	case w.text == "*" && before.text == "function":
		return "generators"
	case w.text == "of" && inFor(list, i):
		return "for of"
	case w.text == "from" && after.quoted && !modules[after.text], w.text == "require" && calls && i+2 < len(list) && list[i+2].quoted && !modules[list[i+2].text]:
		return "the module that it imports"
	}
	switch what := unsupported[w.text]; w.text {
	case "class", "?.", "yield", "export":
		return what
	case "eval", "setTimeout", "setInterval", "setImmediate", "fetch", "XMLHttpRequest":
		if calls || before.text == "new" {
			if before.text == "function" {
				return "" // it defines its own
			}
			return what
		}
	case "process":
		if after.text == "." {
			return what
		}
	}
	return ""
}

// inFor is whether a word stands in the head of a for loop, after a name.
func inFor(list []word, i int) bool {
	depth := 0
	for j := i - 1; j >= 0 && i-j < 20; j-- {
		switch list[j].text {
		case ")", "]", "}":
			depth++
		case "[", "{":
			depth--
		case "(":
			if depth == 0 {
				return j > 0 && list[j-1].text == "for" && i-j >= 2
			}
			depth--
		case ";":
			return false
		}
	}
	return false
}

// unbalanced finds a bracket without its other half.
func unbalanced(list []word) (line int, bad string) {
	pairs := map[string]string{")": "(", "]": "[", "}": "{"}
	var open []word
	for _, w := range list {
		if w.quoted {
			continue
		}
		switch w.text {
		case "(", "[", "{":
			open = append(open, w)
		case ")", "]", "}":
			if len(open) == 0 || open[len(open)-1].text != pairs[w.text] {
				return w.line, "a " + w.text + " closes nothing"
			}
			open = open[:len(open)-1]
		}
	}
	if len(open) > 0 {
		w := open[len(open)-1]
		return w.line, "the " + w.text + " is not closed"
	}
	return 0, ""
}

// word is a name, a number, a string or a sign of JavaScript.
type word struct {
	text   string // of a string: what stands between the quotes
	quoted bool   // a string, a template or a regular expression
	line   int
}

// words splits code as far as the rules above need it: comments are left out. nil: something does not end.
func words(code string) []word {
	s := &splitter{code: code, line: 1}
	for s.at < len(s.code) {
		if !s.next() {
			return nil
		}
	}
	return s.list
}

type splitter struct {
	code string
	at   int
	line int
	list []word
}

// next takes one word or what stands between words; false: it does not end.
func (s *splitter) next() bool {
	rest := s.code[s.at:]
	switch c := rest[0]; {
	case c == '\n':
		s.line++
		s.at++
	case c == ' ' || c == '\t' || c == '\r':
		s.at++
	case strings.HasPrefix(rest, "//"):
		if i := strings.IndexByte(rest, '\n'); i >= 0 {
			s.at += i
		} else {
			s.at = len(s.code)
		}
	case strings.HasPrefix(rest, "/*"):
		i := strings.Index(rest[2:], "*/")
		if i < 0 {
			return false
		}
		s.line += strings.Count(rest[:i+4], "\n")
		s.at += i + 4
	case c == '"' || c == '\'' || c == '`':
		return s.quoted(c)
	case c == '/' && s.expression():
		return s.quoted('/')
	case isWord(c):
		n := 1
		for n < len(rest) && isWord(rest[n]) {
			n++
		}
		s.add(rest[:n])
	case strings.HasPrefix(rest, "?.") && (len(rest) == 2 || rest[2] < '0' || rest[2] > '9'):
		s.add("?.")
	default:
		s.add(rest[:1])
	}
	return true
}

func (s *splitter) add(text string) {
	s.list = append(s.list, word{text: text, line: s.line})
	s.at += len(text)
}

func isWord(c byte) bool {
	return c == '_' || c == '$' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= 0x80
}

// expression is whether a slash begins a regular expression: nothing stands before it that could be divided.
func (s *splitter) expression() bool {
	if len(s.list) == 0 {
		return true
	}
	before := s.list[len(s.list)-1]
	switch before.text {
	case "return", "typeof", "case", "in", "of", "delete", "void", "throw", "new", "else", "do":
		return !before.quoted
	}
	last := before.text[max(len(before.text)-1, 0):]
	return !before.quoted && last != ")" && last != "]" && last != "}" && !isWord(last[0])
}

// quoted takes a string, a template with what stands in its ${}, or a regular expression.
func (s *splitter) quoted(end byte) bool {
	class := false
	for i := s.at + 1; i < len(s.code); i++ {
		switch c := s.code[i]; {
		case c == '\\':
			i++
			if i < len(s.code) && s.code[i] == '\n' {
				s.line++
			}
		case c == '\n':
			if end != '`' {
				return false
			}
			s.line++
		case end == '/' && c == '[':
			class = true
		case end == '/' && c == ']':
			class = false
		case c == end && !class:
			s.list = append(s.list, word{text: s.code[s.at+1 : i], quoted: true, line: s.line})
			s.at = i + 1
			return true
		case end == '`' && c == '$' && i+1 < len(s.code) && s.code[i+1] == '{':
			if i = s.hole(i + 2); i < 0 {
				return false
			}
		}
	}
	return false
}

// hole returns where the ${} of a template ends; -1: it does not.
func (s *splitter) hole(from int) int {
	inner := &splitter{code: s.code, at: from, line: s.line}
	depth := 0
	for inner.at < len(inner.code) {
		before := len(inner.list)
		if !inner.next() {
			return -1
		}
		if len(inner.list) == before || inner.list[before].quoted {
			continue
		}
		switch inner.list[before].text {
		case "{":
			depth++
		case "}":
			if depth == 0 {
				return inner.at - 1
			}
			depth--
		}
	}
	return -1
}
