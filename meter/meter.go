package meter

import (
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Counter only grows. The padding keeps two busy counters off one cache line.
type Counter struct {
	n atomic.Uint64
	_ [56]byte
}

// Add adds n.
func (c *Counter) Add(n uint64) { c.n.Add(n) }

// Inc adds one.
func (c *Counter) Inc() { c.n.Add(1) }

// Value is the count now.
func (c *Counter) Value() uint64 { return c.n.Load() }

// Gauge goes up and down.
type Gauge struct {
	n atomic.Int64
	_ [56]byte
}

// Set replaces the value.
func (g *Gauge) Set(n int64) { g.n.Store(n) }

// Add adds n, which may be negative.
func (g *Gauge) Add(n int64) { g.n.Add(n) }

// Value is the value now.
func (g *Gauge) Value() int64 { return g.n.Load() }

// Bounds are the upper bounds of every Histogram's buckets; beyond the last is +Inf.
var Bounds = [...]time.Duration{
	time.Millisecond, 2 * time.Millisecond, 5 * time.Millisecond, 10 * time.Millisecond, 25 * time.Millisecond,
	50 * time.Millisecond, 100 * time.Millisecond, 250 * time.Millisecond, 500 * time.Millisecond,
	time.Second, 2500 * time.Millisecond, 5 * time.Second, 10 * time.Second, 30 * time.Second,
}

// Histogram counts durations in the buckets of Bounds.
type Histogram struct {
	buckets [len(Bounds) + 1]atomic.Uint64
	sum     atomic.Int64 // nanoseconds
}

// Observe counts one duration.
func (h *Histogram) Observe(d time.Duration) {
	i := 0
	for i < len(Bounds) && d > Bounds[i] {
		i++
	}
	h.buckets[i].Add(1)
	h.sum.Add(int64(d))
}

// Read returns the count of each bucket (not cumulative; the last is beyond Bounds) and the sum of all durations.
func (h *Histogram) Read() (buckets [len(Bounds) + 1]uint64, sum time.Duration) {
	for i := range h.buckets {
		buckets[i] = h.buckets[i].Load()
	}
	return buckets, time.Duration(h.sum.Load())
}

// A Label is one dimension of a metric.
type Label struct{ Name, Value string }

// A Metric is one time series of a Set; exactly one of Counter, Gauge, Histogram and Func is set.
type Metric struct {
	Name, Help string
	Labels     []Label
	Counter    *Counter
	Gauge      *Gauge
	Histogram  *Histogram
	Func       func() float64 // a gauge read at scrape time
}

// Set holds metrics by name and labels. Asking twice for the same returns the same one, so that a counter goes on
// across plans. The zero value is not usable: call NewSet.
type Set struct {
	mu      sync.Mutex
	metrics map[string]*Metric
	events  Events
}

// NewSet returns an empty set.
func NewSet() *Set { return &Set{metrics: map[string]*Metric{}} }

// Counter returns the counter of that name and labels; labels are name, value pairs.
func (s *Set) Counter(name, help string, labels ...string) *Counter {
	m := s.get(name, help, labels, func(m *Metric) { m.Counter = new(Counter) })
	if m.Counter == nil {
		panic("BUG: metric " + name + " is not a counter")
	}
	return m.Counter
}

// Gauge returns the gauge of that name and labels.
func (s *Set) Gauge(name, help string, labels ...string) *Gauge {
	m := s.get(name, help, labels, func(m *Metric) { m.Gauge = new(Gauge) })
	if m.Gauge == nil {
		panic("BUG: metric " + name + " is not a gauge")
	}
	return m.Gauge
}

// Histogram returns the histogram of that name and labels.
func (s *Set) Histogram(name, help string, labels ...string) *Histogram {
	m := s.get(name, help, labels, func(m *Metric) { m.Histogram = new(Histogram) })
	if m.Histogram == nil {
		panic("BUG: metric " + name + " is not a histogram")
	}
	return m.Histogram
}

// Func registers a gauge that is computed at scrape time; the last registration of a name and labels wins.
func (s *Set) Func(name, help string, f func() float64, labels ...string) {
	m := s.get(name, help, labels, func(*Metric) {})
	s.mu.Lock()
	m.Func = f
	s.mu.Unlock()
}

func (s *Set) get(name, help string, labels []string, make func(*Metric)) *Metric {
	if len(labels)%2 != 0 {
		panic("BUG: metric " + name + " has a label without a value")
	}
	key := name + "\x00" + strings.Join(labels, "\x00")
	s.mu.Lock()
	defer s.mu.Unlock()
	m := s.metrics[key]
	if m == nil {
		m = &Metric{Name: name, Help: help}
		for i := 0; i < len(labels); i += 2 {
			m.Labels = append(m.Labels, Label{labels[i], labels[i+1]})
		}
		make(m)
		s.metrics[key] = m
	}
	return m
}

// Drop forgets every series that has all of these labels (name, value pairs), when what they counted is gone for good.
func (s *Set) Drop(labels ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	maps.DeleteFunc(s.metrics, func(_ string, m *Metric) bool {
		for i := 0; i+1 < len(labels); i += 2 {
			if !slices.Contains(m.Labels, Label{labels[i], labels[i+1]}) {
				return false
			}
		}
		return len(labels) > 0
	})
}

// All returns copies of every metric, ordered by name, then labels. It sorts outside the lock: a route's first exchange
// must not wait for a scrape.
func (s *Set) All() []Metric {
	type keyed struct {
		key string
		Metric
	}
	s.mu.Lock()
	found := make([]keyed, 0, len(s.metrics))
	for k, m := range s.metrics {
		found = append(found, keyed{k, *m})
	}
	s.mu.Unlock()
	slices.SortFunc(found, func(a, b keyed) int { return strings.Compare(a.key, b.key) })
	all := make([]Metric, len(found))
	for i := range found {
		all[i] = found[i].Metric
	}
	return all
}

// Events are the background events of the set.
func (s *Set) Events() *Events { return &s.events }
