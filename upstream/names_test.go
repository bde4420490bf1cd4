package upstream_test

import (
	"bytes"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"

	"skerry.dev/skerry/exchange"
	"skerry.dev/skerry/fault"
	"skerry.dev/skerry/spec"
	"skerry.dev/skerry/upstream"
)

// names is a DNS server on loopback that knows what it is told.
type names struct {
	addr  netip.AddrPort
	mu    sync.Mutex
	known map[string]string // name: addresses, or silent, or held; a name that is missing is not there
	asked map[string]int
	later map[string]func() // answers that are held
}

// held is what a name stands for whose questions are answered when something else is said of it.
const held = "held"

const silent = "silent"

func newNames(t testing.TB) *names {
	t.Helper()
	conn, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.MustParseAddrPort("127.0.0.1:0")))
	if err != nil {
		t.Fatal(err)
	}
	n := &names{addr: conn.LocalAddr().(*net.UDPAddr).AddrPort(), known: map[string]string{}, asked: map[string]int{}, later: map[string]func(){}}
	var running sync.WaitGroup
	running.Go(func() {
		for buf := make([]byte, 4096); ; {
			size, from, err := conn.ReadFromUDPAddrPort(buf)
			if err != nil {
				return
			}
			n.answer(bytes.Clone(buf[:size]), func(out []byte) { conn.WriteToUDPAddrPort(out, from) })
		}
	})
	t.Cleanup(func() { conn.Close(); running.Wait() })
	return n
}

func (n *names) answer(query []byte, send func([]byte)) {
	var m dnsmessage.Message
	if m.Unpack(query) != nil || len(m.Questions) != 1 {
		return
	}
	q := m.Questions[0]
	name := strings.TrimSuffix(q.Name.String(), ".")
	n.mu.Lock()
	defer n.mu.Unlock()
	n.asked[name]++
	addrs, ok := n.known[name]
	switch addrs {
	case silent:
		return
	case held:
		n.later[name] = func() { n.answer(query, send) }
		return
	}
	m = dnsmessage.Message{Header: dnsmessage.Header{ID: m.ID, Response: true, RecursionAvailable: true}, Questions: m.Questions}
	if !ok {
		m.RCode = dnsmessage.RCodeNameError
	}
	for _, addr := range strings.Fields(addrs) {
		if q.Type == dnsmessage.TypeA {
			m.Answers = append(m.Answers, dnsmessage.Resource{Header: dnsmessage.ResourceHeader{Name: q.Name, Class: dnsmessage.ClassINET},
				Body: &dnsmessage.AResource{A: netip.MustParseAddr(addr).As4()}})
		}
	}
	out, err := m.Pack()
	if err != nil {
		panic(err)
	}
	send(out)
}

// say makes a name stand for addresses; none: it has none; "gone": it is not there.
func (n *names) say(name, addrs string) {
	n.mu.Lock()
	if n.known[name] = addrs; addrs == "gone" {
		delete(n.known, name)
	}
	later := n.later[name]
	delete(n.later, name)
	n.mu.Unlock()
	if later != nil {
		later()
	}
}

// count is how often a name was asked for.
func (n *names) count(name string) int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.asked[name]
}

// again waits until a name has been asked for twice more: the first answer has been heard then.
func (n *names) again(t testing.TB, name string) {
	t.Helper()
	from := n.count(name)
	eventually(t, name+" is looked up again", func() bool { return n.count(name) >= from+2 })
}

// heard waits until the server has heard all that was asked before.
func (n *names) heard(t testing.TB) {
	t.Helper()
	q := dnsmessage.Message{Questions: []dnsmessage.Question{{Name: dnsmessage.MustNewName("last.test."), Type: dnsmessage.TypeA, Class: dnsmessage.ClassINET}}}
	query, err := q.Pack()
	if err != nil {
		t.Fatal(err)
	}
	conn, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(n.addr))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.Write(query)
	eventually(t, "the server hears", func() bool { return n.count("last.test") > 0 })
}

// loops starts origins on one port of several loopback addresses, each of which answers with its address.
func loops(t testing.TB, n int) (all []*origin, port uint16) {
	t.Helper()
	tell := func(c *call) bool {
		host, _, _ := net.SplitHostPort(c.conn.LocalAddr().String())
		return c.say(answer(host))
	}
	for range 20 {
		first := newOrigin(t, tell)
		port = netip.MustParseAddrPort(first.addr).Port()
		all = []*origin{first}
		for i := 2; i <= n; i++ {
			addr := netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, byte(i)}), port).String()
			l, err := net.Listen("tcp", addr)
			if err != nil {
				break
			}
			all = append(all, newOriginOn(t, l, tell))
		}
		if len(all) == n {
			return all, port
		}
	}
	t.Fatal("no port is free on all addresses")
	return nil, 0
}

// called is a service whose endpoints are names that are looked up all the time.
func called(port uint16, hosts ...string) *spec.Service {
	s := service("s")
	for _, host := range hosts {
		s.Endpoints = append(s.Endpoints, spec.Endpoint{Host: host, Port: port, Weight: 1})
	}
	s.DNS = spec.DNS{Family: spec.FamilyIPv4, TTLMin: 10 * time.Millisecond, TTLMax: 10 * time.Millisecond}
	return s
}

// at returns the addresses of the service's endpoints.
func (r *rig) at() string {
	var all []string
	for _, p := range r.keep.Pools()[0].Endpoints {
		host, _, _ := net.SplitHostPort(p.Address)
		all = append(all, host)
	}
	return strings.Join(all, " ")
}

// TestNames: a name's addresses come and change; connections to those that stay are kept, and those of the others closed.
func TestNames(t *testing.T) {
	all, port := loops(t, 3)
	server := newNames(t)
	server.say("shop.test", "127.0.0.1 127.0.0.2")
	r := newRigOf(t, upstream.Options{Servers: []netip.AddrPort{server.addr}}, policy(), only(called(port, "shop.test")))
	ask := func(want string) {
		t.Helper()
		seen := map[string]bool{}
		for range 6 {
			_, body, _, err := r.get(localhost)
			if err != nil {
				t.Fatal(err)
			}
			seen[body] = true
		}
		for _, addr := range strings.Fields(want) {
			if !seen[addr] {
				t.Errorf("%s was not asked", addr)
			}
			delete(seen, addr)
		}
		if len(seen) > 0 {
			t.Errorf("%v were asked as well", seen)
		}
	}
	ask("127.0.0.1 127.0.0.2")
	if v := r.keep.Pools()[0]; r.at() != "127.0.0.1 127.0.0.2" || v.Endpoints[0].Name != "shop.test" {
		t.Errorf("the view has %+v", v)
	}
	server.say("shop.test", "127.0.0.3 127.0.0.2")
	eventually(t, "the addresses change", func() bool { return r.at() == "127.0.0.2 127.0.0.3" })
	ask("127.0.0.2 127.0.0.3")
	eventually(t, "the connection to the address that left is closed", func() bool { return all[0].closed.Load() == all[0].conns.Load() })
	eventually(t, "its series are dropped", func() bool {
		return r.value("skerry_endpoint_healthy", "service", "s", "endpoint", all[0].addr) == 0
	})
	if n := all[1].conns.Load(); n != 1 {
		t.Errorf("%d connections to the address that stayed, want 1", n)
	}
	r.lease.Release()
	server.heard(t) // a question may be on its way whose answer nobody waits for
	asked := server.count("shop.test")
	time.Sleep(50 * time.Millisecond)
	if now := server.count("shop.test"); now != asked {
		t.Errorf("a name is looked up for a service that is gone")
	}
}

// TestNamesShrink: when a name is gone, or has no address any more, what was known of it stays in use.
func TestNamesShrink(t *testing.T) {
	f := func(name, said string) {
		t.Run(name, func(t *testing.T) {
			all, port := loops(t, 1)
			server := newNames(t)
			server.say("shop.test", "127.0.0.1")
			r := newRigOf(t, upstream.Options{Servers: []netip.AddrPort{server.addr}}, policy(), only(called(port, "shop.test")))
			ask := func() {
				t.Helper()
				if _, body, _, err := r.get(localhost); err != nil || body != "127.0.0.1" {
					t.Errorf("got %q, %v", body, err)
				}
			}
			ask()
			server.say("shop.test", said)
			eventually(t, "a lookup fails", func() bool { return r.value("skerry_dns_names_failing") == 1 })
			ask()
			if n := all[0].conns.Load(); n != 1 || r.at() != "127.0.0.1" {
				t.Errorf("%d connections, want one; endpoints %q", n, r.at())
			}
		})
	}
	f("gone", "gone")
	f("empty", "")
}

// TestNamesRefused: addresses that no origin may have are not used, whatever DNS says, and take nothing away that works.
func TestNamesRefused(t *testing.T) {
	all, port := loops(t, 1)
	server := newNames(t)
	server.say("shop.test", "169.254.169.254 100.100.100.200")
	o := upstream.Options{Servers: []netip.AddrPort{server.addr}, Guard: upstream.Guard{Admin: []netip.AddrPort{netip.AddrPortFrom(netip.MustParseAddr("127.0.0.9"), port)}}}
	r := newRigOf(t, o, policy(), only(called(port, "shop.test")))
	for range 3 {
		if _, _, facts, err := r.get(localhost); fault.Of(err) != fault.OriginForbidden || facts.Tries != 0 {
			t.Errorf("got %v after %d tries", err, facts.Tries)
		}
	}
	server.say("shop.test", "127.0.0.1 169.254.169.254 127.0.0.9")
	eventually(t, "the one that is allowed is used", func() bool { return r.at() == "127.0.0.1" })
	server.say("shop.test", "169.254.169.254 127.0.0.9")
	server.again(t, "shop.test")
	for range 3 {
		if _, body, _, err := r.get(localhost); err != nil || body != "127.0.0.1" {
			t.Errorf("got %q, %v", body, err)
		}
	}
	if all[0].conns.Load() != 1 || r.at() != "127.0.0.1" {
		t.Errorf("%d connections, endpoints %s", all[0].conns.Load(), r.at())
	}
	if n := r.value("skerry_dns_refused_total"); n != 2 {
		t.Errorf("counted %v times, want one for each answer that was not the same as before", n)
	}
}

// TestNamesPending: a request that comes before the first answer waits for it, but not for names that are not needed.
func TestNamesPending(t *testing.T) {
	_, port := loops(t, 1)
	f := func(name, said string, status int, hosts ...string) {
		t.Run(name, func(t *testing.T) {
			server := newNames(t)
			for i, host := range hosts {
				server.say(host, [...]string{held, silent}[i])
			}
			s := called(port, hosts...)
			s.Timeouts.Connect = 40 * time.Second
			e := newEdge(t, upstream.Options{Servers: []netip.AddrPort{server.addr}}, policy(), []spec.Weighted{only(s)})
			began := time.Now()
			c := e.send("GET /")
			eventually(t, "the name is asked for", func() bool { return server.count(hosts[0]) > 0 })
			server.say(hosts[0], said)
			r, n := c.get()
			if took := time.Since(began); r.status != status || took > 9*time.Second { // for a silent server a lookup waits ten
				t.Errorf("got %d %q, %v after %v", r.status, r.body, n.cause, took)
			}
		})
	}
	f("one", "127.0.0.1", 200, "shop.test")
	f("one that is not there", "gone", 502, "shop.test")
	f("one of two", "127.0.0.1", 200, "shop.test", "dead.test")
}

// tryAfterNames: the time of a try begins when the names are known.
func tryAfterNames(t *testing.T) {
	_, port := loops(t, 1)
	server := newNames(t)
	server.say("shop.test", held)
	s := called(port, "shop.test")
	s.Timeouts.Try = ample
	e := newEdge(t, upstream.Options{Servers: []netip.AddrPort{server.addr}}, policy(), []spec.Weighted{only(s)})
	c := e.send("GET /")
	<-c.begun
	time.Sleep(ample + brief)
	server.say("shop.test", "127.0.0.1")
	if r, n := c.get(); r.status != 200 || n.Tries != 1 {
		t.Errorf("got %d after %d tries, %v", r.status, n.Tries, n.cause)
	}
}

// TestNamesDead: while no DNS server answers, requests fail within timeouts.connect, or when their whole time is up.
func TestNamesDead(t *testing.T) {
	server := newNames(t)
	server.say("shop.test", silent)
	f := func(name string, timeouts func(*spec.Timeouts), status int, kind fault.Kind, setting string) {
		t.Run(name, func(t *testing.T) {
			s := called(80, "shop.test")
			s.Concurrency = spec.Concurrency{Max: 1}
			timeouts(&s.Timeouts)
			e := newEdge(t, upstream.Options{Servers: []netip.AddrPort{server.addr}}, policy(), []spec.Weighted{only(s)})
			in(t, brief, func() {
				r, n := e.do("GET /")
				if r.status != status || n.kind() != kind || n.Tries != 0 || !strings.Contains(n.cause.Error(), setting) {
					t.Errorf("got %d, %v, tries %d", r.status, n.cause, n.Tries)
				}
			})
			e.settled()
		})
	}
	f("connect", func(t *spec.Timeouts) { t.Connect = brief }, 502, fault.OriginDNS, "timeouts.connect")
	f("whole", func(t *spec.Timeouts) { t.Connect, t.Whole = 10*time.Second, brief }, 504, fault.OriginTimeout, "timeouts.whole")
}

// TestNameGone: a name that is not there is said to be so.
func TestNameGone(t *testing.T) {
	server := newNames(t)
	r := newRigOf(t, upstream.Options{Servers: []netip.AddrPort{server.addr}}, policy(), only(called(80, "shop.test")))
	if _, _, facts, err := r.get(localhost); fault.Of(err) != fault.OriginDNS || !strings.Contains(err.Error(), `"shop.test": there is no such name`) || facts.Tries != 0 {
		t.Errorf("got %v", err)
	}
}

// TestNamesOfOneAddress: two names for the same address are one endpoint, until one of them goes elsewhere.
func TestNamesOfOneAddress(t *testing.T) {
	_, port := loops(t, 2)
	server := newNames(t)
	server.say("a.test", "127.0.0.1")
	server.say("b.test", "127.0.0.1")
	s := called(port, "a.test", "b.test")
	s.Host = spec.HostPreserve
	s.Ejection = spec.Ejection{Failures: 1, Time: time.Minute, Share: 1}
	r := newRigOf(t, upstream.Options{Servers: []netip.AddrPort{server.addr}}, policy(), only(s))
	eventually(t, "both are known", func() bool { return r.at() == "127.0.0.1 127.0.0.1" })
	for range 4 {
		if _, body, _, err := r.get(localhost); err != nil || body != "127.0.0.1" {
			t.Errorf("got %q, %v", body, err)
		}
	}
	server.say("a.test", "127.0.0.2")
	eventually(t, "one goes elsewhere", func() bool { return r.at() == "127.0.0.1 127.0.0.2" })
	seen := map[string]bool{}
	for range 4 {
		_, body, _, _ := r.get(localhost)
		seen[body] = true
	}
	if len(seen) != 2 {
		t.Errorf("asked %v, want both", seen)
	}
}

// TestNameFollowed: when an address does not answer its name is looked up again, long before its answer is too old.
func TestNameFollowed(t *testing.T) {
	all, port := loops(t, 2)
	server := newNames(t)
	server.say("shop.test", "127.0.0.1")
	s := called(port, "shop.test")
	s.DNS.TTLMin, s.DNS.TTLMax = time.Hour, time.Hour
	r := newRigOf(t, upstream.Options{Servers: []netip.AddrPort{server.addr}}, policy(), only(s))
	if _, body, _, err := r.get(localhost); err != nil || body != "127.0.0.1" {
		t.Fatal(body, err)
	}
	all[0].stop()
	server.say("shop.test", "127.0.0.2")
	if _, _, facts, err := r.get(localhost); fault.Of(err) != fault.OriginRefused || facts.Refused != exchange.ReasonEndpoint {
		t.Errorf("got %v, refused %v", err, facts.Refused)
	}
	eventually(t, "the name is followed", func() bool { _, body, _, _ := r.get(localhost); return body == "127.0.0.2" })
}
