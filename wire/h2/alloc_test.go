//go:build !race && !poison

// With -race a sync.Pool forgets at random, and poison allocates: neither says anything about allocations.

package h2_test

import (
	"bytes"
	"io"
	"net"
	"testing"

	"golang.org/x/net/http2/hpack"

	"skerry.dev/skerry/exchange"
	"skerry.dev/skerry/wire/h2"
)

// TestStreamNoAllocations: a stream costs no allocation on a warm connection: a request with cookies and a priority, 1 KB back.
func TestStreamNoAllocations(t *testing.T) {
	page := bytes.Repeat([]byte("x"), 1024)
	length, kind := []byte("text/html; charset=utf-8"), []byte("max-age=60")
	r := serveHandler(t, func(x *exchange.Exchange) bool {
		x.Answer(200)
		x.Resp.Fields.Add(exchange.NameContentType, length)
		x.Resp.Fields.Add(exchange.NameCacheControl, kind)
		x.Resp.Body = x.InMemory(page)
		return x.Sink.Send(x) == nil
	})
	c, err := r.Client()
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	w := warm{Conn: c, in: make([]byte, 64<<10)}
	w.begin(t)
	first, block := blocks(t, ":method", "GET", ":scheme", "https", ":authority", "shop.example.com", ":path", "/shop/item?id=4711&from=search",
		"user-agent", "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", "accept", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
		"accept-encoding", "gzip, deflate, br, zstd", "cookie", "session=0123456789abcdef", "cookie", "theme=dark", "priority", "u=0, i")
	once := func() {
		w.frame(1, 5, first)
		first = block
		w.frame(8, 0, []byte{0, 0, 4, 0}) // 1 KB of the connection's window back
		w.id += 2
		w.until(t, func(kind, flags byte, id uint32) bool { return kind == 0 && flags&1 != 0 })
	}
	for range 2000 { // the window of time for floods begins anew, the pools are warm
		once()
	}
	if n := testing.AllocsPerRun(1000, once); n != 0 {
		t.Errorf("%v allocations for a stream, want 0", n)
	}
}

// TestCallNoAllocations: nor does a call: a request whose body is at hand, and a small answer, as gRPC has them.
func TestCallNoAllocations(t *testing.T) {
	near, far, err := tcpPair()
	if err != nil {
		t.Fatal(err)
	}
	defer far.Close()
	over := make(chan struct{})
	c := h2.NewClient(near, h2.ClientOptions{Over: func() { close(over) }})
	w := warm{Conn: far, in: make([]byte, 64<<10)}
	first, trailer := blocks(t, "grpc-status", "0")
	served := make(chan struct{})
	go func() { // an origin that answers every request in the same way
		defer close(served)
		_, _ = far.Write([]byte{0, 0, 0, 4, 0, 0, 0, 0, 0})
		if _, err := io.ReadFull(far, w.in[:24]); err != nil {
			return
		}
		for {
			var ended uint32
			if !w.read(func(kind, flags byte, id uint32) bool { ended = id; return kind <= 1 && flags&1 != 0 }) {
				return
			}
			w.id, w.out = ended, w.out[:0]
			w.frame(1, 4, status200)
			w.frame(0, 0, hello)
			w.frame(1, 5, first)
			first = trailer
			if _, err := far.Write(w.out); err != nil {
				return
			}
		}
	}()
	ask := []byte("01234567890123456789")
	host, path, post := []byte("a"), []byte("/echo.Echo/Unary"), []byte("POST")
	q := plain()
	q.Host, q.Path = host, path
	once := func() {
		x := exchange.Acquire()
		x.Req.Method, x.Req.MethodName, x.Req.Path = exchange.MethodPost, post, path
		x.Req.AllowTrailers = true
		x.Req.Body = x.InMemory(ask)
		k := c.Begin()
		_, err := k.Send(x, q)
		if err == nil {
			err = k.Receive(x)
		}
		for err == nil && x.Resp.Body != nil {
			_, err = x.Resp.Body.Next()
		}
		if err != io.EOF || x.Resp.Status != 200 || len(x.Resp.Trailers) != 1 {
			t.Fatalf("%d, trailers %v, %v", x.Resp.Status, x.Resp.Trailers, err)
		}
		k.End(x)
		x.Release()
	}
	for range 2000 {
		once()
	}
	if n := testing.AllocsPerRun(1000, once); n != 0 {
		t.Errorf("%v allocations for a call, want 0", n)
	}
	c.Close()
	<-over
	far.Close()
	<-served
}

var (
	status200 = []byte{0x88}
	hello     = []byte("hello")
)

// blocks encodes fields as every client does: in full at first, and then by their numbers in the table, which the decoder has
// allocated once.
func blocks(t *testing.T, fields ...string) (first, later []byte) {
	var table bytes.Buffer
	e := hpack.NewEncoder(&table)
	for range 2 {
		first = later
		table.Reset()
		for i := 0; i < len(fields); i += 2 {
			if err := e.WriteField(hpack.HeaderField{Name: fields[i], Value: fields[i+1]}); err != nil {
				t.Fatal(err)
			}
		}
		later = bytes.Clone(table.Bytes())
	}
	return first, later
}

// warm is a peer that allocates nothing.
type warm struct {
	net.Conn
	in   []byte
	r, w int
	out  []byte
	id   uint32
}

// begin says hello.
func (w *warm) begin(t *testing.T) {
	w.id = 1
	if _, err := io.WriteString(w.Conn, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00"); err != nil {
		t.Fatal(err)
	}
}

// frame appends a frame; those of kind 8 are for the connection.
func (w *warm) frame(kind, flags byte, payload []byte) {
	id := w.id
	if kind == 8 {
		id = 0
	}
	w.out = append(w.out, byte(len(payload)>>16), byte(len(payload)>>8), byte(len(payload)), kind, flags, byte(id>>24), byte(id>>16), byte(id>>8), byte(id))
	w.out = append(w.out, payload...)
}

// until sends what was appended and reads frames until one is wanted.
func (w *warm) until(t *testing.T, wanted func(kind, flags byte, id uint32) bool) {
	_, err := w.Write(w.out)
	w.out = w.out[:0]
	if err != nil || !w.read(wanted) {
		t.Fatal("the connection has ended")
	}
}

// read reads frames until one is wanted; false: the connection has ended.
func (w *warm) read(wanted func(kind, flags byte, id uint32) bool) bool {
	for {
		if b := w.in[w.r:w.w]; len(b) >= 9 {
			if n := 9 + int(b[0])<<16 + int(b[1])<<8 + int(b[2]); len(b) >= n {
				w.r += n
				if wanted(b[3], b[4], uint32(b[5])<<24|uint32(b[6])<<16|uint32(b[7])<<8|uint32(b[8])) {
					return true
				}
				continue
			}
		}
		w.w = copy(w.in, w.in[w.r:w.w])
		w.r = 0
		n, err := w.Conn.Read(w.in[w.w:])
		if err != nil {
			return false
		}
		w.w += n
	}
}

func tcpPair() (near, far net.Conn, err error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, nil, err
	}
	defer l.Close()
	if near, err = net.Dial("tcp", l.Addr().String()); err != nil {
		return nil, nil, err
	}
	far, err = l.Accept()
	return near, far, err
}
