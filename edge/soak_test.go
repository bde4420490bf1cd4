package edge_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"skerry.dev/skerry/edge"
	"skerry.dev/skerry/meter"
)

// What a request asks the origin to do with it.
const (
	doAnswer  = "answer"  // read the body, answer with a length
	doStream  = "stream"  // the same in chunks
	doClose   = "close"   // and close the connection after it
	doVanish  = "vanish"  // close before a byte of the response
	doCut     = "cut"     // close in the middle of the body
	doEarly   = "early"   // answer before reading the body
	doGarbage = "garbage" // answer with what is no HTTP
)

var deeds = []string{doAnswer, doAnswer, doAnswer, doStream, doClose, doVanish, doCut, doEarly, doGarbage}

// content is the body that belongs to a number: nobody else's bytes can pass for it.
func content(id uint64, size int) []byte {
	r := rand.New(rand.NewPCG(id, uint64(size)))
	b := make([]byte, size+8)
	for i := 0; i < size; i += 8 {
		binary.LittleEndian.PutUint64(b[i:], r.Uint64())
	}
	return b[:size]
}

func sum(b []byte) string {
	h := fnv.New64a()
	h.Write(b)
	return strconv.FormatUint(h.Sum64(), 16)
}

// soak is one campaign and what it saw.
type soak struct {
	t    *testing.T
	addr string
	stop context.Context

	requests, answered, failed, aborted atomic.Int64
	wrong                               atomic.Int64
}

func (s *soak) blame(format string, args ...any) {
	if s.wrong.Add(1) <= 5 {
		s.t.Errorf(format, args...)
	}
}

// ServeHTTP is the origin: it checks what it gets and does what it is told.
func (s *soak) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	id, _ := strconv.ParseUint(r.Header.Get("X-Number"), 10, 64)
	size, _ := strconv.Atoi(r.Header.Get("X-Want"))
	do := r.Header.Get("X-Do")
	if do != doEarly {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return // the client broke off; the edge must not have made a whole request of it
		}
		if sum(body) != r.Header.Get("X-Sum") {
			s.blame("origin: request %d came with another body of %d bytes", id, len(body))
		}
	}
	answer := content(id, size)
	w.Header().Set("X-Number", r.Header.Get("X-Number"))
	switch do {
	case doStream:
		for len(answer) > 0 {
			n := min(len(answer), 1+int(id%7000))
			_, _ = w.Write(answer[:n])
			_ = http.NewResponseController(w).Flush()
			answer = answer[n:]
		}
		return
	case doClose:
		w.Header().Set("Connection", "close")
	case doVanish, doGarbage, doCut:
		conn, _, err := w.(http.Hijacker).Hijack()
		if err != nil {
			return
		}
		if do == doGarbage {
			fmt.Fprintf(conn, "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\nabc")
		} else if do == doCut {
			fmt.Fprintf(conn, "HTTP/1.1 200 OK\r\nX-Number: %d\r\nContent-Length: %d\r\n\r\n%s", id, size+1, answer)
		}
		conn.Close()
		return
	}
	w.Header().Set("Content-Length", strconv.Itoa(size))
	_, _ = w.Write(answer)
}

// client sends requests of all kinds until the end, over as few connections as it can.
func (s *soak) client(r *rand.Rand) {
	var c *client
	for s.stop.Err() == nil {
		if c == nil {
			var err error
			if c, err = dial(s.addr); err != nil {
				s.blame("client: cannot connect: %v", err)
				return
			}
		}
		if !s.one(c, r) {
			c.conn.Close()
			c = nil
		}
	}
	if c != nil {
		c.conn.Close()
	}
}

// one sends one request and reports whether the connection can carry another.
func (s *soak) one(c *client, r *rand.Rand) (keep bool) {
	id, do, want := r.Uint64(), deeds[r.IntN(len(deeds))], sizes(r)
	method := []string{"GET", "PUT", "POST", "DELETE"}[r.IntN(4)]
	var body []byte
	kind := "application/octet-stream" // goes on as it comes
	if method == "PUT" || method == "POST" {
		body = content(^id, sizes(r))
		if r.IntN(2) == 0 { // the firewall holds it
			kind, body = "application/x-www-form-urlencoded", fmt.Appendf(nil, "a=%x", content(^id, r.IntN(20_000)))
		}
	}
	head := fmt.Sprintf("%s /soak/%d HTTP/1.1\r\nHost: shop.test\r\nX-Number: %d\r\nX-Want: %d\r\nX-Do: %s\r\nX-Sum: %s\r\nContent-Type: %s\r\n",
		method, id, id, want, do, sum(body), kind)
	message := frame(r, head, body)
	s.requests.Add(1)
	if r.IntN(50) == 0 { // a client that gives up
		_, _ = c.conn.Write(message[:r.IntN(len(message))])
		s.aborted.Add(1)
		return false
	}
	for len(message) > 0 {
		n := len(message)
		if r.IntN(4) == 0 {
			n = 1 + r.IntN(n)
		}
		if _, err := c.conn.Write(message[:n]); err != nil {
			break // an early answer may have come, and the connection closed after it
		}
		message = message[n:]
	}
	return s.answer(c, id, do, method, want)
}

// frame adds a body to a head, with a length or in chunks.
func frame(r *rand.Rand, head string, body []byte) []byte {
	if len(body) == 0 {
		return []byte(head + "Content-Length: 0\r\n\r\n")
	}
	if r.IntN(2) == 0 {
		return append([]byte(fmt.Sprintf("%sContent-Length: %d\r\n\r\n", head, len(body))), body...)
	}
	var b bytes.Buffer
	b.WriteString(head + "Transfer-Encoding: chunked\r\n\r\n")
	for len(body) > 0 {
		n := 1 + r.IntN(min(len(body), 9000))
		fmt.Fprintf(&b, "%x;a=b\r\n%s\r\n", n, body[:n])
		body = body[n:]
	}
	b.WriteString("0\r\n\r\n")
	return b.Bytes()
}

func sizes(r *rand.Rand) int {
	switch r.IntN(4) {
	case 0:
		return 0
	case 1:
		return r.IntN(2000)
	case 2:
		return r.IntN(40_000)
	}
	return r.IntN(200_000)
}

// answer reads one answer and checks that it is the one that belongs to the request.
func (s *soak) answer(c *client, id uint64, do, method string, want int) (keep bool) {
	_ = c.conn.SetReadDeadline(time.Now().Add(30 * time.Second))
	resp, err := http.ReadResponse(c.r, &http.Request{Method: method})
	if err != nil {
		if do != doEarly {
			s.blame("client: %s, told to %s, got no answer: %v", method, do, err)
		}
		s.failed.Add(1)
		return false
	}
	got, err := io.ReadAll(resp.Body)
	resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		s.failed.Add(1)
		if resp.StatusCode != http.StatusBadGateway {
			s.blame("client: %s, told to %s, got %d: %s", method, do, resp.StatusCode, got)
		}
		return err == nil && !resp.Close
	}
	if resp.Header.Get("X-Number") != strconv.FormatUint(id, 10) {
		s.blame("client: got the answer of another request: %v", resp.Header)
	}
	switch {
	case do == doCut:
		if err == nil {
			s.blame("client: a body that was cut off came as a whole one of %d bytes", len(got))
		}
		return false
	case err != nil:
		s.blame("client: %s, told to %s, lost its answer after %d of %d bytes: %v", method, do, len(got), want, err)
		return false
	case !bytes.Equal(got, content(id, want)):
		s.blame("client: %s, told to %s, got another body of %d bytes, want %d", method, do, len(got), want)
	}
	s.answered.Add(1)
	return !resp.Close
}

// reload changes the plan again and again: headers, and the order of the endpoints, which makes new pools.
func (s *soak) reload(e *edge.Edge, origins []string, r *rand.Rand) {
	for n := 0; s.stop.Err() == nil; n++ {
		a, b := origins[n%2], origins[(n+1)%2]
		if problems := e.Activate(parse(s.t, soakSpec(n, a, b))); len(problems) > 0 {
			s.blame("reload: %v", problems)
		}
		select {
		case <-s.stop.Done():
		case <-time.After(time.Duration(r.IntN(100)) * time.Millisecond):
		}
	}
}

func soakSpec(n int, a, b string) string {
	return fmt.Sprintf(released, "pair", n, n) + "  waf: {allow: {methods: [GET, PUT, POST, DELETE]}}\n---\napiVersion: skerry.dev/v1\nkind: Service\nmetadata: {name: pair, owner: o}\nspec:\n  endpoints: [" +
		a + ", " + b + "]\n"
}

// lasts ends a campaign that begins now after so long, but not before it has had what it is about: a machine that does much else may
// stand still for all of a short one.
func lasts(length time.Duration, end func(), had func() bool) {
	time.Sleep(length)
	for give := time.Now().Add(30 * time.Second); !had() && time.Now().Before(give); time.Sleep(10 * time.Millisecond) {
	}
	end()
}

// TestSoak lets clients, origins and reloads do everything to each other that is bad, for two seconds, or for as long
// as SKERRY_SOAK_TIME says with SKERRY_SOAK=1 (default ten minutes). Nothing may get lost that was not thrown away.
func TestSoak(t *testing.T) {
	length := 2 * time.Second
	if os.Getenv("SKERRY_SOAK") == "1" {
		length = 10 * time.Minute
		if d, err := time.ParseDuration(os.Getenv("SKERRY_SOAK_TIME")); err == nil {
			length = d
		}
	}
	seed := uint64(time.Now().UnixNano())
	if n, err := strconv.ParseUint(os.Getenv("SKERRY_SOAK_SEED"), 10, 64); err == nil {
		seed = n
	}
	t.Logf("SKERRY_SOAK_SEED=%d, for %v", seed, length)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	s := &soak{t: t, stop: ctx}
	origins := []string{origin(t, s.ServeHTTP), origin(t, s.ServeHTTP)}
	set := meter.NewSet()
	e, addr := start(t, edge.Options{Meters: set, Log: io.Discard, DrainTimeout: 10 * time.Second}, soakSpec(0, origins[0], origins[1]))
	s.addr = addr
	var wg sync.WaitGroup
	wg.Go(func() { lasts(length, cancel, func() bool { return s.answered.Load() > 0 }) })
	wg.Go(func() { s.reload(e, origins, rand.New(rand.NewPCG(seed, 0))) })
	for i := range 16 {
		wg.Go(func() { s.client(rand.New(rand.NewPCG(seed, uint64(i+1)))) })
	}
	wg.Wait()
	e.Hurry()
	e.Drain()
	t.Logf("%d requests: %d answered, %d failed as they had to, %d given up by the client; %d plans", s.requests.Load(), s.answered.Load(),
		s.failed.Load(), s.aborted.Load(), set.Counter("skerry_plan_activations_total", "").Value())
	if s.answered.Load() == 0 {
		t.Error("nothing was answered")
	}
}
