package seclang

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
)

// operator reads the operator of a rule: "@rx …", "!@eq 0"; what names none is a pattern. White space around the argument goes.
func (p *parser) operator(t span) Operator {
	out := Operator{Op: OpRx}
	rest := t
	if strings.HasPrefix(rest.s, "!") {
		out.Not, rest = true, rest.from(1)
	}
	arg := rest.trim()
	switch {
	case strings.HasPrefix(rest.s, "@"):
		var name span
		name, arg = rest.from(1), rest.end()
		if i := strings.IndexAny(name.s, space); i >= 0 {
			name, arg = name.sub(0, i), name.from(i).trim()
		}
		op, ok := p.operatorNamed(name)
		if !ok {
			return out
		}
		out.Op = op
	case strings.HasPrefix(arg.s, "@"):
		p.wrong(arg.pos(), "white space before @: this would be a pattern, not an operator", "remove the space")
		return out
	}
	p.argument(&out, arg)
	return out
}

func (p *parser) operatorNamed(t span) (Op, bool) {
	name := strings.ToLower(t.s)
	if op, ok := operatorNumbers[name]; ok {
		return op, true
	}
	if why, ok := operatorsRefused[name]; ok {
		p.wrong(t.pos(), "the operator @"+t.s+" is not offered: "+why, "")
	} else {
		p.wrong(t.pos(), "unknown operator "+quote("@"+t.s), meant(t.s, operatorNames()))
	}
	return OpNone, false
}

// argument reads what an operator takes.
func (p *parser) argument(out *Operator, t span) {
	kind := operators[out.Op].form
	if t.s != "" {
		out.Arg = Text{{Literal: t.s}}
	}
	switch {
	case kind == formNone && t.s != "":
		p.wrong(t.pos(), "@"+out.Op.String()+" takes no argument", "")
		return
	case kind != formNone && kind != formPattern && t.s == "":
		p.wrong(t.pos(), "@"+out.Op.String()+" has no argument", "")
		return
	}
	switch kind {
	case formText:
		out.Arg = p.macros(t)
	case formNumber:
		out.Arg = p.macros(t)
		if s, fixed := out.Arg.Fixed(); fixed && !integer(s) {
			p.wrong(t.pos(), "@"+out.Op.String()+" compares whole numbers, and "+quote(s)+" is none", "compare strings with @streq")
		}
	case formPattern:
		p.regexp(t)
	case formPhrases:
		out.Phrases = p.phrases(t)
	case formPhraseFiles:
		out.Phrases = p.files(t)
	case formPrefixes:
		for _, f := range t.split(",") {
			p.prefix(out, f.s, f.pos())
		}
	case formPrefixFiles:
		for _, s := range p.files(t) {
			p.prefix(out, s, t.pos())
		}
	case formBytes:
		p.byteRanges(t)
	}
}

// fields splits at white space.
func (t span) fields() []span {
	var out []span
	for _, f := range t.split(space) {
		if f.s != "" {
			out = append(out, f)
		}
	}
	return out
}

func integer(s string) bool {
	_, err := strconv.ParseInt(s, 10, 64)
	return err == nil
}

// number is a rule id or a count: digits only, from 1.
func number(s string) (int, bool) {
	if s == "" || len(s) > 18 || strings.Trim(s, "0123456789") != "" {
		return 0, false
	}
	n, err := strconv.Atoi(s)
	return n, err == nil && n > 0
}

// regexp checks a pattern. It has no macros, as in Coraza; ModSecurity 2 would expand them.
func (p *parser) regexp(t span) {
	if i := strings.Index(t.s, "%{"); i >= 0 {
		inner, _, closed := t.from(i + 2).cut("}")
		name, _, _ := strings.Cut(inner.s, ".")
		if _, known := LookupVariable(name); closed && known {
			p.wrong(t.at(i), "a pattern has no macros: %{"+inner.s+"}", "use @streq, @contains, @beginsWith, @endsWith or @within")
			return
		}
	}
	p.noted(pattern(t, "(?sm)"))
}

// phrases are words between white space. ModSecurity reads bytes in hex between bars within them, Coraza does not: such a phrase is refused.
func (p *parser) phrases(t span) []string {
	var out []string
	for _, f := range t.fields() {
		if _, rest, ok := f.cut("|"); ok {
			if hex, _, ok := rest.cut("|"); ok && len(hex.s) >= 2 && strings.Trim(hex.s, "0123456789abcdefABCDEF ") == "" {
				p.wrong(f.pos(), "bytes in hex between bars are not offered: "+quote(f.s), "use @rx with \\x")
				continue
			}
		}
		out = append(out, f.s)
	}
	return out
}

// list reads a file of phrases: one a line, without empty lines and lines of comment.
func (p *parser) list(t span) []string {
	name, f := p.beside(t)
	if p.noted(f) {
		return nil
	}
	if got, ok := p.lists[name]; ok {
		return got
	}
	text, err := p.read(name, dataBytesMax, "dataBytesMax")
	if err != nil {
		p.wrong(t.pos(), err.Error(), "the file stands beside the file of rules")
		return nil
	}
	var out []string
	for line := range strings.SplitSeq(text, "\n") {
		if line = strings.Trim(line, space); line == "" || line[0] == '#' {
			continue
		}
		if !p.room(1, t.pos()) {
			return nil
		}
		out = append(out, line)
	}
	if len(out) == 0 {
		p.wrong(t.pos(), "the file "+quote(t.s)+" has no phrase", "the rule could never match")
	}
	p.lists[name] = out
	return out
}

// files are the phrases of all the files that t names. Rules that name the same file share its phrases.
func (p *parser) files(t span) []string {
	names := t.fields()
	if len(names) == 1 {
		return p.list(names[0])
	}
	var out []string
	for _, f := range names {
		more := p.list(f)
		if !p.room(len(more), f.pos()) {
			return nil
		}
		out = append(out, more...)
	}
	return out
}

// room takes n phrases from what a Set may have.
func (p *parser) room(n int, at Pos) bool {
	before := p.held
	p.held += n
	if before <= phrasesMax && p.held > phrasesMax {
		p.wrong(at, fmt.Sprintf("more than %d phrases and prefixes in all (phrasesMax)", phrasesMax), "")
	}
	return p.held <= phrasesMax
}

// prefix adds an address or prefix, in its usual form.
func (p *parser) prefix(out *Operator, s string, at Pos) {
	if p.full() || !p.room(1, at) {
		return
	}
	if a, err := netip.ParseAddr(s); err == nil && a.Zone() == "" {
		out.Phrases = append(out.Phrases, netip.PrefixFrom(a, a.BitLen()).String())
		return
	}
	x, err := netip.ParsePrefix(s)
	if err != nil {
		p.wrong(at, quote(s)+" is neither an address nor a prefix", "as in 192.0.2.0/24 or 2001:db8::/32")
		return
	}
	out.Phrases = append(out.Phrases, x.Masked().String())
}

// byteRanges checks "9,10,32-126".
func (p *parser) byteRanges(t span) {
	for _, f := range t.split(",") {
		if p.full() {
			return
		}
		low, high, ranged := strings.Cut(f.s, "-")
		if !ranged {
			high = low
		}
		a, errA := strconv.ParseUint(strings.Trim(low, space), 10, 8)
		b, errB := strconv.ParseUint(strings.Trim(high, space), 10, 8)
		if errA != nil || errB != nil || a > b {
			p.wrong(f.pos(), quote(f.s)+" is neither a byte nor a range of bytes, from 0 to 255", "as in 9,10,32-126")
		}
	}
}
