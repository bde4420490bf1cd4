package adopt

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"skerry.dev/skerry/aws/schema"
)

const typeAnswerPolicy = "AWS::CloudFront::ResponseHeadersPolicy"

// hstsSaid is what a route's policy says of Strict-Transport-Security; a spec says it once.
type hstsSaid struct {
	fields []said
	tell   *teller
	node   *schema.Node
	over   bool
}

// answers are the fields of answers that a policy sets and takes away.
func (e *entry) answers(r *route) {
	n := r.node.Get("ResponseHeadersPolicyId")
	id, _ := n.AsText()
	if n == nil || n.Known() && id == "" {
		e.means(n, "there is none")
		return
	}
	a := &answerReader{e: e, r: r, t: &teller{e: e, route: r, whole: n}}
	if m, known := managedAnswers[id]; known {
		a.managed(m)
		a.t.done("headers.response", "")
		return
	}
	p := e.target(n, typeAnswerPolicy)
	if p == nil {
		e.absent(n, "the input does not have the response headers policy "+id)
		return
	}
	e.used[p] = true
	c := p.Props.Get("ResponseHeadersPolicyConfig")
	for _, name := range []string{"Name", "Comment"} {
		e.means(c.Get(name), "a policy has a name of its own for each content")
	}
	a.security(c.Get("SecurityHeadersConfig"))
	for _, item := range listOf(c.Get("CustomHeadersConfig")) {
		a.custom(item)
	}
	for _, item := range listOf(c.Get("RemoveHeadersConfig")) {
		a.remove(item)
	}
	a.cors(c.Get("CorsConfig"))
	e.features(c, answerFeatures)
	a.t.done("headers.response", "")
}

var answerFeatures = []feature{
	{[]string{"ServerTimingHeadersConfig"}, func(n *schema.Node) bool { return isEmpty(n) || isFalse(n.Get("Enabled")) }, ruleAnswerLost,
		"Server-Timing tells what CloudFront has done; the edge has no such field"},
}

// listOf is a list, or the one below Items; an empty object has none.
func listOf(n *schema.Node) []*schema.Node {
	if n != nil && n.Kind == schema.Map {
		n = n.Get("Items")
	}
	return n.List()
}

// answerReader reads one policy for one route.
type answerReader struct {
	e *entry
	r *route
	t *teller
}

// managed are the policies of AWS.
func (a *answerReader) managed(m managedAnswer) {
	if m.security {
		a.put("Referrer-Policy", "strict-origin-when-cross-origin", false)
		a.put("X-Content-Type-Options", "nosniff", true)
		a.put("X-Frame-Options", "SAMEORIGIN", false)
		a.put("X-XSS-Protection", "1; mode=block", false)
		a.hsts(hstsSaid{fields: []said{{"maxAge", "8760h"}, {"includeSubDomains", "off"}, {"preload", "off"}}, tell: a.t})
	}
	if !m.cors {
		return
	}
	fields := []said{{"origins", []string{"*"}}}
	if m.preflight {
		fields = append(fields, said{"methods", []string{"DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"}}, said{"expose", []string{"*"}})
	}
	a.r.policy = put(a.r.policy, fields, "cors")
	a.t.near(nil, "cors", ruleAnswer, "the edge answers preflights itself, and what the service says of CORS does not count")
}

// put sets a field of answers, over that of the service or where it has none.
func (a *answerReader) put(name, value string, override bool) {
	verb := "default"
	if override {
		verb = "set"
	}
	a.r.policy = put(a.r.policy, value, "headers", "response", verb, name)
}

// security are the fields that have a place of their own.
func (a *answerReader) security(n *schema.Node) {
	a.field(n.Get("ContentSecurityPolicy"), "Content-Security-Policy", func(n *schema.Node) (string, bool) {
		return a.e.known(n.Get("ContentSecurityPolicy"))
	})
	a.field(n.Get("ContentTypeOptions"), "X-Content-Type-Options", func(*schema.Node) (string, bool) { return "nosniff", true })
	a.field(n.Get("FrameOptions"), "X-Frame-Options", func(n *schema.Node) (string, bool) { return a.e.known(n.Get("FrameOption")) })
	a.field(n.Get("ReferrerPolicy"), "Referrer-Policy", func(n *schema.Node) (string, bool) { return a.e.known(n.Get("ReferrerPolicy")) })
	a.field(n.Get("XSSProtection"), "X-XSS-Protection", xssProtection)
	if h := n.Get("StrictTransportSecurity"); h != nil {
		age, ok := h.Get("AccessControlMaxAgeSec").AsNumber()
		if !ok || age <= 0 {
			a.e.refuse(h, ruleAnswerLost, "Strict-Transport-Security has no age that is known")
			return
		}
		a.hsts(hstsSaid{
			fields: []said{
				{"maxAge", inSeconds(age)}, {"includeSubDomains", onOff(isTrue(h.Get("IncludeSubdomains")))}, {"preload", onOff(isTrue(h.Get("Preload")))},
			},
			tell: a.t, node: h, over: isTrue(h.Get("Override")),
		})
	}
}

func xssProtection(n *schema.Node) (string, bool) {
	on, known := n.Get("Protection").AsBool()
	switch report := n.Get("ReportUri"); {
	case !known || report.Open():
		return "", false
	case !on:
		return "0", true
	case report.String() != "":
		return "1; report=" + report.String(), true
	case isTrue(n.Get("ModeBlock")):
		return "1; mode=block", true
	}
	return "1", true
}

// field takes one field with a place of its own.
func (a *answerReader) field(n *schema.Node, name string, valueOf func(*schema.Node) (string, bool)) {
	if n == nil {
		return
	}
	value, ok := valueOf(n)
	override, known := n.Get("Override").AsBool()
	if !ok || !known || !isValue(value) {
		a.e.refuse(n, ruleUnknownValue, "the value of "+name+" is not known, or none that a field can have")
		return
	}
	a.put(name, value, override)
	a.t.exact(n, "headers.response", "")
}

// isValue reports whether text is a value of a field that a spec takes.
func isValue(s string) bool {
	control := func(c rune) bool { return c < ' ' && c != '\t' || c == 0x7f }
	return len(s) <= textBytesMax && strings.TrimSpace(s) == s && !strings.ContainsFunc(s, control)
}

func (a *answerReader) custom(n *schema.Node) {
	name, ok := a.e.known(n.Get("Header"))
	value, both := a.e.known(n.Get("Value"))
	if n.Get("Value") == nil {
		value, both = "", true
	}
	override, known := n.Get("Override").AsBool()
	edits, _ := at(a.r.policy, "headers", "response").([]said)
	switch {
	case !ok || !both || !known:
		a.e.refuse(n, ruleUnknownValue, unknownText)
	case names(edits, "set", name) || names(edits, "default", name):
		a.e.refuse(n, ruleAnswerLost, "the field "+name+" is set twice")
	case !isToken(name) || slices.Contains(framing, strings.ToLower(name)) || !isValue(value):
		a.e.refuse(n, ruleAnswerLost, "a spec does not set the field "+name+" to this value")
	default:
		a.put(name, value, override)
		a.t.exact(n, "headers.response", "")
	}
}

// framing are fields that no edit of a spec may touch.
var framing = []string{"connection", "content-length", "host", "http2-settings", "keep-alive", "proxy-connection", "te", "trailer",
	"transfer-encoding", "upgrade"}

func (a *answerReader) remove(n *schema.Node) {
	name, ok := a.e.known(n.Get("Header"))
	edits, _ := at(a.r.policy, "headers", "response").([]said)
	switch {
	case !ok:
		a.e.refuse(n, ruleUnknownValue, unknownText)
	case !isToken(name) || slices.Contains(framing, strings.ToLower(name)):
		a.e.refuse(n, ruleAnswerLost, "a spec does not remove the field "+name)
	case names(edits, "set", name):
		a.t.exact(n, "headers.response.set", "what is set replaces that of the service anyway")
	case names(edits, "default", name): // what the service says is taken away, so that the own value always stands there
		list, _ := at(edits, "default").([]said)
		i := slices.IndexFunc(list, func(f said) bool { return strings.EqualFold(f.name, name) })
		value, _ := list[i].value.(string)
		edits = put(edits, without(list, list[i].name), "default")
		if len(list) == 1 {
			edits = without(edits, "default")
		}
		a.r.policy = put(a.r.policy, put(edits, value, "set", list[i].name), "headers", "response")
		a.t.exact(n, "headers.response.set", "")
	default:
		list, _ := at(edits, "remove").([]string)
		a.r.policy = put(a.r.policy, sorted(append(slices.Clone(list), name)), "headers", "response", "remove")
		a.t.exact(n, "headers.response.remove", "")
	}
}

// names reports whether edits name a field.
func names(edits []said, verb, name string) bool {
	list, _ := at(edits, verb).([]said)
	return slices.ContainsFunc(list, func(f said) bool { return strings.EqualFold(f.name, name) })
}

// hsts notes what a route's policy says of Strict-Transport-Security.
func (a *answerReader) hsts(h hstsSaid) { a.e.strict = append(a.e.strict, h) }

// securityHSTS says it for the whole entrypoint: in the form of the last behaviour that has it, which is the default one if that
// does.
func (e *entry) securityHSTS() {
	if len(e.strict) == 0 {
		return
	}
	chosen := e.strict[len(e.strict)-1].fields
	e.fields = put(e.fields, chosen, "hsts")
	for _, h := range e.strict {
		text := ""
		switch {
		case len(e.strict) < len(e.routes):
			text = "Strict-Transport-Security is sent with all answers, and not only those of some behaviours"
		case !sameValue(h.fields, chosen):
			text = "behaviours differ in Strict-Transport-Security; the entrypoint has that of the last one"
		case !h.over:
			text = "Strict-Transport-Security replaces that of the service"
		}
		if text != "" {
			h.tell.e.say(verdict{node: orWhole(h), is: Approximated, at: e.place(nil, "hsts"), rule: ruleAnswer, text: text})
			continue
		}
		e.say(verdict{node: orWhole(h), is: Exact, at: e.place(nil, "hsts")})
	}
}

// orWhole is where it stands: the policy's id, if AWS manages it.
func orWhole(h hstsSaid) *schema.Node {
	if h.node != nil {
		return h.node
	}
	return h.tell.whole
}

var (
	pageOrigin = regexp.MustCompile(`^https?://(\*\.)?[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:[1-9][0-9]{0,4})?$`)
	httpMethod = []string{"DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"}
)

// cors is who may call from other pages. The edge answers preflights, and what the service says of it does not count.
func (a *answerReader) cors(n *schema.Node) {
	if n == nil {
		return
	}
	if isEmpty(n) {
		a.e.means(n, "it is empty")
		return
	}
	t := a.t
	origins := a.items(n.Get("AccessControlAllowOrigins"), "cors.origins",
		func(s string) bool { return s == "*" || pageOrigin.MatchString(s) && isPage(s) })
	if slices.Contains(origins, "*") {
		origins = []string{"*"}
	}
	if len(origins) == 0 {
		a.e.refuse(n, ruleAnswerLost, "no origin of pages is left that a spec takes, so pages of other origins may not call")
		return
	}
	fields := []said{{"origins", sorted(origins)}}
	methods := a.items(n.Get("AccessControlAllowMethods"), "cors.methods", func(s string) bool { return s == "ALL" || slices.Contains(httpMethod, s) })
	if slices.Contains(methods, "ALL") {
		methods = httpMethod
	}
	fields = append(fields, said{"methods", sorted(methods)})
	credentials := isTrue(n.Get("AccessControlAllowCredentials"))
	open := origins[0] == "*"
	plain := func(s string) bool { return isToken(s) && !(s == "*" && credentials && !open) }
	headers := a.items(n.Get("AccessControlAllowHeaders"), "cors.headers", plain)
	headers = slices.DeleteFunc(folded(headers), func(s string) bool { return s == "accept" }) // may be sent anyway
	if len(headers) > 0 {
		fields = append(fields, said{"headers", headers})
	}
	if expose := folded(a.items(n.Get("AccessControlExposeHeaders"), "cors.expose", plain)); len(expose) > 0 {
		fields = append(fields, said{"expose", expose})
	}
	switch c := n.Get("AccessControlAllowCredentials"); {
	case credentials && open:
		a.e.refuse(c, ruleAnswerLost, "credentials cannot go with every origin: no browser sends them then")
	case credentials:
		fields = append(fields, said{"credentials", "on"})
		t.exact(c, "cors.credentials", "")
	default:
		t.exact(c, "cors.credentials", "off is the default")
	}
	fields = a.corsAge(n.Get("AccessControlMaxAgeSec"), fields)
	a.r.policy = put(a.r.policy, fields, "cors")
	if over := n.Get("OriginOverride"); isTrue(over) {
		t.exact(over, "cors", "")
	} else {
		t.near(over, "cors", ruleAnswer, "the edge answers preflights itself, and what the service says of CORS does not count")
	}
}

// isPage reports whether an origin is as browsers send it, and a wildcard is of a domain of somebody.
func isPage(s string) bool {
	scheme, rest, _ := strings.Cut(s, "://")
	host, port, _ := strings.Cut(rest, ":")
	return isHost(host) && !(scheme == "https" && port == "443") && !(scheme == "http" && port == "80")
}

func folded(list []string) []string {
	for i := range list {
		list[i] = strings.ToLower(list[i])
	}
	return sorted(list)
}

// items are those of a list that a spec takes; each of the others is refused.
func (a *answerReader) items(n *schema.Node, field string, good func(string) bool) (out []string) {
	for _, item := range listOf(n) {
		switch text, ok := a.e.known(item); {
		case !ok:
		case good(text):
			out = append(out, text)
			a.t.exact(item, field, "")
		default:
			a.e.refuse(item, ruleAnswerLost, text+" is nothing that a spec takes for "+field)
		}
	}
	return out
}

func (a *answerReader) corsAge(n *schema.Node, fields []said) []said {
	age, ok := n.AsNumber()
	const most = 86400 // seconds
	switch {
	case n == nil:
		return fields
	case !ok:
		a.e.refuse(n, ruleUnknownValue, unknownText)
		return fields
	case age > most:
		a.t.near(n, "cors.maxAge", ruleAnswer, fmt.Sprintf("%g s become a day", age))
		age = most
	default:
		a.t.exact(n, "cors.maxAge", "")
	}
	text := inSeconds(age)
	if age == 0 {
		text = "0s"
	}
	return append(fields, said{"maxAge", text})
}
