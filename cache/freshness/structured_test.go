package freshness_test

import (
	"strings"
	"testing"

	"skerry.dev/skerry/cache/freshness"
	"skerry.dev/skerry/exchange"
)

func TestStructured(t *testing.T) {
	f := func(value string, want bool) {
		t.Helper()
		_, ok := freshness.Dictionary(exchange.Fields{{ID: exchange.NameCDNCacheControl, Value: []byte("k=" + value)}}, exchange.NameCDNCacheControl)
		if ok != want {
			t.Errorf("member of a dictionary %q: %v", value, ok)
		}
		if _, ok = freshness.List(exchange.Fields{{ID: exchange.NameCacheGroups, Value: []byte(value)}}, exchange.NameCacheGroups); ok != want {
			t.Errorf("member of a list %q: %v", value, ok)
		}
	}
	// RFC 9651 section 4.2.4
	for _, good := range []string{"0", "-0", "-1", "999999999999999", "1.5", "-1.555", "999999999999.999", "00012"} {
		f(good, true)
	}
	for _, bad := range []string{"-", "--1", "+1", "1000000000000000", "1.", ".1", "1.5555", "1000000000000.1", "1 2", "0x1", "1e5", "- 1"} {
		f(bad, false)
	}
	// section 4.2.5
	for _, good := range []string{`""`, `"a b"`, `"\""`, `"\\"`, `"a,b"`} {
		f(good, true)
	}
	for _, bad := range []string{`"`, `"a`, `"\a"`, `"\`, "\"\t\"", "\"\x7f\"", "\"\xc3\xa9\"", `'a'`, `"a"b`} {
		f(bad, false)
	}
	// sections 4.2.6 to 4.2.10
	for _, good := range []string{"a", "*a", "a:b/c", "A!#$", ":aGk=:", "::", "?0", "?1", "@0", "@-12", `%"a"`, `%"%c3%a9"`, `%"%f0%9f%98%80"`, `%"%22"`} {
		f(good, true)
	}
	for _, bad := range []string{":a", ":a b:", "?", "?2", "?true", "@", "@1.5", "@a", "%", `%"`, `%"%C3%A9"`, `%"%c3"`, `%"%c3a"`, `%"%f0%9f%98"`, `%"%ff"`, `%"%c"`, `%a"`, "{}", "[1]", "\x00"} {
		f(bad, false)
	}
	// sections 4.2.1.2 and 4.2.3.2
	for _, good := range []string{"()", "( )", "(1)", "( 1  2 )", `("a";b "c");d`, "1;a", "1;  a=2;b", "(1);a=?0", "1;*a"} {
		f(good, true)
	}
	for _, bad := range []string{"(", "(1", "(1,2)", "(1\t2)", "((1))", `("a""b")`, ")", "1;", "1;A", "1; =2", "1;a=", "1 ;a", "1;\ta"} {
		f(bad, false)
	}
	// sections 4.2.1 and 4.2.2
	for _, good := range []string{"1,l", "1 \t,\t l", "1  "} {
		f(good, true)
	}
	for _, bad := range []string{"1,", "1,,l", ",1", "1;,l", "1, ", "1 l"} {
		f(bad, false)
	}
}

func TestDictionaryKeys(t *testing.T) {
	f := func(lines, want string, valid bool) {
		t.Helper()
		keys, ok := freshness.Dictionary(fields(lines), exchange.NameCDNCacheControl)
		if got := strings.Join(keys, " "); ok != valid || ok && got != want {
			t.Errorf("%q: %q %v, want %q", lines, got, ok, want)
		}
	}
	f("", "", true)
	f("CDN-Cache-Control:", "", true)
	f("CDN-Cache-Control: a, b=1;x, *c_d-e.f*=(1 2), a1", "a b *c_d-e.f* a1", true)
	f("CDN-Cache-Control: a\nCache-Control: =\nCDN-Cache-Control: b", "a b", true)
	f("CDN-Cache-Control: a\nCDN-Cache-Control: ", "", false) // joined: "a, "
	f("CDN-Cache-Control: \nCDN-Cache-Control: a", "", false) // joined: ", a"
	f("CDN-Cache-Control: a\nCDN-Cache-Control: B", "", false)
	f("CDN-Cache-Control: 1a", "", false)
	f("CDN-Cache-Control: aB", "", false)
	f("CDN-Cache-Control: -a", "", false)
	f("CDN-Cache-Control: a=", "", false)
}
