package rewrite

import (
	"fmt"
	"slices"
	"strings"

	"skerry.dev/skerry/exchange"
	"skerry.dev/skerry/fault"
	"skerry.dev/skerry/spec"
)

// Redirect is the last stage of a route that sends its clients elsewhere. NewRedirect makes it.
type Redirect struct {
	status int
	parts  []part
}

// part is a piece of the Location.
type part struct {
	kind    partKind
	literal []byte
	param   int // which {name} segment of the match
}

type partKind uint8

const (
	partLiteral partKind = iota
	partPath             // {path}: starts with '/'
	partQuery            // {query}: without the question mark
	partParam            // {name} in a path or query
	partLabel            // {name} in the host: letters, digits and '-' only
)

// errLocation ends an exchange whose Location would not be what the template says.
var errLocation = fault.New(fault.BadRequest, "the redirect's `to` cannot be filled in from this request: a {name} in its host is not a label, or a byte is not allowed in a URL")

// NewRedirect compiles a redirect of a route with this path match; nil gives nil. To is a URL of http or https, or an
// absolute path. A {name} may also stand in the host, if a literal "." follows it at once: whoever owns what comes
// after it owns every host the redirect can name.
func NewRedirect(r *spec.Redirect, match spec.PathMatch) (*Redirect, []fault.Problem) {
	if r == nil {
		return nil, nil
	}
	s := &Redirect{status: r.Status}
	if s.status == 0 {
		s.status = 308
	}
	if !redirects(s.status) {
		return nil, []fault.Problem{{Text: fmt.Sprintf("redirect: status %d does not redirect", r.Status), Fix: fixStatus}}
	}
	text, fix := s.compile(r.To, paramNames(match))
	if text != "" {
		return nil, []fault.Problem{{Text: fmt.Sprintf("redirect to %q: %s", r.To, text), Fix: fix}}
	}
	return s, nil
}

// redirects reports whether a status sends a client to its Location (RFC 9110 section 15.4).
func redirects(status int) bool {
	return status == 301 || status == 302 || status == 303 || status == 307 || status == 308
}

const fixStatus = "use 301, 302, 303, 307 or 308"

// paramNames are the {name} segments of a match, in the order of Facts.Entry.Params.
func paramNames(match spec.PathMatch) (names []string) {
	if match.Kind != spec.PathPattern && match.Kind != spec.PathPrefix {
		return nil
	}
	for segment := range strings.SplitSeq(match.Path, "/") {
		if len(segment) > 2 && segment[0] == '{' && segment[len(segment)-1] == '}' {
			names = append(names, segment[1:len(segment)-1])
		}
	}
	return names
}

func (s *Redirect) compile(to string, names []string) (bad, fix string) {
	host, bad, fix := checkLocation(to)
	if bad != "" {
		return bad, fix
	}
	rest := to
	if host > 0 {
		end := host + hostEnd(to[host:])
		if text, fix := s.compileHost(to[:host], to[host:end], names); text != "" {
			return text, fix
		}
		rest = to[end:]
	}
	return s.compileRest(rest, names, partParam)
}

// checkLocation says what is wrong with a URL or absolute path that is to be a Location, or where its host begins: 0 for
// a path.
func checkLocation(to string) (host int, bad, fix string) {
	for _, c := range []byte(to) {
		if c <= ' ' || c >= 0x7f || c == '\\' || c == '"' || c == '<' || c == '>' {
			return 0, fmt.Sprintf("%q is not allowed in a URL", c), "write it as a percent-code"
		}
	}
	if lower := strings.ToLower(to); strings.HasPrefix(lower, "http://") || strings.HasPrefix(lower, "https://") {
		return strings.Index(to, "//") + 2, "", ""
	}
	if !strings.HasPrefix(to, "/") || strings.HasPrefix(to, "//") {
		return 0, "it is neither a URL nor an absolute path", "begin with https://, http:// or one /"
	}
	return 0, "", ""
}

// hostEnd returns where the host of a URL ends: at its path, query or fragment, or at a {path} or {query}.
func hostEnd(s string) int {
	end := len(s)
	for _, stop := range []string{"/", "?", "#", "{path}", "{query}"} {
		if i := strings.Index(s, stop); i >= 0 {
			end = min(end, i)
		}
	}
	return end
}

func (s *Redirect) compileHost(scheme, host string, names []string) (bad, fix string) {
	if host == "" || strings.ContainsAny(host, "@%") {
		return "it names no host, or more than a host", "write https://www.example.com{path}"
	}
	for i, c := range host {
		if c == '}' && !strings.HasPrefix(host[i+1:], ".") || c == '}' && strings.Trim(host[i+1:], ".") == "" {
			return "a {name} in the host is not followed by \".\" and a domain: a client could choose the host", "write https://{name}.example.com"
		}
	}
	s.parts = append(s.parts, part{literal: []byte(scheme)})
	return s.compileRest(host, names, partLabel)
}

// compileRest splits a template at its braces.
func (s *Redirect) compileRest(text string, names []string, named partKind) (bad, fix string) {
	for text != "" {
		open := strings.IndexAny(text, "{}")
		if open < 0 {
			s.parts = append(s.parts, part{literal: []byte(text)})
			return "", ""
		}
		if open > 0 {
			s.parts = append(s.parts, part{literal: []byte(text[:open])})
		}
		end := strings.IndexByte(text[open:], '}')
		if text[open] == '}' || end < 0 {
			return "a brace has no partner", "write {path}, {query} or a {name} of the match"
		}
		name := text[open+1 : open+end]
		text = text[open+end+1:]
		switch i := slices.Index(names, name); {
		case name == "path":
			s.parts = append(s.parts, part{kind: partPath})
		case name == "query":
			s.parts = append(s.parts, part{kind: partQuery})
		case i < 0:
			return fmt.Sprintf("the match has no {%s}", name), "write {path}, {query} or a {name} of the match"
		default:
			s.parts = append(s.parts, part{kind: named, param: i})
		}
	}
	return "", ""
}

// Name is "redirect".
func (s *Redirect) Name() string { return "redirect" }

// Request answers.
func (s *Redirect) Request(x *exchange.Exchange) exchange.Verdict {
	return redirectTo(x, s.status, s.location(x))
}

// location fills the template in, nil if the request has something in it that a Location must not have.
func (s *Redirect) location(x *exchange.Exchange) []byte {
	size := 0
	for i := range s.parts {
		size += len(s.parts[i].value(x))
	}
	piece := x.Scratch.Alloc(size)
	out := piece[:0]
	for i := range s.parts {
		p := &s.parts[i]
		value := p.value(x)
		if p.kind == partQuery && len(value) == 0 {
			// "?{query}" of a request without one: no lonely question mark.
			if n := len(out); n > 0 && (out[n-1] == '?' || out[n-1] == '&') {
				out = out[:n-1]
			}
		}
		if !p.safe(value) {
			return nil
		}
		out = append(out, value...)
	}
	// "/{path}", or a path that was sent with two slashes, would name another host (RFC 3986 section 4.2).
	from := 0
	for from+1 < len(out) && out[from] == '/' && out[from+1] == '/' {
		from++
	}
	return x.Scratch.Trim(piece, len(out))[from:]
}

func (p *part) value(x *exchange.Exchange) []byte {
	switch p.kind {
	case partPath:
		return x.Req.Path
	case partQuery:
		return x.Req.Query
	case partParam, partLabel:
		if params := x.Facts.Entry.Params; p.param < len(params) {
			return params[p.param].Value
		}
		return nil
	}
	return p.literal
}

// safe reports whether a value of the request may stand in a Location. The protocol and the normal form have refused
// controls and backslashes before; this is the last door before another parser.
func (p *part) safe(value []byte) bool {
	switch p.kind {
	case partLiteral:
		return true
	case partLabel:
		for _, c := range value {
			if !('a' <= c|0x20 && c|0x20 <= 'z' || '0' <= c && c <= '9' || c == '-') {
				return false
			}
		}
		return len(value) > 0
	case partParam:
		if len(value) == 0 {
			return false
		}
	}
	for _, c := range value {
		if c <= ' ' || c >= 0x7f || c == '\\' {
			return false
		}
	}
	return true
}
