package compile

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"skerry.dev/skerry/aws/finding"
	"skerry.dev/skerry/aws/model"
	"skerry.dev/skerry/spec"
)

// apartRule is about a packing that takes nobody.
var apartRule = finding.Rule{
	ID: "packing-apart", Severity: finding.Warning, Source: docsTenants,
	Meaning: "No two entrypoints are alike enough for the packing that the AWS document asks for, so that each has a distribution of its own.",
	Remedy:  "make them alike in what is named here, or say `packing: dedicated`",
	Witness: "two entrypoints that differ in a route",
}

// apart says what keeps entrypoints apart where the account asks for a packing and no distribution has two of them: the first difference
// between two that are the most alike.
func (p *packer) apart(groups []group) {
	packing, key := p.b.account.Packing, p.likeness
	switch packing {
	case spec.PackingShared:
	case spec.PackingTenants:
		key = p.kinship
	default:
		return
	}
	if len(p.sites) < 2 || slices.ContainsFunc(groups, func(g group) bool { return g.packing != spec.PackingDedicated }) {
		return
	}
	text := ""
	if alike := classes(p.sites, key); len(alike) > 0 {
		text = p.tooMany(packing, alike[0])
	} else {
		text = p.closest(packing)
	}
	p.b.find(&apartRule, nil, p.b.account.At, "spec.packing", "packing %s takes none of %d entrypoints: %s", packing, len(p.sites), text)
}

// tooMany is why entrypoints that are alike have no distribution together.
func (p *packer) tooMany(packing spec.AWSPacking, c *class) string {
	a, b := c.sites[0].entry.Meta, c.sites[1].entry.Meta
	if packing == spec.PackingTenants {
		return fmt.Sprintf("%s and %s are alike but for the names of %d origins, and tenants may have %d parameters", a.Name, b.Name,
			len(differ(c.sites)), p.b.granted("tenantParameters"))
	}
	return fmt.Sprintf("%s and %s are alike, and their hosts do not fit one distribution, with %d of them, and one certificate, with %d names", a.Name, b.Name,
		p.b.granted("aliases"), p.b.granted("certificateNames"))
}

// closest is the first difference between two entrypoints that differ least: the first one, and one of some after it.
func (p *packer) closest(packing spec.AWSPacking) string {
	var able []*site
	for _, s := range p.sites {
		if p.like(packing, s) != nil {
			able = append(able, s)
		}
	}
	if len(able) < 2 {
		return "each but one at most has a continuous deployment, or more hosts than a tenant may have"
	}
	first := able[0]
	mine := leaves(p.like(packing, first))
	var least []difference
	var other *site
	for _, s := range able[1:min(len(able), apartMax)] {
		if list := differences(mine, leaves(p.like(packing, s))); other == nil || len(list) < len(least) {
			least, other = list, s
		}
	}
	names := first.entry.Meta.Name + " and " + other.entry.Meta.Name
	if len(least) == 0 {
		return fmt.Sprintf("%s differ in what their distribution has of their log or TLS:%s (%s) and%s (%s)", names, settings(first), first.entry.At, settings(other), other.entry.At)
	}
	d := slices.MinFunc(least, func(a, b difference) int { return a.rank() - b.rank() })
	at := func(s *site) spec.Pos {
		r := &model.Resource{At: s.entry.At}
		p.b.marks(r, s)
		return r.Pos("DistributionConfig." + d.path)
	}
	a, b := d.deepest()
	return fmt.Sprintf("%s, which differ least, differ in %s: %s (%s) and %s (%s)", names, a.path, a.text(b), at(first), b.text(a), at(other))
}

// like is what must be the same of two entrypoints for a distribution together; nil: this one can have none.
func (p *packer) like(packing spec.AWSPacking, s *site) *model.DistributionConfig {
	if packing == spec.PackingTenants {
		return p.family(s)
	}
	if p.alone(s) {
		return nil
	}
	return p.shareable(s)
}

// leaf is one value of properties.
type leaf struct {
	path  string
	value any // nil: nothing stands there
}

// difference is two values at one place.
type difference struct {
	path string
	a, b leaf
}

// leaves are the values of properties, in their order.
func leaves(props any) []leaf {
	var out []leaf
	type level struct {
		path string
		next int // index of the next item; -1: names count
	}
	var levels []level
	model.Walk(props, func(step model.Step, name string, value any) {
		if step == model.End {
			levels = levels[:len(levels)-1]
			return
		}
		path := name
		if last := len(levels) - 1; last >= 0 {
			if top := &levels[last]; top.next >= 0 {
				path = strconv.Itoa(top.next)
				top.next++
			}
			path = strings.TrimPrefix(levels[last].path+"."+path, ".")
		}
		switch step {
		case model.Object:
			levels = append(levels, level{path, -1})
		case model.List:
			levels = append(levels, level{path, 0})
		default:
			out = append(out, leaf{path, value})
		}
	})
	return out
}

// differences are the places at which two lists of values differ, in the order of the first list.
func differences(a, b []leaf) []difference {
	theirs := make(map[string]any, len(b))
	for _, l := range b {
		theirs[l.path] = l.value
	}
	var out []difference
	for _, l := range a {
		other, there := theirs[l.path]
		if delete(theirs, l.path); !there || valueText(l.value) != valueText(other) {
			out = append(out, difference{l.path, l, leaf{l.path, other}})
		}
	}
	for _, l := range b {
		if _, alone := theirs[l.path]; alone {
			out = append(out, difference{l.path, leaf{l.path, nil}, l})
		}
	}
	return out
}

// rank is how little a difference says: what is made of something else says less than that, and code less than a setting.
func (d difference) rank() int {
	switch d.path[strings.LastIndexByte(d.path, '.')+1:] {
	case "Id", "OriginId", "TargetOriginId":
		return 2
	case "FunctionARN":
		return 1
	}
	return 0
}

// deepest is the difference itself, or, of two references, the first one between what they refer to.
func (d difference) deepest() (a, b leaf) {
	one, isRef := d.a.value.(model.Ref)
	two, isRefToo := d.b.value.(model.Ref)
	if !isRef || !isRefToo || one.Attr != two.Attr || one.Resource.Type() != two.Resource.Type() {
		return d.a, d.b
	}
	for _, in := range differences(leaves(one.Resource.Props), leaves(two.Resource.Props)) {
		if strings.HasSuffix("."+in.path, ".Name") { // it is made of the content
			continue
		}
		a, b := in.deepest()
		a.path, b.path = d.path+" → "+a.path, d.path+" → "+b.path
		return a, b
	}
	return d.a, d.b
}

// text is the value as it is shown beside another one: of several lines the first that the other has not.
func (l leaf) text(beside leaf) string {
	mine, theirs := valueText(l.value), valueText(beside.value)
	if line := `\n`; strings.Contains(mine, line) {
		own, others := strings.Split(mine, line), strings.Split(theirs, line)
		mine = "nothing"
		if i := slices.IndexFunc(own, func(s string) bool { return !slices.Contains(others, s) }); i >= 0 {
			mine = own[i]
		}
	}
	if len(mine) > apartTextMax {
		mine = strings.ToValidUTF8(mine[:apartTextMax], "") + "…"
	}
	return mine
}

func valueText(value any) string {
	if value == nil {
		return "nothing"
	}
	text := model.AppendText(nil, []any{value})
	return string(text[1 : len(text)-1])
}
