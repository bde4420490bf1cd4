package static

import (
	"bytes"
	"fmt"

	"skerry.dev/skerry/exchange"
	"skerry.dev/skerry/fault"
	"skerry.dev/skerry/spec"
)

// Stage is the last stage of a route whose service is a directory: it answers every request. New makes it.
type Stage struct {
	service  string
	path     string // of the directory, below that of --files
	index    string
	fallback []byte // nil: none
	roots    *Roots
}

// New compiles the directory of a service; nil gives nil. It is a problem if the edge serves no files, or if there is no
// such directory below that of --files now; one that goes later makes every answer a 404 until it is back.
func New(service string, d *spec.Directory, roots *Roots) (*Stage, []fault.Problem) {
	if d == nil {
		return nil, nil
	}
	s := &Stage{service: service, path: d.Path, index: d.Index, roots: roots}
	if s.index == "" {
		s.index = "index.html"
	}
	problem := func(format, fix string, args ...any) []fault.Problem {
		text := fmt.Sprintf("service %s: directory %q: ", service, d.Path) + fmt.Sprintf(format, args...)
		return []fault.Problem{{Text: text, Fix: fix}}
	}
	if d.Fallback != "" {
		s.fallback = []byte(d.Fallback)
	}
	for field, name := range map[string]string{"index": s.index, "fallback": d.Fallback} {
		if name != "" && !plainName(name) {
			return nil, problem("%s %q is not the name of a file that is served", "write index.html, or app/index.html", field, name)
		}
	}
	if bad, fix := roots.check(s.path); bad != "" {
		return nil, problem("%s", fix, bad)
	}
	return s, nil
}

// plainName reports whether a name of the spec is one that a path could ask for.
func plainName(name string) bool {
	got, directory, err := appendName(nil, []byte("/"+name))
	return err == nil && !directory && string(got) == name
}

// Name is "static".
func (s *Stage) Name() string { return "static" }

var allow = []byte("GET, HEAD, OPTIONS")

// Request answers.
func (s *Stage) Request(x *exchange.Exchange) exchange.Verdict {
	x.Facts.Origin.Service = s.service
	switch x.Req.Method {
	case exchange.MethodGet, exchange.MethodHead:
		return s.find(x)
	case exchange.MethodOptions:
		x.Answer(204)
		x.Resp.Fields.Add(exchange.NameAllow, allow)
		return exchange.Respond
	}
	v := x.Fail(errMethod)
	x.Resp.Fields.Set(exchange.NameAllow, allow)
	return v
}

// find looks for the file and answers with it, with where it is, or that there is none.
func (s *Stage) find(x *exchange.Exchange) exchange.Verdict {
	path := x.Req.Path
	if x.Req.ToPath != nil {
		path = x.Req.ToPath
	}
	piece := x.Scratch.Alloc(len(path) + 1 + len(s.index))
	name, directory, refused := appendName(piece[:0], path)
	if refused != nil {
		return s.refuse(x, refused)
	}
	if directory {
		if len(name) > 0 {
			name = append(name, '/')
		}
		name = append(name, s.index...)
	}
	v, refused := s.variant(x, name)
	switch {
	case refused == nil:
		return s.serve(x, &v)
	case refused == errDirectory && !directory:
		return redirect(x, path)
	case refused == errNoFile && directory:
		refused = errDirectory
	}
	if refused != errNoFile && refused != errDirectory || s.fallback == nil || !mayFallBack(x, name) {
		return s.refuse(x, refused)
	}
	if v, refused = s.variant(x, s.fallback); refused != nil {
		return s.refuse(x, refused)
	}
	v.fallback = true
	return s.serve(x, &v)
}

// refuse counts what is there and not served, and ends the exchange.
func (s *Stage) refuse(x *exchange.Exchange, err *fault.Error) exchange.Verdict {
	if n := s.roots.refused[err]; n != nil {
		n.Inc()
	}
	return x.Fail(err)
}

// redirect sends the client of a directory to its path with a slash, against which the links of its index resolve. The
// path had no empty segment, so the Location cannot name a host. Where the route has rewritten the path, the Location is
// in the service's terms, as that of any other service: the stage that rewrote it maps it back.
func redirect(x *exchange.Exchange, path []byte) exchange.Verdict {
	n := len(path) + 1
	if x.Req.Query != nil {
		n += 1 + len(x.Req.Query)
	}
	location := append(append(x.Scratch.Alloc(n)[:0], path...), '/')
	if x.Req.Query != nil {
		location = append(append(location, '?'), x.Req.Query...)
	}
	x.Answer(308)
	x.Resp.Fields.Add(exchange.NameLocation, location)
	return exchange.Respond
}

// mayFallBack reports whether a request that found nothing is one for a page of a single-page application. It is if its
// Accept names HTML, as a browser's does when it opens a page; or if its path has no extension and Accept allows anything,
// as curl's does. So a script or an image that is gone is a 404 and not a page, and a program that asks for JSON is told
// the truth. Below /.well-known/ there are no pages: what asks there wants to know whether something exists.
func mayFallBack(x *exchange.Exchange, name []byte) bool {
	if bytes.HasPrefix(name, wellKnown) {
		return false
	}
	stated := false
	for i := range x.Req.Fields {
		if x.Req.Fields[i].ID != exchange.NameAccept {
			continue
		}
		stated = true
		for list := x.Req.Fields[i].Value; len(list) > 0; {
			var media []byte
			if media, list = weighted(list); exchange.EqualFold(media, mediaHTML) {
				return true
			} else if string(media) == "*/*" && lastSegmentPlain(x) {
				return true
			}
		}
	}
	return !stated && lastSegmentPlain(x)
}

var mediaHTML = []byte("text/html")

// lastSegmentPlain reports whether the requested path has no extension.
func lastSegmentPlain(x *exchange.Exchange) bool { return len(extension(x.Req.Path)) == 0 }

// weighted cuts the first element off a list of names with weights (RFC 9110 section 12.4.2) and returns its name, nil
// if its weight is 0.
func weighted(list []byte) (name, rest []byte) {
	element, rest, _ := bytes.Cut(list, comma)
	name, params, _ := bytes.Cut(element, semicolon)
	for len(params) > 0 {
		var param []byte
		param, params, _ = bytes.Cut(params, semicolon)
		param = exchange.TrimOWS(param)
		if len(param) > 2 && param[0]|0x20 == 'q' && param[1] == '=' && len(bytes.Trim(param[2:], "0.")) == 0 {
			return nil, rest
		}
	}
	return exchange.TrimOWS(name), rest
}

var comma, semicolon = []byte(","), []byte(";")
