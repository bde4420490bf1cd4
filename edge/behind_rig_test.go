package edge_test

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"skerry.dev/skerry/edge"
	endpoint "skerry.dev/skerry/load/origin"
	"skerry.dev/skerry/meter"
)

// This file is the bench of the tests of what stands behind the edge: endpoints that are processes, an edge, and a load.

// behindPatience is how long a test waits for what must come. It is long, for a machine that does much else.
const behindPatience = 60 * time.Second

// behindSpec is an entrypoint; the gaps are what the route and its service say beside it, each with its indentation.
const behindSpec = `apiVersion: skerry.dev/v1
kind: Entrypoint
metadata: {name: shop, owner: team-shop}
spec:
  hosts: [shop.test]
  profile: plain
  waf: block
  log: on
  service: app
%s---
apiVersion: skerry.dev/v1
kind: Service
metadata: {name: app, owner: team-shop}
spec:
%s`

// behind is an edge that serves HTTP/1.1, TLS and HTTP/2, what it told, and clients of all three.
type behind struct {
	t       *testing.T
	edge    *edge.Edge
	set     *meter.Set
	log     *syncedBuffer
	urls    [3]string
	clients [3]*http.Client
	end     func() // drains, once; the log is complete then

	mu     sync.Mutex
	events []meter.Event
	news   chan struct{} // something was added to events, or a load went on
}

// processes starts endpoints that live as long as the test, all at once: each takes a while.
func processes(t *testing.T, n int, m endpoint.Mode) []*endpoint.Process {
	t.Helper()
	all, failed := make([]*endpoint.Process, n), make([]error, n)
	var starting sync.WaitGroup
	for i := range all {
		starting.Go(func() { all[i], failed[i] = endpoint.Start(m) })
	}
	starting.Wait()
	for _, p := range all {
		if p != nil {
			t.Cleanup(p.Stop)
		}
	}
	must(t, errors.Join(failed...))
	return all
}

// listOf is the endpoints of a service.
func listOf(all []*endpoint.Process) string {
	urls := make([]string, len(all))
	for i, p := range all {
		urls[i] = p.URL()
	}
	return "  endpoints: [" + strings.Join(urls, ", ") + "]\n"
}

// openBehind runs an edge until the test ends.
func openBehind(t *testing.T, opt edge.Options, text string) *behind {
	t.Helper()
	b := &behind{t: t, set: meter.NewSet(), log: &syncedBuffer{}, news: make(chan struct{}, 1)}
	opt.HTTPS, opt.Meters, opt.Tell = []string{"127.0.0.1:0"}, b.set, b.hear
	if opt.Log == nil {
		opt.Log = b.log
	}
	opt.DrainTimeout = behindPatience
	var addr string
	b.edge, addr = start(t, opt, text)
	_, secure := b.edge.Addrs()
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(b.edge.Root())
	b.urls = [3]string{"http://" + addr, "https://" + secure[0].String(), "https://" + secure[0].String()}
	for i := range b.clients {
		tr := &http.Transport{DisableCompression: true, MaxIdleConnsPerHost: 64, TLSClientConfig: &tls.Config{RootCAs: roots, ServerName: "shop.test"}, Protocols: new(http.Protocols)}
		tr.Protocols.SetHTTP1(i < 2)
		tr.Protocols.SetHTTP2(i == 2)
		b.clients[i] = &http.Client{Transport: tr}
	}
	b.end = sync.OnceFunc(func() {
		for _, c := range b.clients {
			c.CloseIdleConnections()
		}
		if cut := b.edge.Drain(); cut > 0 {
			t.Errorf("%d connections had not ended %v after the last client", cut, behindPatience)
		}
	})
	t.Cleanup(b.end)
	return b
}

func (b *behind) hear(e meter.Event) {
	b.mu.Lock()
	b.events = append(b.events, e)
	b.mu.Unlock()
	b.tell()
}

// tell wakes who waits for something to become true.
func (b *behind) tell() {
	select {
	case b.news <- struct{}{}:
	default:
	}
}

// until waits until something is true. It looks when something was told or answered, and for what nobody tells a hundred times a second.
func (b *behind) until(what string, is func() bool) {
	b.t.Helper()
	give := time.NewTimer(behindPatience)
	defer give.Stop()
	look := time.NewTicker(10 * time.Millisecond)
	defer look.Stop()
	for !is() {
		select {
		case <-b.news:
		case <-look.C:
		case <-give.C:
			b.t.Fatalf("not within %v: %s; events: %v", behindPatience, what, b.eventsOf(""))
		}
	}
}

// eventsOf are the texts of the events of a kind so far, of all kinds if it is empty.
func (b *behind) eventsOf(kind string) (texts []string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, e := range b.events {
		if kind == "" || e.Kind == kind {
			texts = append(texts, e.Text)
		}
	}
	return texts
}

// told waits for an event of a kind whose text has something in it.
func (b *behind) told(kind, part string) {
	b.t.Helper()
	b.until("an event "+kind+" with "+part, func() bool { return strings.Contains(strings.Join(b.eventsOf(kind), "\n"), part) })
}

// count is how often there was an event of a kind about an endpoint.
func (b *behind) count(kind string, p *endpoint.Process) (n int) {
	for _, text := range b.eventsOf(kind) {
		if strings.Contains(text, p.Addr()) {
			n++
		}
	}
	return n
}

// question is a request. The id is also its path, so that its log event can be found.
type question struct {
	id     string
	method string
	path   string // before the id; empty: /
	body   string
	fields http.Header
	stage  int32         // of the test when it was asked
	leave  time.Duration // the client leaves after it; 0: it stays
}

// reply is what came of it.
type reply struct {
	question
	status   int
	endpoint string // the address of the process that answered
	fields   http.Header
	body     string
	took     time.Duration
	err      error // there is no whole answer
	over     int32 // the stage when it had its answer
}

func (r *reply) good() bool { return r.err == nil && r.status == http.StatusOK && r.endpoint != "" }

func (r *reply) String() string {
	return fmt.Sprintf("%s %s (stage %d): status %d of %q after %v, %v", r.method, r.id, r.stage, r.status, r.endpoint, r.took, r.err)
}

// ask sends a request: way 0 by HTTP/1.1, 1 by TLS, 2 by HTTP/2. A client of Go's may send a request again where the edge
// closes its connection; that would hide what is looked for, so it is a failure.
func (b *behind) ask(way int, q question) (r reply) {
	r.question = q
	var conns atomic.Int32
	ctx, cancel := context.WithTimeout(context.Background(), cmp.Or(q.leave, behindPatience))
	defer cancel()
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) { conns.Add(1) }})
	var body io.Reader
	if q.body != "" {
		body = strings.NewReader(q.body)
	}
	req, err := http.NewRequestWithContext(ctx, q.method, b.urls[way]+q.path+"/"+q.id, body)
	if err != nil {
		r.err = err
		return r
	}
	req.Host = "shop.test"
	if body != nil {
		req.Header.Set("Content-Type", "text/plain") // the firewall holds it
	}
	for name, values := range q.fields {
		req.Header[name] = values
	}
	req.Header.Set(endpoint.IDField, q.id)
	began := time.Now()
	defer func() { r.took = time.Since(began) }()
	resp, err := b.clients[way].Do(req)
	if conns.Load() > 1 {
		b.t.Errorf("%s %s: the edge closed its connection without an answer", q.method, q.id)
	}
	if err != nil {
		r.err = err
		return r
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	r.status, r.endpoint, r.fields, r.body, r.err = resp.StatusCode, resp.Header.Get(endpoint.EndpointField), resp.Header, string(text), err
	return r
}

// traffic is a load of some clients, each of which asks again when it has its answer.
type traffic struct {
	b     *behind
	ask   func(i int) question
	stage atomic.Int32
	next  atomic.Int64
	seen  func(r *reply) // takes the replies instead of replies; may be nil
	quit  chan struct{}
	over  sync.WaitGroup

	mu      sync.Mutex
	replies []reply
	asked   map[int32]int // replies by stage
}

// begin starts a load. The questions get their number as id.
func (b *behind) begin(clients int, ask func(i int) question) *traffic {
	l := b.traffic(ask)
	l.begin(clients)
	return l
}

func (b *behind) traffic(ask func(i int) question) *traffic {
	return &traffic{b: b, ask: ask, quit: make(chan struct{}), asked: map[int32]int{}}
}

func (l *traffic) begin(clients int) {
	for way := range clients {
		l.over.Go(func() { l.client(way % len(l.b.clients)) })
	}
}

func (l *traffic) client(way int) {
	for {
		select {
		case <-l.quit:
			return
		default:
		}
		n := int(l.next.Add(1))
		q := l.ask(n)
		q.id, q.stage = strconv.Itoa(n), l.stage.Load()
		r := l.b.ask(way, q)
		r.over = l.stage.Load()
		if l.seen != nil {
			l.seen(&r)
		}
		l.mu.Lock()
		if l.seen == nil {
			l.replies = append(l.replies, r)
		}
		l.asked[r.stage]++
		l.mu.Unlock()
		l.b.tell()
	}
}

// so returns the replies so far that are of a kind.
func (l *traffic) so(is func(r *reply) bool) (some []reply) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i := range l.replies {
		if is(&l.replies[i]) {
			some = append(some, l.replies[i])
		}
	}
	return some
}

// more waits for replies to questions that are asked from now on, which belong to a stage.
func (l *traffic) more(stage int32, n int) {
	l.b.t.Helper()
	l.stage.Store(stage)
	l.b.until(fmt.Sprintf("%d answers in stage %d", n, stage), func() bool {
		l.mu.Lock()
		defer l.mu.Unlock()
		return l.asked[stage] >= n
	})
}

// end stops the load, and returns all replies.
func (l *traffic) end() []reply {
	close(l.quit)
	l.over.Wait()
	return l.replies
}

// logged is a log event of an exchange, as far as these tests read it.
type logged struct {
	Path, Method, Endpoint, Retried, Refused, Locality, Picked, Class, Hedge, Mirror, Fault string
	Status, Tries                                                                           int
}

// lines ends the edge and returns its log events of exchanges, by the id of the request.
func (b *behind) lines() map[string]logged {
	b.t.Helper()
	b.end()
	all := map[string]logged{}
	for text := range strings.Lines(b.log.String()) {
		var l logged
		if err := json.Unmarshal([]byte(text), &l); err != nil {
			b.t.Fatalf("%v in %q", err, text)
		}
		if l.Path != "" {
			all[l.Path[strings.LastIndexByte(l.Path, '/')+1:]] = l
		}
	}
	return all
}

// total adds up the series of a metric that have these labels, "name", "value", ….
func (b *behind) total(name string, labels ...string) (sum float64) {
	for _, m := range b.set.All() {
		if m.Name != name {
			continue
		}
		has := 0
		for _, l := range m.Labels {
			for i := 0; i < len(labels); i += 2 {
				if l.Name == labels[i] && l.Value == labels[i+1] {
					has++
				}
			}
		}
		if 2*has == len(labels) {
			switch {
			case m.Counter != nil:
				sum += float64(m.Counter.Value())
			case m.Gauge != nil:
				sum += float64(m.Gauge.Value())
			case m.Func != nil:
				sum += m.Func()
			}
		}
	}
	return sum
}
