package compile

import (
	"encoding/json"
	"fmt"
	"strings"

	"skerry.dev/skerry/aws/finding"
	"skerry.dev/skerry/aws/model"
	"skerry.dev/skerry/spec"
)

var pageRules = struct{ long finding.Rule }{
	long: finding.Rule{
		ID: "waf-page", Severity: finding.Warning,
		Meaning: "An error page is larger than an answer of AWS WAF may be; a plain one is sent instead.",
		Remedy:  "let the page load what is large from elsewhere",
		Witness: "a request that a rule of the web ACL refuses", Source: "https://docs.aws.amazon.com/waf/latest/developerguide/limits.html",
	},
}

// phrases are the statuses that a web ACL answers with (RFC 9110 section 15), of letters and spaces alone: they stand in HTML.
var phrases = map[int]string{
	403: "Forbidden", 405: "Method Not Allowed", 413: "Content Too Large", 429: "Too Many Requests", 503: "Service Unavailable",
}

// page makes the body of an answer of its own and returns its key: the page of the entrypoint for this status, or a plain one in the form
// of its errors. AWS WAF does not look at Accept: what the client would take is not known.
func (a *acl) page(status int) string {
	key := fmt.Sprintf("status-%d", status)
	if a.props.CustomResponseBodies[key] != nil {
		return key
	}
	if a.props.CustomResponseBodies == nil {
		a.props.CustomResponseBodies = map[string]*model.WebACLCustomResponseBody{}
	}
	kind, text := "TEXT_PLAIN", fmt.Sprintf("%d %s\n", status, phrases[status])
	p := &a.site.entry.Policy
	switch form := p.Errors; {
	case form != nil && *form == spec.ErrorsProblem:
		kind, text = "APPLICATION_JSON", problem(status)
	default:
		if form != nil && *form == spec.ErrorsHTML {
			title := fmt.Sprintf("%d %s", status, phrases[status])
			kind, text = "TEXT_HTML", "<!doctype html><title>"+title+"</title><h1>"+title+"</h1>\n"
		}
		if own := ownPage(p, status); own != "" && len(own) <= pageBytesMax {
			kind, text = "TEXT_HTML", own
		} else if own != "" {
			a.find(&pageRules.long, nil, "spec.errorPages", "the page for %d has %d bytes, AWS WAF sends %d at most", status, len(own), pageBytesMax)
		}
	}
	a.props.CustomResponseBodies[key] = &model.WebACLCustomResponseBody{ContentType: model.Text(kind), Content: model.Text(text)}
	return key
}

// ownPage is the page of an entrypoint for a status, without the id of the request, which AWS WAF cannot put there; empty: there is none.
func ownPage(p *spec.Policy, status int) string {
	if p.ErrorPages == nil {
		return ""
	}
	for _, page := range *p.ErrorPages {
		if page.Status == status {
			return strings.ReplaceAll(page.HTML, "{request_id}", "")
		}
	}
	return ""
}

func problem(status int) string {
	text, err := json.Marshal(struct {
		Type   string `json:"type"`
		Title  string `json:"title"`
		Status int    `json:"status"`
	}{"about:blank", phrases[status], status})
	if err != nil {
		panic("BUG: a problem that cannot be written: " + err.Error())
	}
	return string(text)
}
