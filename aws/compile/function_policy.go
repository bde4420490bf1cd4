package compile

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"skerry.dev/skerry/spec"
)

// This file is what a policy says of requests and of the answers that a function makes itself. For each policy there are
// functions, with a number; policies that come to the same code have the same one:
//
//	A(e,s,a,b)   the answer with status s, fields a and body b, and what every answer under this policy has
//	E(e,s,t,a)   an error, in the form that the policy wants
//	L(e,s,l)     a redirect to l
//	G(e)         what is answered before a route is asked: preflights, methods, upgrades; undefined: nothing
//	T(e)         what the service is told
//
// They stand in the order in which the edge does the same (plan/order.go, rewrite.Stage).

// policyText is the code of C, A, E, L and G of a policy, with mark for their number, and whether there is a G.
type policyText struct {
	code string
	gate bool
}

func (b *builder) policyCode(p *spec.Policy) policyText {
	text, known := b.written.policies[*p]
	if !known {
		text = policyCode(p)
		if b.written.policies == nil {
			b.written.policies = map[spec.Policy]policyText{}
		}
		b.written.policies[*p] = text
	}
	return text
}

func policyCode(p *spec.Policy) policyText {
	var out strings.Builder
	if allowsOrigins(p) {
		out.WriteString(corsCode(p.CORS))
	}
	out.WriteString(answerCode(p))
	out.WriteString(errorCode(p))
	g := gateCode(p)
	out.WriteString(g)
	return policyText{out.String(), g != ""}
}

func allowsOrigins(p *spec.Policy) bool { return p.CORS != nil && len(p.CORS.Origins) > 0 }

// madeFields are those that an answer of a function may have without any edit.
var madeFields = []string{"content-type", "cache-control", "location", "allow", "vary", "x-request-id", "strict-transport-security", "access-control-*"}

// answerEditCode is the code of a policy's edits of an answer that the function makes.
func answerEditCode(p *spec.Policy) string {
	from := answerEdits(p)
	if from == nil {
		return ""
	}
	e := spec.Edits{Set: map[string]string{}, Default: map[string]string{}}
	for name, value := range from.Set {
		if !lockedAnswer(name) {
			e.Set[strings.ToLower(name)] = value
		}
	}
	for name, value := range from.Default {
		switch {
		case lockedAnswer(name):
		case listed(madeFields, name):
			e.Default[strings.ToLower(name)] = value
		default:
			e.Set[strings.ToLower(name)] = value
		}
	}
	for _, name := range from.Remove {
		if listed(madeFields, name) {
			e.Remove = append(e.Remove, strings.ToLower(name))
		}
	}
	slices.Sort(e.Remove)
	return editCode("a", e)
}

// editCode edits the fields of an object: removal first, then what is set, then what is missing.
func editCode(object string, e spec.Edits) string {
	var out strings.Builder
	for _, name := range e.Remove {
		fmt.Fprintf(&out, "delete %s[%s];\n", object, js(name))
	}
	for _, name := range slices.Sorted(maps.Keys(e.Set)) {
		fmt.Fprintf(&out, "%s[%s]={value:%s};\n", object, js(name), js(e.Set[name]))
	}
	for _, name := range slices.Sorted(maps.Keys(e.Default)) {
		fmt.Fprintf(&out, "if(!%s[%s])%s[%s]={value:%s};\n", object, js(name), object, js(name), js(e.Default[name]))
	}
	return out.String()
}

func answerCode(p *spec.Policy) string {
	var out strings.Builder
	out.WriteString("function A" + mark + "(e,s,a,b){\n")
	if on(p.RequestID) {
		out.WriteString("a['x-request-id']={value:e.context.requestId};\n")
	}
	if h := p.HSTS; h != nil && h.MaxAge >= time.Second {
		fmt.Fprintf(&out, "a['strict-transport-security']={value:%s};\n", js(hstsValue(h)))
	}
	if allowsOrigins(p) {
		out.WriteString("C" + mark + "(e.request,a);\n")
	}
	out.WriteString(answerEditCode(p))
	out.WriteString("var o={statusCode:s,headers:a};\nif(b)o.body=b;\nreturn o}\n")
	out.WriteString("function L" + mark + "(e,s,l){return /^[!-\\[\\]-~]+$/.test(l)?A" + mark + "(e,s,{location:{value:l}}):E" + mark + "(e,400,'Bad Request',{})}\n")
	return out.String()
}

func on(s *spec.Switch) bool { return s != nil && bool(*s) }

func hstsValue(h *spec.HSTS) string {
	value := "max-age=" + strconv.FormatInt(int64(h.MaxAge/time.Second), 10)
	if h.IncludeSubDomains {
		value += "; includeSubDomains"
	}
	if h.Preload {
		value += "; preload"
	}
	return value
}

// errorCode makes errors in the form that the policy wants; auto goes by the first type of Accept that says HTML or JSON.
func errorCode(p *spec.Policy) string {
	html := "true"
	mode := spec.ErrorsAuto
	if p.Errors != nil {
		mode = *p.Errors
	}
	head := ""
	switch mode {
	case spec.ErrorsProblem:
		html = "false"
	case spec.ErrorsAuto:
		head = "var c=e.request.headers.accept,m=c&&/(text\\/html|application\\/xhtml\\+xml)|application\\/(problem\\+)?json/i.exec(c.value);\n"
		html = "m&&m[1]"
	}
	return "function E" + mark + "(e,s,t,a){\n" + head + "var w=" + html + ";\n" +
		"a['content-type']={value:w?'text/html; charset=utf-8':'application/problem+json'};\na['cache-control']={value:'no-store'};\n" +
		"return A" + mark + "(e,s,a,w?'<!doctype html><title>'+s+' '+t+'</title><h1>'+s+' '+t+'</h1>':" +
		"JSON.stringify({type:'about:blank',title:t,status:s,instance:'urn:skerry:request:'+e.context.requestId}))}\n"
}

// preflightTest is whether request r with fields h is a preflight.
const preflightTest = "r.method==='OPTIONS'&&h.origin&&h['access-control-request-method']"

func gateCode(p *spec.Policy) string {
	var out strings.Builder
	if allowsOrigins(p) {
		fmt.Fprintf(&out, "if(%s)return A%s(e,204,{});\n", preflightTest, mark)
	}
	if p.Methods != nil && len(*p.Methods) > 0 {
		allow := withHead(*p.Methods)
		fmt.Fprintf(&out, "if(%s.indexOf(r.method)<0)return E%s(e,405,'Method Not Allowed',{allow:{value:%s}});\n",
			jsList(allow), mark, js(strings.Join(allow, ", ")))
	}
	if !on(p.WebSocket) { // Upgrade itself is not shown to functions
		fmt.Fprintf(&out, "if(h['sec-websocket-key'])return E%s(e,403,'Forbidden',{});\n", mark)
	}
	if out.Len() == 0 {
		return ""
	}
	return "function G" + mark + "(e){var r=e.request,h=r.headers;\n" + out.String() + "}\n"
}

// withHead is a list of methods in which GET brings HEAD with it.
func withHead(methods []string) []string {
	if slices.Contains(methods, "GET") && !slices.Contains(methods, "HEAD") {
		return append(slices.Clone(methods), "HEAD")
	}
	return methods
}

// corsCode answers as rewrite.cors does: fields for an origin that may call, none for another.
func corsCode(c *spec.CORS) string {
	var out strings.Builder
	out.WriteString("function C" + mark + "(r,a){var h=r.headers,o=h.origin&&!h.origin.multiValue?h.origin.value:'',p=" + preflightTest + ";\n")
	anyOrigin, anyHeader := slices.Contains(c.Origins, "*"), slices.Contains(c.Headers, "*")
	switch { // an empty Vary is none
	case !anyOrigin && anyHeader:
		out.WriteString("a.vary={value:p?'Origin, Access-Control-Request-Headers':'Origin'};\n")
	case !anyOrigin:
		out.WriteString("a.vary={value:'Origin'};\n")
	case anyHeader:
		out.WriteString("if(p)a.vary={value:'Access-Control-Request-Headers'};\n")
	}
	if anyOrigin {
		out.WriteString("o='*';\n")
	} else {
		out.WriteString("if(!(" + originTest(c.Origins) + "))return;\n")
	}
	out.WriteString("a['access-control-allow-origin']={value:o};\n")
	if c.Credentials {
		out.WriteString("a['access-control-allow-credentials']={value:'true'};\n")
	}
	if len(c.Expose) > 0 {
		fmt.Fprintf(&out, "if(!p)a['access-control-expose-headers']={value:%s};\n", js(strings.Join(c.Expose, ", ")))
	}
	methods := c.Methods
	if len(methods) == 0 {
		methods = []string{"GET", "HEAD", "POST"}
	}
	fmt.Fprintf(&out, "if(!p)return;\na['access-control-allow-methods']={value:%s};\na['access-control-max-age']={value:%s};\n",
		js(strings.Join(methods, ", ")), js(strconv.FormatInt(int64(c.MaxAge/time.Second), 10)))
	switch {
	case anyHeader:
		fmt.Fprintf(&out, "var q=h['access-control-request-headers'];\nif(q&&q.value.length<=%d&&/^[\\w!#$%%&'*+.^`|~, \\t-]+$/.test(q.value))a['access-control-allow-headers']={value:q.value};\n", preflightBytesMax)
	case len(c.Headers) > 0:
		fmt.Fprintf(&out, "a['access-control-allow-headers']={value:%s};\n", js(strings.Join(c.Headers, ", ")))
	}
	out.WriteString("}\n")
	return out.String()
}

// originTest compares origin o with those that may call; a wildcard stands for one label or more.
func originTest(origins []string) string {
	var exact, tests []string
	for _, o := range origins {
		before, after, wild := strings.Cut(o, "*")
		if !wild {
			exact = append(exact, o)
			continue
		}
		tests = append(tests, "/^"+jsRegexp(before)+"[a-z0-9_.-]+"+jsRegexp(after)+"$/.test(o)")
	}
	if len(exact) > 0 {
		tests = append([]string{jsList(exact) + ".indexOf(o)>=0"}, tests...)
	}
	return strings.Join(tests, "||")
}

// tellCode tells the service what the edge knows, in place of what the client claims. CloudFront itself sets X-Forwarded-For to
// the client's address once the client's own is gone; it takes X-Forwarded-Proto and X-Real-IP away, and lets no function set
// them.
func (b *builder) tellCode(s *site, r *spec.Route) string {
	p := &r.Policy
	mode := spec.ForwardedRemove
	if p.Forwarded != nil {
		mode = *p.Forwarded
	}
	var out strings.Builder
	fmt.Fprintf(&out, "function T%s(e){var r=e.request,h=r.headers;\nK(h,%t);\n", mark, mode == spec.ForwardedKeep)
	if on(p.RequestID) {
		out.WriteString("h['x-request-id']={value:e.context.requestId};\n")
	}
	if mode == spec.ForwardedSet || mode == spec.ForwardedBoth {
		out.WriteString("h['x-forwarded-host']={value:h.host.value};\n")
	}
	if mode == spec.ForwardedStandard || mode == spec.ForwardedBoth {
		proto := ""
		if onlyHTTPS(s.entry) {
			proto = "+';proto=https'"
		}
		out.WriteString("var i=e.viewer.ip,n=h.host.value;\nh.forwarded={value:'for='+(i.indexOf(':')<0?i:'\"['+i+']\"')+';host='+(/^[\\w.-]+$/.test(n)?n:'\"'+n+'\"')" + proto + "};\n")
	}
	if t := p.Trace; t != nil && t.On {
		out.WriteString(traceCode(t.Sample))
	}
	out.WriteString(b.requestEdits(s, r))
	out.WriteString("}\n")
	return out.String()
}

// onlyHTTPS reports whether nothing is served over plain HTTP.
func onlyHTTPS(e *spec.Entrypoint) bool {
	return e.Policy.Redirect == nil || *e.Policy.Redirect != spec.PlainServed
}

// traceCode begins a trace (W3C Trace Context, level 1). Like the edge it samples by the last 56 bits of the id.
func traceCode(sample float64) string {
	return "var d='';\nwhile(d.length<48)d+=('0000000'+Math.floor(Math.random()*268435456).toString(16)).slice(-7);\n" +
		"d=d.slice(0,48);\nh.traceparent={value:'00-'+d.slice(0,32)+'-'+d.slice(32)+(parseInt(d.slice(18,32),16)/72057594037927936>=" +
		strconv.FormatFloat(1-sample, 'g', 12, 64) + "?'-01':'-00')};\n"
}
