package compile

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"skerry.dev/skerry/aws/finding"
	"skerry.dev/skerry/spec"
)

// This file is the function for responses: what a response headers policy cannot do. CloudFront calls it neither for answers of
// 400 and above nor for those that the function for requests made, which have what they need.

// answerRules are about it.
var answerRules = struct{ back, errors finding.Rule }{
	back: finding.Rule{
		ID: "location-back", Severity: finding.Warning,
		Meaning: "What a service says of its own paths in Location and Content-Location is not mapped back: the function for responses does not know which path was asked for.",
		Remedy:  "give the route a path of its own without {name}, or have the service answer with public URLs",
		Witness: "a request that the service answers with a redirect to a path of its own",
	},
	errors: finding.Rule{
		ID: "answer-errors", Severity: finding.Warning, Source: docsRestrictions,
		Meaning: "The fields are edited by a function, which CloudFront does not call for answers with a status of 400 and above.",
		Remedy:  "use fields that a response headers policy can edit",
		Witness: "a request that the service answers with 404",
	},
}

// answerFunction writes the function for the responses of a behaviour; nil: there is nothing to do.
func (b *builder) answerFunction(s *site, v *behavior) *coder {
	c := &coder{}
	if slices.ContainsFunc(v.routes, func(r *spec.Route) bool { return len(r.To.Services) > 0 && on(r.Policy.RequestID) }) {
		c.add("fields", "h['x-request-id']={value:event.context.requestId};")
	}
	if back := b.backCode(s, v); back != "" {
		c.add("locations", "%s", back)
	}
	if edits := leftEdits(v.left); edits != "" {
		c.add("fields", "%s", strings.TrimSuffix(edits, "\n"))
		b.find(&answerRules.errors, s, v.routes[0].At, "spec.headers.response", "%s", strings.Join(leftNames(v.left), ", "))
	}
	if c.body.Len() == 0 {
		return nil
	}
	body := c.body.String()
	c.body.Reset()
	c.add("fields", "var a=event.response,h=a.headers,r=event.request;")
	c.body.WriteString(body)
	c.add("fields", "return a;")
	return c
}

// leftEdits is the code of what policies left, but for what no function can do either.
func leftEdits(e spec.Edits) string {
	out := spec.Edits{Set: map[string]string{}, Default: map[string]string{}}
	for name, value := range e.Set {
		if !lockedAnswer(name) {
			out.Set[strings.ToLower(name)] = value
		}
	}
	for name, value := range e.Default {
		if !lockedAnswer(name) {
			out.Default[strings.ToLower(name)] = value
		}
	}
	before := ""
	for _, name := range e.Remove {
		switch {
		case strings.EqualFold(name, "set-cookie"):
			before = "a.cookies={};\n"
		case !lockedAnswer(name):
			out.Remove = append(out.Remove, strings.ToLower(name))
		}
	}
	slices.Sort(out.Remove)
	return before + editCode("h", out)
}

func leftNames(e spec.Edits) []string {
	names := slices.Concat(slices.Collect(maps.Keys(e.Set)), slices.Collect(maps.Keys(e.Default)), e.Remove)
	slices.Sort(names)
	return names
}

// backCode maps Location and Content-Location back after a rewrite, as rewrite.Out does.
func (b *builder) backCode(s *site, v *behavior) string {
	code, first := "", true
	for _, r := range v.routes {
		if len(r.To.Services) == 0 {
			continue
		}
		own, ok := locationCode(s, r)
		if !ok {
			b.find(&answerRules.back, s, r.At, "spec.routes."+r.Name+".rewrite", "route %q rewrites a path with {name}", r.Name)
			return ""
		}
		if !first && own != code {
			b.find(&answerRules.back, s, r.At, "spec.routes."+r.Name+".rewrite", "route %q shares its behaviour with routes that rewrite otherwise", r.Name)
			return ""
		}
		code, first = own, false
	}
	return code
}

// locationCode is the code for one route; ok is false where what was asked for has to be known.
func locationCode(s *site, r *spec.Route) (code string, ok bool) {
	w := r.Rewrite
	if w == nil {
		return "", true
	}
	public := "null" // an expression: the public form of path p, null if it has none
	m := rank(r)
	switch {
	case w.Path != "" && m.kind == spec.PathExact && !strings.Contains(w.Path, "{"):
		public = fmt.Sprintf("p===%s?%s:null", js(w.Path), js(r.Match.Path.Path))
	case w.Path != "" || w.Prefix != "" && m.named != 0:
		return "", false
	case w.Prefix != "":
		prefix, matched := strings.TrimRight(w.Prefix, "/"), strings.TrimSuffix(r.Match.Path.Path, "/")
		public = fmt.Sprintf("(p+'/').indexOf(%s)===0?D(%s+p.slice(%d))||'/':null", js(prefix+"/"), js(matched), len(prefix))
		if prefix == matched && w.Host == "" {
			public = "null"
		}
	}
	hosts, client := insideHosts(r)
	here := "''"
	if onlyHTTPS(s.entry) {
		here = "'https://'+n"
	}
	return fmt.Sprintf(`function D(x){return x.replace(/^\/+/,'/')}
function P(p){return %s}
function B(l){var n=r.headers.host.value,x=/^(https?:)?\/\/([^\/?#]*)([^?#]*)(.*)$/i.exec(l),o,t,k,c;
if(!x){x=/^(\/[^?#]*)(.*)$/.exec(l);t=x?P(x[1]):null;return t===null?l:t+x[2]}
o=x[2].replace(/:\d*$/,'').toLowerCase();k=%s.indexOf(o)>=0;t=P(x[3]||'/');c=o===n.toLowerCase();
if(c)return t===null||!%t&&!k?l:(x[1]||'')+'//'+x[2]+t+x[4];
return k?%s+D(t===null?x[3]||'/':t)+x[4]:l}
['location','content-location'].forEach(function(x){if(h[x])h[x]={value:B(h[x].value)}});`,
		public, jsList(hosts), client, here), true
}

// insideHosts are the names by which a route's services are asked, and whether one is asked by the client's.
func insideHosts(r *spec.Route) (hosts []string, client bool) {
	add := func(host string) {
		if i := strings.LastIndexByte(host, ':'); i >= 0 && !strings.HasSuffix(host, "]") {
			host = host[:i]
		}
		if host = strings.ToLower(host); !slices.Contains(hosts, host) {
			hosts = append(hosts, host)
		}
	}
	if r.Rewrite.Host != "" {
		add(r.Rewrite.Host)
		return hosts, false
	}
	for _, to := range r.To.Services {
		switch to.Service.Host {
		case spec.HostName:
			add(to.Service.HostName)
		case spec.HostEndpoint:
			for _, e := range to.Service.Endpoints {
				add(e.Host)
			}
		default:
			client = true
		}
	}
	return hosts, client
}
