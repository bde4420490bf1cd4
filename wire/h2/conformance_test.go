package h2_test

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"skerry.dev/skerry/exchange"
	"skerry.dev/skerry/exchange/exchangetest"
	"skerry.dev/skerry/fault"
	"skerry.dev/skerry/wire"
	"skerry.dev/skerry/wire/h1"
	"skerry.dev/skerry/wire/transport"
	"skerry.dev/skerry/wire/wiretest"
)

// origin is a last stage that asks an origin over HTTP/1.1, on a kept connection if there is one.
type origin struct {
	dial func() (net.Conn, error)

	mu   sync.Mutex
	kept []*h1.Client
}

func (o *origin) Name() string { return "origin" }

func (o *origin) client() (*h1.Client, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if n := len(o.kept); n > 0 {
		c := o.kept[n-1]
		o.kept = o.kept[:n-1]
		return c, nil
	}
	raw, err := o.dial()
	if err != nil {
		return nil, fault.Wrap(fault.OriginUnreachable, "dial", err)
	}
	return h1.NewClient(transport.New(raw)), nil
}

func (o *origin) Request(x *exchange.Exchange) exchange.Verdict {
	x.Facts.Origin.Tries++
	c, err := o.client()
	if err != nil {
		return x.Fail(err)
	}
	_, err = c.Send(x, &wire.Request{Host: x.Req.Authority, Path: x.Req.Path, Patience: time.Minute, FirstByte: time.Minute, Now: x.Now})
	if err == nil {
		err = c.Receive(x)
	}
	if err != nil {
		c.End(x)
		c.Close()
		if fault.Of(err) == fault.Internal {
			err = fault.Wrap(fault.OriginClosed, "send", err)
		}
		return x.Fail(err)
	}
	x.Facts.Origin.Held = c
	return exchange.Respond
}

func (o *origin) Done(x *exchange.Exchange) {
	c, ok := x.Facts.Origin.Held.(*h1.Client)
	if !ok {
		return
	}
	x.Facts.Origin.Held = nil
	if !c.End(x) {
		c.Close()
		return
	}
	o.mu.Lock()
	o.kept = append(o.kept, c)
	o.mu.Unlock()
}

// proxy is a rig with an origin.
type proxy struct {
	*rig
	origin *origin
}

func (p proxy) Stop() {
	p.rig.stop()
	for _, c := range p.origin.kept {
		c.Close()
	}
	p.origin.kept = nil
}

func start(t testing.TB, o wiretest.Origin) wiretest.Proxy {
	to := &origin{dial: o.Dial}
	return proxy{serve(t, to), to}
}

// speech is how a client of HTTP/2 says what the tables of answers need, a new client for each case.
func speech() wiretest.Speech {
	var h *wiretest.H2
	var at net.Conn
	var id uint32
	get := func(c net.Conn) error {
		if at != c {
			at, h = c, wiretest.NewH2(c)
		}
		id = h.Get()
		return h.Broken
	}
	got := func(status, body string) func(net.Conn) error {
		return func(net.Conn) error {
			if a := h.Await(id); a.Status != status || a.Body != body || !a.Ended {
				return fmt.Errorf("got %v, %v", a, h.Closed)
			}
			return nil
		}
	}
	return wiretest.Speech{Get: wiretest.OnClient("GET on HTTP/2", get),
		Failed: wiretest.OnClient("502 on HTTP/2", got("502", "")), OK: wiretest.OnClient("200 on HTTP/2", got("200", "hi"))}
}

// TestBadAnswers plays every answer of an origin that must not be repaired.
func TestBadAnswers(t *testing.T) { wiretest.TestBadAnswers(t, start, speech()) }

// TestWitnesses runs the five witness stages between sockets.
func TestWitnesses(t *testing.T) { exchangetest.Witnesses(t, serveWitness) }

func serveWitness(t *testing.T, path *exchange.Path, request string) exchangetest.Result {
	t.Helper()
	over := make(chan bool, 1)
	r := serveHandler(t, func(x *exchange.Exchange) bool {
		complete := path.Run(x)
		over <- complete
		return complete
	})
	defer r.stop()
	h := r.client()
	fields, body, ok := translate(strings.ReplaceAll(strings.Replace(request, "\n\n", "\n\n\x00", 1), "\n", "\r\n"))
	if !ok {
		t.Fatalf("%q is not to be said in HTTP/2", request)
	}
	body = strings.TrimPrefix(body, "\x00")
	id := h.Ask(body == "", fields...)
	if body != "" {
		h.Data(id, true, body)
	}
	a := h.Await(id)
	var status int
	fmt.Sscan(a.Status, &status)
	got := exchangetest.Result{Status: status, Body: a.Body, Complete: <-over && a.Ended && a.Reset == nil}
	h.Conn.Close()
	r.server.Drain()
	r.server.Wait() // the exchange is released then
	return got
}

// translate says a request of HTTP/1.1 in fields of HTTP/2, if that is possible: its lines are well-formed, and it is
// not about what only HTTP/1.1 has.
func translate(request string) (fields []string, body string, ok bool) {
	head, body, _ := strings.Cut(request, "\r\n\r\n")
	lines := strings.Split(strings.TrimSuffix(head, "\r\n"), "\r\n")
	words := strings.Split(lines[0], " ")
	if len(words) != 3 || words[2] != "HTTP/1.1" {
		return nil, "", false
	}
	fields = []string{":method", words[0], ":scheme", "http", ":path", words[1]}
	var authority, rest []string
	twoHosts := strings.Count(strings.ToLower(head), "\nhost:") > 1
	for _, line := range lines[1:] {
		name, value, found := strings.Cut(line, ":")
		if !found || strings.ContainsAny(name, " \t") || name == "" {
			return nil, "", false
		}
		value = strings.Trim(value, " \t")
		switch name = strings.ToLower(name); {
		case name == "host" && !twoHosts:
			authority = []string{":authority", value}
		case name == "transfer-encoding":
			return nil, "", false
		default:
			rest = append(rest, name, value)
		}
	}
	return slices.Concat(fields, authority, rest), body, true
}

// TestRefused plays the requests that HTTP/1.1 refuses, as far as HTTP/2 can say them: none reaches the origin.
func TestRefused(t *testing.T) {
	played := 0
	for _, c := range wiretest.Refused {
		fields, body, ok := translate(c.Bytes)
		// Rules 1 and 3 are about lines; 9 and 12 about Connection, which HTTP/2 does not have: see TestBorder.
		if !ok || c.Rule == 1 || c.Rule == 3 || c.Rule == 12 && !strings.HasPrefix(c.Bytes, "CONNECT") || strings.Contains(c.Name, "without an end") {
			continue
		}
		played++
		t.Run(fmt.Sprintf("rule %d/%s", c.Rule, c.Name), func(t *testing.T) {
			reached := false
			r := serve(t, answer(func(x *exchange.Exchange) exchange.Verdict {
				if b, ok := x.Req.Body.(exchange.Whole); ok { // as an origin's client does
					if _, err := b.Whole(); err != nil {
						return x.Fail(err)
					}
				}
				reached = true
				return exchangetest.Say(200, "")(x)
			}))
			h := r.client()
			id := h.Ask(body == "", fields...)
			if body != "" {
				h.Data(id, true, body)
			}
			a := h.Await(id)
			h.Conn.Close()
			r.stop()
			if reached || a.Reset == nil && a.Status != fmt.Sprint(c.Status) && a.Status != "400" {
				t.Errorf("got %v, want %d; the origin was reached: %v", a, c.Status, reached)
			}
		})
	}
	if played < 60 {
		t.Errorf("%d requests were played, want most of the table", played)
	}
}

// TestPasses plays the requests that go through, as far as HTTP/2 can say them. What arrives at the origin is what
// arrives over HTTP/1.1, but for the order of the fields and the capitals in their names.
func TestPasses(t *testing.T) {
	played := 0
	for _, c := range wiretest.Passes {
		fields, body, ok := translate(c.Sent)
		if !ok || strings.Contains(c.Sent, "Connection:") || strings.Contains(c.Sent, "Upgrade:") || strings.Contains(c.Sent, "http://") || strings.Contains(c.Sent, "https://") {
			continue
		}
		played++
		t.Run(c.Name, func(t *testing.T) {
			got, status := passed(t, fields, body)
			if status != "200" || sorted(got) != sorted(c.Arrives) {
				t.Errorf("%s; the origin got\n%s\nwant\n%s", status, sorted(got), sorted(c.Arrives))
			}
		})
	}
	if played < 20 {
		t.Errorf("%d requests were played, want most of the table", played)
	}
}

// passed sends a request through a proxy and returns what arrived at the origin.
func passed(t *testing.T, fields []string, body string) (arrived, status string) {
	t.Helper()
	near, far := bufferedPipe()
	to := &origin{dial: func() (net.Conn, error) { return near, nil }}
	r := serve(t, to)
	h := r.client()
	id := h.Ask(body == "", fields...)
	if body != "" {
		h.Data(id, true, body)
	}
	var all bytes.Buffer
	for one := make([]byte, 64<<10); !bytes.Contains(all.Bytes(), []byte("\r\n\r\n"+body)); {
		n, err := far.Read(one)
		all.Write(one[:n])
		if err != nil {
			t.Fatal(err)
		}
	}
	io.WriteString(far, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
	status = h.Await(id).Status
	proxy{r, to}.Stop()
	return all.String(), status
}

// sorted is a message with its fields in order, their names in small letters.
func sorted(message string) string {
	head, body, _ := strings.Cut(message, "\r\n\r\n")
	lines := strings.Split(head, "\r\n")
	for i, line := range lines[1:] {
		name, value, _ := strings.Cut(line, ":")
		lines[i+1] = strings.ToLower(name) + ":" + value
	}
	slices.Sort(lines[1:])
	return strings.Join(lines, "\n") + "\n\n" + body
}
