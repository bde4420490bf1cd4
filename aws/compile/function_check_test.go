package compile

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"skerry.dev/skerry/exchange"
)

// checkCode says what of a function CloudFront Functions 2.0 may not have. It is stricter than AWS: what it does not know is
// wrong.
func checkCode(code string) error {
	if len(code) > 10240 {
		return fmt.Errorf("%d bytes", len(code))
	}
	for i := range len(code) {
		if c := code[i]; c >= 0x7f || c < ' ' && c != '\n' {
			return fmt.Errorf("the byte %q at %d", c, i)
		}
	}
	tokens, err := tokensOf(code)
	if err != nil {
		return err
	}
	declared := map[string]bool{}
	for i, tok := range tokens {
		if i > 0 && (tokens[i-1] == "var" || tokens[i-1] == "function" || tokens[i-1] == "import") {
			declared[tok] = true
		}
	}
	depth := 0
	for i, tok := range tokens {
		switch {
		case strings.Contains("({[", tok):
			depth++
		case strings.Contains(")}]", tok):
			if depth--; depth < 0 {
				return fmt.Errorf("%q closes nothing", tok)
			}
		case tok == "import":
			if depth != 0 || i+3 >= len(tokens) || tokens[i+2] != "from" || !slices.Contains([]string{"'cloudfront'", "'crypto'"}, tokens[i+3]) {
				return fmt.Errorf("an import of %v", tokens[i:i+4])
			}
		case isWord(tok):
			after := i > 0 && tokens[i-1] == "."
			key := i+1 < len(tokens) && tokens[i+1] == ":" // of an object, or a branch of ?:
			if !after && !key && !declared[tok] && !slices.Contains(words, tok) && !parameterOf.MatchString(tok) {
				return fmt.Errorf("the word %q", tok)
			}
			if after && !slices.Contains(members, tok) {
				return fmt.Errorf("the member %q", tok)
			}
		case tok[0] == '"' || tok[0] == '\'' || tok[0] == '/' && len(tok) > 1 || tok[0] >= '0' && tok[0] <= '9':
		case !slices.Contains(punctuators, tok):
			return fmt.Errorf("%q", tok)
		}
	}
	if depth != 0 {
		return fmt.Errorf("%d brackets are open at the end", depth)
	}
	return nil
}

var (
	words = []string{"function", "var", "if", "else", "return", "for", "while", "try", "catch", "async", "await", "delete", "typeof", "from", "undefined",
		"true", "false", "null", "Object", "String", "JSON", "Math", "parseInt"}
	members = []string{"request", "headers", "uri", "method", "value", "multiValue", "some", "rawQueryString", "cookies", "context", "requestId", "viewer", "ip",
		"test", "exec", "replace", "indexOf", "slice", "split", "join", "push", "pop", "length", "fromCharCode", "keys", "forEach", "stringify", "floor", "random",
		"toString", "toLowerCase", "toUpperCase", "createHash", "update", "digest", "kvs", "get", "selectRequestOriginById", "createRequestOriginGroup",
		"updateRequestOrigin", "statusCode", "body", "response", "host", "accept", "origin", "vary", "forwarded", "traceparent"}
	punctuators = strings.Fields("( ) [ ] { } ; , . : ? = == === !== ! < <= > >= + - * / % && || ++ += -- |")
	parameterOf = regexp.MustCompile(`^[a-z]$|^event$`) // every parameter of ours
	wordOf      = regexp.MustCompile(`^[A-Za-z_$][A-Za-z0-9_$]*`)
	numberOf    = regexp.MustCompile(`^[0-9]+(\.[0-9]+)?(e-?[0-9]+)?`)
	textOf      = regexp.MustCompile(`^("([^"\\\n]|\\["\\n]|\\u[0-9a-f]{4})*"|'[^'\\\n]*')`)
	regexpOf    = regexp.MustCompile(`^/([^/\\\n\[]|\\.|\[([^\]\\\n]|\\.)*\])+/[gi]*`)
	signOf      = regexp.MustCompile(`^(===|=>|\?\?|\?\.|!==|==|<=|>=|&&|\|\||\+\+|--|\+=|[(){}\[\];,.:?=!<>+*/%|-])`)
)

func isWord(s string) bool { return wordOf.FindString(s) == s }

// tokensOf cuts JavaScript into tokens. A slash begins a regular expression where an operand may stand.
func tokensOf(code string) (tokens []string, err error) {
	operand := true
	for rest := code; ; {
		rest = strings.TrimLeft(rest, " \n")
		if rest == "" {
			return tokens, nil
		}
		tok := ""
		for _, re := range []*regexp.Regexp{wordOf, numberOf, textOf} {
			if tok == "" {
				tok = re.FindString(rest)
			}
		}
		if tok == "" && rest[0] == '/' && operand {
			if tok = regexpOf.FindString(rest); strings.HasPrefix(tok, "//") {
				tok = ""
			}
		} else if tok == "" {
			tok = signOf.FindString(rest)
		}
		if tok == "" {
			return nil, fmt.Errorf("no token at %.60q", rest)
		}
		operand = strings.Contains("(,=:[!&|?{};+-<>===!==&&||+=return", tok) && tok != ")" && tok != "]"
		tokens = append(tokens, tok)
		rest = rest[len(tok):]
	}
}

func TestCodeIsOfTheRuntime(t *testing.T) {
	sites := map[string]string{"whole": wholeSpec, "weights": weightedSpec}
	for name, text := range sites {
		_, s := madeSite(t, text)
		for _, v := range s.behaviors {
			for _, f := range []*function{v.viewer, v.answer} {
				if f == nil {
					continue
				}
				if err := checkCode(f.code); err != nil {
					t.Errorf("%s, %s: %v in\n%s", name, v.name(), err, f.code)
				}
			}
		}
	}
	for _, bad := range []string{"eval('x')", "let x=1", "var x=y??1", "var x=`a`", "fetch('x')", "import x from 'fs';", "for(var x of y)x", "setTimeout(x)",
		"var f=(x)=>x", "var x={...y}", "x?.y", "new Function('x')", "// x", "this", "globalThis", "var a='\u2028'", "class A{}", "var [a]=b;}", "a.constructor", "process.env"} {
		if checkCode(bad) == nil {
			t.Errorf("%s passes", bad)
		}
	}
}

// No text of a spec becomes code: what is written as a literal is read as the same text by the checker's grammar and by Node.js.
func FuzzText(f *testing.F) {
	for _, s := range []string{"", `"`, `\`, "</script>", "\u2028\u2029", "${x}", "\x00\x01", "'+alert(1)+'", "é😀", "a\nb", `\u0022`, "*/", "/", "]"} {
		f.Add(s)
	}
	n := newNode(f)
	f.Fuzz(func(t *testing.T, s string) {
		valid := strings.ToValidUTF8(s, "�")
		for literal, want := range map[string]string{js(valid): valid, jsBytes(s): latin(s)} {
			code := "function handler(event){var r=event.request;r.headers['x']={value:JSON.stringify(" + literal + ")};return r}\n"
			if err := checkCode(code); err != nil && len(code) < 10240 {
				t.Fatalf("%q is written as %s: %v", s, literal, err)
			}
			if len(code) >= 10240 {
				return
			}
			o, err := n.run(code, requestEvent("GET", "h", "/"), nil)
			if err != nil {
				t.Fatal(err)
			}
			if got := unquoted(t, o.Headers["x"].Value); got != want {
				t.Errorf("%q is read as %q", want, got)
			}
		}
		re := "function handler(event){var r=event.request;r.headers['x']={value:String(/^" + jsRegexp(s) + "$/.test(" + jsBytes(s) + "))};return r}\n"
		if s == "" || len(re) >= 10240 {
			return
		}
		if err := checkCode(re); err != nil {
			t.Fatalf("%q in a regular expression: %v", s, err)
		}
		if o, err := n.run(re, requestEvent("GET", "h", "/"), nil); err != nil || o.Headers["x"].Value != "true" {
			t.Errorf("%q does not match itself: %v", s, err)
		}
	})
}

// latin is bytes as characters.
func latin(s string) string {
	out := make([]rune, len(s))
	for i := range len(s) {
		out[i] = rune(s[i])
	}
	return string(out)
}

func unquoted(t testing.TB, s string) (out string) {
	t.Helper()
	if err := json.Unmarshal([]byte(s), &out); err != nil {
		t.Fatal(err)
	}
	return out
}

// FuzzNormalPath compares the normal form of functions with that of the edge.
func FuzzNormalPath(f *testing.F) {
	for _, s := range []string{"/", "/a/../b", "/%61", "/%2e%2e/x", "/a%2F..%2Fb", "/..;x", "/a/.", "/a/..", "//", "/%00", "/%5c", "/\\", "/%", "/%zz", "/a%2fb/", "/./..", "/a/%2e",
		"/...", "/..%20", "/..a", "/.%3B", "/é", "/a?b", "/a#b", "/%7E%7e", strings.Repeat("/a", 256), strings.Repeat("/a", 257), "/%41%2F.."} {
		f.Add(s)
	}
	n := newNode(f)
	c := &coder{}
	c.use("N")
	c.add("", "var r=event.request;r.headers.x={value:N(r.uri)};r.uri='/';return r;")
	code := c.code()
	f.Fuzz(func(t *testing.T, s string) {
		for i := range len(s) {
			if s[i] >= 0x80 { // CloudFront decodes these, and both refuse what comes of it
				return
			}
		}
		normal, err := exchange.NormalPath([]byte(s), new(exchange.Scratch))
		want := string(normal)
		if err != nil {
			want = ""
		}
		e := requestEvent("GET", "h", "/")
		e.Request.URI = s
		o, failed := n.run(code, e, nil)
		if failed != nil {
			t.Fatal(failed)
		}
		if got := o.Headers["x"].Value; got != want {
			t.Errorf("%q becomes %q, and %q at the edge (%v)", s, got, want, err)
		}
	})
}
