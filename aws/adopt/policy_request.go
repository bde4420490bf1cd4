package adopt

import (
	"cmp"
	"strings"

	"skerry.dev/skerry/aws/schema"
)

// requestPolicy is what the service gets of a request beside what counts for the cache.
type requestPolicy struct {
	headers, cookies, query selection
	tell                    *teller
}

const typeRequestPolicy = "AWS::CloudFront::OriginRequestPolicy"

// requestPolicy finds that of a behaviour; nil: there is none, or nothing is known of it.
func (e *entry) requestPolicy(r *route) *requestPolicy {
	n := r.node.Get("OriginRequestPolicyId")
	id, _ := n.AsText()
	if n == nil || n.Known() && id == "" {
		e.means(n, "there is none")
		return nil
	}
	t := &teller{e: e, route: r, whole: n}
	if q, known := managedRequests[id]; known {
		q.tell = t
		return &q
	}
	if p := e.target(n, typeRequestPolicy); p != nil {
		e.used[p] = true
		c := p.Props.Get("OriginRequestPolicyConfig")
		for _, name := range []string{"Name", "Comment"} {
			e.means(c.Get(name), "a policy has a name of its own for each content")
		}
		return &requestPolicy{
			headers: selectionOf(c.Get("HeadersConfig"), "HeaderBehavior", "Headers"),
			cookies: selectionOf(c.Get("CookiesConfig"), "CookieBehavior", "Cookies"),
			query:   selectionOf(c.Get("QueryStringsConfig"), "QueryStringBehavior", "QueryStrings"), tell: t,
		}
	}
	e.absent(n, "the input does not have the origin request policy "+id+"; the service gets its own Host, and all else that the client sent")
	return nil
}

// hostSent reports whether the service gets the Host of the client.
func (e *entry) hostSent(c *cachePolicy, q *requestPolicy) bool {
	if c != nil && (c.headers.has("Host") || c.legacy && c.headers.has("*")) {
		return true
	}
	if q == nil {
		return false
	}
	switch q.headers.how {
	case "allViewer", "allViewerAndWhitelistCloudFront":
		return true
	case "allExcept":
		return !q.headers.has("Host")
	}
	return q.headers.has("Host")
}

// passed compares what the service gets: from the edge, all that the client sent but for what is taken out.
func (e *entry) passed(r *route, c *cachePolicy, q *requestPolicy) {
	if r.to.directory {
		e.passedToFiles(q)
		return
	}
	stores := c.stores()
	noCookies := stores && c.cookies.how == "none" && (q == nil || q.cookies.how == "none")
	if noCookies { // otherwise an answer could depend on a cookie that does not count
		r.policy = put(r.policy, []string{"Cookie"}, "headers", "request", "remove")
	}
	switch {
	case q != nil:
		e.passedHeaders(q)
		e.passedCookies(q, noCookies)
		e.passedQuery(q, c)
		q.tell.done("", "")
	case c == nil || c.legacy && c.headers.has("*"):
	case !stores:
		c.passes("the service gets every field, cookie and parameter that the client sends; CloudFront keeps them back")
	case c.cookies.how == "whitelist":
		c.passes("the service gets every field and cookie that the client sends, also those that do not count; it must not answer by them")
	default:
		c.passes("the service gets every field that the client sends, also those that do not count; it must not answer by them")
	}
}

// passes says that the service gets more: of the policy as a whole, or of the selection of cookies in the older form, which has
// no policy.
func (c *cachePolicy) passes(text string) {
	var n *schema.Node
	if c.legacy {
		n = cmp.Or(c.cookies.at, c.query.at)
	}
	c.tell.near(n, "", ruleRequestFields, text)
}

// passedToFiles is about a bucket, which makes little of a request.
func (e *entry) passedToFiles(q *requestPolicy) {
	if q == nil {
		return
	}
	for _, s := range []*selection{&q.headers, &q.cookies, &q.query} {
		for _, n := range append([]*schema.Node{s.at}, s.items...) {
			if n != nil {
				q.tell.exact(n, "", "files need nothing more of a request")
			}
		}
	}
	if q.headers.has("Origin") || q.headers.how != "whitelist" && q.headers.how != "none" {
		q.tell.near(nil, "cors", ruleAnswer, "what the bucket itself says of CORS is not taken over; write it in cors")
	}
	q.tell.done("", "files need nothing more of a request")
}

func (e *entry) passedHeaders(q *requestPolicy) {
	s, t := &q.headers, q.tell
	all := s.how == "allViewer" || s.how == "allViewerAndWhitelistCloudFront" || s.how == "allExcept" && len(s.names) == 1 && s.has("Host")
	if all {
		t.exact(s.at, "", "the service gets all that the client sends")
	} else {
		t.near(s.at, "", ruleRequestFields, "the service gets every field that the client sends, and not only those that the policy lets through")
	}
	for i, name := range s.names {
		n := s.item(i)
		lower := strings.ToLower(name)
		switch {
		case strings.HasPrefix(lower, "cloudfront-") && lower != "cloudfront-forwarded-proto":
			t.refuse(n, ruleCloudFrontFields, name+" is made by CloudFront; the service does not get it")
		case n == nil:
		case s.how == "allExcept" && lower != "host":
			t.near(n, "", ruleRequestFields, "the service gets "+name+" too")
		case s.how == "whitelist" && lower != "host":
			t.near(n, "", ruleRequestFields, "the service gets every field that the client sends, and not only those that the policy lets through")
		default:
			t.exact(n, "", "the service gets it")
		}
	}
}

func (e *entry) passedCookies(q *requestPolicy, removed bool) {
	s, t := &q.cookies, q.tell
	for _, n := range append([]*schema.Node{s.at}, s.items...) {
		switch {
		case s.how == "all":
			t.exact(n, "", "the service gets all that the client sends")
		case removed:
			t.exact(n, "headers.request.remove", "")
		default:
			t.near(n, "", ruleRequestFields, "the service gets every cookie that the client sends")
			if n == nil {
				return
			}
		}
	}
}

func (e *entry) passedQuery(q *requestPolicy, c *cachePolicy) {
	s, t := &q.query, q.tell
	for _, n := range append([]*schema.Node{s.at}, s.items...) {
		switch {
		case s.how == "all" && c.stores() && c.query.how != "all":
			t.near(n, "cache.key", ruleRequestFields, "parameters that do not count do not reach the service when an answer is fetched for the cache")
		case s.how == "all" || s.how == "none" && c.stores():
			t.exact(n, "", "")
		default:
			t.near(n, "", ruleRequestFields, "the service gets every parameter that the client sends")
		}
		if n == nil {
			return
		}
	}
}
