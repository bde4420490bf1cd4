package handover_test

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"skerry.dev/skerry/handover"
)

// TestPause: while paused nobody accepts, what comes waits, and nothing is lost.
func TestPause(t *testing.T) {
	var s handover.Sockets
	s.Pause()
	l, err := s.Listen("http", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	accepted := make(chan error, 1)
	go func() {
		for {
			c, err := l.Accept()
			accepted <- err
			if err != nil {
				return
			}
			c.Close()
		}
	}()
	dial := func() {
		t.Helper()
		c, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
	}
	for range 3 {
		dial()
		dial()
		early := 0
		for over := time.After(20 * time.Millisecond); over != nil; {
			select {
			case err := <-accepted:
				if early++; early > 1 || err != nil { // an Accept that was under way may return one
					t.Fatalf("%d accepted while paused: %v", early, err)
				}
			case <-over:
				over = nil
			}
		}
		s.Resume()
		for range 2 - early {
			if err := <-accepted; err != nil {
				t.Fatal(err)
			}
		}
		s.Pause()
	}
	l.Close()
	if err := <-accepted; !errors.Is(err, net.ErrClosed) {
		t.Errorf("a paused Accept ends with %v", err)
	}
}

// TestNudge: an Accept returns once for each nudge, also where a pause comes and goes meanwhile, and no connection is lost by it.
func TestNudge(t *testing.T) {
	var s handover.Sockets
	opened, err := s.Listen("http", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := opened.(*handover.Listener)
	defer l.Close()
	accept := func(what string, want error) {
		t.Helper()
		c, err := l.Accept()
		if !errors.Is(err, want) {
			t.Fatalf("%s: %v, want %v", what, err, want)
		}
		if err == nil {
			c.Close()
		}
	}
	for _, between := range []func(){func() {}, func() { s.Pause() }, func() { s.Pause(); s.Resume() }} {
		c, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		if !l.Nudge() || !l.Nudge() {
			t.Error("a listener that accepts says that it is paused")
		}
		between()
		accept("after a nudge", os.ErrDeadlineExceeded)
		s.Pause()
		if l.Nudge() {
			t.Error("a paused listener is nudged")
		}
		s.Resume()
		accept("a connection that had come before", nil)
		c.Close()
	}
}

// TestGiven: a socket from outside goes to whoever asks for its address, once.
func TestGiven(t *testing.T) {
	given, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(given.Addr().String())
	f := func(asked string, want bool) {
		t.Helper()
		var s handover.Sockets
		other, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		for _, l := range []net.Listener{other, given} {
			file, err := l.(*net.TCPListener).File()
			if err != nil {
				t.Fatal(err)
			}
			copied, err := net.FileListener(file)
			file.Close()
			if err != nil {
				t.Fatal(err)
			}
			if err := s.Give(copied); err != nil {
				t.Fatal(err)
			}
		}
		other.Close()
		l, err := s.Listen("https", asked)
		if got := err == nil && l.Addr().String() == given.Addr().String(); got != want {
			t.Errorf("%s: given is %v, want %v (%v)", asked, got, want, err)
		}
		if err == nil {
			l.Close()
		}
		unused := 2
		if want {
			unused = 1
		}
		if got := s.CloseUnused(); len(got) != unused {
			t.Errorf("%s: %d sockets are left, want %d", asked, len(got), unused)
		}
	}
	f("127.0.0.1:"+port, true)
	f("localhost:"+port, true)
	f("127.0.0.1:0", false)
	f("127.0.0.2:"+port, false)
}

// TestBegin: what the environment variable says is refused where it cannot be true.
func TestBegin(t *testing.T) {
	f := func(text, want string) {
		t.Helper()
		if _, err := handover.Begin([]string{"skerry"}, text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
	f("{", "SKERRY_HANDOVER says what cannot be read")
	f(`{"sockets":[`+strings.Repeat(`{},`, 1024)+`{}]}`, "names 1025 descriptors, more than 1024")
	f(`{"version":1,"sockets":"of another kind"}`, "cannot be read")
	f(`{"version":2,"from":1}`, "has version 2, and this program knows 1 at most")
	f(`{"version":2,"sockets":"of another kind"}`, "has version 2, and this program knows 1 at most")
	p, err := handover.Begin([]string{"skerry"}, "")
	if err != nil || p.Replaces() != 0 || p.Ready() != nil {
		t.Fatalf("the first of a row: %v", err)
	}
	<-p.Turn()
	<-p.Proved()
	p.Close()
}

// TestLock: one has a directory until it lets go, and whoever else asks hears who.
func TestLock(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new")
	l, err := handover.Take(dir)
	if err != nil {
		t.Fatal(err)
	}
	_, err = handover.Take(dir)
	if want := fmt.Sprintf("process %d holds %s", os.Getpid(), filepath.Join(dir, "process.lock")); !errors.Is(err, handover.ErrHeld) || !strings.Contains(err.Error(), want) {
		t.Errorf("%v, want %q", err, want)
	}
	if err := l.Release(); err != nil {
		t.Fatal(err)
	}
	if l, err = handover.Take(dir); err != nil {
		t.Fatal(err)
	}
	if err := l.Release(); err != nil {
		t.Fatal(err)
	}
}
