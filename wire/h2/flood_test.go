package h2_test

import (
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/net/http2"

	"skerry.dev/skerry/exchange"
	"skerry.dev/skerry/exchange/exchangetest"
	"skerry.dev/skerry/fault"
	"skerry.dev/skerry/wire/wiretest"
)

// patient is a stage whose exchanges for /wait last until their stream is reset, and say on over that they end.
func patient(over chan<- struct{}, most *atomic.Int64) answer {
	var running atomic.Int64
	return func(x *exchange.Exchange) exchange.Verdict {
		n := running.Add(1)
		defer running.Add(-1)
		for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
		}
		if string(x.Req.Path) != "/wait" {
			x.Answer(204)
			return exchange.Respond
		}
		gone := make(chan struct{})
		stop := x.Sink.Watch(func() { close(gone) })
		<-gone
		stop()
		over <- struct{}{}
		return x.Fail(fault.New(fault.ClientGone, "a test"))
	}
}

// TestFloods: a client whose frames only make work loses the connection, with the error that says so and a counter; one that
// stays below the limit does not.
func TestFloods(t *testing.T) {
	var most atomic.Int64
	f := func(name string, times int, defence string, send func(c *wiretest.H2, i int, over <-chan struct{})) {
		t.Run(name, func(t *testing.T) {
			over := make(chan struct{}, 200)
			r := serve(t, patient(over, &most))
			c := r.client()
			for i := range times {
				send(c, i, over)
			}
			a := c.Await(c.Get()) // the write of the last frames may have met a closed connection
			if defence == "" {
				if a.Status != "204" {
					t.Errorf("got %v, %v; want the connection to live", a, c.Closed)
				}
				return
			}
			if a.Status != "" || c.GoAway == nil || *c.GoAway != http2.ErrCodeEnhanceYourCalm || r.defended(defence) != 1 {
				t.Errorf("got %v, GOAWAY %v, %v, counted %d; want ENHANCE_YOUR_CALM", a, c.GoAway, c.Closed, r.defended(defence))
			}
		})
	}
	wait := ask(":method", "POST", ":path", "/wait")
	rapid := func(c *wiretest.H2, _ int, over <-chan struct{}) {
		_ = c.WriteRSTStream(c.Ask(false, wait...), http2.ErrCodeCancel)
		<-over
	}
	f("200 resets", 200, "", rapid)
	f("201 resets", 201, "rapid_reset", rapid)
	f("300 resets among 700 streams", 700, "", func(c *wiretest.H2, i int, over <-chan struct{}) {
		if i%7 < 3 {
			rapid(c, i, over)
		} else {
			c.Await(c.Get())
		}
	})
	provoked := func(c *wiretest.H2, i int, over <-chan struct{}) {
		id := c.Ask(false, wait...)
		switch i % 3 { // CVE-2025-8671
		case 0:
			_ = c.WriteRawFrame(http2.FrameWindowUpdate, 0, id, make([]byte, 4))
		case 1:
			_ = c.WriteWindowUpdate(id, 1<<31-1)
		case 2:
			_ = c.WriteRawFrame(http2.FramePriority, 0, id, make([]byte, 4))
		}
		<-over
	}
	f("100 provoked resets", 100, "", provoked)
	f("101 provoked resets", 101, "provoked_reset", provoked)
	idle := func(name, defence string, times int, send func(c *wiretest.H2) error) {
		f(name, times, defence, func(c *wiretest.H2, _ int, _ <-chan struct{}) { _ = send(c) })
	}
	raw := func(kind http2.FrameType, flags http2.Flags, id uint32, payload string) func(c *wiretest.H2) error {
		return func(c *wiretest.H2) error { return c.WriteRawFrame(kind, flags, id, []byte(payload)) }
	}
	ping := raw(http2.FramePing, 0, 0, "12345678")
	idle("990 PINGs", "", 990, ping)
	idle("1,001 PINGs", "idle_frames", 1001, ping)
	idle("1,001 acknowledged PINGs", "idle_frames", 1001, raw(http2.FramePing, http2.FlagPingAck, 0, "12345678"))
	idle("1,001 SETTINGS", "idle_frames", 1001, raw(http2.FrameSettings, 0, 0, ""))
	idle("1,001 acknowledged SETTINGS", "idle_frames", 1001, raw(http2.FrameSettings, http2.FlagSettingsAck, 0, ""))
	idle("1,001 PRIORITY", "idle_frames", 1001, raw(http2.FramePriority, 0, 1, "\x00\x00\x00\x03\x10"))
	idle("1,001 PRIORITY_UPDATE", "idle_frames", 1001, raw(0x10, 0, 0, "\x00\x00\x00\x03u=1"))
	idle("1,001 unknown frames", "idle_frames", 1001, raw(0xbe, 0, 7, "whatever"))
	idle("1,001 GOAWAY", "idle_frames", 1001, raw(http2.FrameGoAway, 0, 0, strings.Repeat("\x00", 8)))
	f("1,001 empty DATA", 1001, "idle_frames", func(c *wiretest.H2, i int, _ <-chan struct{}) {
		if i == 0 {
			c.Ask(false, wait...)
		}
		_ = c.WriteData(1, false, nil)
	})
	f("1,001 resets of a stream that is over", 1001, "idle_frames", func(c *wiretest.H2, i int, _ <-chan struct{}) {
		if i == 0 {
			c.Await(c.Get())
		}
		_ = c.WriteRSTStream(1, http2.ErrCodeCancel)
	})
	crumb := raw(http2.FrameWindowUpdate, 0, 0, "\x00\x00\x00\x01")
	idle("2,000 WINDOW_UPDATE", "", 2000, crumb)
	idle("2,001 WINDOW_UPDATE", "window_updates", 2001, crumb)
	f("three updates of the table", 1, "table_churn", func(c *wiretest.H2, _ int, _ <-chan struct{}) {
		_ = c.WriteRawFrame(http2.FrameHeaders, http2.FlagHeadersEndHeaders, 1, []byte("\x20\x3f\xe1\x1f\x20"))
	})
	if n := most.Load(); n > 100 {
		t.Errorf("%d exchanges of one connection ran at once", n)
	}
}

// TestTableChurn: the table's size may change now and then.
func TestTableChurn(t *testing.T) {
	r := serve(t, answer(echo))
	c := r.client()
	for i := range 101 {
		id, _ := unsent(c, ask()...)
		block := "\x20\x3f\xe1\x1f\x82\x86\x84\x01\x01a" // nothing, then 4,096 bytes; GET http / a
		if err := c.WriteRawFrame(http2.FrameHeaders, http2.FlagHeadersEndHeaders|http2.FlagHeadersEndStream, id, []byte(block)); err != nil {
			t.Fatal(err)
		}
		a := c.Await(id)
		if lives := i < 50; (a.Status == "200") != lives { // two updates each
			t.Fatalf("block %d: %v, GOAWAY %v, %v", i, a, c.GoAway, c.Closed)
		}
		if c.Closed != nil {
			break
		}
	}
	if r.defended("table_churn") != 1 {
		t.Error("it was not counted")
	}
}

// TestUnread: a peer that makes us answer and takes no answer loses the connection before the answers fill the memory.
func TestUnread(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, exchange.NewPath(render, answer(echo)).Run)
		near, far := net.Pipe() // holds nothing
		r.serving.Go(func() { r.server.Serve(far, nil) })
		if _, err := near.Read(make([]byte, 1<<10)); err != nil { // its settings, and nothing more
			t.Error(err)
		}
		pings := strings.Repeat("\x00\x00\x08\x06\x00\x00\x00\x00\x0012345678", 100)
		_, err := near.Write([]byte(http2.ClientPreface + "\x00\x00\x00\x04\x00\x00\x00\x00\x00"))
		for i := 0; err == nil && i < 100; i++ {
			_, err = near.Write([]byte(pings))
			time.Sleep(1300 * time.Millisecond) // below the limit of frames that bring nothing
		}
		if err == nil || r.defended("unread_answers") != 1 {
			t.Errorf("it was counted %d times, %v", r.defended("unread_answers"), err)
		}
		near.Close()
		r.stop()
	})
}

// TestRefusedStreams: a stream beyond the announced number is refused and counted, so that its client may ask again elsewhere; a stream that
// was reset counts until its exchange is over.
func TestRefusedStreams(t *testing.T) {
	release := make(chan struct{})
	r := serve(t, answer(func(x *exchange.Exchange) exchange.Verdict {
		<-release
		return exchangetest.Say(200, "")(x)
	}))
	c := r.client()
	for i := range 100 {
		if id := c.Get(); i < 50 {
			_ = c.WriteRSTStream(id, http2.ErrCodeCancel)
		}
	}
	a := c.Await(c.Get())
	if a.Reset == nil || *a.Reset != http2.ErrCodeRefusedStream || r.defended("too_many_streams") != 1 {
		t.Errorf("got %v, counted %d; want REFUSED_STREAM", a, r.defended("too_many_streams"))
	}
	close(release)
	for id := uint32(101); id < 200; id += 2 {
		if a := c.Await(id); a.Status != "200" {
			t.Fatalf("stream %d: %v", id, a)
		}
	}
	if next := c.Await(c.Get()); next.Status != "200" {
		t.Errorf("after it: %v, %v", next, c.Closed)
	}
}
