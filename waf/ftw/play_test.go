package ftw_test

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"regexp"
	"sync"
	"testing"
	"time"

	"skerry.dev/skerry/waf/waftest"
)

const (
	// players is how many requests are under way at once: enough to keep two processors busy.
	players = 8
	// exchangePatience is how long one exchange may take, on a busy machine.
	exchangePatience = 30 * time.Second
	// eventPatience is how long an event may come after the last answer; the edge keeps lines for 200 ms.
	eventPatience = 10 * time.Second
)

// recorded is what came of a request: the bytes of the answer, and the lines of the event that has the answer's id.
type recorded struct {
	answer []byte
	lines  string
}

// play sends the request of every stage through the server, each on a connection of its own, and returns what came of it,
// by the bytes of the request.
//
// It runs before go-ftw, which asks one request after another and wants its log line at once: the edge writes its events
// when it likes, and serves many clients at the same time.
func play(t *testing.T, server net.Addr, events io.Reader) map[string]*recorded {
	t.Helper()
	all := map[string]*recorded{}
	var order []string
	for _, tt := range waftest.Tests(t) {
		for _, s := range tt.Stages {
			raw := string(s.Raw())
			if all[raw] == nil && wanted(tt.ID) {
				all[raw] = &recorded{}
				order = append(order, raw)
			}
		}
	}
	logged := collect(t, events)
	requests := make(chan string)
	var workers sync.WaitGroup
	for range players {
		workers.Go(func() {
			for raw := range requests {
				answer, err := ask(server, raw)
				if err != nil {
					t.Errorf("%.80q: %v", raw, err)
				}
				all[raw].answer = answer
			}
		})
	}
	for _, raw := range order {
		requests <- raw
	}
	close(requests)
	workers.Wait()
	for raw, r := range all {
		if id := exchangeID(r.answer); id != "" {
			lines, ok := logged.await(id)
			if !ok {
				t.Fatalf("the exchange %s has no event within %v; its request: %.200q", id, eventPatience, raw)
			}
			r.lines = lines
		}
	}
	return all
}

// ask sends a request and reads the answer as far as it is one; what is none is no error: some tests want that.
func ask(server net.Addr, raw string) (answer []byte, err error) {
	c, err := net.Dial("tcp", server.String())
	if err != nil {
		return nil, err
	}
	defer c.Close()
	if err := c.SetDeadline(time.Now().Add(exchangePatience)); err != nil {
		return nil, err
	}
	if _, err := io.WriteString(c, raw); err != nil {
		return nil, err
	}
	var all bytes.Buffer
	method := waftest.ParseRequest([]byte(raw)).Method
	resp, err := http.ReadResponse(bufio.NewReader(io.TeeReader(c, &all)), &http.Request{Method: method})
	if err == nil {
		_, err = io.Copy(io.Discard, resp.Body)
	}
	if late, ok := err.(net.Error); ok && late.Timeout() {
		return nil, fmt.Errorf("no whole answer within %v: %q", exchangePatience, all.Bytes())
	}
	return all.Bytes(), nil
}

// ids finds the id of an exchange in its answer: in a field, or in the problem that the edge renders.
var ids = regexp.MustCompile(`(?:(?i:\r\nX-Request-ID: )|urn:skerry:request:)([0-9a-f]{32})`)

// exchangeID returns the id of the exchange, or "" of an answer without one: it never reached the rules.
func exchangeID(answer []byte) string {
	if m := ids.FindSubmatch(answer); m != nil {
		return string(m[1])
	}
	return ""
}

// log is the events so far, by the id of the exchange.
type log struct {
	mu    sync.Mutex
	lines map[string]string
	more  chan struct{} // closed with the next event
}

// collect reads events until they end, which is when the server does.
func collect(t *testing.T, events io.Reader) *log {
	l := &log{lines: map[string]string{}, more: make(chan struct{})}
	go func() {
		if err := translate(events, l.add); err != nil {
			t.Errorf("the events of the server: %v", err)
		}
	}()
	return l
}

func (l *log) add(id, lines string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lines[id] = lines
	close(l.more)
	l.more = make(chan struct{})
}

// await returns the lines of an exchange once they have come.
func (l *log) await(id string) (lines string, ok bool) {
	late := time.After(eventPatience)
	for {
		l.mu.Lock()
		lines, ok := l.lines[id]
		more := l.more
		l.mu.Unlock()
		if ok {
			return lines, true
		}
		select {
		case <-more:
		case <-late:
			return "", false
		}
	}
}
