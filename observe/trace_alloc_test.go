//go:build !race && !poison

package observe_test

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"skerry.dev/skerry/meter"
	"skerry.dev/skerry/observe"
)

// deaf returns a tracer whose receiver never takes a connection.
func deaf(tb testing.TB, set *meter.Set) *observe.Tracer {
	tb.Helper()
	tr, err := observe.NewTracer(observe.TracerOptions{Endpoint: "http://collector", Meters: set,
		Dial: func(ctx context.Context, _, _ string) (net.Conn, error) { <-ctx.Done(); return nil, ctx.Err() }})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		ctx, stop := context.WithCancel(context.Background())
		stop() // it will not get better
		tr.Close(ctx)
	})
	return tr
}

func TestTracerAllocatesNothing(t *testing.T) {
	set := meter.NewSet()
	tr := deaf(t, set)
	x := sampled()
	defer x.Release()
	f := func(name string, runs int) {
		t.Helper()
		if n := testing.AllocsPerRun(runs, func() { tr.Exchange(x, x.Now.Add(time.Second)) }); n != 0 {
			t.Errorf("%s: %v allocations, want none", name, n)
		}
	}
	f("a span", 200) // less than a batch: no encoding beside it
	x.Facts.Origin = askedAgain()
	f("a span of an exchange that was asked again", 200)
	for range 20_000 {
		tr.Exchange(x, x.Now)
	}
	for full := set.Counter("skerry_spans_dropped_total", "", "reason", "full"); full.Value() == 0; {
		tr.Exchange(x, x.Now)
	}
	f("a span that is dropped", 2000)
	x.Facts.Trace.Sampled = false
	f("an exchange that is not sampled", 2000)
}

// taker returns a tracer whose receiver takes everything, and a function that waits until all but n of sent spans are taken.
func taker(b *testing.B) (tr *observe.Tracer, wait func(sent, n uint64)) {
	to := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	set := meter.NewSet()
	tr, err := observe.NewTracer(observe.TracerOptions{Endpoint: to.URL, Meters: set})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		tr.Close(context.Background())
		to.Close()
		if got := set.Counter("skerry_spans_dropped_total", "", "reason", "full").Value(); got != 0 {
			b.Errorf("%d spans were dropped", got)
		}
	})
	taken := set.Counter("skerry_spans_exported_total", "")
	return tr, func(sent, n uint64) {
		for taken.Value()+n < sent {
			time.Sleep(10 * time.Microsecond)
		}
	}
}

// BenchmarkTracer is what a sampled exchange pays: the time of the calls alone, with the sender at rest.
func BenchmarkTracer(b *testing.B) {
	tr, wait := taker(b)
	x := sampled()
	const burst = 3072 // there is room for 4,096
	var took time.Duration
	sent := uint64(0)
	for b.Loop() {
		begin := time.Now()
		for range burst {
			tr.Exchange(x, x.Now.Add(time.Millisecond))
		}
		took += time.Since(begin)
		sent += burst
		wait(sent, 512)
	}
	b.ReportMetric(float64(took)/float64(sent), "ns/span")
}

func BenchmarkTracerUnsampled(b *testing.B) {
	tr, _ := taker(b)
	x := sampled()
	x.Facts.Trace.Sampled = false
	b.ReportAllocs()
	for b.Loop() {
		tr.Exchange(x, x.Now.Add(time.Millisecond))
	}
}

// BenchmarkTracerSends is the whole cost of a span: copied, encoded, sent, read by a server and taken.
func BenchmarkTracerSends(b *testing.B) {
	tr, wait := taker(b)
	x := sampled()
	sent := uint64(0)
	b.ReportAllocs()
	for b.Loop() {
		tr.Exchange(x, x.Now)
		sent++
		wait(sent, 2000)
	}
}
