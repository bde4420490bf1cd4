package engine

import (
	"unsafe"

	"skerry.dev/skerry/waf/body"
)

// Verdict is what holds for the request now.
func (t *Transaction) Verdict() Verdict { return t.verdict }

// Kept is about how many bytes a transaction keeps for the next request after it has judged one, but for what package body
// bounds by itself.
func (p *Policy) Kept(in *Input) int {
	t := p.Judge(in)
	t.End() // it is this goroutine's alone still
	size := cap(t.fields)*int(unsafe.Sizeof(field{})) + cap(t.pairs)*int(unsafe.Sizeof(body.Pair{})) + cap(t.tx)*int(unsafe.Sizeof(txVar{})) +
		cap(t.results)*int(unsafe.Sizeof(result{})) + cap(t.matched)*int(unsafe.Sizeof(got{})) + cap(t.picked)*int(unsafe.Sizeof(got{})) +
		cap(t.hits)*int(unsafe.Sizeof(hit{})) + cap(t.stages)*int(unsafe.Sizeof(stage{})) + cap(t.extra)*int(unsafe.Sizeof(txExtra{}))
	return size
}

// MatchesMax is how many matches are kept.
const MatchesMax = matchesMax
