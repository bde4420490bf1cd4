package edge_test

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"skerry.dev/skerry/edge"
	"skerry.dev/skerry/fault"
	"skerry.dev/skerry/plan"
	"skerry.dev/skerry/spec"
)

// released is an entrypoint whose answers say twice which release of it made them.
const released = `apiVersion: skerry.dev/v1
kind: Entrypoint
metadata: {name: shop, owner: team-shop}
spec:
  hosts: [shop.test]
  limit: off
  service: %s
  headers:
    request:
      set: {X-Release-In: "%d"}
    response:
      set: {X-Release: "%d"}
`

func parse(t *testing.T, text string) *spec.Spec {
	t.Helper()
	s, problems := spec.Parse([]spec.File{{Name: "shop.yaml", Data: []byte(text)}})
	if len(problems) > 0 {
		t.Fatal(fault.Problems(problems))
	}
	return s
}

// newEdge returns an edge without a plan.
func newEdge(t testing.TB, opt edge.Options) *edge.Edge {
	t.Helper()
	e, err := edge.New(opt)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// start runs an edge on a free port until the test ends.
func start(t *testing.T, opt edge.Options, text string) (*edge.Edge, string) {
	t.Helper()
	opt.HTTP = []string{"127.0.0.1:0"}
	e := newEdge(t, opt)
	if problems := e.Activate(parse(t, text)); len(problems) > 0 {
		t.Fatal(fault.Problems(problems))
	}
	if err := e.Start(); err != nil {
		t.Fatal(err)
	}
	http, _ := e.Addrs()
	return e, http[0].String()
}

// origin answers with the release that the request came with.
func origin(t *testing.T, h http.HandlerFunc) string {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s.URL
}

func echoRelease(w http.ResponseWriter, r *http.Request) {
	io.Copy(io.Discard, r.Body)
	w.Header().Set("X-Release-Seen", r.Header.Get("X-Release-In"))
	io.WriteString(w, "hello")
}

// client is one kept connection; that it breaks is a failure, so it never makes another.
type client struct {
	conn net.Conn
	r    *bufio.Reader
}

func dial(addr string) (*client, error) {
	c, err := net.Dial("tcp", addr)
	if err != nil {
		return nil, err
	}
	return &client{c, bufio.NewReader(c)}, nil
}

func (c *client) do(request string) (*http.Response, string, error) {
	c.conn.SetDeadline(time.Now().Add(10 * time.Second))
	if _, err := io.WriteString(c.conn, request); err != nil {
		return nil, "", err
	}
	resp, err := http.ReadResponse(c.r, nil)
	if err != nil {
		return nil, "", err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return resp, string(body), err
}

// TestReloadUnderLoad: 20 reloads while 64 kept connections are busy lose no request and reset no connection, and every
// answer is made by one plan from its first edit to its last.
func TestReloadUnderLoad(t *testing.T) {
	url := origin(t, echoRelease)
	e, addr := start(t, edge.Options{DrainTimeout: 5 * time.Second}, fmt.Sprintf(released, url, 0, 0))
	const conns, reloads = 64, 20
	var sent, failed, torn atomic.Int64
	var seen sync.Map
	stop := make(chan struct{})
	var busy sync.WaitGroup
	for i := range conns {
		c, err := dial(addr)
		if err != nil {
			t.Fatal(err)
		}
		busy.Go(func() {
			defer c.conn.Close()
			request := "GET / HTTP/1.1\r\nHost: shop.test\r\n\r\n"
			if i%4 == 0 { // must never be repeated by the edge: a connection that a reload closes would show
				request = "POST / HTTP/1.1\r\nHost: shop.test\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 5\r\n\r\nhello"
			}
			for {
				select {
				case <-stop:
					return
				default:
				}
				sent.Add(1)
				resp, body, err := c.do(request)
				if err != nil || resp.StatusCode != 200 || body != "hello" {
					failed.Add(1)
					t.Errorf("connection %d: %v %v %q", i, err, resp, body)
					return
				}
				if resp.Header.Get("X-Release") != resp.Header.Get("X-Release-Seen") {
					torn.Add(1)
				}
				seen.Store(resp.Header.Get("X-Release"), true)
			}
		})
	}
	for n := range reloads + 1 {
		if n > 0 { // the first is in force already
			if problems := e.Activate(parse(t, fmt.Sprintf(released, url, n, n))); len(problems) > 0 {
				t.Fatal(fault.Problems(problems))
			}
		}
		before := sent.Load() // what was sent while the plan was made, the old one answers
		for sent.Load() < before+2*conns && failed.Load() == 0 {
			time.Sleep(time.Millisecond)
		}
	}
	close(stop)
	busy.Wait()
	e.Drain()
	if failed.Load() != 0 || torn.Load() != 0 {
		t.Errorf("of %d requests %d failed, %d were answered by two plans", sent.Load(), failed.Load(), torn.Load())
	}
	for n := range reloads + 1 {
		if _, ok := seen.Load(fmt.Sprint(n)); !ok {
			t.Errorf("no answer of release %d", n)
		}
	}
	t.Logf("%d requests on %d connections during %d reloads", sent.Load(), conns, reloads)
}

// TestServicesChangeUnderLoad: the same when every reload moves the service to another address and its pool is closed.
func TestServicesChangeUnderLoad(t *testing.T) {
	urls := []string{origin(t, echoRelease), origin(t, echoRelease)}
	e, addr := start(t, edge.Options{DrainTimeout: 5 * time.Second}, fmt.Sprintf(released, urls[0], 0, 0))
	var sent, failed atomic.Int64
	stop := make(chan struct{})
	var busy sync.WaitGroup
	for range 16 {
		c, err := dial(addr)
		if err != nil {
			t.Fatal(err)
		}
		busy.Go(func() {
			defer c.conn.Close()
			for {
				select {
				case <-stop:
					return
				default:
				}
				sent.Add(1)
				resp, _, err := c.do("POST / HTTP/1.1\r\nHost: shop.test\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 5\r\n\r\nhello")
				if err != nil || resp.StatusCode != 200 {
					failed.Add(1)
					t.Errorf("%v %v", err, resp)
					return
				}
			}
		})
	}
	for n := 1; n <= 20; n++ {
		before := sent.Load()
		if problems := e.Activate(parse(t, fmt.Sprintf(released, urls[n%2], n, n))); len(problems) > 0 {
			t.Fatal(fault.Problems(problems))
		}
		for sent.Load() < before+64 && failed.Load() == 0 {
			time.Sleep(time.Millisecond)
		}
	}
	close(stop)
	busy.Wait()
	e.Drain()
}

// TestDrain: the request that is under way ends, its connection is told to close, and Drain waits for it.
func TestDrain(t *testing.T) {
	entered, leave := make(chan struct{}), make(chan struct{})
	url := origin(t, func(w http.ResponseWriter, _ *http.Request) {
		close(entered)
		<-leave
		io.WriteString(w, "late")
	})
	e, addr := start(t, edge.Options{DrainTimeout: time.Minute}, fmt.Sprintf(released, url, 0, 0))
	idle, err := dial(addr)
	if err != nil {
		t.Fatal(err)
	}
	defer idle.conn.Close()
	c, err := dial(addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.conn.Close()
	type result struct {
		resp *http.Response
		body string
		err  error
	}
	got := make(chan result, 1)
	go func() {
		resp, body, err := c.do("GET / HTTP/1.1\r\nHost: shop.test\r\n\r\n")
		got <- result{resp, body, err}
	}()
	<-entered
	drained := make(chan int, 1)
	go func() { drained <- e.Drain() }()
	idle.conn.SetDeadline(time.Now().Add(waiting))
	if _, err := idle.r.ReadByte(); err != io.EOF { // the idle connection ends, so listeners are closed and Drain waits for the other
		t.Errorf("the idle connection: %v, want EOF", err)
	}
	if ready, reason := e.Ready(); ready || !strings.Contains(reason, "draining") {
		t.Errorf("Ready() = %v, %q", ready, reason)
	}
	if _, err := net.Dial("tcp", addr); err == nil {
		t.Error("a draining edge still accepts")
	}
	close(leave)
	r := <-got
	if r.err != nil || r.body != "late" || !r.resp.Close {
		t.Errorf("the request under way: %v %q, closing: %v", r.err, r.body, r.resp != nil && r.resp.Close)
	}
	if cut := <-drained; cut != 0 {
		t.Errorf("%d connections cut", cut)
	}
}

// TestHurry: the hard stop cuts what is still open, and says how much that was.
func TestHurry(t *testing.T) {
	entered, leave := make(chan struct{}), make(chan struct{})
	url := origin(t, func(http.ResponseWriter, *http.Request) {
		close(entered)
		<-leave
	})
	e, addr := start(t, edge.Options{DrainDelay: time.Hour, DrainTimeout: time.Hour}, fmt.Sprintf(released, url, 0, 0))
	c, err := dial(addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.conn.Close()
	io.WriteString(c.conn, "GET / HTTP/1.1\r\nHost: shop.test\r\n\r\n")
	<-entered
	defer close(leave)
	drained := make(chan int, 1)
	go func() { drained <- e.Drain() }()
	e.Hurry()
	select {
	case cut := <-drained:
		if cut != 1 {
			t.Errorf("%d connections cut, want 1", cut)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("Hurry did not end the drain")
	}
}

// TestLog: the event of an exchange has what went in and out, for answers of a service and of the edge.
func TestLog(t *testing.T) {
	var log bytes.Buffer
	e, addr := start(t, edge.Options{Log: &log, DrainTimeout: 5 * time.Second}, fmt.Sprintf(released, origin(t, echoRelease), 0, 0))
	c, err := dial(addr)
	if err != nil {
		t.Fatal(err)
	}
	c.do("POST /a HTTP/1.1\r\nHost: shop.test\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 3\r\n\r\nabc")
	_, refusal, _ := c.do("GET /b HTTP/1.1\r\nHost: nobody.test\r\n\r\n")
	c.conn.Close()
	e.Drain()
	f := func(path string, want ...string) {
		t.Helper()
		for line := range strings.Lines(log.String()) {
			if !strings.Contains(line, `"path":"`+path+`"`) {
				continue
			}
			for _, w := range want {
				if !strings.Contains(line, w) {
					t.Errorf("%s: no %s in %s", path, w, line)
				}
			}
			return
		}
		t.Errorf("no line for %s in:\n%s", path, log.String())
	}
	f("/a", `"bytes_in":3`, `"bytes_out":5`, `"entrypoint":"shop"`, `"status":200`)
	f("/b", `"bytes_in":0`, fmt.Sprintf(`"bytes_out":%d`, len(refusal)), `"status":404`, `"fault":"no_entrypoint"`)
}

// TestCompile: a spec that is good is good without an edge, and one that names a refused address is not.
func TestCompile(t *testing.T) {
	if _, problems, _ := edge.Compile(parse(t, fmt.Sprintf(released, "http://127.0.0.1:9", 0, 0)), plan.Setting{}); len(problems) > 0 {
		t.Error(fault.Problems(problems))
	}
	_, problems, _ := edge.Compile(parse(t, fmt.Sprintf(released, "http://169.254.169.254", 0, 0)), plan.Setting{})
	if len(problems) != 1 || problems[0].Line == 0 || !strings.Contains(problems[0].Fix, "--origin-allow") {
		t.Errorf("problems: %v", problems)
	}
}
