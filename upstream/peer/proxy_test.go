package peer_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pires/go-proxyproto"

	"skerry.dev/skerry/fault"
	"skerry.dev/skerry/meter"
	"skerry.dev/skerry/spec"
	"skerry.dev/skerry/upstream/peer"
	"skerry.dev/skerry/wire/proxyheader"
)

// announced starts an origin that reads a PROXY header of each connection, by another implementation, before TLS, if it speaks
// that, and tells what it read.
func announced(t *testing.T, config *tls.Config) (addr netip.AddrPort, headers <-chan string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	told := make(chan string, 100)
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			raw, err := l.Accept()
			if err != nil {
				return
			}
			wg.Go(func() {
				r := bufio.NewReader(raw)
				h, err := proxyproto.Read(r)
				if err != nil {
					told <- err.Error()
					raw.Close()
					return
				}
				text := "v" + string('0'+rune(h.Version))
				if !h.Command.IsLocal() {
					text += " " + h.SourceAddr.String() + " " + h.DestinationAddr.String()
				}
				told <- text
				var c net.Conn = &buffered{raw, r}
				if config != nil {
					c = tls.Server(c, config)
				}
				serve(c, fine)
			})
		}
	})
	t.Cleanup(func() { l.Close(); wg.Wait() })
	return netip.MustParseAddrPort(l.Addr().String()), told
}

// buffered is a connection of which something has been read.
type buffered struct {
	net.Conn
	r *bufio.Reader
}

func (b *buffered) Read(p []byte) (int, error) { return b.r.Read(p) }

// TestProxyHeader: it is the first thing on each connection, before TLS, names the client, or for a check nobody, and the
// connection is never another client's.
func TestProxyHeader(t *testing.T) {
	ca := newAuthority(t)
	pair := ca.pair(t, numbered)
	for _, secured := range []bool{false, true} {
		for version, name := range map[proxyheader.Version]string{proxyheader.V1: "v1", proxyheader.V2: "v2"} {
			id := peer.Identity{Proxy: version}
			var config *tls.Config
			if secured {
				config, id.TLS = &tls.Config{Certificates: []tls.Certificate{pair}}, &peer.TLS{Roots: ca.pem}
			}
			var headers <-chan string
			id.Addr, headers = announced(t, config)
			set := meter.NewSet()
			k := peer.NewKeeper(nil, set)
			p, err := k.Acquire(id, peer.Limits{Keep: keep, Connect: patience})
			if err != nil {
				t.Fatal(err)
			}
			f := func(source, destination, want string) {
				t.Helper()
				if c := p.Get(time.Now()); c != nil {
					t.Error("a connection was kept")
				}
				client := peer.Client{Source: netip.MustParseAddrPort(source)}
				if destination != "" {
					client.Destination = netip.MustParseAddrPort(destination)
				}
				c, err := p.DialFor(context.Background(), client)
				if err != nil {
					t.Fatal(err)
				}
				status, reusable, err := use(c)
				if status != 200 || !reusable || err != nil {
					t.Errorf("status %d, reusable %v, %v", status, reusable, err)
				}
				c.Keep(time.Now())
				if got := <-headers; got != name+want {
					t.Errorf("TLS %v: the origin was told %q, want %q", secured, got, name+want)
				}
			}
			f("203.0.113.7:4444", "198.51.100.1:443", " 203.0.113.7:4444 198.51.100.1:443")
			f("[2001:db8::7]:4444", "[2001:db8::1]:443", " [2001:db8::7]:4444 [2001:db8::1]:443")
			f("203.0.113.7:0", "", " 203.0.113.7:0 "+id.Addr.String())
			check, err := p.DialBeside(context.Background())
			if err != nil {
				t.Fatal(err)
			}
			if status, _, err := use(check); status != 200 || err != nil {
				t.Errorf("a check: status %d, %v", status, err)
			}
			check.Close()
			unasked := dial(t, p) // for nobody, and given back unused
			unasked.Keep(time.Now())
			for range 2 {
				if got := <-headers; got != name {
					t.Errorf("TLS %v: a check told %q, want %q", secured, got, name)
				}
			}
			if n := set.Counter("skerry_origin_connections_closed_total", "", "reason", "client").Value(); n != 4 {
				t.Errorf("%d connections were closed as a client's", n)
			}
			if p.Open() != 0 || p.Kept() != 0 {
				t.Errorf("%d connections are open, %d kept", p.Open(), p.Kept())
			}
			p.Release()
			k.Stop()
		}
	}
}

// TestProxyHeaderIdentity: peers with and without a header are two, and one of HTTP/2 cannot have any.
func TestProxyHeaderIdentity(t *testing.T) {
	k := newRig(t).keeper
	id := peer.Identity{Addr: netip.MustParseAddrPort("192.0.2.1:80")}
	seen := map[*peer.Peer]bool{}
	for _, id.Proxy = range []proxyheader.Version{proxyheader.None, proxyheader.V1, proxyheader.V2} {
		p, err := k.Acquire(id, peer.Limits{Keep: keep})
		if err != nil || seen[p] {
			t.Errorf("version %d: %v, shared %v", id.Proxy, err, seen[p])
		}
		seen[p] = true
	}
	defer func() {
		if v, _ := recover().(string); !strings.HasPrefix(v, "BUG: ") {
			t.Errorf("got %v", v)
		}
	}()
	id.Protocol = spec.ProtocolHTTP2
	_, _ = k.Acquire(id, peer.Limits{Keep: keep})
}

// TestProxyHeaderNotTaken: an origin that is gone before it has the header is one that cannot be reached.
func TestProxyHeaderNotTaken(t *testing.T) {
	r := newRig(t)
	r.keeper.Connect(func(context.Context, string, string) (net.Conn, error) {
		near, far := net.Pipe()
		far.Close()
		return near, nil
	})
	p, err := r.keeper.Acquire(peer.Identity{Addr: netip.MustParseAddrPort("192.0.2.1:80"), Proxy: proxyheader.V2}, peer.Limits{Keep: keep, Connect: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.Dial(context.Background()); fault.Of(err) != fault.OriginUnreachable || !strings.Contains(err.Error(), "PROXY header") || p.Open() != 0 {
		t.Errorf("got %v, %d open", err, p.Open())
	}
}
