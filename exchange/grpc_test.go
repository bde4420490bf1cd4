package exchange_test

import (
	"testing"

	"skerry.dev/skerry/exchange"
)

func TestGRPCStatus(t *testing.T) {
	f := func(value string, code int, ok bool) {
		t.Helper()
		var fields exchange.Fields
		fields.AddNamed([]byte("grpc-message"), []byte("7"))
		fields.AddNamed([]byte("grpc-status"), []byte(value))
		if got, is := exchange.GRPCStatusOf(fields).Code(); is != ok || ok && got != code {
			t.Errorf("%q: got %d, %v, want %d, %v", value, got, is, code, ok)
		}
	}
	f("0", 0, true)
	f("16", 16, true)
	f("999", 999, true)
	for _, none := range []string{"", "-1", "+1", " 1", "1 ", "0x1", "1000", "OK", "1.0", "\xff"} {
		f(none, 0, false)
	}
	if _, ok := exchange.GRPCStatusOf(nil).Code(); ok {
		t.Error("no field, and a status")
	}
}
