package h1

import (
	"strings"
	"testing"
	"time"

	"skerry.dev/skerry/exchange"
)

// TestPromised: what an origin says about its connection counts where it says it plainly, and otherwise not at all.
func TestPromised(t *testing.T) {
	f := func(fields string, timeout time.Duration, requests int) {
		t.Helper()
		var resp exchange.Response
		var all exchange.Fields
		var frame framing
		if _, err := parseResponse([]byte("HTTP/1.1 200 OK\r\n"+fields+"Content-Length: 0\r\n\r\n"), &resp, &all, &frame); err != nil {
			t.Fatalf("%q: %v", fields, err)
		}
		got := noPromise
		if frame.promises {
			got = promised(all)
		}
		if want := (promise{timeout, requests}); got != want {
			t.Errorf("%q: got %v, want %v", fields, got, want)
		}
		if resp.Fields.Get(exchange.NameKeepAlive) != nil {
			t.Errorf("%q: Keep-Alive travels on", fields)
		}
	}
	const s = time.Second
	f("", -1, -1)
	f("Keep-Alive: timeout=5\r\n", 5*s, -1)
	f("Keep-Alive: timeout=5, max=100\r\n", 5*s, 100)
	f("keep-alive: MAX=0,\tTimeOut=0\r\n", 0, 0)
	f("Keep-Alive: max=7\r\n", -1, 7)
	f("Keep-Alive: ,, timeout=5 ,\r\n", 5*s, -1)
	f("Keep-Alive: timeout=5, timeout=3, timeout=9\r\n", 3*s, -1)
	f("Keep-Alive: timeout=5, max=9\r\nKeep-Alive: timeout=4, max=12\r\n", 4*s, 9)
	f("Keep-Alive: timeout=999999999\r\n", 999999999*s, -1)
	for _, odd := range []string{"", "5", "timeout", "timeout=", "timeout=-1", "timeout=+5", "timeout=5s", "timeout=5.0", "timeout=0x5", "timeout = 5", "timeout= 5",
		"timeout=1000000000", "timeout=" + strings.Repeat("9", 40), "timeout=\"5\"", "timeout=5;max=3", "timeouts=5", "=5", "xmax=3", "timeout==5"} {
		f("Keep-Alive: "+odd+"\r\n", -1, -1)
	}
}

// FuzzPromised: nothing an origin writes there is worse than not said.
func FuzzPromised(f *testing.F) {
	for _, seed := range []string{"timeout=5, max=100", "timeout=5,timeout=3", "max=,=,timeout=99999999999999999999", ",\t, timeout=1 x", "TIMEOUT=000000007"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, value []byte) {
		p := noPromise
		p.take(value)
		if p.timeout < -1 || p.timeout > 999999999*time.Second || p.requests < -1 || p.requests > 999999999 {
			t.Fatalf("%q: %+v is out of bounds", value, p)
		}
		if said := p != noPromise; said && !strings.ContainsAny(string(value), "0123456789") {
			t.Fatalf("%q: %+v from no number", value, p)
		}
		again := p
		if again.take(value); again != p {
			t.Fatalf("%q: a second look changed %+v to %+v", value, p, again)
		}
	})
}
