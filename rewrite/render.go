package rewrite

import (
	"bytes"
	"fmt"
	"strconv"

	"skerry.dev/skerry/exchange"
	"skerry.dev/skerry/fault"
	"skerry.dev/skerry/spec"
)

// page is the answer to one kind of fault, made ahead of time but for the request id.
type page struct {
	status        int
	proxyStatus   []byte // nil: none
	problem, html form
	call          callForm
}

// form is a text with a gap for the request id.
type form struct{ before, after []byte }

// fill returns the text with the id in it.
func (f *form) fill(x *exchange.Exchange) []byte {
	text := x.Scratch.Alloc(len(f.before) + requestIDBytes + len(f.after))
	n := copy(text, f.before)
	n += copy(text[n:], requestIDText(x))
	copy(text[n:], f.after)
	return text
}

// Render makes the answer out of x.Fault: problem details (RFC 9457) or small HTML, as x.Facts.Entry.Errors and Accept
// say, with the request id, which it gives if there is none. A call of gRPC gets its answer in gRPC's own form, whatever they say;
// Client.Done then puts the status of the fault in the place of 200, so that nobody counts a failure as a success. It keeps the
// fields of x.Resp that responders put there, and says nothing but what fault's table allows a client to read.
func Render(x *exchange.Exchange) { render(x, nil) }

// render is Render with pages of the route's own.
func render(x *exchange.Exchange, own ownPages) {
	p := &pages[fault.Of(x.Fault)]
	r := &x.Resp
	if r.Body != nil {
		r.Body.Close()
	}
	r.Status, r.Tunnel, r.Trailers = p.status, nil, r.Trailers[:0]
	setRequestID(x)
	call := isCall(x)
	html := !call && wantsHTML(x)
	f, contentType := &p.problem, typeProblem
	switch {
	case call:
		contentType = typeGRPC
	case html:
		f, contentType = &p.html, typeHTML
	}
	r.Fields.Set(exchange.NameContentType, contentType)
	r.Fields.Set(exchange.NameCacheControl, noStore)
	r.Fields.Del(exchange.NameContentEncoding)
	if p.proxyStatus != nil {
		r.Fields.Set(exchange.NameProxyStatus, p.proxyStatus)
	}
	after := r.Fields.Get(exchange.NameRetryAfter)
	if p.status == 503 && after == nil {
		r.Fields.Add(exchange.NameRetryAfter, retryAfter)
	}
	if call {
		p.call.answer(x, after)
	} else if page := own.of(p.status); html && page != nil {
		setBody(x, page.fill(x))
	} else {
		setBody(x, f.fill(x))
	}
}

var (
	typeProblem = []byte("application/problem+json")
	typeHTML    = []byte("text/html; charset=utf-8")
	noStore     = []byte("no-store")
	retryAfter  = []byte(retryAfterSeconds)
)

// wantsHTML reports whether a client wants a page to look at. Under auto, the first media type of Accept that says
// HTML or JSON decides, and who names neither is a program.
func wantsHTML(x *exchange.Exchange) bool {
	switch spec.Errors(x.Facts.Entry.Errors) {
	case spec.ErrorsHTML:
		return true
	case spec.ErrorsProblem:
		return false
	}
	for i := range x.Req.Fields {
		if x.Req.Fields[i].ID != exchange.NameAccept {
			continue
		}
		for list := x.Req.Fields[i].Value; len(list) > 0; {
			item, rest, _ := bytes.Cut(list, comma)
			list = rest
			media, params, _ := bytes.Cut(item, semicolon)
			media = exchange.TrimOWS(media)
			if exchange.EqualFold(media, mediaHTML) || exchange.EqualFold(media, mediaXHTML) {
				if !refused(params) {
					return true
				}
			} else if exchange.EqualFold(media, mediaJSON) || exchange.EqualFold(media, typeProblem) {
				return false
			}
		}
	}
	return false
}

// refused reports whether the parameters of a media type say q=0, which means: not this one (RFC 9110 section 12.4.2).
func refused(params []byte) bool {
	for len(params) > 0 {
		param, rest, _ := bytes.Cut(params, semicolon)
		params = rest
		param = exchange.TrimOWS(param)
		if len(param) > 2 && param[0]|0x20 == 'q' && param[1] == '=' && len(bytes.Trim(param[2:], "0.")) == 0 {
			return true
		}
	}
	return false
}

var (
	comma, semicolon = []byte(","), []byte(";")
	mediaHTML        = []byte("text/html")
	mediaXHTML       = []byte("application/xhtml+xml")
	mediaJSON        = []byte("application/json")
)

// pages has the answer to every kind of fault.
var pages = func() (all []page) {
	for _, k := range fault.Kinds() {
		title := statusTitle(k.Status())
		p := page{status: k.Status(), call: newCallForm(k)}
		if k.ProxyStatus() != "" {
			p.proxyStatus = []byte("skerry; error=" + k.ProxyStatus())
		}
		p.problem = form{
			before: []byte(`{"type":"about:blank","title":` + strconv.Quote(title) + `,"status":` + strconv.Itoa(k.Status()) +
				`,"detail":` + strconv.Quote(k.Title()) + `,"instance":"urn:skerry:request:`),
			after: []byte("\"}\n"),
		}
		p.html = form{
			before: fmt.Appendf(nil, htmlBefore, k.Status(), title, k.Status(), title, k.Title()),
			after:  []byte("</code></p>\n</main>\n</html>\n"),
		}
		all = append(all, p)
	}
	return all
}()

// htmlBefore is a page that needs nothing else: no script, no font, no request.
const htmlBefore = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>%d %s</title>
<style>body{font:1rem/1.5 system-ui,sans-serif;margin:15vh auto;max-width:34rem;padding:0 1rem;color:#222;background:#fff}code{color:#666}@media(prefers-color-scheme:dark){body{color:#ddd;background:#111}}</style>
<main>
<h1>%d %s</h1>
<p>%s</p>
<p>Request <code>`

// statusTitle is the reason phrase of a status code that a fault can have (RFC 9110 section 15).
func statusTitle(status int) string {
	title := map[int]string{
		400: "Bad Request", 403: "Forbidden", 404: "Not Found", 405: "Method Not Allowed", 408: "Request Timeout", 413: "Content Too Large",
		414: "URI Too Long", 415: "Unsupported Media Type", 417: "Expectation Failed", 421: "Misdirected Request", 429: "Too Many Requests", 431: "Request Header Fields Too Large", 499: "Client Closed Request",
		500: "Internal Server Error", 501: "Not Implemented", 502: "Bad Gateway", 503: "Service Unavailable",
		504: "Gateway Timeout", 505: "HTTP Version Not Supported",
	}[status]
	if title == "" {
		panic("BUG: no title for status " + strconv.Itoa(status))
	}
	return title
}
