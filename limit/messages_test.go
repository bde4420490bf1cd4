package limit_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/synctest"

	"skerry.dev/skerry/exchange"
	"skerry.dev/skerry/exchange/exchangetest"
	"skerry.dev/skerry/fault"
)

const callHead = "POST /shop.Cart/Add HTTP/1.1\nHost: a\nContent-Type: application/grpc+proto\n"

// calling is a call over HTTP/2 with a body.
func calling(b exchange.Body) *exchange.Exchange {
	x := exchangetest.Request(callHead)
	x.Conn.Protocol, x.Req.Body = "h2", b
	return x
}

// message is a message of gRPC.
func message(flag byte, bytes int) string {
	return string(binary.BigEndian.AppendUint32([]byte{flag}, uint32(bytes))) + strings.Repeat("m", bytes)
}

// sized is a script whose size is known.
type sized struct{ *script }

func (s sized) Size() int64 {
	n := 0
	for _, p := range s.pieces {
		n += len(p)
	}
	return int64(n)
}

func (s sized) Whole() ([]byte, error) {
	s.at = len(s.pieces)
	return []byte(strings.Join(s.pieces, "")), nil
}

// Each message of a call is bound, wherever its pieces begin, and not their sum; nothing waits for the end.
func TestMessages(t *testing.T) {
	f := func(most int, want string, pieces ...string) {
		t.Helper()
		for ready := range len(pieces) + 1 {
			s := &script{pieces: pieces, ready: ready}
			x := calling(s)
			stage := bounded(t, most)
			got, all := "", strings.Join(pieces, "")
			if stage.Request(x) != exchange.Next {
				got = fault.Of(x.Fault).Name()
			} else if body, err := readAll(x.Req.Body); err != nil {
				if got = fault.Of(err).Name(); !strings.HasPrefix(all, body) {
					t.Errorf("other bytes came before it broke off: %q", body)
				}
				if _, again := x.Req.Body.Next(); again != err {
					t.Errorf("after it broke off it says %v", again)
				}
			} else if body != all {
				t.Errorf("%d of %d bytes came", len(body), len(all))
			}
			if got != want || s.waits > 0 && want == "" && ready == len(pieces) {
				t.Errorf("%d pieces, %d ready: got %q, want %q; waited %d times", len(pieces), ready, got, want, s.waits)
			}
			if stage.Done(x); x.Req.Body != exchange.Body(s) {
				t.Error("Done did not put the protocol's own body back")
			}
			x.Release()
		}
	}
	ten := message(0, 10)
	f(10, "", ten)
	f(10, "", ten+ten, ten, ten)
	f(10, "", strings.Split(ten+message(1, 3)+message(0, 0)+ten, "")...)
	f(10, "", "", ten, "", ten+ten[:3], ten[3:])
	f(10, "", ten[:7])                          // the service says what it means that a message broke off
	f(10, "body_too_large", message(0, 11)[:5]) // its prefix is enough
	f(10, "body_too_large", ten, ten+"\x00", "\x00\x00\x00\x0b")
	f(10, "body_too_large", "\x00\xff\xff\xff\xff")
	f(1<<20, "body_too_large", ten, ten+"\x00\x00\x10\x00\x01")
	f(10, "body_malformed", "\x02")
	f(10, "body_malformed", ten+ten, ten+"\x80\x00\x00\x00\x0b")
	f(10, "body_malformed", "POST / HTTP/1.1")
}

// What is at hand is looked at before the origin is asked; nobody waits for more, however small the limit.
func TestMessagesAtHand(t *testing.T) {
	s := &script{pieces: []string{message(0, 2), message(0, 3)}, ready: 1}
	x := calling(s)
	defer x.Release()
	stage := bounded(t, 10)
	if v := stage.Request(x); v != exchange.Next || s.waits != 0 || s.at != 1 {
		t.Fatalf("verdict %d, waited %d times, %d pieces taken", v, s.waits, s.at)
	}
	b := x.Req.Body
	if whole, err := b.(exchange.Whole).Whole(); whole != nil || err != nil || b.Size() != -1 || !b.(exchange.Ready).Ready() {
		t.Errorf("whole is %q (%v), size %d, ready %v", whole, err, b.Size(), b.(exchange.Ready).Ready())
	}
	for range 2 {
		if view, err := b.Next(); string(view) != message(0, 2) || err != nil {
			t.Errorf("first came %q (%v)", view, err)
		}
		if b.(exchange.Ready).Ready() || !b.Replay() {
			t.Error("ready before the client has sent more, or no replay of what is at hand")
		}
	}
	if got, err := readAll(b); got != message(0, 2)+message(0, 3) || err != nil {
		t.Errorf("read %q (%v)", got, err)
	}
	if b.Replay() {
		t.Error("replayed what is gone")
	}
	if s.replays = true; !b.Replay() {
		t.Error("no replay, though the protocol's own body can")
	}
	if got, err := readAll(b); got != message(0, 2)+message(0, 3) || err != nil {
		t.Errorf("read %q (%v) after the replay", got, err)
	}
	if b.Close(); s.closed != 1 {
		t.Errorf("closed %d times", s.closed)
	}
}

// A call whose size is known needs no look if all of it is small enough, and keeps its size and its one piece otherwise.
func TestMessagesOfKnownSize(t *testing.T) {
	small := sized{&script{pieces: []string{message(0, 5)}}}
	x := calling(small)
	defer x.Release()
	if v := bounded(t, 10).Request(x); v != exchange.Next || x.Req.Body != exchange.Body(small) {
		t.Errorf("verdict %d, body %T", v, x.Req.Body)
	}
	f := func(want string, pieces ...string) {
		t.Helper()
		for _, once := range []bool{true, false} {
			s := sized{&script{pieces: pieces}}
			x := calling(s)
			stage := bounded(t, 10)
			if v := stage.Request(x); v != exchange.Next || x.Req.Body.Size() != s.Size() {
				t.Fatalf("verdict %d, size %d", v, x.Req.Body.Size())
			}
			var got string
			var err error
			if once {
				var view []byte
				view, err = x.Req.Body.(exchange.Whole).Whole()
				got = string(view)
				if again, _ := x.Req.Body.(exchange.Whole).Whole(); again != nil {
					t.Errorf("whole a second time is %q", again)
				}
			} else {
				got, err = readAll(x.Req.Body)
			}
			if err == nil && got != strings.Join(pieces, "") || err != nil && fault.Of(err).Name() != want || err == nil && want != "" {
				t.Errorf("got %q (%v), want %q", got, err, want)
			}
			stage.Done(x)
			x.Release()
		}
	}
	f("", message(0, 5), message(0, 10))
	f("body_too_large", message(0, 5), message(0, 11))
	f("body_malformed", message(0, 5), message(2, 10))
}

// Whose body is bound as a whole.
func TestWhatIsNoCall(t *testing.T) {
	f := func(head, protocol string, want exchange.Verdict) {
		t.Helper()
		x := exchangetest.Request(head)
		defer x.Release()
		x.Conn.Protocol, x.Req.Body = protocol, &script{pieces: []string{message(0, 5), message(0, 5)}, ready: 2}
		stage := bounded(t, 10)
		defer stage.Done(x)
		if got := stage.Request(x); got != want || got == exchange.Respond && fault.Of(x.Fault) != fault.BodyTooLarge {
			t.Errorf("%s over %q: verdict %d, %v", protocol, head, got, x.Fault)
		}
	}
	f(callHead, "h2", exchange.Next)
	f(strings.Replace(callHead, "grpc+proto", "grpc", 1), "h2", exchange.Next)
	f(strings.Replace(callHead, "application/grpc+proto", "Application/GRPC; a=b", 1), "h2", exchange.Next)
	f(callHead, "h1", exchange.Respond) // gRPC needs HTTP/2
	f(strings.Replace(callHead, "POST", "PUT", 1), "h2", exchange.Respond)
	f(strings.Replace(callHead, "grpc+proto", "grpc-web", 1), "h2", exchange.Respond)
	f(strings.Replace(callHead, "grpc+proto", "grpcs", 1), "h2", exchange.Respond)
	f(strings.Replace(callHead, "application/grpc+proto", "text/plain", 1), "h2", exchange.Respond)
	f(callHead+"Content-Type: text/plain\n", "h2", exchange.Respond)
	f("POST / HTTP/1.1\nHost: a\n", "h2", exchange.Respond)
}

// A wait that was cut short says nothing about the messages: they go on where they were.
func TestInterruptedMessages(t *testing.T) {
	cut := errors.New("cut short")
	ten := message(0, 10)
	s := &script{pieces: []string{ten[:3]}, err: cut}
	x := calling(s)
	defer x.Release()
	if v := bounded(t, 10).Request(x); v != exchange.Next {
		t.Fatal(v)
	}
	if got, err := readAll(x.Req.Body); got != ten[:3] || err != cut {
		t.Fatalf("read %q (%v)", got, err)
	}
	s.err, s.pieces = nil, []string{"", ten[3:], message(0, 11)}
	if got, err := readAll(x.Req.Body); got != ten[3:] || fault.Of(err) != fault.BodyTooLarge {
		t.Errorf("read %q (%v)", got, err)
	}
}

// Done waits for a pump that still reads: the body must not go to another exchange under it.
func TestDoneWaitsForPumpsOfCalls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x := calling(&script{pieces: []string{message(0, 5)}})
		defer x.Release()
		s := bounded(t, 10)
		s.Request(x)
		b, read := x.Req.Body, make(chan struct{})
		got := ""
		x.Go(func() {
			<-read
			got, _ = readAll(b)
		})
		done := false
		go func() { s.Done(x); done = true }()
		synctest.Wait()
		if done {
			t.Error("Done did not wait")
		}
		close(read)
		synctest.Wait()
		if !done || got != message(0, 5) {
			t.Errorf("done %v, the pump read %q", done, got)
		}
	})
}

// FuzzMessages compares with a reader that has all of the body before it, whatever pieces it comes in.
func FuzzMessages(f *testing.F) {
	f.Add([]byte(message(0, 3)+message(1, 10)), uint16(3), uint8(1))
	f.Add([]byte(message(0, 3)+"\x00\x00\x00\x00\x0b"), uint16(5), uint8(2))
	f.Add([]byte(message(0, 0)+"\x02"), uint16(1), uint8(0))
	f.Add([]byte("\x00\xff\xff\xff\xff\x00"), uint16(9), uint8(0))
	f.Fuzz(func(t *testing.T, data []byte, cut uint16, ready uint8) {
		const most = 10
		s := &script{ready: int(ready), replays: true}
		for rest := data; len(rest) > 0; {
			n := min(1+int(cut%97), len(rest))
			s.pieces, rest = append(s.pieces, string(rest[:n])), rest[n:]
			cut = cut>>3 ^ cut<<5 ^ uint16(len(rest))
		}
		s.ready = min(s.ready, len(s.pieces))
		want := wrongWith(data, most)
		x := calling(s)
		defer x.Release()
		stage := bounded(t, most)
		defer stage.Done(x)
		if stage.Request(x) != exchange.Next {
			if want == nil || fault.Of(x.Fault) != *want {
				t.Fatalf("%q was refused: %v", data, x.Fault)
			}
			return
		}
		for range 2 {
			got, err := readAll(x.Req.Body)
			if (err == nil) != (want == nil) || err != nil && fault.Of(err) != *want || err == nil && got != string(data) || !bytes.HasPrefix(data, []byte(got)) {
				t.Fatalf("%q became %q (%v)", data, got, err)
			}
			if !x.Req.Body.Replay() {
				t.Fatal("no replay")
			}
		}
	})
}

// wrongWith says what is wrong with the messages of a body, if something is.
func wrongWith(data []byte, most int) *fault.Kind {
	r := bytes.NewReader(data)
	for {
		var head [5]byte
		if n, err := io.ReadFull(r, head[:]); n == 0 || head[0] <= 1 && err != nil {
			return nil
		}
		if head[0] > 1 {
			return ptr(fault.BodyMalformed)
		}
		n := int64(binary.BigEndian.Uint32(head[1:]))
		if n > int64(most) {
			return ptr(fault.BodyTooLarge)
		}
		if _, err := io.CopyN(io.Discard, r, n); err != nil {
			return nil
		}
	}
}
