package edge_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/coder/websocket"
)

// pinnedDocs are the two ways to one of two origins. The gaps are the name of the way, the release, the protocol, and the endpoint.
const pinnedDocs = `---
apiVersion: skerry.dev/v1
kind: Entrypoint
metadata: {name: %[1]s, owner: team-live}
spec:
  hosts: [%[1]s.test]
  limit: off
  redirect: off
  service: %[1]s
  compress: on
  headers: {request: {set: {X-Release: "%[2]d"}}, response: {set: {X-Release: "%[2]d"}}}
---
apiVersion: skerry.dev/v1
kind: Service
metadata: {name: %[1]s, owner: team-live}
spec:
  protocol: %[3]s
  endpoints: ["%[4]s"]
`

// pinnedOrigin is one of two origins: it says its name, and the release that a request came by, in everything that it sends.
type pinnedOrigin struct {
	name   string
	opened chan chan struct{} // of each stream of events: what lets it go on by one; closed: to its end
}

func (o *pinnedOrigin) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	says := o.name + r.Header.Get("X-Release")
	switch r.URL.Path {
	case "/chat":
		echoSocket(w, r)
	case "/call": // every message comes back behind what the origin says
		duplex(w)
		w.Header().Set("Content-Type", "application/grpc")
		w.Header().Set("Trailer", "Grpc-Status, X-Says")
		flush(w)
		for {
			text, err := readMessage(r.Body)
			if err != nil {
				break
			}
			io.WriteString(w, message(0, says+text))
			flush(w)
		}
		w.Header().Set("Grpc-Status", "0")
		w.Header().Set("X-Says", says)
	case "/events":
		w.Header().Set("Content-Type", "text/event-stream")
		next := make(chan struct{})
		o.opened <- next
		io.WriteString(w, says+"\n")
		flush(w)
		for {
			select {
			case <-r.Context().Done():
				return
			case _, more := <-next:
				if !more {
					return
				}
			}
			io.WriteString(w, says+"\n")
			flush(w)
		}
	default:
		io.WriteString(w, says)
	}
}

// pinned is a stream that is held through reloads.
type pinned struct {
	name string
	step func(says string) error // goes on by one; it must still be said
	end  func(says string) error
}

// TestPinned: what has begun stays with the plan, and the origin, that it began on, through 20 reloads that each change the rules
// of its own route and move its service to another origin. What begins meanwhile sees the new plan.
func TestPinned(t *testing.T) {
	const reloads = 20
	origins := []*pinnedOrigin{{"a", make(chan chan struct{}, 1)}, {"b", make(chan chan struct{}, 1)}}
	urls := [2]map[string]string{{}, {}}
	for i, o := range origins {
		for _, to := range bothProtocols {
			urls[i][to], _ = serveOrigin(t, to, o)
		}
	}
	text := func(n int) (all string) {
		for _, to := range bothProtocols {
			all += fmt.Sprintf(pinnedDocs, to, n, to, urls[n%2][to])
		}
		return all
	}
	c := &crossings{site: open(t, edgeH2C(), map[string]string{"specs/live.yaml": text(0)})}
	for _, to := range bothProtocols {
		c.clients(to)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 3*waiting)
	defer cancel()
	held := map[string][]pinned{} // by what they say: those of release 0, and those of release 7
	for n := range reloads + 1 {
		if n > 0 {
			if problems := c.edge.Activate(parse(t, text(n))); len(problems) > 0 {
				t.Fatal(problems)
			}
		}
		says := fmt.Sprintf("%s%d", origins[n%2].name, n)
		if n == 0 || n == 7 {
			for _, w := range c.ways {
				held[says] = append(held[says], c.pin(t, ctx, w, says, origins[n%2])...)
			}
		}
		for says, streams := range held {
			for _, p := range streams {
				if err := p.step(says); err != nil {
					t.Fatalf("%s, begun as %s, after %d reloads: %v", p.name, says, n, err)
				}
			}
		}
		for _, w := range c.ways {
			r := c.get(ctx, w.client, w.base+"/", "identity")
			if got, err := io.ReadAll(r.Body); string(got) != says || err != nil || r.Header.Get("X-Release") != fmt.Sprint(n) {
				t.Fatalf("%s after %d reloads: %q of release %s, %v", w.name(), n, got, r.Header.Get("X-Release"), err)
			}
		}
	}
	for says, streams := range held {
		for _, p := range streams {
			if err := p.end(says); err != nil {
				t.Errorf("%s, begun as %s: its end: %v", p.name, says, err)
			}
		}
	}
}

// pin opens a stream of each kind by a way.
func (c *crossings) pin(t *testing.T, ctx context.Context, w crossing, says string, o *pinnedOrigin) (all []pinned) {
	t.Helper()
	release := says[1:]
	line := says + "\n"
	r := c.get(ctx, w.client, w.base+"/events", "gzip")
	if got := r.Header.Get("X-Release"); got != release {
		t.Fatalf("%s: events of release %s", w.name(), got)
	}
	read := func(says string) error {
		got := make([]byte, len(line))
		if _, err := io.ReadFull(r.Body, got); err != nil || string(got) != says+"\n" {
			return fmt.Errorf("%q, %w", got, err)
		}
		return nil
	}
	must(t, read(says))
	next := await(t, "stream of events at the origin", o.opened)
	all = append(all, pinned{w.name() + " events", func(says string) error {
		await(t, "stream of events that wants to go on", giving(next))
		return read(says)
	}, func(string) error {
		close(next)
		return noMore(r.Body)
	}})

	k, err := w.begin(ctx, http.MethodPost, "/call", grpcHeader())
	must(t, err)
	call := func(says string) error {
		if _, err := io.WriteString(k.out, message(0, "hello")); err != nil {
			return err
		}
		got, err := readMessage(k.Body)
		if err == nil && got != says+"hello" {
			err = fmt.Errorf("%q", got)
		}
		return err
	}
	all = append(all, pinned{w.name() + " call", call, func(says string) error {
		k.out.Close()
		if err := noMore(k.Body); err != nil {
			return err
		}
		if k.Trailer.Get("X-Says") != says || k.Trailer.Get("Grpc-Status") != "0" || k.Response.Header.Get("X-Release") != release {
			return fmt.Errorf("head %v, trailers %v", k.Response.Header, k.Trailer)
		}
		return nil
	}})
	if w.to == "http2" {
		return all // origins of Go's take no extended CONNECT; TestHeldThroughReloads of wire/interop has it
	}
	socket, upgrade, err := c.dialSocket(ctx, w, "/chat")
	must(t, err)
	if got := upgrade.Header.Get("X-Release"); got != release {
		t.Fatalf("%s: a socket of release %s", w.name(), got)
	}
	return append(all, pinned{w.name() + " socket", func(says string) error {
		if err := socket.Write(ctx, websocket.MessageText, []byte(says)); err != nil {
			return err
		}
		_, got, err := socket.Read(ctx)
		if err == nil && string(got) != says {
			err = fmt.Errorf("%q", got)
		}
		return err
	}, func(string) error { return socket.Close(websocket.StatusNormalClosure, strings.Repeat("bye ", 3)) }})
}

// noMore reads to the end, which must be next.
func noMore(r io.Reader) error {
	rest, err := io.ReadAll(r)
	if err == nil && len(rest) > 0 {
		err = errors.New("more than was sent")
	}
	return err
}
