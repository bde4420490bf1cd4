package seclang

import (
	"regexp/syntax"
	"strings"
)

// ParseTarget reads one target as rules have it: "ARGS:q", "!REQUEST_COOKIES:/^_pk_/", "&TX:x", "XML:/*". A key with "|" or "," in it stands
// in quotes: "ARGS:'a,b'". A pattern goes to the last slash.
func ParseTarget(s string) (Target, error) {
	t, _, f := readTarget(bareSpan(s), true)
	if f != nil {
		return Target{}, f
	}
	return t, nil
}

// bareSpan is a text that stands in no file.
func bareSpan(s string) span { return span{s, 0, &source{marks: []mark{{0, 1, 1}}}} }

// targets reads a list, between whose members stand "|" or ",". A comma is a separator in ModSecurity only; Coraza has it in a
// key, for which we want quotes.
func (p *parser) targets(t span) []Target {
	var out []Target
	for {
		tg, n, f := readTarget(t, false)
		if p.noted(f) {
			return out
		}
		out = append(out, tg)
		if n == len(t.s) {
			return out
		}
		t = t.from(n + 1)
	}
}

// readTarget reads one target and says where it ends: at a separator or the end. alone: it must be the end.
func readTarget(t span, alone bool) (out Target, n int, f *flaw) {
	i := 0
	for ; i < len(t.s) && strings.IndexByte("!& \t", t.s[i]) >= 0; i++ {
		out.Not = out.Not || t.s[i] == '!'
		out.Count = out.Count || t.s[i] == '&'
	}
	n = i
	for n < len(t.s) && strings.IndexByte(":|,", t.s[n]) < 0 {
		n++
	}
	name := t.sub(i, n).trim()
	switch v, why, fix := variable(name.s); {
	case name.s == "":
		return out, n, &flaw{t.at(i), "a target is empty", "name a variable, as in ARGS|REQUEST_COOKIES"}
	case why != "":
		return out, n, &flaw{name.pos(), why, fix}
	case out.Not && out.Count:
		return out, n, &flaw{t.pos(), "a target is either counted (&) or left out (!)", ""}
	default:
		out.Var = v
	}
	if n == len(t.s) || t.s[n] != ':' {
		if alone && n < len(t.s) {
			return out, n, &flaw{t.at(n), "one target is wanted here, not a list", ""}
		}
		return out, n, nil
	}
	if !out.Var.Collection() {
		return out, n, &flaw{t.at(n + 1), out.Var.String() + " has no keys", "name it alone"}
	}
	m, f := readKey(&out, t.from(n+1), alone)
	return out, n + 1 + m, f
}

// readKey reads what stands behind the colon.
func readKey(out *Target, t span, alone bool) (n int, f *flaw) {
	switch {
	case out.Var == VarXML:
		return readPath(out, t, alone)
	case strings.HasPrefix(t.s, "'"):
		n = closing(t.s, '\'')
		if n < 0 {
			return 0, &flaw{t.pos(), "the key's quote is not closed", ""}
		}
		f = quotedKey(out, t.sub(1, n))
		n++
	case strings.HasPrefix(t.s, "/"):
		n = slash(t.s, alone)
		if n < 0 {
			return 0, &flaw{t.pos(), "the key's pattern is not closed by a slash", "write a key that begins with a slash in quotes"}
		}
		f = patternKey(out, t.sub(1, n))
		n++
	default:
		for n < len(t.s) && t.s[n] != '|' && t.s[n] != ',' {
			n++
		}
		out.Key = lower(t.sub(0, n).trim().s)
		if out.Key == "" {
			f = &flaw{t.pos(), "the key is empty", "leave the colon out for the whole collection"}
		}
	}
	if f == nil && n < len(t.s) && (alone || t.s[n] != '|' && t.s[n] != ',') {
		f = &flaw{t.at(n), "text behind the key's end", `a slash within a pattern is written \/, a key with | or , stands in quotes`}
	}
	return n, f
}

// slash is where the pattern ends that begins at s[0].
func slash(s string, alone bool) int {
	if !alone {
		return closing(s, '/')
	}
	n := len(s) - 1
	escapes := n - len(strings.TrimRight(s[:max(n, 0)], `\`))
	if n < 1 || s[n] != '/' || escapes%2 == 1 {
		return -1
	}
	return n
}

// readPath reads the path of XML: all text, or all attributes.
func readPath(out *Target, t span, alone bool) (n int, f *flaw) {
	for n < len(t.s) && (alone || t.s[n] != '|' && t.s[n] != ',') { // alone, a list is no path
		n++
	}
	out.Key = t.sub(0, n).trim().s
	if out.Key != "/*" && out.Key != "//@*" {
		return n, &flaw{t.pos(), "the path " + quote(out.Key) + " of XML is not offered", "XML:/* is all text, XML://@* all attributes"}
	}
	return n, nil
}

// quotedKey is a key in quotes, which may be a pattern.
func quotedKey(out *Target, t span) *flaw {
	if strings.HasPrefix(t.s, "/") && slash(t.s, true) > 0 {
		return patternKey(out, t.unescape('\'').sub(1, len(t.unescape('\'').s)-1))
	}
	out.Key = lower(unslash.Replace(t.s))
	if out.Key == "" {
		return &flaw{t.pos(), "the key is empty", "leave the colon out for the whole collection"}
	}
	return nil
}

var (
	unslash = strings.NewReplacer(`\\`, `\`, `\'`, `'`)
	inslash = strings.NewReplacer(`\`, `\\`, `'`, `\'`)
)

// patternKey is a key that is a regular expression, without its slashes.
func patternKey(out *Target, t span) *flaw {
	if t.s == "" {
		return &flaw{t.pos(), "the key's pattern is empty", "leave the colon out for the whole collection"}
	}
	out.Regexp = t.s
	return pattern(t, "(?ism)")
}

// pattern checks a regular expression under the flags it will have.
func pattern(t span, flags string) *flaw {
	if len(t.s) > patternBytesMax {
		return &flaw{t.pos(), "the pattern is longer than 64 KB (patternBytesMax)", "write phrases to a file and use @pmFromFile"}
	}
	_, err := syntax.Parse(flags+t.s, syntax.Perl)
	if err == nil {
		return nil
	}
	text, at, fix := err.Error(), t.pos(), ""
	if e, ok := err.(*syntax.Error); ok {
		expr := strings.TrimPrefix(e.Expr, flags)
		text = string(e.Code) + ": " + expr
		if i := strings.Index(t.s, expr); i > 0 && e.Code != syntax.ErrInvalidUTF8 {
			at = t.at(i)
		}
		if e.Code == syntax.ErrInvalidPerlOp || e.Code == syntax.ErrInvalidEscape {
			fix = "patterns are RE2's: no look-around, no back-references"
		}
	}
	return &flaw{at, "the pattern does not compile: " + quote(text), fix}
}

// String is the target as rules have it; ParseTarget reads it back.
func (t Target) String() string {
	s := t.Var.String()
	switch {
	case t.Count:
		s = "&" + s
	case t.Not:
		s = "!" + s
	}
	switch {
	case t.Regexp != "":
		return s + ":/" + guard(t.Regexp) + "/"
	case t.Key == "":
		return s
	case t.Var == VarXML, !strings.ContainsAny(t.Key, "|,'\"/\\ \t\r\n\v\f"):
		return s + ":" + t.Key
	}
	return s + ":'" + inslash.Replace(t.Key) + "'"
}

// guard escapes slashes of a pattern that are not.
func guard(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '\\' && i+1 < len(s):
			b.WriteByte(s[i])
			i++
		case s[i] == '/':
			b.WriteByte('\\')
		}
		b.WriteByte(s[i])
	}
	return b.String()
}
