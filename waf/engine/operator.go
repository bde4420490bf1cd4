package engine

import (
	"bytes"
	"net/netip"
	"slices"
	"unicode/utf8"

	"github.com/corazawaf/libinjection-go"

	"skerry.dev/skerry/waf/injection"
	"skerry.dev/skerry/waf/match"
	"skerry.dev/skerry/waf/seclang"
)

// operator holds a value against what a rule asks for, without its negation. With capture it sets TX:0 and on.
type operator interface {
	match(t *Transaction, value []byte, capture bool) bool
}

type rxOp struct {
	re     *match.Regexp
	groups int  // that it captures, the whole match included
	whole  bool // the pattern is ^.*$, which takes all of any value
}

func (o *rxOp) match(t *Transaction, value []byte, capture bool) bool {
	if t.reference {
		if !o.re.Slow(value) {
			return false
		}
	} else if !o.re.Match(value) {
		return false
	}
	switch {
	case capture && o.whole:
		t.capture(catch{value: value, groups: 1})
	case capture:
		t.capture(catch{re: o.re, value: value, groups: o.groups})
	}
	return true
}

// pmOp is @pm and @pmFromFile.
type pmOp struct {
	phrases *match.Phrases
	list    int
	words   [][]byte // in lower case, for the reference
}

func (o *pmOp) match(t *Transaction, value []byte, capture bool) bool {
	if t.reference {
		lower := bytes.ToLower(value)
		if !slices.ContainsFunc(o.words, func(w []byte) bool { return bytes.Contains(lower, w) }) {
			return false
		}
	}
	from, to, ok := o.phrases.Find(o.list, value)
	if ok && capture {
		t.capture(catch{value: value[from:to], groups: 1})
	}
	return ok
}

type sqliOp struct{}

func (sqliOp) match(t *Transaction, value []byte, capture bool) bool {
	if t.reference {
		found, print := libinjection.IsSQLi(string(value))
		if found && capture {
			t.capture(catch{value: []byte(print), groups: 1})
		}
		return found
	}
	print, found := injection.SQLi(value)
	if found && capture {
		t.capture(catch{value: t.mem.Copy([]byte(print.String())), groups: 1})
	}
	return found
}

type xssOp struct{}

func (xssOp) match(t *Transaction, value []byte, _ bool) bool {
	if t.reference {
		return libinjection.IsXSS(string(value))
	}
	return injection.XSS(value)
}

// textOp compares with a text that may have macros.
type textOp struct {
	op  seclang.Op
	arg text
}

func (o *textOp) match(t *Transaction, value []byte, _ bool) bool {
	arg := t.expand(&o.arg)
	switch o.op {
	case seclang.OpBeginsWith:
		return bytes.HasPrefix(value, arg)
	case seclang.OpEndsWith:
		return bytes.HasSuffix(value, arg)
	case seclang.OpContains, seclang.OpStrMatch:
		return bytes.Contains(value, arg)
	case seclang.OpContainsWord:
		return containsWord(value, arg)
	case seclang.OpStrEq:
		return bytes.Equal(value, arg)
	case seclang.OpWithin:
		return bytes.Contains(arg, value)
	}
	return false
}

// containsWord reports whether word is in value and no letter, digit or underscore touches it.
func containsWord(value, word []byte) bool {
	if len(word) == 0 {
		return true
	}
	for from := 0; ; {
		i := bytes.Index(value[from:], word)
		if i < 0 {
			return false
		}
		i += from
		end := i + len(word)
		if (i == 0 || !wordByte(value[i-1])) && (end == len(value) || !wordByte(value[end])) {
			return true
		}
		from = i + 1
	}
}

func wordByte(c byte) bool {
	return c == '_' || '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}

type numberOp struct {
	op  seclang.Op
	arg text
}

func (o *numberOp) match(t *Transaction, value []byte, _ bool) bool {
	return compare(o.op, atoi(value), t.int(&o.arg))
}

func compare(op seclang.Op, value, arg int) bool {
	switch op {
	case seclang.OpEq:
		return value == arg
	case seclang.OpGe:
		return value >= arg
	case seclang.OpGt:
		return value > arg
	case seclang.OpLe:
		return value <= arg
	case seclang.OpLt:
		return value < arg
	}
	return false
}

// byteRangeOp matches a value with a byte outside of the ranges.
type byteRangeOp struct{ valid [256]bool }

func (o *byteRangeOp) match(_ *Transaction, value []byte, _ bool) bool {
	for _, c := range value {
		if !o.valid[c] {
			return true
		}
	}
	return false
}

// urlEncodingOp matches a value with a percent sign that two hexadecimal digits do not follow.
type urlEncodingOp struct{}

func (urlEncodingOp) match(_ *Transaction, value []byte, _ bool) bool {
	for {
		i := bytes.IndexByte(value, '%')
		if i < 0 {
			return false
		}
		if i+2 >= len(value) || !hex(value[i+1]) || !hex(value[i+2]) {
			return true
		}
		value = value[i+3:]
	}
}

func hex(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F'
}

// utf8Op matches a value that is no valid UTF-8.
type utf8Op struct{}

func (utf8Op) match(_ *Transaction, value []byte, _ bool) bool { return !utf8.Valid(value) }

type ipOp struct{ prefixes []netip.Prefix }

func (o *ipOp) match(t *Transaction, value []byte, _ bool) bool {
	addr := t.client
	if len(value) == 0 || len(t.remote) == 0 || &value[0] != &t.remote[0] { // not REMOTE_ADDR as it is
		var err error
		if addr, err = netip.ParseAddr(string(value)); err != nil {
			return false
		}
	}
	addr = addr.Unmap()
	return slices.ContainsFunc(o.prefixes, func(p netip.Prefix) bool { return p.Contains(addr) })
}

// constOp is @unconditionalMatch and @noMatch.
type constOp bool

func (o constOp) match(*Transaction, []byte, bool) bool { return bool(o) }
