package seclang

import "strings"

// macros splits a string at its macros %{VARIABLE} and %{COLLECTION.key}. A macro whose variable is not known is a problem:
// ModSecurity would leave it standing as text.
func (p *parser) macros(t span) Text {
	var out Text
	for t.s != "" {
		i := strings.Index(t.s, "%{")
		if i < 0 {
			return append(out, Part{Literal: t.s})
		}
		if i > 0 {
			out = append(out, Part{Literal: t.s[:i]})
		}
		n := strings.IndexByte(t.s[i:], '}')
		if n < 0 {
			p.wrong(t.at(i), "the macro that begins here is not closed", "end it with }")
			return out
		}
		if part, ok := p.macro(t.sub(i+2, i+n)); ok {
			out = append(out, part)
		}
		t = t.from(i + n + 1)
	}
	return out
}

// macro reads what stands between %{ and }.
func (p *parser) macro(t span) (Part, bool) {
	name, key, dotted := t.cut(".")
	if strings.IndexByte(t.s, ':') >= 0 && !dotted {
		p.wrong(t.pos(), "a macro's key stands behind a dot: %{"+t.s+"}", "write %{"+strings.Replace(t.s, ":", ".", 1)+"}")
		return Part{}, false
	}
	v, why, fix := variable(name.s)
	switch {
	case why != "":
		p.wrong(name.pos(), why+" in a macro", fix)
	case dotted && !v.Collection():
		p.wrong(key.pos(), v.String()+" has no keys: %{"+t.s+"}", "write %{"+v.String()+"}")
	case dotted && key.s == "":
		p.wrong(key.pos(), "a macro's key is empty: %{"+t.s+"}", "")
	default:
		return Part{Var: v, Key: strings.ToLower(key.s)}, true
	}
	return Part{}, false
}

// String is the text as it was written, but for the case of macros.
func (t Text) String() string {
	var b strings.Builder
	for _, p := range t {
		switch {
		case p.Var == VarNone:
			b.WriteString(p.Literal)
		case p.Key == "":
			b.WriteString("%{" + p.Var.String() + "}")
		default:
			b.WriteString("%{" + p.Var.String() + "." + p.Key + "}")
		}
	}
	return b.String()
}
