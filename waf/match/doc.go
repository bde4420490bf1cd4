// Package match finds patterns and phrases in values: regular expressions by automata that are built while they are used,
// phrase lists by one automaton for all of them, and, before either, the question which of them could match a value of
// these bytes at all.
//
// It promises that Match says of every value, be it UTF-8 or not, what Go's regexp says (Slow); that a no of Possible is
// certain; that nothing waits for a lock or for another goroutine, whoever builds; that what runs for each value allocates
// nothing once it is warm; and that tables stay within the bytes that Tables allows. A pattern means what it means to Coraza
// 3.8: Go's syntax with (?sm) in front, or a pattern of bytes without it if it names bytes that are no UTF-8.
//
// How a pattern runs: program.go is its nondeterministic automaton over classes of characters (alphabet.go), dfa.go the
// deterministic one that is built from it a transition at a time, search.go walks it. A search that meets an unknown
// transition builds it if it gets the builder at once, and otherwise goes on with the nondeterministic one.
//
// It knows no rules and no variables, and gives no captures but by Go's regexp.
package match
