package injection

// folder reads tokens and folds those away that do not change what a statement is, until tokensMax of them stand or the
// value ends. Its rules are libinjection's, with all of their quirks: after most of them everything is looked at again from
// the first token on, while tokens that were read ahead stay.
type folder struct {
	lexer
	vec  [tokensMax + 3]token
	pos  int  // how many tokens of vec are in use; at most tokensMax+1
	left int  // the token that rules look at first
	more bool // the value may have more tokens

	trailing token // the comment behind the last token, empty if none

	fixed int    // how many tokens at the beginning can never change again
	node  uint16 // where the automaton of fingerprints is behind them
	safe  bool   // nothing in the value can be evil
	known bool   // whether safe was asked for
}

// The answers of a rule.
type answer uint8

const (
	pass   answer = iota // nothing to fold
	again                // look again
	finish               // an evil token: the first left+2 tokens are the answer
)

// fold leaves the tokens of the value, read in a context, in vec, and returns their number; 0 also if they can be no
// fingerprint.
func (f *folder) fold(quote byte, mysql bool) int {
	f.start(quote, mysql)
	f.pos, f.left, f.trailing.kind, f.fixed, f.node = 0, 0, none, 0, printRoot
	if !f.firstToken() {
		return 0
	}
	f.more, f.pos = true, 1
	for {
		if f.pos >= tokensMax {
			f.restart()
		}
		if !f.more || f.left >= tokensMax {
			break
		}
		f.fetch(2)
		if f.pos-f.left < 2 {
			f.left = f.pos
			continue
		}
		left := f.left
		switch f.foldTwo(&f.vec[left], &f.vec[left+1]) {
		case again:
			continue
		case finish:
			return left + 2
		}
		if f.left == left && f.hopeless() {
			return 0
		}
		f.fetch(3)
		if f.pos-f.left < 3 {
			f.left = f.pos
			continue
		}
		if !f.foldThree(&f.vec[f.left], &f.vec[f.left+1], &f.vec[f.left+2]) {
			f.left++
		}
	}
	return f.withComment()
}

// firstToken reads up to the first token that counts: not a comment, a parenthesis, a type or a sign.
func (f *folder) firstToken() bool {
	t := &f.vec[0]
	for f.next(t) {
		if !t.kind.in(skipped) && t.traits&unary == 0 {
			return true
		}
	}
	return false
}

const skipped categories = 1<<comment | 1<<leftParen | 1<<sqlType

// fetch reads until n tokens stand from left on, as far as there is room.
func (f *folder) fetch(n int) {
	for f.more && f.pos <= tokensMax && f.pos-f.left < n {
		t := &f.vec[f.pos]
		f.more = f.next(t)
		switch {
		case !f.more:
		case t.kind == comment:
			f.trailing = *t
		default:
			f.trailing.kind = none
			f.pos++
		}
	}
}

// withComment ends the folding: a comment behind few tokens is one of them.
func (f *folder) withComment() int {
	n := f.pos
	if n < tokensMax && f.trailing.kind == comment {
		f.vec[n] = f.trailing
		n++
	}
	return min(n, tokensMax)
}

// restart begins anew with the first token, if the five that stand are an expression in parentheses.
func (f *folder) restart() {
	a, b, c, d, e := f.vec[0].kind, f.vec[1].kind, f.vec[2].kind, f.vec[3].kind, f.vec[4].kind
	switch {
	case a == number && (b == operator || b == comma) && c == leftParen && d == number && e == rightParen:
	case a == bareword && b == operator && c == leftParen && (d == bareword || d == number) && e == rightParen:
	case a == number && b == rightParen && c == comma && d == leftParen && e == number:
	case a == bareword && b == rightParen && c == operator && d == leftParen && e == bareword:
	default:
		return
	}
	if f.pos > tokensMax { // the token that was read ahead
		f.vec[1] = f.vec[tokensMax]
		f.left, f.pos = 1, 2
	} else {
		f.left, f.pos = 0, 1
	}
}

// drop takes n tokens off the end and looks again from left on.
func (f *folder) drop(n, left int) answer {
	f.pos -= n
	f.left = max(left, 0)
	return again
}

// pairs are, for the category of a token, those of the next for which there is a rule, besides phrases and the words IN and LIKE.
var pairs = func() (t [len(letters)]categories) {
	for c := range t {
		t[c] = setOf(rightBrace)
	}
	for c, list := range map[category]categories{
		quoted:     setOf(quoted),
		semicolon:  setOf(semicolon, function),
		operator:   setOf(operator, sqlType),
		logic:      setOf(operator, sqlType),
		leftParen:  setOf(operator, leftParen),
		rightParen: setOf(rightParen),
		bareword:   setOf(leftParen),
		variable:   setOf(leftParen),
		sqlType:    setOf(bareword, number, sqlType, leftParen, function, variable, quoted),
		collate:    setOf(bareword),
		leftBrace:  setOf(bareword),
		backslash:  ^categories(0),
	} {
		t[c] |= list
	}
	return t
}()

// foldTwo applies the rules for two tokens.
func (f *folder) foldTwo(a, b *token) answer {
	switch {
	case b.kind.in(pairs[a.kind]), a.traits&(wordIn|wordLike) != 0:
	case a.traits&first != 0 && b.traits&second != 0:
	default:
		return pass
	}
	switch a.kind {
	case operator, logic:
		if b.traits&unary != 0 || b.kind == sqlType {
			return f.drop(1, 0)
		}
	case leftParen:
		if b.traits&unary != 0 {
			return f.drop(1, f.left-1)
		}
		if b.kind == leftParen {
			return f.drop(1, 0)
		}
	case quoted, semicolon:
		if a.kind == b.kind {
			return f.drop(1, f.left)
		}
		if a.kind == semicolon && b.kind == function && f.beginsIf(b) { // a statement of Transact-SQL
			b.kind = tsql
			return again
		}
	case rightParen:
		if b.kind == rightParen {
			return f.drop(1, 0)
		}
	case sqlType, leftBrace, backslash, collate:
		if done := f.foldRare(a, b); done != pass {
			return done
		}
	}
	if f.merge(a, b) {
		return f.drop(1, f.left-1)
	}
	return f.foldWord(a, b)
}

// beginsIf reports whether the token is the function IF or one that begins so.
func (f *folder) beginsIf(t *token) bool {
	return t.len >= 2 && upper(f.in[t.pos]) == 'I' && upper(f.in[t.pos+1]) == 'F'
}
