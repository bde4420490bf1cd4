package body_test

import (
	"bytes"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"skerry.dev/skerry/waf/body"
)

func TestQuery(t *testing.T) {
	f := func(query, want string) {
		t.Helper()
		pairs, err := body.AppendQuery(nil, []byte(query), body.DefaultLimits(), new(body.Memory))
		if got := flat(pairs); got != want || err != nil {
			t.Errorf("%q\n got %q (%v)\nwant %q", query, got, err, want)
		}
		p, err := parse(t, "application/x-www-form-urlencoded; charset=UTF-8", query)
		if got := flat(p.Args); got != want || err != nil {
			t.Errorf("form %q\n got %q (%v)\nwant %q", query, got, err, want)
		}
	}
	f("", "")
	f("a=1&b=2", "a=1; b=2")
	f("a", "a=")
	f("=", "=")
	f("=v", "=v")
	f("&&a=1&&", "a=1")
	f("a=1=2", "a=1=2")
	f("a;b=1;c=2", "a;b=1;c=2")
	f("a+b=c+d", "a b=c d")
	f("%61%3d=%26%2B%25", "a==&+%")
	f("a=%", "a=%")
	f("a=%4", "a=%4")
	f("a=%4&b=%zz%41", "a=%4; b=%zzA")
	f("a=%%41", "a=%A")
	f("a=%u0041", "a=%u0041")
	f("a[]=1&a[]=2", "a[]=1; a[]=2")
	f("a=\xff%ff%00\x01", "a=\xff\xff\x00\x01")
	f("a?b#c=d", "a?b#c=d")
}

func TestFormNotesInvalidEscapes(t *testing.T) {
	p, err := parse(t, "application/x-www-form-urlencoded", "a=%zz&%=1&b=%41")
	if err != nil || p.InvalidEscapes != 2 {
		t.Error(p.InvalidEscapes, err)
	}
	for charset, want := range map[string]string{
		"UTF-8": "ok", "iso-8859-15": "ok", "windows-1252": "ok", "latin1": "ok", "us-ascii": "ok", "utf-7": "ambiguous", "utf-16": "ambiguous",
		"shift_jis": "ambiguous", "ibm037": "ambiguous", "iso-8859-": "ambiguous", "iso-8859-8-i": "ambiguous", "iso-8859-155": "ambiguous", "windows-125x": "ambiguous",
	} {
		if _, err := parse(t, "application/x-www-form-urlencoded; charset="+charset, "a=1"); reason(t, err) != want {
			t.Error(charset, err)
		}
	}
}

func TestCookies(t *testing.T) {
	f := func(field, want string) {
		t.Helper()
		pairs, err := body.AppendCookies(nil, []byte(field), body.DefaultLimits())
		if got := flat(pairs); got != want || err != nil {
			t.Errorf("%q\n got %q (%v)\nwant %q", field, got, err, want)
		}
	}
	f("", "")
	f("a=1; b=2", "a=1; b=2")
	f("a=1;b=2;", "a=1; b=2")
	f(" \t;;a = 1 ;=;  = ", "a=1")
	f("a", "a=")
	f("=v", "=v")
	f("\x01=v", "=v")
	f("a\v=x\x7f", "a=x")
	f("a\x01b=c\x02d", "a\x01b=c\x02d")
	f(`a="b;c"`, `a="b; c"=`)
	f("a=1=2; a=3", "a=1=2; a=3")
	f("a=%20+", "a=%20+")
	f("\u00a0a=\u0085", "\u00a0a=\u0085")
}

func TestPairsAreLimited(t *testing.T) {
	l := body.DefaultLimits()
	l.Pairs, l.NameBytes = 2, 3
	f := func(query, cookies, want string) {
		t.Helper()
		q, err := body.AppendQuery([]body.Pair{{}}, []byte(query), l, new(body.Memory))
		p := new(body.Parsed)
		formErr := p.Parse(body.Media{Kind: body.Form}, []byte(query), l, new(body.Memory))
		c, cookieErr := body.AppendCookies([]body.Pair{{}}, []byte(cookies), l)
		for _, err := range []error{err, formErr, cookieErr} {
			if e, _ := err.(*body.Error); want == "" && err != nil || want != "" && (reason(t, err) != "limit" || e.Setting != want) {
				t.Errorf("%s: %v, want %q", query, err, want)
			}
		}
		if len(q) > 3 || len(c) > 3 {
			t.Error(len(q), len(c))
		}
	}
	f("a=1&b=2", "a=1;b=2", "")
	f("a=1&b=2&", "a=1;b=2;", "")
	f("a=1&b=2&c", "a=1;b=2;c", "Pairs")
	f("abc=1", "abc=1", "")
	f("abcd=1", "abcd=1", "NameBytes")
}

// FuzzForm holds the parser against net/url, wherever that one accepts: it refuses semicolons and invalid escapes.
func FuzzForm(f *testing.F) {
	for _, s := range []string{"a=1&b=2", "%61=%zz&+=+", "&&=&a", "a=%00&b;c=1", "a%3Db=%26"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		original := bytes.Clone(text)
		pairs, err := body.AppendQuery(nil, text, body.DefaultLimits(), new(body.Memory))
		if !bytes.Equal(text, original) {
			t.Fatal("the input was written to")
		}
		if err != nil {
			reason(t, err)
			return
		}
		values, err := url.ParseQuery(string(text))
		if err != nil {
			return
		}
		total := 0
		for _, p := range pairs {
			vs := values[string(p.Name)]
			if len(vs) == 0 || vs[0] != string(p.Value) {
				t.Fatalf("%q: %q=%q, net/url has %q", text, p.Name, p.Value, vs)
			}
			values[string(p.Name)] = vs[1:]
			total++
		}
		for name, left := range values {
			if len(left) > 0 {
				t.Fatalf("%q: %q lacks %q", text, name, left)
			}
		}
	})
}

// FuzzCookies holds the parser against net/http: each cookie that one finds is there, in its order. It leaves out what is no
// cookie by its rules.
func FuzzCookies(f *testing.F) {
	for _, s := range []string{"a=1; b=2", "a=\"q\"; =x; y", "a\v=1;\x7f", "a=1;a=2"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		pairs, err := body.AppendCookies(nil, text, body.DefaultLimits())
		if err != nil {
			reason(t, err)
			return
		}
		for _, c := range (&http.Request{Header: http.Header{"Cookie": {string(text)}}}).Cookies() {
			value := c.Value
			if c.Quoted {
				value = `"` + value + `"`
			}
			for {
				if len(pairs) == 0 {
					t.Fatalf("%q: no %s=%q", text, c.Name, value)
				}
				p := pairs[0]
				pairs = pairs[1:]
				if string(p.Name) == c.Name && (string(p.Value) == value || string(p.Value) == strings.Trim(value, " \t")) {
					break
				}
			}
		}
	})
}
