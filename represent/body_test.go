package represent_test

import (
	"errors"
	"io"
	"strings"
	"testing"

	"skerry.dev/skerry/exchange"
	"skerry.dev/skerry/exchange/exchangetest"
	"skerry.dev/skerry/fault"
	"skerry.dev/skerry/represent"
)

// memory gives views of all there is from an offset on.
type memory string

func (m memory) View(off int64, _ []byte) ([]byte, error) { return []byte(m[off:]), nil }

// chunks is memory in pieces.
type chunks string

func (c chunks) View(off int64, _ []byte) ([]byte, error) {
	return []byte(c[off:min(off/100*100+100, int64(len(c)))]), nil
}

// disk reads, and counts how often it is closed.
type disk struct {
	io.ReaderAt
	most   int // bytes at a time
	closed int
}

func (d *disk) View(off int64, buf []byte) ([]byte, error) {
	n, err := d.ReadAt(buf[:min(len(buf), d.most)], off)
	return buf[:n], err
}

func (d *disk) Close() error { d.closed++; return nil }

// sources are the kinds of sources there are.
var sources = map[string]func(string) represent.Source{
	"memory":    func(s string) represent.Source { return memory(s) },
	"chunks":    func(s string) represent.Source { return chunks(s) },
	"disk":      func(s string) represent.Source { return &disk{ReaderAt: strings.NewReader(s), most: 1 << 20} },
	"slow disk": func(s string) represent.Source { return &disk{ReaderAt: strings.NewReader(s), most: 999} },
	"half and half": func(s string) represent.Source {
		return &half{chunks(s), disk{ReaderAt: strings.NewReader(s), most: 1 << 20}}
	},
}

// half has every other piece of 100 bytes in memory.
type half struct {
	chunks
	disk
}

func (h *half) View(off int64, buf []byte) ([]byte, error) {
	if off/100%2 == 0 {
		return h.chunks.View(off, nil)
	}
	return h.disk.View(off, buf[:min(len(buf), 50)])
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

func TestBody(t *testing.T) {
	for name, source := range sources {
		for _, size := range []int{0, 1, 99, 100, 101, 64<<10 - 1, 64 << 10, 64<<10 + 1, 200_000} {
			all := strings.Repeat("abcdefg", size/7+10)
			want := all[7 : 7+size]
			b := represent.NewBody(source(all), represent.Span{From: 7, To: 7 + int64(size)})
			if b.Size() != int64(size) || !b.Ready() {
				t.Errorf("%s, %d bytes: size %d", name, size, b.Size())
			}
			for range 2 {
				if got, err := readAll(b); got != want || err != nil {
					t.Errorf("%s, %d bytes: got %d, error %v", name, size, len(got), err)
				}
				if !b.Replay() {
					t.Error("a source cannot be replayed")
				}
			}
			whole, err := b.Whole()
			if small := size <= 64<<10; err != nil || (whole != nil) != small || small && string(whole) != want {
				t.Errorf("%s, %d bytes: Whole gave %d bytes, nil %v, error %v", name, size, len(whole), whole == nil, err)
			}
			if got, err := readAll(b); err != nil || len(got)+len(whole) != size {
				t.Errorf("%s, %d bytes: after Whole %d more, error %v", name, size, len(got), err)
			}
			if whole, err := b.Whole(); size > 0 && (whole != nil || err != nil) {
				t.Errorf("%s, %d bytes: at the end Whole gave %d bytes, error %v", name, size, len(whole), err)
			}
			if b.Close() != nil || b.Close() != nil || b.Replay() {
				t.Error("closing")
			}
		}
	}
}

func TestBodyIsClosed(t *testing.T) {
	d := &disk{ReaderAt: strings.NewReader(digits), most: 3}
	b := represent.NewBody(d, represent.Span{To: 10})
	b.Next()
	b.Close()
	b.Close()
	if d.closed != 1 {
		t.Errorf("the source was closed %d times", d.closed)
	}
	if _, err := b.Next(); fault.Of(err) != fault.Internal {
		t.Error("read after Close:", err)
	}
}

// TestMemoryStays: bytes in memory are given on as they are, however many.
func TestMemoryStays(t *testing.T) {
	b := represent.NewBody(memory(strings.Repeat("a", 1<<20)), represent.Span{From: 1, To: 1<<20 - 1})
	if view, err := b.Next(); len(view) != 1<<20-2 || err != nil {
		t.Errorf("%d bytes, %v", len(view), err)
	}
}

// broken has five bytes; its error comes with the last of them, or after them.
type broken struct {
	err  error
	with bool
}

func (s broken) View(off int64, buf []byte) ([]byte, error) {
	if off < 5 {
		if s.with {
			return []byte("hello"[off:]), s.err
		}
		return []byte("hello"[off:]), nil
	}
	return nil, s.err
}

// TestBrokenSource: an end that comes too early is no end of the body.
func TestBrokenSource(t *testing.T) {
	other := errors.New("the disk is gone")
	for _, err := range []error{io.EOF, other, nil} {
		for _, size := range []int64{10, 100_000} {
			for _, read := range []func(*represent.Body) (string, error){
				func(b *represent.Body) (string, error) { return readAll(b) },
				func(b *represent.Body) (string, error) {
					view, err := b.Whole()
					if view == nil && err == nil {
						return readAll(b)
					}
					return string(view), err
				},
			} {
				for _, with := range []bool{false, true} {
					b := represent.NewBody(broken{err, with}, represent.Span{To: size})
					got, cause := read(b)
					switch {
					case got != "hello" || cause == nil || cause == io.EOF:
						t.Errorf("%v: got %q, error %v", err, got, cause)
					case err == other && cause != other, err == io.EOF && fault.Of(cause) != fault.OriginIncomplete, err == nil && fault.Of(cause) != fault.Internal:
						t.Errorf("%v became %v", err, cause)
					}
					b.Close()
				}
			}
		}
	}
}

func TestPartsAreNotWhole(t *testing.T) {
	x := exchangetest.Request("GET / HTTP/1.1\nHost: a\n")
	defer x.Release()
	r := newPage(digits).Representation
	b, _ := represent.NewParts(x, memory(digits), &r, []represent.Span{{To: 1}, {From: 5, To: 7}})
	if whole, err := b.Whole(); whole != nil || err != nil {
		t.Errorf("got %q, %v", whole, err)
	}
	for range 2 {
		if all, err := readAll(b); err != nil || int64(len(all)) != b.Size() {
			t.Errorf("%d bytes of %d, %v", len(all), b.Size(), err)
		}
		b.Replay()
	}
}
