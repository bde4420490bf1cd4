package exchange_test

import (
	"testing"

	"skerry.dev/skerry/exchange"
)

func TestOriginWords(t *testing.T) {
	f := func(got []byte, want string) {
		t.Helper()
		if string(got) != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	f(exchange.Picked(0).Append([]byte("x=")), "x=")
	f(exchange.PickedPanic.Append([]byte("x=")), "x=panic")
	f((exchange.PickedSticky | exchange.PickedFailover | exchange.PickedPanic | exchange.PickedSpill).Append(nil), "sticky,failover,panic,spill")
	f(exchange.AppendReasons([]byte("x="), nil), "x=")
	f(exchange.AppendReasons(nil, []exchange.Reason{exchange.ReasonConnect, exchange.ReasonNone, exchange.ReasonStatus, 0}), "connect,status")
	f([]byte(exchange.HedgeNone.String()+" "+exchange.HedgeLost.String()+" "+exchange.HedgeWon.String()), " lost won")
	seen := map[string]bool{}
	for r := exchange.ReasonNone; r <= exchange.ReasonWhole; r++ {
		if word := r.String(); seen[word] || (word == "") != (r == exchange.ReasonNone) {
			t.Errorf("reason %d is %q", r, word)
		}
		seen[r.String()] = true
	}
}
