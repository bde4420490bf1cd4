// Package meter counts.
//
// It owns counters, gauges and histograms that cost one atomic operation on the hot path and allocate nothing, the Set
// that holds them until admin exports them, and a bounded number of background events (a health flip, a refused reload).
// Names follow the Prometheus conventions; a metric is made when a plan or a keeper is built, never per exchange.
//
// It knows no exporter and no HTTP.
package meter
