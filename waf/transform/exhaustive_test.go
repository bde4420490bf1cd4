package transform_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"golang.org/x/net/html"

	"skerry.dev/skerry/waf/match"
	"skerry.dev/skerry/waf/transform"
)

// TestEveryCharacter writes every character in each form that a transformation decodes, and holds the results against Coraza.
func TestEveryCharacter(t *testing.T) {
	f := func(id transform.ID, limit rune, write func(b []byte, r rune) []byte) {
		t.Helper()
		o := newOracle(t, []string{"t:" + id.String()})
		const (
			together = 1 << 12
			rareFrom = 0x20000 // the planes between have neither letters with cases nor spaces
			rareTo   = 0x10F000
		)
		for first := rune(0); first < limit; first += together {
			if first == rareFrom {
				first = rareTo
			}
			var in []byte
			for r := first; r < min(first+together, limit); r++ {
				in = append(write(in, r), 'g')
			}
			got, want := id.Append(nil, in), o.run(t, in)[0]
			if !bytes.Equal(got, want) {
				t.Errorf("%v of U+%04X and the following: first difference at %s", id, first, around(got, want))
			}
			if n := id.Max(len(in)); len(got) > n {
				t.Errorf("%v of U+%04X and the following: %d bytes of %d, Max says %d", id, first, len(got), len(in), n)
			}
		}
	}
	format := func(f string) func([]byte, rune) []byte {
		return func(b []byte, r rune) []byte { return fmt.Appendf(b, f, r) }
	}
	const beyond = utf8.MaxRune + 1<<12 + 1
	f(transform.URLDecodeUni, 1<<16, format("%%u%04x"))
	f(transform.URLDecodeUni, 1<<8, format("%%%02X"))
	f(transform.URLDecode, 1<<8, format("%%%02x"))
	f(transform.JSDecode, 1<<16, format(`\u%04X`))
	f(transform.JSDecode, beyond, format(`\u{%x}`))
	f(transform.JSDecode, 1<<9, format(`\%o`))
	f(transform.JSDecode, 1<<8, format(`\%c`))
	f(transform.EscapeSeqDecode, 1<<9, format(`\%o`))
	f(transform.EscapeSeqDecode, 1<<8, format(`\X%02x`))
	f(transform.EscapeSeqDecode, 1<<8, format(`\%c`))
	f(transform.CSSDecode, beyond, format(`\%x `))
	f(transform.CSSDecode, 1<<8, format(`\%c`))
	f(transform.HTMLEntityDecode, beyond, format("&#%d"))
	f(transform.HTMLEntityDecode, beyond, format("&#X%x;"))
	for _, id := range []transform.ID{transform.Lowercase, transform.Uppercase, transform.RemoveWhitespace,
		transform.CompressWhitespace, transform.UTF8ToUnicode} {
		f(id, utf8.MaxRune+1, utf8.AppendRune)
	}
}

// around shows two values from a little before they differ.
func around(got, want []byte) string {
	i := 0
	for i < len(got) && i < len(want) && got[i] == want[i] {
		i++
	}
	cut := func(b []byte) []byte { return b[max(0, i-20):min(len(b), i+20)] }
	return fmt.Sprintf("%d: %q, want %q", i, cut(got), cut(want))
}

// TestCaseOutput holds the classes that change by Unicode's cases against all characters.
func TestCaseOutput(t *testing.T) {
	for r := rune(0x80); r <= utf8.MaxRune; r++ {
		in := utf8.AppendRune(nil, r)
		for _, id := range []transform.ID{transform.Lowercase, transform.Uppercase} {
			out := id.Append(nil, in)
			if match.MaskOf(out)&^id.Output(match.MaskHigh) != 0 {
				t.Errorf("%v of %q is %q: classes beyond Output's", id, in, out)
			}
		}
	}
}

// TestEntities decodes every name that HTML has, each alone, before a letter, and without its last byte.
func TestEntities(t *testing.T) {
	names := transform.EntityNames()
	if len(names) != 2231 {
		t.Errorf("%d names, the standard has 2231", len(names))
	}
	for _, name := range names {
		for _, in := range []string{"&" + name, "x&" + name + "x", "&" + strings.TrimSuffix(name, ";"), "&" + name[:len(name)-1], "&&" + name + ";"} {
			want := html.UnescapeString(in)
			if got := string(transform.HTMLEntityDecode.Append(nil, []byte(in))); got != want {
				t.Errorf("%q: %q, want %q", in, got, want)
			}
		}
		checkProperties(t, []byte("&"+name), 0)
		if html.UnescapeString("&"+name) == "&"+name {
			t.Errorf("%q is not a name of the standard's", name)
		}
	}
}
