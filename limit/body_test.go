package limit_test

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/synctest"

	"pgregory.net/rapid"

	"skerry.dev/skerry/exchange"
	"skerry.dev/skerry/exchange/exchangetest"
	"skerry.dev/skerry/fault"
	"skerry.dev/skerry/limit"
	"skerry.dev/skerry/spec"
)

// script is a body of unknown size that comes in pieces, as a protocol's would: each view dies with the next call.
type script struct {
	pieces  []string
	err     error // instead of the end
	ready   int   // of pieces, how many are at hand; the last one at hand tells of the end
	replays bool

	at     int
	view   []byte
	waits  int // how often Next had to wait
	closed int
}

func (s *script) die() {
	for i := range s.view {
		s.view[i] = 0xdb
	}
	s.view = nil
}

func (s *script) Ready() bool {
	return s.at < s.ready || s.at >= len(s.pieces) && s.ready >= len(s.pieces)
}

func (s *script) Next() ([]byte, error) {
	s.die()
	if !s.Ready() {
		s.waits++
	}
	if s.at == len(s.pieces) {
		if s.err != nil {
			return nil, s.err
		}
		return nil, io.EOF
	}
	s.view = []byte(s.pieces[s.at])
	s.at++
	return s.view, nil
}

func (s *script) Size() int64  { return -1 }
func (s *script) Close() error { s.closed++; return nil }

func (s *script) Replay() bool {
	if s.replays {
		s.die()
		s.at = 0
	}
	return s.replays
}

// posting is an exchange with a body.
func posting(b exchange.Body) *exchange.Exchange {
	x := exchangetest.Request("POST / HTTP/1.1\nHost: a\n")
	x.Req.Body = b
	return x
}

func bounded(t testing.TB, max int) *limit.Stage {
	table, _ := tables(1)
	return stage(t, &spec.Policy{BodyMax: ptr(spec.Size(max))}, "shop", table)
}

func readAll(b exchange.Body) (string, error) {
	var all strings.Builder
	for {
		view, err := b.Next()
		all.Write(view)
		if err == io.EOF {
			return all.String(), nil
		}
		if err != nil {
			return all.String(), err
		}
	}
}

func TestAnnouncedBody(t *testing.T) {
	f := func(body string, max int, want exchange.Verdict) {
		t.Helper()
		x := posting(exchange.NewBytes([]byte(body)))
		defer x.Release()
		sent := x.Req.Body
		if got := bounded(t, max).Request(x); got != want || got == exchange.Respond && fault.Of(x.Fault) != fault.BodyTooLarge {
			t.Errorf("%d of %d bytes: verdict %d, fault %v", len(body), max, got, x.Fault)
		}
		if x.Req.Body != sent {
			t.Error("a body that was announced is wrapped: it cannot be spliced any more")
		}
	}
	f("abc", 3, exchange.Next)
	f("abcd", 3, exchange.Respond)
	f("", 1, exchange.Next)
}

// Under a small limit a body of unknown size is all there, with its size, or refused, before a later stage sees it.
func TestSmallLimitCollects(t *testing.T) {
	f := func(s *script, max int, want string) {
		t.Helper()
		x := posting(s)
		defer x.Release()
		x.Req.ExpectContinue = true
		stage := bounded(t, max)
		verdict, got := stage.Request(x), ""
		switch {
		case verdict == exchange.Next && x.Req.Body.Size() < 0, x.Req.ExpectContinue == (verdict == exchange.Next):
			t.Errorf("size %d, expects 100 %v after verdict %d", x.Req.Body.Size(), x.Req.ExpectContinue, verdict)
		case verdict == exchange.Next:
			whole, err := x.Req.Body.(exchange.Whole).Whole()
			if whole == nil || err != nil || len(whole) != int(x.Req.Body.Size()) {
				t.Errorf("whole is %q (%v), size %d", whole, err, x.Req.Body.Size())
			}
			if again, err := x.Req.Body.(exchange.Whole).Whole(); again != nil || err != nil {
				t.Errorf("whole a second time is %q (%v)", again, err)
			}
			for range 2 {
				if !x.Req.Body.Replay() {
					t.Error("no replay")
				}
				if got, err = readAll(x.Req.Body); err != nil || got != string(whole) {
					t.Errorf("read %q (%v), whole was %q", got, err, whole)
				}
			}
		default:
			got = fault.Of(x.Fault).Name()
		}
		if got != want {
			t.Errorf("got %.20q, want %.20q", got, want)
		}
		if stage.Done(x); x.Req.Body != exchange.Body(s) {
			t.Error("Done did not put the protocol's own body back")
		}
	}
	big := strings.Repeat("x", 10_000)
	f(&script{}, 5, "")
	f(&script{pieces: []string{"ab", "", "cde"}}, 5, "abcde")
	f(&script{pieces: []string{"ab", "cdef"}}, 5, "body_too_large")
	f(&script{pieces: []string{"ab", "cdef"}, ready: 2}, 5, "body_too_large")
	f(&script{pieces: []string{"ab"}, err: fault.New(fault.BadFraming, "the test")}, 5, "bad_framing")
	f(&script{pieces: []string{big, big, big, big, big, big, "end"}}, 64<<10, strings.Repeat(big, 6)+"end")
	f(&script{pieces: []string{big, big, big, big, big, big, big}}, 64<<10, "body_too_large")
}

// Under a larger limit nobody waits: what is at hand is taken, the rest comes as it comes.
func TestLargeLimitStreams(t *testing.T) {
	s := &script{pieces: []string{"ab", "cd", "ef"}, ready: 1}
	x := posting(s)
	defer x.Release()
	x.Req.ExpectContinue = true
	if v := bounded(t, 1<<20).Request(x); v != exchange.Next || s.waits != 0 {
		t.Fatalf("verdict %d, waited %d times", v, s.waits)
	}
	b := x.Req.Body
	if whole, err := b.(exchange.Whole).Whole(); whole != nil || err != nil || b.Size() != -1 || !x.Req.ExpectContinue {
		t.Errorf("whole is %q (%v), size %d, expects 100 %v", whole, err, b.Size(), x.Req.ExpectContinue)
	}
	if !b.(exchange.Ready).Ready() {
		t.Error("not ready with what was read ahead")
	}
	if view, err := b.Next(); string(view) != "ab" || err != nil {
		t.Errorf("first came %q (%v)", view, err)
	}
	if b.(exchange.Ready).Ready() {
		t.Error("ready before the client has sent more")
	}
	if !b.Replay() {
		t.Error("no replay of what is still in memory")
	}
	if got, err := readAll(b); got != "abcdef" || err != nil {
		t.Errorf("read %q (%v)", got, err)
	}
	if b.Replay() || b.Size() != -1 {
		t.Errorf("replayed what is gone, or size %d is not unknown any more", b.Size())
	}
	if s.replays = true; !b.Replay() {
		t.Error("no replay, though the protocol's own body can")
	}
	if got, err := readAll(b); got != "abcdef" || err != nil {
		t.Errorf("read %q (%v) after the replay", got, err)
	}
	if b.Close(); s.closed != 1 {
		t.Errorf("closed %d times", s.closed)
	}
}

func TestLargeLimitIsKept(t *testing.T) {
	const max = 100 << 10
	piece := strings.Repeat("x", 1<<10)
	s := &script{ready: 3}
	for range 100 {
		s.pieces = append(s.pieces, piece)
	}
	f := func(want fault.Kind, length int) {
		t.Helper()
		s.at = 0
		x := posting(s)
		defer x.Release()
		if v := bounded(t, max).Request(x); v != exchange.Next {
			t.Fatalf("verdict %d: %v", v, x.Fault)
		}
		got, err := readAll(x.Req.Body)
		if len(got) != length || err != nil && fault.Of(err) != want || err == nil && want != fault.Internal {
			t.Errorf("read %d bytes, want %d: %v", len(got), length, err)
		}
		if _, again := x.Req.Body.Next(); want == fault.BodyTooLarge && again != err {
			t.Errorf("after it broke off it says %v", again)
		}
		if x.Req.Body.Replay() {
			t.Error("replayed what is gone")
		}
	}
	f(fault.Internal, max)
	s.pieces = append(s.pieces, "y")
	f(fault.BodyTooLarge, max)
}

// A body with trailers keeps them: they need a framing of unknown size.
func TestTrailers(t *testing.T) {
	x := posting(&script{pieces: []string{"ab"}})
	defer x.Release()
	x.Req.Trailers.AddNamed([]byte("Checksum"), []byte("1"))
	if v := bounded(t, 100).Request(x); v != exchange.Next {
		t.Fatal(v)
	}
	whole, err := x.Req.Body.(exchange.Whole).Whole()
	if whole != nil || err != nil || x.Req.Body.Size() != -1 {
		t.Errorf("whole is %q (%v), size %d", whole, err, x.Req.Body.Size())
	}
	if got, err := readAll(x.Req.Body); got != "ab" || err != nil || !x.Req.Body.Replay() {
		t.Errorf("read %q (%v)", got, err)
	}
}

// Done waits for a pump that still reads: the memory must not go to another exchange under it.
func TestDoneWaitsForPumps(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x := posting(&script{pieces: []string{"ab"}, ready: 1})
		defer x.Release()
		s := bounded(t, 1<<20)
		s.Request(x)
		b, read := x.Req.Body, make(chan struct{})
		got := ""
		x.Go(func() {
			view, _ := b.Next()
			<-read
			got = string(view)
		})
		done := false
		go func() { s.Done(x); done = true }()
		synctest.Wait()
		if done {
			t.Error("Done did not wait")
		}
		close(read)
		synctest.Wait()
		if !done || got != "ab" {
			t.Errorf("done %v, the pump read %q", done, got)
		}
	})
}

// A wait that was cut short says nothing about the body: it is asked again.
func TestInterruptedBody(t *testing.T) {
	cut := errors.New("cut short")
	s := &script{pieces: []string{"ab"}, err: cut}
	x := posting(s)
	defer x.Release()
	if v := bounded(t, 1<<20).Request(x); v != exchange.Next {
		t.Fatal(v)
	}
	if got, err := readAll(x.Req.Body); got != "ab" || err != cut {
		t.Fatalf("read %q (%v)", got, err)
	}
	s.err, s.pieces = nil, []string{"ab", "cd"}
	if got, err := readAll(x.Req.Body); got != "cd" || err != nil {
		t.Errorf("read %q (%v)", got, err)
	}
}

// Whatever the pieces, the reader gets the bytes of the body from its beginning, and never one beyond the limit.
func TestBodyProperty(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		s := &script{replays: rapid.Bool().Draw(rt, "replays")}
		var all bytes.Buffer
		for _, n := range rapid.SliceOfN(rapid.OneOf(rapid.IntRange(0, 10), rapid.IntRange(0, 20_000), rapid.Just(100_000)), 0, 8).Draw(rt, "pieces") {
			piece := strings.Repeat(string(rune('a'+all.Len()%26)), n)
			all.WriteString(piece)
			s.pieces = append(s.pieces, piece)
		}
		s.ready = rapid.IntRange(0, len(s.pieces)).Draw(rt, "ready")
		max := rapid.SampledFrom([]int{1, 10, 64 << 10, 64<<10 + 1, 1 << 20, max(1, all.Len()-1), max(1, all.Len())}).Draw(rt, "max")
		x := posting(s)
		defer x.Release()
		stage := bounded(t, max)
		defer stage.Done(x)
		if stage.Request(x) != exchange.Next {
			if fault.Of(x.Fault) != fault.BodyTooLarge || all.Len() <= max {
				rt.Fatalf("%d of %d bytes were refused: %v", all.Len(), max, x.Fault)
			}
			return
		}
		b, at := x.Req.Body, 0
		if b.Size() >= 0 && int(b.Size()) != all.Len() {
			rt.Fatalf("size %d, want %d", b.Size(), all.Len())
		}
		for range rapid.IntRange(0, 40).Draw(rt, "calls") {
			if rapid.IntRange(0, 5).Draw(rt, "call") == 0 {
				if b.Replay() {
					at = 0
				}
				continue
			}
			view, err := b.Next()
			if at+len(view) > min(all.Len(), max) || !bytes.Equal(view, all.Bytes()[at:at+len(view)]) {
				rt.Fatalf("%d wrong bytes at %d", len(view), at)
			}
			at += len(view)
			if err == io.EOF && at != all.Len() || err != nil && err != io.EOF && (fault.Of(err) != fault.BodyTooLarge || all.Len() <= max) {
				rt.Fatalf("%v after %d of %d bytes, at most %d", err, at, all.Len(), max)
			}
		}
	})
}
