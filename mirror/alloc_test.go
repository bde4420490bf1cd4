//go:build !race && !poison

package mirror_test

import (
	"testing"

	"skerry.dev/skerry/exchange"
	"skerry.dev/skerry/exchange/exchangetest"
	"skerry.dev/skerry/spec"
)

func TestNotChosenAllocatesNothing(t *testing.T) {
	r := newRig(t, spec.Mirror{Share: 1e-18}, exchangetest.Say(200, ""))
	defer r.keep.Close()
	x := exchangetest.Request(get)
	defer x.Release()
	if n := testing.AllocsPerRun(1000, func() { r.stage.Request(x); r.stage.Done(x) }); n != 0 {
		t.Errorf("%v allocations, want none", n)
	}
}

func BenchmarkNotChosen(b *testing.B) {
	r := newRig(b, spec.Mirror{Share: 1e-18}, exchangetest.Say(200, ""))
	defer r.keep.Close()
	x := exchangetest.Request(get)
	b.ReportAllocs()
	for b.Loop() {
		r.stage.Request(x)
		r.stage.Done(x)
	}
}

// tells answers without a body, keeps no books, and tells when the copy is over.
type tells chan struct{}

func (tells) Name() string { return "tells" }
func (tells) Request(x *exchange.Exchange) exchange.Verdict {
	x.Answer(204)
	return exchange.Respond
}
func (c tells) Done(*exchange.Exchange) { c <- struct{}{} }

// BenchmarkChosen is a copy from its request to its end, one at a time: most of it is the change of goroutines.
func BenchmarkChosen(b *testing.B) {
	r := newRig(b, everything, nil)
	done := make(tells)
	stage := chosen(b, r, done)
	defer r.keep.Close()
	x := exchangetest.Request(get)
	b.ReportAllocs()
	for b.Loop() {
		stage.Request(x)
		<-done
	}
}
