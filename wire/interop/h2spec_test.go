package interop_test

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/summerwind/h2spec/config"
	"github.com/summerwind/h2spec/generic"
	"github.com/summerwind/h2spec/hpack"
	"github.com/summerwind/h2spec/http2"
	h2spec "github.com/summerwind/h2spec/spec"

	"skerry.dev/skerry/edge"
)

// h2specCases is how many cases version 2.2.1 of h2spec has, one of them of its strict mode.
const h2specCases = 146

// h2specPatience is how long h2spec waits for a frame. It costs time only where a case fails: one that passes gets what it waits for.
const h2specPatience = 20 * time.Second

// TestH2Spec runs every case of h2spec against the edge, by TLS and by prior knowledge.
func TestH2Spec(t *testing.T) {
	e := openEdge(t, edge.Options{}, entrypoint{name: "kilobyte", host: "localhost", protocol: "http1", endpoint: origin(t, http.HandlerFunc(kilobyte))}.String())
	f := func(name string, addr net.Addr, tls bool) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := &config.Config{Host: "localhost", Port: addr.(*net.TCPAddr).Port, Path: "/", Timeout: h2specPatience,
				MaxHeaderLen: 4000, Strict: true, TLS: tls, Insecure: true} // the handshake with the local CA's root is tested elsewhere
			n := 0
			for _, g := range []*h2spec.TestGroup{generic.Spec(), http2.Spec(), hpack.Spec()} {
				eachCase(g, func(name string, tc *h2spec.TestCase) {
					n++
					t.Run(name, func(t *testing.T) {
						t.Parallel()
						run := runCase
						if name == noPreface && !tls {
							run = answersHTTP1
						}
						if err := run(c, tc); err != nil {
							t.Errorf("%s. %s\n%s\n%s", tc.Parent.Title(), tc.Desc, tc.Requirement, explain(err))
						}
					})
				})
			}
			if n != h2specCases {
				t.Errorf("%d cases, want %d", n, h2specCases)
			}
		})
	}
	f("tls", e.https, true)
	f("h2c", e.h2c, false)
}

// kilobyte answers with 1 KB.
func kilobyte(w http.ResponseWriter, _ *http.Request) { fmt.Fprintf(w, "%1024s", "") }

// eachCase calls f for each case of a group and of all below it.
func eachCase(g *h2spec.TestGroup, f func(name string, tc *h2spec.TestCase)) {
	for i, tc := range append(g.Tests, g.StrictTests...) {
		f(fmt.Sprintf("%s/%d", g.ID(), i+1), tc)
	}
	for _, sub := range g.Groups {
		eachCase(sub, f)
	}
}

// noPreface is the case of a client that sends something else than the preface of HTTP/2. By TLS both sides have agreed on HTTP/2
// then, and the connection ends. An address for both protocols takes it for HTTP/1.1, and answers so, which h2spec cannot read.
const noPreface = "http2/3.5/2"

// answersHTTP1 is noPreface where both protocols are spoken: the edge refuses by HTTP/1.1, and closes the connection.
func answersHTTP1(c *config.Config, _ *h2spec.TestCase) error {
	conn, err := net.DialTimeout("tcp", c.Addr(), c.Timeout)
	if err != nil {
		return err
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(c.Timeout))
	if _, err := io.WriteString(conn, "INVALID CONNECTION PREFACE\r\n\r\n"); err != nil {
		return err
	}
	if got, err := io.ReadAll(conn); err != nil || !strings.HasPrefix(string(got), "HTTP/1.1 400 ") {
		return fmt.Errorf("got %q, %v; want 400 by HTTP/1.1 and the end of the connection", got, err)
	}
	return nil
}

// runCase runs one case on a connection of its own. h2spec's own runner would print it, and end the process if it could
// not connect.
func runCase(c *config.Config, tc *h2spec.TestCase) (err error) {
	defer func() {
		if r := recover(); r != nil { // it has a message for what it got, and got nothing
			err = fmt.Errorf("h2spec panicked, as it does where the connection ends before a frame: %v", r)
		}
	}()
	conn, err := h2spec.Dial(c)
	if err != nil {
		return err
	}
	defer conn.Close()
	return tc.Run(c, conn)
}

// TestH2SpecFinds shows the cases a server that never says anything: every one fails.
func TestH2SpecFinds(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0") // connections wait in it
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	c := &config.Config{Host: "127.0.0.1", Port: l.Addr().(*net.TCPAddr).Port, Path: "/", Timeout: 10 * time.Millisecond, Strict: true}
	for _, g := range []*h2spec.TestGroup{generic.Spec(), http2.Spec(), hpack.Spec()} {
		eachCase(g, func(name string, tc *h2spec.TestCase) {
			if runCase(c, tc) == nil {
				t.Errorf("%s passes", name)
			}
		})
	}
}

// explain says what a case expected and what it got.
func explain(err error) string {
	var e *h2spec.TestError
	switch {
	case errors.As(err, &e):
		return "expected: " + strings.Join(e.Expected, "\n      or: ") + "\nactual:   " + e.Actual
	case errors.Is(err, h2spec.ErrSkipped):
		return "h2spec skips it for what the server says of itself: no body, or no limit on streams"
	}
	return err.Error()
}
