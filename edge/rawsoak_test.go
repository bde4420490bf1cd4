package edge_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"skerry.dev/skerry/edge"
	"skerry.dev/skerry/wire/h1"
	"skerry.dev/skerry/wire/transport"
)

const (
	// roughPatience is every deadline of the edge in this soak; long enough for a machine that does other things too.
	roughPatience = 4 * time.Second
	// roughHang is when something that should have ended by then hangs: several of these deadlines can follow each other.
	roughHang = 8 * roughPatience
)

// line is a network that loses no byte and keeps nothing together: it relays TCP connections in pieces of any size, late,
// and, where it is rough, ends them by FIN in one direction, by RST, or not at all.
type line struct {
	t     *testing.T
	stop  context.Context // over: nothing is silent any more
	stall time.Duration   // of a link that falls silent, before it takes what the edge still says
	wg    sync.WaitGroup

	mu sync.Mutex
	r  *rand.Rand
	in []net.Listener

	fins, resets, stalls atomic.Int64
}

// The ways a link can end.
const (
	fateCalm = iota
	fateFIN
	fateRST
	fateStall
)

// link is one relayed connection.
type link struct {
	line  *line
	near  *net.TCPConn // towards who dialled
	far   *net.TCPConn // towards who accepted
	whole bool         // a reset from far does not overtake what the line has taken from there before, which no wire would hold
	fate  int
	toFar bool         // the direction that meets the fate
	left  int          // bytes of it that pass before; not for fateCalm
	grain int          // the most bytes that go in one piece
	hurt  atomic.Bool  // the fate has come
	sides atomic.Int32 // directions that are not over
}

// join relays between two connections until both directions are over.
func (n *line) join(near, far net.Conn, rough, whole bool) *link {
	n.mu.Lock()
	defer n.mu.Unlock()
	l := &link{line: n, near: near.(*net.TCPConn), far: far.(*net.TCPConn), whole: whole, toFar: n.r.IntN(2) == 0,
		grain: []int{7, 300, 5000, 1 << 16, 1 << 16}[n.r.IntN(5)], left: n.r.IntN([]int{300, 5000, 300_000}[n.r.IntN(3)])}
	if rough {
		l.fate = []int{fateFIN, fateFIN, fateRST, fateRST, fateRST, fateCalm, fateCalm, fateStall}[n.r.IntN(8)]
	}
	l.sides.Store(2)
	up, down := rand.New(rand.NewPCG(n.r.Uint64(), 1)), rand.New(rand.NewPCG(n.r.Uint64(), 2))
	n.wg.Go(func() { l.pump(l.far, l.near, l.fate != fateCalm && l.toFar, up) })
	n.wg.Go(func() { l.pump(l.near, l.far, l.fate != fateCalm && !l.toFar, down) })
	return l
}

// pump moves one direction.
func (l *link) pump(to, from *net.TCPConn, fated bool, r *rand.Rand) {
	defer l.over()
	b := make([]byte, 1<<16)
	for {
		n, err := from.Read(b[:1+r.IntN(len(b))])
		for in := b[:n]; len(in) > 0; {
			piece := min(1+r.IntN(l.grain), len(in))
			if l.grain < 1000 && r.IntN(4) > 0 { // small pieces at the beginning of a read only, or nothing would get through
				piece = len(in)
			}
			if fated {
				if piece = min(piece, l.left); piece == 0 {
					l.meet(to, from)
					return
				}
				l.left -= piece
			}
			if _, err := to.Write(in[:piece]); err != nil {
				// What to said before it went is still to be delivered: the other direction ends by itself.
				_, _ = io.Copy(io.Discard, from)
				return
			}
			in = in[piece:]
			if r.IntN(16) == 0 {
				time.Sleep(time.Duration(r.IntN(2000)) * time.Microsecond)
			}
		}
		switch {
		case err == io.EOF, err != nil && l.whole && to == l.near:
			_ = to.CloseWrite()
			return
		case err != nil:
			l.reset()
			return
		}
	}
}

// meet does to one direction what is its fate.
func (l *link) meet(to, from *net.TCPConn) {
	l.hurt.Store(true)
	switch l.fate {
	case fateFIN:
		l.line.fins.Add(1)
		_ = to.CloseWrite()
		_, _ = io.Copy(io.Discard, from)
	case fateRST:
		l.line.resets.Add(1)
		l.reset()
	case fateStall:
		l.line.stalls.Add(1)
		defer context.AfterFunc(l.line.stop, l.reset)()
		select {
		case <-time.After(l.line.stall):
		case <-l.line.stop.Done():
		}
		// Nothing more is said in this direction. Whoever waits for it must give up.
		_ = from.SetReadDeadline(time.Now().Add(roughHang))
		if _, err := io.Copy(io.Discard, from); errors.Is(err, os.ErrDeadlineExceeded) {
			l.line.t.Errorf("%v after the line fell silent, %v still waits", l.line.stall+roughHang, to.RemoteAddr())
		}
		l.reset()
	}
}

func (l *link) reset() {
	_, _ = l.near.SetLinger(0), l.far.SetLinger(0)
	l.near.Close()
	l.far.Close()
}

func (l *link) over() {
	if l.sides.Add(-1) > 0 {
		return
	}
	l.near.Close()
	l.far.Close()
}

// close takes no more connections, and waits for the end of those that there are.
func (n *line) close() {
	for _, l := range n.in {
		l.Close()
	}
	n.wg.Wait()
}

// through returns an address that leads to another over the line.
func (n *line) through(to string, rough bool) (addr string) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		n.t.Fatal(err)
	}
	n.in = append(n.in, l)
	n.wg.Go(func() {
		for {
			near, err := l.Accept()
			if err != nil {
				return
			}
			far, err := net.Dial("tcp", to)
			if err != nil {
				near.Close()
				continue
			}
			n.join(near, far, rough && n.chance(2), false)
		}
	})
	return l.Addr().String()
}

// chance is true once in so many times.
func (n *line) chance(of int) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.r.IntN(of) == 0
}

// dial returns a connection to an address over the line, and its link.
func (n *line) dial(addr string, rough bool) (net.Conn, *link, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, nil, err
	}
	defer l.Close()
	mine, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		return nil, nil, err
	}
	near, err := l.Accept()
	if err != nil {
		mine.Close()
		return nil, nil, err
	}
	far, err := net.Dial("tcp", addr)
	if err != nil {
		mine.Close()
		near.Close()
		return nil, nil, err
	}
	return mine, n.join(near, far, rough, true), nil
}

// roughSoak is a campaign over a line.
type roughSoak struct {
	soak // the origin
	line *line
	https,
	http string
	roots *x509.CertPool

	whole, refused, broken atomic.Int64
	statuses               sync.Map // of the edge's own answers: status to *atomic.Int64
}

// ServeHTTP is the origin. It never answers a request whose end has not come: net/http would, for a handler that returns.
func (s *roughSoak) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("X-Do") != doEarly {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			panic(http.ErrAbortHandler)
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
	}
	s.soak.ServeHTTP(w, r)
}

// order is one request and what its answer must be.
type order struct {
	id         uint64
	service    string
	method, do string
	want       int
	rough      bool   // its origin stands behind a rough line
	closes     bool   // its answer may come before all of it is read, and the connection end then
	bytes      []byte // as it is sent
}

// newOrder invents one.
func newOrder(r *rand.Rand) order {
	services := []string{"/calm", "/calm-tls", "/rough", "/rough-tls"}
	i := r.IntN(len(services))
	o := order{id: r.Uint64(), service: services[i], do: deeds[r.IntN(len(deeds))], want: bulk(r), rough: i >= 2}
	o.method = []string{"GET", "PUT", "POST", "DELETE", "HEAD"}[r.IntN(5)]
	if o.method == "HEAD" && o.do == doCut {
		o.do = doAnswer
	}
	var body []byte
	if o.method == "PUT" || o.method == "POST" {
		body = content(^o.id, bulk(r))
	}
	o.closes = len(body) > 0 && (o.rough || o.do == doEarly)
	o.bytes = frame(r, fmt.Sprintf("%s %s/%d HTTP/1.1\r\nHost: shop.test\r\nX-Number: %d\r\nX-Want: %d\r\nX-Do: %s\r\nX-Sum: %s\r\nContent-Type: application/octet-stream\r\n",
		o.method, services[i], o.id, o.id, o.want, o.do, sum(body)), body)
	return o
}

// bulk is a size, now and then one that is moved inside the kernel for long.
func bulk(r *rand.Rand) int {
	if r.IntN(16) == 0 {
		return r.IntN(1_500_000)
	}
	return sizes(r)
}

// client sends pipelined batches on one connection after the other.
func (s *roughSoak) client(r *rand.Rand) {
	for s.stop.Err() == nil {
		rough, secure := r.IntN(2) == 0, r.IntN(2) == 0
		addr := s.http
		if secure {
			addr = s.https
		}
		conn, l, err := s.line.dial(addr, rough)
		if err != nil {
			s.blame("client: cannot connect: %v", err)
			return
		}
		raw := conn
		if secure {
			conn = tls.Client(conn, &tls.Config{ServerName: "shop.test", RootCAs: s.roots, NextProtos: []string{"http/1.1"}})
		}
		in := bufio.NewReader(conn)
		for p := (pipeline{conn, in, l, l.fate == fateCalm}); s.stop.Err() == nil && s.batch(&p, r); {
		}
		if r.IntN(2) == 0 {
			conn.Close()
		}
		raw.Close()
	}
}

// pipeline is a client's connection.
type pipeline struct {
	conn net.Conn
	in   *bufio.Reader
	link *link
	sure bool // nothing but what an origin is told to do can go wrong
}

// batch sends some requests at once and takes their answers in order. False: the connection is of no more use.
func (s *roughSoak) batch(p *pipeline, r *rand.Rand) (keep bool) {
	orders := make([]order, 1+r.IntN(4))
	var message []byte
	for i := range orders {
		orders[i] = newOrder(r)
		message = append(message, orders[i].bytes...)
	}
	_ = p.conn.SetDeadline(time.Now().Add(roughHang))
	sent := make(chan struct{})
	go func() {
		defer close(sent)
		_, _ = p.conn.Write(message) // fails with the connection, which the reader sees too
	}()
	defer func() {
		if !keep {
			p.conn.Close()
		}
		<-sent
	}()
	for _, o := range orders {
		s.requests.Add(1)
		p.sure = p.sure && !o.closes
		if !s.take(p, o) {
			return false
		}
	}
	return true
}

// take reads one answer. False: none comes after it.
func (s *roughSoak) take(p *pipeline, o order) bool {
	resp, err := http.ReadResponse(p.in, &http.Request{Method: o.method})
	var body []byte
	if err == nil {
		body, err = io.ReadAll(resp.Body)
		resp.Body.Close()
	}
	name := fmt.Sprintf("client: %s by way of %s, told to %s, %d bytes", o.method, o.service, o.do, o.want)
	sure := p.sure && !o.rough
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		s.blame("%s: hangs for %v", name, roughHang)
		return false
	case err != nil:
		s.broken.Add(1)
		if sure && o.do != doCut {
			s.blame("%s: lost on a calm line: %v", name, err)
		}
		return false
	case resp.StatusCode != http.StatusOK:
		s.refuse(resp, p.link, o, sure, name)
		return !resp.Close
	case resp.Header.Get("X-Number") != strconv.FormatUint(o.id, 10):
		s.blame("%s: got the answer of another request: %v", name, resp.Header)
	case o.method != http.MethodHead && resp.ContentLength < 0 && len(resp.TransferEncoding) == 0:
		s.blame("%s: an answer that ends with its connection", name)
	case o.do == doCut || sure && (o.do == doVanish || o.do == doGarbage):
		s.blame("%s: got a whole answer of %d bytes", name, len(body))
	case o.method != http.MethodHead && !bytes.Equal(body, content(o.id, o.want)):
		s.blame("%s: got other %d bytes", name, len(body))
	default:
		s.whole.Add(1)
	}
	return !resp.Close
}

// refuse looks at an answer of the edge's own.
func (s *roughSoak) refuse(resp *http.Response, l *link, o order, sure bool, name string) {
	s.refused.Add(1)
	n, _ := s.statuses.LoadOrStore(resp.StatusCode, new(atomic.Int64))
	n.(*atomic.Int64).Add(1)
	may := []int{502, 503, 504}
	if l.hurt.Load() {
		may = append(may, 400, 408, 499) // the end of the request never came
	}
	if o.rough {
		may = append(may, 400) // net/http's, to a head that was cut
	}
	if !slices.Contains(may, resp.StatusCode) || sure && (o.do == doAnswer || o.do == doStream || o.do == doClose) {
		s.blame("%s: got %d, %v", name, resp.StatusCode, resp.Header)
	}
}

func roughSpec(calm, calmTLS, rough, roughTLS string) string {
	text := `apiVersion: skerry.dev/v1
kind: Entrypoint
metadata: {name: shop, owner: team-shop}
spec:
  hosts: [shop.test]
  limit: off
  redirect: off
  bodyMax: off
  waf: {allow: {methods: [GET, HEAD, PUT, POST, DELETE]}}
  routes:
    - {name: calm-tls, match: {prefix: /calm-tls}, service: calm-tls}
    - {name: calm, match: {prefix: /calm}, service: calm}
    - {name: rough-tls, match: {prefix: /rough-tls}, service: rough-tls}
    - {name: rough, match: {prefix: /rough}, service: rough}
`
	for _, s := range [][2]string{{"calm", "http://" + calm}, {"calm-tls", "https://" + calmTLS}, {"rough", "http://" + rough}, {"rough-tls", "https://" + roughTLS}} {
		text += fmt.Sprintf("---\napiVersion: skerry.dev/v1\nkind: Service\nmetadata: {name: %s, owner: o}\nspec:\n  endpoints: [\"%s\"]\n"+
			"  timeouts: {connect: %v, firstByte: %v, idle: %v}\n", s[0], s[1], roughPatience, roughPatience, roughPatience)
	}
	return text
}

// quiet is a server that does not log what a line does to it.
func quiet(h http.Handler) *httptest.Server {
	s := httptest.NewUnstartedServer(h)
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	return s
}

// trustTestServers makes the certificate of httptest's servers a trusted root of this process. The roots are read once, so
// no test before it may have verified a certificate of an origin.
func trustTestServers(t *testing.T, s *httptest.Server) {
	file := filepath.Join(t.TempDir(), "roots.pem")
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("SSL_CERT_FILE", file)
	if _, err := x509.SystemCertPool(); err != nil {
		t.Fatal(err)
	}
}

// soakLength is how long a soak takes, and its seed: SKERRY_SOAK=1 means the whole, or SKERRY_SOAK_TIME.
func soakLength(t *testing.T, slice, whole time.Duration) (length time.Duration, seed uint64) {
	length, seed = slice, uint64(time.Now().UnixNano())
	if os.Getenv("SKERRY_SOAK") == "1" {
		length = whole
		if d, err := time.ParseDuration(os.Getenv("SKERRY_SOAK_TIME")); err == nil {
			length = d
		}
	}
	if n, err := strconv.ParseUint(os.Getenv("SKERRY_SOAK_SEED"), 10, 64); err == nil {
		seed = n
	}
	t.Logf("SKERRY_SOAK_SEED=%d, for %v", seed, length)
	return length, seed
}

// TestSoakTransport runs an edge between two bad networks, on raw system calls and on the standard library's. Whatever is
// cut, an answer that is whole is the right one, nothing hangs, and nothing is left.
func TestSoakTransport(t *testing.T) {
	length, seed := soakLength(t, 5*time.Second, 10*time.Minute)
	defer transport.UseRaw(true)
	for _, raw := range []bool{true, false} {
		t.Run(map[bool]string{true: "raw", false: "ordinary"}[raw], func(t *testing.T) {
			transport.UseRaw(true)
			before := openDescriptors(t)
			t.Run("campaign", func(t *testing.T) { roughCampaign(t, raw, length/2, seed) })
			awaitMost(t, "descriptors", before, func() int { return openDescriptors(t) })
		})
	}
}

func roughCampaign(t *testing.T, raw bool, length time.Duration, seed uint64) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	n := &line{t: t, stop: ctx, stall: 2*roughPatience + time.Second, r: rand.New(rand.NewPCG(seed, 0))}
	s := &roughSoak{soak: soak{t: t, stop: ctx}, line: n}
	plain, secure := quiet(s), quiet(s)
	plain.Start()
	secure.StartTLS()
	defer plain.Close()
	defer secure.Close()
	trustTestServers(t, secure)
	defer n.close() // the edge has drained then, or been cut
	text := roughSpec(n.through(plain.Listener.Addr().String(), false), n.through(secure.Listener.Addr().String(), false),
		n.through(plain.Listener.Addr().String(), true), n.through(secure.Listener.Addr().String(), true))
	e, addr := start(t, edge.Options{HTTPS: []string{"127.0.0.1:0"}, Log: io.Discard, DrainTimeout: roughHang, NoRaw: !raw,
		Conns: 1000, PerAddress: 1000,
		Timeouts: h1.Timeouts{Head: roughPatience, Idle: roughPatience, Body: roughPatience, Write: roughPatience}}, text)
	_, https := e.Addrs()
	s.http, s.https, s.roots = addr, https[0].String(), x509.NewCertPool()
	s.roots.AppendCertsFromPEM(e.Root())
	var wg sync.WaitGroup
	rough := func() bool { return s.whole.Load() > 0 && n.fins.Load() > 0 && n.resets.Load() > 0 }
	wg.Go(func() { lasts(length, cancel, rough) })
	for i := range 32 {
		wg.Go(func() { s.client(rand.New(rand.NewPCG(seed, uint64(i+1)))) })
	}
	wg.Wait()
	if cut := e.Drain(); cut > 0 {
		t.Errorf("%d connections had not ended %v after the last client", cut, roughHang)
	}
	own := map[any]int64{}
	s.statuses.Range(func(k, v any) bool { own[k] = v.(*atomic.Int64).Load(); return true })
	t.Logf("%d requests: %d whole answers, %d of the edge's own %v, %d broken off; %d FIN, %d RST, %d silences", s.requests.Load(), s.whole.Load(),
		s.refused.Load(), own, s.broken.Load(), n.fins.Load(), n.resets.Load(), n.stalls.Load())
	if !rough() {
		t.Error("the line was not what it should be")
	}
}

// openDescriptors is how many this process has.
func openDescriptors(t *testing.T) int {
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil && runtime.GOOS == "linux" {
		t.Fatal(err)
	}
	return len(entries)
}

// awaitMost waits until there is no more of something than there was. Pipes go with the garbage.
func awaitMost(t *testing.T, what string, most int, now func() int) {
	t.Helper()
	for give := time.Now().Add(10 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		runtime.GC()
		n := now()
		if n <= most {
			return
		}
		if time.Now().After(give) {
			t.Errorf("%d %s are left, there were %d", n, what, most)
			return
		}
	}
}
