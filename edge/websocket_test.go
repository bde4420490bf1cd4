package edge_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"skerry.dev/skerry/edge"
)

// echoSocket is a WebSocket origin that sends back what it gets.
func echoSocket(w http.ResponseWriter, r *http.Request) {
	c, err := websocket.Accept(w, r, &websocket.AcceptOptions{InsecureSkipVerify: true}) // whatever page asks
	if err != nil {
		return
	}
	defer c.CloseNow()
	c.SetReadLimit(1 << 20)
	for {
		kind, b, err := c.Read(r.Context())
		if err != nil {
			return
		}
		if err := c.Write(r.Context(), kind, b); err != nil {
			return
		}
	}
}

func echo(t *testing.T, ctx context.Context, c *websocket.Conn, text string) {
	t.Helper()
	if err := c.Write(ctx, websocket.MessageText, []byte(text)); err != nil {
		t.Fatal(err)
	}
	if _, got, err := c.Read(ctx); err != nil || string(got) != text {
		t.Fatalf("got %d bytes, %v; want %d", len(got), err, len(text))
	}
}

// TestWebSocket: a socket through the edge carries messages of every size, lives through reloads of its own route, and
// ends with the hard stop.
func TestWebSocket(t *testing.T) {
	url := origin(t, echoSocket)
	e, addr := start(t, edge.Options{DrainTimeout: 50 * time.Millisecond}, fmt.Sprintf(released, url, 0, 0))
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	c, _, err := websocket.Dial(ctx, "ws://"+addr+"/chat", &websocket.DialOptions{Host: "shop.test",
		HTTPHeader: http.Header{"Origin": {"http://shop.test"}}})
	if err != nil {
		t.Fatal(err)
	}
	defer c.CloseNow()
	c.SetReadLimit(1 << 20)
	for n := range 20 {
		echo(t, ctx, c, strings.Repeat("x", n*n*n*20))
		if problems := e.Activate(parse(t, fmt.Sprintf(released, url, n+1, n+1))); len(problems) > 0 {
			t.Fatal(problems)
		}
	}
	if err := c.Close(websocket.StatusNormalClosure, "done"); err != nil {
		t.Errorf("close handshake: %v", err)
	}
	c, _, err = websocket.Dial(ctx, "ws://"+addr+"/chat", &websocket.DialOptions{Host: "shop.test"})
	if err != nil {
		t.Fatal(err)
	}
	defer c.CloseNow()
	echo(t, ctx, c, "still there")
	if cut := e.Drain(); cut != 1 {
		t.Errorf("%d connections were cut, want the open socket", cut)
	}
	if _, _, err := c.Read(ctx); err == nil {
		t.Error("the socket outlived the hard stop")
	}
}

// TestWebSocketOff: where the route allows no WebSocket, the origin is asked as for any other request.
func TestWebSocketOff(t *testing.T) {
	asked := make(chan string, 1)
	url := origin(t, func(w http.ResponseWriter, r *http.Request) { asked <- r.Header.Get("Upgrade") })
	e, addr := start(t, edge.Options{}, fmt.Sprintf(released, url, 0, 0)+"  websocket: off\n")
	defer e.Drain()
	defer e.Hurry()
	_, resp, err := websocket.Dial(t.Context(), "ws://"+addr+"/chat", &websocket.DialOptions{Host: "shop.test"})
	if err == nil || resp == nil || resp.StatusCode != http.StatusOK {
		t.Errorf("got %v, %v; want the origin's 200 and no socket", resp, err)
	}
	if got := <-asked; got != "" {
		t.Errorf("the origin was asked to upgrade to %q", got)
	}
}

// TestWebSocketLate: an origin that takes so long over its 101 that somebody watches for the client gets a socket that
// works both ways: who watches has let go of the client's side before the tunnel reads from it.
func TestWebSocketLate(t *testing.T) {
	url := origin(t, func(w http.ResponseWriter, r *http.Request) {
		time.Sleep(150 * time.Millisecond) // the watch begins after 50 ms, and nothing tells when
		echoSocket(w, r)
	})
	e, addr := start(t, edge.Options{}, fmt.Sprintf(released, url, 0, 0))
	defer e.Drain()
	defer e.Hurry()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	c, _, err := websocket.Dial(ctx, "ws://"+addr+"/chat", &websocket.DialOptions{Host: "shop.test"})
	if err != nil {
		t.Fatal(err)
	}
	defer c.CloseNow()
	echo(t, ctx, c, "late, but here")
}
