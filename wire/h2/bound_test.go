package h2_test

import (
	"errors"
	"io"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/net/http2"

	"skerry.dev/skerry/exchange"
	"skerry.dev/skerry/fault"
	"skerry.dev/skerry/wire"
	"skerry.dev/skerry/wire/h2"
	"skerry.dev/skerry/wire/transport"
)

// converse sends a request, reads the whole answer, takes it as slowly as pause says, and returns what broke it off.
func converse(k *h2.Call, x *exchange.Exchange, q *wire.Request, pause time.Duration) error {
	if _, err := k.Send(x, q); err != nil {
		return err
	}
	if err := k.Receive(x); err != nil {
		return err
	}
	if x.Resp.Body == nil {
		return nil
	}
	for {
		time.Sleep(pause)
		if _, err := x.Resp.Body.Next(); err != nil && errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
	}
}

// dribble is a body whose pieces take their time.
type dribble struct {
	pieces []string
	pause  time.Duration
}

func (d *dribble) Next() ([]byte, error) {
	time.Sleep(d.pause)
	if len(d.pieces) == 0 {
		return nil, io.EOF
	}
	piece := d.pieces[0]
	d.pieces = d.pieces[1:]
	return []byte(piece), nil
}
func (d *dribble) Size() int64  { return -1 }
func (d *dribble) Replay() bool { return false }
func (d *dribble) Close() error { return nil }

// TestBounds: each bound of a request ends its exchange at its moment, whatever it is in, with the error that says which it was
// and whose doing; the connection and its other exchanges go on.
func TestBounds(t *testing.T) {
	const s, try, whole = time.Second, 10 * time.Second, 20 * time.Second
	type bounds struct{ head, until, age, first, patience time.Duration }
	type scene struct {
		name   string
		b      bounds
		body   exchange.Body
		pause  time.Duration // of who takes the answer
		want   error         // or
		kind   fault.Kind    // if want is nil; zero: no error
		took   time.Duration
		origin func(p *peer)
	}
	wait := func(d time.Duration, then ...func(p *peer)) func(p *peer) {
		return func(p *peer) {
			time.Sleep(d)
			for _, f := range then {
				f(p)
			}
		}
	}
	head, answered := heads(1, false, ":status=200"), heads(1, true, ":status=204")
	piece := func(text string) func(p *peer) { return func(p *peer) { p.data(1, false, text) } }
	silent := func(*peer) {}
	for _, c := range []scene{
		{name: "no head in a try", b: bounds{head: try}, want: wire.ErrTry, took: try, origin: silent},
		{name: "no head in a try, which is the shorter one", b: bounds{head: try, until: whole}, want: wire.ErrTry, took: try, origin: silent},
		{name: "no head in the whole time", b: bounds{until: whole}, want: wire.ErrWhole, took: whole, origin: silent},
		{name: "no head in firstByte", b: bounds{head: try, first: 3 * s}, kind: fault.OriginTimeout, took: 3 * s, origin: silent},
		{name: "interim responses do not put it off", b: bounds{head: try}, want: wire.ErrTry, took: try, origin: wait(9*s, heads(1, false, ":status=103"))},
		{name: "a head just in time", b: bounds{head: try}, took: 9 * s, origin: wait(9*s, answered)},
		{name: "a head in time, a body that takes its own", b: bounds{head: try, patience: 15 * s}, took: 21 * s,
			origin: wait(9*s, head, piece("a"), wait(12*s, func(p *peer) { p.data(1, true, "b") }))},
		{name: "a body that stalls", b: bounds{patience: 5 * s}, kind: fault.OriginStalled, took: 6 * s, origin: wait(s, head, piece("ab"))},
		{name: "a body that stalls beyond the whole time", b: bounds{until: whole, patience: time.Minute}, want: wire.ErrWhole, took: whole, origin: wait(s, head, piece("ab"))},
		{name: "a stream that is as old as it may get", b: bounds{age: 15 * s, patience: time.Minute}, want: wire.ErrAge, took: 15 * s, origin: wait(s, head, piece("ab"))},
		{name: "a lively one too", b: bounds{age: 15 * s, patience: time.Minute}, want: wire.ErrAge, took: 15 * s,
			origin: wait(0, head, wait(4*s, piece("a")), wait(4*s, piece("b")), wait(4*s, piece("c")))},
		{name: "the age does not count before the head", b: bounds{age: 5 * s}, took: 9 * s, origin: wait(9*s, answered)},
		{name: "a client that does not take what has come", b: bounds{until: whole, patience: time.Minute}, pause: whole + s, want: wire.ErrTaker, took: 2 * (whole + s),
			origin: wait(0, head, piece("ab"))},
		{name: "an upload that is longer than a try", b: bounds{head: try}, body: &dribble{[]string{"abc"}, 6 * s}, want: wire.ErrUpload, took: try, origin: silent},
		{name: "an upload that takes most of a try", b: bounds{head: try}, body: &dribble{[]string{"abc"}, 3 * s}, want: wire.ErrUpload, took: try, origin: silent},
		{name: "an upload that takes less of a try than the origin", b: bounds{head: try}, body: &dribble{[]string{"abc"}, 2 * s}, want: wire.ErrTry, took: try, origin: silent},
		{name: "an upload does not count for firstByte", b: bounds{first: 3 * s}, body: &dribble{[]string{"abc"}, 4 * s}, kind: fault.OriginTimeout, took: 11 * s, origin: silent},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := newLink(t)
				k, x := l.Begin(), asking()
				x.Req.Body = c.body
				q, start := plain(), time.Now()
				by := func(d time.Duration) time.Time {
					if d == 0 {
						return time.Time{}
					}
					return start.Add(d)
				}
				q.Head, q.Until, q.Age = by(c.b.head), by(c.b.until), by(c.b.age)
				if c.b.first > 0 {
					q.FirstByte = c.b.first
				}
				if c.b.patience > 0 {
					q.Patience = c.b.patience
				}
				got := make(chan error, 1)
				go func() { got <- converse(k, x, q, c.pause) }()
				l.preface().hears("HEADERS 1*")
				heard := make(chan struct{})
				go func() { // a client that was silent for 30 s is asked whether it is there
					defer close(heard)
					for by := time.Now().Add(time.Hour); ; {
						if line := l.hear(by); line == "closed" || line == "silence" {
							return
						}
					}
				}()
				c.origin(l.peer)
				err := <-got
				switch {
				case c.want != nil && !errors.Is(err, c.want), c.want == nil && c.kind != 0 && fault.Of(err) != c.kind, c.want == nil && c.kind == 0 && err != nil:
					t.Errorf("it ended as %v, want %v %v", err, c.want, c.kind.Name())
				}
				if took := time.Since(start); took != c.took {
					t.Errorf("it took %v, want %v", took, c.took)
				}
				if !k.End(x) {
					t.Error("the connection may not be used again")
				}
				x.Join()
				x.Release()
				l.Close()
				<-l.over
				<-heard
				l.conn.Close()
			})
		})
	}
}

// TestBoundPassed: a request whose time is up before anything of it left is not sent; one that the origin does not take ends in time.
func TestBoundPassed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLink(t, http2.Setting{ID: http2.SettingInitialWindowSize, Val: 2})
		f := func(head, until time.Duration, want error, took time.Duration, body exchange.Body) {
			t.Helper()
			k, x := l.Begin(), asking()
			x.Req.Body = body
			start, q := time.Now(), plain()
			q.Head, q.Until = start.Add(head), start.Add(until)
			sent, err := k.Send(x, q)
			if !errors.Is(err, want) || time.Since(start) != took || took == 0 && sent != 0 {
				t.Errorf("sent %d, %v after %v; want %v after %v", sent, err, time.Since(start), want, took)
			}
			k.End(x)
			x.Release()
		}
		f(time.Hour, 0, wire.ErrWhole, 0, nil)
		f(-1, time.Hour, wire.ErrTry, 0, nil)
		f(time.Hour, 3*time.Second, wire.ErrWhole, 3*time.Second, atHand("hello"))
		f(2*time.Second, time.Hour, wire.ErrTry, 2*time.Second, atHand("hello"))
		l.end()
	})
}

// atHand is a body that can be had in one piece.
func atHand(text string) exchange.Body { return &whole{exchange.NewBytes([]byte(text)), text} }

type whole struct {
	exchange.Body
	text string
}

func (w *whole) Whole() ([]byte, error) { return []byte(w.text), nil }

// TestStale: a request that the origin did not take may be asked elsewhere, if it can still be said as a whole.
func TestStale(t *testing.T) {
	f := func(name string, body func() exchange.Body, want string) {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				for how, refuse := range map[string]func(p *peer){"REFUSED_STREAM": resets(http2.ErrCodeRefusedStream), "GOAWAY": goes(0)} {
					l := newLink(t)
					k, x := l.Begin(), asking()
					if body != nil {
						x.Req.Body = body()
					}
					got := make(chan error, 1)
					go func() { got <- converse(k, x, plain(), 0) }()
					l.preface().hears("HEADERS 1*")
					if body != nil {
						l.hears("DATA 1*hello")
					}
					synctest.Wait()
					refuse(l.peer)
					if err := <-got; kindOf(err) != want {
						t.Errorf("%s: got %v, want %s", how, err, want)
					}
					if x.Req.Body != nil && want == "stale" {
						if text, _, err := readAll(x.Req.Body); text != "hello" || err != nil {
							t.Errorf("%s: the body is now %q, %v", how, text, err)
						}
					}
					k.End(x)
					x.Release()
					l.end()
				}
			})
		})
	}
	f("no body", nil, "stale")
	f("a body at hand", func() exchange.Body { return atHand("hello") }, "stale")
	f("a body that was pumped", func() exchange.Body { return &dribble{[]string{"hello"}, time.Millisecond} }, "origin_busy")
	synctest.Test(t, func(t *testing.T) { // nor one that comes when it leaves
		l := newLink(t)
		k, x := l.Begin(), asking()
		goes(0)(l.peer)
		synctest.Wait()
		if sent, err := k.Send(x, plain()); sent != 0 || !errors.Is(err, transport.ErrStale) {
			t.Errorf("sent %d, %v", sent, err)
		}
		k.End(x)
		x.Release()
		l.end()
	})
}
