package seclang

import "strings"

// word is one argument of a directive; quotes around it are gone, and so are the escapes of that quote within it.
type word struct {
	span
	quoted bool
}

// words cuts a directive's arguments. Within double quotes \" is a quote, and every other backslash stays, as in Coraza's operators;
// Apache, and so ModSecurity 2, would also make one backslash of two. Coraza leaves \" as it is in actions; here a word is a word.
// A bare word ends at white space that no 'quoted' key protects.
func words(t span) (out []word, wrong string, at Pos) {
	for {
		t = t.from(len(t.s) - len(strings.TrimLeft(t.s, space)))
		if t.s == "" {
			return out, "", Pos{}
		}
		if q := t.s[0]; q == '"' || q == '\'' {
			n := closing(t.s, q)
			switch {
			case n < 0:
				return nil, "the quote that begins here is not closed", t.pos()
			case n+1 < len(t.s) && strings.IndexByte(space, t.s[n+1]) < 0:
				return nil, "text directly after a closing quote; a quote within quotes is written \\" + string(q), t.at(n + 1)
			}
			out = append(out, word{t.sub(1, n).unescape(q), true})
			t = t.from(n + 1)
			continue
		}
		n, ok := bare(t.s)
		if !ok {
			return nil, "the key's quote is not closed", t.at(n)
		}
		out = append(out, word{t.sub(0, n), false})
		t = t.from(n)
	}
}

// closing is the offset of the quote that ends the one at the beginning of s, or -1. An odd number of backslashes escapes it.
func closing(s string, q byte) int {
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case q:
			return i
		}
	}
	return -1
}

// bare is where a word without quotes ends, or where its key's quote begins that nothing closes.
func bare(s string) (n int, ok bool) {
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case strings.IndexByte(space, c) >= 0:
			return i, true
		case c == '\'' && i > 0 && s[i-1] == ':':
			n := closing(s[i:], '\'')
			if n < 0 {
				return i, false
			}
			i += n
		}
	}
	return len(s), true
}
