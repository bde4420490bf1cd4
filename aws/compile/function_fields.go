package compile

import (
	"slices"
	"strings"

	"skerry.dev/skerry/aws/finding"
	"skerry.dev/skerry/spec"
)

const docsRestrictions = "https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/edge-function-restrictions-all.html"

// fieldRules are what functions cannot do with fields.
var fieldRules = struct{ locked, unseen, match finding.Rule }{
	locked: finding.Rule{
		ID: "function-field", Severity: finding.Error, Source: docsRestrictions,
		Meaning: "CloudFront lets no function set this request field: it answers 502 if one does.",
		Remedy:  "leave the edit out, or use another name",
		Witness: "any request: the service does not get the field",
	},
	unseen: finding.Rule{
		ID: "function-field-unseen", Severity: finding.Warning, Source: docsRestrictions,
		Meaning: "CloudFront shows this request field to no function, so it cannot be removed.",
		Remedy:  "have the service ignore it",
		Witness: "a request with the field",
	},
	match: finding.Rule{
		ID: "function-match", Severity: finding.Error, Source: docsRestrictions,
		Meaning: "A route asks for a request field that CloudFront shows to no function, or not as it was sent.",
		Remedy:  "match another field",
		Witness: "a request with the field takes the next route",
	},
}

// hiddenFields are shown to no function, and no function may set them; a name that ends in * stands for all that begin so.
var hiddenFields = []string{
	"connection", "expect", "keep-alive", "proxy-authenticate", "proxy-authorization", "proxy-connection", "trailer", "upgrade",
	"x-accel-buffering", "x-accel-charset", "x-accel-limit-rate", "x-accel-redirect", "x-amz-cf-*", "x-amzn-auth", "x-amzn-cf-billing",
	"x-amzn-cf-id", "x-amzn-cf-xff", "x-amzn-errortype", "x-amzn-fle-profile", "x-amzn-header-count", "x-amzn-header-order",
	"x-amzn-lambda-integration-tag", "x-amzn-requestid", "x-cache", "x-edge-*", "x-forwarded-proto", "x-real-ip",
}

// droppedFields are those of hiddenFields that never reach an origin: removing them is done.
var droppedFields = []string{"connection", "expect", "keep-alive", "proxy-authenticate", "proxy-authorization", "proxy-connection",
	"trailer", "x-forwarded-proto", "x-real-ip"}

// fixedFields can be seen, but not changed, in requests.
var fixedFields = []string{"content-length", "host", "transfer-encoding", "via"}

// fixedAnswerFields are the same in responses.
var fixedAnswerFields = []string{"via", "warning"}

// objectFields have a meaning of their own in JavaScript.
var objectFields = []string{"__proto__", "constructor"}

func listed(list []string, name string) bool {
	name = strings.ToLower(name)
	return slices.ContainsFunc(list, func(entry string) bool {
		before, wild := strings.CutSuffix(entry, "*")
		return name == entry || wild && strings.HasPrefix(name, before)
	})
}

// lockedAnswer reports whether a function cannot set or remove a field of an answer.
func lockedAnswer(name string) bool {
	return listed(hiddenFields, name) || listed(fixedAnswerFields, name) || listed(objectFields, name) || strings.EqualFold(name, "set-cookie")
}

// requestEdits is the code of a route's edits of the request, and finds those that cannot be done.
func (b *builder) requestEdits(s *site, r *spec.Route) string {
	if r.Policy.Headers == nil || r.Policy.Headers.Request == nil {
		return ""
	}
	from, before := r.Policy.Headers.Request, ""
	out := spec.Edits{Set: map[string]string{}, Default: map[string]string{}}
	path := "spec.headers.request"
	if r.Name != "" {
		path = "spec.routes." + r.Name + ".headers.request"
	}
	pick := func(into, from map[string]string, where string) {
		for name, value := range from {
			switch {
			case listed(hiddenFields, name) || listed(fixedFields, name) || listed(objectFields, name):
				b.find(&fieldRules.locked, s, r.At, path+where, "%s cannot be set", name)
			case strings.EqualFold(name, "cookie"):
				b.find(&fieldRules.locked, s, r.At, path+where, "Cookie cannot be set as a whole: functions see its cookies one by one")
			default:
				into[strings.ToLower(name)] = value
			}
		}
	}
	pick(out.Set, from.Set, ".set")
	pick(out.Default, from.Default, ".default")
	for _, name := range from.Remove {
		switch {
		case strings.EqualFold(name, "cookie"):
			before = "r.cookies={};\n"
		case listed(droppedFields, name):
		case listed(hiddenFields, name) || listed(fixedFields, name) || listed(objectFields, name):
			b.find(&fieldRules.unseen, s, r.At, path+".remove", "%s cannot be removed", name)
		default:
			out.Remove = append(out.Remove, strings.ToLower(name))
		}
	}
	slices.Sort(out.Remove)
	return before + editCode("h", out)
}
