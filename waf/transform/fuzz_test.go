package transform_test

import (
	"bytes"
	"io/fs"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/corazawaf/coraza-coreruleset/v4/tests"

	"skerry.dev/skerry/waf/match"
	"skerry.dev/skerry/waf/transform"
)

// seeds are values with something for each transformation.
var seeds = []string{
	"", "a", "1", "A", "a  b", "a /b", "a b", `\a`, `\b`, `\f`, `\n`, `\xff`, `\uffff`, "/", ".", "%", "+", "&", `\`, "#", "1", "\x00", "\xa0", "\x85",
	"The quick brown fox, jumps; over  the lazy dog.",
	"a\tb\nc\vd\fe\rf  g\u00a0h\u0085i\u2003j\xa0k\u3000",
	"TestCase%41%u0041%uff1c%U2019%zz%u12%4", "a+b%2Bc%00%c0%af",
	"&lt;script&gt;&LT&#60;&#x3c&#9x&#1114112;&#xD800;&#128;&nGt;&ampamp;&notit;&fjlig;&CounterClockwiseContourIntegral;&#;&#x;&#0",
	`\u003c\x3e\74\u{3c}\u{ff1c}\uff1c\a\n\q\400\x4\u12\`, `\41 lert\000041x\0\ff1c\10ffff\110000\` + "\n" + `z\`,
	"/../a/./b//c/../d/", "../../a/..", `C:\windows\system32\..\file.txt::$DATA`, "a./b /.../ . /c:d/", "/ /", ". /a",
	"a/**/b/* c */d<!-- e -->f/*", "x--y", "x#y", "/**//**/", "a*/b-->c", "0x414243 0x4 0X61626G",
	`"c\md" ^/c , ; dir  /x (y`, "PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg==", "PHNj\ncmlw.dD5h-_", "414243", "41424", "4142zz",
	"ÀÉİKſıȺ\xc0\xbc\xe0\x80\xbc\xf0\x80\x80\xbc\xed\xa0\x80\xff", "日本語テキスト", "😀 emoji", "Привет, МИР",
}

// FuzzTransform holds every transformation against Coraza and against what it says about itself.
func FuzzTransform(f *testing.F) {
	for _, s := range seeds {
		f.Add([]byte(s), uint64(0))
	}
	f.Fuzz(func(t *testing.T, in []byte, more uint64) {
		if len(in) > 4096 {
			return
		}
		checkOracle(t, in)
		checkProperties(t, in, match.Mask(more))
	})
}

// FuzzChain holds the chains of CRS against Coraza.
func FuzzChain(f *testing.F) {
	for _, s := range seeds {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		if len(in) < 4096 {
			checkChains(t, in)
		}
	})
}

// lower is ASCII lower case, the simple way.
func lower(in []byte) []byte {
	out := bytes.Clone(in)
	for i, c := range out {
		if c >= 'A' && c <= 'Z' {
			out[i] = c + 'a' - 'A'
		}
	}
	return out
}

// checkProperties checks what the methods promise, for in and for the classes of in and more.
func checkProperties(t testing.TB, in []byte, more match.Mask) {
	t.Helper()
	const prefix = "prefix"
	before := bytes.Clone(in)
	for id := range transform.Count {
		room := make([]byte, len(prefix), len(prefix)+id.Max(len(in)))
		copy(room, prefix)
		all := id.Append(room, in)
		out, ok := bytes.CutPrefix(all, []byte(prefix))
		if !ok || !bytes.Equal(in, before) {
			t.Fatalf("%v of %q changed what stands before it, or the value: %q, %q", id, before, all, in)
		}
		if len(out) > id.Max(len(in)) || cap(all) != cap(room) {
			t.Errorf("%v of %q: %d bytes, Max says %d", id, in, len(out), id.Max(len(in)))
		}
		same := bytes.Equal(out, in)
		if id.Changed(in) == same {
			t.Errorf("%v of %q: Changed says %v, the result is %q", id, in, id.Changed(in), out)
		}
		for _, m := range []match.Mask{match.MaskOf(in), match.MaskOf(in) | more} {
			if id.Identity(m) && !same {
				t.Errorf("%v of %q: %q, but Identity(%x)", id, in, out, m)
			}
			if got := match.MaskOf(out); got&^id.Output(m) != 0 {
				t.Errorf("%v of %q: %q has classes %x that Output(%x) does not name", id, in, out, got&^id.Output(m), m)
			}
			if id.Lowers(m) && !bytes.Equal(out, lower(in)) {
				t.Errorf("%v of %q: %q, but Lowers(%x)", id, in, out, m)
			}
		}
		if id.Folds() {
			if l := id.Append(nil, lower(in)); !bytes.Equal(l, lower(out)) {
				t.Errorf("%v folds, but of %q in lower case it is %q, not %q", id, in, l, lower(out))
			}
		}
	}
	if n := len(transform.Base64Decode.Append(nil, in)); transform.Base64Len(in) != n {
		t.Errorf("Base64Len(%q) is %d, base64Decode gives %d bytes", in, transform.Base64Len(in), n)
	}
}

// ftwValues are the request lines and bodies of CRS's regression tests.
func ftwValues(t testing.TB) (values [][]byte) {
	t.Helper()
	err := fs.WalkDir(tests.FS, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := fs.ReadFile(tests.FS, name)
		if err != nil {
			return err
		}
		for line := range strings.Lines(string(text)) {
			key, value, _ := strings.Cut(strings.TrimSpace(line), ": ")
			if key == "uri" || key == "data" || key == "User-Agent" || key == "Cookie" {
				values = append(values, []byte(value))
			}
		}
		return nil
	})
	if err != nil || len(values) < 4000 {
		t.Fatalf("%d values of the regression tests, %v", len(values), err)
	}
	return values
}

// TestCorpus runs the oracle and the properties over seeds, CRS's tests and random mixtures of both.
func TestCorpus(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	values := ftwValues(t)
	for _, s := range seeds {
		values = append(values, []byte(s))
	}
	compared := 0
	check := func(v []byte) {
		checkOracle(t, v)
		checkProperties(t, v, match.Mask(r.Uint64()))
		compared += checkChains(t, v)
	}
	seen := map[string]bool{}
	for _, v := range values {
		if !seen[string(v)] && (!testing.Short() || len(seen) < 500) {
			seen[string(v)] = true
			check(v)
		}
	}
	const mixtures = 1000
	for range mixtures {
		check(mixture(r, values))
	}
	if all := (len(seen) + mixtures) * len(crsChains); compared < all/2 {
		t.Errorf("only %d of %d chains were held against Coraza: too many values differ", compared, all)
	}
}

// mixture is a few pieces of values and of what transformations look for, one after another.
func mixture(r *rand.Rand, values [][]byte) (out []byte) {
	pieces := []string{`\`, `\x`, `\u00`, "%", "%u00", "&#", "&#x", "&lt", ";", "/*", "*/", "--", "<!--", "-->", "/", "..", ".", " ",
		"\t", "\x00", "\xa0", "\xc2\xa0", "41", "7", "=", ":", "A", "\xc3", "\xa9", "0x", "\"", "^"}
	for range 1 + r.IntN(8) {
		if r.IntN(4) > 0 {
			out = append(out, pieces[r.IntN(len(pieces))]...)
			continue
		}
		v := values[r.IntN(len(values))]
		i := r.IntN(len(v) + 1)
		out = append(out, v[i:min(len(v), i+r.IntN(20))]...)
	}
	return out
}
