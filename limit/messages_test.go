package limit_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"strings"
	"testing"

	"skerry.dev/skerry/exchange"
	"skerry.dev/skerry/exchange/exchangetest"
	"skerry.dev/skerry/fault"
)

const callHead = "POST /shop.Cart/Add HTTP/1.1\nHost: a\nContent-Type: application/grpc+proto\n"

// calling is a call over HTTP/2 with a body.
func calling(b exchange.Body) *exchange.Exchange {
	x := exchangetest.Request(callHead)
	x.Conn.Protocol, x.Req.Body, x.Facts.Entry.Calls = "h2", b, true
	return x
}

// message is a message of gRPC.
func message(flag byte, bytes int) string {
	return string(binary.BigEndian.AppendUint32([]byte{flag}, uint32(bytes))) + strings.Repeat("m", bytes)
}

// sized is a script whose size was announced.
type sized struct{ *script }

func (s sized) Size() int64 { return int64(len(strings.Join(s.pieces, ""))) }

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
	if v := bounded(t, 10).Request(x); v != exchange.Next || s.waits != 0 || s.at != 1 {
		t.Fatalf("verdict %d, waited %d times, %d pieces taken", v, s.waits, s.at)
	}
	b, all := x.Req.Body, message(0, 2)+message(0, 3)
	if whole, err := b.(exchange.Whole).Whole(); whole != nil || err != nil || b.Size() != -1 || !b.(exchange.Ready).Ready() {
		t.Errorf("whole is %q (%v), size %d, ready %v", whole, err, b.Size(), b.(exchange.Ready).Ready())
	}
	if got, err := readAll(b); got != all || err != nil {
		t.Errorf("read %q (%v)", got, err)
	}
	if s.replays = true; !b.Replay() {
		t.Error("no replay, though the protocol's own body can")
	}
	if got, err := readAll(b); got != all || err != nil {
		t.Errorf("read %q (%v) after the replay", got, err)
	}
}

// A call that is all at hand has its size, and can be sent again; one whose size was announced is no exception, be it larger than
// bodyMax.
func TestMessagesOfKnownSize(t *testing.T) {
	small := sized{&script{pieces: []string{message(0, 5)}}}
	x := calling(small)
	defer x.Release()
	if v := bounded(t, 10).Request(x); v != exchange.Next || x.Req.Body != exchange.Body(small) {
		t.Errorf("a call that cannot have a message too large is wrapped: verdict %d, body %T", v, x.Req.Body)
	}
	f := func(most int, want string, pieces ...string) {
		t.Helper()
		s := &script{pieces: pieces, ready: len(pieces)}
		for _, b := range []exchange.Body{s, sized{s}} {
			s.at = 0
			x := calling(b)
			stage := bounded(t, most)
			all := strings.Join(pieces, "")
			if v := stage.Request(x); v != exchange.Next {
				if got := fault.Of(x.Fault).Name(); got != want {
					t.Errorf("%T: got %s, want %q", b, got, want)
				}
			} else if whole, err := x.Req.Body.(exchange.Whole).Whole(); string(whole) != all || err != nil || x.Req.Body.Size() != int64(len(all)) || want != "" || !x.Req.Body.Replay() {
				t.Errorf("%T: whole is %q (%v), size %d, want %q", b, whole, err, x.Req.Body.Size(), want)
			}
			stage.Done(x)
			x.Release()
		}
	}
	f(10, "", message(0, 5), message(0, 10))
	f(10, "body_too_large", message(0, 5), message(0, 11))
	f(10, "body_malformed", message(0, 5), message(2, 10))
}

// Whose body is bound as a whole.
func TestWhatIsNoCall(t *testing.T) {
	calls := true
	f := func(head, protocol string, want exchange.Verdict) {
		t.Helper()
		x := exchangetest.Request(head)
		defer x.Release()
		x.Facts.Entry.Calls = calls
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
	calls = false
	f(callHead, "h2", exchange.Respond) // no service of the route could be one of gRPC
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
