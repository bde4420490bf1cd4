package edge_test

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// message is a message of gRPC: a flag, a length, and what it says. A trailer of gRPC-Web has the flag 0x80.
func message(flag byte, text string) string {
	return string(binary.BigEndian.AppendUint32([]byte{flag}, uint32(len(text)))) + text
}

// readMessage reads one.
func readMessage(r io.Reader) (text string, err error) {
	var head [5]byte
	if _, err = io.ReadFull(r, head[:]); err != nil {
		return "", err
	}
	b := make([]byte, binary.BigEndian.Uint32(head[1:]))
	_, err = io.ReadFull(r, b)
	return string(b), err
}

// grpcOrigin has the methods of a service: Unary and Bidi send back what they get, None knows nothing, and Fail fails behind a message.
func grpcOrigin(w http.ResponseWriter, r *http.Request) {
	duplex(w)
	h := w.Header()
	h.Set("Content-Type", "application/grpc+proto")
	if strings.HasSuffix(r.URL.Path, "/None") {
		io.Copy(io.Discard, r.Body)
		h.Set("Grpc-Status", "12")
		h.Set("Grpc-Message", "no such method")
		h.Set("Content-Length", "0")
		return // the trailers are the head, with nothing behind it
	}
	h.Set("X-Timeout", r.Header.Get("Grpc-Timeout"))
	h.Set("X-Te", r.Header.Get("Te"))
	h.Set("X-Type", r.Header.Get("Content-Type"))
	h.Set("Trailer", "Grpc-Status")
	if strings.HasSuffix(r.URL.Path, "/Bidi") {
		flush(w)
	}
	for {
		text, err := readMessage(r.Body)
		if err != nil {
			break
		}
		io.WriteString(w, message(0, text))
		flush(w)
	}
	h.Set("Grpc-Status", "0")
	if strings.HasSuffix(r.URL.Path, "/Fail") {
		h.Set("Grpc-Status", "9")
		h.Set(http.TrailerPrefix+"Grpc-Status-Details-Bin", "CAkSBG5vcGU") // nothing has announced it
	}
}

// grpcHeader is the head of a call.
func grpcHeader() http.Header {
	return http.Header{"Content-Type": {"application/grpc+proto"}, "Te": {"trailers"}, "Grpc-Timeout": {"17S"},
		"Grpc-Accept-Encoding": {"gzip"}, "Accept-Encoding": {"gzip"}, "User-Agent": {"grpc-test"}}
}

// TestCalls: calls of gRPC, one after the other and both ways at once, by every way: the messages, the deadline, what says
// that trailers are welcome, the trailers, and the status in the log. Nothing of it is ever compressed.
func TestCalls(t *testing.T) {
	c := cross(t, tlsToo, everyStage, grpcOrigin)
	c.each(t, func(t *testing.T, w crossing) {
		ctx, cancel := context.WithTimeout(t.Context(), waiting)
		defer cancel()
		f := func(method, status string, says ...string) {
			t.Helper()
			k, err := w.begin(ctx, http.MethodPost, "/"+w.name()+"/"+method, grpcHeader())
			must(t, err)
			defer k.Body.Close()
			for _, text := range says {
				if err := k.says([]byte(message(0, text))); err != nil {
					t.Fatalf("%s: %v", method, err)
				}
			}
			k.out.Close()
			rest, err := io.ReadAll(k.Body)
			h := k.Response.Header
			if k.StatusCode != 200 || len(rest) > 0 || err != nil || h.Get("X-Timeout") != "17S" || h.Get("X-Te") != "trailers" || h.Get("X-Type") != "application/grpc+proto" ||
				h.Get("Content-Type") != "application/grpc+proto" || h.Get("Content-Encoding") != "" || h.Get("X-Served-By") != "edge" {
				t.Errorf("%s: status %d, %d bytes more, %v; %v", method, k.StatusCode, len(rest), err, h)
			}
			if got := k.Trailer.Get("Grpc-Status"); got != status || (k.Trailer.Get("Grpc-Status-Details-Bin") != "") != (status == "9") {
				t.Errorf("%s: trailers %v, want status %s", method, k.Trailer, status)
			}
		}
		f("Bidi", "0", "one", "", "three", strings.Repeat("large", 50_000), "five")
		if w.h2 { // a call of one message: the answer's head comes after the request's end
			w.unary(t, ctx, "Unary", "0")
			w.unary(t, ctx, "Fail", "9")
			w.unary(t, ctx, "None", "12")
		}
	})
	for path, e := range c.events() {
		method := path[strings.LastIndexByte(path, '/')+1:]
		want := map[string]int{"Fail": 9, "None": 12}[method]
		// In HTTP/1.1 a head with a length is no answer that is trailers only, even if that is 0.
		if e.GRPC == nil && !(method == "None" && strings.Contains(path, "-http1")) || e.GRPC != nil && *e.GRPC != want || e.Status != 200 || e.Fault != "" || e.Encoding != "" {
			t.Errorf("%s: the log says %s", path, e.text)
		}
	}
}

// unary makes a call whose message is there at once.
func (w crossing) unary(t *testing.T, ctx context.Context, method, status string) {
	t.Helper()
	q, err := http.NewRequestWithContext(ctx, http.MethodPost, w.base+"/"+w.name()+"/"+method, strings.NewReader(message(0, "hello")))
	must(t, err)
	q.Header = grpcHeader()
	r, err := w.client.Do(q)
	must(t, err)
	defer r.Body.Close()
	body, err := io.ReadAll(r.Body)
	want, trailer := message(0, "hello"), r.Trailer
	if method == "None" {
		want, trailer = "", r.Header
	}
	if r.StatusCode != 200 || string(body) != want || err != nil || trailer.Get("Grpc-Status") != status {
		t.Errorf("%s: status %d, %q, %v; %v %v", method, r.StatusCode, body, err, r.Header, r.Trailer)
	}
}

// TestTrailersOnly: the answer of a call that has nothing to say is one frame, the head, which ends the stream. Clients of gRPC
// take the end in a frame of its own for a call without a status.
func TestTrailersOnly(t *testing.T) {
	c := cross(t, bothProtocols, everyStage, grpcOrigin)
	for _, to := range bothProtocols {
		for _, plain := range []bool{false, true} {
			h := c.frames(to+".test", plain)
			id := h.Ask(false, ":method", "POST", ":scheme", map[bool]string{false: "https", true: "http"}[plain], ":path", "/s/None", ":authority", to+".test",
				"content-type", "application/grpc+proto", "te", "trailers")
			h.Data(id, true, message(0, "hello"))
			a := h.Stream(id)
			h.Until(func() bool { return a.Status != "" || a.Over() })
			if !a.Ended || a.Status != "200" || a.Field("grpc-status") != "12" || a.Body != "" || a.Field("content-type") != "application/grpc+proto" {
				t.Errorf("%s, plain %v: %v\n%s", to, plain, a, a.Header)
			}
		}
	}
}

// TestCallCancelled: a client that resets its stream has the edge reset the origin's, with CANCEL, whatever the call waits for, also for an
// origin that takes nothing more; other calls on the same connection to the origin go on.
func TestCallCancelled(t *testing.T) {
	o := newFrameOrigin(t)
	s := open(t, edgeH2C(), map[string]string{"specs/live.yaml": fmt.Sprintf(wayDocs, "calls", everyStage, "http2", o.url, "")})
	c := &crossings{site: s}
	for _, phase := range []struct{ answered, full bool }{{false, false}, {true, false}, {false, true}, {true, true}} {
		answered := phase.answered
		h := c.frames("calls.test", false)
		begin := func() (id uint32, at frameCall) {
			id = h.Ask(false, ":method", "POST", ":scheme", "https", ":path", "/s/Bidi", ":authority", "calls.test", "content-type", "application/grpc", "te", "trailers")
			h.Data(id, false, message(0, "hello"))
			at = await(t, "call at the origin", o.calls)
			if answered {
				at.answer(false, ":status", "200", "content-type", "application/grpc")
				if a := h.Stream(id); !h.Until(func() bool { return a.Status != "" }) {
					t.Fatal("no head came of the answer")
				}
			}
			return id, at
		}
		first, firstAt := begin()
		second, secondAt := begin()
		if firstAt.conn != secondAt.conn {
			t.Errorf("two calls had a connection each")
		}
		h.Data(second, true, "")
		if phase.full {
			h.Data(first, false, message(0, strings.Repeat("x", frameWindow-len(message(0, "hello")+message(0, "hello")+message(0, ""))+1)))
			await(t, "the last byte that the origin takes", o.full)
		}
		must(t, h.WriteRSTStream(first, http2.ErrCodeCancel))
		if r := await(t, "reset at the origin", o.resets); r.id != firstAt.id || r.code != http2.ErrCodeCancel {
			t.Errorf("%+v: stream %d was reset with %v, want %d", phase, r.id, r.code, firstAt.id)
		}
		if !answered {
			secondAt.answer(false, ":status", "200", "content-type", "application/grpc")
		}
		secondAt.answer(true, "grpc-status", "0")
		if a := h.Await(second); a.Status != "200" || a.Trailers != "grpc-status: 0\n" || a.Reset != nil {
			t.Errorf("%+v: the other call: %v", phase, a)
		}
		o.drop(t)
	}
}

// frameWindow is how much a frameOrigin takes on a connection.
const frameWindow = 1<<16 - 1

// frameOrigin is an origin of HTTP/2 made of frames, which answers nothing by itself.
type frameOrigin struct {
	url    string
	calls  chan frameCall
	resets chan frameReset
	full   chan struct{} // a connection has brought all that is taken on it
	conns  chan frameConn
}

// frameConn is a connection, and says when the other side has closed it.
type frameConn struct {
	net.Conn
	over chan struct{}
}

// drop ends the connection that was made last, and waits until the edge has seen it: the next call has a new one.
func (o *frameOrigin) drop(t *testing.T) {
	t.Helper()
	c := <-o.conns
	must(t, c.Conn.(*net.TCPConn).CloseWrite())
	await(t, "end of the connection to the origin", c.over)
}

// frameCall is a request that has begun.
type frameCall struct {
	id     uint32
	head   *http2.MetaHeadersFrame
	conn   *http2.Framer
	writes chan func(*http2.Framer)
}

// frameReset is RST_STREAM as it came.
type frameReset struct {
	id   uint32
	code http2.ErrCode
}

func newFrameOrigin(t *testing.T) *frameOrigin {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	o := &frameOrigin{url: "http://" + l.Addr().String(), calls: make(chan frameCall, 8), resets: make(chan frameReset, 8), full: make(chan struct{}, 1),
		conns: make(chan frameConn, 8)}
	over := make(chan struct{})
	t.Cleanup(func() {
		l.Close()
		<-over
	})
	go func() {
		defer close(over)
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			t.Cleanup(func() { conn.Close() })
			c := frameConn{conn, make(chan struct{})}
			o.conns <- c
			go o.serve(c)
		}
	}()
	return o
}

// serve reads a connection to its end.
func (o *frameOrigin) serve(conn frameConn) {
	writes, over := make(chan func(*http2.Framer), 64), conn.over
	defer close(over)
	f := http2.NewFramer(conn, conn)
	f.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
	go func() {
		for {
			select {
			case write := <-writes:
				write(f)
			case <-over:
				return
			}
		}
	}()
	if _, err := io.ReadFull(conn, make([]byte, len(http2.ClientPreface))); err != nil {
		return
	}
	writes <- func(f *http2.Framer) { _ = f.WriteSettings() }
	for came := 0; ; {
		frame, err := f.ReadFrame()
		if err != nil {
			return
		}
		switch frame := frame.(type) {
		case *http2.SettingsFrame:
			if !frame.IsAck() {
				writes <- func(f *http2.Framer) { _ = f.WriteSettingsAck() }
			}
		case *http2.PingFrame:
			if data := frame.Data; !frame.IsAck() {
				writes <- func(f *http2.Framer) { _ = f.WritePing(true, data) }
			}
		case *http2.MetaHeadersFrame:
			o.calls <- frameCall{frame.StreamID, frame, f, writes}
		case *http2.DataFrame:
			if came += len(frame.Data()); came == frameWindow {
				o.full <- struct{}{}
			}
		case *http2.RSTStreamFrame:
			o.resets <- frameReset{frame.StreamID, frame.ErrCode}
		}
	}
}

// answer sends a head, or trailers.
func (c frameCall) answer(end bool, fields ...string) {
	var block strings.Builder
	e := hpack.NewEncoder(&block)
	e.SetMaxDynamicTableSizeLimit(0) // calls are encoded in any order
	for i := 0; i < len(fields); i += 2 {
		_ = e.WriteField(hpack.HeaderField{Name: fields[i], Value: fields[i+1]}) // a Builder has no error
	}
	c.writes <- func(f *http2.Framer) {
		_ = f.WriteHeaders(http2.HeadersFrameParam{StreamID: c.id, BlockFragment: []byte(block.String()), EndStream: end, EndHeaders: true})
	}
}

// webTrailer is how gRPC-Web says its trailers: as the body's last message.
const webTrailer = "grpc-status: 7\r\ngrpc-message: not%20yours\r\n"

// TestGRPCWeb: gRPC-Web is a body like any other to the edge: nothing of it is changed, neither its text in base64 nor the
// trailers at its end, with the firewall and compression on. Pages of another origin may read what the entrypoint exposes.
func TestGRPCWeb(t *testing.T) {
	got := make(chan string, 1)
	c := cross(t, bothProtocols, everyStage, func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		got <- string(b)
		answer := message(0, "an answer") + message(0, strings.Repeat("another ", 1000)) + message(0x80, webTrailer)
		if strings.HasPrefix(r.Header.Get("Content-Type"), "application/grpc-web-text") {
			answer = base64.StdEncoding.EncodeToString([]byte(answer))
		}
		w.Header().Set("Content-Type", r.Header.Get("Content-Type"))
		w.Header().Set("Grpc-Status", "7")
		half := len(answer) / 2
		io.WriteString(w, answer[:half])
		flush(w)
		io.WriteString(w, answer[half:])
	})
	c.each(t, func(t *testing.T, w crossing) {
		for _, media := range []string{"application/grpc-web", "application/grpc-web+proto", "application/grpc-web-text", "application/grpc-web-text+proto"} {
			question := message(0, "a question, with <script>alert(1)</script> in it")
			answer := message(0, "an answer") + message(0, strings.Repeat("another ", 1000)) + message(0x80, webTrailer)
			if strings.Contains(media, "-text") {
				question, answer = base64.StdEncoding.EncodeToString([]byte(question)), base64.StdEncoding.EncodeToString([]byte(answer))
			}
			q, err := http.NewRequestWithContext(t.Context(), http.MethodPost, w.base+"/shop.Orders/Get", strings.NewReader(question))
			must(t, err)
			q.Header = http.Header{"Content-Type": {media}, "X-Grpc-Web": {"1"}, "Accept": {media}, "Origin": {"https://app.test"}, "Accept-Encoding": {"gzip, br"}, "User-Agent": {"t"}}
			r, err := w.client.Do(q)
			must(t, err)
			body, err := io.ReadAll(r.Body)
			r.Body.Close()
			if r.StatusCode != 200 || err != nil || string(body) != answer || r.Header.Get("Content-Type") != media || r.Header.Get("Content-Encoding") != "" {
				t.Fatalf("%s: status %d, %v, %.200q; %v", media, r.StatusCode, err, body, r.Header)
			}
			if seen := await(t, "request", got); seen != question {
				t.Errorf("%s: the origin got %q", media, seen)
			}
			if h := r.Header; h.Get("Access-Control-Allow-Origin") != "https://app.test" || !strings.Contains(strings.ToLower(h.Get("Access-Control-Expose-Headers")), "grpc-status") {
				t.Errorf("%s: a page may not read the status: %v", media, h)
			}
		}
		q, err := http.NewRequestWithContext(t.Context(), http.MethodOptions, w.base+"/shop.Orders/Get", nil)
		must(t, err)
		q.Header = http.Header{"Origin": {"https://app.test"}, "Access-Control-Request-Method": {"POST"}, "Access-Control-Request-Headers": {"content-type,x-grpc-web"}}
		r, err := w.client.Do(q)
		must(t, err)
		r.Body.Close()
		if r.StatusCode != 204 || !strings.Contains(strings.ToLower(r.Header.Get("Access-Control-Allow-Headers")), "content-type, grpc-timeout, x-grpc-web") {
			t.Errorf("the preflight: status %d, %v", r.StatusCode, r.Header)
		}
	})
}
