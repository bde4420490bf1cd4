package h2_test

import (
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"strings"
	"testing"

	"skerry.dev/skerry/exchange"
	"skerry.dev/skerry/fault"
	"skerry.dev/skerry/wire/h1"
	"skerry.dev/skerry/wire/h2"
	"skerry.dev/skerry/wire/wiretest"
)

// FuzzRequest says a request on HTTP/2 and, translated, to the parser of HTTP/1.1: what the one takes the other must take
// and read in the same way, and what is refused here for a reason that is not HTTP/2's own is refused there too.
func FuzzRequest(f *testing.F) {
	f.Add("GET", "a", "/", "x-a: 1\naccept: */*")
	f.Add("POST", "A.b.:081", "/a/../%7e?q=%zz&", "cookie: a=1\ncookie: b=2\nte: trailers\ncontent-length: 0")
	f.Add("OPTIONS", "[0::1]:80", "*", "x_forwarded_for: 1\ncontent_length: 3\nhttp2-settings: x")
	f.Add("get", "", "//x;y", "host: b\nexpect: 100-continue\ntrailer: x")
	f.Add("GET /x HTTP/1.1\r\nX: ", "a\r\nb", "/ HTTP/1.1\r\nHost: b\r\n\r\n", "x\r\ny: 1\x00")
	f.Add("CONNECT", "u@a", "/a#b\\", "connection: close\nupgrade: h2c\ntransfer-encoding: chunked\nx-a:  1 ")
	f.Fuzz(func(t *testing.T, method, authority, path, lines string) {
		fields := split(lines)
		two := overH2(t, slices.Concat([]string{":method", method, ":scheme", "http", ":authority", authority, ":path", path}, fields))
		if two == nil || strings.Contains(two.refused, "RFC 9113") {
			return // refused for what HTTP/1.1 allows
		}
		if two.refused != "" && (strings.ContainsAny(method+path, " \r\n") || authority != strings.Trim(authority, " \t")) {
			return // on HTTP/1.1 it would be another request, or one with white space that means nothing
		}
		text, ok := inH1(method, authority, path, fields)
		if !ok {
			return
		}
		one := overH1(t, text)
		if one == nil {
			if two.refused == "" {
				t.Fatalf("HTTP/1.1 sees no request in %q, HTTP/2 reads\n%s", text, two.read)
			}
			return
		}
		if (one.refused == "") != (two.refused == "") || one.status != two.status {
			t.Fatalf("HTTP/1.1: %d %s\nHTTP/2: %d %s\n%q", one.status, one.refused, two.status, two.refused, text)
		}
		if one.refused == "" && one.read != two.read {
			t.Fatalf("HTTP/1.1 reads\n%s\nHTTP/2 reads\n%s\n%q", one.read, two.read, text)
		}
	})
}

// split makes names and values of lines.
func split(lines string) (fields []string) {
	for line := range strings.SplitSeq(lines, "\n") {
		if name, value, ok := strings.Cut(line, ": "); ok {
			fields = append(fields, name, value)
		}
	}
	return fields
}

// inH1 is the request as HTTP/1.1 says it; false if it says it in another way.
func inH1(method, authority, path string, fields []string) (text string, ok bool) {
	var rest []string
	if authority != "" {
		rest = append(rest, "host: "+authority)
	}
	cookies := -1
	for i := 0; i < len(fields); i += 2 {
		switch name, value := fields[i], fields[i+1]; {
		case name == "host" && authority != "", name == "expect":
			return "", false
		case name == "cookie" && cookies >= 0:
			rest[cookies] += "; " + value
		case name == "cookie":
			cookies = len(rest)
			fallthrough
		default:
			rest = append(rest, name+": "+value)
		}
	}
	return method + " " + path + " HTTP/1.1\r\n" + strings.Join(append(rest, "\r\n"), "\r\n"), true
}

// seen is what a server made of a request.
type seen struct {
	read    string
	refused string
	status  int
}

func look(x *exchange.Exchange) *seen {
	s := &seen{}
	if x.Fault != nil {
		s.refused, s.status = x.Fault.Error(), fault.Of(x.Fault).Status()
		return s
	}
	r := &x.Req
	var lines []string
	for _, f := range r.Fields {
		lines = append(lines, fmt.Sprintf("%d %s=%s", f.ID, strings.ToLower(string(f.Name)), f.Value))
	}
	for _, f := range r.Sent {
		lines = append(lines, fmt.Sprintf("sent %d %s=%s", f.ID, strings.ToLower(string(f.Name)), f.Value))
	}
	s.read = fmt.Sprintf("%d %s %q host %q %d %q path %q raw %q query %q %v\n%s", r.Method, r.MethodName, r.Target, r.Host, r.Port, r.Authority,
		r.Path, r.RawPath, r.Query, r.AllowTrailers, strings.Join(lines, "\n"))
	return s
}

// overH2 returns nil if no exchange became of the request.
func overH2(t *testing.T, fields []string) (got *seen) {
	server := h2.Server{Panicked: func(what string) { t.Error(what) }}
	server.Handler = func(x *exchange.Exchange) bool {
		got = look(x)
		x.Answer(204)
		return x.Sink.Send(x) == nil
	}
	near, far := bufferedPipe()
	served := make(chan struct{})
	go func() { defer close(served); server.Serve(far, nil) }()
	c := wiretest.NewH2(near)
	if c.Await(c.Ask(true, fields...)); errors.Is(c.Closed, os.ErrDeadlineExceeded) {
		t.Errorf("no answer to %q", fields)
	}
	near.Close()
	<-served
	server.Close() // its workers would wait for the next connection
	return got
}

// overH1 returns nil if no exchange became of the request.
func overH1(t *testing.T, text string) (got *seen) {
	server := h1.Server{Panicked: func(what string) { t.Error(what) }}
	near, far := bufferedPipe()
	server.Handler = func(x *exchange.Exchange) bool {
		got = look(x)
		near.Close()
		return false
	}
	if _, err := near.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	near.(*end).out.close() // nothing comes behind it
	server.Serve(far, nil)
	return got
}

var _ net.Conn = (*end)(nil)
