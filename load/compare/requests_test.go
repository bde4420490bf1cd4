package main

import (
	"bytes"
	"encoding/json"
	"net/url"
	"strings"
	"testing"
)

func TestParseRequest(t *testing.T) {
	r, err := parseRequest("a", []byte("POST /a?b=c HTTP/1.1\nHost: h\nX-A: b: c\n\nbody\n"))
	if err != nil {
		t.Fatal(err)
	}
	const want = "POST /a?b=c HTTP/1.1\r\nHost: h\r\nX-A: b: c\r\nContent-Length: 5\r\n\r\nbody\n"
	if got := string(r.wire()); got != want {
		t.Errorf("on the wire:\n%q, want\n%q", got, want)
	}
	if got := string(r.closing().wire()); !strings.Contains(got, "\r\nConnection: close\r\n\r\n") {
		t.Errorf("closing: %q", got)
	}
	for _, bad := range []string{"", "GET /\nHost: h\n\n", "GET / HTTP/1.1\nHost: h", "GET / HTTP/1.1\nHost\n\n"} {
		if _, err := parseRequest("bad", []byte(bad)); err == nil {
			t.Errorf("%q was read", bad)
		}
	}
}

func TestWrkScript(t *testing.T) {
	r := &request{method: "GET", target: "/\"\\", body: []byte{0, 255}}
	script := r.wrkScript()
	if want := `local bytes = "\071\069\084\032\047\034\092\032`; !strings.HasPrefix(script, want) || !strings.Contains(script, `\000\255"`) {
		t.Errorf("script %q", script)
	}
}

// TestBenignRequests holds the requests against what the report says of them.
func TestBenignRequests(t *testing.T) {
	byName := map[string]*request{}
	for _, name := range benign {
		r, err := benignRequest(name)
		if err != nil {
			t.Fatal(err)
		}
		byName[name] = r
	}
	f := func(name string, fields, args, bytes, leaves int) {
		t.Helper()
		r := byName[name]
		query := r.target[strings.IndexByte(r.target+"?", '?'):]
		values, err := url.ParseQuery(strings.TrimPrefix(query, "?"))
		if err != nil || len(r.fields) != fields || len(values) != args || len(r.body) != bytes {
			t.Errorf("%s: %d fields, %d arguments, %d bytes (%v), want %d, %d, %d", name, len(r.fields), len(values), len(r.body), err, fields, args, bytes)
		}
		if leaves == 0 {
			return
		}
		var v any
		if err := json.Unmarshal(r.body, &v); err != nil {
			t.Fatal(name, err)
		}
		if n, longest := countLeaves(v); n != leaves || longest > textBytesMax {
			t.Errorf("%s: %d leaves, the longest of %d bytes, want %d of at most %d", name, n, longest, leaves, textBytesMax)
		}
	}
	f("get_small", 3, 2, 0, 0)
	f("get_browser", 21, 4, 0, 0)
	f("form_20", 5, 0, 389, 0)
	f("json_2k", 5, 0, 2097, 66)
	f("json_100k", 5, 0, articleBytes, 912)
	if form, err := url.ParseQuery(string(byName["form_20"].body)); err != nil || len(form) != 20 {
		t.Errorf("form of %d fields, %v", len(form), err)
	}
	if !bytes.Equal(articles().wire(), articles().wire()) {
		t.Error("json_100k is not the same twice")
	}
}

func countLeaves(v any) (n, longest int) {
	each := func(v any) {
		m, l := countLeaves(v)
		n, longest = n+m, max(longest, l)
	}
	switch v := v.(type) {
	case map[string]any:
		for _, e := range v {
			each(e)
		}
	case []any:
		for _, e := range v {
			each(e)
		}
	case string:
		return 1, len(v)
	default:
		return 1, 0
	}
	return n, longest
}

func TestHostile(t *testing.T) {
	seen := map[string]bool{}
	for _, r := range append(hostile("random", randomPrintable), hostile("tokens", attackToken)...) {
		values, err := url.ParseQuery(string(r.body))
		if err != nil || len(values.Get("text")) != 1000 || seen[values.Get("text")] {
			t.Fatalf("%s: %d bytes, %v", r.name, len(values.Get("text")), err)
		}
		seen[values.Get("text")] = true
	}
}
