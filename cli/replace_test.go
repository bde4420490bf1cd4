package cli_test

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/coder/websocket"
	"golang.org/x/net/http2"
)

// TestSoakReplace: no request fails, with a body or without, and none has to be sent again but where GOAWAY says so, while the process
// is replaced again and again under load, over HTTP/1.1 and HTTP/2, plain and with TLS. A connection of HTTP/1.1 lives until its process
// is replaced, and ends without a reset. SKERRY_SOAK=1: 50 times instead of 5.
func TestSoakReplace(t *testing.T) {
	times, rate := 5, 2000
	soak := os.Getenv("SKERRY_SOAK") != ""
	if soak {
		times = 50
	}
	if raceEnabled {
		rate = 400
	}
	r := newRow(t)
	r.start("", nil, "--http", "127.0.0.1:0", "--https", "127.0.0.1:0", "--h2c", "127.0.0.1:0", "--upgrade-trial", "200ms")
	r.addrs["h2c"] = r.await(`h2c on ([0-9.:]+)`)[0]
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	l := load{ctx: ctx, every: time.Duration(16*int64(time.Second)) / time.Duration(rate)}
	ways := r.ways()
	for _, w := range ways {
		for range 4 {
			l.clients.Go(func() { w.loads(&l) })
		}
	}
	began := time.Now()
	for i := range times {
		old := r.replace()
		if i == 0 && old == r.newest {
			t.Error("the process replaced itself")
		}
		for enough := l.sent.Load() + int64(rate/4); l.sent.Load() < enough; { // the new one has its share
			time.Sleep(5 * time.Millisecond)
		}
	}
	took := time.Since(began)
	stop()
	l.clients.Wait()
	l.faults.check(t)
	if most := int64(8 * (times + 1)); l.dials.Load() > most {
		t.Errorf("8 clients of HTTP/1.1 made %d connections, want at most %d: one for each process", l.dials.Load(), most)
	}
	got := float64(l.sent.Load()) / took.Seconds()
	t.Logf("%d replacements in %v; %d requests, %.0f a second, over %d connections of HTTP/1.1", times, took, l.sent.Load(), got, l.dials.Load())
	if soak && !raceEnabled && got < float64(rate)*0.95 {
		t.Errorf("%.0f requests a second, want %d: nothing is proved by less", got, rate)
	}
	r.signal(syscall.SIGTERM)
	r.await(`stopped: `)
}

// load is clients that send requests at a pace.
type load struct {
	ctx     context.Context
	every   time.Duration
	clients sync.WaitGroup
	sent    atomic.Int64
	dials   atomic.Int64 // of clients of HTTP/1.1
	faults  faults
}

// pace calls send until the end, and notes its errors. Every third request has a body.
func (l *load) pace(send func(path string, body []byte) error) {
	tick := time.NewTicker(l.every)
	defer tick.Stop()
	for l.ctx.Err() == nil {
		n := l.sent.Add(1)
		var body []byte
		if n%3 == 0 {
			body = large()[n%1000 : n%1000+n*37%40_000+1]
		}
		if err := send("/"+strconv.FormatInt(n, 10), body); err != nil {
			l.faults.add(err)
		}
		select {
		case <-tick.C:
		case <-l.ctx.Done():
		}
	}
}

// request is what a client sends, which has a body or not.
func request(base, path string, body []byte) (*http.Request, error) {
	method, in := "GET", io.Reader(nil)
	if body != nil {
		method, in = "POST", bytes.NewReader(body)
	}
	req, err := http.NewRequest(method, base+path, in)
	if err == nil {
		req.Host = "shop.test"
		req.Header.Set("Content-Type", "application/octet-stream")
	}
	return req, err
}

// rightAnswer reads the answer to a request.
func rightAnswer(resp *http.Response, path string, body []byte) error {
	want := "answer to " + path
	if body != nil {
		want += fmt.Sprintf(": %x", sha256.Sum256(body))
	}
	b, err := io.ReadAll(resp.Body)
	if err == nil && (resp.StatusCode != 200 || string(b) != want) {
		err = fmt.Errorf("%s: %.200s", resp.Status, b)
	}
	return err
}

// way is how clients come to a row.
type way struct {
	name  string
	dial  func() (net.Conn, error) // of HTTP/1.1
	base  string                   // of HTTP/2
	http2 http.RoundTripper        // nil: it is HTTP/1.1
}

// ways are all of them.
func (r *row) ways() []way {
	r.t.Helper()
	secure := r.trusting()
	h2 := secure.Clone()
	h2.NextProtos = []string{"h2"}
	over2 := &http2.Transport{TLSClientConfig: h2}
	overC := &http2.Transport{AllowHTTP: true, DialTLSContext: func(ctx context.Context, network, addr string, _ *tls.Config) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, addr)
	}}
	r.t.Cleanup(over2.CloseIdleConnections)
	r.t.Cleanup(overC.CloseIdleConnections)
	return []way{
		{name: "http", dial: func() (net.Conn, error) { return net.Dial("tcp", r.addrs["http"]) }},
		{name: "https", dial: func() (net.Conn, error) { return tls.Dial("tcp", r.addrs["https"], secure) }},
		{name: "h2", base: "https://" + r.addrs["https"], http2: over2},
		{name: "h2c", base: "http://" + r.addrs["h2c"], http2: overC},
	}
}

// loads is a client of a load.
func (w *way) loads(l *load) {
	if w.http2 == nil {
		l.one(w.dial)
	} else {
		l.two(w.http2, w.base)
	}
}

// one is a client of HTTP/1.1 that never sends a request twice: it believes what Connection says, and nothing else.
func (l *load) one(dial func() (net.Conn, error)) {
	var c net.Conn
	var in *bufio.Reader
	used := 0
	l.pace(func(path string, body []byte) (err error) {
		if c == nil {
			if c, err = dial(); err != nil {
				return fmt.Errorf("dial: %w", err)
			}
			l.dials.Add(1)
			in, used = bufio.NewReader(c), 0
		}
		used++
		closes, err := l.ask(c, in, path, body)
		if err == nil && closes { // not by a reset
			if n, end := in.Read(make([]byte, 1)); n > 0 || end != io.EOF {
				err = fmt.Errorf("behind the last answer: %d bytes, %w", n, end)
			}
		}
		if err != nil || closes {
			c.Close()
			c = nil
		}
		if err != nil {
			return fmt.Errorf("HTTP/1.1, request %d of its connection: %w", used, err)
		}
		return nil
	})
	if c != nil {
		c.Close()
	}
}

// ask sends a request and reads its answer.
func (l *load) ask(c net.Conn, in *bufio.Reader, path string, body []byte) (closes bool, err error) {
	req, err := request("http://shop.test", path, body)
	if err != nil {
		return false, err
	}
	if err := req.Write(c); err != nil {
		return false, err
	}
	resp, err := http.ReadResponse(in, req)
	if err != nil {
		return false, err
	}
	defer resp.Body.Close()
	return resp.Close, rightAnswer(resp, path, body)
}

// two is a client of HTTP/2, which shares its connection.
func (l *load) two(transport http.RoundTripper, base string) {
	l.pace(func(path string, body []byte) error {
		req, err := request(base, path, body)
		if err != nil {
			return err
		}
		resp, err := transport.RoundTrip(req)
		if err != nil {
			return fmt.Errorf("HTTP/2: %w", err)
		}
		defer resp.Body.Close()
		return rightAnswer(resp, path, body)
	})
}

// TestReplaceLargeBodies: an upload and a download that have come half way when the process is replaced, twice, come whole.
func TestReplaceLargeBodies(t *testing.T) {
	r := newRow(t)
	r.start("", nil, "--http", "127.0.0.1:0", "--https", "127.0.0.1:0", "--h2c", "127.0.0.1:0", "--upgrade-trial", "50ms")
	r.addrs["h2c"] = r.await(`h2c on ([0-9.:]+)`)[0]
	body := large()
	var clients sync.WaitGroup
	var f faults
	sent, open := make(chan struct{}, 8), make(chan net.Conn, 8)
	send := func(w way, req *http.Request) (*http.Response, error) {
		if w.http2 != nil {
			return w.http2.RoundTrip(req)
		}
		c, err := w.dial()
		if err != nil {
			return nil, err
		}
		open <- c
		if err := req.Write(c); err != nil {
			return nil, err
		}
		return http.ReadResponse(bufio.NewReader(c), req)
	}
	for _, w := range r.ways() {
		for _, path := range []string{"/half/" + w.name, "/upload/" + w.name} {
			clients.Go(func() {
				req, err := request(cmp.Or(w.base, "http://shop.test"), path, nil)
				if strings.HasPrefix(path, "/upload") {
					if req, err = request(cmp.Or(w.base, "http://shop.test"), path, body); err == nil {
						req.Body = io.NopCloser(io.MultiReader(bytes.NewReader(body[:len(body)/2]), &waits{sent, r.slow}, bytes.NewReader(body[len(body)/2:])))
					}
				}
				var resp *http.Response
				if err == nil {
					resp, err = send(w, req)
				}
				if err == nil && req.Method == "POST" {
					err = rightAnswer(resp, path, body)
				} else if err == nil {
					var got []byte
					if got, err = io.ReadAll(resp.Body); err == nil && !bytes.Equal(got, body) {
						err = fmt.Errorf("%s: %d bytes, which are not those that were sent", resp.Status, len(got))
					}
				}
				if err != nil {
					f.add(fmt.Errorf("%s: %w", path, err))
				}
			})
		}
	}
	for range 4 {
		await(t, "the second half of an upload", sent)
		await(t, "the second half of a download", r.within)
	}
	r.replace()
	r.replace()
	close(r.slow)
	clients.Wait()
	f.check(t)
	close(open)
	for c := range open {
		c.Close() // those of the downloads: their heads had left before they could say that the connection closes
	}
	r.awaitAll(`stopped: every connection ended by itself`, 2)
}

// waits is a reader of nothing that tells that it is read, and ends when it may.
type waits struct {
	asked chan<- struct{}
	may   <-chan struct{}
}

func (w *waits) Read([]byte) (int, error) {
	w.asked <- struct{}{}
	<-w.may
	return 0, io.EOF
}

func await(t *testing.T, what string, c <-chan struct{}) {
	t.Helper()
	select {
	case <-c:
	case <-time.After(patience):
		t.Fatalf("after %v: not %s", patience, what)
	}
}

// TestReplaceKeepsStreams: a WebSocket and a stream of HTTP/2 live through three replacements. Where a third old process would be one too
// many the oldest ends, and the clients of its WebSockets are told why.
func TestReplaceKeepsStreams(t *testing.T) {
	r := newRow(t)
	r.start("", nil, "--http", "127.0.0.1:0", "--h2c", "127.0.0.1:0", "--upgrade-trial", "50ms")
	r.addrs["h2c"] = r.await(`h2c on ([0-9.:]+)`)[0]
	first := r.chat()
	stream := &http2.Transport{AllowHTTP: true, DialTLSContext: func(ctx context.Context, network, addr string, _ *tls.Config) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, addr)
	}}
	defer stream.CloseIdleConnections()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, "GET", "http://"+r.addrs["h2c"]+"/ticks", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Host = "shop.test"
	resp, err := stream.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	r.awaitRetired(0)
	oldest := r.newest
	for i := range 3 {
		between := r.replace()
		text := fmt.Sprintf("after replacement %d", i)
		r.echo(first, text)
		r.ticks <- text
		b := make([]byte, len(text))
		if _, err := io.ReadFull(resp.Body, b); err != nil || string(b) != text {
			t.Fatalf("the stream says %q, %v", b, err)
		}
		if i > 0 { // those between have nothing to wait for
			r.awaitAll(`stopped: every connection ended by itself`, i)
			r.awaitAll(fmt.Sprintf(`retired ended: process %d, which was replaced, has ended; skerry_retired_processes is 1`, between), 1)
		}
		r.awaitRetired(1)
	}
	second := r.chat()
	r.replace()
	r.awaitRetired(2)
	third := r.chat()
	r.echo(first, "two old ones")
	r.replace()
	patient, done := context.WithTimeout(t.Context(), patience)
	defer done()
	if _, _, err := first.Read(patient); websocket.CloseStatus(err) != websocket.StatusServiceRestart {
		t.Errorf("the oldest WebSocket ends with %v, not with status 1012", err)
	}
	r.echo(second, "still there")
	r.echo(third, "still there")
	r.awaitAll(fmt.Sprintf(`retired ended: process %d, which was replaced, has ended; skerry_retired_processes is 2`, oldest), 1)
	r.awaitRetired(2)
}

// TestReplaceAge: what is older than --upgrade-age ends.
func TestReplaceAge(t *testing.T) {
	r := newRow(t)
	r.start("", nil, "--http", "127.0.0.1:0", "--upgrade-trial", "0s", "--upgrade-age", "300ms")
	ended := r.parting(r.chat())
	r.replace()
	ended()
	r.await(`stopped: every connection ended by itself`)
}

// parting reads from a WebSocket from now on, since who is told to end has a second to answer, and returns what checks that it was told why.
func (r *row) parting(c *websocket.Conn) (ended func()) {
	end := make(chan error, 1)
	go func() {
		_, _, err := c.Read(r.t.Context())
		end <- err
	}()
	return func() {
		r.t.Helper()
		select {
		case err := <-end:
			if websocket.CloseStatus(err) != websocket.StatusServiceRestart {
				r.t.Errorf("a WebSocket ends with %v, not with status 1012", err)
			}
		case <-time.After(patience):
			r.t.Errorf("after %v: a WebSocket has not ended", patience)
		}
	}
}

// TestReplaceFails: a new program that ends, hangs, or dies after it was ready changes nothing, and the next try is a new one.
func TestReplaceFails(t *testing.T) {
	r := newRow(t)
	r.start("", nil, "--http", "127.0.0.1:0", "--upgrade-trial", "5s", "--upgrade-timeout", "10s")
	chat := r.chat()
	stands := func() {
		t.Helper()
		if err := r.get("/x"); err != nil {
			t.Error(err)
		}
		r.echo(chat, "still there")
		if status, _, err := get("http://" + r.addrs["admin"] + "/readyz"); err != nil || status != 200 {
			t.Errorf("/readyz: %d, %v", status, err)
		}
	}
	restore := r.install("exit 3")
	r.signal(syscall.SIGUSR2)
	r.await(`replace failed: process \d+ goes on: process \d+ ended before it was ready: exit status 3`)
	restore()
	stands()

	restore = r.install("exec sleep 1000")
	r.signal(syscall.SIGUSR2)
	r.await(`replace: process \d+ starts another`)
	stands()
	r.signal(syscall.SIGUSR2)
	r.await(`SIGUSR2: a replacement is under way`)
	r.await(`replace failed: process \d+ goes on: process \d+ was not ready within 10s \(--upgrade-timeout\)`)
	restore()
	stands()

	r.signal(syscall.SIGUSR2)
	pid, _ := strconv.Atoi(r.await(`replace ready: process (\d+) serves`)[0])
	if err := syscall.Kill(pid, syscall.SIGUSR2); err != nil {
		t.Fatal(err)
	}
	r.await(`SIGUSR2: this process is on trial itself`)
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	// Nobody accepts at this moment: it waits in the queue that both had.
	if err := r.get("/queued"); err != nil {
		t.Error(err)
	}
	r.await(`replace failed: process \d+ goes on: process \d+ ended within 5s \(--upgrade-trial\) of being ready: signal: killed`)
	stands()
	r.replace()
	stands()
}

// TestReplaceBadPrograms: whatever stands at the program's path, the old process serves on under load as if nothing had been tried, and
// the next try is a new one.
func TestReplaceBadPrograms(t *testing.T) {
	r := newRow(t)
	r.start("", nil, "--http", "127.0.0.1:0", "--upgrade-trial", "500ms")
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	l := r.busy(ctx, 4)
	f := func(change func(name string) error, want string) {
		t.Helper()
		restore := r.install("")
		if err := change(r.program); err != nil {
			t.Fatal(err)
		}
		r.signal(syscall.SIGUSR2)
		r.await(`replace failed: process \d+ goes on: ` + want)
		restore()
		if err := r.get("/x"); err != nil {
			t.Errorf("%s: %v", want, err)
		}
	}
	script := func(text string) func(name string) error {
		return func(name string) error { return os.WriteFile(name, []byte("#!/bin/sh\n"+text+"\n"), 0o755) }
	}
	f(script("exit 0"), `process \d+ ended before it was ready: exit status 0`)
	f(script("exit 3"), `process \d+ ended before it was ready: exit status 3`)
	f(script("kill -SEGV $$"), `process \d+ ended before it was ready: signal: segmentation fault`)
	f(script("exec 3<&-; exec sleep 1000"), `process \d+ closed the line to this one`)
	below := filepath.Join(t.TempDir(), "skerry")
	f(script(fmt.Sprintf(`ln -sf %s.kept %s && %[2]s "$@"; exit 5`, r.program, below)), `process \d+ ended before it was ready: exit status 5`)
	if !strings.Contains(r.text(0), "and that has started this one: a script in the place of the program must exec it") {
		t.Error("a script that does not exec the program is not told of")
	}
	f(func(name string) error { return os.Remove(name) }, `\S+/skerry cannot be run: no such file or directory`)
	f(func(name string) error { return os.Chmod(name, 0o644) }, `\S+/skerry cannot be run: permission denied`)
	f(func(name string) error { return os.WriteFile(name, []byte("\x7fELF nonsense"), 0o755) }, `\S+/skerry cannot be run: exec format error`)
	f(func(name string) error { return os.WriteFile(name, nil, 0o755) }, `\S+/skerry cannot be run: exec format error`)
	f(func(name string) error { return errors.Join(os.Remove(name), os.Mkdir(name, 0o755)) }, `\S+/skerry cannot be run: permission denied`)
	r.replace()
	stop()
	l.clients.Wait()
	l.faults.check(t)
}

// busy has clients of HTTP/1.1 send requests.
func (r *row) busy(ctx context.Context, clients int) *load {
	l := &load{ctx: ctx, every: 5 * time.Millisecond}
	for range clients {
		l.clients.Go(func() {
			l.one(func() (net.Conn, error) { return net.Dial("tcp", r.addrs["http"]) })
		})
	}
	return l
}

// TestReplaceCrashes: what a process that crashes on trial had accepted is lost with it, and nothing else; the next try is a new one.
func TestReplaceCrashes(t *testing.T) {
	r := newRow(t)
	r.start("", nil, "--http", "127.0.0.1:0", "--upgrade-trial", "1h") // it ends by the crash
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	const clients = 4
	l := r.busy(ctx, clients)
	more := func() {
		for some := l.sent.Load() + 20*clients; l.sent.Load() < some; {
			time.Sleep(time.Millisecond)
		}
	}
	r.signal(syscall.SIGUSR2)
	pid, _ := strconv.Atoi(r.await(`replace ready: process (\d+) serves`)[0])
	more()
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	r.await(`replace failed: process \d+ goes on: process \d+ ended within 1h0m0s \(--upgrade-trial\) of being ready: signal: killed`)
	more()
	r.signal(syscall.SIGUSR2)
	r.await(`replace ready: process (\d+) serves`)
	more()
	stop()
	l.clients.Wait()
	if l.faults.count > clients {
		l.faults.check(t)
	}
}

// TestReplaceOtherVersion: a program of another version replaces and is replaced: what one says beside what the other knows is passed over. One
// that knows that it does not understand what it was handed ends, and the old process serves on.
func TestReplaceOtherVersion(t *testing.T) {
	r := newRow(t)
	r.start("", nil, "--http", "127.0.0.1:0", "--upgrade-trial", "50ms")
	chat := r.chat()
	// other is a program that says what has no meaning today, on the line to the process before, and is handed what has none.
	other := func(version string) {
		r.install(`printf 'Qz\000\000\000\006RTPEAMZ' >&3
export SKERRY_HANDOVER=$(printf %s "$SKERRY_HANDOVER" | sed 's/^{"version":1,/{"version":` + version + `,"colour":["blue"],/')
mv "$0.kept" "$0" && exec "$0" "$@"`)
	}
	other("0")
	r.replace()
	r.replace()
	if err := r.get("/x"); err != nil {
		t.Error(err)
	}
	other("2")
	r.signal(syscall.SIGUSR2)
	r.await(`SKERRY_HANDOVER has version 2, and this program knows 1 at most`)
	r.await(`replace failed: process \d+ goes on: process \d+ ended before it was ready: exit status 1`)
	r.replace()
	r.echo(chat, "still there")
	if err := r.get("/x"); err != nil {
		t.Error(err)
	}
}

// TestReplaceWithBrokenSpec: without a last good spec the new process has nothing to serve.
func TestReplaceWithBrokenSpec(t *testing.T) {
	r := newRow(t)
	r.start("", nil, "--http", "127.0.0.1:0", "--upgrade-trial", "0s")
	if err := os.WriteFile(r.dir+"/shop.yaml", []byte("kind: Nothing\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(r.dir + "/data/last-good.json"); err != nil {
		t.Fatal(err)
	}
	r.signal(syscall.SIGUSR2)
	r.await(`problems?, nothing to serve`)
	r.await(`replace failed: process \d+ goes on: process \d+ ended before it was ready: exit status 1`)
	if err := r.get("/x"); err != nil {
		t.Error(err)
	}
}

// TestReplaceStopped: SIGTERM during an attempt stops the service, and what was started with it.
func TestReplaceStopped(t *testing.T) {
	r := newRow(t)
	r.start("", nil, "--http", "127.0.0.1:0", "--upgrade-trial", "1h")
	r.signal(syscall.SIGUSR2)
	pid, _ := strconv.Atoi(r.await(`replace ready: process (\d+) serves`)[0])
	r.signal(syscall.SIGTERM)
	r.await(`stopped: every connection ended by itself`)
	if err := syscall.Kill(pid, 0); !errors.Is(err, syscall.ESRCH) {
		t.Errorf("the new process is still there: %v", err)
	}
}

// TestReplacedStop: SIGTERM to the process that serves stops the service, and the processes are of it that it and others have replaced:
// their WebSockets get 1012 when it has ended with its own connections.
func TestReplacedStop(t *testing.T) {
	r := newRow(t)
	r.start("", nil, "--http", "127.0.0.1:0", "--upgrade-trial", "0s", "--log", "log")
	first := r.parting(r.chat())
	oldest := r.replace()
	if err := os.Rename(r.dir+"/log", r.dir+"/log.1"); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(oldest, syscall.SIGUSR1); err != nil { // as who rotates logs tells all processes of a service
		t.Fatal(err)
	}
	r.await(`log file opened anew`)
	second := r.parting(r.chat())
	r.replace()
	r.signal(syscall.SIGTERM)
	first()
	second()
	r.awaitAll(`stopped: every connection ended by itself`, 3)
	if text, err := os.ReadFile(r.dir + "/log"); err != nil || !strings.Contains(string(text), `"event":"drained"`) {
		t.Errorf("the log that was opened anew: %v, %s", err, text)
	}
}

// TestStopTellsSockets: WebSockets that outlast --drain-timeout get 1012 too.
func TestStopTellsSockets(t *testing.T) {
	r := newRow(t)
	r.start("", nil, "--http", "127.0.0.1:0", "--drain-timeout", "50ms")
	ended := r.parting(r.chat())
	r.signal(syscall.SIGTERM)
	ended()
	r.await(`stopped: every connection ended by itself`)
}

// TestReplaceFullQueue: connections that wait in the queue of a socket, and those for which it has no room, are served by the new process.
// The socket comes from outside, as from systemd, since its queue is to be short.
func TestReplaceFullQueue(t *testing.T) {
	r := newRow(t)
	socket, addr := shortQueue(t, 2)
	r.start(`LISTEN_PID=$$ LISTEN_FDS=1 exec "$0" "$@"`, []*os.File{socket}, "--http", addr, "--max-connections", "12", "--connections-per-address", "1000", "--upgrade-trial", "50ms")
	var clients sync.WaitGroup
	var f faults
	ask := func(path string) {
		clients.Go(func() {
			if err := r.get(path); err != nil {
				f.add(fmt.Errorf("%s: %w", path, err))
			}
		})
	}
	for i := range 12 { // as many as there may be
		ask(fmt.Sprintf("/slow/%d", i)) // of one URL the cache would ask once
		select {
		case <-r.within:
		case <-time.After(patience):
			f.check(t)
			t.Fatal("a slow request did not reach the origin")
		}
	}
	for i := range 11 { // one in the hand of the process, three in the queue, the others knock; the new process has room for all
		ask(fmt.Sprintf("/%d", i))
	}
	r.replace()
	close(r.slow)
	clients.Wait()
	f.check(t)
	r.await(`stopped: every connection ended by itself`)
}

// shortQueue is a listening socket with a short queue.
func shortQueue(t *testing.T, backlog int) (f *os.File, addr string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if f, err = l.(*net.TCPListener).File(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	if err := syscall.Listen(int(f.Fd()), backlog); err != nil {
		t.Fatal(err)
	}
	return f, l.Addr().String()
}

// TestDataHasOneProcess: a second process on the same directory says who has it.
func TestDataHasOneProcess(t *testing.T) {
	r := newRow(t)
	r.start("", nil, "--http", "127.0.0.1:0")
	out, err := runSkerry(r.dir, "run", "shop.yaml", "--http", "127.0.0.1:0", "--admin", "", "--data", "data")
	if want := fmt.Sprintf("another process has the directory: process %d holds data/process.lock", r.newest); err == nil || !strings.Contains(out, want) {
		t.Errorf("%v:\n%s\nwant %q", err, out, want)
	}
}
