package edge_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"golang.org/x/net/http2"

	"skerry.dev/skerry/edge"
)

// TestAnnouncedSockets: a WebSocket takes the connection that its client's requests have gone over, has it for itself until it ends, and
// with it the connection ends; requests beside it and behind it go over another one, which is announced as the same client's.
func TestAnnouncedSockets(t *testing.T) {
	sockets := newSocketOrigin()
	o, url := startAnnounced(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-For", r.Context().Value(headerKey{}).(*announcedConn).ProxyHeader().SourceAddr.String())
		if r.URL.Path == "/page" {
			io.WriteString(w, "a page")
			return
		}
		sockets.ServeHTTP(w, r)
	})
	both := freeAddr(t)
	e, _ := start(t, edge.Options{H2C: []string{both}, DrainTimeout: 5 * time.Second},
		fmt.Sprintf(announcedSpec, "    - {match: {prefix: /}, service: all}\n  websocket: on\n")+fmt.Sprintf(announcedService, "all", url, "v2"))
	t.Cleanup(func() { e.Hurry(); e.Drain() })
	for i, protocol := range []string{"HTTP/1.1", "HTTP/2"} {
		o.mu.Lock()
		o.conns = map[string][]string{}
		o.mu.Unlock()
		mine := make(chan string, 1) // the address of the client's last connection
		dial := func(ctx context.Context, network, _ string) (net.Conn, error) {
			c, err := new(net.Dialer).DialContext(ctx, network, both)
			if err == nil {
				if len(mine) > 0 {
					<-mine
				}
				mine <- c.LocalAddr().String()
			}
			return c, err
		}
		client := &http.Client{Transport: &oneByOne{dial: dial}}
		opens := client
		if protocol == "HTTP/2" {
			tr := &http2.Transport{AllowHTTP: true, DialTLSContext: func(ctx context.Context, network, addr string, _ *tls.Config) (net.Conn, error) {
				return dial(ctx, network, addr)
			}}
			client, opens = &http.Client{Transport: tr}, &http.Client{Transport: connects{tr}}
		}
		forMe := func(what string, a *http.Response) {
			t.Helper()
			me := <-mine
			if mine <- me; a.Header.Get("X-For") != me {
				t.Errorf("%s: %s of %s went over a connection announced as that of %q", protocol, what, me, a.Header.Get("X-For"))
			}
		}
		went := func(want ...string) {
			t.Helper()
			o.mu.Lock()
			defer o.mu.Unlock()
			var got []string
			for _, paths := range o.conns {
				got = append(got, strings.Join(paths, " "))
			}
			if slices.Sort(got); !slices.Equal(got, want) {
				t.Errorf("%s: over the connections went %q, want %q", protocol, got, want)
			}
		}
		page := func() {
			t.Helper()
			a, err := client.Get("http://shop.test/page")
			must(t, err)
			text, err := io.ReadAll(a.Body)
			if a.Body.Close(); string(text) != "a page" || err != nil {
				t.Errorf("%s: got %q, %v", protocol, text, err)
			}
			forMe("a page", a)
		}
		page()
		ctx, cancel := context.WithTimeout(t.Context(), waiting)
		defer cancel()
		socket, a, err := websocket.Dial(ctx, "http://shop.test/socket", &websocket.DialOptions{HTTPClient: opens})
		must(t, err)
		defer socket.CloseNow()
		<-sockets.opened
		forMe("a socket", a)
		went("/page /socket")
		echo(t, ctx, socket, "hello")
		behind := "/page"
		if protocol == "HTTP/2" {
			page()
			echo(t, ctx, socket, "beside a page")
			went(behind, "/page /socket")
			behind += " /page"
		}
		must(t, socket.Close(4321, "enough"))
		if err := await(t, "end of the socket", sockets.ended); websocket.CloseStatus(err) != 4321 {
			t.Errorf("%s: the service saw %v", protocol, err)
		}
		page()
		went(behind, "/page /socket")
		client.CloseIdleConnections()
		o.await(t, fmt.Sprint(i+1, " connections have ended"), func() bool { return o.ended == i+1 }) // of those without sockets
	}
}

// oneByOne is a client of HTTP/1.1 that has one connection for all, which net/http's does not take for an upgrade.
type oneByOne struct {
	dial func(ctx context.Context, network, addr string) (net.Conn, error)
	conn net.Conn // nil: the next request makes one
	in   *bufio.Reader
}

// RoundTrip implements http.RoundTripper.
func (c *oneByOne) RoundTrip(r *http.Request) (a *http.Response, err error) {
	if c.conn == nil {
		if c.conn, err = c.dial(r.Context(), "tcp", r.URL.Host); err != nil {
			return nil, err
		}
		c.in = bufio.NewReader(c.conn)
	}
	if err := r.Write(c.conn); err != nil {
		return nil, err
	}
	if a, err = http.ReadResponse(c.in, r); err == nil && a.StatusCode == http.StatusSwitchingProtocols {
		a.Body = struct {
			io.Reader
			io.WriteCloser
		}{c.in, c.conn}
		c.conn = nil
	}
	return a, err
}

// CloseIdleConnections is what http.Client calls.
func (c *oneByOne) CloseIdleConnections() {
	if c.conn != nil {
		c.conn.Close()
	}
}
