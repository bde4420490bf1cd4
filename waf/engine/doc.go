// Package engine judges requests by rules in SecLang.
//
// A Program is a rule set made ready once and shared by all: patterns as automata, phrases as one automaton, the targets of
// rules as sets. A Policy is what one entrypoint makes of it: paranoia, thresholds, exclusions, rules of its own; rules that
// can only have one outcome under it have been run already. A Transaction is one request.
//
// # Two engines, one meaning
//
// Rules are evaluated one after another by the interpreter (interp.go), which knows chains, captures, TX, scores, jumps and
// run-time exclusions. The reference engine lets it evaluate every rule on every value with plain operators. The compiled
// engine first finds (scan.go) which rule can match which value at all, and hands the interpreter only those: a byte-class mask
// of the value rules out most rules without reading it again, automata decide the rest. What is left out is certain not to
// match, so the two give the same matches in the same order; tests hold them against each other and against Coraza.
package engine
