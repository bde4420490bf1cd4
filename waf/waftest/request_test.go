package waftest_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"skerry.dev/skerry/waf/waftest"
)

func TestParseRequest(t *testing.T) {
	f := func(in, want string) {
		t.Helper()
		r := waftest.ParseRequest([]byte(in))
		if got := fmt.Sprintf("%s|%s|%s|%q|%s", r.Method, r.URI, r.Proto, r.Headers, r.Body); got != want {
			t.Errorf("ParseRequest(%q)\n= %s\nwant %s", in, got, want)
		}
	}
	f("GET /a?b=c d HTTP/1.1\r\nHost: x\r\nA:\t1 \r\n\r\nrest", `GET|/a?b=c d|HTTP/1.1|[["Host" "x"] ["A" "1"]]|rest`)
	f("GET /\nA: 1\n\nx", `GET|/||[["A" "1"]]|x`)
	f("  GET / HTTP/1.1\r\n\r\n", `  GET|/|HTTP/1.1|[]|`)
	f("POST / HTTP/1.1\r\nContent-Length: 2\r\n\r\nabc", `POST|/|HTTP/1.1|[["Content-Length" "2"]]|ab`)
	f("POST / HTTP/1.1\r\nContent-Length: 9\r\n\r\nabc", `POST|/|HTTP/1.1|[["Content-Length" "9"]]|abc`)
	f("POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\nabc", `POST|/|HTTP/1.1|[["Content-Length" "-1"]]|abc`)
	f("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\n1\r\nd\r\n0\r\n\r\n", `POST|/|HTTP/1.1|[["Transfer-Encoding" "chunked"]]|abcd`)
	f("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nx", `POST|/|HTTP/1.1|[["Transfer-Encoding" "chunked"]]|abc`)
	f("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nff\r\nabc", `POST|/|HTTP/1.1|[["Transfer-Encoding" "chunked"]]|abc`)
	f("no colon\r\nhere\r\n", `no|colon||[["here" ""]]|`)
	f("", `||||`[:2]+`|[]|`)
}

func TestRequestSet(t *testing.T) {
	r := waftest.Request{Headers: [][2]string{{"a", "1"}, {"B", "2"}, {"A", "3"}}}
	f := func(got waftest.Request, want string) {
		t.Helper()
		if s := fmt.Sprintf("%q", got.Headers); s != want {
			t.Errorf("%s, want %s", s, want)
		}
	}
	f(r.Set("A", "x"), `[["a" "x"] ["B" "2"]]`)
	f(r.Set("c", "x"), `[["a" "1"] ["B" "2"] ["A" "3"] ["c" "x"]]`)
	f(r.Without("b"), `[["a" "1"] ["A" "3"]]`)
	f(r.WithBody("t", []byte("xy")), `[["a" "1"] ["B" "2"] ["A" "3"] ["Content-Type" "t"] ["Content-Length" "2"]]`)
	f(r, `[["a" "1"] ["B" "2"] ["A" "3"]]`)
}

// FuzzParseRequest wants that a request taken apart and put together is taken apart the same way again.
func FuzzParseRequest(f *testing.F) {
	for _, tt := range waftest.Tests(f)[:40] {
		f.Add(tt.Raw())
	}
	f.Add([]byte("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		once := waftest.ParseRequest(raw)
		if len(once.Body) > len(raw) {
			t.Fatalf("a body of %d bytes out of %d", len(once.Body), len(raw))
		}
		once = once.Without("Transfer-Encoding").Without("Content-Length")
		if strings.TrimLeft(once.Method, " \t") == "" {
			return // a line without a first word has no one form
		}
		twice := waftest.ParseRequest(once.Raw())
		if !bytes.Equal(twice.Raw(), once.Raw()) {
			t.Errorf("%q\nbecomes %q\nthen    %q", raw, once.Raw(), twice.Raw())
		}
	})
}
