package origin_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"skerry.dev/skerry/load/origin"
)

// patience is how long a test waits for what must come.
const patience = 10 * time.Second

func start(t *testing.T, m origin.Mode) *origin.Process {
	t.Helper()
	p, err := origin.Start(m)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Stop)
	return p
}

// link is a client's connection.
type link struct {
	t *testing.T
	net.Conn
	r *bufio.Reader
}

func dial(t *testing.T, p *origin.Process) *link {
	t.Helper()
	c, err := net.DialTimeout("tcp", p.Addr(), patience)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	c.SetDeadline(time.Now().Add(patience))
	return &link{t, c, bufio.NewReader(c)}
}

func (l *link) send(method, path, id string) {
	l.t.Helper()
	if _, err := fmt.Fprintf(l, "%s %s HTTP/1.1\r\nHost: a\r\n%s: %s\r\nContent-Length: 2\r\n\r\nab", method, path, origin.IDField, id); err != nil {
		l.t.Fatal(err)
	}
}

func (l *link) answer() (*http.Response, error) {
	a, err := http.ReadResponse(l.r, nil)
	if err != nil {
		return nil, err
	}
	defer a.Body.Close()
	_, err = io.Copy(io.Discard, a.Body)
	return a, err
}

func (l *link) ask(method, path, id string) *http.Response {
	l.t.Helper()
	l.send(method, path, id)
	a, err := l.answer()
	if err != nil {
		l.t.Fatalf("%s %s: %v", method, path, err)
	}
	return a
}

func set(t *testing.T, p *origin.Process, m origin.Mode) {
	t.Helper()
	if err := p.Mode(m); err != nil {
		t.Fatal(err)
	}
}

// silent fails unless nothing comes for a moment.
func (l *link) silent() {
	l.t.Helper()
	l.SetReadDeadline(time.Now().Add(100 * time.Millisecond))
	if _, err := l.r.Peek(1); !errors.Is(err, os.ErrDeadlineExceeded) {
		l.t.Errorf("read gave %v, want nothing at all", err)
	}
	l.SetReadDeadline(time.Now().Add(patience))
}

func seen(t *testing.T, p *origin.Process) origin.Seen {
	t.Helper()
	s, err := p.Seen()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestAnswers looks at each form of answer, from a kept connection.
func TestAnswers(t *testing.T) {
	p := start(t, origin.Mode{})
	f := func(m origin.Mode, path string, status int, broken string) {
		t.Helper()
		set(t, p, m)
		l := dial(t, p)
		l.send("GET", path, "")
		a, err := l.answer()
		switch {
		case broken == "" && err != nil:
			t.Errorf("%+v: %v", m, err)
		case broken != "" && (err == nil || !strings.Contains(err.Error(), broken)):
			t.Errorf("%+v: error %v, want one with %q", m, err, broken)
		case broken == "" && (a.StatusCode != status || a.Header.Get(origin.EndpointField) != p.Addr()):
			t.Errorf("%+v: status %d of %q, want %d", m, a.StatusCode, a.Header.Get(origin.EndpointField), status)
		case broken == "" && int(a.ContentLength) != m.Body && path != origin.HealthPath:
			t.Errorf("%+v: %d bytes", m, a.ContentLength)
		case broken == "":
			l.ask("GET", path, "") // the connection is kept
		}
	}
	f(origin.Mode{}, "/", 200, "")
	f(origin.Mode{Status: 503, Body: 1000}, "/", 503, "")
	f(origin.Mode{Status: 500}, origin.HealthPath, 500, "")
	f(origin.Mode{Status: 500, HealthGood: true}, origin.HealthPath, 200, "")
	f(origin.Mode{Answer: origin.AnswerClose, HealthGood: true}, origin.HealthPath, 200, "")
	f(origin.Mode{Answer: origin.AnswerGarbage}, "/", 0, "malformed HTTP")
	f(origin.Mode{Answer: origin.AnswerClose}, "/", 0, "EOF")
	f(origin.Mode{Answer: origin.AnswerCut, Body: 10}, "/", 0, "unexpected EOF")
	if s := seen(t, p); s.Broken != 0 || s.Conns != 8 {
		t.Errorf("saw %d broken requests on %d connections, want 0 on 8", s.Broken, s.Conns)
	}
}

// TestNever checks that an answer that never comes ends with its mode.
func TestNever(t *testing.T) {
	p := start(t, origin.Mode{Answer: origin.AnswerNever})
	l := dial(t, p)
	l.send("GET", "/", "")
	l.silent()
	set(t, p, origin.Mode{})
	if _, err := l.answer(); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("%v, want the connection's end", err)
	}
}

func TestDelay(t *testing.T) {
	p := start(t, origin.Mode{Delay: 50 * time.Millisecond})
	began := time.Now()
	dial(t, p).ask("GET", "/", "")
	if took := time.Since(began); took < 50*time.Millisecond {
		t.Errorf("answered after %v", took)
	}
}

// TestPlaces sends six requests at once to two places: three turns.
func TestPlaces(t *testing.T) {
	const hold = 50 * time.Millisecond
	p := start(t, origin.Mode{Places: 2, Hold: hold})
	began := time.Now()
	var wg sync.WaitGroup
	for range 6 {
		l := dial(t, p)
		wg.Go(func() { l.ask("GET", "/", "") })
	}
	dial(t, p).ask("GET", origin.HealthPath, "") // takes no place
	wg.Wait()
	if took := time.Since(began); took < 3*hold {
		t.Errorf("six were answered after %v, want %v or more", took, 3*hold)
	}
}

// TestRefuse checks that nothing listens, that what was open is closed, and that the endpoint comes back on its port.
func TestRefuse(t *testing.T) {
	p := start(t, origin.Mode{})
	l := dial(t, p)
	l.ask("GET", "/", "")
	set(t, p, origin.Mode{Listen: origin.ListenRefuse})
	if _, err := l.r.Peek(1); err != io.EOF {
		t.Errorf("an open connection reads %v, want its end", err)
	}
	if _, err := net.DialTimeout("tcp", p.Addr(), patience); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("dial: %v, want that it is refused", err)
	}
	set(t, p, origin.Mode{})
	dial(t, p).ask("GET", "/", "")
}

// TestNoFiles checks that open connections go on, new ones are taken by the kernel alone, and the backlog ends.
func TestNoFiles(t *testing.T) {
	p := start(t, origin.Mode{})
	open := dial(t, p)
	open.ask("GET", "/", "a")
	set(t, p, origin.Mode{Listen: origin.ListenNoFiles})
	waiting := dial(t, p)
	waiting.send("GET", "/", "b")
	waiting.silent()
	open.ask("GET", "/", "c")
	if s := seen(t, p); s.Conns != 1 || s.Times("GET", "b") != 0 {
		t.Errorf("accepted %d connections, want 1", s.Conns)
	}
	full := false
	for range 400 { // more than the backlog
		c, err := net.DialTimeout("tcp", p.Addr(), 50*time.Millisecond)
		if err != nil {
			full = true
			break
		}
		defer c.Close()
	}
	if !full {
		t.Error("400 connections were taken, want that the backlog fills before")
	}
	set(t, p, origin.Mode{})
	if _, err := waiting.answer(); err != nil {
		t.Errorf("the waiting connection: %v", err)
	}
}

// TestPause checks that a paused process keeps its connections, does nothing, and says what it had seen.
func TestPause(t *testing.T) {
	p := start(t, origin.Mode{})
	l := dial(t, p)
	l.ask("POST", "/", "a")
	if err := p.Pause(); err != nil {
		t.Fatal(err)
	}
	l.send("POST", "/", "b")
	fresh := dial(t, p)
	fresh.send("POST", "/", "c")
	l.silent()
	if s := seen(t, p); s.Methods["POST"] != 1 || s.Times("POST", "a") != 1 {
		t.Errorf("saw %v, want a only", s.IDs)
	}
	if err := p.Mode(origin.Mode{}); err == nil || !strings.Contains(err.Error(), "paused") {
		t.Errorf("a paused process took a mode: %v", err)
	}
	if err := p.Resume(); err != nil {
		t.Fatal(err)
	}
	for _, l := range []*link{l, fresh} {
		if _, err := l.answer(); err != nil {
			t.Error(err)
		}
	}
	if s := seen(t, p); s.Requests() != 3 {
		t.Errorf("saw %v, want three", s.IDs)
	}
}

// TestKill kills a process in the middle of a request: the request is known, connections break, and the next life has the same port and mode.
func TestKill(t *testing.T) {
	p := start(t, origin.Mode{Status: 404})
	l := dial(t, p)
	l.ask("GET", "/", "a")
	set(t, p, origin.Mode{Answer: origin.AnswerNever})
	l.send("POST", "/", "b")
	await(t, "the request arrives", func() bool { return seen(t, p).Times("POST", "b") == 1 })
	p.Kill()
	if _, err := l.answer(); err == nil {
		t.Error("an answer of a killed process")
	}
	if _, err := net.DialTimeout("tcp", p.Addr(), patience); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("dial: %v, want that it is refused", err)
	}
	if err := p.Mode(origin.Mode{}); err == nil || !strings.Contains(err.Error(), "Restart") {
		t.Errorf("a killed process took a mode: %v", err)
	}
	if err := p.Restart(); err != nil {
		t.Fatal(err)
	}
	set(t, p, origin.Mode{Status: 201})
	dial(t, p).ask("POST", "/", "b")
	s := seen(t, p)
	if s.Methods["GET"] != 1 || s.Methods["POST"] != 2 || s.Times("POST", "b") != 2 {
		t.Errorf("saw %v, %v: want both lives", s.Methods, s.IDs)
	}
	if ids := s.Repeated("POST"); len(ids) != 1 || ids[0] != "b" {
		t.Errorf("repeated %v, want b", ids)
	}
	if err := p.Pause(); err != nil {
		t.Fatal(err)
	}
	p.Kill() // also when paused
}

// TestSeenBy adds up endpoints; checks and broken requests count apart.
func TestSeenBy(t *testing.T) {
	a, b := start(t, origin.Mode{}), start(t, origin.Mode{})
	if a.Addr() == b.Addr() {
		t.Fatal("two endpoints on one port")
	}
	dial(t, a).ask("POST", "/", "1")
	dial(t, b).ask("POST", "/x", "1")
	dial(t, b).ask("GET", origin.HealthPath, "2")
	bad := dial(t, b)
	io.WriteString(bad, "no HTTP\r\n\r\n")
	if _, err := bad.answer(); err == nil {
		t.Error("no HTTP was answered")
	}
	strange := dial(t, a)
	fmt.Fprintf(strange, "GET / HTTP/1.1\r\nHost: a\r\n%s: %s\r\n\r\n", origin.IDField, "\xffé 1"+strings.Repeat("x", 500))
	if _, err := strange.answer(); err != nil {
		t.Error(err)
	}
	s, err := origin.SeenBy(a, b)
	if err != nil {
		t.Fatal(err)
	}
	if s.Requests() != 3 || s.Health != 1 || s.Broken != 1 || s.Conns != 5 || s.Times("POST", "1") != 2 || s.Times("GET", "2") != 0 || len(s.IDs) != 2 {
		t.Errorf("saw %+v", s)
	}
	b.Stop()
	b.Stop()
	if _, err := origin.SeenBy(a, b); err == nil {
		t.Error("a stopped endpoint has something to say")
	}
	if err := b.Restart(); err == nil {
		t.Error("a stopped endpoint came back")
	}
}

func TestModeRefused(t *testing.T) {
	f := func(m origin.Mode, want string) {
		t.Helper()
		if p, err := origin.Start(m); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v, want an error with %q", m, err, want)
			if p != nil {
				p.Stop()
			}
		}
	}
	f(origin.Mode{Status: 100}, "Mode.Status is 100")
	f(origin.Mode{Body: -1}, "Mode.Body")
	f(origin.Mode{Delay: -1}, "below zero")
	f(origin.Mode{Answer: "x"}, "Mode.Answer")
	f(origin.Mode{Listen: "x"}, "Mode.Listen")
}

// TestPortTaken checks that a restart on a port that somebody else has now says so.
func TestPortTaken(t *testing.T) {
	p := start(t, origin.Mode{})
	if err := p.Restart(); err == nil {
		t.Error("a running endpoint was started again")
	}
	p.Kill()
	l, err := net.Listen("tcp", p.Addr())
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Restart(); err == nil || !strings.Contains(err.Error(), "address already in use") {
		t.Errorf("error %v, want that the address is in use", err)
	}
	l.Close()
	if err := p.Restart(); err != nil {
		t.Error(err)
	}
}

// parentOf makes this test binary a parent that is killed: see TestEndsWithParent.
const parentOf = "SKERRY_ORIGIN_PARENT"

// TestEndsWithParent kills a parent without a chance to tidy up: its endpoints end, the paused one too.
func TestEndsWithParent(t *testing.T) {
	if os.Getenv(parentOf) != "" {
		a, b := start(t, origin.Mode{}), start(t, origin.Mode{})
		if err := b.Pause(); err != nil {
			t.Fatal(err)
		}
		fmt.Printf("addresses %s %s\n", a.Addr(), b.Addr())
		select {}
	}
	cmd := exec.Command(os.Args[0], "-test.run=^TestEndsWithParent$")
	cmd.Env = append(os.Environ(), parentOf+"=1")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var a, b string
	_, err = fmt.Fscanf(out, "addresses %s %s\n", &a, &b)
	cmd.Process.Kill()
	cmd.Wait()
	if err != nil {
		t.Fatal(err)
	}
	for _, addr := range []string{a, b} {
		await(t, addr+" refuses", func() bool {
			c, err := net.DialTimeout("tcp", addr, patience)
			if err == nil {
				c.Close()
			}
			return errors.Is(err, syscall.ECONNREFUSED)
		})
	}
}

// await looks again and again until something is so.
func await(t *testing.T, what string, so func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for limit := time.Now().Add(patience); time.Now().Before(limit); <-tick.C {
		if so() {
			return
		}
	}
	t.Errorf("not within %v: %s", patience, what)
}
