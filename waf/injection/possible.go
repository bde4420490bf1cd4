package injection

import (
	"math/bits"

	"skerry.dev/skerry/waf/match"
)

// masks are the classes of bytes that each name of the tables is made of.
var masks = newMasks()

type nameMasks struct {
	words [len(wordList)]match.Mask // of phrases without the spaces, which other bytes may stand for
	tags  [len(tagList)]match.Mask
	attrs [len(attrList)]match.Mask
}

func newMasks() *nameMasks {
	n := &nameMasks{}
	for i := range wordList {
		n.words[i] = maskOf(wordList[i].text) &^ match.MaskSpace
	}
	for i := range tagList {
		n.tags[i] = maskOf(tagList[i])
	}
	for i := range attrList {
		n.attrs[i] = maskOf(attrList[i].name)
	}
	return n
}

func maskOf(text string) match.Mask { return match.MaskOf([]byte(text)) }

// Sets of classes that SQLiPossible and XSSPossible ask for.
var (
	plainWord   = match.MaskLetters | match.MaskDigits | maskOf("_")
	mailAddress = match.MaskLetters | maskOf("_.@")
	nameBegins  = match.MaskLetters | match.MaskHigh | maskOf("_$`[")
	signs       = maskOf("!&*:<=>|%+^~-/#")
	arithmetics = maskOf("*/+-%")
	commentBoth = maskOf("/*")
	oddName     = maskOf("{`")
	marks       = []byte("(){}.,:;?")
	loggedWord  = maskOf("sp_password")
)

// SQLiPossible reports whether SQLi can find anything in a value with these classes of bytes, and at most these. False is
// certain, true is not.
//
// What is found is a fingerprint of categories, and each category takes certain bytes: a keyword those of its letters, a
// number a digit. If the categories that the bytes can make spell no fingerprint, nothing is found. Two sets of bytes make
// categories that could, but not in that order:
//
// Letters, digits and _ are some numbers and at most one word behind them. No fingerprint has two tokens of which the first
// is a number and the second a word but "1U", which two tokens alone do not convince with; none begins "11", and none of three
// tokens begins "n1".
//
// Letters, _, dots and @ are a word, or keywords with dots between them, and variables behind it. No fingerprint has a dot,
// and dots go away only between names, behind an expression, or between operators of one kind: what stays is one token or
// "En", and then variables. No fingerprint is like this.
func SQLiPossible(m match.Mask) bool {
	if m&^plainWord == 0 || m&^mailAddress == 0 {
		return false
	}
	s := speller{mask: m, set: categoriesOf(m)}
	return s.set&setOf(evil) != 0 || s.spells(printRoot, 0, none, none)
}

// has reports whether all classes of need are in m.
func has(m, need match.Mask) bool { return need&^m == 0 }

// categoriesOf is the set of categories that tokens of a value can have, at any time while they are folded.
func categoriesOf(m match.Mask) categories {
	s := markCategories(m) | wordCategories(m)
	if s&setOf(collate) != 0 && has(m, maskOf("_")) {
		s |= setOf(sqlType) // a name behind COLLATE
	}
	if s&setOf(function) != 0 && has(m, maskOf("if;")) {
		s |= setOf(tsql) // IF behind a semicolon
	}
	if s&setOf(sqlType) != 0 {
		s = s&^setOf(sqlType) | setOf(tsql) // fingerprints do not tell them apart
	}
	return s
}

// markCategories are the categories that do not hang on keywords.
func markCategories(m match.Mask) (s categories) {
	for _, mark := range marks {
		if m&match.MaskOfByte(mark) != 0 {
			s |= setOf(categoryOf(mark))
		}
	}
	for _, c := range [...]struct {
		is   bool
		kind category
	}{
		{m&nameBegins != 0, bareword},
		{m&match.MaskDigits != 0, number},
		{has(m, maskOf("$")) && m&maskOf(".,") != 0, number},               // $,
		{has(m, maskOf("\\")) && m&(arithmetics|maskOf("n")) != 0, number}, // \N, \*
		{has(m, maskOf("'")) && m&maskOf("xb") != 0, number},               // x''
		{m&maskOf("@") != 0, variable},
		{m&maskOf("'\"$") != 0, quoted},
		{m&signs != 0, operator},
		{m&maskOf("&|") != 0, logic},
		{m&maskOf("-#`") != 0 || has(m, commentBoth), comment},
		{has(m, commentBoth) || has(m, oddName), evil},
	} {
		if c.is {
			s |= setOf(c.kind)
		}
	}
	return s
}

// wordCategories are the categories of keywords. Beyond ASCII there are ways to write an S and an I.
func wordCategories(m match.Mask) (s categories) {
	call := has(m, maskOf("("))
	if m&match.MaskHigh != 0 {
		m |= maskOf("si")
	}
	for i, need := range masks.words {
		if !has(m, need) {
			continue
		}
		s |= setOf(wordList[i].kind)
		switch t := words.traits[i]; {
		case !call:
		case t&wordIn != 0:
			s |= setOf(operator)
		case t&(wordLike|callable) != 0:
			s |= setOf(function)
		}
	}
	return s &^ setOf(none)
}

// speller looks for a fingerprint of some categories.
type speller struct {
	mask match.Mask
	set  categories
	seen [len(printNodes)/64 + 1]uint64 // nodes behind four tokens or more that spell nothing
}

// spells reports whether a convincing fingerprint goes on from a node, n tokens from the root, the last of which are a and b.
func (s *speller) spells(node uint16, n int, a, b category) bool {
	if printNodes[node].ends && s.convincing(n, a, b) {
		return true
	}
	if n >= 4 {
		if s.seen[node/64]>>(node%64)&1 != 0 {
			return false
		}
		s.seen[node/64] |= 1 << (node % 64)
	}
	for rest := printNodes[node].next & s.set; rest != 0; rest &= rest - 1 {
		c := category(bits.TrailingZeros32(uint32(rest)))
		if s.spells(step(node, c), n+1, b, c) {
			return true
		}
	}
	return false
}

// convincing reports whether checker.convincing can be convinced by a fingerprint of n tokens that ends with a and b.
func (s *speller) convincing(n int, a, b category) bool {
	switch {
	case n == 2 && a == bareword && b == comment:
		return has(s.mask, commentBoth) || has(s.mask, loggedWord)
	case n == 3 && a == keyword && b != comment:
		return has(s.mask|maskOf("si"), maskOf("intooutfile")) || has(s.mask, maskOf("intodumpfile"))
	}
	return true
}

// XSSPossible reports whether XSS can find anything in a value with these classes of bytes, and at most these. False is
// certain, true is not.
//
// What is found is a tag, a doctype or a comment, all behind a <, or an attribute with a value behind a =. Each has a name
// whose letters must be there; an address must begin with a scheme, whose letters can be numeric references.
func XSSPossible(m match.Mask) bool {
	return has(m, maskOf("<")) && (tagPossible(m) || commentPossible(m)) || has(m, maskOf("=")) && attrPossible(m)
}

func tagPossible(m match.Mask) bool {
	for _, need := range masks.tags {
		if has(m, need) {
			return true
		}
	}
	return has(m, maskOf("svg")) || has(m, maskOf("xsl")) || has(m, maskOf("!doctype"))
}

func commentPossible(m match.Mask) bool {
	return m&maskOf("!?%/") != 0 &&
		(has(m, maskOf("`")) || has(m, maskOf("[if")) || has(m, maskOf("xml")) || has(m, maskOf("import")) || has(m, maskOf("entity")))
}

func attrPossible(m match.Mask) bool {
	address := schemePossible(m)
	for i, need := range masks.attrs {
		if has(m, need) && (attrList[i].kind != attrURL || address) {
			return true
		}
	}
	return has(m, maskOf("xmlns")) || has(m, maskOf("xlink"))
}

func schemePossible(m match.Mask) bool {
	if has(m, maskOf("&#")|match.MaskDigits) {
		return true // the code of each letter has a digit, in hexadecimal too
	}
	for _, scheme := range schemes {
		if has(m, maskOf(scheme)) {
			return true
		}
	}
	return false
}
