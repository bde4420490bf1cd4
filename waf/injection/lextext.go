package injection

import "bytes"

// text is a word: a keyword, or a bare word. One that begins with a keyword and a dot or a backtick ends there.
func (x *lexer) text(t *token, at int) int {
	in := x.in[at:]
	var h uint64
	var high byte
	n := 0
	for n < len(in) && n <= wordMax {
		c := inWord[in[n]]
		if c == 0 {
			break
		}
		if c >= splits && n < wordMax && n > 0 {
			if w, has := x.keyword(h, in[:n], high); w != 0 {
				if k := wordList[w-1].kind; k != none && k != bareword {
					t.word, t.traits = w, has
					return x.assign(t, k, at, n)
				}
			}
		}
		h = hashStep(h, byte(c))
		high |= in[n]
		n++
	}
	if n > wordMax {
		for n < len(in) && inWord[in[n]] != 0 {
			n++
		}
		return x.assign(t, bareword, at, n)
	}
	x.assign(t, bareword, at, n)
	if w, has := x.keyword(h, in[:n], high); w != 0 {
		t.word, t.traits = w, has
		if k := wordList[w-1].kind; k != none {
			t.kind = k
		}
	}
	return at + n
}

// keyword looks a word up whose hash is known, unless high says that there is more than ASCII in it.
func (x *lexer) keyword(h uint64, text []byte, high byte) (uint16, traits) {
	if high >= 0x80 {
		return words.lookup(text)
	}
	w := words.find(h, text)
	return w, words.traitsOf(w, true)
}

// quoted is a string that begins skip bytes behind at, up to a quote that is neither doubled nor behind a backslash. With
// skip 0 the quote that opens it is not there.
func (x *lexer) quoted(t *token, at, skip int, quote byte) int {
	start := at + skip
	if skip > 0 {
		t.open = quote
	}
	for i := start; ; {
		n := bytes.IndexByte(x.in[i:], quote)
		if n < 0 {
			return x.assign(t, quoted, start, len(x.in)-start)
		}
		i += n
		switch {
		case escaped(x.in[start:i]):
			i++
		case i+1 < len(x.in) && x.in[i+1] == quote:
			i += 2
		default:
			t.close = quote
			return x.assign(t, quoted, start, i-start) + 1
		}
	}
}

// escaped reports whether text ends with an odd number of backslashes.
func escaped(text []byte) bool {
	n := len(text)
	for n > 0 && text[n-1] == '\\' {
		n--
	}
	return (len(text)-n)%2 == 1
}

// until is a string that begins at start and ends with the text end.
func (x *lexer) until(t *token, start int, end []byte, quote byte) int {
	t.open = quote
	n := bytes.Index(x.in[start:], end)
	if n < 0 {
		return x.assign(t, quoted, start, len(x.in)-start)
	}
	t.close = quote
	return x.assign(t, quoted, start, n) + len(end)
}

// tick is a name of MySQL in backticks, a function if it is the name of one.
func (x *lexer) tick(t *token, at int) int {
	end := x.quoted(t, at, 1, '`')
	t.kind = bareword
	t.word, t.traits = words.lookup(x.in[t.pos : t.pos+int(t.len)])
	t.traits &^= unary // a name is no operator
	if t.word != 0 && wordList[t.word-1].kind == function {
		t.kind = function
	}
	return end
}

// bracket is a name of SQL Server.
func (x *lexer) bracket(t *token, at int) int {
	n := bytes.IndexByte(x.in[at:], ']')
	if n < 0 {
		return x.assign(t, bareword, at, len(x.in)-at)
	}
	return x.assign(t, bareword, at, n+1)
}

// prefixed is a string with a letter before it, such as N'text', or a word.
func (x *lexer) prefixed(t *token, b begin, at int) int {
	in := x.in[at:]
	if len(in) < 3 {
		return x.text(t, at)
	}
	tick := in[1] == '\''
	switch {
	case b == beginU && in[1] == '&' && in[2] == '\'':
		end := x.quoted(t, at+2, 1, '\'')
		t.open = 'u'
		if t.close != 0 {
			t.close = 'u'
		}
		return end
	case b == beginQ && tick:
		return x.oracle(t, at, 0)
	case b == beginN && upper(in[1]) == 'Q':
		return x.oracle(t, at, 1)
	case (b == beginE || b == beginN) && tick:
		return x.quoted(t, at, 2, '\'')
	case b == beginX && tick:
		return x.digits(t, at, isHex)
	case b == beginB && tick:
		return x.digits(t, at, isBinary)
	}
	return x.text(t, at)
}

// oracle is a string q'(text)' with any printable byte, brackets as pairs.
func (x *lexer) oracle(t *token, at, skip int) int {
	q := at + skip
	if q+2 >= len(x.in) || x.in[q+1] != '\'' || x.in[q+2] < 33 || x.in[q+2] > 127 {
		return x.text(t, at)
	}
	end := [2]byte{x.in[q+2], '\''}
	switch end[0] {
	case '(':
		end[0] = ')'
	case '[':
		end[0] = ']'
	case '{':
		end[0] = '}'
	case '<':
		end[0] = '>'
	}
	return x.until(t, q+3, end[:], 'q')
}

// digits is a number x'1f' or b'01', a word if other bytes are in it or it does not end.
func (x *lexer) digits(t *token, at int, is func(byte) bool) int {
	end := at + 2
	for end < len(x.in) && is(x.in[end]) {
		end++
	}
	if end >= len(x.in) || x.in[end] != '\'' {
		return x.text(t, at)
	}
	return x.assign(t, number, at, end+1-at)
}

func isHex(c byte) bool    { return isDigit(c) || upper(c) >= 'A' && upper(c) <= 'F' }
func isBinary(c byte) bool { return c == '0' || c == '1' }
func isDigit(c byte) bool  { return c-'0' <= 9 }

// money is an amount, a string $$text$$ or $tag$text$tag$ of PostgreSQL, or a dollar sign.
func (x *lexer) money(t *token, at int) int {
	n := 1
	in := x.in[at:]
	for n < len(in) && (isDigit(in[n]) || in[n] == '.' || in[n] == ',') {
		n++
	}
	switch {
	case n == 2 && in[1] == '.':
		return x.text(t, at)
	case n > 1:
		return x.assign(t, number, at, n)
	case len(in) > 1 && in[1] == '$':
		return x.until(t, at+2, in[:2], '$')
	}
	for n < len(in) && upper(in[n]) >= 'A' && upper(in[n]) <= 'Z' {
		n++
	}
	if n == 1 || n == len(in) || in[n] != '$' {
		return x.assign(t, bareword, at, 1)
	}
	return x.until(t, at+n+1, in[:n+1], '$')
}

// number is a number, a dot, or nothing: MySQL ignores an exponent without digits, and what it belongs to.
func (x *lexer) number(t *token, at int) int {
	if end := x.radix(t, at); end > 0 {
		return end
	}
	in, i := x.in, at
	i = skipDigits(in, i)
	if i < len(in) && in[i] == '.' {
		i = skipDigits(in, i+1)
		if i-at == 1 {
			return x.assign(t, dot, at, 1)
		}
	}
	if i < len(in) && upper(in[i]) == 'E' {
		i++
		if i < len(in) && (in[i] == '+' || in[i] == '-') {
			i++
		}
		digits := i
		i = skipDigits(in, i)
		if i == digits {
			return floatSuffix(in, i)
		}
	}
	i = floatSuffix(in, i)
	x.assign(t, number, at, i-at)
	return i
}

// radix is a number 0x1f or 0b01, a bare word if it has no digits; 0 if the number begins in another way.
func (x *lexer) radix(t *token, at int) int {
	if x.in[at] != '0' || at+1 >= len(x.in) {
		return 0
	}
	i := at + 2
	switch upper(x.in[at+1]) {
	case 'X':
		for i < len(x.in) && isHex(x.in[i]) {
			i++
		}
	case 'B':
		for i < len(x.in) && isBinary(x.in[i]) {
			i++
		}
	default:
		return 0
	}
	if i == at+2 {
		return x.assign(t, bareword, at, 2)
	}
	return x.assign(t, number, at, i-at)
}

func skipDigits(in []byte, i int) int {
	for i < len(in) && isDigit(in[i]) {
		i++
	}
	return i
}

// floatSuffix skips Oracle's suffix of a float or double, if the number ends with it or UNION follows at once.
func floatSuffix(in []byte, i int) int {
	if i < len(in) && (upper(in[i]) == 'D' || upper(in[i]) == 'F') {
		if i+1 == len(in) || isWhite(in[i+1]) || in[i+1] == ';' || upper(in[i+1]) == 'U' {
			return i + 1
		}
	}
	return i
}
