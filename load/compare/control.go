package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// Before firewalls are compared they judge a control set of attacks and of benign requests. All must have loaded the same
// number of rules, log the ids of the same rules for each request, and refuse the same ones as whole edges. Coraza in this
// process says what is expected. Who differs is left out of the rows, and the report says why.

const (
	// controlWait is how long one control request may take at an edge. Beyond it the peer is unfit.
	controlWait = 20 * time.Second
	// firstRule is the least id of the rule set; what is below belongs to the setup, which is each engine's own.
	firstRule = 900_000
)

// blocking is the policy of whole edges.
var blocking = policy{Paranoia: 1, Threshold: 5}

// expectation is a control request and what becomes of it.
type expectation struct {
	*request
	ids     []int // of rules that log, sorted
	refused bool
}

// expectations asks Coraza.
func expectations(files ruleFiles) ([]expectation, error) {
	requests, err := controlRequests()
	if err != nil {
		return nil, err
	}
	var log idLog
	e, err := newCoraza(files, log.add)
	if err != nil {
		return nil, err
	}
	if e.Rules() != files.rules {
		return nil, fmt.Errorf("Coraza loaded %d rules of %d", e.Rules(), files.rules)
	}
	var all []expectation
	for _, r := range requests {
		status, err := e.Judge(r)
		if err != nil {
			return nil, fmt.Errorf("Coraza, request %s: %w", r.name, err)
		}
		all = append(all, expectation{r, log.take(), status != 0})
	}
	return all, nil
}

// idLog collects the ids that an engine logs.
type idLog struct{ ids []int }

func (l *idLog) add(id int) {
	if id >= firstRule {
		l.ids = append(l.ids, id)
	}
}

// take returns what was logged since the last time, sorted, each once.
func (l *idLog) take() []int {
	slices.Sort(l.ids)
	ids := slices.Compact(l.ids)
	l.ids = nil
	return ids
}

// controlSet is what edges with a firewall are asked, and where.
type controlSet struct {
	*bench
	row
	dir, origin string
	want        []expectation
}

// control runs the control set at every edge with a firewall and fills b.unfit. It returns the number of requests.
func (b *bench) control() (int, error) {
	c, stop, err := b.newControlSet()
	if err != nil {
		return 0, err
	}
	defer stop()
	b.unfit = map[string]string{}
	fmt.Printf("\ncontrol set: %d rules, %d requests\n", b.rules.rules, len(c.want))
	for _, p := range b.peers {
		if !p.judges() {
			continue
		}
		verdict := "as expected"
		if why := c.ask(p); why != "" {
			b.unfit[p.name], verdict = why, why
		}
		fmt.Printf("  %-11s %s\n", p.name, verdict)
	}
	return len(c.want), nil
}

// newControlSet writes the rules, starts an origin and asks Coraza what is expected.
func (b *bench) newControlSet() (c controlSet, stop func(), err error) {
	c = controlSet{bench: b, row: row{key: "control", fixture: benign[0], workers: 1}}
	if c.dir, c.origin, stop, err = b.prepare(c.row); err != nil {
		return c, nil, err
	}
	if b.rules, err = writeRules(c.dir, blocking); err == nil {
		c.want, err = expectations(b.rules)
	}
	if err != nil {
		stop()
	}
	return c, stop, err
}

// ask says why a peer is unfit; empty: it is fit. Of nginx the ids are read in its log, Skerry's engine is asked in this
// process.
func (c controlSet) ask(p peer) string {
	if p.name == "skerry" {
		if why := controlEngine(c.rules, blocking, c.want); why != "" {
			return why
		}
	}
	run, err := c.startPeer(p, c.row, c.dir, c.origin)
	if err != nil {
		return "it does not start: " + err.Error()
	}
	defer run.proc.Stop()
	var log *modSecurityLog
	if p.name == "modsecurity" {
		log = &modSecurityLog{path: filepath.Join(c.dir, p.name, "errors")}
		if why := log.rulesDiffer(c.rules); why != "" {
			return why
		}
	}
	var differ []string
	for _, w := range c.want {
		status, err := send(run.url, w.request)
		if err != nil {
			return fmt.Sprintf("request %s: %v", w.name, err)
		}
		if refused := status >= 400; refused != w.refused {
			differ = append(differ, fmt.Sprintf("%s is answered %d", w.name, status))
		}
		if log == nil {
			continue
		}
		got, err := log.ids()
		if err != nil {
			return err.Error()
		}
		differ = append(differ, w.differs(got)...)
	}
	return strings.Join(differ, "; ")
}

// controlEngine says in what Skerry's engine differs from what is expected.
func controlEngine(files ruleFiles, p policy, want []expectation) string {
	var log idLog
	e, err := newSkerry(files, p, log.add)
	if err != nil {
		return err.Error()
	}
	if e.Rules() != files.rules {
		return fmt.Sprintf("Skerry loaded %d rules of %d", e.Rules(), files.rules)
	}
	var differ []string
	for _, w := range want {
		status, err := e.Judge(w.request)
		if err != nil {
			return fmt.Sprintf("request %s: %v", w.name, err)
		}
		if refused := status != 0; refused != w.refused {
			differ = append(differ, fmt.Sprintf("%s is answered %d", w.name, status))
		}
		differ = append(differ, w.differs(log.take())...)
	}
	return strings.Join(differ, "; ")
}

// differs is empty or says which ids were logged instead of the expected ones.
func (e expectation) differs(got []int) []string {
	if slices.Equal(got, e.ids) {
		return nil
	}
	return []string{fmt.Sprintf("%s logs %v, expected %v", e.name, got, e.ids)}
}

// send makes a request on a connection of its own and waits until the edge closes it, which nginx does after it has logged.
func send(url string, r *request) (status int, err error) {
	addr, _, _ := strings.Cut(strings.TrimPrefix(url, "http://"), "/")
	c, err := net.DialTimeout("tcp", addr, controlWait)
	if err != nil {
		return 0, err
	}
	defer c.Close()
	if err := c.SetDeadline(time.Now().Add(controlWait)); err != nil {
		return 0, err
	}
	if _, err := c.Write(r.closing().wire()); err != nil {
		return 0, err
	}
	in := bufio.NewReader(c)
	answer, err := http.ReadResponse(in, nil)
	if err != nil {
		return 0, err
	}
	if _, err := io.Copy(io.Discard, answer.Body); err != nil {
		return 0, err
	}
	_, err = io.Copy(io.Discard, in)
	return answer.StatusCode, err
}

// closing is the request on a connection that is to be closed after it.
func (r *request) closing() *request {
	c := *r
	c.fields = slices.DeleteFunc(slices.Clone(r.fields), func(f field) bool { return f.name == "Connection" })
	c.fields = append(c.fields, field{"Connection", "close"})
	return &c
}
