package freshness_test

import (
	"fmt"
	"strings"
	"testing"

	"skerry.dev/skerry/cache/freshness"
	"skerry.dev/skerry/exchange"
)

func TestAppendVary(t *testing.T) {
	f := func(vary, request, want string) {
		t.Helper()
		got, ok := freshness.AppendVary([]byte("before:"), fields(vary), fields(request))
		if !ok {
			if want != "refused" || string(got) != "before:" {
				t.Errorf("%q for %q: refused, and %q", vary, request, got)
			}
			return
		}
		if string(got) != "before:"+want {
			t.Errorf("%q for %q: %q, want %q", vary, request, got, want)
		}
		if !freshness.Matches([]byte(want), fields(request)) {
			t.Errorf("%q for %q: does not match itself", vary, request)
		}
	}
	// RFC 9110 section 12.5.5
	f("", "Foo: 1", "")
	f("Vary:", "Foo: 1", "")
	f("Vary: Foo", "Foo: 1\nBar: 2", "foo=1\n")
	f("Vary: Foo, BAR,foo", "Foo: 1\nBar: 2", "bar=2\nfoo=1\n")
	f("Vary: Foo\nVary: bar", "Foo: 1", "bar\nfoo=1\n")
	f("Vary: Foo", "Foo:", "foo=\n")
	for _, star := range []string{"*", "*, *", ", *", "*, Foo", "Foo, *", "Foo\nVary: *", "\nVary: *"} {
		f("Vary: "+star, "Foo: 1", "refused")
	}
	for _, bad := range []string{"Foo Bar", "Foo=Bar", `"Foo"`, "Foo;q=1", "Foo\x00"} {
		f("Vary: "+bad, "Foo: 1", "refused")
	}
	// limits
	f("Vary: a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p,a", "", "a\nb\nc\nd\ne\nf\ng\nh\ni\nj\nk\nl\nm\nn\no\np\n")
	f("Vary: a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p,q", "", "refused")
	f("Vary: a", "a: "+strings.Repeat("x", 1021), "a="+strings.Repeat("x", 1021)+"\n")
	f("Vary: a", "a: "+strings.Repeat("x", 1022), "refused")
	f("Vary: "+strings.Repeat("x", 1024), "", "refused")
	f("Vary: cookie", "Cookie: "+strings.Repeat("x", 1017)+"\nCookie: b", "refused")
	f("Vary: accept-language", "Accept-Language: "+strings.Repeat("x", 1024), "refused")
	// what could be taken for another line
	f("Vary: a", "a: x\x00", "refused")
	if _, ok := freshness.AppendVary(nil, fields("Vary: a"), exchange.Fields{{Name: []byte("a"), Value: []byte("1\nb=2")}}); ok {
		t.Error("a value of two lines")
	}
}

func TestNormal(t *testing.T) {
	f := func(name, request, want string) {
		t.Helper()
		if got, ok := freshness.Normal(fields(request), []byte(name)); !ok || got != want {
			t.Errorf("%q: %q, want %q", request, got, want)
		}
	}
	f("Foo", "Foo: 1,2", "1, 2")
	f("Foo", "Foo: 1, 2", "1, 2")
	f("Foo", "Foo: 1 ,\t 2", "1, 2")
	f("Foo", "Foo: 1\nfoo: 2", "1, 2")
	f("Foo", "Foo: a  b", "a  b")
	f("Foo", `Foo: "a,b" ,c`, `"a,b", c`)
	f("Foo", `Foo: "a\",b" ,c`, `"a\",b", c`)
	f("Foo", `Foo: "a , b`, `"a , b`)
	f("Foo", "Foo: ,a,,b,", ", a,, b,")
	f("Foo", "Foo: A", "A")
	f("User-Agent", "User-Agent: a,b", "a,b")
	f("Cookie", "Cookie: a=1,2\nFoo: x\nCookie: b=3", "a=1,2; b=3")
	f("Authorization", "Authorization: Digest a=b,c=d", "Digest a=b,c=d")
	f("Accept-Language", "Accept-Language: EN ,de", "en, de")
	f("Accept-Language", "Accept-Language: de, en", "de, en")
	f("Accept-Language", "Accept-Language: fr;q=0.5, de;q=1.0", "de, fr;q=0.5")
	f("Accept-Language", "Accept-Language: a;q=0.050,b;q=0.005 , c ; Q=0.5,d;q=0,e;q=0.555,*;q=1.", "*, e;q=0.555, c;q=0.5, a;q=0.05, b;q=0.005, d;q=0")
	f("Accept-Language", "Accept-Language: ,de,,\nAccept-Language: en;q=1.000", "de, en")
	f("Accept-Language", "Accept-Language: DE;q=2, en", "DE;q=2, en")
	f("Accept-Language", "Accept-Language: DE;level=1 ,en", "DE;level=1 ,en")
	for _, verbatim := range []string{"d e", "de;q=1.5", "de;q=0.5555", "de;q=.5", "de;q=0,5x y", "de;q=1.001", "de;q=0.x", "de;q", "de;q=05", "de;r=0.5", "\"de\""} {
		f("Accept-Language", "Accept-Language: "+verbatim, verbatim)
	}
	f("Accept-Language", "Accept-Language: d e\nAccept-Language: de", "d e, de")
	f("Accept-Encoding", "Accept-Encoding: gzip;q=0.8,BR", "br, gzip;q=0.8")
	f("Accept-Encoding", "Accept-Encoding:", "")
	long := strings.TrimSuffix(strings.Repeat("a;q=0.1,", 33), ",")
	f("Accept-Encoding", "Accept-Encoding: "+long, long)
}

func TestMatches(t *testing.T) {
	f := func(vary, stored, request string, want bool) {
		t.Helper()
		signature, ok := freshness.AppendVary(nil, fields(vary), fields(stored))
		if !ok {
			t.Fatalf("%q: refused", vary)
		}
		if got := freshness.Matches(signature, fields(request)); got != want {
			t.Errorf("%q stored for %q, asked with %q: %v", vary, stored, request, got)
		}
	}
	// RFC 9111 section 4.1
	f("", "Foo: 1", "Foo: 2", true)
	f("Vary: Foo", "Foo: 1", "Foo: 1", true)
	f("Vary: Foo", "Foo: 1", "foo: 1\nOther: 3", true)
	f("Vary: Foo", "Foo: 1", "Foo: 2", false)
	f("Vary: Foo", "Foo: 1", "", false)
	f("Vary: Foo", "", "Foo: 1", false)
	f("Vary: Foo", "", "Foo:", false)
	f("Vary: Foo", "Foo:", "", false)
	f("Vary: Foo", "", "", true)
	f("Vary: Foo, Bar", "Foo: 1\nBar: abc", "Bar: abc\nFoo: 1", true)
	f("Vary: Foo, Bar, Baz", "Foo: 1\nBar: abc\nBaz: 789", "Foo: 1\nBaz: 789\nBar: abcde", false)
	f("Vary: Foo, Bar, Baz", "Foo: 1\nBaz: 789", "Foo: 1\nBaz: 789", true)
	f("Vary: Foo", "Foo: 1, 2", "Foo: 1\nFoo: 2", true)
	f("Vary: Foo", "Foo: 1\nFoo: 2", "Foo: 1,2", true)
	f("Vary: Foo", "Foo: 1\nFoo: 2", "Foo: 2\nFoo: 1", false)
	f("Vary: Foo", "Foo: 2", "Foo: 1\nFoo: 2", false)
	f("Vary: Foo", "Foo: a", "Foo: A", false)
	f("Vary: Accept-Language", "Accept-Language: en, de", "Accept-Language:  eN,De", true)
	f("Vary: Accept-Language", "Accept-Language: en, de;q=0.8", "Accept-Language: de;q=0.80, EN", true)
	f("Vary: Accept-Language", "Accept-Language: en, de", "Accept-Language: de, en", false)
	f("Vary: Foo", "Foo: 1", "Foo: "+strings.Repeat("1", 5000), false)
	// what lies on a disk may be broken
	for _, broken := range []string{"foo", "foo=", "foo=1", "=\n", "foo=1\nbar"} {
		if freshness.Matches([]byte(broken), fields("Foo: 1")) {
			t.Errorf("signature %q matches", broken)
		}
	}
}

func TestGroups(t *testing.T) {
	f := func(response, want string) {
		t.Helper()
		var all []string
		ok := freshness.Groups(fields(response), func(g []byte) { all = append(all, string(g)) })
		if got := strings.Join(all, "|"); got != want || !ok {
			t.Errorf("%q: %q %v, want %q", response, got, ok, want)
		}
	}
	f("", "")
	// RFC 9875 section 2
	f(`Cache-Groups: "a", "b c";x=1`, "a|b c")
	f("Cache-Groups: \"a\"\nCache-Groups: \"a,b\"", "a|a,b")
	f(`Cache-Groups: "a\"b\\"`, `a"b\`)
	f(`Cache-Groups: "A", ""`, "A|")
	for _, bad := range []string{"a", `"a", b`, `"a",`, `("a")`, `"a" "b"`, `"a`, "1", `"a"; B`} {
		f("Cache-Groups: "+bad, "")
	}
	f("Surrogate-Key:  a  b\tc \nSurrogate-Key: d", "a|b|c|d")
	f("Cache-Tag: a , b c,,d,", "a|b c|d")
	f("Cache-Tag: x\nCache-Groups: \"y\"\nSurrogate-Key: z", "y|x|z")
	f("Cache-Group-Invalidation: \"a\"", "")

	var many strings.Builder
	for i := range 1001 {
		fmt.Fprintf(&many, "g%d ", i)
	}
	count := 0
	if freshness.Groups(fields("Surrogate-Key: "+many.String()), func([]byte) { count++ }) || count != 1000 {
		t.Errorf("more groups than the limit: %d", count)
	}
	if freshness.Groups(fields("Cache-Groups: \""+strings.Repeat("x", 1025)+`"`), func([]byte) {}) {
		t.Error("a group longer than the limit")
	}
	var all []string
	ok := freshness.GroupInvalidations(fields("Cache-Group-Invalidation: \"a\", \"b\"\nCache-Groups: \"c\"\nSurrogate-Key: d"), func(g []byte) { all = append(all, string(g)) })
	if got := strings.Join(all, "|"); got != "a|b" || !ok {
		t.Errorf("invalidations: %q %v", got, ok)
	}
}
