package main

import (
	"context"
	"net/http"
	"time"

	"skerry.dev/skerry/load/origin"
)

// stormLine is what a full outage did to the endpoints behind a peer.
type stormLine struct {
	peer     string
	requests int
	tries    int // requests at the endpoints
	most     int // for one request
	twice    int // POSTs that reached endpoints more than once
	atMost   float64
	median   time.Duration
	timing
}

// storm has every endpoint answer 503, and nothing take them out: each try that is made arrives and is counted.
func (b *bench) storm(ctx context.Context, p peer) (stormLine, error) {
	r, err := b.start(p, values{FirstByte: "1s"}, endpoints, origin.Mode{Status: 503, Body: bodyBytes, Delay: serviceTime})
	if err != nil {
		return stormLine{}, err
	}
	defer r.stop()
	l := &load{client: r.client, mix: outageMix, begin: time.Now()}
	results := l.run(ctx, schedule(b.o.seed, outageMix, []phase{{b.o.rate, b.o.time}}), nil)
	seen, err := origin.SeenBy(r.endpoints...)
	if err != nil {
		return stormLine{}, err
	}
	line := stormLine{
		peer: p.name, requests: len(results), tries: seen.Requests(), twice: len(seen.Repeated(http.MethodPost)), median: quantile(results, 0.5),
		timing: timingOf(results),
		// The reserve is of a second: a stretch that begins within one may use that of one more.
		atMost: 1 + retryShare + retryReserve*(b.o.time.Seconds()+1)/float64(max(len(results), 1)),
	}
	for _, n := range seen.IDs {
		line.most = max(line.most, n)
	}
	return line, nil
}

// ratio is tries for one request.
func (s stormLine) ratio() float64 { return float64(s.tries) / float64(max(s.requests, 1)) }
