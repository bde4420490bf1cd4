package match

const (
	// TablesBytesMax is how much memory the tables of a program's patterns take together, in bytes, if nothing else is said:
	// half as much again as 3 MB of mutated attacks ask of all patterns of the rule set. Beyond it no table grows; a full one
	// is begun anew, or the search goes on without.
	TablesBytesMax = 32 << 20

	// statesMax is how many states one pattern's table has: four times what the tests of the rule set ask of the worst. A
	// full one is begun anew if it was of use, see Regexp.restart.
	statesMax = 4096

	// statesFirst is how many states a table has room for at first. This little every pattern has, whatever Tables allows.
	statesFirst = 8

	// columnsMax is how many kinds of characters a pattern may tell apart, so that a column fits a byte with the two
	// special ones. A pattern with more is left to Go's regexp.
	columnsMax = 253

	// leavesMax is how many positions a pattern may have, so that a position fits 16 bits. A larger one is left to Go's
	// regexp.
	leavesMax = 1<<16 - 1

	// linksMax is how many ways from one position to another a pattern may have, of two bytes each: ten times what all of the
	// rule set's have together. A pattern with more is left to Go's regexp.
	linksMax = 1 << 20

	// bytesPerMiss is how many bytes a table that was full before must have served for each transition that was built for
	// it: fewer, and to build it costs more than to do without.
	bytesPerMiss = 16

	// missesFree is how many transitions may be built before that is asked.
	missesFree = 1024

	// aloneBytes is how far, in bytes, a search goes without the table before it asks for it again.
	aloneBytes = 64

	// phrasesRowBytes is how much memory, in bytes, the rows of an automaton of phrases take: half of a second-level cache.
	// States beyond have none.
	phrasesRowBytes = 1 << 20
)
