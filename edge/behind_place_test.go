package edge_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"skerry.dev/skerry/edge"
	endpoint "skerry.dev/skerry/load/origin"
	"skerry.dev/skerry/plan"
)

// TestLocality: the endpoints of the node's zone are asked first, those of its region when they fail, those of another region last; and
// when the near ones are back they have all of it again.
func TestLocality(t *testing.T) {
	t.Parallel()
	p := processes(t, 4, endpoint.Mode{})
	places := []string{"region: eu, zone: a", "region: eu, zone: a", "region: eu, zone: b", "region: us, zone: a"}
	service := "  balance: {by: roundRobin, panic: 0}\n  ejection: {failures: 1, time: 1s, share: 1}\n  endpoints:\n"
	for i, place := range places {
		service += fmt.Sprintf("    - {url: %s, %s}\n", p[i].URL(), place)
	}
	b := openBehind(t, edge.Options{Setting: plan.Setting{Region: "eu", Zone: "a"}}, fmt.Sprintf(behindSpec, "", service))
	var asked []reply
	f := func(what string, by ...*endpoint.Process) {
		t.Helper()
		got := map[string]int{}
		for i := range 20 {
			r := b.ask(i%3, question{id: fmt.Sprintf("%s-%d", what, i), method: "GET"})
			if !r.good() {
				t.Errorf("%s: %v", what, &r)
			}
			got[r.endpoint]++
			asked = append(asked, r)
		}
		for _, p := range by {
			if got[p.Addr()] == 0 {
				t.Errorf("%s: %v answered, want %s among them", what, got, p.Addr())
			}
			delete(got, p.Addr())
		}
		if len(got) > 0 {
			t.Errorf("%s: %v answered too", what, got)
		}
	}
	f("all-well", p[0], p[1])
	p[0].Kill()
	p[1].Kill()
	out := func(dead ...*endpoint.Process) {
		t.Helper()
		for _, p := range dead {
			b.until(p.Addr()+" is out", func() bool {
				b.ask(0, question{id: "finds-out", method: "GET"})
				return b.count("ejected", p) > 0
			})
		}
	}
	out(p[0], p[1])
	f("zone-gone", p[2])
	p[2].Kill()
	out(p[2])
	for _, one := range p[:2] {
		must(t, one.Restart())
	}
	b.told("returned", p[0].Addr())
	b.told("returned", p[1].Addr())
	// On a slow machine each has returned before, and failed again since it was still dead: what counts is that both answer.
	back := map[string]bool{}
	b.until("both of the zone answer", func() bool {
		back[b.ask(0, question{id: "finds-out", method: "GET"}).endpoint] = true
		return back[p[0].Addr()] && back[p[1].Addr()]
	})
	f("zone-back", p[0], p[1])
	lines := b.lines()
	for _, r := range asked {
		l, near := lines[r.id], strings.HasPrefix(r.id, "all-well") || strings.HasPrefix(r.id, "zone-back")
		want := logged{Locality: "eu/a"}
		if !near {
			want = logged{Locality: "eu/b", Picked: "spill"}
		}
		if l.Locality != want.Locality || l.Picked != want.Picked {
			t.Errorf("%s: the log event is %+v, want %q, %q", r.id, l, want.Locality, want.Picked)
		}
	}
}

// TestStickyOverEdges: the cookie by which one edge keeps a client on its endpoint leads to the same endpoint through another edge, and
// when that endpoint is gone the client gets another one and its cookie.
func TestStickyOverEdges(t *testing.T) {
	t.Parallel()
	p := processes(t, 4, endpoint.Mode{})
	text := fmt.Sprintf(behindSpec, "", listOf(p)+"  balance: {by: leastRequests, sticky: {cookie: at, maxAge: 1h}}\n")
	edges := []*behind{openBehind(t, edge.Options{}, text), openBehind(t, edge.Options{}, text)}
	byAddr := map[string]*endpoint.Process{}
	for _, one := range p {
		byAddr[one.Addr()] = one
	}
	ask := func(i int, cookie string) (r reply, set *http.Cookie) {
		t.Helper()
		q := question{id: "x", method: "GET"}
		if cookie != "" {
			q.fields = http.Header{"Cookie": {"other=1; at=" + cookie}}
		}
		r = edges[i%2].ask(i%3, q)
		if !r.good() {
			t.Fatalf("%v", &r)
		}
		for _, c := range (&http.Response{Header: r.fields}).Cookies() {
			set = c
		}
		return r, set
	}
	for i := range 8 {
		first, c := ask(i, "")
		if c == nil || c.Name != "at" || c.MaxAge != 3600 || !c.HttpOnly || c.Secure != (i%3 > 0) {
			t.Fatalf("client %d got the cookie %+v", i, c)
		}
		for j := range 4 {
			if again, c := ask(i+1+j, c.Value); again.endpoint != first.endpoint || c != nil {
				t.Errorf("client %d of %s went to %s, and got %v", i, first.endpoint, again.endpoint, c)
			}
		}
	}
	first, c := ask(0, "")
	byAddr[first.endpoint].Kill()
	second, d := ask(1, c.Value)
	if second.endpoint == first.endpoint || d == nil || d.Value == c.Value {
		t.Errorf("when %s was gone, %s answered, and the cookie is %v", first.endpoint, second.endpoint, d)
	}
	if third, e := ask(2, d.Value); third.endpoint != second.endpoint || e != nil {
		t.Errorf("with the new cookie %s answered, not %s, and set %v", third.endpoint, second.endpoint, e)
	}
}

// TestHedgeCutsTail: one slow endpoint of four makes a quarter of answers slow, and with hedges none.
func TestHedgeCutsTail(t *testing.T) {
	t.Parallel()
	p := processes(t, 4, endpoint.Mode{Body: 10})
	b := openBehind(t, edge.Options{}, fmt.Sprintf(behindSpec,
		"  routes:\n    - {match: {prefix: /hedged}, service: app, hedge: {after: 30ms}}\n    - {match: {prefix: /plain}, service: app}\n",
		listOf(p)+"  balance: roundRobin\n  retryBudget: {share: 1, perSecond: 100}\n"))
	f := func(path string, slow time.Duration) (tail int) {
		must(t, p[0].Mode(endpoint.Mode{Body: 10, Delay: slow}))
		load := b.begin(6, func(int) question { return question{method: "GET", path: path} })
		load.more(0, 40)
		replies := load.end()
		for _, r := range replies {
			if !r.good() {
				t.Errorf("%v", &r)
			}
			if r.took >= slow {
				tail++
			}
		}
		return tail
	}
	if n := f("/plain", time.Second); n < 5 {
		t.Errorf("%d of 40 answers were slow without hedges, want about 10", n)
	}
	before := b.total("skerry_hedges_total", "outcome", "won")
	// A busy machine may take seconds for an answer that a hedge had at once: the slow endpoint takes much longer.
	if n := f("/hedged", 30*time.Second); n > 0 {
		t.Errorf("%d of 40 answers were slow with hedges", n)
	}
	if won := b.total("skerry_hedges_total", "outcome", "won") - before; won < 5 {
		t.Errorf("%.0f hedges won, want about 10", won)
	}
	won := 0
	for _, l := range b.lines() {
		if l.Hedge == "won" && l.Tries == 2 && l.Retried == "hedge" && l.Endpoint != p[0].Addr() {
			won++
		}
	}
	if won == 0 {
		t.Error("no log event says that a hedge won")
	}
}
