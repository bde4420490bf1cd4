package upstream_test

import (
	"io"
	"sync"
	"testing"
	"time"

	"skerry.dev/skerry/fault"
	"skerry.dev/skerry/spec"
	"skerry.dev/skerry/upstream"
)

// half sends a POST whose body of five bytes is not whole; rest sends what is missing.
func (e *edge) half() (c *client, rest func()) {
	e.t.Helper()
	c = e.send("POST /", "Content-Length: 5", "Content-Type: text/plain")
	io.WriteString(c.conn, "hell")
	return c, func() { io.WriteString(c.conn, "o") }
}

// slowUploadTakesNoPlace: who sends a small body slowly has no place, no endpoint and no time of a try until it is there.
func slowUploadTakesNoPlace(t *testing.T) {
	o := newOrigin(t, speak(fine))
	s := bounded(1, 0, o.addr)
	s.Concurrency.PerEndpoint = 1
	s.Timeouts.Try = ample
	e := newEdge(t, upstream.Options{}, policy(), []spec.Weighted{only(s)})
	slow, rest := e.half()
	<-slow.begun
	for end := time.Now().Add(ample + brief); time.Now().Before(end); time.Sleep(brief / 10) {
		if r, n := e.do("GET /"); r.status != 200 {
			t.Fatalf("beside a slow upload: %d, %v", r.status, n.cause)
		}
	}
	rest()
	if r, n := slow.get(); r.status != 200 || n.Tries != 1 {
		t.Errorf("the slow upload got %d after %d tries: %v", r.status, n.Tries, n.cause)
	}
	gone, _ := e.half()
	if n := gone.leave(); n.kind() != fault.ClientGone || n.Tries != 0 {
		t.Errorf("who left within its body: %v after %d tries", n.cause, n.Tries)
	}
	e.settled()
	if n := o.conns.Load(); n != 1 {
		t.Errorf("the origin saw %d connections, want 1", n)
	}
}

// slowClientHurtsNobody: whatever time a client takes to send a body or to take one, no endpoint is ejected for it and
// no breaker opens.
func slowClientHurtsNobody(t *testing.T) {
	var all sync.WaitGroup
	f := func(name string, set func(*spec.Timeouts), s script, kind fault.Kind, rest string, fields ...string) {
		all.Go(func() { t.Run(name, func(t *testing.T) { slowClient(t, set, s, kind, rest, fields) }) })
	}
	try := func(w *spec.Timeouts) { w.Try = ample }
	whole := func(w *spec.Timeouts) { w.Whole = ample }
	f("chunks, try", try, (*call).gone, fault.SlowClient, "", "Transfer-Encoding: chunked", "", "5\r\nhel")
	f("chunks, whole", whole, (*call).gone, fault.SlowClient, "", "Transfer-Encoding: chunked", "", "5\r\nhel")
	f("a small body, whole", whole, speak(fine), fault.SlowClient, "hello", "Content-Length: 5")
	f("a long body, try", try, (*call).gone, fault.SlowClient, "hello", "Content-Length: 50000")
	f("a small body, try", try, speak(fine), fault.Internal, "hello", "Content-Length: 5") // Internal: nothing was wrong
	huge := make([]byte, 64<<20)
	f("an answer, whole", whole, func(c *call) bool {
		c.say("HTTP/1.1 200 OK\r\nContent-Length: 67108864\r\n\r\n")
		c.conn.Write(huge)
		return false
	}, fault.SlowClient, "")
	all.Wait()
}

// slowClient is one that sends the rest of its body, and takes the answer, when the time is up that was set.
func slowClient(t *testing.T, set func(*spec.Timeouts), s script, kind fault.Kind, rest string, fields []string) {
	addrs := []string{newOrigin(t, s).addr, newOrigin(t, s).addr, newOrigin(t, s).addr}
	svc := service("s", addrs...)
	svc.Ejection = spec.Ejection{Failures: 1, Time: time.Minute, Share: 1}
	svc.Breaker = spec.Breaker{Share: 0.1, Requests: 1, Window: time.Minute, Open: time.Minute}
	svc.Concurrency = spec.Concurrency{Max: 5}
	set(&svc.Timeouts)
	e := newEdge(t, upstream.Options{}, policy(), []spec.Weighted{only(svc)})
	line := "POST /"
	if fields == nil {
		line = "GET /"
	}
	c := e.send(line, fields...)
	<-c.begun
	time.Sleep(ample + brief)
	io.WriteString(c.conn, rest)
	if _, n := c.get(); n.kind() != kind {
		t.Errorf("ended as %v, want %s", n.cause, kind.Name())
	}
	v := e.keep.Pools()[0]
	for _, ep := range v.Endpoints {
		if ep.Ejected {
			t.Errorf("%s was ejected", ep.Address)
		}
	}
	if v.Breaker != "closed" {
		t.Errorf("the breaker is %s", v.Breaker)
	}
	e.settled()
}

// hurriedEndpoint: an endpoint to which an exchange came when its time was nearly up is not to blame.
func hurriedEndpoint(t *testing.T) {
	slow := newOrigin(t, (*call).gone)
	s := ordered("s", slow.addr, newOrigin(t, (*call).gone).addr, newOrigin(t, (*call).gone).addr)
	s.Timeouts.Try, s.Timeouts.Whole = ample+brief, 2*ample+brief // the second one has less than half, but well enough to begin
	s.Ejection = spec.Ejection{Failures: 1, Time: time.Minute, Share: 1}
	e := newEdge(t, here, policy(), []spec.Weighted{only(s)})
	if r, n := e.do("GET /"); r.status != 504 || n.Tries != 2 {
		t.Errorf("got %d after %d tries", r.status, n.Tries)
	}
	for _, ep := range e.keep.Pools()[0].Endpoints {
		if ep.Ejected != (ep.Address == slow.addr) {
			t.Errorf("%s: ejected %v", ep.Address, ep.Ejected)
		}
	}
}

// TestProbesOfWhoLeft: clients that leave do not use up the requests by which a breaker sees whether the service is back.
func TestProbesOfWhoLeft(t *testing.T) {
	sick, entered := make(chan bool, 1), make(chan struct{}, 8)
	sick <- true
	o := newOrigin(t, func(c *call) bool {
		bad := <-sick
		sick <- bad
		switch {
		case bad:
			return c.say(no503)
		case c.URL.Path == "/leave":
			entered <- struct{}{}
			return c.gone()
		}
		return c.say(fine)
	})
	s := service("s", o.addr)
	s.Breaker = spec.Breaker{Share: 0.5, Requests: 1, Window: 10 * time.Second, Open: 300 * time.Millisecond}
	e := newEdge(t, upstream.Options{}, policy(), []spec.Weighted{only(s)})
	e.do("GET /")
	<-sick
	sick <- false
	time.Sleep(300 * time.Millisecond)
	var probes []*client
	for range 3 {
		probes = append(probes, e.send("GET /leave"))
		<-entered
	}
	for _, c := range probes {
		c.leave()
	}
	for range 3 {
		if r, n := e.do("GET /"); r.status != 200 {
			t.Errorf("got %d, %v", r.status, n.cause)
		}
	}
	if v := e.keep.Pools()[0]; v.Breaker != "closed" {
		t.Errorf("the breaker is %s", v.Breaker)
	}
}

// TestStickyOnFailure: no client is kept on an endpoint whose answer says that it does not work.
func TestStickyOnFailure(t *testing.T) {
	for _, status := range []string{"500", "502", "503", "504"} {
		o := newOrigin(t, speak("HTTP/1.1 "+status+" No\r\nContent-Length: 0\r\n\r\n"))
		s := service("s", o.addr)
		s.Balance.Sticky = &spec.Sticky{Cookie: "at"}
		e := newEdge(t, upstream.Options{}, policy(), []spec.Weighted{only(s)})
		if r, _ := e.do("GET /"); r.header.Get("Set-Cookie") != "" {
			t.Errorf("%s came with %q", status, r.header.Get("Set-Cookie"))
		}
	}
}

// TestEmptyIdempotencyKey: a key that says nothing makes no POST repeatable.
func TestEmptyIdempotencyKey(t *testing.T) {
	p := policy()
	p.Retry.IdempotencyKey = true
	s := ordered("s", newOrigin(t, func(*call) bool { return false }).addr, newOrigin(t, speak(fine)).addr)
	e := newEdge(t, here, p, []spec.Weighted{only(s)})
	if r, n := e.do("POST /", "Idempotency-Key: ", "", "hello"); r.status != 502 || n.Tries != 1 || n.reasons() != "|not_repeatable" {
		t.Errorf("got %d, tries %d, reasons %q", r.status, n.Tries, n.reasons())
	}
}

// TestHealthOfBusy: an endpoint that has all the connections it may have is checked as any other, and is not ill for it.
func TestHealthOfBusy(t *testing.T) {
	entered, leave, checked := make(chan struct{}, 1), make(chan struct{}), make(chan struct{}, 100)
	o := newOrigin(t, func(c *call) bool {
		if c.URL.Path == "/health" {
			select {
			case checked <- struct{}{}:
			default: // enough were counted
			}
			return c.say(fine)
		}
		entered <- struct{}{}
		<-leave
		return c.say(fine)
	})
	defer close(leave)
	s := service("s", o.addr)
	s.KeepAlive.Connections = 1
	s.Health = &spec.Health{Path: "/health", StatusFrom: 200, StatusTo: 299, Interval: 10 * time.Millisecond, Timeout: 20 * time.Second, HealthyAfter: 1, UnhealthyAfter: 1}
	e := newEdge(t, upstream.Options{}, policy(), []spec.Weighted{only(s)})
	one := e.send("GET /")
	<-entered
	for range 5 {
		select {
		case <-checked:
		case <-time.After(20 * time.Second):
			t.Fatal("the endpoint is not checked")
		}
	}
	if v := e.keep.Pools()[0].Endpoints[0]; !v.Healthy {
		t.Error("the endpoint is unhealthy")
	}
	one.conn.Close()
}
