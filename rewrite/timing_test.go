package rewrite_test

import (
	"testing"
	"testing/synctest"
	"time"

	"skerry.dev/skerry/exchange"
	"skerry.dev/skerry/exchange/exchangetest"
	"skerry.dev/skerry/rewrite"
	"skerry.dev/skerry/spec"
)

func TestServerTiming(t *testing.T) {
	f := func(env rewrite.Env, before, origin time.Duration, want string) {
		t.Helper()
		synctest.Test(t, func(t *testing.T) {
			x := exchangetest.Request("GET / HTTP/1.1\nHost: a\n")
			defer x.Release()
			x.Now = time.Now()
			s, _ := rewrite.New(&spec.Policy{}, &env)
			exchange.NewPath(rewrite.Render, rewrite.NewClient(&env), s, &exchangetest.Origin{Answer: func(x *exchange.Exchange) exchange.Verdict {
				time.Sleep(before)
				x.Facts.Origin.FirstByte = origin
				x.Answer(200)
				x.Resp.Fields.Add(exchange.NameServerTiming, []byte("db;dur=1"))
				return exchange.Respond
			}}).Run(x)
			if got := field(exchangetest.Of(x).Head, "Server-Timing"); got != want {
				t.Errorf("got %q, want %q", got, want)
			}
		})
	}
	proxy := rewrite.Env{Trusted: trusted}
	x := exchangetest.Request("GET / HTTP/1.1\nHost: a\n")
	defer x.Release()
	x.Now, x.Facts.Client.Trusted = time.Time{}, true
	stage(t, spec.Policy{}).Response(x)
	if got := x.Resp.Fields.Get(exchange.NameServerTiming); got != nil {
		t.Errorf("nobody knows when it began: got %s", got)
	}
	const ms = time.Millisecond
	f(proxy, 12*ms+345*time.Microsecond, 7*ms, "db;dur=1 | edge;dur=12.345, origin;dur=7.000")
	f(proxy, 0, 0, "db;dur=1 | edge;dur=0.000")
	f(proxy, 1000*time.Hour, 1000*time.Hour, "db;dur=1 | edge;dur=86400000.000, origin;dur=86400000.000")
	f(rewrite.Env{}, 12*ms, 7*ms, "db;dur=1")
}
