package compile

import (
	"maps"
	"slices"
	"strings"
	"time"

	"skerry.dev/skerry/aws/finding"
	"skerry.dev/skerry/aws/model"
	"skerry.dev/skerry/spec"
)

const docsAnswers = "https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/understanding-response-headers-policies.html"

// answerPolicyRules are what edits of answers come to.
var answerPolicyRules = struct{ refused, cors, long finding.Rule }{
	refused: finding.Rule{
		ID: "answer-field", Severity: finding.Error, Source: docsAnswers,
		Meaning: "CloudFront lets nobody set or remove this field of an answer.",
		Remedy:  "leave the edit out",
		Witness: "any answer of the route",
	},
	cors: finding.Rule{
		ID: "cors-methods", Severity: finding.Warning, Source: docsAnswers,
		Meaning: "A response headers policy names the seven methods that CloudFront passes, and no other.",
		Remedy:  "leave the others out of cors.methods",
		Witness: "a preflight with Access-Control-Request-Method: QUERY",
	},
	long: finding.Rule{
		ID: "answer-field-length", Severity: finding.Error, Source: docsAnswers,
		Meaning: "A field of a response headers policy has 1,783 characters at most.",
		Remedy:  "shorten the value, or let the service send it",
	},
}

// answerPolicy is the policy for the fields of answers; nil: there is nothing to do. What it cannot do is left to the function for
// responses.
func (b *builder) answerPolicy(t *remarks, v *behavior) *model.Resource {
	r, hsts := v.routes[0], t.site.entry.Policy.HSTS
	key := answerKey{r.Policy.CORS, answerEdits(&r.Policy), hsts}
	if made, ok := b.answers[key]; ok {
		if v.left = made.left; made.policy != nil {
			b.again(made.policy, r.At)
		}
		return made.policy
	}
	remarked := t.count()
	made := answerMade{policy: b.newAnswerPolicy(t, v, hsts)}
	made.left = v.left
	if t.count() == remarked { // each route has its own remarks
		b.answers[key] = made
	}
	return made.policy
}

// answerKey is all that a policy for the fields of answers depends on.
type answerKey struct {
	cors  *spec.CORS
	edits *spec.Edits
	hsts  *spec.HSTS
}

// answerMade is such a policy, and what is left to the function for responses.
type answerMade struct {
	policy *model.Resource
	left   spec.Edits
}

func (b *builder) newAnswerPolicy(t *remarks, v *behavior, hsts *spec.HSTS) *model.Resource {
	r := v.routes[0]
	c := &model.ResponseHeadersPolicyConfig{CorsConfig: b.corsConfig(t, r)}
	w := &answerWriter{t: t, route: r, config: c, room: b.granted("responseHeadersPolicyHeaders")}
	if h := hsts; h != nil && h.MaxAge > 0 {
		w.security().StrictTransportSecurity = &model.ResponseHeadersPolicyStrictTransportSecurity{
			AccessControlMaxAgeSec: model.Int(h.MaxAge / time.Second), IncludeSubdomains: model.Bool(h.IncludeSubDomains),
			Preload: model.Bool(h.Preload), Override: model.Bool(true),
		}
	}
	if edits := answerEdits(&r.Policy); edits != nil {
		w.edits(edits)
	}
	v.left = w.left
	if c.CorsConfig == nil && c.SecurityHeadersConfig == nil && c.CustomHeadersConfig == nil && c.RemoveHeadersConfig == nil {
		return nil
	}
	return b.share("ResponseHeadersPolicy", r.At, &model.ResponseHeadersPolicy{ResponseHeadersPolicyConfig: c},
		func(name string) { c.Name = model.Text(name) })
}

// corsConfig is CORS as the edge does it: what the service says of it never counts.
func (b *builder) corsConfig(t *remarks, r *spec.Route) *model.ResponseHeadersPolicyCorsConfig {
	cors := r.Policy.CORS
	if cors == nil || len(cors.Origins) == 0 {
		return nil
	}
	all := methodSets[len(methodSets)-1]
	methods := slices.DeleteFunc(slices.Clone(cors.Methods), func(m string) bool { return !slices.Contains(all, m) })
	if len(methods) < len(cors.Methods) {
		t.note(&answerPolicyRules.cors, r.At, "spec.cors.methods", "%s may be called with %s", routeName(r), strings.Join(methods, ", "))
	}
	c := &model.ResponseHeadersPolicyCorsConfig{
		AccessControlAllowOrigins:     &model.ResponseHeadersPolicyAccessControlAllowOrigins{Items: model.Texts(cors.Origins)},
		AccessControlAllowMethods:     &model.ResponseHeadersPolicyAccessControlAllowMethods{Items: model.Texts(orOne(methods, "GET"))},
		AccessControlAllowHeaders:     &model.ResponseHeadersPolicyAccessControlAllowHeaders{Items: model.Texts(orOne(cors.Headers, "Accept"))}, // which pages may send anyway: the list must have one
		AccessControlAllowCredentials: model.Bool(cors.Credentials), AccessControlMaxAgeSec: model.Int(cors.MaxAge / time.Second),
		OriginOverride: model.Bool(true),
	}
	if len(cors.Expose) > 0 {
		c.AccessControlExposeHeaders = &model.ResponseHeadersPolicyAccessControlExposeHeaders{Items: model.Texts(cors.Expose)}
	}
	return c
}

// orOne is a list, or one value in place of an empty one.
func orOne(list []string, value string) []string {
	if len(list) == 0 {
		return []string{value}
	}
	return list
}

// answerWriter sorts the edits of answers: into the policy, as long as there is room, or to the function.
type answerWriter struct {
	t      *remarks
	route  *spec.Route
	config *model.ResponseHeadersPolicyConfig
	room   int // for custom fields, and for removed ones
	left   spec.Edits
}

// edits takes names in order, so that the same edits give the same policy.
func (w *answerWriter) edits(e *spec.Edits) {
	for _, name := range slices.Sorted(maps.Keys(e.Set)) {
		if !w.put(name, e.Set[name], true) {
			w.left.Set = with(w.left.Set, name, e.Set[name])
		}
	}
	for _, name := range slices.Sorted(maps.Keys(e.Default)) {
		if !w.put(name, e.Default[name], false) {
			w.left.Default = with(w.left.Default, name, e.Default[name])
		}
	}
	for _, name := range slices.Sorted(slices.Values(e.Remove)) {
		if !w.remove(name) {
			w.left.Remove = append(w.left.Remove, name)
		}
	}
}

func with(m map[string]string, name, value string) map[string]string {
	if m == nil {
		m = map[string]string{}
	}
	m[name] = value
	return m
}

// put sets a field, over that of the service or where it has none; false: the function has to.
func (w *answerWriter) put(name, value string, override bool) bool {
	switch {
	case w.refuses(name):
		return true
	case len(value) > answerValueMax:
		w.t.note(&answerPolicyRules.long, w.route.At, "spec.headers.response", "%s has %d characters", name, len(value))
		return true
	case w.secure(strings.ToLower(name), value, model.Bool(override)):
		return true
	case ownPolicyField(name):
		return false
	}
	if w.config.CustomHeadersConfig == nil {
		w.config.CustomHeadersConfig = &model.ResponseHeadersPolicyCustomHeadersConfig{}
	}
	list := &w.config.CustomHeadersConfig.Items
	if len(*list) == w.room {
		return false
	}
	*list = append(*list, &model.ResponseHeadersPolicyCustomHeader{Header: model.Text(name), Value: model.Text(value), Override: model.Bool(override)})
	return true
}

// remove takes a field of the service away; false: the function has to.
func (w *answerWriter) remove(name string) bool {
	if w.refuses(name) {
		return true
	}
	if w.config.RemoveHeadersConfig == nil {
		w.config.RemoveHeadersConfig = &model.ResponseHeadersPolicyRemoveHeadersConfig{}
	}
	list := &w.config.RemoveHeadersConfig.Items
	if len(*list) == w.room {
		return false
	}
	*list = append(*list, &model.ResponseHeadersPolicyRemoveHeader{Header: model.Text(name)})
	return true
}

// refuses tells of a field that neither a policy nor a function may touch.
func (w *answerWriter) refuses(name string) bool {
	if !listed(hiddenFields, name) && !listed(policyRefuses, name) {
		return false
	}
	w.t.note(&answerPolicyRules.refused, w.route.At, "spec.headers.response", "the edit of %s is lost", name)
	return true
}

// policyRefuses are fields that no policy may set or remove, beside those that no function sees.
var policyRefuses = []string{"content-encoding", "content-length", "host", "transfer-encoding", "via", "warning"}

// ownPolicyField reports whether a field has a place of its own in a policy, so that it can be no custom one; or several values.
func ownPolicyField(name string) bool {
	name = strings.ToLower(name)
	switch name {
	case "content-security-policy", "x-content-type-options", "x-frame-options", "referrer-policy", "strict-transport-security",
		"x-xss-protection", "server-timing", "set-cookie":
		return true
	}
	return strings.HasPrefix(name, "access-control-")
}

func (w *answerWriter) security() *model.ResponseHeadersPolicySecurityHeadersConfig {
	if w.config.SecurityHeadersConfig == nil {
		w.config.SecurityHeadersConfig = &model.ResponseHeadersPolicySecurityHeadersConfig{}
	}
	return w.config.SecurityHeadersConfig
}

// referrerPolicies are those that a policy takes.
var referrerPolicies = []string{"no-referrer", "no-referrer-when-downgrade", "origin", "origin-when-cross-origin", "same-origin", "strict-origin",
	"strict-origin-when-cross-origin", "unsafe-url"}

// secure sets a field of those that protect browsers, if its value is one that the policy knows.
func (w *answerWriter) secure(name, value string, override model.Bool) bool {
	upper, lower := strings.ToUpper(value), strings.ToLower(value)
	switch {
	case name == "content-security-policy" && value != "":
		w.security().ContentSecurityPolicy = &model.ResponseHeadersPolicyContentSecurityPolicy{ContentSecurityPolicy: model.Text(value), Override: override}
	case name == "x-content-type-options" && lower == "nosniff":
		w.security().ContentTypeOptions = &model.ResponseHeadersPolicyContentTypeOptions{Override: override}
	case name == "x-frame-options" && (upper == "DENY" || upper == "SAMEORIGIN"):
		w.security().FrameOptions = &model.ResponseHeadersPolicyFrameOptions{FrameOption: model.Text(upper), Override: override}
	case name == "referrer-policy" && slices.Contains(referrerPolicies, lower):
		w.security().ReferrerPolicy = &model.ResponseHeadersPolicyReferrerPolicy{ReferrerPolicy: model.Text(lower), Override: override}
	case name == "x-xss-protection" && value == "0":
		w.security().XSSProtection = &model.ResponseHeadersPolicyXSSProtection{Protection: model.Bool(false), Override: override}
	case name == "x-xss-protection" && strings.ReplaceAll(lower, " ", "") == "1;mode=block":
		w.security().XSSProtection = &model.ResponseHeadersPolicyXSSProtection{Protection: model.Bool(true), ModeBlock: model.Bool(true), Override: override}
	default:
		return false
	}
	return true
}
