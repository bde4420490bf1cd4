package cachetest

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// numberField tells answers apart: the origin numbers what it says within a case. A 304 has none, so that a stored answer keeps
// its own.
const numberField = "Origin-Answer"

// Origin is a server of HTTP/1.1 on a loopback port that answers as the cases under way say. What it writes it writes itself,
// byte for byte: net/http would mend what a case wants broken. It is safe for any number of clients.
type Origin struct {
	listener net.Listener
	over     chan struct{}
	serving  sync.WaitGroup

	mu    sync.Mutex
	conns map[net.Conn]bool
	plays map[string]*play
}

// NewOrigin starts an origin. Its user closes it.
func NewOrigin() (*Origin, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("the origin of cache cases: %w", err)
	}
	o := &Origin{listener: l, over: make(chan struct{}), conns: map[net.Conn]bool{}, plays: map[string]*play{}}
	o.serving.Go(o.accept)
	return o, nil
}

// URL is where the origin is asked, without a path.
func (o *Origin) URL() string { return "http://" + o.Addr() }

// Addr is its host and port.
func (o *Origin) Addr() string { return o.listener.Addr().String() }

// Close ends the origin and every connection to it, and waits until they have ended.
func (o *Origin) Close() error {
	err := o.listener.Close()
	close(o.over)
	o.mu.Lock()
	open := maps.Clone(o.conns)
	o.mu.Unlock()
	for c := range open {
		_ = c.Close()
	}
	o.serving.Wait()
	return err
}

func (o *Origin) accept() {
	for {
		c, err := o.listener.Accept()
		if err != nil {
			return
		}
		o.mu.Lock()
		o.conns[c] = true
		o.mu.Unlock()
		o.serving.Go(func() { o.serve(c) })
	}
}

// serve answers the requests of one connection until one of its answers ends it.
func (o *Origin) serve(c net.Conn) {
	defer func() {
		_ = c.Close()
		o.mu.Lock()
		delete(o.conns, c)
		o.mu.Unlock()
	}()
	r := bufio.NewReader(c)
	for {
		q, err := http.ReadRequest(r)
		if err != nil {
			return
		}
		body, err := io.ReadAll(io.LimitReader(q.Body, answerBytesMax))
		if err != nil || !o.answer(c, q, string(body)) || q.Close {
			return
		}
	}
}

// answer reports whether the connection goes on.
func (o *Origin) answer(c net.Conn, q *http.Request, body string) bool {
	id, _, _ := strings.Cut(strings.TrimPrefix(q.URL.Path, "/"), "/")
	o.mu.Lock()
	p := o.plays[id]
	o.mu.Unlock()
	if p == nil {
		_, err := io.WriteString(c, "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nCache-Control: no-store\r\n\r\n")
		return err == nil
	}
	n, reply := p.ask(q, body)
	if reply.Hold && !o.hold(p.gathered()) {
		return false
	}
	if reply.HangUp {
		return false
	}
	_, err := io.WriteString(c, p.render(q, n, reply))
	return err == nil && !reply.Cut
}

// hold waits until a crowd has gathered, and for heldFor then; false: the origin ends.
func (o *Origin) hold(gathered <-chan struct{}) bool {
	gathering := time.NewTimer(gatherMax)
	defer gathering.Stop()
	select {
	case <-gathered:
	case <-gathering.C:
	case <-o.over:
		return false
	}
	held := time.NewTimer(heldFor)
	defer held.Stop()
	select {
	case <-held.C:
		return true
	case <-o.over:
		return false
	}
}

// ask is one request that came to the origin, and what was said to it.
type ask struct {
	method, target, host, body string
	header                     http.Header
	status                     int
	said                       string // the body
}

// play is one case under way, as the origin sees it.
type play struct {
	names names

	mu    sync.Mutex
	step  *Step
	crowd *crowding
	first int // how many asks there were before the step
	asks  []ask
	news  chan struct{} // something was asked
}

// crowding is the clients of a step, of which some have not sent their requests yet.
type crowding struct {
	unsent atomic.Int64
	all    chan struct{} // closed: they all have
}

// open lets the origin know a case.
func (o *Origin) open(n names) *play {
	p := &play{names: n, news: make(chan struct{}, 1)}
	o.mu.Lock()
	o.plays[n.id] = p
	o.mu.Unlock()
	return p
}

func (o *Origin) forget(p *play) {
	o.mu.Lock()
	delete(o.plays, p.names.id)
	o.mu.Unlock()
}

// begin makes s what the origin answers from now on.
func (p *play) begin(s *Step) {
	c := &crowding{all: make(chan struct{})}
	c.unsent.Store(int64(max(s.Crowd, 1)))
	p.mu.Lock()
	p.step, p.first, p.crowd = s, len(p.asks), c
	p.mu.Unlock()
}

// sending returns what one of the step's clients does when it has sent its request.
func (p *play) sending() func() {
	p.mu.Lock()
	defer p.mu.Unlock()
	c := p.crowd
	return func() {
		if c.unsent.Add(-1) == 0 {
			close(c.all)
		}
	}
}

// gathered is closed when all clients of the step have sent their requests.
func (p *play) gathered() <-chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.crowd.all
}

// during is what was asked since the step began, and how much before.
func (p *play) during() (asks []ask, before int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]ask(nil), p.asks[p.first:]...), p.first
}

// numbered is the ask with a number, counted from 1.
func (p *play) numbered(n int) (ask, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if n < 1 || n > len(p.asks) {
		return ask{}, fmt.Errorf("%s: %d, but the origin gave %d answers", numberField, n, len(p.asks))
	}
	return p.asks[n-1], nil
}

// awaitAsk waits until the origin was asked since the step began.
func (p *play) awaitAsk() error {
	limit := time.NewTimer(inTheEnd)
	defer limit.Stop()
	for {
		if asks, _ := p.during(); len(asks) > 0 {
			return nil
		}
		select {
		case <-p.news:
		case <-limit.C:
			return errors.New("the origin was not asked behind the answer")
		}
	}
}

// ask notes a request and decides what it gets.
func (p *play) ask(q *http.Request, body string) (number int, r Reply) {
	p.mu.Lock()
	defer p.mu.Unlock()
	number = len(p.asks) + 1
	if p.step != nil {
		r = p.step.Reply
	}
	conditional := q.Header.Get("If-None-Match") != "" || q.Header.Get("If-Modified-Since") != ""
	switch {
	case r.Validate && conditional:
		r.Status, r.Empty, r.Chunked, r.Trailers = http.StatusNotModified, true, false, ""
	case r.Status == 0:
		r.Status = http.StatusOK
	}
	if r.Body == "" && !r.Empty {
		r.Body = "answer " + strconv.Itoa(number) + " of " + p.names.id
	}
	r.Body = p.names.expand(r.Body)
	p.asks = append(p.asks, ask{method: q.Method, target: q.RequestURI, host: q.Host, body: body, header: q.Header, status: r.Status, said: r.Body})
	select {
	case p.news <- struct{}{}:
	default:
	}
	return number, r
}

// render is the bytes of an answer.
func (p *play) render(q *http.Request, number int, r Reply) string {
	var b strings.Builder
	for _, interim := range r.Interim {
		code, fields, _ := strings.Cut(interim, "\n")
		fmt.Fprintf(&b, "HTTP/1.1 %s Interim\r\n", code)
		eachField(fields, func(name, value string) { fmt.Fprintf(&b, "%s: %s\r\n", name, value) })
		b.WriteString("\r\n")
	}
	fmt.Fprintf(&b, "HTTP/1.1 %d %s\r\n", r.Status, http.StatusText(r.Status))
	dated := false
	eachField(p.names.expand(r.Fields), func(name, value string) {
		date, size := strings.EqualFold(name, "Date"), strings.EqualFold(name, "Content-Length")
		dated = dated || date
		if date && value == "" || size && r.Status != http.StatusNotModified { // a length of its own only where no body follows
			return
		}
		fmt.Fprintf(&b, "%s: %s\r\n", name, value)
	})
	if !dated {
		fmt.Fprintf(&b, "Date: %s\r\n", time.Now().UTC().Format(http.TimeFormat))
	}
	bodiless := r.Status == http.StatusNotModified || r.Status == http.StatusNoContent
	if r.Status != http.StatusNotModified {
		fmt.Fprintf(&b, "%s: %d\r\n", numberField, number)
	}
	chunked := (r.Chunked || r.Trailers != "") && !bodiless
	switch {
	case chunked:
		b.WriteString("Transfer-Encoding: chunked\r\n")
	case !bodiless:
		fmt.Fprintf(&b, "Content-Length: %d\r\n", len(r.Body))
	}
	b.WriteString("\r\n")
	if q.Method != http.MethodHead && !bodiless {
		b.WriteString(p.payload(r, chunked))
	}
	return b.String()
}

// payload is the framed body, or its first half.
func (p *play) payload(r Reply, chunked bool) string {
	if !chunked {
		if r.Cut {
			return r.Body[:len(r.Body)/2]
		}
		return r.Body
	}
	half := len(r.Body) / 2
	var b strings.Builder
	for _, part := range []string{r.Body[:half], r.Body[half:]} {
		if part != "" {
			fmt.Fprintf(&b, "%x\r\n%s\r\n", len(part), part)
		}
		if r.Cut {
			return b.String()
		}
	}
	b.WriteString("0\r\n")
	eachField(p.names.expand(r.Trailers), func(name, value string) { fmt.Fprintf(&b, "%s: %s\r\n", name, value) })
	b.WriteString("\r\n")
	return b.String()
}
