package cli

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"skerry.dev/skerry/fault"
	"skerry.dev/skerry/spec"
	"skerry.dev/skerry/waf/crs"
)

// wafTuning is what `waf tune` is asked.
type wafTuning struct {
	paths     []string
	threshold int
	clients   int
	dir       string
}

func newWAFTune() *cobra.Command {
	var q wafTuning
	cmd := &cobra.Command{
		Use:   "tune LOG…",
		Short: "Propose exclusions from the logs of a firewall in detect mode",
		Long: "Read log events (- is standard input), group what the firewall would have refused by entrypoint, rule, target and path,\n" +
			"and print the narrowest exclusions that would have let it pass, as YAML for each Entrypoint, with what each\n" +
			"would also let through. What one client did, or what rules of several families matched, is listed as a likely attack and never\n" +
			"proposed. Read it before you apply it: a log cannot tell who meant well.",
		Example: "  skerry waf tune access.log -f specs/ >tuned.yaml",
	}
	f := cmd.Flags()
	f.StringArrayVarP(&q.paths, "file", "f", nil, "file or directory of documents, for thresholds and the exclusions that there are; repeatable")
	f.IntVar(&q.threshold, "threshold", 5, "anomaly score that refuses, of entrypoints that are not in -f")
	f.IntVar(&q.clients, "clients", clientsLeast, "how many clients a false positive has at least")
	f.StringVar(&q.dir, "crs", "", "directory with a release of the OWASP Core Rule Set 4, in the place of the embedded one")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		switch {
		case len(args) == 0:
			return errors.New("name at least one log, or - for standard input")
		case q.threshold < 1:
			return fmt.Errorf("--threshold %d is less than 1", q.threshold)
		case q.clients < clientsLeast:
			return fmt.Errorf("--clients %d is less than %d: one client may be an attacker", q.clients, clientsLeast)
		}
		return work(func(cmd *cobra.Command, args []string) error { return tuneWAF(cmd, &q, args) })(cmd, args)
	}
	return cmd
}

func tuneWAF(cmd *cobra.Command, q *wafTuning, logs []string) error {
	rules, err := loadRules(q.dir)
	if err != nil {
		return err
	}
	u := &tuning{least: q.clients, threshold: q.threshold, rules: map[int]ruleFacts{}, present: map[string]*spec.WAF{}}
	for _, f := range factsOfAll(rules) {
		u.rules[f.ID] = f
	}
	if len(q.paths) > 0 {
		s, problems := spec.Load(q.paths, spec.Options{})
		if len(problems) > 0 {
			printProblems(cmd.ErrOrStderr(), problems)
			return errReported
		}
		for _, e := range s.Entrypoints {
			u.present[e.Meta.Name] = e.Policy.WAF
		}
	}
	for _, name := range logs {
		if err := u.readLog(name, cmd.InOrStdin()); err != nil {
			return err
		}
	}
	u.group()
	return u.print(cmd.OutOrStdout())
}

// event is a log event of a request that would have been refused, as far as tuning looks at it.
type event struct {
	entrypoint, client, method, path string
	time                             string // the day
	score                            int
	hits                             []hit
}

// hit is that a rule matched a target.
type hit struct {
	rule   int
	target string // as an exclusion names it: numbers in its key are any numbers
	points int
	again  int // how many values of the target it matched beyond the first
}

// logged is the members of a log event that tuning reads; package observe has the names.
type logged struct {
	Time       string `json:"time"`
	Entrypoint string `json:"entrypoint"`
	Client     string `json:"client"`
	Method     string `json:"method"`
	Path       string `json:"path"`
	WAF        *struct {
		Mode    string `json:"mode"`
		Verdict string `json:"verdict"`
		Score   int    `json:"score"`
		Limit   string `json:"limit"`
		Of      string `json:"of"`
		Rules   []struct {
			ID   int      `json:"id"`
			Vars []string `json:"vars"`
		} `json:"rules"`
	} `json:"waf"`
}

// readings count what was in the logs.
type readings struct {
	logs, events, noEvents, matched, passed, refused, limits, answers, paths, beyond int
}

// readLog reads the events of one log.
func (u *tuning) readLog(name string, stdin io.Reader) error {
	from := stdin
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return err
		}
		defer f.Close() // read only
		from = f
	}
	u.read.logs++
	in := bufio.NewReaderSize(from, logLineMax)
	for n := 1; ; n++ {
		line, err := in.ReadSlice('\n')
		if errors.Is(err, bufio.ErrBufferFull) {
			u.read.noEvents++
			for errors.Is(err, bufio.ErrBufferFull) {
				_, err = in.ReadSlice('\n')
			}
			line = nil
		}
		if line = bytes.TrimSpace(line); len(line) > 0 {
			if bad := u.line(line); bad != nil {
				return fault.Problems{{File: name, Line: n, Col: 1, Text: bad.Error()}}
			}
		}
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return fmt.Errorf("%s: %w", name, err)
		}
	}
}

// line takes one event. What is none is counted: other programs may write to the same log.
func (u *tuning) line(line []byte) error {
	if line[0] != '{' {
		u.read.noEvents++
		return nil
	}
	u.read.events++
	if !bytes.Contains(line, []byte(`"waf":{"mode":`)) {
		return nil
	}
	var l logged
	if err := json.Unmarshal(line, &l); err != nil {
		return fmt.Errorf("not an event: %w", err)
	}
	u.read.matched++
	switch w := l.WAF; {
	case w.Of == "answer":
		u.read.answers++
	case w.Verdict == "refused":
		u.read.refused++
	case w.Verdict != "detected":
		u.read.passed++
	case w.Limit != "":
		u.read.limits++
	case !nameable(l.Path):
		u.read.paths++
	case len(u.events) == eventsMax:
		u.read.beyond++
	default:
		u.events = append(u.events, u.event(&l))
	}
	return nil
}

func nameable(path string) bool {
	_, ok := generalPath(path)
	return ok
}

// event keeps what tuning needs of a logged one.
func (u *tuning) event(l *logged) event {
	e := event{entrypoint: l.Entrypoint, client: l.Client, method: l.Method, path: l.Path, score: l.WAF.Score}
	e.time, _, _ = strings.Cut(l.Time, "T")
	for _, r := range l.WAF.Rules {
		if f := crs.Family(r.ID); f == "score" || f == "correlation" || f == "setup" {
			continue
		}
		for _, v := range r.Vars {
			h := hit{rule: r.ID, target: generalTarget(v), points: u.rules[r.ID].points}
			if n := len(e.hits); n > 0 && e.hits[n-1].rule == h.rule && e.hits[n-1].target == h.target {
				e.hits[n-1].again++
				continue
			}
			e.hits = append(e.hits, h)
		}
	}
	return e
}
