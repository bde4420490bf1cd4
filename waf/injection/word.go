package injection

import (
	"bytes"
	"strings"
)

// traits are what rules ask of a token beyond its category.
type traits uint16

const (
	first    traits = 1 << iota // a phrase can begin with it
	second                      // a phrase can end with it
	wordInto                    // INTO OUTFILE, INTO DUMPFILE
	wordIn                      // IN, NOT IN
	wordLike                    // LIKE, NOT LIKE
	wordUser                    // USER
	callable                    // a name that is a function before a parenthesis
	unary
	arithmetic
	cast   // ::
	merged // made of two tokens
)

// exact are the traits that hang on the word as it was written: libinjection folds the case of all of Unicode to look a
// word up, so that an "ı" is an I, but only that of ASCII to compare it later.
const exact = wordIn | wordLike | wordUser | callable | unary

// listed is a row of the table of keywords.
type listed struct {
	text string
	kind category
}

// lexicon is the table of keywords in the form that is asked.
type lexicon struct {
	index
	traits [len(wordList)]traits
	pairs  [1 << 9]phrase // open addressing
}

// phrase says what two words in a row are; words are indexes plus 1.
type phrase struct{ first, second, whole uint16 }

var words = newLexicon()

// traitList is the words that rules know by name.
var traitList = map[traits]string{
	wordInto: "INTO DUMPFILE,INTO OUTFILE",
	wordIn:   "IN,NOT IN",
	wordLike: "LIKE,NOT LIKE",
	wordUser: "USER",
	unary:    "NOT",
	callable: "USER_ID,USER_NAME,DATABASE,PASSWORD,USER,CURRENT_USER,CURRENT_DATE,CURRENT_TIME,CURRENT_TIMESTAMP,LOCALTIME,LOCALTIMESTAMP",
}

func newLexicon() *lexicon {
	l := &lexicon{}
	for i := range wordList {
		l.add(wordList[i].text)
	}
	for t, list := range traitList {
		for w := range strings.SplitSeq(list, ",") {
			l.traits[l.mustFind(w)-1] |= t
		}
	}
	for i, w := range wordList {
		for at := range len(w.text) {
			if w.text[at] == ' ' && w.kind != none {
				l.addPhrase(l.mustFind(w.text[:at]), l.mustFind(w.text[at+1:]), uint16(i+1))
			}
		}
	}
	return l
}

func (l *lexicon) mustFind(text string) uint16 {
	w := l.find(hashOf(text), []byte(text))
	if w == 0 {
		panic("BUG: " + text + " is not in the table of keywords")
	}
	return w
}

func (l *lexicon) addPhrase(a, b, whole uint16) {
	l.traits[a-1] |= first
	l.traits[b-1] |= second
	at := pairHash(a, b)
	for l.pairs[at].whole != 0 {
		at = (at + 1) % len(l.pairs)
	}
	l.pairs[at] = phrase{a, b, whole}
}

func pairHash(a, b uint16) int { return int(uint32(a)*40503+uint32(b)*30011) % (1 << 9) }

// phrase is the phrase of two words, 0 if they are none.
func (l *lexicon) phrase(a, b uint16) uint16 {
	for at := pairHash(a, b); l.pairs[at].whole != 0; at = (at + 1) % len(l.pairs) {
		if l.pairs[at].first == a && l.pairs[at].second == b {
			return l.pairs[at].whole
		}
	}
	return 0
}

// lookup is find for any text of at most wordMax bytes, with the traits that this way to write the word has. Two letters
// that are not ASCII have an upper case that is: ſ and ı.
func (l *lexicon) lookup(text []byte) (uint16, traits) {
	var folded [wordMax]byte
	var h uint64
	n, plain := 0, true
	for i := 0; i < len(text); i++ {
		c := upper(text[i])
		if c >= 0x80 {
			switch {
			case bytes.HasPrefix(text[i:], []byte("ſ")):
				c = 'S'
			case bytes.HasPrefix(text[i:], []byte("ı")):
				c = 'I'
			default:
				return 0, 0
			}
			i++
			plain = false
		}
		folded[n] = c
		n++
		h = hashStep(h, c)
	}
	w := l.find(h, folded[:n])
	return w, l.traitsOf(w, plain)
}

// traitsOf are the traits of a word that was found, plain if it was written in ASCII.
func (l *lexicon) traitsOf(w uint16, plain bool) traits {
	switch {
	case w == 0:
		return 0
	case plain:
		return l.traits[w-1]
	}
	return l.traits[w-1] &^ exact
}
