// Command outage shows what clients feel when what stands behind the edge fails: Skerry beside nginx and HAProxy with equivalent
// settings, in front of endpoints that are processes and are killed, paused, made slow or broken while a load goes on.
//
//	go run ./load/outage -o docs/outage.md
//
// The load is an open loop: requests begin at times drawn beforehand, the same for each peer, and how long one took counts from its time,
// also if the generator or a full connection made it later. The peers run one after the other.
package main

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"

	"skerry.dev/skerry/load/origin"
	"skerry.dev/skerry/load/rival"
)

// The cases beside the faults.
const (
	stormKey    = "storm"
	overloadKey = "overload"
)

// options are the flags.
type options struct {
	cases, peers []string
	time         time.Duration
	rate         float64
	seed         uint64
	out, skerry  string
}

func main() {
	if origin.IsChild() {
		origin.Main()
		return
	}
	var o options
	var only, peers string
	flag.StringVar(&only, "only", strings.Join(caseKeys(), ","), "cases to run")
	flag.StringVar(&peers, "peers", "skerry,haproxy,nginx", "peers to run")
	flag.DurationVar(&o.time, "time", 4*time.Second, "how long a fault lasts; half of it passes before, and half or more after")
	flag.Float64Var(&o.rate, "rate", 400, "requests a second in the outages")
	flag.Uint64Var(&o.seed, "seed", 0, "of the schedule; 0: a random one, which the report names")
	flag.StringVar(&o.out, "o", "", "file whose section between the outage marks is rewritten; empty: print only")
	flag.StringVar(&o.skerry, "skerry", "", "skerry binary to run; empty: build the one of this folder")
	flag.Parse()
	o.cases, o.peers = strings.Split(only, ","), strings.Split(peers, ",")
	if o.seed == 0 {
		o.seed = rand.Uint64N(1e9) + 1
	}
	if err := run(o); err != nil {
		fmt.Fprintln(os.Stderr, "outage:", err)
		os.Exit(1)
	}
}

func caseKeys() (keys []string) {
	for _, f := range faults {
		keys = append(keys, f.key)
	}
	return append(keys, stormKey, overloadKey)
}

func run(o options) error {
	if err := o.check(); err != nil {
		return err
	}
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer cancel()
	dir, err := os.MkdirTemp("", "outage")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	b, err := newBench(ctx, o, dir)
	if err != nil {
		return err
	}
	r := report{options: o, start: time.Now(), loadBefore: rival.LoadAverage(), peers: b.peers}
	if err := b.measure(ctx, &r); err != nil {
		return err
	}
	r.loadAfter = rival.LoadAverage()
	text := r.markdown()
	fmt.Println("\n" + text)
	if o.out == "" {
		return nil
	}
	return rival.Section(o.out, markBegin, markEnd, newFile, text)
}

func (o options) check() error {
	for _, c := range o.cases {
		if !slices.Contains(caseKeys(), c) {
			return fmt.Errorf("-only: no case %q; there are %s", c, strings.Join(caseKeys(), ", "))
		}
	}
	if o.time < 200*time.Millisecond || o.rate <= 0 {
		return fmt.Errorf("-time %v, -rate %v: name 200ms or more, and a rate above zero", o.time, o.rate)
	}
	return nil
}

// measure runs every case that was asked for, peer after peer.
func (b *bench) measure(ctx context.Context, r *report) error {
	for _, f := range faults {
		if !slices.Contains(b.o.cases, f.key) {
			continue
		}
		lines, err := each(ctx, b, f.key, func(p peer) (faultLine, error) { return b.fault(ctx, p, f) })
		if err != nil {
			return err
		}
		r.faults = append(r.faults, faultResult{f, lines})
	}
	var err error
	if slices.Contains(b.o.cases, stormKey) {
		if r.storm, err = each(ctx, b, stormKey, func(p peer) (stormLine, error) { return b.storm(ctx, p) }); err != nil {
			return err
		}
	}
	if !slices.Contains(b.o.cases, overloadKey) {
		return nil
	}
	if r.overload, err = each(ctx, b, overloadKey, func(p peer) (overloadLine, error) { return b.overload(ctx, p, true) }); err != nil {
		return err
	}
	without := *b
	without.peers = b.peers[len(b.peers)-1:]
	more, err := each(ctx, &without, overloadKey+" without a limit", func(p peer) (overloadLine, error) { return b.overload(ctx, p, false) })
	r.overload = append(r.overload, more...)
	return err
}

// line is what a run with a peer gave.
type line interface {
	lateness() time.Duration // of the generator with 99 % of its requests
}

// each runs a case with every peer, again if the generator was late.
func each[L line](ctx context.Context, b *bench, what string, do func(peer) (L, error)) (lines []L, err error) {
	for _, p := range b.peers {
		var l L
		for range attempts {
			if l, err = do(p); err == nil {
				err = ctx.Err()
			}
			if err != nil {
				return nil, fmt.Errorf("%s, %s: %w", what, p.name, err)
			}
			fmt.Printf("%-10s %+v\n", what, l)
			if l.lateness() <= lateMax {
				break
			}
		}
		lines = append(lines, l)
	}
	return lines, nil
}
