package cli

import (
	"cmp"
	"regexp"
	"slices"
	"strings"

	"skerry.dev/skerry/spec"
	"skerry.dev/skerry/waf/crs"
	"skerry.dev/skerry/waf/seclang"
)

// tuning is the events of the logs, and what they come to.
type tuning struct {
	least     int // clients of a false positive
	threshold int // where present has none
	rules     map[int]ruleFacts
	present   map[string]*spec.WAF // by entrypoint
	read      readings
	events    []event
	groups    []*group
}

// place is what an exclusion is about.
type place struct {
	entrypoint string
	rule       int
	target     string
	path       string // exact, or with /* at its end; empty: every path
}

// group is the events in which one rule matched one target at one path.
type group struct {
	place
	events   []int // indices
	clients  map[string]bool
	families []string // of attacks, that matched the same target in one request, if there were two or more
	mixed    int      // requests of which that is so
	passes   int      // requests that would pass with all proposals
	also     int      // of these, requests that rules outside of the proposals matched too
	still    int      // requests that would still be refused
}

// attacks are the families that look for an attack, not for what is unusual.
var attacks = []string{"lfi", "rfi", "rce", "php", "generic", "xss", "sqli", "session-fixation", "java", "scanner"}

// group sorts the events into groups and tries what would be proposed.
func (u *tuning) group() {
	byPlace := map[place]*group{}
	for i := range u.events {
		for _, h := range u.events[i].hits {
			path, _ := generalPath(u.events[i].path) // the others were left out
			p := place{u.events[i].entrypoint, h.rule, h.target, path}
			g := byPlace[p]
			if g == nil {
				g = &group{place: p, clients: map[string]bool{}}
				byPlace[p] = g
				u.groups = append(u.groups, g)
			}
			g.events = append(g.events, i)
		}
	}
	u.groups = merged(u.groups, parentOf, pathsMerged)
	u.groups = merged(u.groups, everywhere, placesMerged)
	for _, g := range u.groups {
		u.count(g)
	}
	slices.SortFunc(u.groups, func(a, b *group) int {
		return cmp.Or(strings.Compare(a.entrypoint, b.entrypoint), cmp.Compare(len(b.clients), len(a.clients)), cmp.Compare(len(b.events), len(a.events)),
			cmp.Compare(a.rule, b.rule), strings.Compare(a.target, b.target), strings.Compare(a.path, b.path))
	})
	u.try()
}

// merged joins groups that differ in their path only, where wider gives them the same one and there are many.
func merged(groups []*group, wider func(place) (string, bool), least int) (out []*group) {
	families := map[place][]*group{}
	for _, g := range groups {
		if path, ok := wider(g.place); ok {
			to := g.place
			to.path = path
			families[to] = append(families[to], g)
		}
	}
	byPlace := map[place]*group{}
	for _, g := range groups {
		to := g.place
		if path, ok := wider(g.place); ok {
			to.path = path
			if same := families[to]; len(same) < least && !slices.ContainsFunc(same, func(s *group) bool { return s.path == path }) {
				to = g.place
			}
		}
		into := byPlace[to]
		if into == nil {
			into = &group{place: to, clients: map[string]bool{}}
			byPlace[to] = into
			out = append(out, into)
		}
		into.events = append(into.events, g.events...)
	}
	return out
}

// parentOf is everything below the directory of a path. That of the root is every path, for which there must be other reasons.
func parentOf(p place) (string, bool) {
	dir := p.path[:strings.LastIndexByte(p.path, '/')+1]
	if len(dir) < 2 {
		return "", false
	}
	return dir + "*", true
}

// everywhere is every path, for cookies and fields: browsers send them to all.
func everywhere(p place) (string, bool) {
	return "", strings.HasPrefix(p.target, "REQUEST_COOKIES") || strings.HasPrefix(p.target, "REQUEST_HEADERS")
}

// count says who was in a group, and whether it looks like an attack.
func (u *tuning) count(g *group) {
	slices.Sort(g.events)
	g.events = slices.Compact(g.events)
	seen := map[string]bool{}
	for _, i := range g.events {
		e := &u.events[i]
		g.clients[e.client] = true
		found := map[string]bool{}
		for _, h := range e.hits {
			if f := crs.Family(h.rule); h.target == g.target && slices.Contains(attacks, f) {
				found[f] = true
			}
		}
		if len(found) > 1 {
			g.mixed++
			for f := range found {
				seen[f] = true
			}
		}
	}
	for f := range seen {
		g.families = append(g.families, f)
	}
	slices.Sort(g.families)
}

// foreign reports whether a group is about a rule that is not of the release: exclusions cannot name it.
func (u *tuning) foreign(g *group) bool {
	_, known := u.rules[g.rule]
	return !known
}

// attack says why a group looks like one; empty if it does not.
func (u *tuning) attack(g *group) string {
	switch {
	case len(g.clients) < u.least:
		return count(len(g.clients), "client")
	case g.mixed > 0:
		return "rules of " + strings.Join(g.families, " and ") + " matched the same value in " + count(g.mixed, "request")
	}
	return ""
}

// try counts which requests would pass with all proposals, and drops those that help none.
func (u *tuning) try() {
	var proposed []*group
	for _, g := range u.groups {
		if u.attack(g) == "" && !u.foreign(g) {
			proposed = append(proposed, g)
		}
	}
	for i := range u.events {
		e := &u.events[i]
		left, others := e.score, false
		var of []*group
		for _, h := range e.hits {
			k := slices.IndexFunc(proposed, func(g *group) bool { return g.covers(e, h) })
			if k < 0 {
				others = true
				continue
			}
			left -= h.points * (1 + h.again)
			of = append(of, proposed[k])
		}
		for _, g := range of {
			switch {
			case left >= u.thresholdOf(e.entrypoint):
				g.still++
			case others:
				g.also++
				g.passes++
			default:
				g.passes++
			}
		}
	}
}

func (u *tuning) thresholdOf(entrypoint string) int {
	if w := u.present[entrypoint]; w != nil && w.Threshold > 0 {
		return w.Threshold
	}
	return u.threshold
}

// covers reports whether the group's exclusion would take a hit away.
func (g *group) covers(e *event, h hit) bool {
	if g.entrypoint != e.entrypoint || g.rule != h.rule || g.target != h.target {
		return false
	}
	prefix, below := strings.CutSuffix(g.path, "*")
	return g.path == "" || g.path == e.path || below && strings.HasPrefix(e.path, prefix)
}

// looking counts the other rules of a family that look at a target at the level of the rule, but for those that are proposed beside it.
func (u *tuning) looking(g *group) (n int) {
	f := u.rules[g.rule]
	name, _, _ := strings.Cut(g.target, ":")
	v, ok := seclang.LookupVariable(name)
	if !ok {
		return 0
	}
	for id, r := range u.rules {
		if id == g.rule || r.Family != crs.Family(g.rule) || r.Paranoia == 0 || r.Paranoia > max(f.Paranoia, 1) || !slices.Contains(r.Targets, v.String()) {
			continue
		}
		if !slices.ContainsFunc(u.groups, func(o *group) bool {
			return o.rule == id && o.entrypoint == g.entrypoint && o.target == g.target && o.path == g.path && u.proposes(o)
		}) {
			n++
		}
	}
	return n
}

func (u *tuning) proposes(g *group) bool { return u.attack(g) == "" && !u.foreign(g) && g.passes > 0 }

var (
	anyNumber = regexp.MustCompile(`(^|\.)[0-9]+(\.|$)`)
	valueLike = regexp.MustCompile(`^([0-9]+|[0-9a-fA-F]{16,}|[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}|[A-Za-z0-9_-]*[0-9][A-Za-z0-9_-]{19,})$`)
)

// generalTarget is a variable's name as an exclusion has it: the numbers of a path of JSON stand for any, and of a name that was cut
// in the log only the beginning counts.
func generalTarget(name string) string {
	const logNameMax = 100 // bytes of a name in a log event
	v, key, keyed := strings.Cut(name, ":")
	if !keyed || strings.HasPrefix(v, "XML") {
		return name
	}
	if cut := strings.TrimSuffix(key, "…"); len(name) >= logNameMax || cut != key {
		return v + ":/^" + regexp.QuoteMeta(strings.ToValidUTF8(cut, "")) + "/"
	}
	if strings.HasPrefix(key, "json.") && anyNumber.MatchString(key) {
		parts := strings.Split(key, ".")
		for i, p := range parts {
			if strings.Trim(p, "0123456789") == "" && p != "" {
				parts[i] = "[0-9]+"
			} else {
				parts[i] = regexp.QuoteMeta(p)
			}
		}
		return v + ":/^" + strings.Join(parts, `\.`) + "$/"
	}
	number, _ := seclang.LookupVariable(v)
	text, _ := targetText(number, key)
	return text
}

// generalPath is a path in which the first segment that looks like a value, and all behind it, may be anything. ok is false for one
// that no exclusion can name but by every path.
func generalPath(path string) (general string, ok bool) {
	segments := strings.Split(path, "/")
	for i, s := range segments {
		if i > 1 && valueLike.MatchString(s) {
			path = strings.Join(segments[:i], "/") + "/*"
			break
		}
	}
	if odd := strings.IndexAny(path, "?#{} \t…"); odd >= 0 {
		path = path[:strings.LastIndexByte(path[:odd], '/')+1] + "*"
	}
	return path, strings.HasPrefix(path, "/") && path != "/*" && !strings.Contains(strings.TrimSuffix(path, "/*"), "*")
}
