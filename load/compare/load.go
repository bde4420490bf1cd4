package main

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"skerry.dev/skerry/load/rival"
)

func scheme(r row) string {
	if r.secure {
		return "https://"
	}
	return "http://"
}

const (
	// firewallConns is how many connections a row about firewalls has. Requests under way when a sample ends are paid and
	// not counted; with rivals that take 15 ms for one, 64 of them would be a third.
	firewallConns = 4
	// firewallLeast is how many requests a sample of such a row has at least, so that these are at most 5 %. A sample with
	// fewer is a failed one: the machine is busy, or samples are too short.
	firewallLeast = 20 * firewallConns
)

// generator is the command that makes the load of a row; the fields X-C and X-D are there to be removed, so every row of
// ordinary requests sends them.
func (b *bench) generator(r row, url string) []string {
	if r.firewall() {
		return []string{"wrk", "-t1", "-c" + strconv.Itoa(firewallConns), "-d" + strconv.Itoa(max(b.o.seconds, r.seconds)) + "s", "-s", b.scriptOf(r), url}
	}
	seconds := strconv.Itoa(b.o.seconds)
	conns := strconv.Itoa(b.o.conns)
	const agent = "User-Agent: Mozilla/5.0 (X11; Linux x86_64) compare"
	switch r.kind {
	case overH2:
		return []string{"h2load", "-t1", "-c16", "-m10", "-D" + seconds, "-H", agent, "-H", "X-C: c", "-H", "X-D: d", url}
	case overGRPC:
		return []string{"h2load", "-t1", "-c16", "-m10", "-D" + seconds, "-H", "User-Agent: grpc-compare/1", "-H", "Content-Type: application/grpc", "-H", "TE: trailers",
			"-d", filepath.Join(b.dir, grpcFile), url}
	case overSocket:
		return []string{b.self, flagMessages, url, "-conns", conns, "-seconds", seconds}
	}
	return []string{"wrk", "-t1", "-c" + conns, "-d" + seconds + "s", "-H", agent, "-H", "X-C: c", "-H", "X-D: d", url}
}

// command is the generator of a row, on the processor that is not the proxy's.
func (b *bench) command(r row, url string) (name string, args []string) {
	args = b.generator(r, url)
	if b.pinOther != "" && r.workers == 1 {
		args = append([]string{"taskset", "-c", b.pinOther}, args...)
	}
	return args[0], args[1:]
}

// load runs the generator once.
func (b *bench) load(r row, url string) (sample, error) {
	name, args := b.command(r, url)
	path, err := rival.Path(name)
	if err != nil {
		return sample{}, err
	}
	out, err := exec.CommandContext(b.ctx, path, args...).CombinedOutput()
	if err != nil {
		return sample{}, fmt.Errorf("%s: %w\n%s", path, err, out)
	}
	s := parse(r, string(out))
	if r.firewall() && s.failed == "" && s.requests < firewallLeast {
		s.failed = fmt.Sprintf("%d requests in the sample, want %d: the machine is busy, or -seconds is too small", s.requests, firewallLeast)
	}
	return s, nil
}

// parse reads what the row's generator printed.
func parse(r row, out string) sample {
	switch r.kind {
	case overH2, overGRPC:
		return parseH2load(out, r.answer)
	case overSocket:
		return parseSockets(out)
	}
	return parseWrk(out)
}

var (
	wrkRequests = regexp.MustCompile(`(\d+) requests in`)
	wrkRate     = regexp.MustCompile(`Requests/sec:\s+([\d.]+)`)
	wrkErrors   = regexp.MustCompile(`(?m)^\s*(Socket errors:.*|Non-2xx or 3xx responses:.*)$`)
	h2Requests  = regexp.MustCompile(`requests: \d+ total, \d+ started, (\d+) done, (\d+) succeeded, (\d+) failed, (\d+) errored, (\d+) timeout`)
	h2Status    = regexp.MustCompile(`status codes: (\d+) 2xx`)
	h2Data      = regexp.MustCompile(`\((\d+)\) data`)
	h2Rate      = regexp.MustCompile(`finished in .*?, ([\d.]+) req/s`)
	sockets     = regexp.MustCompile(`round trips: (\d+) done, (\d+) failed, ([\d.]+) a second`)
	socketFault = regexp.MustCompile(`first failure: (.*)`)
)

// parseWrk reads what wrk printed; any error it reports makes the sample a failed one.
func parseWrk(out string) sample {
	var s sample
	s.requests = int(number(wrkRequests, out))
	s.rate = number(wrkRate, out)
	for _, m := range wrkErrors.FindAllStringSubmatch(out, -1) {
		s.failed = strings.TrimSpace(s.failed + " " + m[1])
	}
	return s.judged()
}

// parseH2load reads what h2load printed. What it had under way when its time was over is in no count. Answers must bring answer bytes
// each: gRPC says that a call failed by an answer of 200 without a message.
func parseH2load(out string, answer int) sample {
	var s sample
	m := h2Requests.FindStringSubmatch(out)
	if m == nil {
		return s.judged()
	}
	s.requests, _ = strconv.Atoi(m[1])
	s.rate = number(h2Rate, out)
	if m[3] != "0" || m[4] != "0" || m[5] != "0" {
		s.failed = m[0]
	}
	if good := int(number(h2Status, out)); good < s.requests {
		s.failed = strings.TrimSpace(s.failed + fmt.Sprintf(" %d of %d answers are 2xx", good, s.requests))
	}
	if data := int(number(h2Data, out)); data < s.requests*answer {
		s.failed = strings.TrimSpace(s.failed + fmt.Sprintf(" %d bytes came, want %d for each of %d", data, answer, s.requests))
	}
	return s.judged()
}

// parseSockets reads what loadSockets printed.
func parseSockets(out string) sample {
	var s sample
	m := sockets.FindStringSubmatch(out)
	if m == nil {
		return s.judged()
	}
	s.requests, _ = strconv.Atoi(m[1])
	s.rate, _ = strconv.ParseFloat(m[3], 64)
	if m[2] != "0" {
		s.failed = m[2] + " connections failed"
		if why := socketFault.FindStringSubmatch(out); why != nil {
			s.failed += ": " + why[1]
		}
	}
	return s.judged()
}

func (s sample) judged() sample {
	if s.requests == 0 && s.failed == "" {
		s.failed = "no request was completed"
	}
	return s
}

// number is the first group of a pattern in a text, 0 if it is not there.
func number(pattern *regexp.Regexp, text string) float64 {
	m := pattern.FindStringSubmatch(text)
	if m == nil {
		return 0
	}
	n, _ := strconv.ParseFloat(m[1], 64)
	return n
}
