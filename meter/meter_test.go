package meter_test

import (
	"fmt"
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

// TestEvents: the ring keeps the newest, in order, with numbers that show what is missing.
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
