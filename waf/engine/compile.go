package engine

import (
	"bytes"
	"fmt"
	"net/netip"
	"regexp/syntax"
	"strconv"
	"strings"

	"skerry.dev/skerry/fault"
	"skerry.dev/skerry/waf/match"
	"skerry.dev/skerry/waf/seclang"
	"skerry.dev/skerry/waf/transform"
)

// rule is one link of a Rule ready to use.
type rule struct {
	src     *seclang.Rule
	head    *rule // the starter of its chain; itself if it is one
	next    *rule // the next link
	id      int   // the starter's
	starter int32 // the starter's number in its program; -1 for a rule of a policy
	phase   int
	targets []target
	nots    []target // !VAR
	chain   []transform.ID
	node    int32 // of chain in the program's tree of transformations
	folded  int32 // of chain without its last lowercase, where the pattern can read lower case itself; -1: it cannot
	foldAt  int32 // where that lowercase was
	op      operator
	not     bool
	capture bool
	actions []action
	unit    int32 // number among the rules that are found by scanning; -1: evaluated each time

	disruptive seclang.Disruptive
	status     int
	skipAfter  string
	skip       int
	logged     bool
	severity   int
	tags       [][]byte
	msgText    []byte // msg as written
	msg, data  text
	marker     string // not empty: no rule, but a place that rules jump to
	redirect   text
}

// compiler turns typed rules into rules of one program, or of one policy on top of it.
type compiler struct {
	names    *txNames
	tables   *match.Tables
	regexps  map[string]*match.Regexp // by pattern and fold: rules share patterns
	shared   map[string]*match.Regexp // of the program, for a policy
	lists    [][]string               // of pm
	pms      []*pmOp
	tree     *tree
	problems []fault.Problem
}

func newCompiler(names *txNames, tables *match.Tables, nodes *tree) *compiler {
	return &compiler{names: names, tables: tables, regexps: map[string]*match.Regexp{}, tree: nodes}
}

func (c *compiler) problem(at seclang.Pos, format string, args ...any) {
	c.problems = append(c.problems, fault.Problem{File: at.File, Line: at.Line, Col: at.Col, Text: fmt.Sprintf(format, args...)})
}

// rule compiles a rule with its chain.
func (c *compiler) rule(src *seclang.Rule, number int32) *rule {
	head := c.link(src, nil, number)
	for last, link := head, src.Chain; link != nil; link = link.Chain {
		last.next = c.link(link, head, number)
		last = last.next
	}
	return head
}

func (c *compiler) link(src *seclang.Rule, head *rule, number int32) *rule {
	r := &rule{
		src: src, head: head, id: src.ID, starter: number, phase: src.Phase, capture: src.Capture, unit: -1,
		disruptive: src.Disruptive, status: src.Status, skipAfter: src.SkipAfter, skip: src.Skip, logged: src.Log,
		severity: src.Severity, chain: src.Transforms, msg: c.text(src.Msg), data: c.text(src.LogData), not: src.Operator.Not,
		redirect: c.text(src.Redirect),
	}
	if head == nil {
		r.head = r
	} else {
		r.id = head.id
	}
	for _, tag := range src.Tags {
		r.tags = append(r.tags, []byte(tag))
	}
	for _, p := range src.Msg {
		r.msgText = append(r.msgText, p.Literal...)
	}
	for _, g := range src.Targets {
		if g.Not {
			r.nots = append(r.nots, c.target(src.Pos, g))
		} else {
			r.targets = append(r.targets, c.target(src.Pos, g))
		}
	}
	r.node, r.folded, r.foldAt = c.tree.chain(src.Transforms)
	if len(src.Targets) > 0 {
		r.op = c.operator(r, src)
	}
	for _, a := range src.Actions {
		r.actions = append(r.actions, c.action(src.Pos, a)...)
	}
	return r
}

func (c *compiler) target(at seclang.Pos, g seclang.Target) target {
	out := target{v: g.Var, key: []byte(strings.ToLower(g.Key)), count: g.Count, tx: -1}
	if g.Regexp != "" {
		out.re = c.regexp(at, "(?i)"+g.Regexp, false)
	}
	if g.Var == seclang.VarTX && g.Key != "" {
		out.tx = c.id(g.Key)
	}
	return out
}

func (c *compiler) regexp(at seclang.Pos, pattern string, fold bool) *match.Regexp {
	key := strconv.FormatBool(fold) + pattern
	if re := c.shared[key]; re != nil {
		return re
	}
	if re := c.regexps[key]; re != nil {
		return re
	}
	re, err := match.Compile(pattern, match.Options{Fold: fold, Tables: c.tables})
	if err != nil {
		c.problem(at, "%v", err)
		re, _ = match.Compile("$^", match.Options{})
	}
	c.regexps[key] = re
	return re
}

func (c *compiler) operator(r *rule, src *seclang.Rule) operator {
	o := src.Operator
	switch o.Op {
	case seclang.OpRx:
		pattern, fixed := o.Arg.Fixed()
		if !fixed {
			c.problem(src.Pos, "rule %d: @rx with a macro is not offered: a pattern is compiled once", r.id)
			return constOp(false)
		}
		return &rxOp{re: c.regexp(src.Pos, pattern, false), groups: groupsOf(pattern), whole: pattern == "^.*$"}
	case seclang.OpPm, seclang.OpPmFromFile:
		return c.pm(o.Phrases)
	case seclang.OpDetectSQLi:
		return sqliOp{}
	case seclang.OpDetectXSS:
		return xssOp{}
	case seclang.OpEq, seclang.OpGe, seclang.OpGt, seclang.OpLe, seclang.OpLt:
		return &numberOp{op: o.Op, arg: c.text(o.Arg)}
	case seclang.OpBeginsWith, seclang.OpEndsWith, seclang.OpContains, seclang.OpStrMatch, seclang.OpContainsWord, seclang.OpStrEq, seclang.OpWithin:
		return &textOp{op: o.Op, arg: c.text(o.Arg)}
	case seclang.OpIPMatch, seclang.OpIPMatchFromFile:
		return c.addresses(src, o.Phrases)
	case seclang.OpValidateByteRange:
		return c.byteRange(src)
	case seclang.OpValidateURLEncoding:
		return urlEncodingOp{}
	case seclang.OpValidateUTF8Encoding:
		return utf8Op{}
	case seclang.OpUnconditionalMatch:
		return constOp(true)
	case seclang.OpNoMatch:
		return constOp(false)
	}
	c.problem(src.Pos, "rule %d: operator %s is not offered", r.id, o.Op)
	return constOp(false)
}

// groupsOf is how many variables a match of a pattern sets: TX:0 for all of it, and one for each group, TX:8 the last.
func groupsOf(pattern string) int {
	re, err := syntax.Parse(pattern, syntax.Perl)
	if err != nil {
		return 1
	}
	return min(re.MaxCap()+1, captures-1)
}

func (c *compiler) pm(phrases []string) *pmOp {
	o := &pmOp{list: len(c.lists)}
	for _, p := range phrases {
		o.words = append(o.words, bytes.ToLower([]byte(p)))
	}
	c.lists, c.pms = append(c.lists, phrases), append(c.pms, o)
	return o
}

// finish builds what all phrase lists share.
func (c *compiler) finish() *match.Phrases {
	if len(c.lists) == 0 {
		return nil
	}
	phrases := match.NewPhrases(c.lists)
	for _, o := range c.pms {
		o.phrases = phrases
	}
	return phrases
}

func (c *compiler) addresses(src *seclang.Rule, list []string) operator {
	o := &ipOp{}
	for _, s := range list {
		if addr, err := netip.ParseAddr(s); err == nil {
			o.prefixes = append(o.prefixes, netip.PrefixFrom(addr, addr.BitLen()))
		} else if prefix, err := netip.ParsePrefix(s); err == nil {
			o.prefixes = append(o.prefixes, prefix.Masked())
		} else {
			c.problem(src.Pos, "rule %d: %q is no address and no prefix", src.ID, s)
		}
	}
	return o
}

func (c *compiler) byteRange(src *seclang.Rule) operator {
	arg, _ := src.Operator.Arg.Fixed()
	o := &byteRangeOp{}
	for piece := range strings.SplitSeq(arg, ",") {
		from, to, isRange := strings.Cut(strings.TrimSpace(piece), "-")
		if !isRange {
			to = from
		}
		first, err1 := strconv.ParseUint(strings.TrimSpace(from), 10, 8)
		last, err2 := strconv.ParseUint(strings.TrimSpace(to), 10, 8)
		if err1 != nil || err2 != nil || last < first {
			c.problem(src.Pos, "rule %d: %q is no range of bytes from 0 to 255", src.ID, piece)
			return constOp(false)
		}
		for b := first; b <= last; b++ {
			o.valid[b] = true
		}
	}
	return o
}

func (c *compiler) action(at seclang.Pos, a seclang.Action) []action {
	switch {
	case a.Set != nil:
		s := &setVar{op: a.Set.Op, tx: -1, name: c.text(a.Set.Name), value: c.text(a.Set.Value)}
		if name, fixed := a.Set.Name.Fixed(); fixed {
			s.tx = c.id(name)
		}
		if value, fixed := a.Set.Value.Fixed(); fixed {
			s.num, s.isNum = atoi([]byte(value)), true
		}
		return []action{{set: s}}
	case a.Ctl != nil:
		return []action{{ctl: &ctl{kind: a.Ctl.Kind, ranges: a.Ctl.Ranges, value: []byte(a.Ctl.Value), target: c.target(at, a.Ctl.Target)}}}
	}
	return nil
}

// tree is the transformations of all rules as a tree: chains with the same beginning share it.
type tree struct{ nodes []treeNode }

type treeNode struct {
	parent int32
	id     transform.ID
}

func newTree() *tree { return &tree{nodes: make([]treeNode, 1)} }

// chain is the place of a chain, and that of it without its last lowercase, if the transformations behind that give the same
// whatever the case of ASCII letters: what was lowercase is then left to the pattern, for values in which it stands for ASCII
// letters only, at the place foldAt.
func (t *tree) chain(chain []transform.ID) (at, folded, foldAt int32) {
	for _, id := range chain {
		at = t.child(at, id)
	}
	for i := len(chain) - 1; i >= 0; i-- {
		if chain[i] != transform.Lowercase {
			if !chain[i].Folds() {
				break
			}
			continue
		}
		for _, id := range chain[:i] {
			foldAt = t.child(foldAt, id)
		}
		folded = foldAt
		for _, id := range chain[i+1:] {
			folded = t.child(folded, id)
		}
		return at, folded, foldAt
	}
	return at, -1, 0
}

func (t *tree) child(parent int32, id transform.ID) int32 {
	for i := 1; i < len(t.nodes); i++ {
		if n := t.nodes[i]; n.parent == parent && n.id == id {
			return int32(i)
		}
	}
	t.nodes = append(t.nodes, treeNode{parent: parent, id: id})
	return int32(len(t.nodes) - 1)
}
