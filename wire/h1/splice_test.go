package h1

import (
	"net"
	"runtime"
	"testing"
	"time"

	"skerry.dev/skerry/exchange"
	"skerry.dev/skerry/wire/transport"
)

// tcpPair returns the two ends of a loopback connection.
func tcpPair(t *testing.T) (near transport.Conn, far *net.TCPConn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	p, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close(); p.Close() })
	return transport.New(c), p.(*net.TCPConn)
}

// TestSpliceLost: when the side that takes a spliced body breaks off, bytes of it may be lost inside the kernel. Reading
// on would take the bytes of the next request for the rest of it.
func TestSpliceLost(t *testing.T) {
	if runtime.GOOS != "linux" {
		return // no kernel's path to lose them in
	}
	from, client := tcpPair(t)
	to, origin := tcpPair(t)
	_ = origin.SetLinger(0)
	origin.Close()
	for to.Quiet() {
		runtime.Gosched()
	}
	const size = 2 * spliceBytes
	go func() { _, _ = client.Write(make([]byte, size+100)) }()
	in := buffer{conn: from}
	in.open()
	defer in.release()
	var trailers exchange.Fields
	var b body
	b.begin(&in, &framing{length: size}, bodyLength, time.Minute, &trailers)
	w := bodyWriter{conn: to, timeout: time.Minute}
	if source, sink := w.pump(&b, &trailers); sink == nil {
		t.Fatalf("a body for a peer that has gone: %v, %v", source, sink)
	}
	if view, err := b.Next(); err != errSpliced {
		t.Errorf("after it, the body gives %d bytes, %v", len(view), err)
	}
}

// TestSpliceInterruptedBefore: an interrupt that came before the wait counts, though the wait arms a deadline of its own.
func TestSpliceInterruptedBefore(t *testing.T) {
	from, _ := tcpPair(t)
	p := transport.GetPipe()
	if p == nil {
		return // no kernel's path here
	}
	defer p.Release()
	from.Interrupt(true)
	if moved, err := transport.Fill(p, from, spliceBytes, time.Now().Add(20*time.Second)); moved != 0 || err != transport.ErrInterrupted {
		t.Errorf("%d bytes, %v", moved, err)
	}
}

// TestSpliceInterrupted: a wait that is cut short loses nothing.
func TestSpliceInterrupted(t *testing.T) {
	from, client := tcpPair(t)
	to, origin := tcpPair(t)
	go func() {
		_, _ = client.Write(make([]byte, 1000))
		_, _ = origin.Read(make([]byte, 1000)) // what had come has arrived: now it waits
		from.Interrupt(true)
	}()
	in := buffer{conn: from}
	in.open()
	defer in.release()
	var trailers exchange.Fields
	var b body
	b.begin(&in, &framing{length: spliceBytes + 1000}, bodyLength, time.Minute, &trailers)
	w := bodyWriter{conn: to, timeout: time.Minute}
	if source, sink := w.pump(&b, &trailers); source != errInterrupted || sink != nil {
		t.Fatalf("interrupted: %v, %v", source, sink)
	}
	from.Interrupt(false)
	go func() { _, _ = client.Write(make([]byte, spliceBytes)) }()
	for total := 0; ; {
		view, err := b.Next()
		if total += len(view); err != nil {
			if total != spliceBytes || !b.ended() {
				t.Errorf("%d bytes came after the interrupt, %v; want %d", total, err, spliceBytes)
			}
			return
		}
	}
}
