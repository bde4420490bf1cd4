package main

import (
	"cmp"
	"fmt"
	"os"
	"os/exec"
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
	calls   float64 // system calls per request; 0: not measured
	absent  string  // why it takes no part; empty: it does
}

// running is a peer in a row's run.
type running struct {
	peer
	proc *rival.Proc
	url  string
	log  string
	result
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

// startPeers starts who takes part in a row. In a row about firewalls a peer may be absent, with a reason: it failed the
// control set, or it does not start so.
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
			switch {
			case err == nil:
				peers = append(peers, run)
				continue
			case !r.firewall():
				return peers, nil, fmt.Errorf("%s: %w", p.name, err)
			}
			why = "it does not start: " + err.Error()
		}
		fmt.Printf("  %s is left out: %s\n", p.name, why)
		absent = append(absent, result{peer: p.name, judges: p.judges(), absent: why})
	}
	return peers, absent, nil
}

func stopAll(peers []*running) {
	for _, p := range peers {
		p.proc.Stop()
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
	origin, stop, err = b.originFor(dir)
	return dir, origin, stop, err
}

// originFor starts the origin of a row.
func (b *bench) originFor(dir string) (addr string, stop func(), err error) {
	if addr, err = rival.FreeAddr(); err != nil {
		return "", nil, err
	}
	server, err := b.startOrigin(dir, addr)
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
	_, port, _ := strings.Cut(addr, ":")
	v := values{Firewall: r.firewall(), Port: port, Addr: addr, Origin: origin, Dir: own, Log: filepath.Join(own, "access.log"), Edits: r.edits, Secure: r.secure, Workers: r.workers,
		Cert: filepath.Join(dir, certFile), Key: filepath.Join(dir, keyFile), Both: filepath.Join(dir, bothFile)}
	o := rival.Options{Dir: own, Ready: addr, Pin: b.pinProxy, Workers: r.workers, Env: []string{"GOMAXPROCS=" + strconv.Itoa(r.workers)}}
	if r.workers > 1 {
		o.Pin = ""
	}
	proc, err := p.start(b, o, v)
	if err != nil {
		return nil, err
	}
	return &running{peer: p, proc: proc, url: scheme(r) + addr + r.path, log: v.Log, result: result{peer: p.name, judges: p.judges()}}, nil
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
	s.cpu = after.Sub(before)
	if s.failed == "" {
		s.user = float64(s.cpu.User/time.Microsecond) / float64(s.requests)
		s.system = float64(s.cpu.System/time.Microsecond) / float64(s.requests)
	}
	return s, nil
}

// countCalls counts system calls with perf in one more run, after the samples because tracing costs time.
func (b *bench) countCalls(r row, peers []*running) {
	perf, err := rival.Path("perf")
	if err != nil {
		return
	}
	for _, p := range peers {
		var pids []string
		for _, pid := range p.proc.Pids() {
			pids = append(pids, strconv.Itoa(pid))
		}
		counts := filepath.Join(b.dir, r.key+p.name+".perf")
		args := append([]string{"stat", "-x,", "-o", counts, "-e", "raw_syscalls:sys_enter", "-p", strings.Join(pids, ","), "--"}, b.generator(r, p.url)...)
		if b.pinOther != "" && r.workers == 1 {
			perf, args = "taskset", append([]string{"-c", b.pinOther, "perf"}, args...)
		}
		out, err := exec.CommandContext(b.ctx, perf, args...).CombinedOutput()
		if err != nil {
			fmt.Printf("  no system call counts: %v\n", err)
			return
		}
		if s := parse(r, string(out)); s.failed == "" {
			text, _ := os.ReadFile(counts)
			p.calls = parsePerf(string(text)) / float64(s.requests)
		}
	}
}

// parsePerf is the count in the output of perf stat -x, or 0.
func parsePerf(text string) float64 {
	for line := range strings.Lines(text) {
		if words := strings.Split(line, ","); len(words) > 2 && strings.Contains(line, "raw_syscalls") {
			n, _ := strconv.ParseFloat(words[0], 64)
			return n
		}
	}
	return 0
}
