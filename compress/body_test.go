package compress_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"skerry.dev/skerry/compress"
	"skerry.dev/skerry/exchange"
	"skerry.dev/skerry/exchange/exchangetest"
	"skerry.dev/skerry/fault"
)

var allCodings = []string{"gzip", "zstd", "br"}

// source is an origin's body of given pieces; a nil piece stands for a wait.
type source struct {
	pieces   [][]byte
	fail     error // instead of io.EOF
	last     bool  // io.EOF comes with the last piece
	mute     bool  // it does not say whether it would wait
	trailers func()
	closed   int
	view     []byte // what the last Next returned: overwritten by the next
}

func (s *source) Ready() bool {
	return !s.mute && (len(s.pieces) == 0 || s.pieces[0] != nil)
}

func (s *source) Next() ([]byte, error) {
	for i := range s.view {
		s.view[i] = 0xdb
	}
	if len(s.pieces) > 0 && s.pieces[0] == nil {
		s.pieces = s.pieces[1:] // waited
	}
	if len(s.pieces) == 0 {
		return nil, s.end()
	}
	s.view = bytes.Clone(s.pieces[0])
	s.pieces = s.pieces[1:]
	if s.last && len(s.pieces) == 0 {
		return s.view, s.end()
	}
	return s.view, nil
}

func (s *source) end() error {
	if s.trailers != nil {
		s.trailers()
	}
	if s.fail != nil {
		return s.fail
	}
	return io.EOF
}

func (s *source) Size() int64  { return -1 }
func (s *source) Replay() bool { return false }
func (s *source) Close() error { s.closed++; return nil }

// asked is a source or another body as it looks to a stage that has only the methods of exchange.Body.
type asked struct{ exchange.Body }

// begin runs a request through the hooks of the stage up to where the body is read. finish ends the exchange.
func begin(t testing.TB, s *compress.Stage, coding string, from exchange.Body) (x *exchange.Exchange, finish func()) {
	t.Helper()
	x = exchangetest.Request("GET / HTTP/1.1\nHost: a\nAccept-Encoding: " + coding + "\n")
	(&compress.Accept{}).Request(x)
	s.Request(x)
	x.Resp.Status, x.Resp.Body = 200, from
	x.Resp.Fields.Add(exchange.NameContentType, []byte("text/html"))
	if v := s.Response(x); v != exchange.Next {
		t.Fatalf("the verdict is %v: %v", v, x.Fault)
	}
	return x, func() {
		if b := x.Resp.Body; b != nil {
			x.Resp.Body = nil
			b.Close()
		}
		s.Done(x)
		x.Release()
	}
}

// settled fails the test if the stage has not got back all that it lent.
func settled(t testing.TB, s *compress.Stage) {
	t.Helper()
	if bytes, lent := s.Working(); bytes != 0 || lent != 0 {
		t.Errorf("%d bytes of encoders are still at work, %d bodies lent", bytes, lent)
	}
}

// TestPieces: whatever the sizes of the pieces and the places of the waits, the client decodes what the origin sent, and
// before each wait everything that was sent so far.
func TestPieces(t *testing.T) {
	s := compress.NewBounded(on(), 16<<20)
	rapid.Check(t, func(r *rapid.T) {
		coding := rapid.SampledFrom(allCodings).Draw(r, "coding")
		src := &source{last: rapid.Bool().Draw(r, "last"), mute: rapid.Bool().Draw(r, "mute")}
		random := rand.New(rand.NewPCG(rapid.Uint64().Draw(r, "seed"), 1))
		text := page(1 << 18)
		var want []byte
		for range rapid.IntRange(0, 8).Draw(r, "pieces") {
			if rapid.Bool().Draw(r, "wait") {
				src.pieces = append(src.pieces, nil)
			}
			size := rapid.SampledFrom([]int{1, 2, 100, 4095, 16 << 10, 16<<10 + 1, 1 << 16, 70000, 1 << 17}).Draw(r, "size")
			piece := []byte(text[len(want)%1000:][:size])
			if rapid.Bool().Draw(r, "random") {
				for i := range piece {
					piece[i] = byte(random.Uint32())
				}
			}
			src.pieces, want = append(src.pieces, piece), append(want, piece...)
		}
		x, finish := begin(t, s, coding, src)
		defer finish()
		var sent bytes.Buffer
		given := 0
		for {
			waits := !x.Resp.Body.(exchange.Ready).Ready()
			if waits && sent.Len() > 0 && !src.mute {
				given = len(want) - rest(src.pieces)
				checkPrefix(r, coding, sent.Bytes(), want[:given])
			}
			view, err := x.Resp.Body.Next()
			sent.Write(view)
			if err == io.EOF {
				break
			}
			if err != nil {
				r.Fatal(err)
			}
		}
		if got, err := decode(coding, sent.String()); err != nil || got != string(want) {
			r.Fatalf("%v: got %d bytes, want %d", err, len(got), len(want))
		}
		if e := x.Facts.Encoding; e.Made != coding || e.Before != int64(len(want)) {
			r.Fatalf("the log says %+v of %d bytes", e, len(want))
		}
	})
	settled(t, s)
}

func rest(pieces [][]byte) (n int) {
	for _, p := range pieces {
		n += len(p)
	}
	return n
}

// checkPrefix decodes a stream that has been flushed and not ended.
func checkPrefix(t interface{ Fatalf(string, ...any) }, coding string, sent, want []byte) {
	r, done, err := reader(coding, bytes.NewReader(sent))
	if err != nil {
		t.Fatalf("%s: %v", coding, err)
	}
	defer done()
	got := make([]byte, len(want))
	if n, err := io.ReadFull(r, got); err != nil || !bytes.Equal(got, want) {
		t.Fatalf("%s: before a wait %d of %d bytes can be decoded: %v", coding, n, len(want), err)
	}
}

// TestReady: the body never says that it is ready and then waits.
func TestReady(t *testing.T) {
	for _, coding := range allCodings {
		s := compress.NewBounded(on(), 16<<20)
		src := &source{pieces: [][]byte{nil, []byte("first\n"), nil, []byte("second\n"), nil}}
		x, finish := begin(t, s, coding, src)
		b := x.Resp.Body
		var sent []byte
		for _, text := range []string{"first\n", "first\nsecond\n"} {
			if b.(exchange.Ready).Ready() {
				t.Fatalf("%s: ready before the origin is", coding)
			}
			before := len(src.pieces)
			for {
				view, err := b.Next()
				if err != nil {
					t.Fatal(err)
				}
				if sent = append(sent, view...); !b.(exchange.Ready).Ready() {
					break
				}
			}
			if before-len(src.pieces) != 2 {
				t.Errorf("%s: %d steps of the origin for one event", coding, before-len(src.pieces))
			}
			checkPrefix(t, coding, sent, []byte(text))
		}
		finish()
		if src.closed != 1 {
			t.Errorf("the origin's body was closed %d times", src.closed)
		}
		settled(t, s)
	}
}

// TestOneLargeView: what comes out at once is bounded, however much the origin has at hand at once.
func TestOneLargeView(t *testing.T) {
	for _, coding := range allCodings {
		s := compress.NewBounded(on(), 16<<20)
		x, finish := begin(t, s, coding, &source{pieces: [][]byte{noise(1 << 20)}, mute: true})
		for views := 0; ; views++ {
			view, err := x.Resp.Body.Next()
			if err == io.EOF {
				break
			}
			if err != nil || len(view) > 160<<10 {
				t.Errorf("%s: %v, a view of %d bytes", coding, err, len(view))
			}
			if views < 4 && !x.Resp.Body.(exchange.Ready).Ready() {
				t.Errorf("%s: not ready after %d views, with most of the origin's view at hand", coding, views+1)
			}
		}
		finish()
		settled(t, s)
	}
}

// TestBrokenOff: an origin that breaks off gives a stream that no decoder takes for whole.
func TestBrokenOff(t *testing.T) {
	broken := fault.New(fault.OriginIncomplete, "a test")
	for _, coding := range allCodings {
		for _, size := range []int{0, 10, 5000, 200000} {
			s := compress.NewBounded(on(), 16<<20)
			src := &source{pieces: [][]byte{[]byte(page(size)), nil}, fail: broken}
			x, finish := begin(t, s, coding, src)
			var sent bytes.Buffer
			var err error
			for err == nil {
				var view []byte
				view, err = x.Resp.Body.Next()
				sent.Write(view)
			}
			if !errors.Is(err, broken) {
				t.Errorf("%s, %d bytes: got %v", coding, size, err)
			}
			if got, err := decode(coding, sent.String()); err == nil && (sent.Len() > 0 || coding != "zstd") { // nothing at all is no zstd frame too few
				t.Errorf("%s, %d bytes: decodes to %d bytes without an error", coding, size, len(got))
			}
			finish()
			settled(t, s)
		}
	}
}

// TestClose: at any time, and twice.
func TestClose(t *testing.T) {
	for _, coding := range allCodings {
		for after := range 6 {
			s := compress.NewBounded(on(), 16<<20)
			src := &source{pieces: [][]byte{[]byte(page(50000)), nil, []byte(page(50000))}}
			x, finish := begin(t, s, coding, src)
			b := x.Resp.Body
			for range after {
				b.Next()
			}
			b.Close()
			b.Close()
			if src.closed != 1 {
				t.Errorf("%s: the origin's body was closed %d times", coding, src.closed)
			}
			if bytes, _ := s.Working(); bytes != 0 {
				t.Errorf("%s: %d bytes are at work after Close", coding, bytes)
			}
			if _, err := b.Next(); fault.Of(err) != fault.Internal || b.Replay() {
				t.Errorf("%s: got %v from a closed body", coding, err)
			}
			if made := x.Facts.Encoding.Made; (made == "") != (after == 0) {
				t.Errorf("%s: after %d views the log says %q", coding, after, made)
			}
			finish()
			settled(t, s)
		}
	}
}

// TestEncoderRestsAtTheEnd: a slow client holds memory of the result, not of an encoder.
func TestEncoderRestsAtTheEnd(t *testing.T) {
	s := compress.NewBounded(on(), 16<<20)
	x, finish := begin(t, s, "br", &source{pieces: [][]byte{[]byte(page(5000))}})
	for ended := false; !ended; {
		if bytes, _ := s.Working(); bytes == 0 {
			t.Error("no encoder is at work")
		}
		x.Resp.Body.Next()
		ended = x.Resp.Body.(exchange.Ready).Ready()
	}
	if bytes, lent := s.Working(); bytes != 0 || lent != 1 {
		t.Errorf("%d bytes at work, %d lent", bytes, lent)
	}
	finish()
	x, finish = begin(t, s, "br", exchange.NewBytes([]byte(page(5000))))
	if bytes, lent := s.Working(); bytes != 0 || lent != 1 {
		t.Errorf("whole: %d bytes at work, %d lent", bytes, lent)
	}
	_ = x
	finish()
	settled(t, s)
}

// TestBound: beyond the bound answers go out as they are, and still vary.
func TestBound(t *testing.T) {
	s := compress.NewBounded(on(), 2*compress.GzipBytes)
	var finishes []func()
	for i := range 4 {
		x, finish := begin(t, s, "gzip", &source{pieces: [][]byte{[]byte("x")}})
		finishes = append(finishes, finish)
		if got := x.Facts.Encoding.Made; (got == "gzip") != (i < 2) || x.Resp.Fields.Get(exchange.NameVary) == nil {
			t.Errorf("number %d: made %q", i, got)
		}
	}
	finishes[0]()
	x, finish := begin(t, s, "gzip", &source{pieces: [][]byte{[]byte("x")}})
	if x.Facts.Encoding.Made != "gzip" {
		t.Error("what was given back is not lent again")
	}
	finish()
	for _, finish := range finishes[1:] {
		finish()
	}
	settled(t, s)
}

// TestWhole: a small body that is there gets its length; one that does not become smaller goes out as it is.
func TestWhole(t *testing.T) {
	s := compress.NewBounded(on(), 16<<20)
	for _, coding := range allCodings {
		x, finish := begin(t, s, coding, exchange.NewBytes([]byte(page(5000))))
		b := x.Resp.Body
		for range 2 { // Replay starts it again
			view, err := b.Next()
			if got, derr := decode(coding, string(view)); err != nil || derr != nil || got != page(5000) || b.Size() != int64(len(view)) {
				t.Errorf("%s: %v, %v, size %d of %d", coding, err, derr, b.Size(), len(view))
			}
			if _, err := b.Next(); err != io.EOF || !b.Replay() {
				t.Errorf("%s: %v", coding, err)
			}
		}
		finish()
		noise := noise(5000)
		x, finish = begin(t, s, coding, exchange.NewBytes(noise))
		view, _ := x.Resp.Body.Next()
		if f := x.Facts.Encoding; f.Made != "" || f.Before != 0 || !bytes.Equal(view, noise) || x.Resp.Fields.Get(exchange.NameContentEncoding) != nil {
			t.Errorf("%s: noise was encoded: %+v", coding, x.Facts.Encoding)
		}
		finish()
		// Not at hand, or not said to be: in pieces.
		x, finish = begin(t, s, coding, asked{exchange.NewBytes([]byte(page(5000)))})
		if x.Resp.Body.Size() != -1 {
			t.Errorf("%s: size %d", coding, x.Resp.Body.Size())
		}
		finish()
	}
	settled(t, s)
}

// noise does not become smaller.
func noise(size int) []byte {
	b, random := make([]byte, size), rand.New(rand.NewPCG(1, 2))
	for i := range b {
		b[i] = byte(random.Uint32())
	}
	return b
}

// failing is a body that is at hand and then is not.
type failing struct {
	exchange.Bytes
	closed int
}

var errFailing = fault.New(fault.OriginIncomplete, "a test")

func (*failing) Size() int64            { return 5000 }
func (*failing) Whole() ([]byte, error) { return nil, errFailing }
func (f *failing) Close() error         { f.closed++; return nil }
func (*failing) Ready() bool            { return true }
func (*failing) Next() ([]byte, error)  { return nil, errFailing }

// TestWholeFails: nothing is sent yet, so the client learns it by the status.
func TestWholeFails(t *testing.T) {
	s := compress.NewBounded(on(), 16<<20)
	body := &failing{}
	_, client, facts := through(s, "GET / HTTP/1.1\nHost: a\nAccept-Encoding: gzip\n", "200\n"+html, body)
	if client.Status != 502 || facts.Made != "" || body.closed != 1 {
		t.Errorf("got %s, %+v, closed %d times", client, facts, body.closed)
	}
	settled(t, s)
}

// TestTrailers pass, but for digests of bytes that are not sent.
func TestTrailers(t *testing.T) {
	s := compress.NewBounded(on(), 16<<20)
	x := exchangetest.Request("GET / HTTP/1.1\nHost: a\nAccept-Encoding: br\n")
	src := &source{pieces: [][]byte{[]byte(page(5000))}, trailers: func() {
		for _, name := range []string{"X-Checked", "Content-Digest", "Repr-Digest", "Server-Timing"} {
			x.Resp.Trailers.AddNamed([]byte(name), []byte("1"))
		}
	}}
	exchange.NewPath(exchangetest.RenderText, &compress.Accept{}, s, &exchangetest.Origin{Answer: func(x *exchange.Exchange) exchange.Verdict {
		x.Resp.Fields.Add(exchange.NameContentType, []byte("text/html"))
		x.Resp.Status, x.Resp.Body = 200, src
		return exchange.Respond
	}}).Run(x)
	if got, want := exchangetest.Of(x).Trailers, "X-Checked: 1\nServer-Timing: 1\n"; got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
	x.Release()
	settled(t, s)
}

// TestWitnesses: the stage gives everything back when another stage around it panics, wraps, or answers in its place.
func TestWitnesses(t *testing.T) {
	for _, hook := range []string{exchangetest.InRequest, exchangetest.InResponse, exchangetest.InBody, exchangetest.InClose, exchangetest.InDone} {
		for _, outside := range []bool{true, false} {
			s := compress.NewBounded(on(), 16<<20)
			stages := []exchange.Stage{s, exchangetest.NewPanic(hook)}
			if outside {
				stages[0], stages[1] = stages[1], stages[0]
			}
			x := exchangetest.Request("GET / HTTP/1.1\nHost: a\nAccept-Encoding: gzip\n")
			exchange.NewPath(exchangetest.RenderText, append(append([]exchange.Stage{&compress.Accept{}}, stages...), &exchangetest.Origin{Answer: func(x *exchange.Exchange) exchange.Verdict {
				x.Resp.Fields.Add(exchange.NameContentType, []byte("text/html"))
				x.Resp.Status, x.Resp.Body = 200, &source{pieces: [][]byte{[]byte(page(5000))}}
				return exchange.Respond
			}})...).Run(x)
			x.Release()
			settled(t, s)
		}
	}
}

// TestSideBySide: encoders and buffers go from one exchange to the next, and nothing goes along.
func TestSideBySide(t *testing.T) {
	s := compress.NewBounded(on(), 1<<30)
	var all sync.WaitGroup
	for worker := range 4 {
		all.Go(func() {
			for i := range 60 {
				coding := allCodings[(worker+i)%3]
				secret := fmt.Sprintf("<p>of %d and %d</p>", worker, i)
				want := strings.Repeat(secret, 100+i*10)
				src := &source{pieces: [][]byte{[]byte(want[:50]), nil, []byte(want[50:])}}
				if i%7 == 0 {
					src.fail = errFailing // leaves an encoder in the middle of a stream
				}
				request := "GET / HTTP/1.1\nHost: a\nAccept-Encoding: " + coding + "\n"
				_, client, _ := through(s, request, "200\n"+html, src)
				if got, err := decode(coding, client.Body); src.fail == nil && (err != nil || got != want) {
					t.Errorf("%s: %v, got %.60q, want %.60q", coding, err, got, want)
				}
			}
		})
	}
	all.Wait()
	settled(t, s)
}
