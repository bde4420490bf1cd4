package edge_test

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/binary"
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"skerry.dev/skerry/edge"
	"skerry.dev/skerry/meter"
)

// h2Target is what attackers of HTTP/2 are let loose on.
type h2Target struct {
	t    *testing.T
	addr string
	tls  *tls.Config // nil: plain TCP
	set  *meter.Set
}

// openH2 starts an edge before an origin that holds, and a flood that counts what its honest clients see.
func openH2(t *testing.T, opt edge.Options) (*edge.Edge, *h2Target, *flood) {
	t.Helper()
	opt.HTTPS, opt.Meters, opt.Log, opt.DrainTimeout = []string{"127.0.0.1:0"}, meter.NewSet(), io.Discard, 10*time.Second
	e, addr := start(t, opt, floodSpec(origin(t, holdingOrigin)))
	_, https := e.Addrs()
	f := &flood{t: t, first: floodState{HTTP: addr, HTTPS: https[0].String()}, roots: x509.NewCertPool()}
	f.roots.AppendCertsFromPEM(e.Root())
	conf := &tls.Config{RootCAs: f.roots, ServerName: "shop.test", NextProtos: []string{"h2"}}
	return e, &h2Target{t, f.first.HTTPS, conf, opt.Meters}, f
}

// holdingOrigin is floodOrigin but for /hold, where it takes nothing and says nothing for longer than an attack lasts. A server of
// net/http does not hear of a client that leaves while its body is not read.
func holdingOrigin(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path != "/hold" {
		floodOrigin(w, r)
		return
	}
	time.Sleep(2 * time.Second)
}

// defended is how often a defence was counted.
func (g *h2Target) defended(name string) uint64 {
	return g.set.Counter("skerry_h2_defended_total", "Streams and connections of HTTP/2 that were cut off by a defence.", "defence", name).Value()
}

func (g *h2Target) open() int64 {
	return g.set.Gauge("skerry_connections_open", "Client connections open now.").Value()
}

// h2Attacker is one connection of an attacker, made of frames. It writes what it is told and, unless it is deaf, notes what it gets.
type h2Attacker struct {
	*http2.Framer
	conn    net.Conn
	w       *bufio.Writer
	id      uint32 // of the last stream that was opened; 2^32-1, two before 1: none was
	table   bytes.Buffer
	encoder *hpack.Encoder

	over   chan struct{} // closed when the connection has ended, as its reader sees it
	mu     sync.Mutex
	goAway *http2.ErrCode
	resets map[http2.ErrCode]int
	heads  int // header blocks that came
	status map[string]int
}

// dial connects and, with a preface, says hello.
func (g *h2Target) dial(deaf bool, preface string, settings ...http2.Setting) (*h2Attacker, error) {
	d := net.Dialer{Timeout: 10 * time.Second}
	if deaf {
		d.Control = smallBuffer
	}
	c, err := d.Dial("tcp", g.addr)
	if err != nil {
		return nil, err
	}
	if g.tls != nil {
		s := tls.Client(c, g.tls)
		if err := s.Handshake(); err != nil {
			c.Close()
			return nil, err
		}
		c = s
	}
	a := &h2Attacker{conn: c, w: bufio.NewWriterSize(c, 16<<10), over: make(chan struct{}), id: 1<<32 - 1, resets: map[http2.ErrCode]int{}, status: map[string]int{}}
	a.Framer = http2.NewFramer(a.w, c)
	a.AllowIllegalWrites = true
	a.SetMaxReadFrameSize(1 << 20)
	a.encoder = hpack.NewEncoder(&a.table)
	_, _ = a.w.WriteString(preface)
	if preface == http2.ClientPreface {
		_ = a.WriteSettings(settings...)
	}
	_ = a.w.Flush()
	if deaf {
		go a.feel()
	} else {
		go a.listen()
	}
	return a, nil
}

// listen notes what comes until the connection ends.
func (a *h2Attacker) listen() {
	defer close(a.over)
	heads := hpack.NewDecoder(4096, func(f hpack.HeaderField) {
		if f.Name == ":status" {
			a.status[f.Value]++
		}
	})
	for {
		f, err := a.ReadFrame()
		if err != nil {
			return
		}
		a.mu.Lock()
		switch f := f.(type) {
		case *http2.GoAwayFrame:
			code := f.ErrCode
			a.goAway = &code
		case *http2.RSTStreamFrame:
			a.resets[f.ErrCode]++
		case *http2.HeadersFrame:
			a.heads++
			_, _ = heads.Write(f.HeaderBlockFragment())
		}
		a.mu.Unlock()
	}
}

// feel waits until the other side has reset the connection, without reading.
func (a *h2Attacker) feel() {
	defer close(a.over)
	below := a.conn
	if s, ok := below.(*tls.Conn); ok {
		below = s.NetConn()
	}
	for !broken(below) {
		time.Sleep(10 * time.Millisecond)
	}
}

// ended reports whether the connection has ended.
func (a *h2Attacker) ended() bool {
	select {
	case <-a.over:
		return true
	default:
		return false
	}
}

// times has something said so often, or until the connection ends.
func (a *h2Attacker) times(n int, say func(i int)) {
	for i := range n {
		if a.ended() {
			return
		}
		say(i)
		if a.w.Size()-a.w.Available() > 8<<10 && a.w.Flush() != nil {
			return
		}
	}
	_ = a.w.Flush()
}

// block encodes fields, given as name, value, name, value.
func (a *h2Attacker) block(fields ...string) []byte {
	a.table.Reset()
	for i := 0; i < len(fields); i += 2 {
		_ = a.encoder.WriteField(hpack.HeaderField{Name: fields[i], Value: fields[i+1]})
	}
	return a.table.Bytes()
}

// ask opens a stream.
func (a *h2Attacker) ask(end bool, method, path string, fields ...string) (id uint32) {
	a.id += 2
	block := a.block(append([]string{":method", method, ":scheme", "https", ":authority", "shop.test", ":path", path}, fields...)...)
	_ = a.WriteHeaders(http2.HeadersFrameParam{StreamID: a.id, BlockFragment: block, EndStream: end, EndHeaders: true})
	return a.id
}

// raw writes a frame of any kind.
func (a *h2Attacker) raw(kind http2.FrameType, flags http2.Flags, id uint32, payload ...byte) {
	_ = a.WriteRawFrame(kind, flags, id, payload)
}

// opening begins a header block, of a request for a path, which fields may follow. It touches no table.
func (a *h2Attacker) opening(path string) []byte {
	a.id += 2
	block := append([]byte{0x82, 0x87, 0x04, byte(len(path))}, path...) // GET, https, :path
	return append(append(block, 0x01, byte(len("shop.test"))), "shop.test"...)
}

func number(n uint32) []byte { return binary.BigEndian.AppendUint32(nil, n) }

// inUse is the memory in use, without garbage.
func inUse() int64 {
	runtime.GC()
	runtime.GC() // what lies in pools goes with the second
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapInuse + m.StackInuse)
}

// peak measures the most memory of heap and stacks that the process has in use, above what it had at first, until stop.
func peak() (stop func() int64) {
	before, most := inUse(), int64(0)
	var m runtime.MemStats
	done, over := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(over)
		tick := time.NewTicker(25 * time.Millisecond)
		defer tick.Stop()
		for ended := false; !ended; {
			select {
			case <-done:
				ended = true
			case <-tick.C:
			}
			runtime.ReadMemStats(&m)
			most = max(most, int64(m.HeapInuse+m.StackInuse)-before)
		}
	}()
	return func() int64 {
		close(done)
		<-over
		return most
	}
}

// large fields for header blocks.
var kilobytes = func(n int) string { return strings.Repeat("x", n<<10) }
