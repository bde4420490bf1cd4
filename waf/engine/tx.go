package engine

import (
	"bytes"
	"strconv"
	"strings"

	"skerry.dev/skerry/waf/match"
	"skerry.dev/skerry/waf/seclang"
)

// txVar is one TX variable: text or number, so that scores are added without being written out.
type txVar struct {
	kind txKind
	num  int
	text []byte
}

type txKind uint8

const (
	txUnset txKind = iota
	txText
	txNumber
)

// txNames numbers the TX variables that the text of a program names; 0 to 9 are the captures.
type txNames struct {
	ids    map[string]int32
	names  [][]byte
	shared bool // by a program and its policies: it is not added to any more
}

func newTXNames() *txNames {
	n := &txNames{ids: map[string]int32{}}
	for i := range captures {
		n.id(strconv.Itoa(i))
	}
	return n
}

// id is the number of a name, given when it is first asked for.
func (n *txNames) id(name string) int32 {
	name = strings.ToLower(name)
	if id, ok := n.ids[name]; ok {
		return id
	}
	id := int32(len(n.names))
	n.ids[name], n.names = id, append(n.names, []byte(name))
	return id
}

// txExtra is a TX variable whose name a request made.
type txExtra struct {
	name []byte
	txVar
}

// txAt is the variable of a number. Captures are worked out when somebody looks at one, which few rules do.
func (t *Transaction) txAt(id int32) *txVar {
	if id < captures && len(t.caught) > 0 {
		t.resolve()
	}
	return &t.tx[id]
}

// txNamed is the variable of a name in lower case, and makes one if it must; nil if there would be too many.
func (t *Transaction) txNamed(name []byte) *txVar {
	if id, ok := t.p.names.ids[string(name)]; ok {
		return t.txAt(id)
	}
	if i, ok := t.extraAt(name); ok {
		return &t.extra[i].txVar
	}
	if len(t.extra) >= txExtraMax {
		t.refuse(LimitTX)
		return nil
	}
	t.extra = append(t.extra, txExtra{name: t.mem.Copy(name)})
	return &t.extra[len(t.extra)-1].txVar
}

// extraAt is where a variable that the request made stands. From paranoia 3 on the rules make one for each name of an argument, so
// that many are not searched one after another.
func (t *Transaction) extraAt(name []byte) (int, bool) {
	if len(t.extra) <= txExtraFew {
		for i := range t.extra {
			if bytes.Equal(t.extra[i].name, name) {
				return i, true
			}
		}
		return 0, false
	}
	if t.extraIndex == nil {
		t.extraIndex = map[string]int{}
	}
	for i := len(t.extraIndex); i < len(t.extra); i++ {
		t.extraIndex[string(t.extra[i].name)] = i
	}
	i, ok := t.extraIndex[string(name)]
	return i, ok
}

// bytes is the variable as rules see it.
func (v *txVar) bytes(t *Transaction) []byte {
	if v.kind == txNumber {
		return t.number(v.num)
	}
	return v.text
}

// int is the variable as numeric operators see it.
func (v *txVar) int() int {
	switch v.kind {
	case txNumber:
		return v.num
	case txText:
		return atoi(v.text)
	}
	return 0
}

func (t *Transaction) collectTX(g *target) {
	if g.tx >= 0 {
		if v := t.txAt(g.tx); v.kind != txUnset {
			t.picked = append(t.picked, got{v: seclang.VarTX, key: g.key, val: v.bytes(t), field: -1})
		}
		return
	}
	for _, id := range g.txs {
		t.pickTX(int(id))
	}
	for i := int(g.txKnown); i < len(t.tx); i++ { // of the policy's own rules
		if g.covers(t.p.names.names[i]) {
			t.pickTX(i)
		}
	}
	for i := range t.extra {
		if x := &t.extra[i]; x.kind != txUnset && g.covers(x.name) {
			t.picked = append(t.picked, got{v: seclang.VarTX, key: x.name, val: x.bytes(t), field: -1})
		}
	}
}

func (t *Transaction) pickTX(id int) {
	if v := t.txAt(int32(id)); v.kind != txUnset {
		t.picked = append(t.picked, got{v: seclang.VarTX, key: t.p.names.names[id], val: v.bytes(t), field: -1})
	}
}

// cover works out which of the names there are a target without a single key covers.
func (g *target) cover(n *txNames) {
	if g.v != seclang.VarTX || g.tx >= 0 {
		return
	}
	for i, name := range n.names {
		if g.covers(name) {
			g.txs = append(g.txs, int32(i))
		}
	}
	g.txKnown = int32(len(n.names))
}

// catch is what one match captured: groups of a pattern, found when they are asked for, or one value as TX:0.
type catch struct {
	re     *match.Regexp // nil: value is TX:0
	value  []byte
	groups int // how many variables it sets, from TX:0 on
}

// capture notes what a match captured. It takes the place of what earlier ones did, but for variables beyond its groups.
func (t *Transaction) capture(c catch) {
	for n := len(t.caught); n > 0 && t.caught[n-1].groups <= c.groups; n-- {
		t.caught = t.caught[:n-1]
	}
	t.caught = append(t.caught, c)
}

// resolve sets TX:0 and on.
func (t *Transaction) resolve() {
	for _, c := range t.caught {
		if c.re == nil {
			t.tx[0] = txVar{kind: txText, text: c.value}
			continue
		}
		t.groups = c.re.Find(c.value, t.groups[:0])
		for i := range c.groups {
			v := txVar{kind: txText}
			if from, to := t.groups[2*i], t.groups[2*i+1]; from >= 0 {
				v.text = c.value[from:to]
			}
			t.tx[i] = v
		}
	}
	t.caught = t.caught[:0]
}

// text is a Text ready to be expanded.
type text struct {
	fixed []byte // if there are no parts
	parts []textPart
}

type textPart struct {
	lit []byte
	v   seclang.Variable
	key []byte
	tx  int32 // of TX
}

// id is the number of a name. A policy that names what its program does not gets names of its own.
func (c *compiler) id(name string) int32 {
	if _, ok := c.names.ids[strings.ToLower(name)]; !ok && c.names.shared {
		c.names = c.names.clone()
	}
	return c.names.id(name)
}

// text makes a text ready.
func (c *compiler) text(src seclang.Text) text {
	if fixed, ok := src.Fixed(); ok {
		return text{fixed: []byte(fixed)}
	}
	out := text{parts: make([]textPart, len(src))}
	for i, p := range src {
		out.parts[i] = textPart{lit: []byte(p.Literal), v: p.Var, key: []byte(p.Key)}
		if p.Var == seclang.VarTX {
			out.parts[i].tx = c.id(p.Key)
		}
	}
	return out
}

// expand is the text with the macros' values. A macro whose variable is not set is empty.
func (t *Transaction) expand(x *text) []byte {
	switch len(x.parts) {
	case 0:
		return x.fixed
	case 1:
		return t.expandPart(&x.parts[0])
	}
	pieces, size := t.pieces[:0], 0
	for i := range x.parts {
		piece := t.expandPart(&x.parts[i])
		pieces, size = append(pieces, piece), size+len(piece)
	}
	t.pieces = pieces
	out := t.mem.Alloc(min(size, txTextMax))
	n := 0
	for _, piece := range pieces {
		n += copy(out[n:], piece)
	}
	return out
}

func (t *Transaction) expandPart(p *textPart) []byte {
	switch p.v {
	case seclang.VarNone:
		return p.lit
	case seclang.VarTX:
		return t.txAt(p.tx).bytes(t)
	case seclang.VarMatchedVar, seclang.VarMatchedVarName:
		return t.matchedText(p.v)
	case seclang.VarRule:
		return t.ruleText(p.key)
	}
	for _, v := range parts(p.v) {
		if f := t.first(v, p.key); f != nil {
			return f.val
		}
	}
	if f := t.first(p.v, p.key); f != nil {
		return f.val
	}
	return nil
}

// first is the first field of a variable, under a key if one is given.
func (t *Transaction) first(v seclang.Variable, key []byte) *field {
	for i := t.spans[v].head; i >= 0; i = t.fields[i].next {
		if f := &t.fields[i]; len(key) == 0 || equalFold(f.key, key) {
			return f
		}
	}
	return nil
}

// int is the number that a text stands for.
func (t *Transaction) int(x *text) int {
	if len(x.parts) == 1 && x.parts[0].v == seclang.VarTX {
		return t.txAt(x.parts[0].tx).int()
	}
	return atoi(t.expand(x))
}
