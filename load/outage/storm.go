package main

import (
	"context"
	"net/http"
	"time"

	"skerry.dev/skerry/load/origin"
)

// stormLine is what a full outage did to the endpoints behind a peer. Figures are of the outage, but for those of the whole run.
type stormLine struct {
	peer            string
	requests, tries int // tries: requests at the endpoints
	most            int // tries for one request
	twice           int // POSTs that reached endpoints more than once
	median          time.Duration
	whole           float64 // tries for a request in the whole run
	atMost          float64 // what the budget allows in the whole run
	timing
}

// ratio is tries for one request.
func (s stormLine) ratio() float64 { return float64(s.tries) / float64(max(s.requests, 1)) }

// storm has every endpoint answer 503 after a time in which all was well, and nothing take them out: each try that is made arrives and
// is counted.
func (b *bench) storm(ctx context.Context, p peer) (stormLine, error) {
	before := time.Now()
	r, err := b.start(p, values{FirstByte: "1s"}, endpoints, healthy)
	if err != nil {
		return stormLine{}, err
	}
	defer r.stop()
	began := warmUp + b.o.time/2
	l := &load{client: r.client, mix: outageMix, begin: time.Now()}
	calm := l.run(ctx, schedule(b.o.seed, outageMix, []phase{{b.o.rate, began}}), nil)
	quiet, err := origin.SeenBy(r.endpoints...)
	if err != nil {
		return stormLine{}, err
	}
	for _, e := range r.endpoints {
		if err := e.Mode(origin.Mode{Status: 503, Body: bodyBytes, Delay: serviceTime}); err != nil {
			return stormLine{}, err
		}
	}
	l = &load{client: r.client, mix: outageMix, begin: time.Now(), firstID: len(calm)}
	bad := l.run(ctx, schedule(b.o.seed+1, outageMix, []phase{{b.o.rate, b.o.time}}), nil)
	elapsed := time.Since(before)
	all, err := origin.SeenBy(r.endpoints...)
	if err != nil {
		return stormLine{}, err
	}
	requests := float64(len(calm) + len(bad))
	line := stormLine{
		peer: p.name, requests: len(bad), tries: all.Requests() - quiet.Requests(), twice: len(all.Repeated(http.MethodPost)), median: quantile(bad, 0.5),
		whole: float64(all.Requests()) / requests, timing: timingOf(append(calm, bad...)),
		// The reserve grows from the start of the peer, which begins with that of a second.
		atMost: 1 + retryShare + retryReserve*(elapsed.Seconds()+1)/requests,
	}
	for _, n := range all.IDs {
		line.most = max(line.most, n)
	}
	return line, nil
}
