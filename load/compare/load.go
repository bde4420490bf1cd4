package main

import (
	"fmt"
	"os/exec"
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

// generator is the command that makes the load of a row; the fields X-C and X-D are there to be removed, so every row sends
// them.
func (b *bench) generator(r row, url string) []string {
	if r.firewall() {
		return []string{"wrk", "-t1", "-c" + strconv.Itoa(firewallConns), "-d" + strconv.Itoa(max(b.o.seconds, r.seconds)) + "s", "-s", b.scriptOf(r), url}
	}
	fields := []string{"-H", "User-Agent: Mozilla/5.0 (X11; Linux x86_64) compare", "-H", "X-C: c", "-H", "X-D: d", url}
	seconds := strconv.Itoa(b.o.seconds)
	if r.h2 {
		return append([]string{"h2load", "-t1", "-c16", "-m10", "-D" + seconds}, fields...)
	}
	return append([]string{"wrk", "-t1", "-c" + strconv.Itoa(b.o.conns), "-d" + seconds + "s"}, fields...)
}

// load runs the generator once.
func (b *bench) load(r row, url string) (sample, error) {
	args := b.generator(r, url)
	path, err := rival.Path(args[0])
	if err != nil {
		return sample{}, err
	}
	args[0] = path
	if b.pinOther != "" && r.workers == 1 {
		args = append([]string{"taskset", "-c", b.pinOther}, args...)
	}
	out, err := exec.CommandContext(b.ctx, args[0], args[1:]...).CombinedOutput()
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
	if r.h2 {
		return parseH2load(out)
	}
	return parseWrk(out)
}

var (
	wrkRequests = regexp.MustCompile(`(\d+) requests in`)
	wrkRate     = regexp.MustCompile(`Requests/sec:\s+([\d.]+)`)
	wrkErrors   = regexp.MustCompile(`(?m)^\s*(Socket errors:.*|Non-2xx or 3xx responses:.*)$`)
	h2Requests  = regexp.MustCompile(`requests: \d+ total, \d+ started, (\d+) done, (\d+) succeeded, (\d+) failed, (\d+) errored, (\d+) timeout`)
	h2Status    = regexp.MustCompile(`status codes: (\d+) 2xx`)
	h2Rate      = regexp.MustCompile(`finished in .*?, ([\d.]+) req/s`)
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

// parseH2load reads what h2load printed. What it had under way when its time was over is in no count.
func parseH2load(out string) sample {
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
