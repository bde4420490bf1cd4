package listen_test

import (
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/netip"
	"runtime"
	"strings"
	"testing"
	"time"

	"skerry.dev/skerry/exchange"
	"skerry.dev/skerry/listen"
	"skerry.dev/skerry/meter"
	"skerry.dev/skerry/wire/transport"
)

// loopback trusts whoever connects from here.
var loopback = []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}

const (
	header1 = "PROXY TCP4 203.0.113.7 198.51.100.1 4444 443\r\n"
	header2 = "\r\n\r\n\x00\r\nQUIT\n\x21\x11\x00\x0c\xcb\x00\x71\x07\xc6\x33\x64\x01\x11\x5c\x01\xbb"
	health2 = "\r\n\r\n\x00\r\nQUIT\n\x20\x00\x00\x00"
)

// newIntroduced is an address that requires PROXY headers, whose server says on each connection where it comes from and what it
// read.
func newIntroduced(t *testing.T, kind listen.Listener, grace time.Duration, opt listen.Options) (*listen.Set, *meter.Set) {
	t.Helper()
	opt.Meters = meter.NewSet()
	if opt.Trusted == nil {
		opt.Trusted = loopback
	}
	kind.Addr, kind.Proxy = "127.0.0.1:0", true
	s, err := listen.Open([]listen.Listener{kind}, opt)
	if err != nil {
		t.Fatal(err)
	}
	s.SetGrace(grace)
	s.Serve(func(c net.Conn, _ *exchange.TLS, protocol string) {
		conn := transport.New(c)
		defer conn.Close()
		in := make([]byte, 1000)
		n, err := conn.Read(in, time.Now().Add(10*time.Second))
		if err != nil && err != io.EOF {
			t.Error(err)
		}
		host, _, _ := net.SplitHostPort(c.RemoteAddr().String())
		if local := c.LocalAddr().String(); local != s.Addrs()[0].String() {
			t.Errorf("its own address is %s", local)
		}
		if _, err = conn.Write(fmt.Appendf(nil, "%s%s read %q", host, protocol, in[:n]), nil, nil, time.Minute); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(func() {
		s.Close()
		s.Abort()
		s.Wait()
	})
	return s, opt.Meters
}

func headers(m *meter.Set, result string) uint64 {
	return m.Counter("skerry_proxy_headers_total", "", "result", result).Value()
}

// TestIntroduction: what a header says counts, nothing of what follows it is lost, and whatever else comes is closed without a
// word and counted for what was wrong with it. Byte for byte it is the same.
func TestIntroduction(t *testing.T) {
	defer transport.UseRaw(true)
	for _, one := range []struct{ send, from, result string }{
		{header1, "203.0.113.7", "client"},
		{header2, "203.0.113.7", "client"},
		{"PROXY TCP6 2001:db8::7 2001:db8::1 4444 443\r\n", "2001:db8::7", "client"},
		{"PROXY UNKNOWN\r\n", "127.0.0.1", "peer"},
		{health2, "127.0.0.1", "peer"},
		{"", "", "empty"},
		{"PROXY TCP4 203.0.113.7 19", "", "truncated"},
		{header2[:20], "", "truncated"},
		{"GET / HTTP/1.1\r\nHost: a\r\n\r\n", "", "missing"},
		{"\x16\x03\x01\x02\x00\x01\x00", "", "missing"},
		{"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "", "missing"},
		{strings.Replace(header1, "4444", "04444", 1), "", "malformed"},
		{"PROXY TCP4 " + strings.Repeat("2", 200), "", "too_long"},
		{strings.Replace(header2, "\x21\x11", "\x21\x12", 1), "", "family"},
	} {
		introduce(t, one.send, one.from, one.result)
	}
}

// introduce sends a header, at once and byte by byte.
func introduce(t *testing.T, send, from, result string) {
	t.Helper()
	for _, raw := range []bool{true, false} {
		transport.UseRaw(raw)
		s, meters := newIntroduced(t, listen.Listener{}, time.Second, listen.Options{})
		request := ""
		if from != "" {
			request = "GET / HTTP/1.1\r\n\r\n"
		}
		for i, pieces := range [][]string{{send + request}, append(strings.Split(send, ""), request)} {
			c := dial(t, s)
			for _, p := range pieces {
				_, _ = io.WriteString(c, p) // it may have been closed
			}
			_ = c.(*net.TCPConn).CloseWrite()
			want := ""
			if from != "" {
				want = fmt.Sprintf("%s read %q", from, request)
			}
			if got := answer(t, c); got != want {
				t.Errorf("raw %v, %q: got %q, want %q", raw, send, got, want)
			}
			c.Close()
			if n := headers(meters, result); n != uint64(i+1) {
				t.Errorf("raw %v, %q: %d are counted as %s, want %d", raw, send, n, result, i+1)
			}
		}
	}
}

// TestIntroductionRefused: who is not trusted is closed before a byte is read, which is counted, and told of once.
func TestIntroductionRefused(t *testing.T) {
	s, meters := newIntroduced(t, listen.Listener{}, time.Second, listen.Options{Conns: 1})
	for range 3 {
		c, err := (&net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 2)}}).Dial("tcp", s.Addrs()[0].String())
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.WriteString(c, header1)
		if got := answer(t, c); got != "" {
			t.Errorf("a stranger got %q", got)
		}
		c.Close()
	}
	if n := headers(meters, "untrusted"); n != 3 {
		t.Errorf("%d strangers are counted", n)
	}
	events := meters.Events().Since(0)
	if len(events) != 1 || events[0].Kind != "proxy_header" || !strings.Contains(events[0].Text, "--trusted-proxies") || !strings.Contains(events[0].Text, "127.0.0.2") {
		t.Errorf("events: %v", events)
	}
	introducedAs(t, s, header1, "203.0.113.7")
	for range 2 { // what strangers do hides nothing
		c := dial(t, s)
		_, _ = io.WriteString(c, "GET / HTTP/1.1\r\n\r\n")
		answer(t, c)
		c.Close()
	}
	if events = meters.Events().Since(0); len(events) != 2 || !strings.Contains(events[1].Text, "did not begin with a PROXY header") {
		t.Errorf("events: %v", events)
	}
}

// introducedAs expects a connection to be served as one from somewhere.
func introducedAs(t *testing.T, s *listen.Set, header, from string) {
	t.Helper()
	c := dial(t, s)
	defer c.Close()
	_, _ = io.WriteString(c, header+"x")
	if got, want := answer(t, c), from+` read "x"`; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestIntroductionNeedsTrust: an address on which nobody could connect is not opened.
func TestIntroductionNeedsTrust(t *testing.T) {
	_, err := listen.Open([]listen.Listener{{Addr: "127.0.0.1:0", Proxy: true}}, listen.Options{})
	if err == nil || !strings.Contains(err.Error(), "--trusted-proxies") {
		t.Errorf("got %v", err)
	}
}

// TestIntroductionInTime: header and handshake have one deadline together, and then there is none.
func TestIntroductionInTime(t *testing.T) {
	const patience = 100 * time.Millisecond
	s, meters := newIntroduced(t, listen.Listener{}, time.Second, listen.Options{Conns: 1, Handshake: patience})
	for i, send := range []string{"", "P", header1[:len(header1)-1], header2[:len(header2)-1]} {
		c := dial(t, s)
		_, _ = io.WriteString(c, send)
		if got := answer(t, c); got != "" {
			t.Errorf("%q: got %s", send, got)
		}
		c.Close()
		if n := headers(meters, "late"); n != uint64(i+1) {
			t.Errorf("%q: %d connections are counted, want %d", send, n, i+1)
		}
	}
	if e := meters.Events().Since(0); len(e) != 1 || !strings.HasSuffix(e[0].Text, "which is "+patience.String()) {
		t.Errorf("events: %v", e)
	}
	var c net.Conn
	for by := time.Now().Add(30 * time.Second); headers(meters, "client") == 0; { // a busy machine may take longer than that
		if time.Now().After(by) {
			t.Fatal("no header was there in time")
		}
		late := headers(meters, "late")
		c = dial(t, s)
		defer c.Close()
		_, _ = io.WriteString(c, header2)
		for headers(meters, "client") == 0 && headers(meters, "late") == late && time.Now().Before(by) {
			time.Sleep(time.Millisecond)
		}
	}
	time.Sleep(2 * patience) // the header was there in time
	_, _ = io.WriteString(c, "x")
	if got := answer(t, c); got != `203.0.113.7 read "x"` {
		t.Errorf("got %s", got)
	}
}

// TestIntroductionPerAddress: the limit is that of the client in the header, not of the proxy. One that is trusted itself has
// none.
func TestIntroductionPerAddress(t *testing.T) {
	s, meters := newIntroduced(t, listen.Listener{}, time.Second, listen.Options{PerAddress: 2, Conns: 20,
		Trusted: append([]netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}, loopback...)})
	open := func(from string) net.Conn {
		c := dial(t, s)
		t.Cleanup(func() { c.Close() })
		_, _ = io.WriteString(c, "PROXY TCP4 "+from+" 198.51.100.1 4444 443\r\n")
		return c
	}
	served := func(c net.Conn) bool {
		_, _ = io.WriteString(c, "x")
		return answer(t, c) != ""
	}
	var first []net.Conn
	for range 2 {
		first = append(first, open("203.0.113.7"))
	}
	awaitOpen(t, s, 2, 0)
	if served(open("203.0.113.7")) {
		t.Error("a third connection of one client was served")
	}
	if n := meters.Counter("skerry_connections_refused_total", "", "reason", "per_address").Value(); n != 1 {
		t.Errorf("%d refused connections counted", n)
	}
	var more []net.Conn
	for i := range 5 {
		more = append(more, open("10.0.0.1"), open(fmt.Sprintf("203.0.113.%d", 100+i)))
	}
	for _, c := range append(first, more...) {
		if !served(c) {
			t.Error("a connection within the limit was refused")
		}
	}
	awaitOpen(t, s, 0, 0)
	if !served(open("203.0.113.7")) {
		t.Error("a place was not given back")
	}
}

// TestIntroductionBeforeOthers: the look at the preface, and TLS, come behind the header, on a socket that has nothing of it.
func TestIntroductionBeforeOthers(t *testing.T) {
	both, _ := newIntroduced(t, listen.Listener{H2C: true}, time.Second, listen.Options{})
	for send, want := range map[string]string{
		header1 + preface: fmt.Sprintf("203.0.113.7h2 read %q", preface), header2 + "GET": `203.0.113.7 read "GET"`, health2 + preface: fmt.Sprintf("127.0.0.1h2 read %q", preface),
	} {
		c := dial(t, both)
		_, _ = io.WriteString(c, send)
		if got := answer(t, c); got != want {
			t.Errorf("%q: got %s, want %s", send, got, want)
		}
		c.Close()
	}

	p := newPort(t, listen.Options{}, "shop.test", "127.0.0.1")
	secure, meters := newIntroduced(t, listen.Listener{TLS: p.store}, time.Second, listen.Options{Handshake: 20 * time.Second})
	for _, name := range []string{"shop.test", ""} { // without a name the certificate is that of the socket's own address
		c := dial(t, secure)
		_, _ = io.WriteString(c, header2)
		s := tls.Client(c, &tls.Config{ServerName: name, InsecureSkipVerify: true})
		_, err := io.WriteString(s, "hello")
		if err != nil {
			t.Fatal(err)
		}
		if got := answer(t, s); got != `203.0.113.7 read "hello"` {
			t.Errorf("TLS: got %s", got)
		}
		c.Close()
	}
	c := dial(t, secure)
	defer c.Close()
	s := tls.Client(c, &tls.Config{ServerName: "shop.test", InsecureSkipVerify: true})
	if err := s.Handshake(); err == nil || headers(meters, "missing") != 1 {
		t.Errorf("TLS without a header: %v, counted %d times", err, headers(meters, "missing"))
	}
}

// TestIntroductionHandshakeDeadline: a header does not make the time for a handshake begin anew.
func TestIntroductionHandshakeDeadline(t *testing.T) {
	const patience = 1500 * time.Millisecond
	p := newPort(t, listen.Options{}, "shop.test")
	s, meters := newIntroduced(t, listen.Listener{TLS: p.store}, 2*patience, listen.Options{Handshake: patience})
	for range 10 { // that it takes so long may also be the machine's doing, but not each time
		began, before := time.Now(), headers(meters, "client")
		c := dial(t, s)
		defer c.Close()
		time.Sleep(patience * 4 / 5)
		_, _ = io.WriteString(c, header1)
		if got := answer(t, c); got != "" {
			t.Errorf("got %s", got)
		}
		took := time.Since(began)
		if headers(meters, "client") > before && took <= patience*8/5 { // anew: 9/5
			return
		}
		t.Logf("it took %v", took)
	}
	t.Error("the time for a handshake begins with the header")
}

// TestIntroductionFlood: half headers take no more places than there are, and give way to who says what it should.
func TestIntroductionFlood(t *testing.T) {
	const conns, flood = 20, 200
	s, meters := newIntroduced(t, listen.Listener{}, 0, listen.Options{Conns: conns})
	goroutines := runtime.NumGoroutine()
	for i := range flood {
		c := dial(t, s)
		defer c.Close()
		_, _ = io.WriteString(c, header2[:1+i%(len(header2)-1)])
		if i%50 == 49 {
			introducedAs(t, s, header2, "203.0.113.7")
		}
	}
	if open, _ := s.Open(); open > conns {
		t.Errorf("%d connections are open", open)
	}
	if n := runtime.NumGoroutine() - goroutines; n > conns+5 {
		t.Errorf("%d goroutines more", n)
	}
	if n := meters.Counter("skerry_handshakes_shed_total", "").Value(); n < flood-2*conns {
		t.Errorf("%d were shed", n)
	}
}

// TestIntroductionDrains: who had connected before Close is still served, and Abort ends who has not said for whom.
func TestIntroductionDrains(t *testing.T) {
	s, meters := newIntroduced(t, listen.Listener{}, time.Second, listen.Options{})
	late, silent := dial(t, s), dial(t, s)
	defer late.Close()
	defer silent.Close()
	awaitOpen(t, s, 2, 2)
	s.Close()
	_, _ = io.WriteString(late, header1+"x")
	if got := answer(t, late); got != `203.0.113.7 read "x"` {
		t.Errorf("got %s", got)
	}
	s.Abort()
	if got := answer(t, silent); got != "" {
		t.Errorf("got %s", got)
	}
	s.Wait()
	if n := headers(meters, "closed"); n != 1 {
		t.Errorf("%d are counted as closed", n)
	}
}

// TestIntroductionAllocations: what a header costs beyond the accept is the state of the wait, and the connection with the other
// address; version 1 also a string.
func TestIntroductionAllocations(t *testing.T) {
	cost := func(kind listen.Listener, send string) float64 {
		kind.Addr = "127.0.0.1:0"
		s, err := listen.Open([]listen.Listener{kind}, listen.Options{Trusted: loopback})
		if err != nil {
			t.Fatal(err)
		}
		ended := make(chan struct{})
		s.Serve(func(c net.Conn, _ *exchange.TLS, _ string) {
			c.Close()
			ended <- struct{}{}
		})
		defer s.Wait()
		defer s.Close()
		return testing.AllocsPerRun(200, func() {
			c := dial(t, s)
			_, _ = io.WriteString(c, send)
			<-ended
			c.Close()
		})
	}
	plain := cost(listen.Listener{}, "GET / HTTP/1.1\r\n\r\n")
	for send, most := range map[string]float64{header2: 2, header1: 3, health2: 1} {
		if n := cost(listen.Listener{Proxy: true}, send) - plain; n > most+1 { // something else may happen in the process
			t.Errorf("%q: %v allocations beyond %v, at most %v", send, n, plain, most)
		} else {
			t.Logf("%.8q: %v allocations beyond %v", send, n, plain)
		}
	}
}

// TestIntroductionFamilies: on a socket for both families the addresses of IPv4 are themselves, for trust, for headers and for the
// balancer's own connections, and who is trusted by one family is no more than that.
func TestIntroductionFamilies(t *testing.T) {
	meters := meter.NewSet()
	s, err := listen.Open([]listen.Listener{{Addr: "[::]:0", Proxy: true}}, listen.Options{Trusted: loopback, PerAddress: 1, Meters: meters})
	if err != nil {
		t.Fatal(err)
	}
	s.Serve(func(c net.Conn, _ *exchange.TLS, _ string) {
		defer c.Close()
		by := "nobody"
		if a := transport.Announcer(c); a != nil {
			by, _, _ = net.SplitHostPort(a.String())
		}
		host, _, _ := net.SplitHostPort(c.RemoteAddr().String())
		_, _ = io.WriteString(c, host+" by "+by)
		_, _ = io.Copy(io.Discard, c)
	})
	t.Cleanup(func() { s.Close(); s.Abort(); s.Wait() })
	_, port, _ := net.SplitHostPort(s.Addrs()[0].String())
	var open []net.Conn
	f := func(to, header, want string) {
		t.Helper()
		c, err := net.Dial("tcp", net.JoinHostPort(to, port))
		if err != nil {
			t.Fatal(err)
		}
		open = append(open, c)
		_, _ = io.WriteString(c, header)
		b := make([]byte, 100)
		_ = c.SetReadDeadline(time.Now().Add(10 * time.Second))
		n, _ := c.Read(b)
		if got := string(b[:n]); got != want {
			t.Errorf("to %s, %q: got %q, want %q", to, header, got, want)
		}
	}
	f("127.0.0.1", header1, "203.0.113.7 by 127.0.0.1")
	f("127.0.0.1", "PROXY TCP6 ::ffff:203.0.113.7 ::ffff:198.51.100.1 4444 443\r\n", "") // the same client, who has one
	f("127.0.0.1", "PROXY TCP6 2001:db8::7 2001:db8::1 4444 443\r\n", "2001:db8::7 by 127.0.0.1")
	f("127.0.0.1", "PROXY TCP6 2001:db8::8 2001:db8::1 4444 443\r\n", "") // one of its /64
	f("127.0.0.1", health2, "127.0.0.1 by 127.0.0.1")
	f("127.0.0.1", health2, "127.0.0.1 by 127.0.0.1")
	f("::1", header1, "")
	for _, c := range open {
		c.Close()
	}
	if client, refused := headers(meters, "client"), headers(meters, "untrusted"); client != 4 || refused != 1 {
		t.Errorf("%d headers named clients, %d balancers were untrusted", client, refused)
	}
}
