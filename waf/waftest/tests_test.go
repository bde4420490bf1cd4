package waftest_test

import (
	"slices"
	"strings"
	"testing"

	"skerry.dev/skerry/waf/waftest"
)

// TestTests reads every test; the module waf/ftw compares each byte and expectation with go-ftw.
func TestTests(t *testing.T) {
	all := waftest.Tests(t)
	ids, expected := map[string]bool{}, 0
	for _, tt := range all {
		if ids[tt.ID] {
			t.Errorf("two tests are %s", tt.ID)
		}
		ids[tt.ID] = true
		for _, s := range tt.Stages {
			expected += len(s.Output.Expect)
			if len(s.Raw()) == 0 {
				t.Errorf("%s has a stage without bytes", tt.ID)
			}
		}
	}
	if len(all) < 4674 || expected < 3700 {
		t.Errorf("%d tests that expect %d rules; version 4.25.0 has 4,674 that expect more than 3,700", len(all), expected)
	}
}

func TestRaw(t *testing.T) {
	f := func(in waftest.Input, want string) {
		t.Helper()
		want = strings.ReplaceAll(want, "\n", "\r\n")
		if got := string(waftest.Stage{Input: in}.Raw()); got != want {
			t.Errorf("got  %q\nwant %q", got, want)
		}
	}
	in := waftest.Input{Method: "POST", URI: "/", Version: "HTTP/1.1", Headers: [][2]string{{"Host", "a"}}, Data: []byte("a=b c&d"), Autocomplete: true}
	f(in, "POST / HTTP/1.1\nHost: a\nContent-Type: application/x-www-form-urlencoded\nConnection: close\nContent-Length: 7\n\na=b+c&d")
	in.Data = []byte("a=b%20c")
	f(in, "POST / HTTP/1.1\nHost: a\nContent-Type: application/x-www-form-urlencoded\nConnection: close\nContent-Length: 7\n\na=b%20c")
	in.Autocomplete = false
	f(in, "POST / HTTP/1.1\nHost: a\n\na=b%20c")
	in.Headers = append(in.Headers, [2]string{"content-type", "multipart/form-data; boundary=x"})
	in.Data = []byte("--x\n")
	f(in, "POST / HTTP/1.1\nHost: a\ncontent-type: multipart/form-data; boundary=x\n\n--x\n")
	in.Encoded = []byte("GET /\r\n")
	f(in, "GET /\n")
}

func TestAnswer(t *testing.T) {
	f := func(uri, body string, status int, want string, headers ...string) {
		t.Helper()
		got := waftest.Answer(waftest.Request{URI: uri, Body: []byte(body)})
		var names []string
		for _, h := range got.Headers {
			names = append(names, h[0]+"="+h[1])
		}
		if got.Status != status || string(got.Body) != want || !slices.Equal(names, headers) {
			t.Errorf("%s %q: %d %q %q, want %d %q %q", uri, body, got.Status, got.Body, names, status, want, headers)
		}
	}
	f("/get?a=1", "x", 200, "")
	f("/reflect", `{"body":"hello"}`, 200, "hello", "Content-Type=text/plain; charset=utf-8")
	f("/reflect?a", `{"status":503,"encodedBody":"aGk=","headers":{"Content-Type":"text/html","A":"b"}}`, 503, "hi", "A=b", "Content-Type=text/html")
	f("/reflect", `{`, 400, "reflect: unexpected end of JSON input")
	f("/reflect", `{"encodedBody":"?"}`, 400, "reflect: illegal base64 data at input byte 0")
}
