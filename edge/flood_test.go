package edge_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"skerry.dev/skerry/edge"
	"skerry.dev/skerry/meter"
	"skerry.dev/skerry/wire/h1"
)

// floodEnv holds the orders for a test binary that is to be the edge of a flood; see TestFloodEdge.
const floodEnv = "SKERRY_FLOOD_EDGE"

// floodOrders are the settings of the edge that is flooded.
type floodOrders struct {
	Origin            string
	Conns, PerAddress int
	Patience          time.Duration // of heads, bodies and writes
}

// floodState is what the flooded edge tells of itself.
type floodState struct {
	HTTP, HTTPS string
	Root        []byte // the local CA's, in PEM
	Open        int64  // connections_open
	Refused     uint64 // by the limit per address
	Descriptors int
	Live        int64 // bytes of heap and stacks that are in use
	Resident    int64 // bytes, at most so far
}

func floodSpec(origin string) string {
	return `apiVersion: skerry.dev/v1
kind: Entrypoint
metadata: {name: shop, owner: team-shop}
spec:
  hosts: [shop.test]
  limit: off
  redirect: off
  waf: {allow: {methods: [GET, PUT, POST]}}
  routes: [{name: here, match: {path: /here}, respond: {body: hello}}]
  service: ` + origin + "\n"
}

// TestFloodEdge is no test but the edge of TestSoakFlood, in a process of its own: so attackers and edge have a limit on
// descriptors each, and its memory is its own. It answers each line on stdin with its state, and ends with stdin.
func TestFloodEdge(t *testing.T) {
	text := os.Getenv(floodEnv)
	if text == "" {
		return
	}
	var o floodOrders
	if err := json.Unmarshal([]byte(text), &o); err != nil {
		t.Fatal(err)
	}
	set := meter.NewSet()
	e, addr := start(t, edge.Options{HTTPS: []string{"127.0.0.1:0"}, Log: io.Discard, Meters: set, Conns: o.Conns, PerAddress: o.PerAddress,
		DrainTimeout: 10 * time.Second,
		Timeouts:     h1.Timeouts{Head: o.Patience, Body: o.Patience, Write: o.Patience}}, floodSpec(o.Origin))
	defer e.Drain()
	_, https := e.Addrs()
	out := json.NewEncoder(os.Stdout)
	for in := bufio.NewScanner(os.Stdin); in.Scan(); {
		runtime.GC()
		runtime.GC() // what lies in pools goes with the second
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		state := floodState{HTTP: addr, HTTPS: https[0].String(), Root: e.Root(), Open: set.Gauge("skerry_connections_open", "").Value(),
			Refused:     set.Counter("skerry_connections_refused_total", "", "reason", "per_address").Value(),
			Descriptors: openDescriptors(t), Live: int64(m.HeapAlloc + m.StackInuse)}
		status, _ := os.ReadFile("/proc/self/status")
		if _, after, ok := strings.Cut(string(status), "VmHWM:"); ok {
			state.Resident, _ = strconv.ParseInt(strings.Fields(after)[0], 10, 64)
			state.Resident <<= 10
		}
		if err := out.Encode(&state); err != nil {
			t.Fatal(err)
		}
	}
}

// flood is an edge in another process and what happens to it.
type flood struct {
	t     *testing.T
	stdin io.WriteCloser
	lines *bufio.Scanner
	first floodState
	roots *x509.CertPool
	again bool // clients repeat a request whose kept connection was closed (RFC 9110 section 9.2.2): it may be the longest idle

	sent, wrong, failed atomic.Int64
	mu                  sync.Mutex
	slowest             time.Duration
	whyFailed           string
}

// newFlood starts the edge.
func newFlood(t *testing.T, o floodOrders) *flood {
	text, err := json.Marshal(o)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(os.Args[0], "-test.run=^TestFloodEdge$", "-test.timeout=0")
	cmd.Env = append(os.Environ(), floodEnv+"="+string(text))
	cmd.Stderr = os.Stderr
	f := &flood{t: t}
	if f.stdin, err = cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		f.stdin.Close()
		_, _ = io.Copy(io.Discard, stdout)
		if err := cmd.Wait(); err != nil {
			t.Errorf("the edge ended with %v", err)
		}
	})
	f.lines = bufio.NewScanner(stdout)
	f.first = f.state()
	f.roots = x509.NewCertPool()
	f.roots.AppendCertsFromPEM(f.first.Root)
	return f
}

// state asks the edge.
func (f *flood) state() (s floodState) {
	f.t.Helper()
	if _, err := io.WriteString(f.stdin, "?\n"); err != nil {
		f.t.Fatal(err)
	}
	if !f.lines.Scan() {
		f.t.Fatal("the edge has ended")
	}
	if err := json.Unmarshal(f.lines.Bytes(), &s); err != nil {
		f.t.Fatalf("the edge says %q", f.lines.Text())
	}
	return s
}

// await waits until the edge says so.
func (f *flood) await(what string, ok func(floodState) bool) (s floodState) {
	f.t.Helper()
	for give := time.Now().Add(20 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		if s = f.state(); ok(s) {
			return s
		}
		if time.Now().After(give) {
			f.t.Fatalf("no %s: %d connections, %d descriptors are open", what, s.Open, s.Descriptors)
		}
	}
}

// large is the size of the answer to /large.
const large = 8 << 20

// floodOrigin answers with what the request asks for.
func floodOrigin(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/large" {
		w.Header().Set("Content-Length", strconv.Itoa(large))
		for piece := make([]byte, 64<<10); ; {
			if _, err := w.Write(piece); err != nil {
				return
			}
		}
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	id, _ := strconv.ParseUint(r.Header.Get("X-Number"), 10, 64)
	_, _ = w.Write(append(content(id, 3000), body...))
}

// honest makes requests until the end, in one of four ways, from an address of its own.
func (f *flood) honest(ctx context.Context, way int, r *rand.Rand) {
	tr := &http.Transport{DisableCompression: true, DisableKeepAlives: way == 1, ForceAttemptHTTP2: way == 2,
		TLSClientConfig: &tls.Config{RootCAs: f.roots, ServerName: "shop.test"}}
	defer tr.CloseIdleConnections()
	c := http.Client{Transport: tr, Timeout: 10 * time.Second}
	url := "http://" + f.first.HTTP
	if way >= 2 {
		url = "https://" + f.first.HTTPS
	}
	for n := 0; ctx.Err() == nil; n++ {
		id := r.Uint64()
		body := content(^id, n%2*500)
		req, err := http.NewRequest(http.MethodPut, fmt.Sprintf("%s/%d", url, id), bytes.NewReader(body))
		if err != nil {
			f.t.Error(err)
			return
		}
		req.Host = "shop.test"
		req.Header.Set("X-Number", strconv.FormatUint(id, 10))
		req.Header.Set("Content-Type", "application/octet-stream")
		if f.again {
			req.Header["Idempotency-Key"] = nil
		}
		began := time.Now()
		f.sent.Add(1)
		resp, err := c.Do(req)
		var got []byte
		if err == nil {
			got, err = io.ReadAll(resp.Body)
			resp.Body.Close()
		}
		f.count(time.Since(began), resp, err, bytes.Equal(got, append(content(id, 3000), body...)))
		if way == 3 && n%8 == 7 {
			tr.CloseIdleConnections() // a new handshake, now and then
		}
		time.Sleep(time.Duration(r.IntN(4)) * time.Millisecond)
	}
}

func (f *flood) count(took time.Duration, resp *http.Response, err error, right bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.slowest = max(f.slowest, took)
	switch {
	case err != nil:
		f.failed.Add(1)
		f.whyFailed = err.Error()
	case resp.StatusCode != http.StatusOK:
		f.failed.Add(1)
		f.whyFailed = resp.Status
	case !right:
		f.wrong.Add(1)
	}
}

// attack is one way to hold a connection. do returns when the edge has closed it.
type attack struct {
	name   string
	share  int // of the connections that there may be: one in so many
	tls    bool
	cuts   bool  // the edge is to end it, within twice its patience
	memory int64 // bytes that one may cost the edge: while it shakes hands, where it does, and with the race detector's share
	do     func(f *flood, c net.Conn)
}

var attacks = []attack{
	{"no byte", 1, false, false, 20 << 10, func(_ *flood, c net.Conn) { swallow(c) }},
	{"half a head", 1, false, true, 64 << 10, func(_ *flood, c net.Conn) {
		say(c, "GET / HTTP/1.1\r\nHost: shop.te")
		swallow(c)
	}},
	{"a head by bytes", 2, false, true, 64 << 10, func(_ *flood, c net.Conn) { drip(c, strings.Repeat("GET / HTTP/1.1\r\nHost: shop.test\r\nX: ", 500)) }},
	{"a body by bytes", 2, false, true, 144 << 10, func(_ *flood, c net.Conn) {
		say(c, "POST / HTTP/1.1\r\nHost: shop.test\r\nContent-Type: application/octet-stream\r\nContent-Length: 100000\r\n\r\n")
		drip(c, strings.Repeat("x", 100_000))
	}},
	{"a form by bytes", 2, false, true, 128 << 10, func(_ *flood, c net.Conn) { // which the firewall holds
		say(c, "POST / HTTP/1.1\r\nHost: shop.test\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 100000\r\n\r\n")
		drip(c, strings.Repeat("x", 100_000))
	}},
	{"a reader by bytes", 20, false, true, 120 << 10, func(_ *flood, c net.Conn) {
		say(c, "GET /large HTTP/1.1\r\nHost: shop.test\r\n\r\n")
		sip(c)
	}},
	{"half a handshake", 2, true, false, 30 << 10, func(_ *flood, c net.Conn) {
		say(c, "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03")
		swallow(c)
	}},
	{"h2 that does nothing", 4, true, false, 160 << 10, func(f *flood, c net.Conn) { f.h2(c); swallow(c) }},
	{"idle h2", 4, true, false, 160 << 10, func(f *flood, c net.Conn) { f.h2(c, "/here"); swallow(c) }},
	{"h2 that never reads", 40, true, false, 512 << 10, func(f *flood, c net.Conn) {
		f.h2(c, "/large", "/large", "/large", "/large")
		for !broken(c) {
			time.Sleep(50 * time.Millisecond)
		}
	}},
}

func say(c net.Conn, text string) { _, _ = io.WriteString(c, text) }

func swallow(c net.Conn) { _, _ = io.Copy(io.Discard, c) }

// drip says a text byte by byte, as fast as is too slow.
func drip(c net.Conn, text string) {
	over := make(chan struct{})
	go func() {
		defer close(over)
		swallow(c)
		c.Close()
	}()
	for i := range len(text) {
		if _, err := c.Write([]byte{text[i]}); err != nil {
			break
		}
		time.Sleep(50 * time.Millisecond)
	}
	<-over
}

// sip reads an answer byte by byte, until the connection is reset: what it has of the answer by then lasts for minutes.
func sip(c net.Conn) {
	b := make([]byte, 1)
	for !broken(c) {
		if _, err := c.Read(b); err != nil {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// broken reports whether the other side has reset a connection, or this side has closed it.
func broken(c net.Conn) bool {
	raw, err := c.(syscall.Conn).SyscallConn()
	pending := 0
	if err == nil {
		err = raw.Control(func(fd uintptr) { pending, err = syscall.GetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_ERROR) })
	}
	return err != nil || pending != 0
}

// h2 shakes hands and opens streams.
func (f *flood) h2(c net.Conn, paths ...string) {
	t := tls.Client(c, &tls.Config{RootCAs: f.roots, ServerName: "shop.test", NextProtos: []string{"h2"}})
	if t.Handshake() != nil {
		return
	}
	say(t, http2.ClientPreface)
	fr := http2.NewFramer(t, t)
	_ = fr.WriteSettings()
	var block bytes.Buffer
	enc := hpack.NewEncoder(&block)
	for i, path := range paths {
		block.Reset()
		for _, h := range [][2]string{{":method", "GET"}, {":scheme", "https"}, {":authority", "shop.test"}, {":path", path}} {
			_ = enc.WriteField(hpack.HeaderField{Name: h[0], Value: h[1]})
		}
		_ = fr.WriteHeaders(http2.HeadersFrameParam{StreamID: uint32(2*i + 1), BlockFragment: block.Bytes(), EndStream: true, EndHeaders: true})
	}
}

// wave is a number of attackers of one kind, each of which begins again when it was cut off.
type wave struct {
	f       *flood
	a       attack
	ctx     context.Context
	pause   time.Duration // before an attacker begins again
	wg      sync.WaitGroup
	holding atomic.Int64
	cut     atomic.Int64
}

// attacker attacks from one address until the end.
func (w *wave) attacker(i int) {
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, byte(2+i%8))}, Timeout: 10 * time.Second, Control: smallBuffer}
	addr := w.f.first.HTTP
	if w.a.tls {
		addr = w.f.first.HTTPS
	}
	for w.ctx.Err() == nil {
		c, err := d.DialContext(w.ctx, "tcp", addr)
		if err == nil {
			stop := context.AfterFunc(w.ctx, func() { c.Close() })
			w.holding.Add(1)
			w.a.do(w.f, c)
			w.holding.Add(-1)
			stop()
			c.Close()
			if w.ctx.Err() == nil {
				w.cut.Add(1)
			}
		}
		select {
		case <-w.ctx.Done():
		case <-time.After(w.pause):
		}
	}
}

// smallBuffer keeps the kernel from reading for a client that does not.
func smallBuffer(_, _ string, c syscall.RawConn) error {
	return c.Control(func(fd uintptr) { _ = syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_RCVBUF, 4096) })
}

// besideFlood is how much memory may come and go beside a flood, in bytes: answers of honest clients, what the collector has not taken yet.
// Of a flood of few connections that is more than a little for each.
const besideFlood = 2 << 20

// run is one attack by so many for so long.
func (f *flood) run(a attack, most int, hold time.Duration) {
	n := max(most/a.share, 8)
	before := f.state()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	w := &wave{f: f, a: a, ctx: ctx, pause: 50 * time.Millisecond}
	began := time.Now()
	for i := range n {
		w.wg.Go(func() { w.attacker(i) })
	}
	extra := 0
	if a.share == 1 { // one address wants more than it may have
		for extra = most / 8; extra > 0 && extra > most/8-10; extra-- {
			w.wg.Go(func() { w.attacker(0) })
		}
	}
	during := f.await("flood", func(s floodState) bool {
		return s.Descriptors-before.Descriptors >= n*9/10 || w.cut.Load() > int64(n)/2 && s.Descriptors-before.Descriptors > n/2
	})
	if a.share == 1 {
		f.await("address that is refused", func(s floodState) bool { return s.Refused > before.Refused })
	}
	for give := began.Add(hold); time.Now().Before(give); time.Sleep(hold / 5) {
		s := f.state()
		during.Live, during.Descriptors = max(during.Live, s.Live), max(during.Descriptors, s.Descriptors)
	}
	each := (during.Live - before.Live) / int64(n)
	// An edge that has no processor looks at the clock late. Without its patience it would bear a head for 10 s.
	for give := began.Add(8 * time.Second); a.cuts && w.cut.Load() == 0 && time.Now().Before(give); time.Sleep(10 * time.Millisecond) {
	}
	cut := w.cut.Load()
	cancel()
	w.wg.Wait()
	after := f.await("end of the flood", func(s floodState) bool { return s.Open <= floodClients && s.Descriptors <= before.Descriptors+64 })
	f.t.Logf("%-22s %6d connections: %6d bytes each, %d descriptors; %d ended by the edge, %d refused by address; then %d connections, %d descriptors",
		a.name, n, each, during.Descriptors, cut, after.Refused-before.Refused, after.Open, after.Descriptors)
	if most := a.memory*memoryFactor + besideFlood/int64(n); each > most {
		f.t.Errorf("%s: a connection costs %d bytes, at most %d are right", a.name, each, most)
	}
	if a.cuts && cut == 0 {
		f.t.Errorf("%s: the edge bears it", a.name)
	}
}

// floodClients is how many connections the honest clients have at most.
const floodClients = 4

// TestSoakFlood: whatever attackers do with as many connections as they can get, honest clients beside them are served,
// memory is bounded for each connection, and everything is let go afterwards.
func TestSoakFlood(t *testing.T) {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	most, patience := 560, 300*time.Millisecond
	length, seed := soakLength(t, 5*time.Second, time.Minute)
	if length >= time.Minute {
		most, patience = 20_000, 2*time.Second
	}
	most = int(min(uint64(most), limit.Cur/2)) // an exchange needs two in the edge, and the origin's end is here
	t.Logf("up to %d connections at once; the limit on descriptors is %d", most, limit.Cur)
	f := newFlood(t, floodOrders{Origin: origin(t, floodOrigin), Conns: most + 1000, PerAddress: most / 8, Patience: patience})
	f.await("start", func(floodState) bool { return true })
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	for way := range floodClients {
		wg.Go(func() { f.honest(ctx, way, rand.New(rand.NewPCG(seed, uint64(way)))) })
	}
	for _, a := range attacks {
		hold := length / time.Duration(len(attacks))
		if a.cuts {
			hold = max(hold, 4*patience)
		}
		f.run(a, most, hold)
	}
	cancel()
	wg.Wait()
	end := f.await("end", func(s floodState) bool { return s.Open == 0 })
	t.Logf("beside it %d honest requests: %d failed, %d wrong, the slowest took %v; the edge had at most %d MB", f.sent.Load(), f.failed.Load(),
		f.wrong.Load(), f.slowest, end.Resident>>20)
	if f.wrong.Load() > 0 || f.failed.Load()*200 > f.sent.Load() || f.sent.Load() < 100 {
		t.Errorf("honest clients were hurt; the last of them: %s", f.whyFailed)
	}
	if bound := int64(384<<20+most*(40<<10)) * memoryFactor; end.Resident > bound {
		t.Errorf("the edge had %d bytes of memory, at most %d are right", end.Resident, bound)
	}
}

// TestFloodAtLimit: where connections that only wait hold every place and come back as soon as they lose it, a new client
// still gets one.
func TestFloodAtLimit(t *testing.T) {
	for _, a := range attacks {
		if !slices.Contains([]string{"no byte", "half a head", "a head by bytes", "half a handshake", "h2 that does nothing", "idle h2"}, a.name) {
			continue
		}
		t.Run(strings.ReplaceAll(a.name, " ", "-"), func(t *testing.T) {
			for again := 2; ; again-- {
				f := floodAtLimit(t, a)
				// In a second there are some 400 requests: with the race detector one or two of them can lose the race for a place.
				failed := f.failed.Load() > max(2, f.sent.Load()/200)
				if failed && f.wrong.Load() == 0 && f.sent.Load() < 100 && again > 0 {
					t.Log("made again: the machine had no time for the honest")
					continue
				}
				if failed || f.wrong.Load() > 0 || f.sent.Load() < 20 {
					t.Errorf("of %d honest requests %d failed and %d were wrong; the last: %s", f.sent.Load(), f.failed.Load(), f.wrong.Load(), f.whyFailed)
				}
				return
			}
		})
	}
}

// floodAtLimit is one attack on all places of an edge, with honest clients beside it.
func floodAtLimit(t *testing.T, a attack) *flood {
	const conns = 64
	set := meter.NewSet()
	e, addr := start(t, edge.Options{HTTPS: []string{"127.0.0.1:0"}, Meters: set, Conns: conns, DrainTimeout: 10 * time.Second},
		floodSpec(origin(t, floodOrigin)))
	defer e.Drain()
	_, https := e.Addrs()
	f := &flood{t: t, again: true, first: floodState{HTTP: addr, HTTPS: https[0].String()}, roots: x509.NewCertPool()}
	f.roots.AppendCertsFromPEM(e.Root())
	ctx, cancel := context.WithCancel(context.Background())
	// Half of the attackers have a place and half want one: a place lasts as long as they pause. In that time an honest client must have
	// said what it wants; were it shorter, the test would be about the processor.
	w := &wave{f: f, a: a, ctx: ctx, pause: 500 * time.Millisecond}
	defer w.wg.Wait()
	defer cancel()
	for i := range 2 * conns { // of an address no more than it may have: sixteen, a quarter
		w.wg.Go(func() { w.attacker(i) })
	}
	waited := set.Counter("skerry_connections_waited_total", "")
	for give := time.Now().Add(10 * time.Second); waited.Value() < conns; time.Sleep(time.Millisecond) {
		if time.Now().After(give) {
			t.Fatal("the places are never all taken")
		}
	}
	// On a busy machine the attackers' handshakes leave little of the processor: it is the number of requests that counts.
	done, stop := context.WithTimeout(ctx, 20*time.Second)
	defer stop()
	var wg sync.WaitGroup
	wg.Go(func() {
		defer stop()
		for began := time.Now(); done.Err() == nil && (time.Since(began) < time.Second || f.sent.Load() < 20); time.Sleep(time.Millisecond) {
		}
	})
	for way := range floodClients {
		wg.Go(func() { f.honest(done, way, rand.New(rand.NewPCG(1, uint64(way)))) })
	}
	wg.Wait()
	t.Logf("%d honest requests, %d failed, the slowest took %v; %d connections waited for a place, %d handshakes were shed", f.sent.Load(),
		f.failed.Load(), f.slowest, waited.Value(), set.Counter("skerry_handshakes_shed_total", "").Value())
	return f
}
