package observe_test

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"skerry.dev/skerry/exchange"
	"skerry.dev/skerry/fault"
	"skerry.dev/skerry/meter"
	"skerry.dev/skerry/observe"
)

// values prints every series of a set, one a line.
func values(set *meter.Set) string {
	var b strings.Builder
	for _, m := range set.All() {
		fmt.Fprint(&b, m.Name)
		for _, l := range m.Labels {
			fmt.Fprintf(&b, " %s=%s", l.Name, l.Value)
		}
		if m.Histogram != nil {
			buckets, sum := m.Histogram.Read()
			fmt.Fprintln(&b, buckets, sum)
			continue
		}
		fmt.Fprintln(&b, "", m.Counter.Value())
	}
	return b.String()
}

func TestRouteMetrics(t *testing.T) {
	set := meter.NewSet()
	r := observe.RouteMetrics(set, "shop", "default")
	if got := values(set); got != "" {
		t.Errorf("an idle route has series:\n%s", got)
	}
	f := func(status int, in, out int64, took time.Duration, cause error) {
		x := sample()
		defer x.Release()
		x.Resp.Status, x.Cause = status, cause
		x.Facts.Entry.BytesIn, x.Facts.Entry.BytesOut = in, out
		r.Exchange(x, x.Now.Add(took))
	}
	f(200, 0, 10, 3*time.Millisecond, nil)
	f(204, 5, 0, 0, nil)
	f(502, 0, 1, time.Minute, fault.New(fault.OriginRefused, ""))
	f(0, 0, 0, -time.Second, fault.New(fault.ClientGone, ""))
	r = observe.RouteMetrics(set, "shop", "default") // the next plan goes on in the same series
	f(200, 1, 1, time.Second, nil)
	want := `skerry_faults_total entrypoint=shop route=default kind=client_gone 1
skerry_faults_total entrypoint=shop route=default kind=origin_refused 1
skerry_request_bytes_total entrypoint=shop route=default 6
skerry_request_duration_seconds entrypoint=shop route=default[2 0 1 0 0 0 0 0 0 1 0 0 0 0 1] 1m1.003s
skerry_requests_total entrypoint=shop route=default class=2xx 3
skerry_requests_total entrypoint=shop route=default class=5xx 1
skerry_requests_total entrypoint=shop route=default class=none 1
skerry_response_bytes_total entrypoint=shop route=default 12
`
	if diff := cmp.Diff(want, values(set)); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func BenchmarkRoute(b *testing.B) {
	r := observe.RouteMetrics(meter.NewSet(), "shop", "default")
	x := sample()
	end := x.Now.Add(3 * time.Millisecond)
	b.ReportAllocs()
	for b.Loop() {
		r.Exchange(x, end)
	}
}

// BenchmarkRouteMemory says what a route costs before and after it is used: one with 2xx, 4xx, bytes out and one fault.
func BenchmarkRouteMemory(b *testing.B) {
	const routes = 20_000
	names := make([]string, routes)
	for i := range names {
		names[i] = fmt.Sprintf("route-%d", i)
	}
	for b.Loop() {
		set := meter.NewSet()
		list := make([]*observe.Route, routes)
		before := heap()
		for i := range list {
			list[i] = observe.RouteMetrics(set, "shop", names[i])
		}
		idle := heap()
		x := sample()
		for _, r := range list {
			useTwice(r, x)
		}
		used := heap()
		b.ReportMetric(float64(idle-before)/routes, "B/idle-route")
		b.ReportMetric(float64(used-before)/routes, "B/used-route")
		runtime.KeepAlive(list)
	}
}

func useTwice(r *observe.Route, x *exchange.Exchange) {
	x.Resp.Status, x.Cause = 200, nil
	r.Exchange(x, x.Now)
	x.Resp.Status, x.Cause = 404, fault.New(fault.NoRoute, "")
	r.Exchange(x, x.Now)
}

func heap() uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
