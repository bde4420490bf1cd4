package h1_test

import (
	"io"
	"testing"
	"testing/synctest"
	"time"
)

// lateEnd is a body that is there at once, and whose end takes its time.
type lateEnd struct{ text string }

func (b *lateEnd) Next() ([]byte, error) {
	if b.text == "" {
		time.Sleep(time.Second)
		return nil, io.EOF
	}
	view := []byte(b.text)
	b.text = ""
	return view, nil
}

func (b *lateEnd) Size() int64  { return 5 }
func (b *lateEnd) Replay() bool { return false }
func (b *lateEnd) Close() error { return nil }

// TestPumpEndsLate: a connection that End has closed, because a pump was not at its end when the response was, is not used again: not
// either when that pump turns out to have sent everything.
func TestPumpEndsLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := pipeLink(t)
		x := asking()
		defer x.Release()
		x.Req.Body = &lateEnd{"hello"}
		go func() {
			l.hears(t)
			if _, err := io.ReadFull(l.far, make([]byte, 5)); err != nil {
				t.Error(err)
			}
			l.says(t, "HTTP/1.1 204 No Content\r\n\r\n")
		}()
		if err := exchangeOn(l.Client, x); err != nil {
			t.Fatal(err)
		}
		if l.End(x) {
			t.Error("the connection, which is closed, may be used again")
		}
	})
}
