package injection

import "bytes"

// token is a word of SQL. Its value are len bytes of the input from pos, unless it is merged.
type token struct {
	pos         int
	kind        category
	len         uint8 // at most wordMax: the value is cut there
	open, close byte  // the quotes of a string, 0 for one that is not there
	word        uint16
	traits      traits
}

// lexer takes a value apart into tokens, the way libinjection does: as many databases as possible read it so.
type lexer struct {
	in    []byte
	at    int
	quote byte // the value is read as if it came after this quote, 0 for none
	mysql bool // -- needs white space behind it, # begins a comment

	count   int  // tokens so far, those that were folded away too
	dialect bool // something was read that MySQL reads in another way
}

// begin is what a first byte makes of a token.
type begin uint8

const (
	beginWord begin = iota
	beginWhite
	beginByte // it stands for itself
	beginOperator
	beginOperators // one of two or three bytes, perhaps
	beginString
	beginNumber
	beginDash
	beginSlash
	beginHash
	beginMoney
	beginVariable
	beginBackslash
	beginTick
	beginBracket
	beginB
	beginE
	beginN
	beginQ
	beginU
	beginX
)

// byteKind is what the tables know of a byte: how a token begins with it and its category if it stands for itself.
type byteKind struct {
	begin  begin
	single category
}

var byteKinds = func() (t [256]byteKind) {
	set := func(list string, b begin) {
		for i := range len(list) {
			t[list[i]] = byteKind{b, none}
		}
	}
	for c := range 0x21 {
		t[c].begin = beginWhite
	}
	set("\x7f\xa0", beginWhite)
	set("!&*:<=>|", beginOperators)
	set("\"'", beginString)
	set(".0123456789", beginNumber)
	for c := range []byte("(),;{}?]%+^~") {
		letter := "(),;{}?]%+^~"[c]
		t[letter] = byteKind{beginByte, categoryOf(letter)}
	}
	t[']'].single = unknown
	set("%+^~", beginOperator)
	for i, b := range []begin{beginDash, beginSlash, beginHash, beginMoney, beginVariable, beginBackslash, beginTick, beginBracket} {
		set("-/#$@\\`["[i:i+1], b)
	}
	for i, b := range []begin{beginB, beginE, beginN, beginQ, beginU, beginX} {
		set("BENQUX"[i:i+1], b)
		set("benqux"[i:i+1], b)
	}
	return t
}()

// inWord is, for the bytes that a word goes on with, their upper case, and splits beside it if the word may end before them.
// It is 0 for those that end a word.
var inWord = func() (t [256]uint16) {
	for c := range t {
		t[c] = uint16(upper(byte(c)))
	}
	for _, c := range []byte(" []{}<>:\\?=@!#~+-*/&|^%(),';\t\n\v\f\r\"\xa0\x00") {
		t[c] = 0
	}
	t['.'] |= splits
	t['`'] |= splits
	return t
}()

const splits = 0x100

// inVariable is whether the name of a variable goes on with a byte.
var inVariable = func() (t [256]bool) {
	for c := range t {
		t[c] = true
	}
	for _, c := range []byte(" <>:\\?=@!#~+-*/&|^%(),';\t\n\v\f\r'`\"") {
		t[c] = false
	}
	return t
}()

// isWhite reports whether a byte is white space behind "--" and behind a number.
func isWhite(c byte) bool {
	return c == ' ' || c >= '\t' && c <= '\r' || c == 0xa0 || c == 0
}

// start makes the lexer read from the beginning, in a context.
func (x *lexer) start(quote byte, mysql bool) {
	x.at, x.quote, x.mysql, x.count, x.dialect = 0, quote, mysql, 0, false
}

// next reads one token into t and reports whether there was one; t is empty if not.
func (x *lexer) next(t *token) bool {
	*t = token{}
	if x.at == 0 && x.quote != 0 {
		x.at = x.quoted(t, 0, 0, x.quote)
		x.count++
		return true
	}
	for x.at < len(x.in) {
		k := byteKinds[x.in[x.at]]
		switch k.begin {
		case beginWhite:
			x.at++
			continue
		case beginWord:
			x.at = x.text(t, x.at)
		case beginByte:
			x.at = x.assign(t, k.single, x.at, 1)
		default:
			x.at = x.special(t, k.begin, x.at)
		}
		if t.kind != none {
			x.count++
			return true
		}
	}
	return false
}

// special reads what is neither a plain word nor a byte for itself.
func (x *lexer) special(t *token, b begin, at int) int {
	switch b {
	case beginOperator:
		return x.single(t, at)
	case beginOperators:
		return x.operators(t, at)
	case beginString:
		return x.quoted(t, at, 1, x.in[at])
	case beginNumber:
		return x.number(t, at)
	case beginDash:
		return x.dash(t, at)
	case beginSlash:
		return x.slash(t, at)
	case beginHash:
		return x.hash(t, at)
	case beginMoney:
		return x.money(t, at)
	case beginVariable:
		return x.variable(t, at)
	case beginBackslash:
		if at+1 < len(x.in) && x.in[at+1] == 'N' { // what MySQL writes for NULL
			return x.assign(t, number, at, 2)
		}
		return x.assign(t, backslash, at, 1)
	case beginTick:
		return x.tick(t, at)
	case beginBracket:
		return x.bracket(t, at)
	}
	return x.prefixed(t, b, at)
}

// assign makes t the n bytes from at, and returns where they end.
func (x *lexer) assign(t *token, kind category, at, n int) int {
	t.kind, t.pos, t.len = kind, at, uint8(min(n, wordMax))
	return at + n
}

// single is an operator of one byte.
func (x *lexer) single(t *token, at int) int {
	switch x.in[at] {
	case '+', '-':
		t.traits = unary | arithmetic
	case '!', '~':
		t.traits = unary
	case '*', '/', '%':
		t.traits = arithmetic
	}
	return x.assign(t, operator, at, 1)
}

// operators is an operator that has more bytes, perhaps.
func (x *lexer) operators(t *token, at int) int {
	if at+1 >= len(x.in) {
		return x.single(t, at)
	}
	a, b := x.in[at], x.in[at+1]
	if a == '<' && b == '=' && at+2 < len(x.in) && x.in[at+2] == '>' {
		return x.assign(t, operator, at, 3)
	}
	if kind := operatorPair(a, b); kind != none {
		switch {
		case a == '!' && b == '!':
			t.traits = unary
		case a == ':' && b == ':':
			t.traits = cast
		}
		return x.assign(t, kind, at, 2)
	}
	if a == ':' {
		return x.assign(t, colon, at, 1)
	}
	return x.single(t, at)
}

// operatorPair is what two bytes are, none if not an operator.
func operatorPair(a, b byte) category {
	is := false
	switch a {
	case '!':
		is = b == '!' || b == '<' || b == '=' || b == '>'
	case '&', '|':
		if a == b {
			return logic
		}
		is = b == '=' || a == '|' && b == '/'
	case '*':
		is = b == '='
	case ':':
		is = b == ':' || b == '='
	case '<':
		is = b == '<' || b == '=' || b == '>' || b == '@'
	case '>':
		is = b == '=' || b == '>'
	}
	if is {
		return operator
	}
	return none
}

// toLineEnd is a comment that ends with the line.
func (x *lexer) toLineEnd(t *token, at int) int {
	if n := bytes.IndexByte(x.in[at:], '\n'); n >= 0 {
		return x.assign(t, comment, at, n) + 1
	}
	return x.assign(t, comment, at, len(x.in)-at)
}

// dash is a comment or an operator. MySQL wants white space behind a comment's two dashes, nobody else does.
func (x *lexer) dash(t *token, at int) int {
	if at+1 >= len(x.in) || x.in[at+1] != '-' {
		return x.single(t, at)
	}
	if at+2 == len(x.in) || isWhite(x.in[at+2]) {
		return x.toLineEnd(t, at)
	}
	if x.mysql {
		return x.single(t, at)
	}
	x.dialect = true
	return x.toLineEnd(t, at)
}

// hash is a comment of MySQL, an operator elsewhere.
func (x *lexer) hash(t *token, at int) int {
	if x.mysql {
		return x.toLineEnd(t, at)
	}
	x.dialect = true
	return x.single(t, at)
}

// slash is a comment or an operator. A comment in a comment is read in two ways, and what follows /*! MySQL runs.
func (x *lexer) slash(t *token, at int) int {
	if at+1 >= len(x.in) || x.in[at+1] != '*' {
		return x.single(t, at)
	}
	kind, n := comment, len(x.in)-at
	body := x.in[at+2:]
	if i := bytes.Index(body, []byte("*/")); i >= 0 {
		n = i + 4
		if bytes.Contains(body[:i+1], []byte("/*")) {
			kind = evil
		}
	}
	if len(body) > 0 && body[0] == '!' {
		kind = evil
	}
	return x.assign(t, kind, at, n)
}

// variable is a name behind one @ or two, which may be quoted.
func (x *lexer) variable(t *token, at int) int {
	at++
	if at < len(x.in) && x.in[at] == '@' {
		at++
	}
	if at < len(x.in) && (x.in[at] == '`' || x.in[at] == '\'' || x.in[at] == '"') {
		end := x.quoted(t, at, 1, x.in[at])
		t.kind = variable
		x.nameCallable(t)
		return end
	}
	end := at
	for end < len(x.in) && inVariable[x.in[end]] {
		end++
	}
	x.assign(t, variable, at, end-at)
	x.nameCallable(t)
	return end
}

// nameCallable tells of a variable whether it is a function before a parenthesis.
func (x *lexer) nameCallable(t *token) {
	if t.len < 4 {
		return // USER is the shortest
	}
	switch upper(x.in[t.pos]) {
	case 'C', 'D', 'L', 'P', 'U':
		_, has := words.lookup(x.in[t.pos : t.pos+int(t.len)])
		t.traits = has & (callable | wordUser)
	}
}
