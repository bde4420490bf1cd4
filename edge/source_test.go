package edge_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"skerry.dev/skerry/edge"
	"skerry.dev/skerry/fault"
	"skerry.dev/skerry/meter"
	"skerry.dev/skerry/plan"
)

const document = "apiVersion: skerry.dev/v1\nkind: Entrypoint\nmetadata: {name: %s, owner: team}\nspec:\n  hosts: [%s.example]\n  routes: [{name: r, respond: {status: 200, body: %s}}]\n---\n"

func entrypoints(body string, names ...string) string {
	var b strings.Builder
	for _, n := range names {
		fmt.Fprintf(&b, document, n, n, body)
	}
	return b.String()
}

func write(t *testing.T, file, text string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func hash(e *edge.Edge) string {
	if v, ok := e.Plan().(plan.View); ok {
		return v.Hash
	}
	return ""
}

// names of the entrypoints in force.
func names(e *edge.Edge) string {
	v, _ := e.Plan().(plan.View)
	var out []string
	for _, ep := range v.Entrypoints {
		out = append(out, ep.Name)
	}
	return strings.Join(out, " ")
}

// TestBegin: the first spec is taken and kept; a broken one later falls back to it, and says what is wrong; without a
// fallback nothing starts.
func TestBegin(t *testing.T) {
	dir := t.TempDir()
	file, data := filepath.Join(dir, "s.yaml"), filepath.Join(dir, "data")
	write(t, file, entrypoints("a", "shop"))
	src := &edge.Source{Paths: []string{file}, Data: data}
	e := newEdge(t, edge.Options{})
	if fell, problems := e.Begin(src); fell || len(problems) > 0 {
		t.Fatal(fell, problems)
	}
	good := hash(e)
	e.Drain()
	for _, broken := range []string{"spec: [", entrypoints("a", "shop", "shop"), "", "kind: Nothing\n"} {
		write(t, file, broken)
		e = newEdge(t, edge.Options{})
		fell, problems := e.Begin(src)
		if !fell || len(problems) == 0 || hash(e) != good {
			t.Errorf("with %q: fell back %v, problems %v, plan %s", broken, fell, problems, hash(e))
		}
		e.Drain()
		e = newEdge(t, edge.Options{})
		if fell, problems := e.Begin(&edge.Source{Paths: []string{file}}); fell || len(problems) == 0 || e.Plan() != nil {
			t.Errorf("with %q and no data: fell back %v, problems %v", broken, fell, problems)
		}
		e.Drain()
	}
	write(t, filepath.Join(data, "last-good.json"), "{broken")
	e = newEdge(t, edge.Options{})
	fell, problems := e.Begin(src)
	if fell || !strings.Contains(fault.Problems(problems).Error(), "last good spec cannot be used") {
		t.Errorf("with a broken fallback: %v, %v", fell, problems)
	}
	e.Drain()
}

// watched runs f beside a watch in a bubble of its own; f may sleep, which moves the clock.
func watched(t *testing.T, opt edge.Options, f func(e *edge.Edge, file string, problems func() string, now chan<- struct{})) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "s.yaml")
	synctest.Test(t, func(t *testing.T) {
		write(t, file, entrypoints("first", "a", "b", "c", "d", "e", "f", "g", "h", "i", "j"))
		src := &edge.Source{Paths: []string{file}}
		e := newEdge(t, opt)
		if _, problems := e.Begin(src); len(problems) > 0 {
			t.Fatal(problems)
		}
		var mu sync.Mutex
		var heard []fault.Problem
		ctx, cancel := context.WithCancel(t.Context())
		now := make(chan struct{})
		var wg sync.WaitGroup
		wg.Go(func() {
			e.Watch(ctx, src, now, func(ps []fault.Problem) {
				mu.Lock()
				defer mu.Unlock()
				heard = append(heard, ps...)
			})
		})
		f(e, file, func() string {
			mu.Lock()
			defer mu.Unlock()
			defer func() { heard = nil }()
			return fault.Problems(heard).Error()
		}, now)
		cancel()
		wg.Wait()
		e.Drain()
	})
}

// settle is time enough for a change to be seen twice.
func settle() {
	time.Sleep(2 * time.Second)
	synctest.Wait()
}

// TestWatch: a change is taken up when it has settled, a broken one is refused and reported once, the same content is no change.
func TestWatch(t *testing.T) {
	watched(t, edge.Options{}, func(e *edge.Edge, file string, problems func() string, now chan<- struct{}) {
		first := hash(e)
		write(t, file, entrypoints("second", "a", "b", "c", "d", "e", "f", "g", "h", "i", "j"))
		time.Sleep(600 * time.Millisecond) // one look
		synctest.Wait()
		if hash(e) != first {
			t.Error("a change was taken up at the first look")
		}
		settle()
		second := hash(e)
		if second == first {
			t.Error("a change was not taken up")
		}
		write(t, file, "kind: Entrypoint\nspec: {")
		settle()
		if hash(e) != second || problems() == "" {
			t.Error("a broken spec changed the plan, or was not reported")
		}
		settle()
		if got := problems(); got != "" {
			t.Errorf("the same broken spec was reported again: %s", got)
		}
		now <- struct{}{}
		settle()
		if problems() == "" {
			t.Error("told to reload, the edge did not say what is wrong")
		}
		if err := os.Remove(file); err != nil {
			t.Fatal(err)
		}
		settle()
		if hash(e) != second || problems() == "" {
			t.Error("a missing file changed the plan, or was not reported")
		}
	})
}

// TestShrink: a reload that removes everything, or most, is refused; a flag allows it.
func TestShrink(t *testing.T) {
	const all = "a b c d e f g h i j"
	for _, allow := range []bool{false, true} {
		set := meter.NewSet()
		set.Counter("skerry_requests_total", "", "entrypoint", "j").Inc()
		watched(t, edge.Options{AllowShrink: allow, Meters: set}, func(e *edge.Edge, file string, problems func() string, now chan<- struct{}) {
			write(t, file, entrypoints("x", "a", "b"))
			settle()
			want, got := all, problems()
			if allow {
				want = "a b"
			} else if !strings.Contains(got, "--allow-shrink") {
				t.Errorf("the refusal does not name the flag: %q", got)
			}
			if names(e) != want {
				t.Errorf("allow %v: in force are %s", allow, names(e))
			}
			if gone := set.Counter("skerry_requests_total", "", "entrypoint", "j").Value() == 0; gone != allow {
				t.Errorf("allow %v: the series of an entrypoint that went is gone: %v", allow, gone)
			}
		})
	}
	watched(t, edge.Options{}, func(e *edge.Edge, file string, problems func() string, now chan<- struct{}) {
		write(t, file, entrypoints("x", "a", "b", "c", "d", "e"))
		settle()
		if names(e) != "a b c d e" {
			t.Errorf("half of ten was refused: %s", problems())
		}
	})
}
