package mirror

import (
	"fmt"
	"io"
	"runtime/debug"
	"sync/atomic"
	"time"

	"skerry.dev/skerry/exchange"
	"skerry.dev/skerry/fault"
)

// send starts a copy of x with a body, nil for none. The caller has a place for it. If body is a view it is copied; otherwise
// it must stay as it is.
func (s *Stage) send(x *exchange.Exchange, body []byte, view bool) {
	x.Facts.Origin.Mirror = s.service
	c := &duplicate{stage: s, by: time.Now().Add(timeMax)}
	c.x = c.detach(x, body, view)
	go c.run()
}

// duplicate is a copy in flight. It is the sink of its exchange: a client who takes nothing, and leaves when time is up.
type duplicate struct {
	exchange.Discard
	stage    *Stage
	x        *exchange.Exchange
	body     exchange.Bytes
	by       time.Time   // when it is cut
	answered bool        // a response head came
	left     atomic.Bool // it was cut
}

// run takes the copy to its end and gives its place back, whatever happens. The path fences its stages; what panics
// beside it costs this copy only.
func (c *duplicate) run() {
	k := c.stage.keep
	defer func() {
		if v := recover(); v != nil {
			c.stage.fail(fault.New(fault.Panicked, fmt.Sprintf("%v\n%s", v, debug.Stack())))
		}
		k.give()
	}()
	c.stage.tail.Run(c.x)
	switch cause := c.x.Cause; {
	case c.answered && (cause == nil || c.left.Load()):
		c.stage.answered.Inc()
	case c.left.Load():
		c.stage.fail(errLate)
	default:
		c.stage.fail(cause)
	}
	c.x.Release()
}

var errLate = fault.New(fault.OriginTimeout, "there was no response head when the copy was cut, after "+timeMax.String()+" or at the end of the process")

// fail counts a copy that failed and tells why.
func (s *Stage) fail(cause error) {
	s.failed.Inc()
	s.keep.tell(s.service, cause)
}

// Send reads the answer and throws it away.
func (c *duplicate) Send(x *exchange.Exchange) error {
	r := &x.Resp
	r.Started = true
	if x.Fault != nil {
		return nil
	}
	c.answered = true
	if r.Body == nil {
		return nil
	}
	for !c.over() && r.Sent <= answerBytesMax {
		view, err := r.Body.Next()
		r.Sent += int64(len(view))
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// over reports whether the copy must come to its end.
func (c *duplicate) over() bool {
	select {
	case <-c.stage.keep.cut:
		return true
	default:
		return !time.Now().Before(c.by)
	}
}

// Watch calls gone when time is up, so that a wait for the service ends as if a client had left.
func (c *duplicate) Watch(gone func()) (stop func()) {
	quit, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		timer := time.NewTimer(time.Until(c.by))
		defer timer.Stop()
		select {
		case <-quit:
			return
		case <-timer.C:
		case <-c.stage.keep.cut:
		}
		c.left.Store(true)
		gone()
	}()
	return func() { close(quit); <-done }
}

// detach returns an exchange of its own with the request of x as its service gets it. It begins now: a body may have
// taken its time. What the second service does hangs below the same span.
func (c *duplicate) detach(x *exchange.Exchange, body []byte, view bool) *exchange.Exchange {
	t := x.Detach()
	t.Req.Fields.Set(exchange.NameXSkerryMirror, one)
	if x.Req.Body != nil {
		if view {
			body = t.Scratch.Copy(body)
		}
		c.body = *exchange.NewBytes(body)
		t.Req.Body = &c.body
	}
	t.Sink = c
	return t
}

var one = []byte("1")
