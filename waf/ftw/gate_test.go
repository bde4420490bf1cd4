package ftw_test

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"sync"
	"testing"
)

// gate is the server that go-ftw talks to: it answers each request with what the server under test answered to the same
// bytes, and writes what that logged. Markers it answers itself, so that what a request caused stands between its markers.
type gate struct {
	listener net.Listener
	log      *os.File // with a line for each match, [id "942100"] in it
	played   map[string]*recorded
}

// newGate opens a gate, which closes with the test.
func newGate(t *testing.T, played map[string]*recorded) *gate {
	t.Helper()
	log, err := os.Create(filepath.Join(t.TempDir(), "matches.log"))
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	g := &gate{listener: l, log: log, played: played}
	var all sync.WaitGroup
	all.Go(func() { g.accept(t) })
	t.Cleanup(func() {
		l.Close()
		all.Wait()
		log.Close()
	})
	return g
}

// accept serves connections one after another, as go-ftw makes them.
func (g *gate) accept(t *testing.T) {
	for {
		c, err := g.listener.Accept()
		if err != nil {
			return
		}
		if err := g.serve(c); err != nil {
			t.Errorf("gate: %v", err)
		}
		c.Close()
	}
}

// serve reads until it knows the request, writes its lines and answers.
func (g *gate) serve(c net.Conn) error {
	buf := make([]byte, 128<<10) // the longest request has 64 KB
	for n := 0; ; {
		more, err := c.Read(buf[n:])
		n += more
		if id, ok := marker(buf[:n]); ok {
			return g.answer(c, "X-CRS-Test "+id+"\n", []byte("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"))
		}
		if r := g.played[string(buf[:n])]; r != nil {
			return g.answer(c, r.lines, r.answer)
		}
		if err != nil {
			return fmt.Errorf("a request that was not played: %.200q: %w", buf[:n], err)
		}
	}
}

// answer writes the lines, then the answer: go-ftw looks into the log as soon as it has one.
func (g *gate) answer(c net.Conn, lines string, answer []byte) error {
	if _, err := io.WriteString(g.log, lines); err != nil {
		return err
	}
	_, err := c.Write(answer)
	return err
}

// marker returns what the field X-CRS-Test of go-ftw's marker requests says.
func marker(request []byte) (id string, ok bool) {
	_, rest, ok := bytes.Cut(request, []byte("\r\nX-CRS-Test: "))
	if !ok || !bytes.HasPrefix(request, []byte("GET /status/200 HTTP/1.1\r\n")) || !bytes.HasSuffix(request, []byte("\r\n\r\n")) {
		return "", false
	}
	line, _, _ := bytes.Cut(rest, []byte("\r\n"))
	return string(line), true
}
