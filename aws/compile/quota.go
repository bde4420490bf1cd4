package compile

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"skerry.dev/skerry/aws/finding"
	"skerry.dev/skerry/aws/model"
	"skerry.dev/skerry/aws/schema"
	"skerry.dev/skerry/spec"
)

// granted is how many of something the account may have: what it was granted, or AWS's own value.
func (b *builder) granted(name string) int {
	if n, ok := b.account.Quotas[name]; ok {
		return n
	}
	return quotaNamed(name).Limit
}

func quotaNamed(name string) schema.Quota {
	q, ok := schema.QuotaNamed(name)
	if !ok {
		panic("BUG: there is no quota " + name)
	}
	return q
}

// quotaRules are the rules of findings about quotas, by the names of quotas: one for each.
var quotaRules = sync.OnceValue(func() map[string]*finding.Rule {
	rules := map[string]*finding.Rule{}
	for _, q := range schema.Quotas() {
		severity := finding.Error
		if q.Name == "policyCharacters" { // nothing of the deployment: a role may have several policies
			severity = finding.Warning
		}
		rules[q.Name] = &finding.Rule{
			ID: q.ID(), Severity: severity, Source: q.Source,
			Meaning: fmt.Sprintf("AWS refuses more than %d %s per %s, unless the account was granted more.", q.Limit, q.Of, q.Per),
			Remedy:  quotaRemedy(q),
			Witness: fmt.Sprintf("%d %s in one %s", q.Limit+1, q.Of, q.Per),
		}
	}
	return rules
})

func quotaRemedy(q schema.Quota) string {
	if q.Name == "policyCharacters" {
		return "give the statements to several policies"
	}
	if q.Raised {
		return "ask AWS for more and say so as quotas." + q.Name + " of the AWS document, or need fewer"
	}
	return "AWS raises it for nobody: need fewer"
}

// quotaNameRules are those of the names in an AWS document.
var quotaNameRules = [...]finding.Rule{{
	ID: "quota-unknown", Severity: finding.Error,
	Meaning: "The AWS document names a quota that does not exist, so it has no effect.",
	Remedy:  "write the name of a quota", Witness: "quotas: {cachePolicy: 40}",
}}

// most is the fullest of the things that have a quota of their own: the distribution with the most aliases.
type most struct {
	count   int
	what    string // "distribution Distribution…"; empty: the account
	at      spec.Pos
	subject *site
}

// quota holds the deployment against the quotas of AWS: an error beyond one, a note where little is left.
func (b *builder) quota(d *model.Deployment) {
	b.quotaNames()
	found := &quotaTally{counts: map[string][]most{}, bySite: b.byName(), loads: b.loads}
	found.deployment(d)
	for _, name := range slices.Sorted(maps.Keys(found.counts)) {
		b.judge(quotaNamed(name), found.counts[name])
	}
}

func (b *builder) byName() map[string]*site {
	out := make(map[string]*site, len(b.sites))
	for _, s := range b.sites {
		out[s.entry.Meta.Name] = s
	}
	return out
}

// quotaNames refuses overrides of quotas that do not exist.
func (b *builder) quotaNames() {
	var known []string
	for _, q := range schema.Quotas() {
		known = append(known, q.Name)
	}
	for _, name := range slices.Sorted(maps.Keys(b.account.Quotas)) {
		if _, ok := schema.QuotaNamed(name); ok {
			continue
		}
		b.find(&quotaNameRules[0], nil, b.account.At, "spec.quotas."+name, "there is no quota %q; did you mean %q?", name, nearestName(name, known))
	}
}

// noteShare is the share of a quota, in percent, from which on a note says how much is left.
const noteShare = 80

// judge finds what is beyond a quota; of things that are merely near it, only the fullest.
func (b *builder) judge(q schema.Quota, list []most) {
	limit := b.granted(q.Name)
	near := 0
	fullest := most{}
	for _, m := range list {
		switch {
		case m.count > limit:
			b.overQuota(q, limit, m)
		case m.count*100 >= limit*noteShare:
			near++
			if m.count > fullest.count {
				fullest = m
			}
		}
	}
	if near == 0 || filled(q) {
		return
	}
	text := fmt.Sprintf("%s: %d of %d", of(q, fullest), fullest.count, limit)
	if near > 1 {
		text += fmt.Sprintf(", and %d more are nearly as full", near-1)
	}
	b.find(quotaRules()[q.Name], fullest.subject, fullest.at, "", "%s (%s)", text, b.figure(q))
	b.findings[len(b.findings)-1].Severity = finding.Note
}

// filled reports whether something is filled on purpose, so that it says nothing when there is little room: stacks, and what
// there are copies of.
func filled(q schema.Quota) bool {
	return q.Per == "stack" || q.Per == "template" || strings.HasPrefix(q.Name, "distributionsPer") && q.Name != "distributionsPerVpcOrigin"
}

func (b *builder) overQuota(q schema.Quota, limit int, m most) {
	text := fmt.Sprintf("%s: %d, %d more than the limit of %d (%s)", of(q, m), m.count, m.count-limit, limit, b.figure(q))
	if other := b.fits[q.Name]; other != "" {
		text += "; " + other
	}
	b.find(quotaRules()[q.Name], m.subject, m.at, "", "%s", text)
}

func of(q schema.Quota, m most) string {
	if m.what == "" {
		return q.Of
	}
	return q.Of + " of " + m.what
}

// figure says whose number a limit is.
func (b *builder) figure(q schema.Quota) string {
	switch _, granted := b.account.Quotas[q.Name]; {
	case granted:
		return "quotas." + q.Name + " of the AWS document"
	case q.Source == "":
		return "a bound of this compiler, as quotas." + q.Name + " of an AWS document may say otherwise"
	}
	return fmt.Sprintf("AWS's own value as read on %s; quotas.%s of an AWS document says what the account was granted", q.Date, q.Name)
}

// nearestName is the known name that needs the fewest edits.
func nearestName(name string, known []string) string {
	return slices.MinFunc(known, func(a, b string) int {
		return cmp.Or(cmp.Compare(edits(name, a), edits(name, b)), cmp.Compare(a, b))
	})
}

// edits is the number of letters to insert, delete or replace, whatever their case.
func edits(a, b string) int {
	a, b = strings.ToLower(a), strings.ToLower(b)
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		before := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := before
			if a[i] != b[j] {
				cost = 1 + min(before, row[j], row[j+1])
			}
			before, row[j+1] = row[j+1], cost
		}
	}
	return row[len(b)]
}
