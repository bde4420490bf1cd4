package exchange

import (
	"fmt"
	"runtime/debug"

	"skerry.dev/skerry/fault"
)

// A Path is the stages of a route in order. It is made once, by plan, and run by many exchanges at once.
type Path struct {
	stages     []Stage
	responders []Responder // nil where the stage is none
	finishers  []Finisher
	render     func(*Exchange)
}

// run is how far an exchange has come on its path.
type run struct {
	ran     int // stages whose Request was called
	back    int // of those, the ones whose Response is still to come
	done    int // of those, the ones whose Done is still to come
	verdict Verdict
}

// NewPath returns the path of these stages. render makes the answer out of x.Fault when no stage has; it only edits
// x.Resp, and keeps the fields that responders put there.
func NewPath(render func(*Exchange), stages ...Stage) *Path {
	p := &Path{stages: stages, render: render}
	for _, s := range stages {
		r, _ := s.(Responder)
		f, _ := s.(Finisher)
		p.responders, p.finishers = append(p.responders, r), append(p.finishers, f)
	}
	return p
}

// Names returns the names of the stages in order.
func (p *Path) Names() []string {
	names := make([]string, len(p.stages))
	for i, s := range p.stages {
		names[i] = s.Name()
	}
	return names
}

// Run takes an exchange along the path: forward until a stage does not say Next, back through the responders of the
// stages that ran, then the answer, or the rendered fault, to the sink, then every finisher. It reports false if the
// stream must be reset: a hook said Abort, or the answer broke off after its head was sent.
func (p *Path) Run(x *Exchange) (complete bool) {
	p.forward(x)
	for x.run.back = x.run.ran; !p.backward(x); {
	}
	if x.run.verdict != Abort && !p.send(x) {
		x.run.verdict = Abort
	}
	x.closeBody()
	for x.run.done = x.run.ran; !p.finish(x); {
	}
	return x.run.verdict != Abort
}

func (p *Path) forward(x *Exchange) {
	defer x.fence()
	for x.run.verdict == Next && x.run.ran < len(p.stages) {
		x.run.ran++ // before the call: a stage that panics has run, and its Done is owed
		x.run.verdict = p.stages[x.run.ran-1].Request(x)
	}
	if x.run.verdict == Next {
		x.Fail(errNoAnswer)
	}
}

var errNoAnswer = fault.New(fault.Internal, "BUG: no stage answered the request")

// backward reports false if a responder panicked: the ones before it still run.
func (p *Path) backward(x *Exchange) (over bool) {
	defer x.fence()
	for x.run.back > 0 && x.run.verdict != Abort {
		x.run.back--
		if r := p.responders[x.run.back]; r != nil && r.Response(x) == Abort {
			x.run.verdict = Abort
		}
	}
	return true
}

// send reports false if the answer broke off, also by a panic of the renderer or of a body.
func (p *Path) send(x *Exchange) (whole bool) {
	defer x.fence()
	if x.Fault == nil && x.Resp.Status == 0 {
		x.Fail(errNoAnswer)
	}
	if x.Fault != nil {
		p.render(x)
	}
	if err := x.sink().Send(x); err != nil {
		x.note(err)
		return false
	}
	return true
}

// closeBody lets go of the response body, read to its end or not: its maker need not be a Finisher.
func (x *Exchange) closeBody() {
	defer x.fence()
	if b := x.Resp.Body; b != nil {
		x.Resp.Body = nil // before the call, so that a Close that panics is not called again
		b.Close()
	}
}

// finish reports false if a finisher panicked: the others still run.
func (p *Path) finish(x *Exchange) (over bool) {
	defer x.fence()
	for x.run.done > 0 {
		x.run.done--
		if f := p.finishers[x.run.done]; f != nil {
			f.Done(x)
		}
	}
	return true
}

// Fail ends an exchange early: it throws away what there is of a response and sets Fault. Stages return what it returns.
func (x *Exchange) Fail(err error) Verdict {
	x.dropResponse()
	x.Fault = err
	x.note(err)
	return Respond
}

// note keeps the first cause for the log.
func (x *Exchange) note(err error) {
	if x.Cause == nil {
		x.Cause = err
	}
}

// dropResponse makes room for another answer.
func (x *Exchange) dropResponse() {
	x.closeBody()
	s := &x.Resp
	*s = Response{Fields: s.Fields[:0], Trailers: s.Trailers[:0], Length: -1, Started: s.Started, Sent: s.Sent}
}

// Answer replaces whatever there is of a response, and any fault, by a new one without fields and body.
func (x *Exchange) Answer(status int) {
	x.dropResponse()
	x.Fault = nil
	x.Resp.Status = status
}

// fence is deferred around hooks: a panic of one exchange ends that exchange and nothing else.
func (x *Exchange) fence() {
	v := recover()
	if v == nil {
		return
	}
	err := fault.New(fault.Panicked, fmt.Sprintf("%v\n%s", v, debug.Stack()))
	if x.Resp.Started {
		x.note(err)
		x.run.verdict = Abort
		return
	}
	x.Fail(err)
	if x.run.verdict == Next {
		x.run.verdict = Respond
	}
}

func (x *Exchange) sink() Sink {
	if x.Sink == nil {
		return Discard{}
	}
	return x.Sink
}

// Discard is the sink of an exchange without a client: it reads the answer to its end and throws it away.
type Discard struct{}

// Interim does nothing.
func (Discard) Interim(*Exchange, int, Fields) error { return nil }

// Interrupt does nothing: there is no client to wait for.
func (Discard) Interrupt() {}

// Watch does nothing.
func (Discard) Watch(func()) (stop func()) { return func() {} }

// Send reads the body to its end.
func (Discard) Send(x *Exchange) error {
	x.Resp.Started = true
	if x.Resp.Body == nil {
		return nil
	}
	for {
		view, err := x.Resp.Body.Next()
		x.Resp.Sent += int64(len(view))
		if err != nil {
			return endOf(err)
		}
	}
}
