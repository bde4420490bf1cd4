package edge_test

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"

	"skerry.dev/skerry/edge"
	endpoint "skerry.dev/skerry/load/origin"
	"skerry.dev/skerry/plan"
)

// nameServer is a DNS server that says what it is told to say.
type nameServer struct {
	conn net.PacketConn
	addr netip.AddrPort

	mu    sync.Mutex
	says  saying
	asked int // how often since says was set
}

// saying is how a name server answers; the zero value: there are no such addresses.
type saying struct {
	addrs  []string
	silent bool // no answer
	rcode  dnsmessage.RCode
	lies   bool // answers that are none before the right one: another id, another name, no message at all
}

// startNames starts a name server. It answers each datagram at once.
func startNames(t *testing.T) *nameServer {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	must(t, err)
	s := &nameServer{conn: conn, addr: netip.MustParseAddrPort(conn.LocalAddr().String())}
	var serving sync.WaitGroup
	serving.Go(s.serve)
	t.Cleanup(func() { conn.Close(); serving.Wait() })
	return s
}

// say changes what is said.
func (s *nameServer) say(what saying) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.says, s.asked = what, 0
}

// heard is how often it was asked since it says what it says.
func (s *nameServer) heard() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.asked
}

func (s *nameServer) serve() {
	buf := make([]byte, 1500)
	for {
		n, from, err := s.conn.ReadFrom(buf)
		if err != nil {
			return
		}
		var q dnsmessage.Message
		if q.Unpack(buf[:n]) != nil || len(q.Questions) != 1 {
			continue
		}
		s.mu.Lock()
		s.asked++
		says := s.says
		s.mu.Unlock()
		for _, message := range says.answers(q) {
			s.conn.WriteTo(message, from)
		}
	}
}

// answers are the datagrams for a question.
func (s *saying) answers(q dnsmessage.Message) (all [][]byte) {
	if s.silent {
		return nil
	}
	m := dnsmessage.Message{Header: dnsmessage.Header{ID: q.ID, Response: true, RecursionDesired: true, RecursionAvailable: true, RCode: s.rcode}, Questions: q.Questions}
	head := dnsmessage.ResourceHeader{Name: q.Questions[0].Name, Type: dnsmessage.TypeA, Class: dnsmessage.ClassINET, TTL: 0}
	for _, a := range s.addrs {
		if q.Questions[0].Type == dnsmessage.TypeA {
			m.Answers = append(m.Answers, dnsmessage.Resource{Header: head, Body: &dnsmessage.AResource{A: netip.MustParseAddr(a).As4()}})
		}
	}
	if s.lies {
		forged := m
		forged.Answers = []dnsmessage.Resource{{Header: head, Body: &dnsmessage.AResource{A: netip.MustParseAddr("127.0.0.66").As4()}}}
		forged.ID++
		other := forged
		other.ID = q.ID
		other.Questions = []dnsmessage.Question{{Name: dnsmessage.MustNewName("elsewhere.test."), Type: dnsmessage.TypeA, Class: dnsmessage.ClassINET}}
		all = append(all, datagram(forged), datagram(other), []byte("no message"))
	}
	return append(all, datagram(m))
}

func datagram(m dnsmessage.Message) []byte {
	b, err := m.Pack()
	if err != nil {
		panic(err)
	}
	return b
}

// loopbacks listens on the same port of several loopback addresses, each of which answers with itself, and counts connections.
type loopbacks struct {
	port  uint16
	conns map[string]*atomic.Int64
}

func startLoopbacks(t *testing.T, addrs ...string) *loopbacks {
	t.Helper()
	for tries := 0; ; tries++ {
		l := &loopbacks{conns: map[string]*atomic.Int64{}}
		err := l.listen(t, addrs)
		if err == nil {
			return l
		}
		if tries == 5 {
			t.Fatal(err)
		}
	}
}

// listen fails if the port that it chose is taken at one of the addresses.
func (l *loopbacks) listen(t *testing.T, addrs []string) error {
	for _, addr := range addrs {
		ln, err := net.Listen("tcp", net.JoinHostPort(addr, strconv.Itoa(int(l.port))))
		if err != nil {
			return err
		}
		l.port = netip.MustParseAddrPort(ln.Addr().String()).Port()
		count := new(atomic.Int64)
		l.conns[addr] = count
		s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			io.Copy(io.Discard, r.Body)
			w.Header().Set(endpoint.EndpointField, addr)
		}))
		s.Config.ConnState = func(_ net.Conn, state http.ConnState) {
			if state == http.StateNew {
				count.Add(1)
			}
		}
		s.Listener.Close()
		s.Listener = ln
		s.Start()
		t.Cleanup(s.Close)
	}
	return nil
}

// namedService is a service of a name.
func namedService(port uint16) string {
	return fmt.Sprintf("  endpoints: [http://app.test:%d]\n  dns: {ttlMin: 200ms, ttlMax: 1s}\n  ejection: off\n", port)
}

// TestNamesRoll: the addresses of a name change under load, its server lies, is silent, fails and knows nothing any more; every
// request, POST or GET, is answered, by an address that the name stands for or has stood for last.
func TestNamesRoll(t *testing.T) {
	t.Parallel()
	l := startLoopbacks(t, "127.0.0.1", "127.0.0.2", "127.0.0.3", "127.0.0.66")
	s := startNames(t)
	s.say(saying{addrs: []string{"127.0.0.1"}})
	b := openBehind(t, edge.Options{Setting: plan.Setting{Resolvers: []netip.AddrPort{s.addr}}}, fmt.Sprintf(behindSpec, "", namedService(l.port)))
	load := b.begin(faultClients, func(i int) question {
		time.Sleep(5 * time.Millisecond) // what answers is at once
		return question{method: []string{"GET", "POST"}[i%2], body: []string{"", "order"}[i%2]}
	})
	stage := int32(0)
	f := func(what string, says saying, by ...string) {
		t.Helper()
		s.say(says)
		enough := 4 // two questions for each time; when it is asked for the third time the first answer is in force
		if says.addrs == nil {
			enough = 0 // it is asked again after a second at the earliest
		}
		b.until(what+": the name server is asked", func() bool { return s.heard() > enough })
		stage++
		load.more(stage, 200)
		for _, r := range load.so(func(r *reply) bool { return r.stage == stage }) {
			if !r.good() || !slices.Contains(by, r.endpoint) {
				t.Errorf("%s: %v, want an answer of %q", what, &r, by)
				return
			}
		}
	}
	f("one address", saying{addrs: []string{"127.0.0.1"}}, "127.0.0.1")
	f("two", saying{addrs: []string{"127.0.0.1", "127.0.0.2"}}, "127.0.0.1", "127.0.0.2")
	f("rolled", saying{addrs: []string{"127.0.0.2", "127.0.0.3"}}, "127.0.0.2", "127.0.0.3")
	f("with lies before it", saying{addrs: []string{"127.0.0.3"}, lies: true}, "127.0.0.3")
	good := saying{addrs: []string{"127.0.0.3"}}
	f("no address any more", saying{}, "127.0.0.3")
	f("one again", good, "127.0.0.3")
	f("no such name", saying{rcode: dnsmessage.RCodeNameError}, "127.0.0.3")
	f("one again", good, "127.0.0.3")
	f("a server that fails", saying{rcode: dnsmessage.RCodeServerFailure}, "127.0.0.3")
	f("one again", good, "127.0.0.3")
	f("no answer", saying{silent: true}, "127.0.0.3")
	for _, r := range load.end() {
		if !r.good() {
			t.Fatalf("%v", &r)
		}
	}
	if n := l.conns["127.0.0.66"].Load(); n > 0 {
		t.Errorf("an address that only lies name was dialled %d times", n)
	}
	if b.total("skerry_dns_foreign_total") == 0 {
		t.Error("the lies are not counted")
	}
}

// TestNamesForbidden: a name that stands for a metadata service or for the edge's own admin listener leads nowhere, and takes nothing
// away that works.
func TestNamesForbidden(t *testing.T) {
	t.Parallel()
	l := startLoopbacks(t, "127.0.0.1", "127.0.0.4")
	s := startNames(t)
	evil := []string{"169.254.169.254", "127.0.0.4", "0.0.0.0", "224.0.0.1"}
	s.say(saying{addrs: evil})
	admin := netip.AddrPortFrom(netip.MustParseAddr("127.0.0.4"), l.port)
	set := plan.Setting{Resolvers: []netip.AddrPort{s.addr}, Guard: plan.Guard{Admin: []netip.AddrPort{admin}}}
	b := openBehind(t, edge.Options{Setting: set}, fmt.Sprintf(behindSpec, "", namedService(l.port)))
	f := func(want int, by string) (r reply) {
		t.Helper()
		r = b.ask(0, question{id: "x", method: "GET"})
		if r.err != nil || r.status != want || r.endpoint != by {
			t.Errorf("%v, want %d of %q", &r, want, by)
		}
		return r
	}
	r := f(502, "")
	if got := r.fields.Get("Proxy-Status"); !strings.Contains(got, "error=destination_ip_prohibited") {
		t.Errorf("Proxy-Status is %q", got)
	}
	if dials := b.total("skerry_origin_connects_total"); dials != 0 {
		t.Errorf("%.0f connections were made, or tried to", dials)
	}
	s.say(saying{addrs: append([]string{"127.0.0.1"}, evil...)})
	b.until("an address that is allowed", func() bool { return s.heard() > 4 })
	for range 20 {
		f(200, "127.0.0.1")
	}
	s.say(saying{addrs: evil})
	b.until("none that is allowed", func() bool { return s.heard() > 4 })
	for range 20 {
		f(200, "127.0.0.1")
	}
	if n := l.conns["127.0.0.4"].Load(); n > 0 {
		t.Errorf("the admin address was dialled %d times", n)
	}
	if b.total("skerry_dns_refused_total") == 0 {
		t.Error("refused addresses are not counted")
	}
	text := strings.Join(b.eventsOf("service"), "\n")
	for _, part := range []string{"169.254.169.254", admin.String(), "--origin-allow"} {
		if !strings.Contains(text, part) {
			t.Errorf("no event says %s: %s", part, text)
		}
	}
}
