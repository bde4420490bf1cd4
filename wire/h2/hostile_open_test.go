package h2_test

import (
	"testing"

	"skerry.dev/skerry/exchange"
	"skerry.dev/skerry/wire"
	"skerry.dev/skerry/wire/h2"
)

// TestAbandonAtOnce: a call may be given up by another goroutine while it is being sent.
func TestAbandonAtOnce(t *testing.T) {
	near, far := bufferedPipe()
	c := h2.NewClient(near, h2.ClientOptions{})
	defer func() { far.Close() }()
	for range 500 {
		k := c.Begin()
		if k == nil {
			t.Fatal("there is no place")
		}
		x := exchange.Acquire()
		over := make(chan struct{})
		go func() { k.Abandon(); close(over) }()
		_, err := k.Send(x, question(x))
		if err == nil {
			err = k.Receive(x)
		}
		if err != wire.ErrAbandoned {
			t.Fatalf("got %v", err)
		}
		<-over
		k.End(x)
		x.Release()
	}
}
