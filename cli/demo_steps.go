package cli

import (
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
)

const demoHost = "shop.localhost"

// stepRequest sends a request and shows what the service saw and what the client got.
func stepRequest(w *presenter, s *demoStage) {
	plain := s.client(demoHost)
	plain.plain = true
	defer plain.close()
	a, err := plain.get("/cart")
	w.check(err == nil && a.status == 308, "GET %s → %d", plain.url("/cart"), a.status)
	w.detail("Location: %s", a.fields["location"])
	c := s.client(demoHost)
	defer c.close()
	for range 2 {
		a, err := c.get("/cart")
		if err != nil {
			w.check(false, "GET %s: %v", c.url("/cart"), err)
			return
		}
		w.check(a.status == 200, "GET %s → %d by %s", c.url("/cart"), a.status, a.fields["x-endpoint"])
		w.detail("%s", strings.TrimSpace(a.body))
		if id := a.fields["x-request-id"]; id == "" || a.fields["x-powered-by"] != "" {
			w.check(false, "the answer should have a request id and no X-Powered-By: %v", a.fields)
		} else {
			w.detail("X-Request-Id: %s; X-Powered-By was removed (profile website)", id)
		}
	}
}

// stepProtected shows what the profile brings.
func stepProtected(w *presenter, s *demoStage) {
	c := s.client(demoHost)
	defer c.close()
	a, err := c.get("/catalogue", "Accept-Encoding", "br, gzip", "X-Forwarded-For", "203.0.113.9")
	w.check(err == nil && a.fields["content-encoding"] == "br", "GET %s → %s, %s where the service sent %d",
		c.url("/catalogue"), a.fields["content-encoding"], count(len(a.body), "byte"), catalogueBytes)
	w.check(a.fields["x-content-type-options"] == "nosniff" && a.fields["strict-transport-security"] == "",
		"security fields are there; no Strict-Transport-Security as long as the certificate is the local CA's")
	w.detail("X-Content-Type-Options: %s, X-Frame-Options: %s", a.fields["x-content-type-options"], a.fields["x-frame-options"])
	w.check(a.fields["x-client"] == "127.0.0.1", "a client that says X-Forwarded-For: 203.0.113.9 is still %s to the service", a.fields["x-client"])
	strict := s.client("strict.localhost")
	defer strict.close()
	passed, refused, wait := 0, 0, ""
	for range 8 {
		a, err := strict.get("/")
		switch {
		case err == nil && a.status == 200:
			passed++
		case err == nil && a.status == 429:
			refused, wait = refused+1, a.fields["retry-after"]
		}
	}
	w.check(passed >= 5 && refused > 0 && passed+refused == 8, "8 requests to %s, burst 5: %d pass, %d get 429 with Retry-After: %s", strict.url("/"), passed, refused, wait)
	_, err = s.client("nobody.localhost").get("/")
	w.check(err != nil, "a handshake for nobody.localhost: %v", err)
}

// stepFirewall sends an attack, and the same characters in a question that a person could ask.
func stepFirewall(w *presenter, s *demoStage) {
	c := s.client(demoHost)
	defer c.close()
	show := func(path string, status int) {
		a, err := c.get(path)
		if err != nil {
			w.check(false, "GET %s: %v", c.url(path), err)
			return
		}
		w.check(a.status == status, "GET %s → %d", c.url(path), a.status)
		w.detail("%s", strings.TrimSpace(a.body))
	}
	show("/search?q=1%27%20OR%20%271%27=%271%27%20--", 403)
	line, found := s.logged(`"path":"/search"`, `"verdict":"refused"`, `"id":942100,`) // libinjection's
	w.check(found, "the client is told nothing but an id, the log names the rules of OWASP CRS")
	w.detail("%s", excerpt(line, `"waf"`, `,"fault"`))
	show("/search?q=O%27Brien%27s%20select%20or%20the%20blue%20one?", 200)
}

// stepCache asks for a page that may be stored: again, and as somebody with a session, whose answer nobody else gets.
func stepCache(w *presenter, s *demoStage) {
	c := s.client(demoHost)
	defer c.close()
	show := func(want, who string, fields ...string) {
		a, err := c.get("/news", fields...)
		if err != nil {
			w.check(false, "GET %s: %v", c.url("/news"), err)
			return
		}
		status := a.fields["cache-status"]
		w.check(a.status == 200 && strings.HasPrefix(status, want), "GET %s%s → %d, Cache-Status: %s", c.url("/news"), who, a.status, status)
	}
	show("skerry; fwd=uri-miss; stored", "")
	show("skerry; hit; ttl=", "")
	show("skerry; hit; ttl=", " with a cookie of analytics", "Cookie", "_ga=GA1.1.1")
	show("skerry; fwd=bypass; detail=identified", " with a cookie that could be a session", "Cookie", "sid=31d4d96e")
}

// stepRoutes shows answers that the edge gives itself.
func stepRoutes(w *presenter, s *demoStage) {
	f := func(c *demoClient, path, accept string, status int, show func(answer) string) {
		defer c.close()
		a, err := c.get(path, "Accept", accept)
		if err != nil {
			w.check(false, "GET %s: %v", c.url(path), err)
			return
		}
		w.check(a.status == status, "GET %s → %d", c.url(path), a.status)
		w.detail("%s", show(a))
	}
	shop, nobody := s.client(demoHost), s.client("nobody.localhost")
	nobody.plain = true
	f(shop, "/old/cart", "*/*", 308, func(a answer) string { return "Location: " + a.fields["location"] })
	f(shop, "/hello/you", "*/*", 200, func(a answer) string { return strings.TrimSpace(a.body) })
	f(nobody, "/", "*/*", 404, func(a answer) string { return strings.TrimSpace(a.body) })
	f(nobody, "/", "text/html", 404, func(a answer) string {
		return a.fields["content-type"] + " for a browser, " + count(len(a.body), "byte")
	})
}

// demoLoad is what the connections of stepReload did.
type demoLoad struct {
	sent, failed, torn atomic.Int64
	first              sync.Map // release → true
	stop               chan struct{}
	conns              sync.WaitGroup
}

// run sends requests on one connection until it is told to stop.
func (l *demoLoad) run(s *demoStage) {
	c := s.client(demoHost)
	defer c.close()
	for {
		select {
		case <-l.stop:
			return
		default:
		}
		a, err := c.get("/")
		l.sent.Add(1)
		if err != nil || a.status != 200 {
			l.failed.Add(1)
			continue
		}
		if a.fields["x-release"] != a.fields["x-release-again"] {
			l.torn.Add(1)
		}
		l.first.Store(a.fields["x-release"], true)
	}
}

// stepReload rewrites the spec while connections are busy.
func stepReload(w *presenter, s *demoStage) {
	const conns, reloads = 8, 5
	l := demoLoad{stop: make(chan struct{})}
	for range conns {
		l.conns.Go(func() { l.run(s) })
	}
	took := 0
	for n := 2; n <= reloads+1; n++ {
		if err := s.release(n); err != nil {
			w.check(false, "write %s: %v", s.specName, err)
			break
		}
		if n > 2 { // the first change is found by the watch, the others are asked for, as SIGHUP does
			s.reload <- struct{}{}
		}
		if await(func() bool { _, seen := l.first.Load(strconv.Itoa(n)); return seen }) {
			took++
		}
	}
	close(l.stop)
	l.conns.Wait()
	w.check(took == reloads, "%d of %d rewritten specs were taken up while %s were busy", took, reloads, count(conns, "connection"))
	w.check(l.failed.Load() == 0, "%s, %d failed", count(int(l.sent.Load()), "request"), l.failed.Load())
	w.check(l.torn.Load() == 0, "%d answers were made by two plans at once", l.torn.Load())
	if err := os.WriteFile(s.specName, []byte(strings.Replace(demoEntrypoint, "hosts:", "host:", 1)), 0o644); err != nil {
		w.check(false, "write %s: %v", s.specName, err)
		return
	}
	s.reload <- struct{}{}
	refused := await(func() bool { s.mu.Lock(); defer s.mu.Unlock(); return len(s.refused) > 0 })
	c := s.client(demoHost)
	defer c.close()
	a, err := c.get("/")
	w.check(refused && err == nil && a.status == 200, "a broken spec is refused, the running plan stays: GET / → %d", a.status)
	s.mu.Lock()
	if len(s.refused) > 0 {
		p := s.refused[0]
		w.detail("shop.yaml:%d:%d: %s; %s", p.Line, p.Col, p.Text, p.Fix)
	}
	s.mu.Unlock()
	if err := s.release(reloads + 2); err != nil {
		w.check(false, "write %s: %v", s.specName, err)
	}
	s.reload <- struct{}{}
}

// stepBusy asks more of a service than it may be asked: who pays goes before crawlers.
func stepBusy(w *presenter, s *demoStage) {
	const buyers = 4
	crawling := s.crowd(tillPlaces+tillQueue, "till.localhost", "/hold", "demo-bot")
	full := await(func() bool { return s.waiting() == tillQueue })
	paying := s.crowd(buyers, "till.localhost", "/pay/hold", "skerry-demo")
	shed, wait := 0, ""
	for range tillQueue { // they are answered while the service still works on the first two
		if a := <-crawling; a.status == 503 {
			shed, wait = shed+1, a.fields["retry-after"]
		}
	}
	close(s.shop[0].hold)
	served, paid := 0, 0
	for range tillPlaces {
		if a := <-crawling; a.status == 200 {
			served++
		}
	}
	for range buyers {
		if a := <-paying; a.status == 200 {
			paid++
		}
	}
	w.check(full && served == tillPlaces, "%s take the %d places of a service (concurrency.max) and the %d of its queue", count(tillPlaces+tillQueue, "crawler"), tillPlaces, tillQueue)
	w.check(paid == buyers && shed == tillQueue, "%s come (priority: critical): %d get 200; %s give way and get 503 with Retry-After: %s", count(buyers, "buyer"), paid, count(shed, "crawler"), wait)
	line, found := s.logged(`"route":"default"`, `"service":"till"`, `"refused"`)
	w.check(found, "the log says why")
	w.detail("%s", excerpt(line, `"service"`, `,"error"`))
}

// excerpt is a part of a line of the log.
func excerpt(line, from, to string) string {
	if i := strings.Index(line, from); i >= 0 {
		line = line[i:]
	}
	line, _, _ = strings.Cut(line, to)
	return "… " + line + " …"
}

// stepOneDown stops an endpoint: nobody notices but the log.
func stepOneDown(w *presenter, s *demoStage) {
	const most = 500 // requests until shop-1 is out; some ten are enough
	c := s.client(demoHost)
	defer c.close()
	bad, n, out := 0, 0, false
	get := func() {
		a, err := c.get("/")
		if err != nil || a.status != 200 {
			bad++
		}
	}
	get() // it is connected, so that it is there before the health checks are
	s.shop[0].stop()
	w.line("shop-1 is stopped")
	for ; n < most && !out; n++ {
		get()
		out = s.ejected(0) || !s.healthy(0)
	}
	w.check(bad == 0 && out, "%s until shop-1 had failed five in a row and was left out (ejection), %d failed for a client", count(n, "request"), bad)
	line, found := s.logged(`"service":"shop"`, `"status":200`, `"retried"`)
	w.check(found, "they were tried again at shop-2, as the log says")
	w.detail("%s", excerpt(line, `"service"`, `,"user_agent"`))
	w.check(await(func() bool { return !s.healthy(0) }), "the health check took shop-1 out")
}

// stepAllDown stops the other endpoint too, shows what clients get, and starts both again.
func stepAllDown(w *presenter, s *demoStage) {
	s.shop[1].stop()
	w.line("shop-2 is stopped too")
	c := s.client(demoHost)
	defer c.close()
	show := func(want int) {
		a, err := c.get("/")
		if err != nil {
			w.check(false, "GET %s: %v", c.url("/"), err)
			return
		}
		w.check(a.status == want, "GET %s → %d, Proxy-Status: %s", c.url("/"), a.status, a.fields["proxy-status"])
		w.detail("%s", strings.TrimSpace(a.body))
	}
	show(502)
	if w.check(await(func() bool { return !s.healthy(1) }), "the health check took shop-2 out; with fewer than half left (balance.panic) both are asked all the same"); !s.healthy(1) {
		show(502)
	}
	for i, o := range s.shop {
		var err error
		if !await(func() bool { err = o.start(); return err == nil }) { // somebody else may have been given its port for a moment
			w.check(false, "start shop-%d again: %v", i+1, err)
			return
		}
	}
	w.check(await(func() bool { return s.healthy(0) && s.healthy(1) }), "both are started again, and the health check brought them back")
	a, err := c.get("/")
	w.check(err == nil && a.status == 200, "GET %s → %d by %s", c.url("/"), a.status, a.fields["x-endpoint"])
}

// stepCounted shows the log line and the counters of what the tour did.
func stepCounted(w *presenter, s *demoStage) {
	count := func(class string) uint64 {
		return s.meters.Counter("skerry_requests_total", "", "entrypoint", "shop", "route", "default", "class", class).Value()
	}
	ok, failed := count("2xx"), count("5xx")
	w.check(ok > 0 && failed >= 2, "skerry_requests_total{entrypoint=\"shop\",route=\"default\"}: %d 2xx, %d 5xx", ok, failed)
	line, found := s.logged(`"status":502`)
	w.check(found, "one JSON line per exchange in the log, such as")
	w.detail("%s", line)
}
