//go:build !race

package observe_test

import (
	"context"
	"crypto/tls"
	"io"
	"log/slog"
	"testing"
	"time"

	"skerry.dev/skerry/exchange"
	"skerry.dev/skerry/fault"
	"skerry.dev/skerry/meter"
	"skerry.dev/skerry/observe"
)

// Not under the race detector: its sync.Pool forgets things on purpose.

func TestExchangeAllocatesNothing(t *testing.T) {
	set := meter.NewSet()
	l := observe.NewLog(io.Discard, set)
	defer l.Close()
	r := observe.RouteMetrics(set, "shop", "default")
	x := sample()
	f := func(name string, fn func()) {
		t.Helper()
		if n := testing.AllocsPerRun(2000, fn); n != 0 {
			t.Errorf("%s: %v allocations, want none", name, n)
		}
	}
	f("log", func() { x.Now = x.Now.Add(time.Millisecond); l.Exchange(x, x.Now.Add(time.Second)) })
	f("route", func() { r.Exchange(x, x.Now) })
	x.Conn.TLS = &exchange.TLS{Version: tls.VersionTLS13, ClientName: "CN=billing,O=Example", ClientSerial: "7bcdef0123456789"}
	f("log of a client with a certificate", func() { l.Exchange(x, x.Now) })
	x.Facts.Origin = askedAgain()
	f("log of an exchange that was asked again", func() { l.Exchange(x, x.Now) })
	x.Cause = fault.New(fault.OriginTimeout, "no response head within 30s (timeouts.firstByte)")
	f("log of a fault", func() { l.Exchange(x, x.Now) })
	f("route of a fault", func() { r.Exchange(x, x.Now) })
}

func BenchmarkLog(b *testing.B) {
	l := observe.NewLog(io.Discard, meter.NewSet())
	defer l.Close()
	x := sample()
	b.ReportAllocs()
	for b.Loop() {
		x.Now = x.Now.Add(20 * time.Microsecond)
		l.Exchange(x, x.Now.Add(3*time.Millisecond))
	}
}

func BenchmarkLogParallel(b *testing.B) {
	l := observe.NewLog(io.Discard, meter.NewSet())
	defer l.Close()
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		x := sample()
		for pb.Next() {
			x.Now = x.Now.Add(20 * time.Microsecond)
			l.Exchange(x, x.Now.Add(3*time.Millisecond))
		}
	})
}

// BenchmarkReferenceSlog writes the same fields with log/slog.
func BenchmarkReferenceSlog(b *testing.B) {
	l := slog.New(slog.NewJSONHandler(io.Discard, nil))
	x := sample()
	f, o := &x.Facts.Entry, &x.Facts.Origin
	for b.Loop() {
		l.LogAttrs(context.Background(), slog.LevelInfo, "", slog.String("client", x.Conn.Client.Addr().String()), slog.String("proto", x.Conn.Protocol),
			slog.String("entrypoint", f.Entrypoint), slog.String("owner", f.Owner), slog.String("route", f.Route),
			slog.String("method", string(x.Req.MethodName)), slog.String("host", string(x.Req.Host)), slog.String("path", string(x.Req.Path)),
			slog.String("query", string(x.Req.Query)), slog.Int("status", x.Resp.Status), slog.Int64("bytes_in", f.BytesIn),
			slog.Int64("bytes_out", x.Resp.Sent), slog.Float64("ms", 3.125), slog.String("service", o.Service), slog.String("endpoint", o.Endpoint),
			slog.Int("tries", o.Tries), slog.Bool("reused", o.Reused), slog.Float64("first_byte_ms", 2.5), slog.Int("origin_status", o.Status))
	}
}
