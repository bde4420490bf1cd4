//go:build poison

package limit_test

import (
	"testing"

	"skerry.dev/skerry/exchange"
)

// A view of what was read ahead that is kept beyond the exchange fails loudly.
func TestReadAheadIsPoisoned(t *testing.T) {
	x := posting(&script{pieces: []string{"abc"}})
	defer x.Release()
	s := bounded(t, 100)
	s.Request(x)
	view, err := x.Req.Body.(exchange.Whole).Whole()
	if string(view) != "abc" || err != nil {
		t.Fatalf("%q (%v)", view, err)
	}
	if s.Done(x); string(view) == "abc" {
		t.Error("the view still reads as before")
	}
}
