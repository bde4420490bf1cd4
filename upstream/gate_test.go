package upstream_test

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"skerry.dev/skerry/exchange"
	"skerry.dev/skerry/exchange/exchangetest"
	"skerry.dev/skerry/fault"
	"skerry.dev/skerry/meter"
	"skerry.dev/skerry/spec"
	"skerry.dev/skerry/upstream"
)

// bounded is a service of endpoints with so many open requests, and a queue.
func bounded(most, queue int, addrs ...string) *spec.Service {
	s := service("s", addrs...)
	s.Concurrency = spec.Concurrency{Max: most, Queue: queue, QueueTime: 10 * time.Second}
	return s
}

// waiting waits until so many requests wait for a place.
func (r *rig) waiting(t testing.TB, n int) {
	t.Helper()
	eventually(t, fmt.Sprintf("%d requests wait", n), func() bool { return r.value("skerry_service_waiting", "service", "s") == float64(n) })
}

// TestQueueOrder: who waits is served by class, crawlers of a route by the class that it has for them; within a class the
// newest is first.
func TestQueueOrder(t *testing.T) {
	var mu sync.Mutex
	var order []string
	entered, leave := make(chan struct{}, 1), make(chan struct{})
	o := newOrigin(t, func(c *call) bool {
		mu.Lock()
		order = append(order, c.Header.Get("X-Who"))
		mu.Unlock()
		if c.Header.Get("X-Who") == "holder" {
			entered <- struct{}{}
			<-leave
		}
		return c.say(fine)
	})
	s := bounded(1, 20, o.addr)
	r := newRig(t, only(s))
	stage := func(class, crawlers spec.Class) *upstream.Stage {
		p := policy()
		p.Priority = &spec.Priority{Class: class, Crawlers: crawlers}
		got, problems := upstream.New([]spec.Weighted{only(s)}, p, "e/"+string(class), r.lease)
		if len(problems) > 0 {
			t.Fatal(fault.Problems(problems))
		}
		return got
	}
	pay, shop, feed := stage(spec.ClassCritical, spec.ClassCritical), stage(spec.ClassNormal, spec.ClassLow), stage(spec.ClassHigh, spec.ClassHigh)
	var running sync.WaitGroup
	ask := func(st *upstream.Stage, who, agent, class string) {
		running.Go(func() {
			x := exchangetest.Request("GET / HTTP/1.1\nHost: a\nX-Who: " + who + "\nUser-Agent: " + agent + "\n")
			x.Now = time.Now()
			exchange.NewPath(exchangetest.RenderText, st).Run(x)
			if f := x.Facts.Origin; x.Cause != nil || f.Class != class || (f.Queued == 0) != (who == "holder") {
				t.Errorf("%s: %v, class %s, want %s; queued for %v", who, x.Cause, f.Class, class, f.Queued)
			}
			x.Release()
		})
	}
	ask(shop, "holder", "x", "normal")
	<-entered
	const person, bot = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"
	for i, w := range []struct {
		st                *upstream.Stage
		who, agent, class string
	}{
		{shop, "crawler 1", bot, "low"}, {shop, "crawler 2", "Slurp", "low"}, {shop, "person 1", person, "normal"}, {pay, "payment 1", bot, "critical"},
		{feed, "feed", person, "high"}, {shop, "person 2", "curl/8", "normal"}, {pay, "payment 2", person, "critical"}, {shop, "crawler 3", "SomeSPIDER/1", "low"},
	} {
		ask(w.st, w.who, w.agent, w.class)
		r.waiting(t, i+1)
	}
	close(leave)
	running.Wait()
	want := []string{"holder", "payment 2", "payment 1", "feed", "person 2", "person 1", "crawler 3", "crawler 2", "crawler 1"}
	mu.Lock() // the race detector does not see what raw sockets order
	defer mu.Unlock()
	if !slices.Equal(order, want) {
		t.Errorf("served\n%v, want\n%v", order, want)
	}
}

// retryAfter is the value of the field, -1 if it is none.
func (r *reply) retryAfter() int {
	n, err := strconv.Atoi(r.header.Get("Retry-After"))
	if err != nil {
		return -1
	}
	return n
}

// TestShed: without a place in the queue, or after the time in it, the answer is 503, and clients are told to come again, but
// not all at once.
func TestShed(t *testing.T) {
	f := func(name string, queue int, queueTime time.Duration, reasons string) {
		t.Run(name, func(t *testing.T) {
			entered, leave := make(chan struct{}, 1), make(chan struct{})
			o := newOrigin(t, func(c *call) bool { entered <- struct{}{}; <-leave; return c.say(fine) })
			s := bounded(1, queue, o.addr)
			s.Concurrency.QueueTime = queueTime
			e := newEdge(t, upstream.Options{}, policy(), []spec.Weighted{only(s)})
			holder := e.send("GET /")
			<-entered
			told := map[int]bool{}
			for range 30 {
				c := e.send("GET /")
				r, n := c.get()
				told[r.retryAfter()] = true
				if r.status != 503 || n.kind() != fault.OriginBusy || n.reasons() != reasons || n.Tries != 0 || n.Class != "normal" || o.of(c.ask) != 0 || (n.Queued > 0) != (queue > 0) {
					t.Fatalf("got %d, %v, reasons %q, tries %d, class %q, queued %v", r.status, n.cause, n.reasons(), n.Tries, n.Class, n.Queued)
				}
			}
			for after := range told {
				if after < 1 || after > 5 {
					t.Errorf("a client is to come again after %d s", after)
				}
			}
			if len(told) < 2 {
				t.Errorf("all clients are to come again after %v s", told)
			}
			close(leave)
			if r, _ := holder.get(); r.status != 200 {
				t.Errorf("who had the place got %d", r.status)
			}
			e.settled()
		})
	}
	f("full", 0, time.Second, "|queue_full")
	f("late", 9, 5*time.Millisecond, "|queue_time")
}

// spoiler is a stage whose Response panics.
type spoiler struct{}

func (spoiler) Name() string                                 { return "spoiler" }
func (spoiler) Request(*exchange.Exchange) exchange.Verdict  { return exchange.Next }
func (spoiler) Response(*exchange.Exchange) exchange.Verdict { panic("BUG: response") }

// trap is a stage whose request body panics.
type trap struct{ exchange.Bytes }

func (*trap) Name() string                                    { return "trap" }
func (b *trap) Request(x *exchange.Exchange) exchange.Verdict { x.Req.Body = b; return exchange.Next }
func (*trap) Whole() ([]byte, error)                          { panic("BUG: body") }

// TestPlaceGivenBack: whatever becomes of a request, its place at the service and at the endpoint is free afterwards.
func TestPlaceGivenBack(t *testing.T) {
	f := func(name string, s script, status int, between ...exchange.Stage) {
		t.Run(name, func(t *testing.T) {
			addr := refuses(t)
			if s != nil {
				addr = newOrigin(t, s).addr
			}
			svc := bounded(1, 0, addr)
			if status == 504 {
				svc.Timeouts.FirstByte = 100 * time.Millisecond
			}
			e := newEdge(t, upstream.Options{}, policy(), []spec.Weighted{only(svc)}, between...)
			for range 3 {
				if r, n := e.do("GET /"); r.status != status {
					t.Errorf("got %d, want %d: %v", r.status, status, n.cause)
				}
				e.settled()
			}
		})
	}
	f("an answer", speak(fine), 200)
	f("an answer to the end of the connection", func(c *call) bool { return c.say("HTTP/1.1 200 OK\r\n\r\nhi") && false }, 200)
	f("half an answer", func(c *call) bool { return c.say("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhi") && false }, 200)
	f("503", speak(no503), 503)
	f("refused", nil, 502)
	f("garbage", func(c *call) bool { return c.say("garbage\r\n\r\n") && false }, 502)
	f("dies", func(*call) bool { return false }, 502)
	f("silent", (*call).gone, 504)
	f("a panic in another's response", speak(fine), 500, spoiler{})
	f("a panic in the request's body", speak(fine), 500, new(trap))
}

// TestPlaceOfWhoLeft: a client that leaves while it waits for a place, or for the answer, leaves no place taken.
func TestPlaceOfWhoLeft(t *testing.T) {
	entered := make(chan struct{}, 1)
	o := newOrigin(t, func(c *call) bool { entered <- struct{}{}; return c.gone() })
	e := newEdge(t, upstream.Options{}, policy(), []spec.Weighted{only(bounded(1, 5, o.addr))})
	holder := e.send("GET /")
	<-entered
	waits := e.send("GET /")
	e.waiting(t, 1)
	if n := waits.leave(); n.kind() != fault.ClientGone || n.Tries != 0 || n.Queued == 0 || n.reasons() != "" {
		t.Errorf("who left the queue: %v, tries %d, queued %v, reasons %q", n.cause, n.Tries, n.Queued, n.reasons())
	}
	e.waiting(t, 0)
	if n := holder.leave(); n.kind() != fault.ClientGone || n.Tries != 1 {
		t.Errorf("who left the origin: %v, tries %d", n.cause, n.Tries)
	}
	e.settled()
}

// TestTunnelTakesNoPlace: a tunnel counts until it is open.
func TestTunnelTakesNoPlace(t *testing.T) {
	o := newOrigin(t, func(c *call) bool {
		if c.Header.Get("Upgrade") == "" {
			return c.say(fine)
		}
		c.say("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
		io.Copy(c.conn, c.in)
		return false
	})
	e := newEdge(t, upstream.Options{}, policy(), []spec.Weighted{only(bounded(1, 0, o.addr))})
	tunnel := e.open(t)
	for range 3 {
		if r, n := e.do("GET /"); r.status != 200 {
			t.Errorf("beside a tunnel: %d, %v", r.status, n.cause)
		}
	}
	if v := e.keep.Pools()[0]; v.Open != 0 || v.Endpoints[0].Open != 1 {
		t.Errorf("%d open requests at the service, %d at the endpoint, want 0 and 1", v.Open, v.Endpoints[0].Open)
	}
	tunnel.echo(t)
	tunnel.leave()
	e.settled()
}

// open opens a tunnel to an origin that echoes.
func (e *edge) open(t *testing.T) *client {
	t.Helper()
	c := e.upgrade(t)
	c.echo(t)
	return c
}

// upgrade opens a tunnel.
func (e *edge) upgrade(t *testing.T) *client {
	t.Helper()
	c := e.send("GET /", "Connection: Upgrade", "Upgrade: websocket")
	line, err := c.in.ReadString('\n')
	for head := line; err == nil && head != "\r\n"; {
		head, err = c.in.ReadString('\n')
	}
	if err != nil || !strings.HasPrefix(line, "HTTP/1.1 101 ") {
		t.Fatalf("got %q, %v", line, err)
	}
	return c
}

// echo says something through a tunnel.
func (c *client) echo(t *testing.T) {
	t.Helper()
	io.WriteString(c.conn, "hello")
	var got [5]byte
	if _, err := io.ReadFull(c.in, got[:]); err != nil || string(got[:]) != "hello" {
		t.Errorf("the tunnel carried %q, %v", got, err)
	}
}

// TestPerEndpoint: an endpoint at its bound is passed over; when all are, the answer is 503 at once.
func TestPerEndpoint(t *testing.T) {
	entered, leave := make(chan string, 2), make(chan struct{})
	_, addrs := several(t, 2, func(c *call) bool {
		entered <- c.conn.LocalAddr().String()
		<-leave
		return c.say(fine)
	})
	s := service("s", addrs...)
	s.Concurrency.PerEndpoint = 1
	e := newEdge(t, upstream.Options{}, policy(), []spec.Weighted{only(s)})
	one, other := e.send("GET /"), e.send("GET /")
	if a, b := <-entered, <-entered; a == b {
		t.Error("both requests went to one endpoint")
	}
	r, n := e.do("GET /")
	if r.status != 503 || n.kind() != fault.OriginBusy || r.retryAfter() < 1 || n.Tries != 0 || !strings.Contains(n.cause.Error(), "concurrency.perEndpoint") {
		t.Errorf("got %d, %v, Retry-After %d, tries %d", r.status, n.cause, r.retryAfter(), n.Tries)
	}
	close(leave)
	for _, c := range []*client{one, other} {
		if r, _ := c.get(); r.status != 200 {
			t.Errorf("got %d", r.status)
		}
	}
	e.settled()
}

// TestConnectionsFull: an endpoint that has all the connections it may have is passed over too.
func TestConnectionsFull(t *testing.T) {
	entered, leave := make(chan struct{}, 1), make(chan struct{})
	o := newOrigin(t, func(c *call) bool { entered <- struct{}{}; <-leave; return c.say(fine) })
	s := service("s", o.addr)
	s.KeepAlive.Connections = 1
	e := newEdge(t, upstream.Options{}, policy(), []spec.Weighted{only(s)})
	one := e.send("GET /")
	<-entered
	r, n := e.do("GET /")
	if r.status != 503 || n.kind() != fault.OriginBusy || r.retryAfter() < 1 || !strings.Contains(n.cause.Error(), "keepAlive.connections") {
		t.Errorf("got %d, %v, Retry-After %d", r.status, n.cause, r.retryAfter())
	}
	close(leave)
	one.get()
	e.settled()
}

// TestBreakerOpen: it opens when enough fails, and answers at once then.
func TestBreakerOpen(t *testing.T) {
	o := newOrigin(t, func(c *call) bool { return c.say(no503) })
	s := service("s", o.addr)
	s.Breaker = spec.Breaker{Share: 0.5, Requests: 4, Window: time.Minute, Open: time.Minute}
	e := newEdge(t, upstream.Options{}, policy(), []spec.Weighted{only(s)})
	state := func() string { return e.keep.Pools()[0].Breaker }
	for range 4 {
		if r, n := e.do("GET /"); r.status != 503 || n.Tries != 1 || state() != "closed" && n.Tries == 0 {
			t.Errorf("got %d, tries %d, breaker %s", r.status, n.Tries, state())
		}
	}
	r, n := e.do("GET /")
	if r.status != 503 || n.kind() != fault.OriginTripped || n.reasons() != "|breaker" || n.Tries != 0 || r.retryAfter() < 1 || state() != "open" {
		t.Errorf("got %d, %v, reasons %q, tries %d, Retry-After %d, breaker %s", r.status, n.cause, n.reasons(), n.Tries, r.retryAfter(), state())
	}
	if o.requests.Load() != 4 {
		t.Errorf("the origin saw %d requests, want 4", o.requests.Load())
	}
	if e.value("skerry_service_shed_total", "service", "s", "class", "normal", "why", "breaker") == 0 {
		t.Error("no refusal was counted")
	}
}

// TestBreaker: once open it lets a few through after its time, and closes when they succeed.
func TestBreaker(t *testing.T) {
	sick := make(chan bool, 1)
	sick <- true
	o := newOrigin(t, func(c *call) bool {
		bad := <-sick
		sick <- bad
		if bad {
			return c.say(no503)
		}
		return c.say(fine)
	})
	s := service("s", o.addr)
	s.Breaker = spec.Breaker{Share: 0.5, Requests: 4, Window: time.Minute, Open: 50 * time.Millisecond}
	e := newEdge(t, upstream.Options{}, policy(), []spec.Weighted{only(s)})
	var mu sync.Mutex
	var told []string
	e.set.Events().Listen(func(ev meter.Event) {
		mu.Lock()
		defer mu.Unlock()
		if _, state, ok := strings.Cut(ev.Text, "its breaker is "); ok {
			told = append(told, state)
		}
	})
	state := func() string { return e.keep.Pools()[0].Breaker }
	for range 4 {
		if r, n := e.do("GET /"); r.status != 503 || n.Tries != 1 {
			t.Errorf("got %d, tries %d, breaker %s", r.status, n.Tries, state())
		}
	}
	eventually(t, "a request is let through", func() bool { _, n := e.do("GET /"); return n.Tries == 1 }) // it fails, and opens the breaker again
	<-sick
	sick <- false
	eventually(t, "the breaker closes", func() bool { e.do("GET /"); return state() == "closed" })
	if r, n := e.do("GET /"); r.status != 200 || n.cause != nil {
		t.Errorf("got %d, %v", r.status, n.cause)
	}
	mu.Lock()
	defer mu.Unlock()
	if want := []string{"open", "half-open", "open", "half-open", "closed"}; !slices.Equal(told, want) {
		t.Errorf("the breaker was %v, want %v", told, want)
	}
}

// TestBreakerAndBodies: an answer that breaks off is a failure as well.
func TestBreakerAndBodies(t *testing.T) {
	o := newOrigin(t, func(c *call) bool { return c.say("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhi") && false })
	s := service("s", o.addr)
	s.Breaker = spec.Breaker{Share: 0.5, Requests: 4, Window: time.Minute, Open: time.Minute}
	e := newEdge(t, upstream.Options{}, policy(), []spec.Weighted{only(s)})
	for range 4 {
		e.do("GET /")
	}
	if r, n := e.do("GET /"); r.status != 503 || n.kind() != fault.OriginTripped {
		t.Errorf("got %d, %v", r.status, n.cause)
	}
}
