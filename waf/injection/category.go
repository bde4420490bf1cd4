package injection

// category is what a token of SQL is. Its code is the place of its letter in letters.
type category uint8

const (
	none category = iota
	keyword
	union
	group
	expression
	sqlType
	function
	bareword
	number
	variable
	quoted
	operator
	logic
	comment
	collate
	leftParen
	rightParen
	leftBrace
	rightBrace
	dot
	comma
	colon
	semicolon
	tsql
	unknown
	evil // what parsers of SQL read in more than one way
	backslash
)

// letters are the names of the categories in fingerprints.
const letters = "\x00kUBEtfn1vso&cA(){}.,:;T?X\\"

// categories is a set of them.
type categories uint32

func setOf(list ...category) (s categories) {
	for _, c := range list {
		s |= 1 << c
	}
	return s
}

// in reports whether the category is one of the set.
func (c category) in(s categories) bool { return s>>c&1 != 0 }

// categoryOf is the category with that letter.
func categoryOf(letter byte) category {
	for c := range len(letters) {
		if letters[c] == letter {
			return category(c)
		}
	}
	return none
}
