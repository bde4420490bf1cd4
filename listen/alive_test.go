package listen_test

import (
	"context"
	"net"
	"testing"
	"time"

	"skerry.dev/skerry/exchange"
	"skerry.dev/skerry/handover"
	"skerry.dev/skerry/listen"
)

// TestAlive: a set is alive while it is idle, at its limit and paused, and not while a loop that accepts stands still. Whoever connects
// meanwhile is served.
func TestAlive(t *testing.T) {
	var sockets handover.Sockets
	stuck, stand := make(chan struct{}, 100), make(chan struct{})
	s, err := listen.Open([]listen.Listener{{Addr: "127.0.0.1:0"}, {Addr: "127.0.0.1:0"}}, listen.Options{Conns: 2, Listen: sockets.Listen,
		Full: func(time.Time) bool {
			stuck <- struct{}{}
			<-stand
			return false
		}})
	if err != nil {
		t.Fatal(err)
	}
	end := make(chan struct{})
	served := make(chan struct{}, 4)
	s.Serve(func(c net.Conn, _ *exchange.TLS, _ string) {
		served <- struct{}{}
		<-end
		c.Close()
	})
	alive := func(what string) {
		t.Helper()
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		if s.Alive(ctx); ctx.Err() != nil {
			t.Errorf("%s it is taken for dead", what)
		}
	}
	for range 100 {
		alive("while it is idle")
	}
	sockets.Pause()
	for range 10 {
		alive("while it is paused")
	}
	sockets.Resume()
	for range 2 {
		c := dial(t, s)
		defer c.Close()
		alive("with a connection that has just come")
		<-served
	}
	third := dial(t, s)
	defer third.Close()
	<-stuck
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if s.Alive(ctx); ctx.Err() == nil {
		t.Error("a set whose loop stands still is taken for alive")
	}
	close(stand)
	alive("at its limit") // the loop looks for room again and again
	close(end)
	<-served
	alive("with room again")
	s.Close()
	s.Wait()
	s.Alive(t.Context()) // nobody is asked any more
}
