package admin

import (
	"net/http"
	"slices"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"skerry.dev/skerry/meter"
)

// metricsHandler answers scrapes with the set, the Go runtime's metrics and the process's.
func metricsHandler(set *meter.Set) http.Handler {
	reg := prometheus.NewRegistry()
	reg.MustRegister(collector{set}, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return promhttp.HandlerFor(reg, promhttp.HandlerOpts{
		// One bad series must not take the page away in the middle of an incident.
		ErrorHandling:       promhttp.ContinueOnError,
		MaxRequestsInFlight: scrapesMax,
	})
}

// collector shows a meter.Set to Prometheus. It describes nothing ahead of time, because series come and go with plans.
type collector struct{ set *meter.Set }

// Describe sends nothing: the collector is unchecked.
func (collector) Describe(chan<- *prometheus.Desc) {}

// Collect sends every series of the set as it is now.
func (c collector) Collect(out chan<- prometheus.Metric) {
	var desc *prometheus.Desc
	var of meter.Metric // whose desc it is; series of one name come one after the other and mostly share it
	for _, m := range c.set.All() {
		if m.Counter == nil && m.Gauge == nil && m.Histogram == nil && m.Func == nil {
			continue // a Func series between its registration and its function: the next scrape has it
		}
		if desc == nil || m.Name != of.Name || m.Help != of.Help || !slices.EqualFunc(m.Labels, of.Labels, sameName) {
			desc, of = describe(m), m
		}
		out <- export(desc, m)
	}
}

func sameName(a, b meter.Label) bool { return a.Name == b.Name }

func describe(m meter.Metric) *prometheus.Desc {
	names := make([]string, len(m.Labels))
	for i, l := range m.Labels {
		names[i] = l.Name
	}
	return prometheus.NewDesc(m.Name, m.Help, names, nil)
}

// export turns one series into Prometheus's form. A series it cannot express becomes an error that the scrape reports.
func export(desc *prometheus.Desc, m meter.Metric) prometheus.Metric {
	values := make([]string, len(m.Labels))
	for i, l := range m.Labels {
		values[i] = strings.ToValidUTF8(l.Value, "\uFFFD")
	}
	var out prometheus.Metric
	var err error
	switch {
	case m.Counter != nil:
		out, err = prometheus.NewConstMetric(desc, prometheus.CounterValue, float64(m.Counter.Value()), values...)
	case m.Gauge != nil:
		out, err = prometheus.NewConstMetric(desc, prometheus.GaugeValue, float64(m.Gauge.Value()), values...)
	case m.Histogram != nil:
		count, sum, buckets := cumulate(m.Histogram)
		out, err = prometheus.NewConstHistogram(desc, count, sum, buckets, values...)
	default:
		out, err = prometheus.NewConstMetric(desc, prometheus.GaugeValue, m.Func(), values...)
	}
	if err != nil {
		return prometheus.NewInvalidMetric(desc, err)
	}
	return out
}

// cumulate is a histogram as Prometheus wants it: seconds, and every bucket with all smaller ones in it. The count is
// the sum of the buckets, so that it fits them even while exchanges go on.
func cumulate(h *meter.Histogram) (count uint64, sum float64, buckets map[float64]uint64) {
	each, total := h.Read()
	buckets = make(map[float64]uint64, len(meter.Bounds))
	for i, n := range each {
		count += n
		if i < len(meter.Bounds) {
			buckets[meter.Bounds[i].Seconds()] = count
		}
	}
	return count, total.Seconds(), buckets
}
