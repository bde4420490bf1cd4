package main

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"skerry.dev/skerry/load/rival"
)

// sample is one measurement of one peer.
type sample struct {
	requests     int
	cpu          rival.CPU
	rate         float64 // requests a second
	failed       string  // why it may not be used; empty: it may
	user, system float64 // µs per request
}

// micros is processor time per request.
func (s sample) micros() float64 { return s.user + s.system }

// result is all samples of a peer in a row.
type result struct {
	peer    string
	judges  bool     // it has a firewall
	samples []sample // only good ones
	failed  []string
	calls   float64 // system calls per exchange; 0: not counted
	callsBy string  // what counted them
	noCalls string  // why nothing did
	absent  string  // why it takes no part; empty: it does
}

// running is a peer in a row's run.
type running struct {
	peer
	proc *rival.Proc
	url  string
	log  string
	ask  *cacheOrigin // what a peer with a cache has for an origin, alone; nil: the row's
	result
}

// stop ends the peer and what is its own.
func (p *running) stop() {
	p.proc.Stop()
	p.ask.stop()
}

// measure runs all peers of a row beside each other and samples them in turn.
func (b *bench) measure(r row) ([]result, error) {
	dir, origin, stop, err := b.prepare(r)
	if err != nil {
		return nil, err
	}
	defer stop()
	peers, absent, err := b.startPeers(r, dir, origin)
	defer stopAll(peers)
	if err != nil {
		return nil, err
	}
	if err := b.rounds(r, peers); err != nil {
		return nil, err
	}
	if b.o.calls {
		b.countCalls(r, peers)
	}
	var results []result
	for _, p := range peers {
		slices.SortFunc(p.samples, func(a, b sample) int { return cmp.Compare(a.micros(), b.micros()) })
		results = append(results, p.result)
	}
	return append(results, absent...), nil
}

// startPeers starts who takes part in a row. A peer may be absent, with a reason: it failed the control set of firewalls, it does
// not start so, or it does not serve what the row asks.
func (b *bench) startPeers(r row, dir, origin string) (peers []*running, absent []result, err error) {
	for _, p := range b.peers {
		if !p.takesPart(r) {
			continue
		}
		why := ""
		if r.firewall() {
			why = b.unfit[p.name]
		}
		if why == "" {
			run, err := b.startPeer(p, r, dir, origin)
			if err == nil {
				peers = append(peers, run)
				continue
			}
			if b.ctx.Err() != nil {
				return peers, nil, err
			}
			why = err.Error()
		}
		fmt.Printf("  %s is left out: %s\n", p.name, why)
		absent = append(absent, result{peer: p.name, judges: p.judges(), absent: why})
	}
	return peers, absent, nil
}

// probe looks whether a peer serves what the row asks, where the load does not look at all of it or takes any failure for its own.
func (b *bench) probe(r row, url string, ask *cacheOrigin) error {
	switch {
	case r.cached:
		return ask.fill(b.ctx, r, url)
	case r.kind == overGRPC:
		return probeGRPC(b.ctx, url)
	case r.kind == overSocket:
		return probeSocket(url)
	}
	return nil
}

func stopAll(peers []*running) {
	for _, p := range peers {
		p.stop()
	}
}

// prepare makes the folder of a row, with a certificate if the row needs one, and starts its origin.
func (b *bench) prepare(r row) (dir, origin string, stop func(), err error) {
	if dir, err = os.MkdirTemp(b.dir, r.key); err != nil {
		return "", "", nil, err
	}
	if r.secure {
		if err := writeCertificate(dir); err != nil {
			return "", "", nil, err
		}
	}
	if r.firewall() {
		fixture, err := benignRequest(r.fixture)
		if err != nil {
			return "", "", nil, err
		}
		if err := os.WriteFile(b.scriptOf(r), []byte(fixture.wrkScript()), 0o644); err != nil {
			return "", "", nil, err
		}
	}
	if r.kind == overGRPC {
		if err := os.WriteFile(filepath.Join(b.dir, grpcFile), []byte(grpcFrame), 0o644); err != nil {
			return "", "", nil, err
		}
	}
	origin, stop, err = b.originFor(r, dir)
	return dir, origin, stop, err
}

// originFor starts the origin of a row; a row about caches has one for each peer instead.
func (b *bench) originFor(r row, dir string) (addr string, stop func(), err error) {
	if r.cached {
		return "", func() {}, nil
	}
	if addr, err = rival.FreeAddr(); err != nil {
		return "", nil, err
	}
	server, err := b.startOrigin(r, dir, addr)
	if err != nil {
		return "", nil, err
	}
	return addr, server.Stop, nil
}

func (b *bench) startPeer(p peer, r row, dir, origin string) (*running, error) {
	addr, err := rival.FreeAddr()
	if err != nil {
		return nil, err
	}
	own := filepath.Join(dir, p.name)
	if err := os.Mkdir(own, 0o755); err != nil {
		return nil, err
	}
	run := &running{peer: p, url: scheme(r) + addr + r.path, log: filepath.Join(own, "access.log"), result: result{peer: p.name, judges: p.judges()}}
	if r.cached {
		if run.ask, err = startCacheOrigin(); err != nil {
			return nil, err
		}
		origin = run.ask.addr
	}
	_, port, _ := strings.Cut(addr, ":")
	_, originPort, _ := strings.Cut(origin, ":")
	v := values{Firewall: r.firewall(), GRPC: r.kind == overGRPC, Sockets: r.kind == overSocket, Cached: r.cached, Small: r.cached && r.path == hitPath, Port: port, Addr: addr, Origin: origin, OriginPort: originPort,
		Dir: own, Log: run.log, Edits: r.edits, Secure: r.secure, Workers: r.workers,
		Cert: filepath.Join(dir, certFile), Key: filepath.Join(dir, keyFile), Both: filepath.Join(dir, bothFile)}
	o := rival.Options{Dir: own, Ready: addr, Pin: b.pinProxy, Workers: r.workers, Env: []string{"GOMAXPROCS=" + strconv.Itoa(r.workers)}}
	if r.workers > 1 {
		o.Pin = ""
	}
	if run.proc, err = p.start(b, o, v); err != nil {
		run.ask.stop()
		return nil, fmt.Errorf("it does not start: %w", err)
	}
	if err := b.probe(r, run.url, run.ask); err != nil {
		run.stop()
		return nil, fmt.Errorf("it does not serve this: %w", err)
	}
	return run, nil
}

// rounds takes the samples: a warm-up, then every peer once a round, in turned order every other round.
func (b *bench) rounds(r row, peers []*running) error {
	for round := range b.o.rounds + 1 {
		order := slices.Clone(peers)
		if round%2 == 0 {
			slices.Reverse(order)
		}
		for _, p := range order {
			s, err := b.sample(r, p)
			if err != nil {
				return fmt.Errorf("%s: %w", p.name, err)
			}
			what := fmt.Sprintf("round %d", round)
			if round == 0 {
				what = "warm-up"
			}
			if s.failed != "" {
				fmt.Printf("  %-8s %-8s FAILED: %s\n", what, p.name, s.failed)
				p.failed = append(p.failed, what+": "+s.failed)
				continue
			}
			fmt.Printf("  %-8s %-8s %7.2f µs (%.2f user, %.2f system), %.0f requests/s\n", what, p.name, s.micros(), s.user, s.system, s.rate)
			if round > 0 {
				p.samples = append(p.samples, s)
			}
		}
	}
	if !r.edits {
		return nil
	}
	for _, p := range peers { // a row that says "access log" must have one
		if info, err := os.Stat(p.log); err != nil || info.Size() == 0 {
			p.failed, p.samples = append(p.failed, "it wrote no access log"), nil
		}
	}
	return nil
}

func (b *bench) sample(r row, p *running) (sample, error) {
	before, err := p.proc.CPU()
	if err != nil {
		return sample{}, err
	}
	s, err := b.load(r, p.url)
	if err != nil {
		return sample{}, err
	}
	after, err := p.proc.CPU()
	if err != nil {
		return sample{}, err
	}
	p.allHits(&s)
	s.cpu = after.Sub(before)
	if s.failed == "" {
		s.user = float64(s.cpu.User/time.Microsecond) / float64(s.requests)
		s.system = float64(s.cpu.System/time.Microsecond) / float64(s.requests)
	}
	return s, nil
}

// countCalls counts system calls in one more run, after the samples because tracing costs time.
func (b *bench) countCalls(r row, peers []*running) {
	for _, p := range peers {
		name, args := b.command(r, p.url)
		calls, out, err := p.proc.Calls(b.ctx, name, args...)
		s := parse(r, out)
		p.allHits(&s)
		switch {
		case err != nil:
			p.noCalls = strings.Join(strings.Fields(err.Error()), " ") // one line
		case s.failed != "":
			p.noCalls = s.failed
		default:
			p.calls, p.callsBy = float64(calls.Count)/float64(s.requests), calls.By
		}
		if p.noCalls != "" {
			fmt.Printf("  no system call counts of %s: %s\n", p.name, p.noCalls)
		}
	}
}
