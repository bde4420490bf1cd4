package listen_test

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"skerry.dev/skerry/cert"
	"skerry.dev/skerry/exchange"
	"skerry.dev/skerry/listen"
	"skerry.dev/skerry/meter"
	"skerry.dev/skerry/spec"
	"skerry.dev/skerry/wire/h1"
)

// port is a TLS port and a plain one, with an HTTP/1.1 server that answers with what it was told of the connection.
type port struct {
	t        *testing.T
	meters   *meter.Set
	sockets  *listen.Set
	keeper   *cert.Keeper
	store    *cert.Store
	server   h1.Server
	tls      string // addresses
	plain    string
	rootFile string
}

func newPort(t *testing.T, opt listen.Options, hosts ...string) *port {
	return newPortOf(t, opt, time.Second, hosts...)
}

func newPortOf(t *testing.T, opt listen.Options, grace time.Duration, hosts ...string) *port {
	p := &port{t: t, meters: meter.NewSet()}
	data := t.TempDir()
	var err error
	if p.keeper, err = cert.NewKeeper(cert.Options{Data: data, Meters: p.meters, Protocols: []string{"http/1.1"}}); err != nil {
		t.Fatal(err)
	}
	p.store = cert.NewStore(p.keeper)
	table, problems := p.keeper.Table(&spec.Spec{Entrypoints: []*spec.Entrypoint{{Hosts: hosts}}})
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	p.store.Use(table)
	opt.Meters = p.meters
	p.sockets, err = listen.Open([]listen.Listener{{Addr: "127.0.0.1:0", TLS: p.store}, {Addr: "127.0.0.1:0"}}, opt)
	if err != nil {
		t.Fatal(err)
	}
	p.sockets.SetGrace(grace)
	p.tls, p.plain, p.rootFile = p.sockets.Addrs()[0].String(), p.sockets.Addrs()[1].String(), p.keeper.RootFile()
	path := exchange.NewPath(func(x *exchange.Exchange) { x.Answer(400) }, teller{})
	p.server.Handler = path.Run
	p.server.Timeouts = h1.Timeouts{Head: 2 * time.Second}
	p.sockets.Serve(func(c net.Conn, tls *exchange.TLS, protocol string) {
		if tls == nil && protocol != "" || tls != nil && protocol != "" && protocol != "http/1.1" {
			t.Errorf("protocol %q with %+v", protocol, tls)
		}
		p.server.Serve(c, tls)
	})
	t.Cleanup(p.close)
	return p
}

func (p *port) close() {
	p.sockets.Close()
	p.sockets.Abort()
	p.server.Close()
	p.sockets.Wait()
}

func (p *port) result(r cert.Result) uint64 {
	return p.meters.Counter("skerry_tls_handshakes_total", "", "result", r.String()).Value()
}

// await waits until a handshake has ended so: the client may know before.
func (p *port) await(r cert.Result) {
	p.t.Helper()
	for give := time.Now().Add(20 * time.Second); p.result(r) == 0; {
		if time.Now().After(give) {
			var ended []string
			for r := range cert.Failed + 1 {
				ended = append(ended, fmt.Sprint(r, " ", p.result(r)))
			}
			p.t.Fatalf("no handshake ended with %v, but %q", r, ended)
		}
		time.Sleep(time.Millisecond)
	}
}

// awaitOpen waits until that many connections have a place, so many of them in a handshake.
func (p *port) awaitOpen(open, shaking int) {
	p.t.Helper()
	for give := time.Now().Add(20 * time.Second); ; time.Sleep(time.Millisecond) {
		o, s := p.sockets.Open()
		if o == open && s == shaking {
			return
		}
		if time.Now().After(give) {
			p.t.Fatalf("%d connections are open, %d in a handshake, want %d and %d", o, s, open, shaking)
		}
	}
}

// teller answers with the facts of the connection.
type teller struct{}

func (teller) Name() string { return "teller" }
func (teller) Request(x *exchange.Exchange) exchange.Verdict {
	x.Answer(200)
	text := "plain"
	if t := x.Conn.TLS; t != nil {
		text = "tls " + tls.VersionName(t.Version) + " sni=" + t.ServerName + " policy=" + t.Policy
		if t.Local {
			text += " local"
		}
		if t.Covers(x.Req.Host) {
			text += " covers"
		}
	}
	x.Resp.Body = exchange.NewBytes([]byte(text + "\n"))
	return exchange.Respond
}

// command runs a client and returns what it printed, and whether it succeeded.
func command(t *testing.T, stdin, name string, args ...string) (string, bool) {
	t.Helper()
	c := exec.CommandContext(t.Context(), name, args...)
	c.Stdin = strings.NewReader(stdin)
	out, err := c.CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return string(out), err == nil
}

func portOf(addr string) string {
	_, p, _ := net.SplitHostPort(addr)
	return p
}

// TestCurl: with the root of the local CA, a name, a name below a wildcard, localhost and an address are all good.
func TestCurl(t *testing.T) {
	p := newPort(t, listen.Options{}, "shop.example.com", "*.example.com", "localhost", "127.0.0.1")
	port := portOf(p.tls)
	f := func(host, want string, more ...string) {
		t.Helper()
		args := append([]string{"-sS", "--max-time", "30", "--cacert", p.rootFile, "--resolve", host + ":" + port + ":127.0.0.1", "https://" + host + ":" + port + "/"}, more...)
		if got, ok := command(t, "", "curl", args...); strings.TrimSpace(got) != want || !ok {
			t.Errorf("%s: got %q, want %q", host, got, want)
		}
	}
	f("shop.example.com", "tls TLS 1.3 sni=shop.example.com policy=1.2 off  local covers")
	f("shop.example.com", "tls TLS 1.2 sni=shop.example.com policy=1.2 off  local covers", "--tls-max", "1.2")
	f("any.example.com", "tls TLS 1.3 sni=any.example.com policy=1.2 off  local covers")
	f("a.b.example.com", "tls TLS 1.3 sni=a.b.example.com policy=1.2 off  local covers")
	f("localhost", "tls TLS 1.3 sni=localhost policy=1.2 off  local covers")
	f("127.0.0.1", "tls TLS 1.3 sni= policy=1.2 off  local covers")
	f("shop.example.com", "tls TLS 1.3 sni=shop.example.com policy=1.2 off  local", "-H", "Host: other.example.net")
	if got, ok := command(t, "", "curl", "-sS", "--max-time", "30", "http://"+p.plain+"/"); got != "plain\n" || !ok {
		t.Errorf("plain: got %q", got)
	}
	if got, ok := command(t, "", "curl", "-sS", "--max-time", "30", "https://localhost:"+port+"/"); ok || !strings.Contains(got, "certificate") {
		t.Errorf("without the root: got %q", got)
	}
	p.await(cert.ClientAlert)
}

// TestOpenSSL: the alert for a name that is not served, and resumption, as another implementation sees them.
func TestOpenSSL(t *testing.T) {
	p := newPort(t, listen.Options{}, "shop.example.com", "127.0.0.1")
	dir := t.TempDir()
	f := func(want string, ok bool, args ...string) {
		t.Helper()
		args = append([]string{"s_client", "-connect", p.tls, "-CAfile", p.rootFile, "-verify_return_error"}, args...)
		if got, is := command(t, "", "openssl", args...); is != ok || !strings.Contains(got, want) {
			t.Errorf("%q: succeeded %v, want %v and %q:\n%s", args, is, ok, want, got)
		}
	}
	for _, version := range []string{"-tls1_2", "-tls1_3"} {
		f("unrecognized name", false, version, "-servername", "other.example.com")
		f("SSL alert number 112", false, version, "-servername", "other.example.com")
		f("Verification: OK", true, version, "-servername", "shop.example.com", "-verify_hostname", "shop.example.com")
		f("Verification: OK", true, version, "-noservername", "-verify_ip", "127.0.0.1")
	}
	f("alert protocol version", false, "-tls1_1", "-cipher", "ALL:@SECLEVEL=0", "-servername", "shop.example.com")
	f("Reused, TLSv1.2", true, "-tls1_2", "-reconnect", "-servername", "shop.example.com")

	// In TLS 1.3 a ticket comes after the handshake: the answer to a request waits for it.
	session := filepath.Join(dir, "session")
	get := "GET / HTTP/1.1\r\nHost: shop.example.com\r\nConnection: close\r\n\r\n"
	args := []string{"s_client", "-connect", p.tls, "-CAfile", p.rootFile, "-servername", "shop.example.com", "-tls1_3", "-ign_eof"}
	if got, ok := command(t, get, "openssl", append(args, "-sess_out", session)...); !ok || !strings.Contains(got, "covers") {
		t.Errorf("got %s", got)
	}
	if got, ok := command(t, get, "openssl", append(args, "-sess_in", session)...); !ok || !strings.Contains(got, "Reused, TLSv1.3") || !strings.Contains(got, "covers") {
		t.Errorf("got %s", got)
	}
}

// TestPlainOnTLS: a client that speaks HTTP on the TLS port is told so.
func TestPlainOnTLS(t *testing.T) {
	p := newPort(t, listen.Options{}, "localhost")
	got, ok := command(t, "", "curl", "-sS", "-i", "--max-time", "30", "http://"+p.tls+"/")
	if !ok || !strings.HasPrefix(got, "HTTP/1.1 400 Bad Request\r\n") || !strings.HasSuffix(got, "Use https.\n") {
		t.Errorf("got %q", got)
	}
	if p.result(cert.PlainHTTP) != 1 {
		t.Error("it was not counted")
	}
	// A large upload is not reset before the answer is read.
	got, _ = command(t, strings.Repeat("x", 32<<10), "curl", "-sS", "-i", "--max-time", "30", "-H", "Expect:", "--data-binary", "@-", "http://"+p.tls+"/")
	if !strings.HasPrefix(got, "HTTP/1.1 400 Bad Request\r\n") {
		t.Errorf("got %q", got)
	}
}

// TestTLSOnPlain: a client that speaks TLS on the plain port is not left waiting.
func TestTLSOnPlain(t *testing.T) {
	p := newPort(t, listen.Options{}, "localhost")
	c, err := net.Dial("tcp", p.plain)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(20 * time.Second))
	err = tls.Client(c, &tls.Config{ServerName: "localhost"}).Handshake()
	if err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("got %v", err)
	}
}

// TestSlowHandshake: a client that says nothing, or not enough, is closed after the deadline.
func TestSlowHandshake(t *testing.T) {
	p := newPort(t, listen.Options{Handshake: 50 * time.Millisecond}, "localhost")
	for _, send := range []string{"", "\x16\x03\x01\x02\x00\x01\x00"} {
		c, err := net.Dial("tcp", p.tls)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.WriteString(c, send)
		if b, err := io.ReadAll(c); len(b) > 0 || err != nil {
			t.Errorf("after %q: got %q, %v", send, b, err)
		}
		c.Close()
	}
	if n := p.result(cert.Timeout); n != 2 {
		t.Errorf("%d timeouts counted", n)
	}
}

// TestDeadlineEnds: the deadline is the handshake's alone.
func TestDeadlineEnds(t *testing.T) {
	const patience = 250 * time.Millisecond
	p := newPort(t, listen.Options{Handshake: patience}, "localhost")
	config := &tls.Config{InsecureSkipVerify: true, ServerName: "localhost"}
	var c *tls.Conn
	for by := time.Now().Add(30 * time.Second); p.result(cert.OK) == 0; { // a busy machine may take longer, the server also where the client is through
		if time.Now().After(by) {
			t.Fatal("no handshake was over in time")
		}
		late := p.result(cert.Timeout)
		var err error
		if c, err = tls.Dial("tcp", p.tls, config); err != nil {
			t.Log(err)
			continue
		}
		defer c.Close()
		for p.result(cert.OK) == 0 && p.result(cert.Timeout) == late && time.Now().Before(by) {
			time.Sleep(time.Millisecond)
		}
	}
	time.Sleep(patience + 50*time.Millisecond)
	_, _ = io.WriteString(c, "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
	if b, err := io.ReadAll(c); err != nil || !strings.Contains(string(b), "covers") {
		t.Errorf("got %q, %v", b, err)
	}
}

// TestFull: at the limit a waiting connection is shed for a new one: an old handshake, then what Full knows to be older than
// the oldest handshake, then that.
func TestFull(t *testing.T) {
	f := func(name string, grace time.Duration, knows bool, asked int32, shed uint64) {
		t.Helper()
		var calls atomic.Int32
		var idle, silent net.Conn
		var shaking atomic.Int64 // when the handshake was under way
		var p *port
		gone := func() uint64 { return p.meters.Counter("skerry_handshakes_shed_total", "").Value() }
		full := func(before time.Time) bool {
			if gone() > 0 {
				return false // its place is not free yet, so that room is looked for once more
			}
			calls.Add(1)
			if before.UnixNano() > shaking.Load() {
				t.Errorf("%s: connections are to go that wait since %v, and the handshake is older", name, before)
			}
			if knows {
				idle.Close() // the client closes, and so its place is free
			}
			return knows
		}
		p = newPortOf(t, listen.Options{Conns: 2, Full: full}, grace, "localhost")
		defer p.close()
		var err error
		if idle, err = net.Dial("tcp", p.plain); err != nil {
			t.Fatal(err)
		}
		defer idle.Close()
		if silent, err = net.Dial("tcp", p.tls); err != nil {
			t.Fatal(err)
		}
		defer silent.Close()
		p.awaitOpen(2, 1)
		shaking.Store(time.Now().UnixNano())
		got, ok := command(t, "", "curl", "-sS", "--max-time", "30", "--cacert", p.rootFile, "https://localhost:"+portOf(p.tls)+"/")
		if !ok || !strings.Contains(got, "covers") {
			t.Errorf("%s: got %q", name, got)
		}
		if n := gone(); n != shed || (calls.Load() > 0) != (asked > 0) {
			t.Errorf("%s: %d handshakes shed, want %d; Full was asked %d times", name, n, shed, calls.Load())
		}
		if shed > 0 {
			p.await(cert.Closed)
			if b, err := io.ReadAll(silent); len(b) > 0 || err != nil && !errors.Is(err, syscall.ECONNRESET) {
				t.Errorf("%s: the handshake that was shed got %q, %v", name, b, err)
			}
		}
	}
	f("an old handshake", 0, true, 0, 1)
	f("an idle connection", time.Hour, true, 1, 0)
	f("a young handshake", time.Hour, false, 1, 1)
}

// TestAbort: handshakes end at once.
func TestAbort(t *testing.T) {
	p := newPort(t, listen.Options{}, "localhost")
	c, err := net.Dial("tcp", p.tls)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	p.awaitOpen(1, 1)
	p.sockets.Close()
	p.sockets.Abort()
	p.sockets.Wait()
}

// TestHandshakePanics: a bug ends one connection.
func TestHandshakePanics(t *testing.T) {
	set := meter.NewSet()
	s, err := listen.Open([]listen.Listener{{Addr: "127.0.0.1:0", TLS: new(cert.Store)}}, listen.Options{Meters: set})
	if err != nil {
		t.Fatal(err)
	}
	s.Serve(func(net.Conn, *exchange.TLS, string) { t.Error("it was served") })
	for range 2 {
		c := dial(t, s)
		_, _ = io.WriteString(c, "GET / HTTP/1.1\r\n\r\n")
		_, _ = io.ReadAll(c)
		c.Close()
	}
	s.Close()
	s.Wait()
	if n := set.Counter("skerry_panics_total", "").Value(); n != 2 {
		t.Errorf("%d panics counted", n)
	}
}
