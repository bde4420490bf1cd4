// Package match finds patterns and phrases in values: regular expressions by automata that are built while they are used,
// phrase lists by one automaton for all of them, and, before either, the question which of them could match a value of
// these bytes at all.
package match
