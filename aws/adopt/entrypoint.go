package adopt

import (
	"slices"
	"strings"

	"skerry.dev/skerry/aws/finding"
	"skerry.dev/skerry/aws/schema"
	"skerry.dev/skerry/spec"
)

const typeDistribution = "AWS::CloudFront::Distribution"

// entry is a distribution on its way to an Entrypoint.
type entry struct {
	*mapping
	resource *resource
	config   *schema.Node
	name     string
	comment  string
	hosts    []string
	meta     []said // beside the name
	fields   []said // of the Entrypoint, but for its routes
	routes   []*route
	acl      *resource
	logged   bool
	origins  map[string]*origin // by id
	strict   []hstsSaid
	lifted   []string // fields of all routes alike, which stand in the Entrypoint
	verdicts []verdict
}

// distribution takes a distribution over.
func (m *mapping) distribution(r *resource) {
	e := &entry{mapping: m, resource: r, config: r.Props.Get("DistributionConfig"), origins: map[string]*origin{}}
	m.entries = append(m.entries, e)
	e.fields = []said{{"path", "raw"}} // CloudFront changes no path
	e.called()
	e.aliases()
	e.tags()
	e.readOrigins()
	e.viewers()
	e.settings()
	e.refused()
	e.behaviors()
	e.pages()
	e.webACL()
}

// say notes a verdict; it goes into the ledger when it is known which fields the routes share.
func (e *entry) say(v verdict) { e.verdicts = append(e.verdicts, v) }

func (e *entry) place(r *route, field string) spot {
	return spot{document: "Entrypoint " + e.name, route: r, field: field}
}

func (e *entry) exact(n *schema.Node, field, text string) {
	e.say(verdict{node: n, is: Exact, at: e.place(nil, field), text: text})
}

func (e *entry) near(n *schema.Node, field string, rule *finding.Rule, text string) {
	e.say(verdict{node: n, is: Approximated, at: e.place(nil, field), rule: rule, text: text})
}

func (e *entry) refuse(n *schema.Node, rule *finding.Rule, text string) {
	e.say(verdict{node: n, is: Refused, rule: rule, text: text})
}

// means is exact of what is said nowhere, since there is nothing to say.
func (e *entry) means(n *schema.Node, text string) {
	e.say(verdict{node: n, is: Exact, text: text})
}

// known is the text of a node; what is known only when a stack is deployed is refused.
func (e *entry) known(n *schema.Node) (string, bool) {
	if n.Open() {
		e.refuse(n, ruleUnknownValue, unknownText)
		return "", false
	}
	return n.AsText()
}

const unknownText = "only the deployment knows the value"

// absent refuses what refers to something that is not there, or that nobody knows before the deployment.
func (e *entry) absent(n *schema.Node, text string) {
	if _, _, ok := n.Refers(); n.Open() && !ok {
		e.refuse(n, ruleUnknownValue, unknownText)
		return
	}
	e.refuse(n, ruleMissing, text)
}

// problem is a finding about a distribution as a whole, of something that is not there.
func (e *entry) problem(rule *finding.Rule, path, text string) {
	e.problems = append(e.problems, finding.Finding{
		Rule: rule, Severity: rule.Severity, At: e.resource.Props.At, Path: path, Subject: e.resource.Name, Text: text,
	})
}

// called finds the name of the Entrypoint: as Skerry has written it into the comment, or that of the first host.
func (e *entry) called() {
	n := e.config.Get("Comment")
	comment, ok := e.known(n)
	own, ours := strings.CutPrefix(comment, "skerry: ")
	ours = ours && nameOf(own) == own
	text := own
	if !ours {
		text = e.resource.Name
		if hosts := texts(e.config.Get("Aliases")); len(hosts) > 0 {
			text = strings.TrimPrefix(hosts[0], "*.")
		}
	}
	e.name = e.unique("Entrypoint", text, "edge")
	switch {
	case !ok:
	case ours:
		e.exact(n, "metadata.name", "")
	case comment == "":
		e.means(n, "it is empty")
	default:
		e.comment = comment
		e.exact(n, "the comment above it", "")
	}
}

// aliases are the hosts. An entrypoint must have one.
func (e *entry) aliases() {
	for _, list := range []*schema.Node{e.config.Get("Aliases"), e.config.Get("CNAMEs")} {
		if list.Open() || len(list.List()) == 0 {
			continue
		}
		for _, n := range list.List() {
			host, ok := e.known(n)
			switch host = strings.ToLower(host); {
			case !ok:
			case !isHost(host):
				e.refuse(n, ruleNoHost, "it is not a host that a spec takes")
			case slices.Contains(e.hosts, host):
				e.means(n, "it stands twice")
			case e.taken(host):
				e.refuse(n, ruleNoHost, "another distribution of the input has the host "+host+" too, and serves it in the documents")
			default:
				e.hosts = append(e.hosts, host)
				e.exact(n, "hosts", "")
			}
		}
	}
	if len(e.hosts) > 0 {
		return
	}
	host := e.name + ".invalid"
	text := "the distribution has no host of its own, only one below cloudfront.net; " + host + " stands in its place"
	e.hosts = []string{host}
	if n := e.config.Get("Aliases"); n != nil && len(n.List()) == 0 {
		e.refuse(n, ruleNoHost, text)
		return
	}
	e.problem(ruleNoHost, "DistributionConfig.Aliases", text)
}

// taken reports whether another distribution has a host, as one that stages for it may.
func (e *entry) taken(host string) bool {
	return slices.ContainsFunc(e.entries, func(other *entry) bool { return other != e && slices.Contains(other.hosts, host) })
}

// isHost reports whether a spec takes a host.
func isHost(host string) bool {
	name := strings.TrimPrefix(host, "*.")
	if len(name) > hostBytesMax || !strings.Contains(name, ".") {
		return false
	}
	for label := range strings.SplitSeq(name, ".") {
		if label == "" || len(label) > 63 || strings.Trim(label, "-") != label || strings.Trim(label, hostBytes) != "" {
			return false
		}
	}
	return true
}

const hostBytes = "abcdefghijklmnopqrstuvwxyz0123456789-"

// tags are labels, but for that of the owner.
func (e *entry) tags() {
	var labels []said
	for _, n := range e.resource.Props.Get("Tags").List() {
		key, known := n.Get("Key").AsText()
		value, both := n.Get("Value").AsText()
		switch {
		case !known || !both:
			e.refuse(n, ruleUnknownValue, unknownText)
		case strings.HasPrefix(key, "aws:"):
			e.means(n, "AWS makes it")
		case key == "" || !isText(key) || !isText(value) || len(labels) == labelsMax:
			e.refuse(n, ruleFeature, "a spec does not take such a label, or not so many")
		case key == "owner" && value != "":
			e.meta = put(e.meta, value, "owner")
			e.exact(n, "metadata.owner", "")
		default:
			labels = put(labels, value, key)
			e.exact(n, "metadata.labels."+key, "")
		}
	}
	if len(labels) > 0 {
		e.meta = put(e.meta, labels, "labels")
	}
}

// isText reports whether text is one that a spec takes: without control characters, and not too long.
func isText(s string) bool {
	return len(s) <= textBytesMax && !strings.ContainsFunc(s, func(c rune) bool { return c < ' ' || c == 0x7f })
}

// webACL finds the web ACL. One that is not there is an error: the documents let through what it refuses.
func (e *entry) webACL() {
	n := e.config.Get("WebACLId")
	if n == nil {
		e.associated()
		return
	}
	if text, ok := n.AsText(); ok && text == "" {
		e.means(n, "there is none")
		return
	}
	if e.acl = e.target(n, "AWS::WAFv2::WebACL"); e.acl != nil {
		e.exact(n, "waf", "")
		return
	}
	e.refuse(n, ruleNoACL, "the input does not have the web ACL: the documents let through what it refuses")
}

// associated finds a web ACL that is tied to the distribution by a resource of its own.
func (e *entry) associated() {
	for _, r := range e.of("AWS::WAFv2::WebACLAssociation") {
		if e.target(r.Props.Get("ResourceArn"), typeDistribution) == e.resource {
			e.acl = e.target(r.Props.Get("WebACLArn"), "AWS::WAFv2::WebACL")
		}
	}
}

// finish finds what routes share, and where all verdicts say that it stands.
func (e *entry) finish() {
	e.share()
	for i := range e.verdicts {
		v := &e.verdicts[i]
		if v.is != Refused {
			v.became = v.at.text(e.lifted)
		}
		if o := v.at.origin; o != nil && o.made == nil {
			v.is, v.rule, v.text = Exact, nil, "no behaviour asks the origin"
		}
	}
}

// tell puts the verdicts of all distributions into the ledger. What several behaviours have in common, as a policy, may come to
// something else for each of them: the worst of it is said.
func (m *mapping) tell() {
	worst := map[*schema.Node]*verdict{}
	for _, e := range m.entries {
		for i := range e.verdicts {
			v := &e.verdicts[i]
			if w := worst[v.node]; w == nil || gravity(v.is, v.rule) > gravity(w.is, w.rule) {
				worst[v.node] = v
			}
		}
	}
	for _, e := range m.entries {
		for _, v := range e.verdicts {
			if w := worst[v.node]; w != nil {
				m.ledger.say(w.node, w.is, w.became, w.rule, w.text)
				delete(worst, v.node)
			}
		}
	}
}

// shareable are the fields of routes that an Entrypoint may say for all of them, as a route says them.
var shareable = [][]string{{"cors"}, {"compress"}, {"retry"}, {"methods"}, {"cache"}, {"headers", "request"}, {"headers", "response"}}

// share moves to the Entrypoint what all routes say alike.
func (e *entry) share() {
	for _, path := range shareable {
		first := at(e.routes[0].policy, path...)
		if first == nil || at(e.fields, path...) != nil || slices.ContainsFunc(e.routes, func(r *route) bool {
			value := at(r.policy, path...)
			return value == nil || !sameValue(value, first)
		}) {
			continue
		}
		e.lifted = append(e.lifted, strings.Join(path, "."))
		e.fields = put(e.fields, first, path...)
		for _, r := range e.routes {
			r.policy = without(r.policy, path...)
		}
	}
}

// protect adds what a web ACL says.
func (e *entry) protect(p *protection) {
	taken := map[*route][]string{} // methods, as CloudFront lets them through
	for _, f := range p.policy {
		e.fields = put(e.fields, f.value, f.name)
	}
	asked := slices.Clone(e.routes)
	for _, own := range p.routes {
		like := len(asked) - 1
		if own.like >= 0 {
			like = own.like
		}
		r := asked[like]
		if own.path != (spec.PathMatch{}) {
			clone := *r
			clone.match, clone.name = own.path, e.routeName(own.path)
			r = &clone
			e.routes = slices.Insert(e.routes, len(e.routes)-1, r)
		}
		taken[r], _ = at(asked[like].policy, "methods").([]string)
		for _, f := range own.policy {
			r.policy = put(r.policy, f.value, f.name)
		}
	}
	e.fewer(taken)
}

// fewer gives each route the methods that both CloudFront and the web ACL let through. taken are those of CloudFront, of routes
// for which the web ACL says something of its own.
func (e *entry) fewer(taken map[*route][]string) {
	common, _ := at(e.fields, "methods").([]string)
	e.fields = without(e.fields, "methods")
	for _, r := range e.routes {
		mine, _ := at(r.policy, "methods").([]string)
		theirs := common
		if cloudFront, said := taken[r]; said {
			if at(r.policy, "methods") != nil && !slices.Equal(mine, cloudFront) {
				theirs = mine
			}
			mine = cloudFront
		}
		if both := slices.DeleteFunc(slices.Clone(mine), func(m string) bool { return !slices.Contains(theirs, m) }); len(theirs) > 0 && len(both) > 0 {
			r.policy = put(r.policy, both, "methods")
		} else if mine != nil {
			r.policy = put(r.policy, mine, "methods")
		}
	}
}

// document is the Entrypoint.
func (e *entry) document() *document {
	d := &document{kind: "Entrypoint", meta: append([]said{{"name", e.name}}, e.meta...)}
	d.comment = []string{
		"Taken over from the distribution " + oneLine(e.resource.Name) + "; the ledger says what has become of each of its attributes.",
		"The profile plain adds nothing of its own, so that the documents protect as much as the distribution does, and no more.",
		"What clients send in X-Forwarded-* is not believed, which CloudFront does not see to; services get X-Forwarded-For as before.",
	}
	if e.comment != "" {
		d.comment = append(d.comment, "Its comment: "+oneLine(e.comment))
	}
	d.spec = []said{{"hosts", e.hosts}, {"profile", "plain"}}
	d.spec = append(d.spec, e.fields...)
	if e.logged {
		d.spec = put(d.spec, "on", "log")
	}
	if slices.ContainsFunc(e.routes, func(r *route) bool { return !r.to.directory }) {
		d.spec = put(d.spec, "set", "forwarded")
	}
	var routes [][]said
	for _, r := range e.routes {
		routes = append(routes, r.fields())
	}
	d.spec = append(d.spec, said{"routes", routes})
	return d
}

// oneLine is text as a comment may have it.
func oneLine(text string) string {
	text = strings.Map(func(c rune) rune {
		if c < ' ' || c >= 0x7f && c < 0xa0 || c == 0x2028 || c == 0x2029 || c == 0xfeff {
			return ' '
		}
		return c
	}, strings.ToValidUTF8(text, "?"))
	return strings.TrimSpace(text)
}
