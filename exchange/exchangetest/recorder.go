package exchangetest

import (
	"bytes"
	"fmt"
	"io"
	"strings"

	"skerry.dev/skerry/exchange"
)

// A Recorder is a sink that keeps what it is sent, copied, so that it can be looked at after the exchange's Release.
type Recorder struct {
	Interims []string // "103 Link: </a.css>"
	Status   int
	Head     string // "Name: value" lines in the order they were sent
	Body     string
	Trailers string // as Head
	Length   int64  // announced without a body; -1: none
	Sends    int    // how often Send was called: more than once is a bug
	Err      error  // what broke the body off

	// Gone makes Send fail with this error after GoneAfter body bytes, as if the client had left.
	Gone      error
	GoneAfter int
}

// Of returns the recorder that Request put into x.
func Of(x *exchange.Exchange) *Recorder { return x.Sink.(*Recorder) }

// Interim records a 1xx response.
func (r *Recorder) Interim(_ *exchange.Exchange, status int, fields exchange.Fields) error {
	r.Interims = append(r.Interims, strings.TrimSpace(fmt.Sprintf("%d %s", status, lines(fields))))
	return nil
}

// Interrupt does nothing: the client is as fast as the test.
func (r *Recorder) Interrupt() {}

// Watch does nothing: the client stays to the end.
func (r *Recorder) Watch(func()) (stop func()) { return func() {} }

// Send records head, body and trailers.
func (r *Recorder) Send(x *exchange.Exchange) error {
	s := &x.Resp
	s.Started = true
	r.Sends++
	r.Status, r.Head, r.Length = s.Status, lines(s.Fields), s.Length
	r.Err = r.pump(s)
	r.Trailers = lines(s.Trailers)
	return r.Err
}

func (r *Recorder) pump(s *exchange.Response) error {
	var body bytes.Buffer
	defer func() { r.Body = body.String() }()
	for {
		if r.Gone != nil && body.Len() >= r.GoneAfter {
			return r.Gone
		}
		if s.Body == nil {
			return nil
		}
		view, err := s.Body.Next()
		body.Write(view)
		s.Sent += int64(len(view))
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

func lines(fields exchange.Fields) string {
	var b strings.Builder
	for _, f := range fields {
		fmt.Fprintf(&b, "%s: %s\n", f.Name, f.Value)
	}
	return b.String()
}

// String is the answer as text: interim responses, status, fields, an empty line, body, trailers.
func (r *Recorder) String() string {
	var b strings.Builder
	for _, interim := range r.Interims {
		b.WriteString(interim + "\n")
	}
	fmt.Fprintf(&b, "%d\n%s", r.Status, r.Head)
	if r.Length >= 0 {
		fmt.Fprintf(&b, "(length %d)\n", r.Length)
	}
	if r.Body != "" {
		b.WriteString("\n" + r.Body)
	}
	if r.Trailers != "" {
		b.WriteString("\n" + r.Trailers)
	}
	return b.String()
}

// Dump is the request as the origin would get it: method, path and query, host, fields, body not included.
func Dump(x *exchange.Exchange) string {
	r := &x.Req
	target := string(r.Path)
	if r.Query != nil {
		target += "?" + string(r.Query)
	}
	s := fmt.Sprintf("%s %s\nHost: %s\n%s", r.MethodName, target, r.Host, lines(r.Fields))
	if r.Upgrade != nil {
		s += fmt.Sprintf("(upgrade %s)\n", r.Upgrade)
	}
	return s
}
