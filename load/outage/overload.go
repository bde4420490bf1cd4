package main

import (
	"context"
	"time"

	"skerry.dev/skerry/load/origin"
)

// capacity is what the endpoint of the overload can do, in requests a second.
const capacity = float64(places) * float64(time.Second) / float64(hold)

// overloadLine is what an overload did to the clients of a peer.
type overloadLine struct {
	peer     string
	goodput  float64       // share of capacity
	classes  []float64     // share of each kind that was good
	critical time.Duration // 99 % of the critical ones that were good
	refused  time.Duration // median of what was not good
	recovery time.Duration // from the end of the overload until answers were good and fast for a while; -1: never
	timing
}

// overload runs half the capacity, three times the capacity, and half again, against one endpoint.
func (b *bench) overload(ctx context.Context, p peer, bound bool) (overloadLine, error) {
	v := values{FirstByte: "5s", Bound: bound, Places: places}
	r, err := b.start(p, v, 1, origin.Mode{Body: bodyBytes, Places: places, Hold: hold})
	if err != nil {
		return overloadLine{}, err
	}
	defer r.stop()
	began := warmUp + b.o.time/2
	over := began + b.o.time*3/2
	end := over + recoveryMax + 2*time.Second
	all := schedule(b.o.seed, overloadMix, []phase{{calmFactor * capacity, began}, {overFactor * capacity, over - began}, {calmFactor * capacity, end - over}})
	l := &load{client: r.client, mix: overloadMix, begin: time.Now()}
	line := overloadOf(l.run(ctx, all, nil), began, over)
	line.peer = p.name
	if !bound {
		line.peer += ", no limit"
	}
	return line, nil
}

// overloadOf reads the figures of a run that was overloaded from began to over. The first second is that of finding the limit.
func overloadOf(all []result, began, over time.Duration) overloadLine {
	from := min(began+time.Second, (began+over)/2)
	good := func(r result) bool { return r.good() && r.took <= goodWithin }
	during := within(all, from, over)
	done := count(all, func(r result) bool { return good(r) && r.at+r.took >= from && r.at+r.took < over })
	line := overloadLine{
		goodput: float64(done) / (over - from).Seconds() / capacity,
		timing:  timingOf(all),
	}
	for i := range overloadMix {
		line.classes = append(line.classes, share(of(during, i), good))
	}
	var paid, refused []result
	for _, r := range during {
		switch {
		case !good(r):
			refused = append(refused, r)
		case r.kind == 0:
			paid = append(paid, r)
		}
	}
	line.critical, line.refused = quantile(paid, 0.99), quantile(refused, 0.5)
	line.recovery = recoveryOf(all, over)
	return line
}

// recoveryOf is the time from the end of the overload to the first of calmWindows windows in a row that are calm; -1 if there are none.
func recoveryOf(all []result, over time.Duration) time.Duration {
	calm := func(r result) bool { return r.good() && r.took <= calmWithin }
	end := last(all, func(result) bool { return true })
	for from, row := over, 0; from <= end; from += calmWindow {
		row++
		if share(within(all, from, from+calmWindow), calm) < calmShare {
			row = 0
		}
		if row == calmWindows {
			return from - (calmWindows-1)*calmWindow - over
		}
	}
	return -1
}

// ordered reports whether higher classes came first.
func (l overloadLine) ordered() bool {
	return l.classes[0] >= criticalMin && l.classes[1] > l.classes[2]
}
