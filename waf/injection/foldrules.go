package injection

import "bytes"

// The rest of the rules. A category that can begin a phrase is looked at for phrases before anything else, so a type that
// is one is no type any more.

// mergeable are the categories that phrases are made of; only the second half may be a logical operator.
const mergeable categories = 1<<keyword | 1<<bareword | 1<<operator | 1<<union | 1<<function | 1<<expression | 1<<tsql | 1<<sqlType

// merge makes one token of two that are a phrase, such as UNION ALL.
func (f *folder) merge(a, b *token) bool {
	if a.traits&first == 0 || b.traits&second == 0 || !a.kind.in(mergeable) || !b.kind.in(mergeable|1<<logic) {
		return false
	}
	n := int(a.len) + int(b.len) + 1
	w := words.phrase(a.word, b.word)
	if w == 0 || n > wordMax+1 {
		return false
	}
	a.word, a.kind = w, wordList[w-1].kind
	a.traits = words.traitsOf(w, n == len(wordList[w-1].text)) | merged
	a.len = uint8(min(n, wordMax))
	return true
}

// foldWord applies the rules for two tokens of which the first is a word.
func (f *folder) foldWord(a, b *token) answer {
	switch {
	case a.traits&callable != 0 && b.kind == leftParen && (a.kind == bareword || a.kind == variable):
		a.kind = function
		return again
	case a.kind == keyword && a.traits&wordIn != 0:
		a.kind = bareword
		if b.kind == leftParen {
			a.kind = operator
		}
		return again
	case a.kind == operator && a.traits&wordLike != 0:
		if b.kind == leftParen {
			a.kind = function
		}
		return pass
	case b.kind == rightBrace:
		return f.drop(1, 0)
	}
	return pass
}

// foldRare applies the rules for types, braces, backslashes and collations.
func (f *folder) foldRare(a, b *token) answer {
	switch a.kind {
	case sqlType:
		if f.merge(a, b) {
			return f.drop(1, f.left-1)
		}
		if b.kind != rightBrace && b.kind.in(pairs[sqlType]) {
			*a = *b
			return f.drop(1, 0)
		}
	case collate: // there are many; one with a _ is a type
		if b.kind == bareword && b.traits&merged == 0 && bytes.IndexByte(f.in[b.pos:b.pos+int(b.len)], '_') >= 0 {
			b.kind = sqlType
			f.left = 0
		}
	case backslash:
		if b.traits&arithmetic != 0 { // SQL Server reads \%1 as 0 % 1
			a.kind = number
			f.left = 0
			return again
		}
		*a = *b
		return f.drop(1, 0)
	case leftBrace:
		if b.kind != bareword {
			return pass
		}
		if b.len == 0 { // {``.``.id} is a name, and too rare to be read
			b.kind = evil
			return finish
		}
		return f.drop(2, 0) // {name expression} is the expression
	}
	return pass
}

// triples are, for the category of a token, those of the second for which there is a rule with a third.
var triples = func() (t [len(letters)]categories) {
	for c, list := range map[category]categories{
		number:     setOf(operator, comma),
		variable:   setOf(operator, comma),
		quoted:     setOf(operator, comma),
		bareword:   setOf(operator, comma, dot),
		expression: setOf(operator, dot),
		group:      setOf(operator),
		keyword:    setOf(operator),
		comma:      setOf(operator),
		operator:   ^setOf(leftParen),
		logic:      ^categories(0),
		function:   setOf(leftParen),
	} {
		t[c] = list
	}
	return t
}()

// Sets of the third token.
const (
	operands  categories = 1<<number | 1<<bareword | 1<<variable | 1<<quoted
	arguments            = operands | 1<<function
)

// foldThree applies the rules for three tokens and reports whether to look again.
func (f *folder) foldThree(a, b, c *token) bool {
	if !b.kind.in(triples[a.kind]) {
		return false
	}
	fold := false
	switch a.kind {
	case operator:
		fold = c.kind == operator
	case logic:
		fold = c.kind == logic
	case number, bareword, variable, quoted:
		fold = foldOperand(a, b, c)
	case function:
		if c.kind != rightParen && a.traits&wordUser != 0 { // USER has no arguments
			a.kind = bareword
		}
	default:
		return f.foldSign(a, b, c)
	}
	if fold {
		f.drop(2, 0)
	}
	return fold
}

// foldOperand reports whether an operand with an operator, a comma or a dot and another operand are one.
func foldOperand(a, b, c *token) bool {
	switch b.kind {
	case comma:
		return c.kind.in(operands)
	case dot:
		return c.kind == bareword
	}
	if b.traits&cast != 0 && c.kind == sqlType {
		return true
	}
	switch c.kind {
	case number, bareword:
		return a.kind != quoted
	case variable:
		return a.kind == variable
	}
	return false
}

// foldSign takes away a sign or a dot before an operand, and reports whether it did. Behind a comma the operand goes too.
func (f *folder) foldSign(a, b, c *token) bool {
	n := 1
	switch {
	case b.kind == dot:
		if c.kind != bareword {
			return false
		}
	case b.traits&unary == 0:
		return false
	case c.kind == leftParen:
		if a.kind == keyword {
			return false
		}
	case a.kind == comma && c.kind.in(operands):
		n = 3
	case c.kind.in(arguments):
	default:
		return false
	}
	*b = *c
	f.drop(n, 0)
	return true
}
