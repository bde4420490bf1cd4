package waf

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"skerry.dev/skerry/exchange"
	"skerry.dev/skerry/exchange/exchangetest"
	"skerry.dev/skerry/meter"
)

// ask takes a request through a stage.
func ask(s *Stage, text string) {
	x := exchangetest.Request(text)
	defer x.Release()
	exchange.NewPath(exchangetest.RenderText, s, &exchangetest.Origin{Answer: exchangetest.Say(200, "")}).Run(x)
}

// shadowed is a keeper whose shadow compares every request, in a bubble of its own. Each look at the clock costs it some time, since
// work takes none in a bubble.
func shadowed(t *testing.T, each time.Duration) (k *Keeper, s *Stage, set *meter.Set, events *[]string) {
	t.Helper()
	set, events = meter.NewSet(), new([]string)
	set.Events().Listen(func(e meter.Event) { *events = append(*events, e.Kind+": "+e.Text) })
	k = NewKeeper(Options{Meters: set})
	s = stageOf(t, k, "  waf: {shadow: 1}\n")
	synctest.Wait()
	var spent time.Duration
	k.shadow.now = func() time.Time {
		spent += each
		return time.Now().Add(spent)
	}
	return k, s, set, events
}

const shadowTotal = "skerry_firewall_shadow_total"

// TestShadowAgrees: harmless requests and attacks, with and without bodies, have the same verdict by both engines.
func TestShadowAgrees(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k, s, set, events := shadowed(t, time.Millisecond)
		requests := []string{
			"GET /?q=shoes HTTP/1.1\nHost: shop.test\n", "GET /?q=1'+UNION+SELECT+a+FROM+b-- HTTP/1.1\nHost: shop.test\nUser-Agent: sqlmap\n",
			jsonHead + "\n{\"q\":\"<script>alert(1)</script>\"}", jsonHead + "\n{\"q\":", jsonHead + "Content-Encoding: gzip\n\nnone",
		}
		for _, text := range requests {
			ask(s, text)
			time.Sleep(time.Second)
			synctest.Wait()
		}
		if same := total(set, shadowTotal, "same"); same != float64(len(requests)) || len(*events) > 0 {
			t.Errorf("%v of %d the same; events %v", same, len(requests), *events)
		}
		k.Close()
	})
}

// TestShadowAlarms: a difference is counted, and told once a minute, with the rule and no value; a panic ends nothing.
func TestShadowAlarms(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k, s, set, events := shadowed(t, time.Millisecond)
		other := stageOf(t, k, "  waf: {exclude: [{rule: \"942000-942999\"}], shadow: 0, engine: reference}\n")
		s.policy.reference = other.policy.engine
		ask3 := func() {
			for range 3 {
				ask(s, "GET /?q=1'+UNION+SELECT+secret+FROM+b-- HTTP/1.1\nHost: shop.test\nUser-Agent: t\n")
				time.Sleep(time.Second)
				synctest.Wait()
			}
		}
		ask3()
		if n := total(set, shadowTotal, "different"); n != 3 {
			t.Errorf("%v differences, want 3", n)
		}
		if all := strings.Join(*events, "\n"); len(*events) != 1 || !strings.HasPrefix(all, "firewall: BUG: ") || strings.Contains(all, "secret") {
			t.Errorf("events: %v", *events)
		}
		time.Sleep(shadowTellPause)
		ask3()
		if len(*events) != 2 {
			t.Errorf("events a minute later: %v", *events)
		}
		time.Sleep(shadowTellPause)
		broken := *s.policy
		broken.engine, broken.shadow = nil, 1<<64-1
		u := &use{stage: &Stage{policy: &broken, keeper: k}, x: exchangetest.Request("GET / HTTP/1.1\nHost: shop.test\n")}
		u.compare()
		time.Sleep(time.Second)
		synctest.Wait()
		if n := total(set, shadowTotal, "panic"); n != 1 || len(*events) != 3 {
			t.Errorf("%v panics, events %v", n, *events)
		}
		u.x.Release()
		k.Close()
	})
}

// TestShadowBudget: a comparison is followed by 99 times as long without one; who comes meanwhile waits, up to the queue's length,
// and is not compared beyond it.
func TestShadowBudget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k, s, set, _ := shadowed(t, 10*time.Millisecond)
		const asked = shadowQueue + 5
		ask(s, "GET / HTTP/1.1\nHost: shop.test\n")
		synctest.Wait()
		for range asked {
			ask(s, "GET / HTTP/1.1\nHost: shop.test\n")
		}
		compared := func() float64 { return total(set, shadowTotal, "same") }
		if n := compared(); n != 1 {
			t.Errorf("%v compared at once, want 1", n)
		}
		if n := total(set, shadowTotal, "not_compared"); n != asked-shadowQueue {
			t.Errorf("%v not compared, want %d", n, asked-shadowQueue)
		}
		time.Sleep(980 * time.Millisecond)
		synctest.Wait()
		if n := compared(); n != 1 {
			t.Errorf("%v compared within 99 times the first's time, want 1", n)
		}
		time.Sleep(20 * time.Millisecond)
		synctest.Wait()
		if n := compared(); n != 2 {
			t.Errorf("%v compared after it, want 2", n)
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		if n := compared(); n != 1+shadowQueue {
			t.Errorf("%v compared after all, want %d", n, 1+shadowQueue)
		}
		k.Close()
		k.Close()
	})
}

// TestShadowBounds: requests that are too large to copy are not compared.
func TestShadowBounds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k, s, set, _ := shadowed(t, time.Millisecond)
		ask(s, jsonHead+"\n{\"a\":\""+strings.Repeat("x", shadowBytesMax)+"\"}")
		ask(s, "GET / HTTP/1.1\nHost: shop.test\nX-Long: "+strings.Repeat("x", shadowBytesMax)+"\n")
		synctest.Wait()
		if n := total(set, shadowTotal, "not_compared"); n != 2 {
			t.Errorf("%v not compared, want 2", n)
		}
		k.Close()
	})
}
