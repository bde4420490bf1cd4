package wafhttp

import (
	"errors"
	"fmt"
	"net/http"
	"path"
	"slices"
	"strings"
	"time"

	"skerry.dev/skerry/waf/body"
	"skerry.dev/skerry/waf/engine"
)

// inspection is one request on its way through the firewall.
type inspection struct {
	f       *Firewall
	in      *http.Request
	t       *engine.Transaction
	s       *scratch
	media   body.Media
	coding  string // of the body, as known; empty: none
	result  Result
	refusal Refusal // Status 0: the request goes on
	drop    bool    // without an answer
	taken   int64   // bytes that count as held
	held    *held   // the body, if it was read; nil: next reads it from the client
	decoded bool
}

// judge runs the rules on head and body, or finds another reason to refuse.
func (i *inspection) judge() {
	i.result.ID = i.f.options.RequestID(i.in)
	i.t, i.s = i.f.policy.Begin(), i.f.pool.Get().(*scratch)
	i.classify()
	if i.over() {
		i.end()
		return
	}
	i.head()
	i.verdict(i.t.Head())
	if i.t.Limit() == engine.LimitBody {
		i.refuse(http.StatusBadRequest, beyond(engine.LimitBody)) // no limit, whatever OnLimit says
	}
	if !i.over() {
		i.body()
	}
	if !i.over() {
		i.verdict(i.t.Request())
	}
	i.end()
}

func (i *inspection) over() bool { return i.refusal.Status != 0 }

// end takes from the transaction what outlives it, and gives its memory back. A panic before leaves it to the collector.
func (i *inspection) end() {
	i.result.Score = i.t.Score()
	if would := i.t.Would(); would.Refused() && i.result.Status == 0 {
		i.because(would.Status, reason(would))
		i.result.Rule = would.Rule
	}
	if limit := i.t.Limit(); limit != engine.LimitNone && i.result.Status == 0 {
		i.because(statusOf(limit), beyond(limit))
	}
	i.result.Matches = matches(i.t, i.f.options.ShowValues)
	i.t.End()
	i.s.mem.Reset()
	if clear(i.s.names); cap(i.s.names) > namesKept {
		i.s.names = nil
	}
	i.f.pool.Put(i.s)
	i.t, i.s = nil, nil
	i.media = body.Media{} // a view
}

// tell reports what there is to tell.
func (i *inspection) tell() {
	switch {
	case i.over():
		i.result.Verdict = Refused
	case i.result.Status != 0:
		i.result.Verdict = Detected
	}
	quiet := i.result.Status == 0 && len(i.result.Matches) == 0 && i.result.Body <= BodyWhole
	if report := i.f.options.Report; report != nil && !quiet {
		report(i.in, i.result)
	}
}

// because notes the first reason for another answer than the handler's.
func (i *inspection) because(status int, reason string) {
	if i.result.Status == 0 {
		i.result.Status, i.result.Reason = status, reason
	}
}

// refuse ends the request, unless it is only watched.
func (i *inspection) refuse(status int, reason string) {
	i.because(status, reason)
	if i.f.options.Mode == Block && !i.over() {
		i.refusal = Refusal{Status: status, ID: i.result.ID}
	}
}

// beyond is refuse for a limit of the options.
func (i *inspection) beyond(status int, reason string) {
	if i.f.options.OnLimit == Pass {
		i.because(status, reason)
		return
	}
	i.refuse(status, reason)
}

// verdict does what the engine says.
func (i *inspection) verdict(v engine.Verdict) {
	if !v.Refused() || i.over() {
		return
	}
	status := v.Status
	if v.Limit != engine.LimitNone {
		status = statusOf(v.Limit)
	}
	i.refuse(status, reason(v))
	i.result.Rule = v.Rule
	i.drop = v.Action == engine.ActionDrop
	i.refusal.Location = string(v.Location)
}

func reason(v engine.Verdict) string {
	if v.Limit != engine.LimitNone {
		return beyond(v.Limit)
	}
	return "rules"
}

func statusOf(l engine.Limit) int {
	switch l {
	case engine.LimitFields, engine.LimitArguments, engine.LimitBody:
		return http.StatusBadRequest
	}
	return http.StatusForbidden
}

func beyond(l engine.Limit) string {
	switch l {
	case engine.LimitArguments:
		return "more values, longer names or a deeper body than the rules look at (Options.ArgumentsMax)"
	case engine.LimitWork:
		return "the rules would cost more than Options.CPUMax"
	case engine.LimitBody:
		return "a query, a Cookie field or a body that is malformed or ambiguous"
	}
	return "more " + l.String() + " than one request may have"
}

// classify reads the one Content-Type and the one Content-Encoding. A body of a type with two readings is not taken apart where
// it is only watched.
func (i *inspection) classify() {
	i.coding = codingOf(i.in.Header["Content-Encoding"])
	values := i.in.Header["Content-Type"]
	if len(values) > 1 {
		i.media.Kind = body.Opaque
		i.refuse(http.StatusBadRequest, "more than one Content-Type: handlers do not agree which one holds")
		return
	}
	if len(values) == 1 {
		m, err := body.Classify(i.view(values[0]), &i.s.mem)
		if err != nil {
			i.media.Kind = body.Opaque
			i.refuse(http.StatusBadRequest, err.Error())
			return
		}
		i.media = m
	}
}

// head shows the request's head to the rules.
func (i *inspection) head() {
	r, t := i.in, i.t
	if client := i.f.options.Client(r); client.IsValid() {
		t.Client(client.Addr().Unmap(), client.Port())
	}
	t.ID(i.view(i.result.ID))
	t.Time(time.Now())
	t.Server(i.view(hostname(r.Host)))
	target := r.RequestURI
	if target == "" {
		target = r.URL.RequestURI() // a request that no server read
	}
	method := i.view(r.Method)
	t.Line(method, i.view(target), i.view(r.Proto))
	i.fields()
	t.Media(i.media)
	t.Path(method, i.view(plainPath(r)))
}

// fields shows the fields in the order of their names: net/http does not keep that of the client.
func (i *inspection) fields() {
	r, t := i.in, i.t
	if r.Host != "" {
		t.Header([]byte("Host"), i.view(r.Host))
	}
	names := i.s.names[:0]
	for name := range r.Header {
		names = append(names, name)
	}
	slices.Sort(names)
	i.s.names = names
	for _, name := range names {
		for _, value := range r.Header[name] {
			if !consumed(name, value) && (name != "Content-Encoding" || i.coding == codingRefused) {
				t.Header(i.view(name), i.view(value))
			}
		}
	}
	for _, coding := range r.TransferEncoding {
		t.Header([]byte("Transfer-Encoding"), i.view(coding)) // net/http took it out of the fields
	}
}

// consumed reports whether a field is about the connection and nothing else: what the server consumes itself is not the rules'
// matter. A value that no such field has is shown: the handler sees it too.
func consumed(name, value string) bool {
	switch name {
	case "Expect":
		return strings.EqualFold(value, "100-continue")
	case "Upgrade":
		return strings.EqualFold(value, "websocket") || strings.EqualFold(value, "h2c")
	case "Connection", "Keep-Alive", "Proxy-Connection", "Te", "Trailer":
		return strings.Trim(value, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-,= ") == ""
	}
	return false
}

// hostname is a Host without its port.
func hostname(host string) string {
	if k := strings.LastIndexByte(host, ':'); k >= 0 && !strings.HasSuffix(host, "]") {
		return host[:k]
	}
	return host
}

// plainPath is the path that exclusions name; empty, so that none of them with a path holds, if two programs could take it
// for different ones.
func plainPath(r *http.Request) string {
	p := r.URL.Path
	if r.URL.RawPath != "" || !strings.HasPrefix(p, "/") || strings.ContainsAny(p, "\\%\x00") {
		return ""
	}
	clean := path.Clean(p)
	if strings.HasSuffix(p, "/") && clean != "/" {
		clean += "/"
	}
	if clean != p {
		return ""
	}
	return p
}

// view is a text in memory that lives until the verdict.
func (i *inspection) view(s string) []byte {
	b := i.s.mem.Alloc(len(s))
	copy(b, s)
	return b
}

// request is what the next handler gets.
func (i *inspection) request() *http.Request {
	out := i.in.WithContext(i.in.Context())
	out.Trailer = nil // nobody inspected them
	if i.held == nil {
		return out
	}
	out.Body = i.held
	if i.result.Body != BodyWhole {
		return out
	}
	size := int64(i.held.mem.Len())
	if i.decoded {
		out.Header = out.Header.Clone()
		out.Header.Del("Content-Encoding")
		if out.Header.Get("Content-Length") != "" {
			out.Header.Set("Content-Length", fmt.Sprint(size))
		}
	}
	out.ContentLength, out.TransferEncoding = size, nil
	if size == 0 {
		out.Body = http.NoBody
	}
	return out
}

// release gives the memory of a body back.
func (i *inspection) release() {
	i.f.held.Add(-i.taken)
	i.taken = 0
}

// tooMuch reports whether an error of package body is about a limit.
func tooMuch(err error) bool {
	var e *body.Error
	return errors.As(err, &e) && e.Reason == body.Limit
}
