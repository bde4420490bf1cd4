package mirror_test

import (
	"errors"
	"fmt"
	"io"
	"math"
	"net/netip"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"skerry.dev/skerry/exchange"
	"skerry.dev/skerry/exchange/exchangetest"
	"skerry.dev/skerry/fault"
	"skerry.dev/skerry/meter"
	"skerry.dev/skerry/mirror"
	"skerry.dev/skerry/spec"
)

const get = "GET /cart?id=7 HTTP/1.1\nHost: shop.example.com\nCookie: s=1\nAuthorization: Bearer x\nX-Skerry-Mirror: 0\nX-Own: y\n"

// TestCopy: the copy has all of the request and nothing of its memory, which others use before the copy runs.
func TestCopy(t *testing.T) {
	run := make(chan struct{})
	var facts exchange.Facts
	var req exchange.Request
	r := newRig(t, everything, func(x *exchange.Exchange) exchange.Verdict {
		<-run
		facts, req = x.Facts, x.Req
		req.ToHost, req.ToPath, req.RawPath, req.Authority = clone(req.ToHost), clone(req.ToPath), clone(req.RawPath), clone(req.Authority)
		if x.Conn != nil || x.Resp.Status != 0 || x.Route != "shop/cart" || time.Since(x.Now) > time.Minute {
			t.Errorf("the copy has a client, an answer, no route, or is old: %+v", x)
		}
		return exchangetest.Say(200, "shadow")(x)
	})
	var sent [][]byte
	r.ask(get, func(x *exchange.Exchange) {
		own := func(b *[]byte) {
			*b = clone(*b)
			sent = append(sent, *b)
		}
		for i := range x.Req.Fields {
			own(&x.Req.Fields[i].Name)
			own(&x.Req.Fields[i].Value)
		}
		own(&x.Req.MethodName)
		own(&x.Req.Host)
		own(&x.Req.Path)
		own(&x.Req.RawPath)
		own(&x.Req.Query)
		x.Req.Port, x.Req.Authority = 8443, x.Scratch.Copy([]byte("shop.example.com:8443"))
		x.Req.ToHost, x.Req.ToPath = x.Scratch.Copy([]byte("inside")), x.Scratch.Copy([]byte("/v2/cart"))
		x.Req.AllowTrailers = true
		x.Route = "shop/cart"
		x.Facts.RequestID, x.Facts.Trace = [16]byte{1}, exchange.TraceFacts{Span: [8]byte{2}, Sampled: true}
		x.Facts.Client = exchange.ClientFacts{Addr: netip.MustParseAddr("192.0.2.9"), HTTPS: true}
		x.Facts.Entry = exchange.EntryFacts{Entrypoint: "shop", Route: "cart", Params: []exchange.Param{{Name: "id"}}}
	})
	for _, b := range sent {
		clear(b)
	}
	for range 3 { // the released memory serves others
		r.ask("PUT /other?z HTTP/1.1\nHost: b\nCookie: other=1\nX-Other: aaaaaaaaaaaaaaaaaaaaaaaaaaaa\n", func(x *exchange.Exchange) { x.Req.Upgrade = []byte("none") })
	}
	close(run)
	copies, _ := r.got()
	want := strings.Replace(get[strings.Index(get, "\n")+1:], "X-Skerry-Mirror: 0", "X-Skerry-Mirror: 1", 1)
	if diff := cmp.Diff([]string{"GET /cart?id=7\n" + want}, copies); diff != "" {
		t.Errorf("copies (-want +got):\n%s", diff)
	}
	if string(req.ToHost) != "inside" || string(req.ToPath) != "/v2/cart" || string(req.Authority) != "shop.example.com:8443" || req.Port != 8443 ||
		string(req.RawPath) != "/cart" || req.Method != exchange.MethodGet || req.Minor != 1 || !req.AllowTrailers {
		t.Errorf("the copy is %+v", req)
	}
	entry := facts.Entry
	if facts.RequestID[0] != 1 || facts.Trace.Span[0] != 2 || !facts.Trace.Sampled || facts.Client.Addr.String() != "192.0.2.9" || !facts.Client.HTTPS ||
		entry.Entrypoint != "shop" || entry.Route != "cart" || !entry.LogOff || len(entry.Params) > 0 || facts.Origin.Mirror != "" {
		t.Errorf("the copy's facts are %+v", facts)
	}
	if got := r.counts(); got != "answered 1" {
		t.Error(got)
	}
}

func clone(b []byte) []byte { return append([]byte(nil), b...) }

// TestLargeHead: a head beyond an exchange's own memory is copied whole.
func TestLargeHead(t *testing.T) {
	r := newRig(t, everything, exchangetest.Say(200, ""))
	long := "GET / HTTP/1.1\nHost: a\nCookie: " + strings.Repeat("x", 5000) + "\nX-B: " + strings.Repeat("y", 3000) + "\n"
	r.ask(long, nil)
	copies, _ := r.got()
	if diff := cmp.Diff([]string{"GET /\n" + long[strings.Index(long, "\n")+1:] + "X-Skerry-Mirror: 1\n"}, copies); diff != "" {
		t.Error(diff)
	}
}

func TestFact(t *testing.T) {
	r := newRig(t, everything, exchangetest.Say(200, ""))
	defer r.keep.Close()
	f := func(want string, edit func(x *exchange.Exchange)) {
		t.Helper()
		r.ask(get, func(x *exchange.Exchange) {
			edit(x)
			if v := r.stage.Request(x); v != exchange.Next || x.Facts.Origin.Mirror != want {
				t.Errorf("verdict %v, fact %q, want %q", v, x.Facts.Origin.Mirror, want)
			}
		})
	}
	f("shadow", func(*exchange.Exchange) {})
	f("", func(x *exchange.Exchange) { x.Req.Upgrade = []byte("websocket") })
	f("", func(x *exchange.Exchange) {
		x.Req.Body, x.Req.ExpectContinue = exchange.NewBytes([]byte("a")), true
	})
}

// errBroken ends a body.
var errBroken = fault.New(fault.SlowClient, "a test")

// script is a body of known size that comes in pieces; a real one is in wire_test.go.
type script struct {
	pieces []string
	size   int64
	next   int
	view   []byte // what Whole returned
	whole  bool   // Whole works
	replay bool   // Replay works
	err    error
	closed bool
}

func (b *script) Next() ([]byte, error) {
	if b.next == len(b.pieces) {
		if b.err != nil {
			return nil, b.err
		}
		return nil, io.EOF
	}
	b.next++
	return []byte(b.pieces[b.next-1]), nil
}

func (b *script) Whole() ([]byte, error) {
	if !b.whole {
		return nil, nil
	}
	b.next = len(b.pieces)
	b.view = []byte(strings.Join(b.pieces, ""))
	return b.view, b.err
}

func (b *script) Size() int64 { return b.size }
func (b *script) Close() error {
	b.closed = true
	return nil
}

func (b *script) Replay() bool {
	if b.replay {
		b.next = 0
	}
	return b.replay
}

func TestBodies(t *testing.T) {
	// f posts a body; origin and copy must have got it as said, "" for not at all.
	f := func(b *script, answer, origin, copied, counts string) {
		t.Helper()
		run := make(chan struct{})
		r := newRig(t, spec.Mirror{Share: 1, BodyMax: 10}, func(x *exchange.Exchange) exchange.Verdict {
			<-run
			return exchangetest.Say(200, "shadow")(x)
		})
		if got := r.ask("POST / HTTP/1.1\nHost: a\n", func(x *exchange.Exchange) { x.Req.Body = b }); got != answer {
			t.Errorf("the client got %q, want %q", got, answer)
		}
		clear(b.view) // the connection goes on
		close(run)
		copies, took := r.got()
		bodies := func(list []string) string {
			text := strings.Join(list, " ")
			_, body, _ := strings.Cut(text, "\n\n")
			return body
		}
		if o, c := bodies(took), bodies(copies); o != origin || c != copied || r.counts() != counts {
			t.Errorf("the service got %q, the copy %q, want %q and %q; %s, want %s", o, c, origin, copied, r.counts(), counts)
		}
	}
	pieces := []string{"abc", "def"}
	f(&script{pieces: pieces, size: 6, whole: true, replay: true}, "200 real", "6 in 1: abcdef", "6 in 1: abcdef", "answered 1")
	f(&script{pieces: pieces, size: 6, whole: true}, "200 real", "6 in 1: abcdef", "6 in 1: abcdef", "answered 1")
	f(&script{pieces: pieces, size: 6}, "200 real", "6 in 1: abcdef", "6 in 1: abcdef", "answered 1")
	f(&script{pieces: []string{"0123456789"}, size: 10, whole: true, replay: true}, "200 real", "10 in 1: 0123456789", "10 in 1: 0123456789", "answered 1")
	f(&script{size: 0}, "200 real", "0 in 1: ", "0 in 1: ", "answered 1")
	// Not copied: the service gets them as if there were no mirror.
	f(&script{pieces: []string{"0123456789", "a"}, size: 11, replay: true}, "200 real", "11 in 2: 0123456789a", "", "dropped_body 1")
	f(&script{pieces: pieces, size: -1, replay: true}, "200 real", "-1 in 2: abcdef", "", "dropped_body 1")
	// Broken: neither service is asked.
	f(&script{pieces: pieces, size: 9, err: errBroken}, "408 fault slow_client", "", "", "")
	f(&script{pieces: pieces, size: 9, err: errBroken, whole: true}, "408 fault slow_client", "", "", "")
}

// TestBrokenBodiesKeepNoPlace: a place that a body was collected for is given back.
func TestBrokenBodiesKeepNoPlace(t *testing.T) {
	r := newRig(t, everything, exchangetest.Say(200, ""))
	for range 300 {
		r.ask("POST / HTTP/1.1\nHost: a\n", func(x *exchange.Exchange) { x.Req.Body = &script{size: 9, err: errBroken} })
	}
	r.ask(get, nil)
	r.keep.Close()
	if got := r.counts(); got != "answered 1" {
		t.Error(got)
	}
}

// TestBodyIsClosed: a body that was read into memory still closes the one it came from.
func TestBodyIsClosed(t *testing.T) {
	r := newRig(t, everything, exchangetest.Say(200, ""))
	b := &script{pieces: []string{"a"}, size: 1}
	r.origin.Answer = func(x *exchange.Exchange) exchange.Verdict {
		x.Req.Body.Close()
		return exchangetest.Say(200, "")(x)
	}
	r.ask("POST / HTTP/1.1\nHost: a\n", func(x *exchange.Exchange) { x.Req.Body = b })
	if r.keep.Close(); !b.closed {
		t.Error("the body is open")
	}
}

// TestBound: beyond 256 copies in flight requests go on without one, at once and with their bodies as they were.
func TestBound(t *testing.T) {
	run := make(chan struct{})
	r := newRig(t, everything, func(x *exchange.Exchange) exchange.Verdict {
		<-run
		return exchangetest.Say(200, "")(x)
	})
	for range 256 {
		r.ask(get, nil)
	}
	for _, b := range []*script{{pieces: []string{"a", "b"}, size: 2}, {pieces: []string{"a", "b"}, size: 2, whole: true, replay: true}, {pieces: []string{"a", "b"}, size: 2, whole: true}} {
		if got := r.ask("POST / HTTP/1.1\nHost: a\n", func(x *exchange.Exchange) { x.Req.Body = b }); got != "200 real" {
			t.Error(got)
		}
	}
	r.ask(get, nil)
	if got := r.counts(); got != "dropped_busy 4" {
		t.Error(got)
	}
	close(run)
	copies, took := r.got()
	if len(copies) != 256 || r.counts() != "answered 256, dropped_busy 4" {
		t.Errorf("%d copies; %s", len(copies), r.counts())
	}
	for i, pieces := range []int{2, 1, 1} {
		if want := fmt.Sprintf("POST /\nHost: a\n\n2 in %d: ab", pieces); took[256+i] != want {
			t.Errorf("the service got %q, want %q", took[256+i], want)
		}
	}
	r.shadow.Check(t, "shadow", 256)
}

// waits is a stage of a tail that waits as long as its client does, as an origin connection would.
func waits(x *exchange.Exchange) exchange.Verdict {
	gone := make(chan struct{})
	stop := x.Sink.Watch(func() { close(gone) })
	<-gone
	stop()
	return x.Fail(fault.New(fault.ClientGone, "it left"))
}

func TestTimeIsUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, everything, waits)
		r.ask(get, nil)
		time.Sleep(time.Minute - 1)
		synctest.Wait()
		if got := r.counts(); got != "" {
			t.Errorf("%s before the time was up", got)
		}
		time.Sleep(1)
		synctest.Wait()
		if got := r.counts(); got != "failed 1" {
			t.Errorf("%s when the time was up", got)
		}
		if e := r.events(); len(e) != 1 || !strings.Contains(e[0], "mirror: a copy for service shadow failed: origin_timeout: ") {
			t.Error(e)
		}
		begin := time.Now()
		if r.keep.Close(); time.Since(begin) != 0 {
			t.Errorf("Close took %v with nothing in flight", time.Since(begin))
		}
		r.keep.Close()
	})
}

// TestWatchStops: a watch that is stopped in time never calls.
func TestWatchStops(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, everything, func(x *exchange.Exchange) exchange.Verdict {
			stop := x.Sink.Watch(func() { t.Error("gone was called") })
			stop()
			time.Sleep(2 * time.Minute)
			return exchangetest.Say(200, "late")(x)
		})
		r.ask(get, nil)
		time.Sleep(3 * time.Minute)
		if r.keep.Close(); r.counts() != "answered 1" {
			t.Error(r.counts())
		}
	})
}

func TestClose(t *testing.T) {
	// f closes a keeper with one copy in flight.
	f := func(answer func(*exchange.Exchange) exchange.Verdict, took time.Duration, counts string) {
		t.Helper()
		synctest.Test(t, func(t *testing.T) {
			r := newRig(t, everything, answer)
			r.ask(get, nil)
			synctest.Wait()
			begin := time.Now()
			r.keep.Close()
			if got := time.Since(begin); got != took || r.counts() != counts {
				t.Errorf("Close took %v, want %v; %s, want %s", got, took, r.counts(), counts)
			}
			r.shadow.Check(t, "shadow", 1)
			if r.ask(get, nil); r.counts() != "dropped_busy 1, "+counts && r.counts() != counts+", dropped_busy 1" {
				t.Errorf("after Close: %s", r.counts())
			}
		})
	}
	quick := func(d time.Duration) func(*exchange.Exchange) exchange.Verdict {
		return func(x *exchange.Exchange) exchange.Verdict {
			time.Sleep(d)
			return exchangetest.Say(200, "")(x)
		}
	}
	f(quick(500*time.Millisecond), 500*time.Millisecond, "answered 1")
	f(waits, time.Second, "failed 1")
	f(quick(5*time.Second), 5*time.Second, "answered 1") // it cannot be cut, so it is waited for
	f(func(x *exchange.Exchange) exchange.Verdict {
		x.Answer(200)
		x.Resp.Body = &drip{pause: 300 * time.Millisecond}
		return exchange.Respond
	}, 1200*time.Millisecond, "answered 1")
}

// drip is an answer without an end.
type drip struct {
	pause  time.Duration
	piece  int
	given  int
	closed bool
	err    error
}

func (d *drip) Next() ([]byte, error) {
	if d.err != nil {
		return nil, d.err
	}
	time.Sleep(d.pause)
	d.given += d.piece
	return make([]byte, d.piece), nil
}

func (d *drip) Size() int64  { return -1 }
func (d *drip) Replay() bool { return false }
func (d *drip) Close() error {
	d.closed = true
	return nil
}

func TestAnswers(t *testing.T) {
	f := func(body *drip, wait time.Duration, counts string) {
		t.Helper()
		synctest.Test(t, func(t *testing.T) {
			r := newRig(t, everything, func(x *exchange.Exchange) exchange.Verdict {
				x.Answer(200)
				x.Resp.Body = body
				return exchange.Respond
			})
			if got := r.ask(get, nil); got != "200 real" {
				t.Error(got)
			}
			time.Sleep(wait)
			synctest.Wait()
			if !body.closed || r.counts() != counts {
				t.Errorf("closed: %v; %s, want %s", body.closed, r.counts(), counts)
			}
			r.keep.Close()
		})
	}
	large := &drip{piece: 64 << 10}
	f(large, 0, "answered 1")
	if large.given != 1<<20+64<<10 {
		t.Errorf("%d bytes were read of an endless answer, want 1 MB and a piece", large.given)
	}
	f(&drip{piece: 1, pause: time.Second}, time.Minute, "answered 1")
	f(&drip{err: fault.New(fault.OriginIncomplete, "a test")}, 0, "failed 1")
}

func TestFaults(t *testing.T) {
	f := func(answer func(*exchange.Exchange) exchange.Verdict, event string, before ...exchange.Stage) {
		t.Helper()
		r := newRig(t, everything, answer, before...)
		for range 3 {
			if got := r.ask(get, nil); got != "200 real" {
				t.Error(got)
			}
		}
		r.keep.Close()
		e := r.events()
		if len(e) != 1 || !strings.HasPrefix(e[0], "mirror: a copy for service shadow failed: "+event) || r.counts() != "failed 3" {
			t.Errorf("%q; %s", e, r.counts())
		}
	}
	f(exchangetest.Break(fault.OriginRefused), "origin_refused: the origin of a test")
	f(func(*exchange.Exchange) exchange.Verdict { return exchange.Abort }, "no answer")
	f(func(x *exchange.Exchange) exchange.Verdict { return x.Fail(errors.New("foreign")) }, "foreign")
	for _, hook := range []string{exchangetest.InRequest, exchangetest.InResponse, exchangetest.InBody, exchangetest.InClose, exchangetest.InDone} {
		f(exchangetest.Say(200, "shadow"), "panic: BUG: the witness panics in "+hook, exchangetest.NewPanic(hook))
	}
}

// TestEventsAreFew: one a minute, over all services.
func TestEventsAreFew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, everything, exchangetest.Break(fault.OriginRefused))
		for range 11 {
			r.ask(get, nil)
			time.Sleep(12 * time.Second)
		}
		if n := len(r.events()); n != 3 {
			t.Errorf("%d events in 132 s, want 3", n)
		}
		r.keep.Close()
	})
}

// TestGoexit: a goroutine that ends in the tail, however it does, gives its place back.
func TestGoexit(t *testing.T) {
	r := newRig(t, everything, func(*exchange.Exchange) exchange.Verdict {
		runtime.Goexit()
		return exchange.Abort
	})
	r.ask(get, nil)
	r.keep.Close() // would not return
}

func TestShare(t *testing.T) {
	const n = 40_000
	for _, share := range []float64{0.01, 0.5, 0.99} {
		r := newRig(t, spec.Mirror{Share: share}, exchangetest.Say(200, ""))
		x := exchangetest.Request("POST / HTTP/1.1\nHost: a\n\nx") // bodyMax is 0: chosen ones are counted, and nothing is sent
		for range n {
			r.stage.Request(x)
		}
		x.Release()
		r.keep.Close()
		got := float64(r.set.Counter("skerry_mirrored_total", "", "service", "shadow", "outcome", "dropped_body").Value())
		if sigma := math.Sqrt(n * share * (1 - share)); math.Abs(got-n*share) > 6*sigma {
			t.Errorf("%v of %d requests were chosen, want a share of %v", got, n, share)
		}
	}
}

func TestNew(t *testing.T) {
	keep := mirror.NewKeeper(meter.NewSet())
	defer keep.Close()
	service := &spec.Service{Meta: spec.Meta{Name: "shadow"}}
	f := func(m *spec.Mirror, used bool, problem string) {
		t.Helper()
		s, problems := mirror.New(m, nil, keep)
		text := ""
		if len(problems) > 0 {
			text = problems[0].Text
		}
		if (s != nil) != used || !strings.HasPrefix(text, problem) || (text == "") != (problem == "") {
			t.Errorf("stage: %v, problems %v, want %v and %q", s != nil, problems, used, problem)
		}
	}
	f(nil, false, "")
	f(&spec.Mirror{Service: service, Share: 0, BodyMax: 1}, false, "")
	f(&spec.Mirror{Service: service, Share: 1, BodyMax: 1 << 20}, true, "")
	f(&spec.Mirror{Service: service, Share: 1, BodyMax: 1<<20 + 1}, false, "mirror.bodyMax: 1048577 bytes")
	f(&spec.Mirror{Service: service, Share: 1, BodyMax: -1}, false, "mirror.bodyMax: ")
	f(&spec.Mirror{Service: service, Share: 1.5}, false, "mirror.share: 1.5")
	f(&spec.Mirror{Service: service, Share: math.NaN()}, false, "mirror.share: NaN")
}

// TestFieldIsTheEdges: what a client sends under the copy's name is dropped before any stage mirrors.
func TestFieldIsTheEdges(t *testing.T) {
	if !exchange.NameXSkerryMirror.Trust() || !exchange.LooksTrusted([]byte("x_skerry_mirror")) {
		t.Error("X-Skerry-Mirror is not a field that only the edge may say")
	}
}
