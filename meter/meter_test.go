package meter_test

import (
	"fmt"
	"maps"
	"sync"
	"testing"
	"time"

	"skerry.dev/skerry/meter"
)

// TestSet: the same name and labels are the same metric, others are others, and all come out in order.
func TestSet(t *testing.T) {
	s := meter.NewSet()
	s.Counter("requests", "h", "route", "a").Add(2)
	s.Counter("requests", "h", "route", "a").Inc()
	s.Counter("requests", "h", "route", "b").Inc()
	s.Gauge("open", "h").Add(-4)
	s.Gauge("open", "h").Set(7)
	s.Func("load", "h", func() float64 { return 0.5 })
	s.Histogram("time", "h").Observe(3 * time.Millisecond)
	s.Histogram("time", "h").Observe(time.Hour)
	got := ""
	for _, m := range s.All() {
		switch {
		case m.Counter != nil:
			got += fmt.Sprintf("%s%v=%d ", m.Name, m.Labels, m.Counter.Value())
		case m.Gauge != nil:
			got += fmt.Sprintf("%s=%d ", m.Name, m.Gauge.Value())
		case m.Func != nil:
			got += fmt.Sprintf("%s=%v ", m.Name, m.Func())
		default:
			buckets, sum := m.Histogram.Read()
			got += fmt.Sprintf("%s=%v/%v ", m.Name, buckets, sum)
		}
	}
	const want = "load=0.5 open=7 requests[{route a}]=3 requests[{route b}]=1 time=[0 0 1 0 0 0 0 0 0 0 0 0 0 0 1]/1h0m0.003s "
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	s.Drop("route", "a")
	if s.Counter("requests", "h", "route", "a").Value() != 0 || s.Counter("requests", "h", "route", "b").Value() != 1 {
		t.Error("Drop forgot another series than the one it was told")
	}
}

// TestEvents: the newest are kept, in order, with numbers that show what is missing.
func TestEvents(t *testing.T) {
	e := meter.NewSet().Events()
	var heard sync.Map
	e.Listen(func(ev meter.Event) { heard.Store(ev.Seq, ev.Text) })
	for i := range 300 {
		e.Add("kind", fmt.Sprint(i))
	}
	kept := e.Since(0)
	if len(kept) != 256 || kept[0].Seq != 45 || kept[0].Text != "44" || kept[255].Seq != 300 {
		t.Errorf("%d events kept, from %v", len(kept), kept[0])
	}
	if got := e.Since(298); len(got) != 2 || got[0].Text != "298" {
		t.Errorf("since 298: %v", got)
	}
	if got := e.Since(300); got != nil {
		t.Errorf("since the last: %v", got)
	}
	if text, _ := heard.Load(uint64(300)); text != "299" {
		t.Errorf("the listener heard %v", text)
	}
}

// TestEventsAreFair: what comes by the thousand pushes out its own kind alone, two such kinds share what the others leave, and what is kept is
// in order.
func TestEventsAreFair(t *testing.T) {
	e := meter.NewSet().Events()
	check := func(want map[string]int, last uint64) {
		t.Helper()
		kept, got := e.Since(0), map[string]int{}
		for i, ev := range kept {
			got[ev.Kind]++
			if i > 0 && (kept[i-1].Seq >= ev.Seq || kept[i-1].Time.After(ev.Time)) {
				t.Fatalf("%v stands before %v", kept[i-1], ev)
			}
		}
		if !maps.Equal(got, want) || kept[len(kept)-1].Seq != last {
			t.Errorf("kept are %v up to %d, want %v up to %d", got, kept[len(kept)-1].Seq, want, last)
		}
	}
	add := func(n int, kinds ...string) {
		for range n {
			for _, k := range kinds {
				e.Add(k, k)
			}
		}
	}
	add(1, "activated")
	add(3, "reloaded", "reload_refused")
	add(10_000, "issued")
	check(map[string]int{"activated": 1, "reloaded": 3, "reload_refused": 3, "issued": 249}, 10_007)
	if got := e.Since(4); len(got) != 252 || got[0].Seq != 5 || got[3].Seq != 10_007-248 { // of the flood the newest
		t.Errorf("since 4: %d, from %v to %v", len(got), got[0], got[3])
	}
	add(1000, "ejected", "returned")
	check(map[string]int{"activated": 1, "reloaded": 3, "reload_refused": 3, "issued": 83, "ejected": 83, "returned": 83}, 12_007)
	if got := e.Since(12_007 - 166); len(got) != 166 {
		t.Errorf("%d of the newest 166", len(got))
	}
	for i := range 300 { // more kinds than there is room for: the oldest gives way
		e.Add(fmt.Sprint(i), "")
	}
	if got := e.Since(0); len(got) != 256 || got[0].Kind != "44" {
		t.Errorf("%d events kept, from %v", len(got), got[0])
	}
}

func BenchmarkEvents(b *testing.B) {
	e := meter.NewSet().Events()
	for b.Loop() {
		e.Add("health", "cart: 10.0.0.5:8080 is down")
	}
}
