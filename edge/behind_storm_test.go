package edge_test

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"skerry.dev/skerry/edge"
	endpoint "skerry.dev/skerry/load/origin"
)

// TestNoRetryStorm: when every endpoint fails, a service gets no more requests than its clients made and its budget adds.
func TestNoRetryStorm(t *testing.T) {
	const share, perSecond, requests = 0.1, 5, 200
	for name, m := range map[string]endpoint.Mode{
		"503": {Status: 503}, "garbage": {Answer: endpoint.AnswerGarbage}, "close": {Answer: endpoint.AnswerClose}, "never": {Answer: endpoint.AnswerNever},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			all := processes(t, 4, m)
			service := fmt.Sprintf("  ejection: off\n  retryBudget: {share: %g, perSecond: %d}\n  timeouts: {connect: 5s, firstByte: 100ms}\n", share, perSecond)
			began := time.Now()
			b := openBehind(t, edge.Options{}, fmt.Sprintf(behindSpec, "  retry: {tries: 4, statuses: [503]}\n", listOf(all)+service))
			load := b.begin(faultClients, func(i int) question {
				q := question{method: []string{"GET", "PUT", "POST"}[i%3]}
				if i%4 == 0 && q.method != "GET" { // the firewall refuses a GET with a body
					q.body = "order"
				}
				return q
			})
			load.more(0, requests)
			replies := load.end()
			took := time.Since(began)
			seen, err := endpoint.SeenBy(all...)
			must(t, err)
			// The budget begins with the retries of one second.
			most := float64(len(replies))*(1+share) + perSecond*(1+took.Seconds())
			if n := seen.Requests(); float64(n) > most || n <= len(replies) {
				t.Errorf("%d requests were made, %d arrived at endpoints; more are wanted, and at most %.0f", len(replies), n, most)
			}
			if twice := seen.Repeated(http.MethodPost); len(twice) > 0 {
				t.Errorf("POSTs that reached endpoints more than once: %v", twice)
			}
			if n := b.total("skerry_retries_refused_total", "reason", "budget"); n == 0 {
				t.Error("no retry is counted as refused by the budget")
			}
			for i := range replies {
				if r := &replies[i]; r.err != nil || r.status < 500 {
					t.Fatalf("%v, of endpoints that all fail", r)
				}
			}
			t.Logf("%d requests in %v, %d at endpoints, at most %.0f", len(replies), took, seen.Requests(), most)
		})
	}
}

// TestBreakerOpens: a service that fails as a whole is left alone, but for the few that find out whether it is back.
func TestBreakerOpens(t *testing.T) {
	t.Parallel()
	all := processes(t, 2, endpoint.Mode{Status: 500})
	b := openBehind(t, edge.Options{}, fmt.Sprintf(behindSpec, "", listOf(all)+"  ejection: off\n  breaker: {share: 0.5, requests: 20, window: 1m, open: 2s}\n"))
	arrived := func() int {
		seen, err := endpoint.SeenBy(all...)
		must(t, err)
		return seen.Requests()
	}
	load := b.begin(faultClients, func(int) question {
		time.Sleep(5 * time.Millisecond) // a refusal costs next to nothing
		return question{method: "GET"}
	})
	halfOpen := func() (n int) { // the event is told before the first of the few
		for _, text := range b.eventsOf("service") {
			if text == "service app: its breaker is half-open" {
				n++
			}
		}
		return n
	}
	b.told("service", "breaker is open")
	n := arrived() // first: on a busy machine a few may have been let through by now
	if few := halfOpen(); n < 20 || n > 20+faultClients+3*few {
		t.Errorf("%d requests had arrived when the breaker had opened, want 20 and what was under way, and 3 for each of %d times that it let a few through", n, few)
	}
	load.more(stageKnown, 1000)
	b.until("it has let a few through twice", func() bool { return halfOpen() >= 2 })
	n = arrived()
	if few := halfOpen(); n > 20+faultClients+3*few {
		t.Errorf("%d requests have arrived at a service whose breaker let a few through %d times", n, few)
	}
	for _, p := range all {
		must(t, p.Mode(healthyMode))
	}
	b.told("service", "breaker is closed")
	load.more(stageBack, 100)
	replies := load.end()
	lines := b.lines()
	shed := 0
	for i := range replies {
		r, l := &replies[i], lines[replies[i].id]
		switch {
		case l.Fault == "origin_tripped":
			if shed++; r.status != 503 || r.fields.Get("Retry-After") == "" || l.Refused != "breaker" || l.Tries != 0 {
				t.Errorf("%v with Retry-After %q; log event %+v", r, r.fields.Get("Retry-After"), l)
			}
		case r.stage == stageBack && r.status != 200:
			t.Errorf("%v after the breaker closed", r)
		}
	}
	if shed < 500 {
		t.Errorf("%d requests were refused by the breaker, want most of 1000", shed)
	}
}

// TestIdempotencyKey: a POST that the service can tell from its repetition is sent again where the route says so, and no other is.
func TestIdempotencyKey(t *testing.T) {
	t.Parallel()
	all := processes(t, 4, healthyMode)
	for _, p := range all[:2] {
		must(t, p.Mode(endpoint.Mode{Answer: endpoint.AnswerClose}))
	}
	b := openBehind(t, edge.Options{}, fmt.Sprintf(behindSpec,
		"  retry: {tries: 4}\n  routes:\n    - {match: {prefix: /opted}, service: app, retry: {idempotencyKey: on}}\n",
		listOf(all)+"  ejection: off\n  balance: roundRobin\n  retryBudget: {share: 1, perSecond: 1000}\n"))
	key := http.Header{"Idempotency-Key": {"7"}}
	load := b.begin(6, func(i int) question {
		q := question{method: "POST", body: "order", path: []string{"", "/opted"}[i%2]}
		if i/2%2 == 1 {
			q.fields = key
		}
		return q
	})
	load.more(0, 200)
	replies := load.end()
	seen, err := endpoint.SeenBy(all...)
	must(t, err)
	again, failed := 0, 0
	for i := range replies {
		r := &replies[i]
		may := r.path == "/opted" && r.question.fields != nil
		n := seen.Times("POST", r.id)
		switch {
		case n > 1 && !may:
			t.Errorf("%v arrived %d times", r, n)
		case !r.good() && may:
			t.Errorf("%v, with a key and a route that believes it", r)
		case n > 1:
			again++
		case !r.good():
			failed++
		}
	}
	if again == 0 || failed == 0 {
		t.Errorf("%d were sent again, %d were not: want some of both", again, failed)
	}
}
