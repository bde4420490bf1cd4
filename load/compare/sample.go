package main

import (
	"cmp"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
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
	samples []sample // only good ones
	failed  []string
	calls   float64 // system calls per request; 0: not measured
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
	dir, err := os.MkdirTemp(b.dir, r.key)
	if err != nil {
		return nil, err
	}
	origin, err := rival.FreeAddr()
	if err != nil {
		return nil, err
	}
	server, err := b.startOrigin(dir, origin)
	if err != nil {
		return nil, err
	}
	defer server.Stop()
	var peers []*running
	for _, p := range b.peers {
		run, err := b.startPeer(p, r, dir, origin)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", p.name, err)
		}
		defer run.proc.Stop()
		peers = append(peers, run)
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
	return results, nil
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
	v := values{Addr: addr, Origin: origin, Dir: own, Log: filepath.Join(own, "access.log"), Edits: r.edits}
	o := rival.Options{Dir: own, Ready: addr, Pin: b.pinProxy, Env: []string{"GOMAXPROCS=1"}}
	proc, err := p.start(b, o, v)
	if err != nil {
		return nil, err
	}
	return &running{peer: p, proc: proc, url: "http://" + addr + r.path, log: v.Log, result: result{peer: p.name}}, nil
}

// rounds takes the samples: a warm-up, then every peer once a round, in turned order every other round.
func (b *bench) rounds(r row, peers []*running) error {
	for round := range b.o.rounds + 1 {
		order := slices.Clone(peers)
		if round%2 == 0 {
			slices.Reverse(order)
		}
		for _, p := range order {
			s, err := b.sample(p)
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

func (b *bench) sample(p *running) (sample, error) {
	before, err := p.proc.CPU()
	if err != nil {
		return sample{}, err
	}
	out, err := b.wrk(p.url)
	if err != nil {
		return sample{}, err
	}
	after, err := p.proc.CPU()
	if err != nil {
		return sample{}, err
	}
	s := parseWrk(out)
	s.cpu = after.Sub(before)
	if s.failed == "" {
		s.user = float64(s.cpu.User/time.Microsecond) / float64(s.requests)
		s.system = float64(s.cpu.System/time.Microsecond) / float64(s.requests)
	}
	return s, nil
}

// wrkArgs is the load; the fields X-C and X-D are there to be removed, so every row sends them.
func (b *bench) wrkArgs(url string) []string {
	return []string{"-t1", "-c" + strconv.Itoa(b.o.conns), "-d" + strconv.Itoa(b.o.seconds) + "s",
		"-H", "User-Agent: Mozilla/5.0 (X11; Linux x86_64) compare", "-H", "X-C: c", "-H", "X-D: d", url}
}

func (b *bench) wrk(url string) (string, error) {
	path, err := rival.Path("wrk")
	if err != nil {
		return "", err
	}
	args := append([]string{path}, b.wrkArgs(url)...)
	if b.pinOther != "" {
		args = append([]string{"taskset", "-c", b.pinOther}, args...)
	}
	out, err := exec.CommandContext(b.ctx, args[0], args[1:]...).CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("wrk: %w\n%s", err, out)
	}
	return string(out), nil
}

var (
	wrkRequests = regexp.MustCompile(`(\d+) requests in`)
	wrkRate     = regexp.MustCompile(`Requests/sec:\s+([\d.]+)`)
	wrkErrors   = regexp.MustCompile(`(?m)^\s*(Socket errors:.*|Non-2xx or 3xx responses:.*)$`)
)

// parseWrk reads what wrk printed; any error it reports makes the sample a failed one.
func parseWrk(out string) sample {
	var s sample
	if m := wrkRequests.FindStringSubmatch(out); m != nil {
		s.requests, _ = strconv.Atoi(m[1])
	}
	if m := wrkRate.FindStringSubmatch(out); m != nil {
		s.rate, _ = strconv.ParseFloat(m[1], 64)
	}
	for _, m := range wrkErrors.FindAllStringSubmatch(out, -1) {
		s.failed = strings.TrimSpace(s.failed + " " + m[1])
	}
	if s.requests == 0 && s.failed == "" {
		s.failed = "no request was completed"
	}
	return s
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
		args := append([]string{"stat", "-x,", "-o", counts, "-e", "raw_syscalls:sys_enter", "-p", strings.Join(pids, ","), "--", "wrk"}, b.wrkArgs(p.url)...)
		if b.pinOther != "" {
			perf, args = "taskset", append([]string{"-c", b.pinOther, "perf"}, args...)
		}
		out, err := exec.CommandContext(b.ctx, perf, args...).CombinedOutput()
		if err != nil {
			fmt.Printf("  no system call counts: %v\n", err)
			return
		}
		if s := parseWrk(string(out)); s.failed == "" {
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
