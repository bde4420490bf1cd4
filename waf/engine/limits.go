package engine

const (
	// fieldsMax is how many values one request can have in all collections: beyond it the request has too many parameters to
	// be looked at. A browser's request has about 100, the CRS itself refuses more than 255 arguments.
	fieldsMax = 20_000

	// matchesMax is how many matches of rules are kept for the log event of one request. Scoring does not stop there.
	matchesMax = 1_000

	// txExtraMax is how many TX variables a request can make whose names are not in the rules' text. From paranoia 3 on the Core Rule
	// Set makes one for each name of an argument.
	txExtraMax = 20_000

	// txExtraFew is how many of them are searched one after another.
	txExtraFew = 256

	// txTextMax is how long the text of one TX variable can get, in bytes: a rule that appends to one must not grow it without end.
	txTextMax = 64 << 10

	// numberMax is the largest number that rules compare or count with: ten times it still is one.
	numberMax = 1 << 59

	// removalsMax is how many exclusions a request can add by ctl actions.
	removalsMax = 1_000

	// masksMax is how many masks of values are remembered with the rules that they leave possible: a few hundred on real
	// traffic, some 6,000 for all attacks of the CRS's own tests. About 250 bytes each.
	masksMax = 16 << 10

	// recallSlots is how many values are remembered with what was found in them, over all policies of a program: a few hundred for
	// the clients of a site. Up to 400 bytes each.
	recallSlots = 8 << 10

	// recallBytesMax is the longest value that is remembered, in bytes.
	recallBytesMax = 256

	// coldMasks is how many masks that are not remembered one request can have worked out; after that it goes without.
	coldMasks = 256

	// ownRulesMax is how many rules of its own a policy can have.
	ownRulesMax = 2_000

	// fieldsKept is how many fields' memory a transaction keeps for the next request.
	fieldsKept = 4_096

	// workStart is what starting an automaton on a value counts for, in bytes.
	workStart = 16

	// captures is how many captures there are: TX:0 to TX:9.
	captures = 10
)
