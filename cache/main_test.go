package cache_test

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"skerry.dev/skerry/cache"
	"skerry.dev/skerry/exchange"
	"skerry.dev/skerry/exchange/exchangetest"
	"skerry.dev/skerry/fault"
	"skerry.dev/skerry/meter"
	"skerry.dev/skerry/spec"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// setup is what a place is made with.
type setup struct {
	policy  spec.Policy
	options cache.Options
	site    cache.Site
	front   exchange.Stage
	tail    []exchange.Stage // between the cache and the origin
	label   string
}

// cachePolicy is a policy with the defaults of a mode.
func cachePolicy(mode spec.CacheMode) spec.Policy {
	c := &spec.Cache{
		Mode: mode, Directives: mode == spec.CacheStandard, Collapse: 5 * time.Second, ObjectMax: 64 << 20,
		Key: spec.CacheKey{QueryExcept: []string{"gclid", "utm_*"}},
		TTL: spec.CacheTTL{Max: 365 * 24 * time.Hour}, Probe: spec.CacheProbe{Every: 2 * time.Second},
	}
	if mode == spec.CachePrivate {
		c.Anonymous = []string{"_ga*", "consent"}
	}
	return spec.Policy{Cache: c}
}

// standard makes a place one of mode standard.
func standard(s *setup) { s.policy = cachePolicy(spec.CacheStandard) }

// with changes what a policy says of the cache.
func with(change func(c *spec.Cache)) func(*setup) {
	return func(s *setup) { change(s.policy.Cache) }
}

// place is a route with a cache, and an origin behind it.
type place struct {
	t      testing.TB
	keep   *cache.Keeper
	meters *meter.Set
	stage  *cache.Stage
	path   *exchange.Path
	origin *origin
	setup  setup
}

// open returns a place in mode private, unless changes say something else. At the end of the test it is closed, and everything must
// have been let go.
func open(t testing.TB, changes ...func(*setup)) *place {
	t.Helper()
	p := &place{t: t, meters: meter.NewSet(), origin: &origin{}}
	s := &p.setup
	*s = setup{policy: cachePolicy(spec.CachePrivate), options: cache.Options{Bytes: 8 << 20}, label: "shop/home"}
	for _, change := range changes {
		change(s)
	}
	s.options.Meters = p.meters
	var err error
	if p.keep, err = cache.NewKeeper(s.options); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.close)
	p.stage, p.path = p.route(*s)
	return p
}

// route compiles another policy on the same keeper.
func (p *place) route(s setup) (*cache.Stage, *exchange.Path) {
	p.t.Helper()
	stage, problems := cache.New(&s.policy, s.label, s.site, p.keep)
	if stage == nil || len(problems) > 0 {
		p.t.Fatalf("no stage: %v", problems)
	}
	behind := append(append([]exchange.Stage{}, s.tail...), p.origin)
	stage.UsePath(s.front, behind...)
	all := append([]exchange.Stage{stage}, behind...)
	if s.front != nil {
		all = append([]exchange.Stage{s.front}, all...)
	}
	return stage, exchange.NewPath(exchangetest.RenderText, all...)
}

func (p *place) close() {
	p.keep.Close()
	p.origin.Check(p.t, "the origin", p.origin.asked())
	if n := cache.OpenFills(p.keep); n != 0 {
		p.t.Errorf("%d fills may still be joined", n)
	}
	if n := p.metric("skerry_cache_reserved_bytes"); n != 0 {
		p.t.Errorf("%v bytes are still reserved for fills", n)
	}
	for _, x := range p.origin.exchanges {
		if x.Sink != nil || x.Req.Path != nil {
			p.t.Error("an exchange was not given back")
		}
	}
}

// metric is the sum of a metric over its labels, as far as they are named: name, value, …
func (p *place) metric(name string, labels ...string) (sum float64) {
	for _, m := range p.meters.All() {
		fits := m.Name == name
		for i := 0; i+1 < len(labels); i += 2 {
			has := false
			for _, l := range m.Labels {
				has = has || l == meter.Label{Name: labels[i], Value: labels[i+1]}
			}
			fits = fits && has
		}
		switch {
		case !fits:
		case m.Counter != nil:
			sum += float64(m.Counter.Value())
		case m.Func != nil:
			sum += m.Func()
		}
	}
	return sum
}

// origin is the last stage: what asks it is written down and answered as the test says.
type origin struct {
	exchangetest.Ledger
	mu        sync.Mutex
	answer    func(x *exchange.Exchange) exchange.Verdict
	seen      []string
	exchanges []*exchange.Exchange
}

// Name is "origin".
func (o *origin) Name() string { return "origin" }

// Request answers.
func (o *origin) Request(x *exchange.Exchange) exchange.Verdict {
	o.Enter(x)
	o.mu.Lock()
	o.seen = append(o.seen, exchangetest.Dump(x))
	o.exchanges = append(o.exchanges, x)
	answer := o.answer
	o.mu.Unlock()
	return answer(x)
}

// Done keeps the books.
func (o *origin) Done(x *exchange.Exchange) { o.Leave(x) }

// does answers with a function from now on.
func (o *origin) does(answer func(x *exchange.Exchange) exchange.Verdict) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.answer = answer
}

// says answers with a text from now on: a status, fields, an empty line, a body.
func (o *origin) says(text string) {
	o.does(func(x *exchange.Exchange) exchange.Verdict { return say(x, text) })
}

// asked is how often it was.
func (o *origin) asked() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return len(o.seen)
}

// count is how often it was asked for something that begins with a text, as Dump prints it.
func (o *origin) count(start string) (n int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, s := range o.seen {
		if strings.HasPrefix(s, start) {
			n++
		}
	}
	return n
}

// last is the last request.
func (o *origin) last() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.seen) == 0 {
		return ""
	}
	return o.seen[len(o.seen)-1]
}

// say answers with a text.
func say(x *exchange.Exchange, text string) exchange.Verdict {
	head, body, hasBody := strings.Cut(text, "\n\n")
	status, lines, _ := strings.Cut(head, "\n")
	code, err := strconv.Atoi(status)
	if err != nil {
		panic(fmt.Sprintf("no status: %q", text))
	}
	x.Answer(code)
	x.Resp.Fields = append(x.Resp.Fields, fields(lines)...)
	switch {
	case x.Req.Method == exchange.MethodHead:
		x.Resp.Length = int64(len(body))
	case hasBody:
		x.Resp.Body = exchange.NewBytes([]byte(body))
	}
	return exchange.Respond
}

// fields reads lines of a head.
func fields(text string) (f exchange.Fields) {
	for line := range strings.Lines(text) {
		if name, value, ok := strings.Cut(strings.TrimSuffix(line, "\n"), ":"); ok {
			f.AddNamed([]byte(name), exchange.TrimOWS([]byte(value)))
		}
	}
	return f
}

// client is a sink whose client may read slowly, and leave.
type client struct {
	exchangetest.Recorder
	gate chan struct{} // a Next for each; nil: as fast as it can
	mu   sync.Mutex
	gone func()
	left chan struct{}
	read atomic.Int64
}

func newClient() *client { return &client{left: make(chan struct{})} }

// Watch notes who wants to know that the client has left.
func (c *client) Watch(gone func()) (stop func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.gone = gone
	select {
	case <-c.left:
		go gone()
	default:
	}
	return func() {
		c.mu.Lock()
		c.gone = nil
		c.mu.Unlock()
	}
}

// leave is the client closing its connection.
func (c *client) leave() {
	c.mu.Lock()
	defer c.mu.Unlock()
	close(c.left)
	if c.gone != nil {
		c.gone()
	}
}

// Send reads as fast as the gate allows, until the client leaves.
func (c *client) Send(x *exchange.Exchange) error {
	c.Gone = errLeft
	c.GoneAfter = int(^uint(0) >> 1)
	if x.Resp.Body != nil {
		x.Resp.Body = &gated{x.Resp.Body, c}
	}
	return c.Recorder.Send(x)
}

var errLeft = fault.New(fault.ClientGone, "the client of a test left")

// gated is a body as its client reads it.
type gated struct {
	exchange.Body
	c *client
}

// Next waits for the client.
func (g *gated) Next() ([]byte, error) {
	if g.c.gate != nil {
		select {
		case <-g.c.gate:
		case <-g.c.left:
		}
	}
	select {
	case <-g.c.left:
		return nil, errLeft
	default:
	}
	view, err := g.Body.Next()
	g.c.read.Add(int64(len(view)))
	return view, err
}

// got is an answer.
type got struct {
	*exchangetest.Recorder
	facts exchange.CacheFacts
	whole bool // it did not break off
	cause error
}

// String is status, outcome, reason and what else the facts say.
func (g *got) String() string {
	s := fmt.Sprint(g.Status)
	for _, word := range []string{g.facts.Outcome.String(), g.facts.Why} {
		if word != "" {
			s += " " + word
		}
	}
	if g.facts.Stored {
		s += " stored"
	}
	if g.facts.Collapsed {
		s += " collapsed"
	}
	if !g.whole {
		s += " broken"
	}
	return s
}

// field is the first field of a name, "" if there is none.
func (g *got) field(name string) string {
	f := fields(g.Head)
	return string(f.Find([]byte(name)))
}

// request is the text of a request to the shop.
func request(method, target string, lines ...string) string {
	return method + " " + target + " HTTP/1.1\nHost: shop.example.com\n" + strings.Join(append(lines, ""), "\n")
}

// begin is an exchange of a text, at the instant that it is.
func begin(text string) *exchange.Exchange {
	x := exchangetest.Request(text)
	x.Now, x.Route = time.Now(), "shop/home"
	x.Facts.Client.HTTPS = true
	return x
}

// run sends an exchange along a path, and gives it back.
func (p *place) run(path *exchange.Path, x *exchange.Exchange, c *client) *got {
	defer x.Release()
	x.Sink = c
	g := &got{Recorder: &c.Recorder}
	g.whole = path.Run(x)
	g.facts, g.cause = x.Facts.Cache, x.Cause
	if g.facts.Held != nil {
		p.t.Error("Done has not let go of what the exchange held")
	}
	return g
}

// ask sends a request, and returns the answer.
func (p *place) ask(text string) *got { return p.run(p.path, begin(text), newClient()) }

// get asks for a path.
func (p *place) get(target string, lines ...string) *got {
	return p.ask(request("GET", target, lines...))
}

// pending is a request whose answer has not come.
type pending struct {
	*client
	done chan struct{}
	got  *got
}

// start sends a request and does not wait for the answer.
func (p *place) start(text string) *pending { return p.startAs(newClient(), text) }

func (p *place) startAs(c *client, text string) *pending {
	q := &pending{client: c, done: make(chan struct{})}
	go func() {
		defer close(q.done)
		q.got = p.run(p.path, begin(text), c)
	}()
	return q
}

// over reports whether the answer has come.
func (q *pending) over() bool {
	select {
	case <-q.done:
		return true
	default:
		return false
	}
}

// answer waits for it.
func (q *pending) answer() *got {
	<-q.done
	return q.got
}

// feed is a body of an origin that a test writes. It ends when nobody wants it any more.
type feed struct {
	size   int64
	pieces chan []byte
	taken  atomic.Int64
	err    error // of the end; nil: io.EOF
	gone   chan struct{}
	stop   func()
	closed atomic.Bool
}

func newFeed(size int64) *feed {
	return &feed{size: size, pieces: make(chan []byte, 4096), gone: make(chan struct{})}
}

// answer answers with the feed.
func (f *feed) answer(head string) func(x *exchange.Exchange) exchange.Verdict {
	return func(x *exchange.Exchange) exchange.Verdict {
		v := say(x, head)
		x.Resp.Body = f
		f.stop = x.Sink.Watch(func() { close(f.gone) })
		return v
	}
}

// push appends.
func (f *feed) push(text string) { f.pieces <- []byte(text) }

// end ends it, with an error or nil.
func (f *feed) end(err error) {
	f.err = err
	close(f.pieces)
}

// left reports whether the fill was told that nobody wants it.
func (f *feed) left() bool {
	select {
	case <-f.gone:
		return true
	default:
		return false
	}
}

// Next is the next piece that was pushed.
func (f *feed) Next() ([]byte, error) {
	if f.left() {
		return nil, errLeft
	}
	select {
	case <-f.gone:
		return nil, errLeft
	case piece, ok := <-f.pieces:
		switch {
		case ok:
			f.taken.Add(int64(len(piece)))
			return piece, nil
		case f.err != nil:
			return nil, f.err
		}
		return nil, io.EOF
	}
}

// Size is as announced.
func (f *feed) Size() int64 { return f.size }

// Replay is not possible.
func (f *feed) Replay() bool { return false }

// Close stops watching.
func (f *feed) Close() error {
	if !f.closed.Swap(true) {
		f.stop()
	}
	return nil
}

// holds is an origin's answer that waits until it is let go, or nobody wants it.
type holds struct {
	free  chan struct{}
	told  atomic.Int32 // how many were told that nobody wants them
	reply string
}

func newHold(reply string) *holds { return &holds{free: make(chan struct{}), reply: reply} }

func (h *holds) answer(x *exchange.Exchange) exchange.Verdict {
	gone := make(chan struct{})
	stop := x.Sink.Watch(func() { close(gone) })
	defer stop()
	select {
	case <-gone:
		h.told.Add(1)
		return x.Fail(errLeft)
	case <-h.free:
		return say(x, h.reply)
	}
}
