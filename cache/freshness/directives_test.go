package freshness_test

import (
	"strings"
	"testing"

	"skerry.dev/skerry/cache/freshness"
)

// said is what ResponseDirectives found, in words.
func said(response string) string {
	d := freshness.ResponseDirectives(fields(response))
	return strings.TrimSpace(bits(d.Said) + " | " + spans("max", d.MaxAge, "s", d.SMaxAge, "swr", d.WhileRevalidate, "sie", d.IfError))
}

func TestResponseDirectives(t *testing.T) {
	for _, row := range []struct{ section, response, want string }{
		{"5.2", "", "|"},
		{"5.2", "Cache-Control: max-age=60, public", "public max-age | max=60"},
		{"5.2 names in any case", "Cache-Control: MaX-aGe=60,PUBLIC", "public max-age | max=60"},
		{"5.2 several lines", "Cache-Control: public\nCache-Control: s-maxage=5", "public s-maxage | s=5"},
		{"5.2 empty elements", "Cache-Control: ,, public , ,", "public |"},
		{"5.2 quoted arguments", `Cache-Control: max-age="60"`, "max-age | max=60"},
		{"5.2 words in a quoted string", `Cache-Control: x="max-age=9, no-store", max-age=1`, "max-age | max=1"},
		{"5.2 behind a quoted string", `Cache-Control: max-age=1, x="max-age=9"`, "max-age | max=1"},
		{"5.2 escaped quotes", `Cache-Control: x="a\", no-store, \"", max-age=1`, "max-age | max=1"},
		{"5.2.3 a name longer than any", "Cache-Control: stale-while-revalidate-or-not=1, max-age=3", "max-age | max=3"},
		{"5.2.3 unknown directives", "Cache-Control: foobar, foo=bar, max-age=3", "max-age | max=3"},
		{"1.2.2 leading zeros", "Cache-Control: max-age=003600", "max-age | max=3600"},
		{"1.2.2 beyond 2^31", "Cache-Control: max-age=99999999999", "max-age | max=longest"},
		{"1.2.2 beyond 2^64", "Cache-Control: max-age=" + strings.Repeat("9", 99), "max-age | max=longest"},
		{"4.2.1 invalid: letters", "Cache-Control: max-age=a3600", "max-age | max=0"},
		{"4.2.1 invalid: letters behind", "Cache-Control: max-age=3600a", "max-age | max=0"},
		{"4.2.1 invalid: negative", "Cache-Control: max-age=-3600", "max-age | max=0"},
		{"4.2.1 invalid: decimal", "Cache-Control: max-age=3600.0", "max-age | max=0"},
		{"4.2.1 invalid: single quotes", "Cache-Control: max-age='3600'", "max-age | max=0"},
		{"4.2.1 invalid: no argument", "Cache-Control: max-age, s-maxage", "max-age s-maxage | max=0 s=0"},
		{"4.2.1 invalid: empty", "Cache-Control: max-age=", "max-age | max=0"},
		{"4.2.1 invalid: empty string", `Cache-Control: max-age=""`, "max-age | max=0"},
		{"4.2.1 invalid: space before =", "Cache-Control: max-age =3600", "max-age | max=0"},
		{"4.2.1 invalid: space behind =", "Cache-Control: max-age= 3600", "max-age | max=0"},
		{"4.2.1 invalid: more behind the string", `Cache-Control: max-age="3600"x`, "max-age | max=0"},
		{"4.2.1 invalid: semicolon", "Cache-Control: max-age=3600; private", "private max-age | max=0"},
		{"4.2.1 several, shorter last", "Cache-Control: max-age=1800, max-age=1", "max-age | max=1"},
		{"4.2.1 several, shorter first", "Cache-Control: max-age=1\nCache-Control: max-age=1800", "max-age | max=1"},
		{"4.2.1 several, one invalid", "Cache-Control: max-age=x, max-age=1800", "max-age | max=0"},
		{"5.2.2.4", "Cache-Control: no-cache", "no-cache |"},
		{"5.2.2.4 fields", `Cache-Control: no-cache="a, b"`, "no-cache-fields |"},
		{"5.2.2.4 one field as a token", "Cache-Control: no-cache=set-cookie", "no-cache-fields |"},
		{"5.2.2.4 empty elements", `Cache-Control: no-cache=", a,,b"`, "no-cache-fields |"},
		{"5.2.2.4 nothing but empty elements", `Cache-Control: no-cache=",,"`, "no-cache |"},
		{"5.2.2.4 both forms", `Cache-Control: no-cache="a", no-cache`, "no-cache no-cache-fields |"},
		{"5.2.2.4 empty list", `Cache-Control: no-cache=""`, "no-cache |"},
		{"5.2.2.4 no names", `Cache-Control: no-cache="a b"`, "no-cache |"},
		{"5.2.2.4 escapes", `Cache-Control: no-cache="\a"`, "no-cache |"},
		{"5.2.2.4 more lists than we keep", `Cache-Control: no-cache="a",no-cache="b",no-cache="c",no-cache="d",no-cache="e"`, "no-cache no-cache-fields |"},
		{"5.2.2.7", "Cache-Control: private", "private |"},
		{"5.2.2.7 fields", `Cache-Control: private="x-user"`, "private-fields |"},
		{"5.2.2.5", "Cache-Control: No-StOrE", "no-store |"},
		{"5.2.2.5 with an argument", "Cache-Control: no-store=x", "no-store |"},
		{"5.2.2.2, .8, .6", "Cache-Control: must-revalidate, proxy-revalidate, no-transform", "must-revalidate proxy-revalidate no-transform |"},
		{"5.2.2.3", "Cache-Control: must-understand, no-store", "no-store must-understand |"},
		{"5.2.2.9 with an argument it loosens nothing", "Cache-Control: public=x, must-understand=1", "|"},
		{"RFC 8246", "Cache-Control: immutable", "immutable |"},
		{"RFC 5861", "Cache-Control: stale-while-revalidate=30, stale-if-error=60", "| swr=30 sie=60"},
		{"RFC 5861 invalid", "Cache-Control: stale-while-revalidate, stale-if-error=-1", "| swr=0 sie=0"},
		{"RFC 5861 several", "Cache-Control: stale-if-error=9, stale-if-error=5", "| sie=5"},
		{"malformed: heeded where it forbids", "Cache-Control: foo bar no-store", "no-store |"},
		{"malformed: not where it allows", "Cache-Control: foo public", "|"},
		{"malformed: what would be fresh", "Cache-Control: s-maxage=9;x, must-revalidate;y, proxy-revalidate z", "must-revalidate proxy-revalidate s-maxage | s=0"},
		{"malformed: open quotation", `Cache-Control: x="a, private, max-age=9`, "private max-age | max=0"},
		{"malformed: open quotation in a list", `Cache-Control: no-cache="a`, "no-cache |"},
		{"malformed: nothing before =", "Cache-Control: =3, max-age=4", "max-age | max=4"},
		{"malformed: a string alone", `Cache-Control: "no-store"`, "no-store |"},
		{"5.3", "Expires: 0", "expires |"},
		{"5.4 without Cache-Control", "Pragma: foo, No-Cache", "no-cache |"},
		{"5.4 with Cache-Control", "Pragma: no-cache\nCache-Control: max-age=3", "max-age | max=3"},
	} {
		if got := said(row.response); got != row.want {
			t.Errorf("%s: %q: %q, want %q", row.section, row.response, got, row.want)
		}
	}
}

func TestTargeted(t *testing.T) {
	const shared = "Cache-Control: max-age=9\nExpires: 0\nPragma: no-cache\nCDN-Cache-Control: "
	const fallen = "max-age expires | max=9"
	for _, row := range []struct{ section, response, want string }{
		{"RFC 9213 2.2", shared + "max-age=60", "max-age targeted | max=60"},
		{"RFC 9213 2.2 unknown members", shared + "foo, bar=2", "targeted |"},
		{"RFC 9213 2.2 empty", shared, fallen},
		{"RFC 9213 2.2 blank lines", shared + "max-age=1\nCDN-Cache-Control:", fallen},
		{"RFC 9213 2.2 several lines", shared + "max-age=1\nCDN-Cache-Control: private", "private max-age targeted | max=1"},
		{"RFC 9213 2.1 wrong type", shared + `max-age="60"`, fallen},
		{"RFC 9213 2.1 decimal", shared + "max-age=60.0", fallen},
		{"RFC 9213 2.1 no value", shared + "max-age", fallen},
		{"RFC 9213 2.1 negative", shared + "max-age=-1", "max-age targeted | max=0"},
		{"RFC 9213 2.1 large", shared + "max-age=999999999999999", "max-age targeted | max=longest"},
		{"RFC 9213 2.1 names of fields", shared + `private="a, b", no-cache="c"`, "private-fields no-cache-fields targeted |"},
		{"RFC 9213 2.1 list of another type", shared + "private=a, no-cache=1", "private no-cache targeted |"},
		{"RFC 9213 2.1 what loosens is true or nothing", shared + "public=1, must-understand=a", "targeted |"},
		{"RFC 9213 2.1 what forbids is anything", shared + "no-store=1, must-revalidate=a, proxy-revalidate", "no-store must-revalidate proxy-revalidate targeted |"},
		{"RFC 9651 3.3.6", shared + "no-store=?0, public=?1", "public targeted |"},
		{"RFC 9651 3.2 the last one holds", shared + `private, max-age=1, private=?0, max-age=7`, "max-age targeted | max=7"},
		{"RFC 9651 3.2 the last list holds", shared + `no-cache="a", no-cache`, "no-cache targeted |"},
		{"RFC 9651 4.2 capitals", shared + "MaX-aGe=60", fallen},
		{"RFC 9651 4.2 spaces", shared + "max-age =60", fallen},
		{"RFC 9651 4.2 spaces", shared + "max-age= 60", fallen},
		{"RFC 9651 4.2 garbage", shared + "max-age=60, &&&&&", fallen},
		{"RFC 9651 4.2 comma at the end", shared + "max-age=60,", fallen},
		{"RFC 9651 3.1.2 parameters", shared + `max-age=60;a=1; b="x";c, public;d=(`, fallen},
		{"RFC 9651 3.1.2 parameters", shared + `max-age=60;a=1; b="x";c, public;d=?0`, "public max-age targeted | max=60"},
		{"RFC 9111 5.2.2.10, RFC 5861", shared + "s-maxage=3, stale-while-revalidate=4, stale-if-error=5, no-transform, immutable",
			"no-transform immutable s-maxage targeted | s=3 swr=4 sie=5"},
	} {
		if got := said(row.response); got != row.want {
			t.Errorf("%s: %q: %q, want %q", row.section, row.response, got, row.want)
		}
	}
}

func TestRequestDirectives(t *testing.T) {
	for _, row := range []struct{ section, request, want string }{
		{"5.2.1", "", "|"},
		{"5.2.1.1", "Cache-Control: max-age=0", "| max=0"},
		{"5.2.1.1 invalid", "Cache-Control: max-age=x", "| max=0"},
		{"5.2.1.1 several", "Cache-Control: max-age=9, max-age=3", "| max=3"},
		{"5.2.1.2", "Cache-Control: max-stale=10", "| stale=10"},
		{"5.2.1.2 any", "Cache-Control: max-stale", "| stale=longest"},
		{"5.2.1.2 invalid", "Cache-Control: max-stale=x", "| stale=0"},
		{"5.2.1.2 several", "Cache-Control: max-stale, max-stale=3", "| stale=3"},
		{"5.2.1.3", "Cache-Control: min-fresh=10", "| min=10"},
		{"5.2.1.3 several", "Cache-Control: min-fresh=10, min-fresh=20", "| min=20"},
		{"5.2.1.3 invalid", "Cache-Control: min-fresh=x", "| min=longest"},
		{"5.2.1.4", "Cache-Control: No-Cache", "no-cache |"},
		{"5.2.1.5", "Cache-Control: no-store", "no-store |"},
		{"5.2.1.7", "Cache-Control: only-if-cached", "only-if-cached |"},
		{"RFC 5861 4", "Cache-Control: stale-if-error=7", "| sie=7"},
		{"5.2 unknown", "Cache-Control: foo, max-age=1", "| max=1"},
		{"malformed", "Cache-Control: foo no-cache; min-fresh=3", "no-cache | min=longest"},
		{"malformed", `Cache-Control: x="no-store, max-age=3`, "no-store | max=0"},
		{"5.4", "Pragma: no-cache", "no-cache |"},
		{"5.4 with Cache-Control", "Pragma: no-cache\nCache-Control: max-age=5", "| max=5"},
		{"5.4 with Cache-Control behind", "Cache-Control: foo\nPragma: no-cache", "|"},
	} {
		a := freshness.RequestDirectives(fields(row.request))
		if got := asked(a); got != row.want {
			t.Errorf("%s: %q: %q, want %q", row.section, row.request, got, row.want)
		}
	}
	a := freshness.RequestDirectives(fields("Cache-Control: no-store, no-cache, only-if-cached, max-age=1, max-stale, min-fresh=2, stale-if-error=3"))
	if got := asked(a.Unheeded()); got != "no-store only-if-cached |" {
		t.Errorf("unheeded: %q", got)
	}
}

// asked is what a request asks for, in words.
func asked(a freshness.Asked) string {
	s := ""
	for _, b := range []struct {
		name string
		on   bool
	}{{"no-store ", a.NoStore}, {"no-cache ", a.NoCache}, {"only-if-cached ", a.OnlyIfCached}} {
		if b.on {
			s += b.name
		}
	}
	return strings.TrimSpace(s + "| " + spans("max", a.MaxAge, "min", a.MinFresh, "stale", a.MaxStale, "sie", a.IfError))
}
