package edge_test

import (
	"fmt"
	"net/http"
	"slices"
	"testing"
	"time"

	"skerry.dev/skerry/edge"
	endpoint "skerry.dev/skerry/load/origin"
)

// healthyMode is how endpoints behave without a fault: they take a moment, so that a fault finds requests under way.
var healthyMode = endpoint.Mode{Body: 100, Delay: 10 * time.Millisecond}

// faultClients is how many clients there are while something is broken. What runs at an endpoint when it breaks may fail, and that
// is at most one request of each.
const faultClients = 8

// The stages of a fault's test.
const (
	stageCalm   int32 = iota
	stageBroken       // until the edge knows
	stageKnown
	stageHealed
	stageBack // the endpoint is asked again
)

// outage is a fault of one endpoint of four, and what must come of it.
type outage struct {
	name        string
	begin, heal func(*endpoint.Process) error
	mode        endpoint.Mode // instead of begin and heal
	service     string        // more of the service's spec, besides health
	silent      bool          // nothing but the service's timeout ends what is sent to the endpoint

	knows  string   // the event by which the edge takes the endpoint out; empty: it stays, since it works
	why    []string // reasons of further tries, of which the log must give one; none: it need not
	status []int    // what may come of requests that cannot be sent again, beside an answer that breaks off

	posts bool // POSTs may fail: the endpoint may have worked on them
	gets  bool // GETs may fail: the answer had begun, or its status is no reason to ask again
}

// ejecting takes an endpoint out for as short a time as a spec may say.
const ejecting = "  ejection: {failures: 5, time: 1s, share: 0.5}\n"

// checks are so slow to judge that no endpoint that works is taken out because the machine, or the endpoint's process, stood still for
// some seconds.
const checks = "  health: {path: /health, interval: 1s, timeout: 1s, healthyAfter: 1, unhealthyAfter: 4}\n"

// checking finds out by itself. Until it has, the endpoint is out: each return would let some more requests fail.
const checking = "  ejection: {failures: 5, time: 10s, share: 0.5}\n" + checks

func killed(p *endpoint.Process) error { p.Kill(); return nil }

var outages = []outage{
	{name: "killed", begin: killed, heal: (*endpoint.Process).Restart, service: ejecting, knows: "ejected", why: []string{"connect"}, status: []int{502}, posts: true},
	{name: "paused", silent: true, begin: (*endpoint.Process).Pause, heal: (*endpoint.Process).Resume, service: ejecting, knows: "ejected", why: []string{"timeout"}, status: []int{504}, posts: true},
	{name: "slow", mode: endpoint.Mode{Delay: 300 * time.Millisecond}, service: ejecting},
	{name: "never", silent: true, mode: endpoint.Mode{Answer: endpoint.AnswerNever}, service: ejecting, knows: "ejected", why: []string{"timeout"}, status: []int{502, 504}, posts: true},
	{name: "500", mode: endpoint.Mode{Status: 500}, service: ejecting, knows: "ejected", status: []int{500}, posts: true, gets: true},
	{name: "503", mode: endpoint.Mode{Status: 503}, service: ejecting, knows: "ejected", why: []string{"status"}, status: []int{503}, posts: true},
	{name: "garbage", mode: endpoint.Mode{Answer: endpoint.AnswerGarbage}, service: ejecting, knows: "ejected", why: []string{"invalid"}, status: []int{502}, posts: true},
	{name: "close", mode: endpoint.Mode{Answer: endpoint.AnswerClose}, service: ejecting, knows: "ejected", why: []string{"broken", "died"}, status: []int{502}, posts: true},
	{name: "cut", mode: endpoint.Mode{Answer: endpoint.AnswerCut}, service: ejecting, knows: "ejected", posts: true, gets: true},
	{name: "refuse", mode: endpoint.Mode{Listen: endpoint.ListenRefuse}, service: ejecting, knows: "ejected", why: []string{"connect"}, status: []int{502}, posts: true},
	{name: "files", silent: true, mode: endpoint.Mode{Listen: endpoint.ListenNoFiles}, service: ejecting + "  keepAlive: {requests: 5}\n", knows: "ejected", why: []string{"timeout"},
		status: []int{504}, posts: true},
	{name: "killed, checked", begin: killed, heal: (*endpoint.Process).Restart, service: checking, knows: "health", why: []string{"connect"}, status: []int{502}, posts: true},
	{name: "paused, checked", silent: true, begin: (*endpoint.Process).Pause, heal: (*endpoint.Process).Resume, service: checking, knows: "health", status: []int{504}, posts: true},
	{name: "500, checked", mode: endpoint.Mode{Status: 500}, service: checking, knows: "health", status: []int{500}, posts: true, gets: true},
	{name: "500 but to checks", mode: endpoint.Mode{Status: 500, HealthGood: true}, service: "  ejection: {failures: 5, time: 1s}\n" + checks,
		knows: "ejected", status: []int{500}, posts: true, gets: true},
}

// TestOutage breaks one endpoint of four in every way, and heals it. Nothing fails that need not, no POST reaches two endpoints,
// the edge takes the endpoint out, tells so, and takes it back.
func TestOutage(t *testing.T) {
	for _, o := range outages {
		t.Run(o.name, func(t *testing.T) {
			t.Parallel()
			o.run(t)
		})
	}
}

func (o *outage) run(t *testing.T) {
	if o.begin == nil {
		m := o.mode
		m.Body, m.Delay = healthyMode.Body, m.Delay+healthyMode.Delay
		o.begin = func(p *endpoint.Process) error { return p.Mode(m) }
		o.heal = func(p *endpoint.Process) error { return p.Mode(healthyMode) }
	}
	all := processes(t, 4, healthyMode)
	victim := all[0]
	// An endpoint that works may stand still for some seconds on a busy machine, and its requests must not fail for that.
	patience := "20s"
	if o.silent {
		patience = "5s"
	}
	b := openBehind(t, edge.Options{}, fmt.Sprintf(behindSpec, "  retry: {statuses: [502, 503]}\n", listOf(all)+o.service+
		"  timeouts: {connect: "+patience+", firstByte: "+patience+"}\n"))
	load := b.begin(faultClients, func(i int) question {
		return question{method: []string{"GET", "GET", "POST"}[i%3], body: []string{"", "", "order"}[i%3]}
	})
	load.more(stageCalm, 100)
	load.stage.Store(stageBroken)
	must(t, o.begin(victim))
	load.more(stageBroken, 30)
	if o.knows != "" {
		b.told(o.knows, victim.Addr())
	} else {
		load.more(stageBroken, 200)
	}
	load.more(stageKnown, 150)
	must(t, o.heal(victim))
	load.more(stageHealed, 1)
	b.until("the endpoint answers again", func() bool {
		return len(load.so(func(r *reply) bool { return r.stage == stageHealed && r.endpoint == victim.Addr() && r.good() })) > 0
	})
	load.more(stageBack, 60)
	replies := load.end()
	o.check(b, all, replies)
}

// check says what is wrong with what happened.
func (o *outage) check(b *behind, all []*endpoint.Process, replies []reply) {
	t, victim := b.t, all[0]
	lines := b.lines()
	var failed [5]int
	shown := 0
	for i := range replies {
		r := &replies[i]
		l, ok := lines[r.id]
		if !ok || l.Tries == 0 || r.status != 0 && l.Status != r.status {
			t.Errorf("%v: its log event is %+v", r, l)
		}
		if r.good() {
			if r.endpoint != l.Endpoint {
				t.Errorf("%v: its log event names %s", r, l.Endpoint)
			}
			continue
		}
		failed[max(r.stage, stageBroken)]++
		// What fails was last sent to the broken endpoint, once, and could not be sent again.
		may := (r.method == http.MethodGet && o.gets || r.method == http.MethodPost && o.posts) && l.Endpoint == victim.Addr() &&
			(slices.Contains(o.status, r.status) || r.err != nil && r.status == 200 && o.name == "cut")
		if !may || r.over == stageCalm || r.stage == stageBack {
			if shown++; shown <= 5 {
				t.Errorf("%v: it need not have failed; log event %+v", r, l)
			}
		}
	}
	o.checkBounds(b, victim, failed)
	o.checkLog(t, replies, lines, failed)
	seen, err := endpoint.SeenBy(all...)
	must(t, err)
	if twice := seen.Repeated(http.MethodPost); len(twice) > 0 {
		t.Errorf("POSTs that reached endpoints more than once: %v", twice)
	}
	t.Logf("%d requests, failed by stage %v, %d at endpoints, ejected %d times", len(replies), failed, seen.Requests(), b.count("ejected", victim))
	for _, p := range all[1:] {
		if n := b.count("ejected", p) + b.count("health", p); n > 0 {
			t.Errorf("an endpoint that works was taken out: %v", b.eventsOf(""))
		}
	}
}

// checkBounds: until the endpoint is out as many fail as it takes, and what was under way then; each time that it is tried again one
// failure is enough.
func (o *outage) checkBounds(b *behind, victim *endpoint.Process, failed [5]int) {
	out := b.count(o.knows, victim)
	if o.knows == "health" { // and told of its health again when it was healed
		out = out/2 + b.count("ejected", victim)
	}
	if o.knows != "" && out == 0 {
		b.t.Errorf("it was not taken out: %v", b.eventsOf(""))
	}
	if o.knows == "" && out > 0 {
		b.t.Errorf("it was taken out: %v", b.eventsOf(""))
	}
	if most := 5 + faultClients; failed[stageBroken] > most {
		b.t.Errorf("%d requests failed until the edge knew, more than %d", failed[stageBroken], most)
	}
	if later, most := failed[stageKnown]+failed[stageHealed], faultClients*out; later > most {
		b.t.Errorf("%d requests failed when the edge knew, more than %d", later, most)
	}
	if o.knows == "ejected" {
		if n := b.count("returned", victim); n == 0 {
			b.t.Errorf("no event tells that it is asked again: %v", b.eventsOf(""))
		}
	}
}

// checkLog: the log says why somebody else was asked. Five failures take an endpoint out: where so many were POSTs, no GET need have
// met the fault, and nothing was sent again.
func (o *outage) checkLog(t *testing.T, replies []reply, lines map[string]logged, failed [5]int) {
	retried, told := 0, 0
	for i := range replies {
		l := lines[replies[i].id]
		if l.Tries < 2 {
			continue
		}
		retried++
		if l.Retried == "" {
			t.Errorf("a log event of %d tries does not say why: %+v", l.Tries, l)
		}
		if slices.Contains(o.why, l.Retried) && l.Status == 200 {
			told++
		}
	}
	if o.why != nil && told == 0 && (retried > 0 || failed[stageBroken] < 5) {
		t.Errorf("of %d requests that were sent again none was for one of %q", retried, o.why)
	}
}
