package engine

import (
	"bytes"
	"strconv"

	"skerry.dev/skerry/waf/match"
	"skerry.dev/skerry/waf/seclang"
)

// field is one value of a variable, or of a collection under a key.
type field struct {
	v        seclang.Variable
	key, val []byte
	mask     match.Mask // of val, once masked
	masked   bool
	next     int32 // the next field of the same variable; -1: none
}

// span is the chain of a variable's fields.
type span struct{ head, tail int32 }

// got is a field as a rule looks at it: whole, or as a count, or a TX variable that has no field.
type got struct {
	v        seclang.Variable
	key, val []byte
	field    int32 // -1: made for the rule
}

// parts lists the collections that one without fields of its own is made of.
func parts(v seclang.Variable) []seclang.Variable {
	switch v {
	case seclang.VarArgs:
		return argParts[:]
	case seclang.VarArgsNames:
		return nameParts[:]
	}
	return nil
}

var (
	argParts  = [...]seclang.Variable{seclang.VarArgsGet, seclang.VarArgsPost}
	nameParts = [...]seclang.Variable{seclang.VarArgsGetNames, seclang.VarArgsPostNames}
)

// collection reports whether a variable has keys. The others have exactly one value, which may be empty.
func collection(v seclang.Variable) bool {
	switch v {
	case seclang.VarArgs, seclang.VarArgsGet, seclang.VarArgsPost, seclang.VarArgsNames, seclang.VarArgsGetNames, seclang.VarArgsPostNames,
		seclang.VarRequestHeaders, seclang.VarRequestHeadersNames, seclang.VarRequestCookies, seclang.VarRequestCookiesNames,
		seclang.VarResponseHeaders, seclang.VarResponseHeadersNames, seclang.VarResponseArgs,
		seclang.VarFiles, seclang.VarFilesNames, seclang.VarFilesSizes, seclang.VarMultipartPartHeaders, seclang.VarMultipartName,
		seclang.VarMultipartFilename, seclang.VarXML, seclang.VarTX, seclang.VarMatchedVars, seclang.VarMatchedVarsNames,
		seclang.VarEnv, seclang.VarRule:
		return true
	}
	return false
}

// add appends a value to a collection, unless no rule of the program looks at it.
func (t *Transaction) add(v seclang.Variable, key, val []byte) {
	if !t.p.uses[v] {
		return
	}
	if len(t.fields) >= fieldsMax {
		t.refuse(LimitFields)
		return
	}
	at := int32(len(t.fields))
	t.fields = append(t.fields, field{v: v, key: key, val: val, next: -1})
	if s := &t.spans[v]; s.head < 0 {
		s.head, s.tail = at, at
	} else {
		t.fields[s.tail].next, s.tail = at, at
	}
}

// set gives a variable without keys its value.
func (t *Transaction) set(v seclang.Variable, val []byte) {
	if !t.p.uses[v] {
		return
	}
	f := &t.fields[t.spans[v].head]
	f.val, f.masked = val, false
}

// collect appends to t.picked what a target of r covers now.
func (t *Transaction) collect(r *rule, g *target) {
	from := len(t.picked)
	switch {
	case g.v == seclang.VarTX:
		t.collectTX(g)
	case g.v == seclang.VarMatchedVars || g.v == seclang.VarMatchedVarsNames:
		t.collectMatched(g)
	case g.v == seclang.VarMatchedVar || g.v == seclang.VarMatchedVarName:
		t.picked = append(t.picked, got{v: g.v, val: t.matchedText(g.v), field: -1})
	case parts(g.v) != nil:
		for _, v := range parts(g.v) {
			t.collectSpan(v, g)
		}
	default:
		t.collectSpan(g.v, g)
	}
	t.exclude(r, g, from)
	if g.count {
		n := len(t.picked) - from
		t.picked = append(t.picked[:from], got{v: g.v, key: g.key, val: t.number(n), field: -1})
	}
}

func (t *Transaction) collectSpan(v seclang.Variable, g *target) {
	for i := t.spans[v].head; i >= 0; i = t.fields[i].next {
		if f := &t.fields[i]; g.covers(f.key) {
			t.picked = append(t.picked, got{v: named(v, g), key: f.key, val: f.val, field: i})
		}
	}
}

// named is what a match of a field is called: a collection made of others keeps its name.
func named(v seclang.Variable, g *target) seclang.Variable {
	if parts(g.v) != nil {
		return g.v
	}
	return v
}

// collectHits appends those fields of a target among the hits of a rule.
func (t *Transaction) collectHits(r *rule, g *target) {
	from := len(t.picked)
	for i := t.hitHead[r.unit]; i != 0; i = t.hits[i-1].next {
		at := t.hits[i-1].field
		if f := &t.fields[at]; g.of(f.v) && g.covers(f.key) {
			t.picked = append(t.picked, got{v: named(f.v, g), key: f.key, val: f.val, field: at})
		}
	}
	t.exclude(r, g, from)
}

func (t *Transaction) collectMatched(g *target) {
	for i := range t.matched {
		m := &t.matched[i]
		name := t.fieldName(m)
		if !g.covers(name) {
			continue
		}
		val := m.val
		if g.v == seclang.VarMatchedVarsNames {
			val = name
		}
		t.picked = append(t.picked, got{v: g.v, key: name, val: val, field: -1})
	}
}

// matchedText is MATCHED_VAR or MATCHED_VAR_NAME.
func (t *Transaction) matchedText(v seclang.Variable) []byte {
	switch {
	case !t.hasMatch:
		return nil
	case v == seclang.VarMatchedVarName:
		return t.fieldName(&t.lastMatch)
	}
	return t.lastMatch.val
}

// fieldName is what SecLang calls a value: ARGS_GET:q, REQUEST_URI.
func (t *Transaction) fieldName(g *got) []byte {
	name := g.v.String()
	if len(g.key) == 0 {
		return []byte(name)
	}
	b := t.mem.Alloc(len(name) + 1 + len(g.key))
	copy(b[copy(b, name):], ":")
	copy(b[len(name)+1:], g.key)
	return b
}

// exclude drops from t.picked, from an index on, what exclusions take out of a rule's target.
func (t *Transaction) exclude(r *rule, g *target, from int) {
	nots, more := r.nots, t.p.exceptions[r.starter]
	if len(nots) == 0 && len(more) == 0 && len(t.removals) == 0 {
		return
	}
	kept := t.picked[:from]
	for _, f := range t.picked[from:] {
		if leftOut(nots, g, &f) || leftOut(more, g, &f) || t.removed(r, g, &f) {
			continue
		}
		kept = append(kept, f)
	}
	t.picked = kept
}

func leftOut(nots []target, g *target, f *got) bool {
	for i := range nots {
		if n := &nots[i]; (n.v == g.v || n.v == f.v) && n.covers(f.key) {
			return true
		}
	}
	return false
}

// number is a number as rules see it.
func (t *Transaction) number(n int) []byte {
	if n >= 0 && n < 10 {
		return digits[n : n+1]
	}
	b := t.mem.Alloc(20)
	return t.mem.Trim(b, len(strconv.AppendInt(b[:0], int64(n), 10)))
}

var digits = []byte("0123456789")

// atoi reads a whole number as operators do: what is none is 0, and one that is too large the largest there is, so that a
// rule that asks for more than something cannot be passed by digits.
func atoi(b []byte) int {
	n, neg := 0, false
	if len(b) > 0 && (b[0] == '-' || b[0] == '+') {
		neg, b = b[0] == '-', b[1:]
	}
	for _, c := range b {
		if c < '0' || c > '9' {
			return 0
		}
		n = min(n*10+int(c-'0'), numberMax)
	}
	if neg {
		return -n
	}
	return n
}

// target is a Target ready to use.
type target struct {
	v     seclang.Variable
	key   []byte // lower case; empty: every key, or re's
	re    *match.Regexp
	count bool
	tx    int32 // of TX with a key: its number; else -1

	txs     []int32 // of TX without one: the variables that it covers, of the first txKnown there are
	txKnown int32
}

// covers reports whether a key is among the target's.
func (g *target) covers(key []byte) bool {
	switch {
	case g.re != nil:
		return g.re.Match(key)
	case len(g.key) == 0:
		return true
	}
	return equalFold(key, g.key)
}

// of reports whether the target takes fields of a variable.
func (g *target) of(v seclang.Variable) bool {
	if g.v == v {
		return true
	}
	for _, part := range parts(g.v) {
		if part == v {
			return true
		}
	}
	return false
}

// equalFold compares a key of any case with one in lower case, letters of ASCII only.
func equalFold(key, lower []byte) bool {
	if len(key) != len(lower) {
		return false
	}
	if bytes.Equal(key, lower) {
		return true
	}
	for i, c := range key {
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		if c != lower[i] {
			return false
		}
	}
	return true
}
