package exchangetest

import (
	"bytes"
	"io"
	"sync"

	"skerry.dev/skerry/exchange"
	"skerry.dev/skerry/fault"
)

// Origin is a last stage that answers by a function; what that returns is its verdict.
type Origin struct {
	Ledger
	Answer func(x *exchange.Exchange) exchange.Verdict
}

// Name is "origin".
func (o *Origin) Name() string { return "origin" }

// Request answers.
func (o *Origin) Request(x *exchange.Exchange) exchange.Verdict {
	o.Enter(x)
	return o.Answer(x)
}

// Done keeps the books.
func (o *Origin) Done(x *exchange.Exchange) { o.Leave(x) }

// Say returns an answer for Origin: a status and a body.
func Say(status int, body string) func(*exchange.Exchange) exchange.Verdict {
	return func(x *exchange.Exchange) exchange.Verdict {
		x.Answer(status)
		x.Resp.Body = exchange.NewBytes([]byte(body))
		return exchange.Respond
	}
}

// Break returns an answer for Origin: a fault.
func Break(k fault.Kind) func(*exchange.Exchange) exchange.Verdict {
	return func(x *exchange.Exchange) exchange.Verdict { return x.Fail(fault.New(k, "the origin of a test")) }
}

// Buffer is the first witness: it reads the request body into memory, up to a limit, so that a later stage can send it
// more than once.
type Buffer struct {
	Ledger
	max int
}

// NewBuffer returns a Buffer of max bytes; a larger body is a fault.
func NewBuffer(max int) *Buffer { return &Buffer{max: max} }

// Name is "buffer".
func (b *Buffer) Name() string { return "buffer" }

// Request takes the body's place.
func (b *Buffer) Request(x *exchange.Exchange) exchange.Verdict {
	b.Enter(x)
	if x.Req.Body == nil {
		return exchange.Next
	}
	data, err := readAll(x.Req.Body, b.max)
	if err != nil {
		return x.Fail(err)
	}
	x.Req.Body = exchange.NewBytes(data)
	return exchange.Next
}

// Done keeps the books.
func (b *Buffer) Done(x *exchange.Exchange) { b.Leave(x) }

var errTooLarge = fault.New(fault.BodyTooLarge, "the request body is larger than the witness may buffer")

func readAll(body exchange.Body, max int) ([]byte, error) {
	var all bytes.Buffer
	for {
		view, err := body.Next()
		if all.Write(view); all.Len() > max {
			return nil, errTooLarge
		}
		if err == io.EOF {
			return all.Bytes(), nil
		}
		if err != nil {
			return nil, err
		}
	}
}

// Wrap is the second witness: it puts a body of its own around the response's, which shouts.
type Wrap struct{ Ledger }

// NewWrap returns a Wrap.
func NewWrap() *Wrap { return &Wrap{} }

// Name is "wrap".
func (w *Wrap) Name() string { return "wrap" }

// Request does nothing.
func (w *Wrap) Request(x *exchange.Exchange) exchange.Verdict { w.Enter(x); return exchange.Next }

// Response wraps the body.
func (w *Wrap) Response(x *exchange.Exchange) exchange.Verdict {
	if x.Resp.Body != nil {
		x.Resp.Body = &shout{Body: x.Resp.Body, ledger: &w.Ledger}
		w.body(+1)
	}
	return exchange.Next
}

// Done keeps the books.
func (w *Wrap) Done(x *exchange.Exchange) { w.Leave(x) }

type shout struct {
	exchange.Body
	ledger *Ledger
	once   sync.Once
}

func (s *shout) Next() ([]byte, error) {
	view, err := s.Body.Next()
	return bytes.ToUpper(view), err
}

func (s *shout) Close() error {
	s.once.Do(func() { s.ledger.body(-1) })
	return s.Body.Close()
}

// Stored is the third witness: it answers in the place of a fault.
type Stored struct {
	Ledger
	body []byte
}

// NewStored returns a Stored that answers 200 with body.
func NewStored(body string) *Stored { return &Stored{body: []byte(body)} }

// Name is "stored".
func (s *Stored) Name() string { return "stored" }

// Request does nothing.
func (s *Stored) Request(x *exchange.Exchange) exchange.Verdict { s.Enter(x); return exchange.Next }

// Response replaces a fault.
func (s *Stored) Response(x *exchange.Exchange) exchange.Verdict {
	if x.Fault == nil {
		return exchange.Next
	}
	x.Answer(200)
	x.Resp.Fields.Add(exchange.NameWarning, []byte(`111 - "Revalidation Failed"`))
	x.Resp.Body = x.InMemory(s.body)
	return exchange.Respond
}

// Done keeps the books; the log must still learn why the origin's answer was replaced.
func (s *Stored) Done(x *exchange.Exchange) {
	if x.Fault != nil || x.Cause == nil {
		s.fail("fault %v, cause %v after the answer was replaced", x.Fault, x.Cause)
	}
	s.Leave(x)
}

// Refresh is the fourth witness: it answers at once from memory and runs its Tail when told to, which may be long
// after the client has gone and its exchange was released. Everything the Tail needs is copied in Request.
type Refresh struct {
	Ledger
	tail    *exchange.Path
	body    []byte
	run     chan struct{}
	started sync.WaitGroup
}

// NewRefresh returns a Refresh that answers 200 with body.
func NewRefresh(body string, tail *exchange.Path) *Refresh {
	return &Refresh{tail: tail, body: []byte(body), run: make(chan struct{})}
}

// Name is "refresh".
func (r *Refresh) Name() string { return "refresh" }

// Request answers and sets its Tail up.
func (r *Refresh) Request(x *exchange.Exchange) exchange.Verdict {
	r.Enter(x)
	t := Detach(x)
	r.started.Go(func() {
		defer t.Release()
		<-r.run
		if !r.tail.Run(t) {
			r.fail("the tail was aborted: %v", t.Cause)
		}
	})
	x.Answer(200)
	x.Resp.Body = x.InMemory(r.body)
	return exchange.Respond
}

// Done keeps the books.
func (r *Refresh) Done(x *exchange.Exchange) { r.Leave(x) }

// Close lets the tails run and waits for them.
func (r *Refresh) Close() {
	close(r.run)
	r.started.Wait()
}

// Detach copies the request of x, without its body, to a new exchange that has neither connection nor sink.
func Detach(x *exchange.Exchange) *exchange.Exchange {
	t := exchange.Acquire()
	s, from, to := &t.Scratch, &x.Req, &t.Req
	to.Method, to.MethodName, to.Minor = from.Method, s.Copy(from.MethodName), from.Minor
	to.Host, to.Port, to.Authority = s.Copy(from.Host), from.Port, s.Copy(from.Authority)
	to.Path, to.RawPath, to.Query = s.Copy(from.Path), s.Copy(from.RawPath), s.Copy(from.Query)
	for _, f := range from.Fields {
		to.Fields = append(to.Fields, exchange.Field{ID: f.ID, Name: s.Copy(f.Name), Value: s.Copy(f.Value)})
	}
	t.Route, t.Now, t.Facts.RequestID = x.Route, x.Now, x.Facts.RequestID
	return t
}

// The hooks in which a Panic can panic.
const (
	InRequest  = "request"
	InResponse = "response"
	InBody     = "body" // of the response, in its first Next
	InClose    = "close"
	InDone     = "done"
)

// Panic is the fifth witness: it panics in one hook.
type Panic struct {
	Ledger
	hook string
}

// NewPanic returns a Panic for one of the hooks.
func NewPanic(hook string) *Panic { return &Panic{hook: hook} }

// Name is "panic".
func (p *Panic) Name() string { return "panic" }

func (p *Panic) at(hook string) {
	if p.hook == hook {
		panic("BUG: the witness panics in " + hook)
	}
}

// Request panics for InRequest.
func (p *Panic) Request(x *exchange.Exchange) exchange.Verdict {
	p.Enter(x)
	p.at(InRequest)
	return exchange.Next
}

// Response panics for InResponse, and wraps the body for InBody and InClose.
func (p *Panic) Response(x *exchange.Exchange) exchange.Verdict {
	p.at(InResponse)
	if x.Resp.Body != nil && (p.hook == InBody || p.hook == InClose) {
		x.Resp.Body = &bomb{x.Resp.Body, p}
	}
	return exchange.Next
}

// Done panics for InDone.
func (p *Panic) Done(x *exchange.Exchange) {
	p.Leave(x)
	p.at(InDone)
}

type bomb struct {
	exchange.Body
	p *Panic
}

func (b *bomb) Next() ([]byte, error) {
	b.p.at(InBody)
	return b.Body.Next()
}

func (b *bomb) Close() error {
	defer b.p.at(InClose)
	return b.Body.Close()
}
