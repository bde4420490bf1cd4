package exchange_test

import (
	"bytes"
	"path"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"skerry.dev/skerry/exchange"
	"skerry.dev/skerry/fault"
)

func TestNormalHost(t *testing.T) {
	long := strings.Repeat("a", 63)
	f := func(in, host string, port uint16) {
		t.Helper()
		x := exchange.Acquire()
		defer x.Release()
		got, gotPort, err := exchange.NormalHost([]byte(in), &x.Scratch)
		if err != nil {
			got = []byte("!" + err.(*fault.Error).Text)
		}
		if host == "!" && err != nil && fault.Of(err) == fault.BadRequest {
			return
		}
		if string(got) != host || gotPort != port {
			t.Errorf("%q: got %q %d, want %q %d", in, got, gotPort, host, port)
		}
	}
	f("a", "a", 0)
	f("Shop.Example.COM", "shop.example.com", 0)
	f("shop.example.com.", "shop.example.com", 0)
	f("SHOP.example.com.:8443", "shop.example.com", 8443)
	f("a_b-c.example", "a_b-c.example", 0)
	f("127.0.0.1:80", "127.0.0.1", 80)
	f("a:00080", "a", 80)
	f("a:65535", "a", 65535)
	f("[::1]", "[::1]", 0)
	f("[::1]:443", "[::1]", 443)
	f("[0:0:0:0:0:0:0:1]:443", "[::1]", 443)
	f("[2001:DB8::00A]", "[2001:db8::a]", 0)
	f("[::ffff:1.2.3.4]", "[::ffff:1.2.3.4]", 0)
	f(long+"."+long+"."+long+"."+strings.Repeat("b", 61), long+"."+long+"."+long+"."+strings.Repeat("b", 61), 0)

	f("", "!", 0)
	f(".", "!", 0)
	f(":80", "!", 0)
	f("a:", "!", 0)
	f("a:0", "!", 0)
	f("a:65536", "!", 0)
	f("a:000080", "!", 0)
	f("a:+80", "!", 0)
	f("a:80 ", "!", 0)
	f("a:80:80", "!", 0)
	f("a b", "!", 0)
	f("a..b", "!", 0)
	f(".a", "!", 0)
	f("a..", "!", 0)
	f("user@a", "!", 0)
	f("a%41", "!", 0)
	f("a/b", "!", 0)
	f("a,b", "!", 0)
	f("a\\b", "!", 0)
	f("b\xc3\xbccher.example", "!", 0)
	f("a\x00", "!", 0)
	f("::1", "!", 0)
	f("[::1", "!", 0)
	f("[::1]x", "!", 0)
	f("[::1]:", "!", 0)
	f("[]", "!", 0)
	f("[1.2.3.4]", "!", 0)
	f("[fe80::1%25eth0]", "!", 0)
	f("[fe80::1%eth0]", "!", 0)
	f("[v1.x]", "!", 0)
	f(long+"a", "!", 0)
	f(long+"."+long+"."+long+"."+strings.Repeat("b", 62), "!", 0)
}

func TestNormalPath(t *testing.T) {
	f := func(in, want string) {
		t.Helper()
		x := exchange.Acquire()
		defer x.Release()
		got, err := exchange.NormalPath([]byte(in), &x.Scratch)
		if err != nil {
			if got = []byte("!" + err.(*fault.Error).Text); fault.Of(err) != fault.BadRequest {
				t.Errorf("%q: kind %s", in, fault.Of(err).Name())
			}
		}
		if strings.HasPrefix(want, "!") && strings.HasPrefix(string(got), "!") && strings.Contains(string(got), want[1:]) {
			return
		}
		if string(got) != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
	// Kept as sent.
	f("/", "/")
	f("/a/b/", "/a/b/")
	f("//", "//")
	f("/a//b", "/a//b")
	f("/a;v=1/b", "/a;v=1/b")
	f("/a%2Fb", "/a%2Fb")
	f("/a%3Bb%25%20", "/a%3Bb%25%20")
	f("/.well-known/acme", "/.well-known/acme")
	f("/...", "/...")
	f("/..a/.b/c../d.", "/..a/.b/c../d.")
	f("/a:b@c!$&'()*+,=~|[]{}^\"<>`", "/a:b@c!$&'()*+,=~|[]{}^\"<>`")
	f("/%C3%A9", "/%C3%A9")
	f("/%252e%252e", "/%252e%252e")
	f("/%40scope", "/%40scope")
	f("/a;..", "/a;..")
	f("/.%40", "/.%40")
	// Rewritten.
	f("/%41%7e%2D%5f", "/A~-_")
	f("/a%2fb%c3%a9", "/a%2Fb%C3%A9")
	f("/.", "/")
	f("/./", "/")
	f("/a/.", "/a/")
	f("/a/..", "/")
	f("/a/../", "/")
	f("/a/b/..", "/a/")
	f("/a/./b/../c", "/a/c")
	f("/a/b/../../c", "/c")
	f("/a//../b", "/a/b")
	f("//..", "/")
	f("//../a", "/a")
	f("/a/%2Ea", "/a/.a")
	f("/a;x/../b", "/b")
	f("/%2e%2e%2e", "/...")
	// Refused.
	f("", "!start")
	f("a", "!start")
	f("*", "!start")
	f("/..", "!above")
	f("/../a", "!above")
	f("/a/../../b", "!above")
	f("//../..", "!above")
	f("/%", "!'%'")
	f("/%4", "!'%'")
	f("/%4g", "!'%'")
	f("/%g4/", "!'%'")
	f("/a%/b", "!'%'")
	f("/a%00", "!%00")
	f("/a\\b", "!backslash")
	f("/..\\b", "!backslash")
	f("/a%5cb", "!backslash")
	f("/..%5C", "!backslash")
	f("/a b", "!byte")
	f("/a\x7f", "!byte")
	f("/\x80", "!byte")
	f("/%41\x00", "!byte")
	f("/a?b", "!byte")
	f("/a#b", "!byte")
	f("/%2e", "!percent-codes")
	f("/a/%2e%2E/b", "!percent-codes")
	f("/a/.%2e", "!percent-codes")
	f("/a/%2e./b", "!percent-codes")
	for _, dots := range []string{".", "..", "%2e", ".%2E"} {
		for _, tail := range []string{";", ";x", ";/", "%3b", "%2F", "%2fb", "%20", "%0d%0a", "%09", "%7f", "%3Fx", "%23x"} {
			for _, head := range []string{"/", "/a/", "/a%2F", "/a%2f%2F"} {
				f(head+dots+tail, "!only some servers")
			}
		}
		f("/a%2F"+dots, "!only some servers")
		f("/a/b%2f"+dots+"/c", "!only some servers")
	}
	f(strings.Repeat("/a", exchange.MaxPathSegments), strings.Repeat("/a", exchange.MaxPathSegments))
	f(strings.Repeat("/a", exchange.MaxPathSegments+1), "!256")
	f("/."+strings.Repeat("/a", exchange.MaxPathSegments), "!256")
	f("/"+strings.Repeat("%41", 4000), "/"+strings.Repeat("A", 4000)) // beyond Scratch
}

// An origin decoder is one honest or sloppy way to read a path: it returns the segments it acts on, dot segments
// resolved, and whether it had to climb.
type decoder struct {
	name string
	read func(path string) []string // segments before dot segments are resolved
}

var decoders = []decoder{
	{"splits, then decodes", func(p string) []string { return each(split(p), decode) }},
	{"decodes, then splits", func(p string) []string { return split(decode(p)) }},
	{"backslash is a slash", func(p string) []string { return split(strings.ReplaceAll(decode(p), `\`, "/")) }},
	{"cuts parameters, then decodes", func(p string) []string { return each(each(split(p), cut), decode) }},
	{"decodes, then cuts parameters", func(p string) []string { return each(split(decode(p)), cut) }},
	{"decodes, cuts, backslash is a slash", func(p string) []string {
		return each(split(strings.ReplaceAll(decode(p), `\`, "/")), cut)
	}},
	{"decodes, trims blanks and controls", func(p string) []string {
		return each(split(decode(p)), func(s string) string { return strings.TrimRight(s, "\t\n\v\f\r\x01\x7f ") })
	}},
	{"decodes, ends at NUL", func(p string) []string {
		p, _, _ = strings.Cut(decode(p), "\x00")
		return split(p)
	}},
	{"decodes, reads a URL again", func(p string) []string {
		p = decode(p)
		if i := strings.IndexAny(p, "?#"); i >= 0 {
			p = p[:i]
		}
		return split(p)
	}},
}

func split(p string) []string { return strings.Split(strings.TrimPrefix(p, "/"), "/") }

func each(list []string, f func(string) string) []string {
	out := make([]string, len(list))
	for i, s := range list {
		out[i] = f(s)
	}
	return out
}

func cut(s string) string { s, _, _ = strings.Cut(s, ";"); return s }

func decode(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '%' && i+2 < len(s) {
			hi, lo := strings.IndexByte(digits, s[i+1]|0x20), strings.IndexByte(digits, s[i+2]|0x20)
			if hi >= 0 && lo >= 0 {
				b.WriteByte(byte(hi<<4 | lo))
				i += 2
				continue
			}
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

const digits = "0123456789abcdef"

// checkNormal asserts every promise about an accepted path, and says whether it was accepted.
func checkNormal(t interface {
	Fatalf(string, ...any)
	Helper()
}, in []byte,
) bool {
	t.Helper()
	x := exchange.Acquire()
	defer x.Release()
	sent := bytes.Clone(in)
	got, err := exchange.NormalPath(in, &x.Scratch)
	if !bytes.Equal(in, sent) {
		t.Fatalf("%q was changed in place to %q", sent, in)
	}
	if err != nil {
		if fault.Of(err) != fault.BadRequest {
			t.Fatalf("%q: %v", in, err)
		}
		return false
	}
	again, err := exchange.NormalPath(got, &x.Scratch)
	if err != nil || !bytes.Equal(again, got) {
		t.Fatalf("%q: normal form %q becomes %q, %v", in, got, again, err)
	}
	if &again[0] != &got[0] {
		t.Fatalf("%q: normal form %q was copied", in, got)
	}
	if exchange.HasDotSegment(got) {
		t.Fatalf("%q: normal form %q has a dot segment", in, got)
	}
	// No decoder finds a dot segment in the normal form: its segments are the router's, decoded, one for one where it
	// splits at '/' only, and never resolved away.
	for _, d := range decoders {
		for _, s := range d.read(string(got)) {
			if s == "." || s == ".." {
				t.Fatalf("%q: normal form %q has a dot segment for a server that %s", in, got, d.name)
			}
		}
	}
	if !bytes.Contains(got, []byte("%2F")) {
		if a, b := decoders[0].read(string(got)), decoders[1].read(string(got)); !slices.Equal(a, b) {
			t.Fatalf("%q: segments %q or %q", in, a, b)
		}
	}
	// It decodes to what the client meant: resolving what was sent gives the same segments.
	if want := resolve(split(string(in))); !slices.Equal(each(want, decode), each(split(string(got)), decode)) {
		t.Fatalf("%q: normal form %q, want the segments %q", in, got, want)
	}
	return true
}

// resolve removes dot segments as a list, beside the byte-wise way of NormalPath.
func resolve(segments []string) []string {
	var out []string
	for i, s := range segments {
		last := i == len(segments)-1
		switch {
		case s == "." && last:
			out = append(out, "")
		case s == ".":
		case s == "..":
			if out = out[:len(out)-1]; last {
				out = append(out, "")
			}
		default:
			out = append(out, s)
		}
	}
	return out
}

func TestNoTargetSplitsRouterAndOrigin(t *testing.T) {
	piece := rapid.SampledFrom([]string{
		"/", "/", ".", "..", "%2e", "%2E", "%2F", "%2f", "%5c", "\\", ";", "%3b", "%00", "%20", "%09", "%7F", "%3f", "%23", "%25", "%", "%4", "%41", "a", "b", "%c3%a9", "%252e", "~",
	})
	accepted := 0
	rapid.Check(t, func(t *rapid.T) {
		path := "/" + strings.Join(rapid.SliceOfN(piece, 0, 12).Draw(t, "path"), "")
		if checkNormal(t, []byte(path)) {
			accepted++
		}
	})
	if accepted == 0 {
		t.Fatal("no path was accepted: the property was not tested")
	}
}

// TestEveryShortTarget is the table behind the property: every string of up to six of the tokens that matter.
func TestEveryShortTarget(t *testing.T) {
	tokens := []string{"/", ".", "%2e", "%2F", ";", "%3B", "a", "%5C"}
	depth := 6
	if testing.Short() {
		depth = 4
	}
	accepted := 0
	var walk func(path string, depth int)
	walk = func(path string, depth int) {
		if checkNormal(t, []byte(path)) {
			accepted++
		}
		if depth == 0 {
			return
		}
		for _, token := range tokens {
			walk(path+token, depth-1)
		}
	}
	walk("/", depth)
	if accepted < 100 {
		t.Fatalf("only %d paths were accepted", accepted)
	}
}

func FuzzNormalPath(f *testing.F) {
	for _, s := range []string{"/", "/a/b", "/a/../b", "/%41%2f..", "//./", "/..;x", "/a%2F..%2Fb", "/%", "/a\\b", "/%2e%2e/", "/%00", "/.well-known/x;y=z//"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, path []byte) { checkNormal(t, path) })
}

func FuzzNormalHost(f *testing.F) {
	for _, s := range []string{"a", "A.b.:80", "[::1]:443", "[0:0::1]", "1.2.3.4", "a..b", "a:", "[fe80::1%eth0]", "user@a", "xn--bcher-kva.example."} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, authority []byte) {
		x := exchange.Acquire()
		defer x.Release()
		host, port, err := exchange.NormalHost(authority, &x.Scratch)
		if err != nil {
			if fault.Of(err) != fault.BadRequest || host != nil || port != 0 {
				t.Fatalf("%q: %q %d %v", authority, host, port, err)
			}
			return
		}
		again, none, err := exchange.NormalHost(host, &x.Scratch)
		if err != nil || none != 0 || !bytes.Equal(again, host) {
			t.Fatalf("%q: normal form %q becomes %q %d %v", authority, host, again, none, err)
		}
		if len(host) == 0 || bytes.ContainsAny(host, "/@%?#\\, \t\r\n\x00ABCDEFGHIJKLMNOPQRSTUVWXYZ") || host[len(host)-1] == '.' {
			t.Fatalf("%q: normal form %q", authority, host)
		}
	})
}

func TestNormalFormsDoNotAllocate(t *testing.T) {
	x := exchange.Acquire()
	defer x.Release()
	f := func(what string, run func(s *exchange.Scratch)) {
		t.Helper()
		if n := testing.AllocsPerRun(100, func() { run(&x.Scratch) }); n != 0 {
			t.Errorf("%s: %v allocations", what, n)
		}
	}
	path := func(p string) func(*exchange.Scratch) {
		in := []byte(p)
		return func(s *exchange.Scratch) { *s = exchange.Scratch{}; _, _ = exchange.NormalPath(in, s) }
	}
	host := func(h string) func(*exchange.Scratch) {
		in := []byte(h)
		return func(s *exchange.Scratch) { *s = exchange.Scratch{}; _, _, _ = exchange.NormalHost(in, s) }
	}
	f("normal path", path("/api/v1/orders/17/items"))
	f("path to rewrite", path("/api/./v1/%41/../b%2fc"))
	f("refused path", path("/a/..%2fb"))
	f("normal host", host("shop.example.com:8443"))
	f("host to rewrite", host("Shop.Example.com."))
	f("refused host", host("a..b"))
}

func BenchmarkNormalPath(b *testing.B) {
	for _, c := range []struct{ name, path string }{
		{"normal", "/api/v1/orders/17/items/blue-shirt"},
		{"dotfile", "/api/.well-known/orders/17/items"},
		{"codes", "/api/v1/%6frders/17%2fitems/../blue"},
	} {
		b.Run(c.name, func(b *testing.B) {
			in := []byte(c.path)
			x := exchange.Acquire()
			defer x.Release()
			b.ReportAllocs()
			for b.Loop() {
				out, err := exchange.NormalPath(in, &x.Scratch)
				if err != nil {
					b.Fatal(err)
				}
				if &out[0] != &in[0] {
					x.Scratch.Trim(out, 0)
				}
			}
		})
	}
}

func BenchmarkNormalHost(b *testing.B) {
	in := []byte("shop.example.com:8443")
	var s exchange.Scratch
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := exchange.NormalHost(in, &s); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkReferencePathClean(b *testing.B) {
	in := "/api/v1/orders/17/items/blue-shirt"
	for b.Loop() {
		if path.Clean(in) != in {
			b.Fatal("changed")
		}
	}
}
