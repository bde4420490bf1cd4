package adopt

import (
	"fmt"
	"slices"
	"strings"

	"skerry.dev/skerry/aws/schema"
	"skerry.dev/skerry/spec"
)

// This file writes exclusions: what of the Core Rule Set stands for rules of AWS that do not refuse, as managed.yaml has it. A
// rule of the Core Rule Set that stands for one that refuses too is never excluded for the part of a request that this one looks
// at.

// exempt is where an exclusion holds.
type exempt struct {
	path    string // as waf.exclude writes it: /a or /a/*
	methods string // with spaces; empty: every method
}

// placesOf are the places of a condition that exempts them; false: it says something else.
func placesOf(e *expr) ([]exempt, bool) {
	switch e.op {
	case opAny:
		if names := e.methods(); names != nil {
			return []exempt{{methods: spaced(names)}}, true
		}
		var list []exempt
		for _, of := range e.of {
			part, ok := placesOf(of)
			if !ok {
				return nil, false
			}
			list = append(list, part...)
		}
		return list, true
	case opMethod:
		return []exempt{{methods: e.name}}, true
	case opPath:
		return e.path.places()
	case opAll:
		list := []exempt{{}}
		for _, of := range e.of {
			if of.op == opNot && of.of[0].op == opDotted {
				continue
			}
			part, ok := placesOf(of)
			if !ok || len(part) == 0 {
				return nil, false
			}
			var both []exempt
			for _, p := range list {
				for _, q := range part {
					if p.path != "" && q.path != "" || p.methods != "" && q.methods != "" {
						return nil, false
					}
					both = append(both, exempt{p.path + q.path, p.methods + q.methods})
				}
			}
			list = both
		}
		return list, list[0] != exempt{}
	}
	return nil, false
}

func spaced(names []string) string {
	return strings.Join(slices.Compact(slices.Sorted(slices.Values(names))), " ")
}

func (t *pathTest) places() ([]exempt, bool) {
	if t.re != nil || strings.ContainsAny(t.text, "*{}?# ") {
		return nil, false
	}
	whole := strings.TrimSuffix(t.text, "/")
	switch {
	case t.how == "EXACTLY":
		return []exempt{{path: t.text}}, true
	case whole == "":
		return nil, false
	case t.how == "STARTS_WITH" && whole != t.text:
		return []exempt{{path: t.text + "*"}}, true
	}
	return []exempt{{path: whole}, {path: whole + "/*"}}, true
}

// state is what a rule of AWS does somewhere.
type state uint8

const (
	refuses state = iota
	counts
	absent
)

// exclusion is rules that do not hold.
type exclusion struct {
	ids     schema.RuleIDs
	target  string
	methods string
	absent  bool // the web ACL has no such rule at all
}

// said is the exclusion as a document has it.
func (x exclusion) said(at exempt) []said {
	ids := fmt.Sprint(x.ids.First)
	if x.ids.Last > x.ids.First {
		ids += fmt.Sprintf("-%d", x.ids.Last)
	}
	list := []said{{"rule", ids}}
	if x.target != "" {
		list = append(list, said{"target", x.target})
	}
	if at.path != "" {
		list = append(list, said{"path", at.path})
	}
	methods := x.methods
	if at.methods != "" {
		methods = at.methods
	}
	if methods != "" {
		list = append(list, said{"methods", strings.Fields(methods)})
	}
	reason := "what stands for it in the web ACL only counts"
	if x.absent {
		reason = "the web ACL has nothing that stands for it"
	}
	return append(list, said{"reason", reason})
}

// exclusions are what does not hold, if rules of AWS are in a state.
func exclusions(of func(*schema.ManagedGroup, *schema.ManagedRule) state) (list []exclusion) {
	var rules []standing
	var cuts []int
	for _, g := range schema.ManagedRules().Groups {
		for i := range g.Rules {
			r := &g.Rules[i]
			for _, ids := range r.CRS {
				if g.Firewall {
					rules = append(rules, standing{r.Name, ids, r.Looks(), of(g, r)})
					cuts = append(cuts, ids.First, ids.Last+1)
				}
			}
		}
	}
	slices.Sort(cuts)
	cuts = slices.Compact(cuts)
	before := open{}
	for i := range len(cuts) - 1 {
		segment := schema.RuleIDs{First: cuts[i], Last: cuts[i+1] - 1}
		who, off := segmentOff(rules, segment)
		if who == "" {
			continue
		}
		now := open{who, segment.Last, map[exclusion]int{}}
		for _, x := range off {
			n, same := before.at[x]
			if same && (before.who == who || before.last+1 == segment.First) {
				list[n].ids.Last = segment.Last
			} else {
				n = len(list)
				list = append(list, exclusion{segment, x.target, x.methods, x.absent})
			}
			now.at[x] = n
		}
		before = now
	}
	return list
}

// open is the exclusions that a segment has and the next one may continue: if it is the next id, or if the same rules of AWS
// stand for both, and none for what is between them.
type open struct {
	who  string
	last int
	at   map[exclusion]int // in the list, by exclusions without ids
}

// standing is a rule of AWS, by what of the Core Rule Set stands for it and what it looks at.
type standing struct {
	name  string
	ids   schema.RuleIDs
	part  string
	state state
}

// segmentOff is what is excluded of rules that the same ones of AWS stand for, and who these are; empty: nothing of AWS stands
// for them.
func segmentOff(rules []standing, segment schema.RuleIDs) (who string, list []exclusion) {
	off, on := map[string]bool{}, map[string]bool{}
	none := true
	for _, r := range rules {
		if !r.ids.Overlaps(segment) {
			continue
		}
		who += r.name + " "
		part := r.part
		if part == "QUERYSTRING" {
			part = "QUERYARGUMENTS"
		}
		if r.state == refuses {
			on[part] = true
			continue
		}
		off[part] = true
		none = none && r.state == absent
	}
	for part := range on {
		delete(off, part)
	}
	if len(off) == 0 {
		return who, nil
	}
	if len(on) == 0 {
		return who, []exclusion{{absent: none}}
	}
	const withBody, without = "PATCH POST PUT", "DELETE GET HEAD OPTIONS"
	switch { // rules of the Core Rule Set look at query and body together
	case off["BODY"] && off["QUERYARGUMENTS"]:
		list = append(list, exclusion{target: "ARGS", absent: none})
	case off["BODY"]:
		list = append(list, exclusion{target: "ARGS", methods: withBody, absent: none})
	case off["QUERYARGUMENTS"]:
		list = append(list, exclusion{target: "ARGS", methods: without, absent: none})
	}
	for _, p := range [][2]string{{"COOKIE", "REQUEST_COOKIES"}, {"HEADER", "REQUEST_HEADERS"}, {"URIPATH", "REQUEST_FILENAME"}} {
		if off[p[0]] {
			list = append(list, exclusion{target: p[1], absent: none})
		}
	}
	return who, list
}

// firewallSaid is what rules say of the firewall.
type firewallSaid struct {
	blocks, detects bool
	refuses         bool  // what is too large to look at
	held            int64 // the largest body that is held, in bytes; 0: nothing is said of it
	bodyMax         int64 // of the policy: no body is held that does not pass; 0: off
	methods         []string
	lists           map[int][]string           // what they allow, by the rules of the Core Rule Set
	groups          map[string]bool            // those that are there; whether they only count
	off             map[string]map[string]bool // rules that count, by the groups
	back            map[string][]exempt        // where rules that count do not refuse, by their labels
	refused         map[string]bool            // labels that are refused
}

func newFirewallSaid() firewallSaid {
	return firewallSaid{
		lists: map[int][]string{}, groups: map[string]bool{}, off: map[string]map[string]bool{}, back: map[string][]exempt{}, refused: map[string]bool{},
	}
}

// decides notes that a rule of the firewall blocks or detects.
func (s *firewallSaid) decides(r *wafRule) {
	if r.action == "Count" {
		s.detects = true
	} else {
		s.blocks = true
	}
}

// group notes a group of AWS; one that blocks wins over one that counts.
func (s *firewallSaid) group(g *schema.ManagedGroup, off map[string]bool, detect bool) {
	if before, there := s.groups[g.Name]; !there || before {
		s.groups[g.Name], s.off[g.Name] = detect, off
	}
	if detect {
		s.detects = true
		return
	}
	s.blocks = true
	if g.Rule(bodyRule) != nil && !off[bodyRule] {
		s.refuses, s.held = true, bodyRuleBytes
	}
}

func (s *firewallSaid) mode() spec.WAFMode {
	switch {
	case s.blocks:
		return spec.WAFBlock
	case s.detects:
		return spec.WAFDetect
	}
	return spec.WAFOff
}

// excludes are all exclusions: those that hold everywhere, then those of places.
func (s *firewallSaid) excludes() (list [][]said) {
	at := func(here *exempt) func(*schema.ManagedGroup, *schema.ManagedRule) state {
		return func(g *schema.ManagedGroup, r *schema.ManagedRule) state {
			only, there := s.groups[g.Name]
			switch {
			case !there:
				return absent
			case only && s.blocks:
				return counts
			case s.off[g.Name][r.Name] && !s.refused[r.Label]:
				return counts
			case s.off[g.Name][r.Name] && here != nil && slices.Contains(s.back[r.Label], *here):
				return counts
			}
			return refuses
		}
	}
	everywhere := exclusions(at(nil))
	for _, x := range everywhere {
		list = append(list, x.said(exempt{}))
	}
	for _, id := range []int{crsTypes, crsExtensions, crsHeaders, crsCharsets} {
		if _, there := s.lists[id]; !there && !(id == crsExtensions && s.extensions()) {
			list = append(list, exclusion{ids: schema.RuleIDs{First: id, Last: id}, absent: true}.said(exempt{}))
		}
	}
	var places []exempt
	for _, of := range s.back {
		places = append(places, of...)
	}
	slices.SortFunc(places, func(a, b exempt) int { return strings.Compare(a.path+" "+a.methods, b.path+" "+b.methods) })
	for _, p := range slices.Compact(places) {
		for _, x := range exclusions(at(&p)) {
			if !slices.Contains(everywhere, x) {
				list = append(list, x.said(p))
			}
		}
	}
	return list
}

// extensions is whether a managed rule refuses extensions of paths.
func (s *firewallSaid) extensions() bool {
	const common = "AWSManagedRulesCommonRuleSet"
	_, there := s.groups[common]
	return there && !s.off[common][extendRule]
}
