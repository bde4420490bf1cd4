package main

import (
	"context"
	"fmt"
	"net/http"
	"sync/atomic"
	"time"

	"skerry.dev/skerry/load/origin"
)

// fault is what happens to one endpoint.
type fault struct {
	key, title string
	begin, end func(*origin.Process) error
}

// healthy is how endpoints behave without a fault: they take a moment, so that a fault finds requests under way.
var healthy = origin.Mode{Body: bodyBytes, Delay: serviceTime}

// misbehave is a fault by mode.
func misbehave(key, title string, m origin.Mode) fault {
	m.Body, m.Delay = bodyBytes, m.Delay+serviceTime
	return fault{key, title, func(p *origin.Process) error { return p.Mode(m) }, func(p *origin.Process) error { return p.Mode(healthy) }}
}

var faults = []fault{
	{"kill", "killed (SIGKILL), then started again", func(p *origin.Process) error { p.Kill(); return nil }, (*origin.Process).Restart},
	{"pause", "paused (SIGSTOP), then continued", (*origin.Process).Pause, (*origin.Process).Resume},
	// Checks stay fast: the peers count a check's timeout differently, and a delay near it would compare that instead of balancing.
	misbehave("slow", "slow: 300 ms more for each answer, but health checks are fast", origin.Mode{Delay: 300 * time.Millisecond, HealthGood: true}),
	misbehave("never", "takes requests and never answers", origin.Mode{Answer: origin.AnswerNever}),
	misbehave("500", "answers 500, also to health checks", origin.Mode{Status: 500}),
	misbehave("500quiet", "answers 500, but health checks are fine", origin.Mode{Status: 500, HealthGood: true}),
	misbehave("503", "answers 503, also to health checks", origin.Mode{Status: 503}),
	misbehave("garbage", "answers bytes that are no HTTP", origin.Mode{Answer: origin.AnswerGarbage}),
	misbehave("close", "closes without an answer", origin.Mode{Answer: origin.AnswerClose}),
	misbehave("cut", "closes in the middle of a body", origin.Mode{Answer: origin.AnswerCut}),
	misbehave("refuse", "refuses: its listener and connections are closed", origin.Mode{Listen: origin.ListenRefuse}),
	misbehave("files", "out of files: accepts nothing, open connections go on", origin.Mode{Listen: origin.ListenNoFiles}),
}

// faultLine is what a fault did to the clients of a peer.
type faultLine struct {
	peer         string
	get, post    float64 // share of good answers to requests under way or begun while the fault lasted
	before       [2]time.Duration
	during       [3]time.Duration // median, 99 %, all
	failing      time.Duration    // from the fault to the last request that failed; -1: none did
	back         time.Duration    // from its end to the first request that the endpoint answered; -1: none in time
	tries        float64          // requests at the endpoints for one of the client's
	twice        int              // POSTs that reached endpoints more than once
	failedBefore []string         // requests that failed before the fault
	timing
}

func (b *bench) fault(ctx context.Context, p peer, f fault) (faultLine, error) {
	r, err := b.start(p, values{FirstByte: "1s", Watch: true}, endpoints, healthy)
	if err != nil {
		return faultLine{}, err
	}
	defer r.stop()
	victim := r.endpoints[0]
	began := warmUp + b.o.time/2
	over := began + b.o.time
	all := schedule(b.o.seed, outageMix, []phase{{b.o.rate, over + backMax}})

	var healed atomic.Int64 // when the fault's end was done
	var back atomic.Bool    // the endpoint is used again
	l := &load{client: r.client, mix: outageMix, begin: time.Now(), seen: func(r result) {
		if h := healed.Load(); h > 0 && r.at >= time.Duration(h) && r.good() && r.endpoint == victim.Addr() {
			back.Store(true)
		}
	}}
	failed := make(chan error, 1)
	go func() {
		failed <- func() error {
			if !await(ctx, l.begin.Add(began)) {
				return ctx.Err()
			}
			if err := f.begin(victim); err != nil {
				return err
			}
			if !await(ctx, l.begin.Add(over)) {
				return ctx.Err()
			}
			err := f.end(victim)
			healed.Store(int64(time.Since(l.begin)))
			return err
		}()
	}()
	results := l.run(ctx, all, func(at time.Duration) bool { return at >= over+b.o.time/2 && back.Load() })
	if err := <-failed; err != nil {
		return faultLine{}, fmt.Errorf("the fault itself: %w", err)
	}
	seen, err := origin.SeenBy(r.endpoints...)
	if err != nil {
		return faultLine{}, err
	}
	line := figuresOf(results, began, over, time.Duration(healed.Load()), victim.Addr())
	line.peer = p.name
	line.tries = float64(seen.Requests()) / float64(len(results))
	line.twice = len(seen.Repeated(http.MethodPost))
	return line, nil
}

// figuresOf reads the figures of a run in which a fault lasted from began to over, and the endpoint was well again at healed. What was
// under way when the fault began belongs to it.
func figuresOf(all []result, began, over, healed time.Duration, victim string) faultLine {
	bad := func(r result) bool { return !r.good() }
	var calm, during []result
	for _, r := range within(all, warmUp, over) {
		if r.at+r.took < began {
			calm = append(calm, r)
		} else {
			during = append(during, r)
		}
	}
	line := faultLine{
		get:     share(of(during, 0), result.good),
		post:    share(of(during, 1), result.good),
		before:  [2]time.Duration{quantile(calm, 0.5), quantile(calm, 0.99)},
		during:  [3]time.Duration{quantile(during, 0.5), quantile(during, 0.99), quantile(during, 1)},
		failing: -1,
		back:    -1,
		timing:  timingOf(all),
	}
	for _, r := range calm {
		if bad(r) {
			line.failedBefore = append(line.failedBefore, r.text())
		}
	}
	if at := last(during, bad); at >= 0 {
		line.failing = max(0, at-began)
	}
	if at := last(all, bad); at >= over {
		line.failing = at - began
	}
	for _, r := range all {
		if r.at >= healed && r.good() && r.endpoint == victim && (line.back < 0 || r.at-healed < line.back) {
			line.back = r.at - healed
		}
	}
	return line
}
