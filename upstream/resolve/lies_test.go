package resolve_test

import (
	"fmt"
	"net"
	"net/netip"
	"strings"
	"testing"

	"golang.org/x/net/dns/dnsmessage"

	"skerry.dev/skerry/spec"
)

// TestLies: whoever can forge datagrams, but cannot see the query, neither gets an address in nor makes the lookup fail.
// Each lie says 10.66.0.1 and comes before the truth.
func TestLies(t *testing.T) {
	const truth, lie = "shop.test. 70 A 10.0.0.1", "shop.test. 70 A 10.66.0.1"
	f := func(what string, foreign uint64, tell func(q query, m dnsmessage.Message)) {
		t.Helper()
		s := resolver(t, "options attempts:1", "", serve(t, func(q query) {
			m, _ := response(q, lie)
			tell(q, m)
			m, _ = response(q, truth)
			q.send(packed(m))
		}))
		a, err := s.Lookup(t.Context(), "shop.test", spec.DNS{Family: spec.FamilyIPv4})
		if got := show(a, err); got != "[10.0.0.1] 1m10s" {
			t.Errorf("%s: %s", what, got)
		}
		if n := s.set.Counter("skerry_dns_foreign_total", "").Value(); n != foreign {
			t.Errorf("%s: %d counted, want %d", what, n, foreign)
		}
	}
	changed := func(change func(m *dnsmessage.Message)) func(query, dnsmessage.Message) {
		return func(q query, m dnsmessage.Message) {
			m.Questions = append([]dnsmessage.Question(nil), m.Questions...)
			change(&m)
			q.send(packed(m))
		}
	}
	f("another id", 1, changed(func(m *dnsmessage.Message) { m.ID ^= 1 }))
	f("every other id of a byte", 255, func(q query, m dnsmessage.Message) {
		for i := uint16(1); i < 256; i++ {
			forged := m
			forged.ID ^= i
			q.send(packed(forged))
		}
	})
	f("a query", 1, changed(func(m *dnsmessage.Message) { m.Response = false }))
	f("another operation", 1, changed(func(m *dnsmessage.Message) { m.OpCode = 5 }))
	f("another name", 1, changed(func(m *dnsmessage.Message) { m.Questions[0].Name = dnsmessage.MustNewName("shop.tesT.evil.") }))
	f("another type", 1, changed(func(m *dnsmessage.Message) { m.Questions[0].Type = dnsmessage.TypeAAAA }))
	f("another class", 1, changed(func(m *dnsmessage.Message) { m.Questions[0].Class = dnsmessage.ClassCHAOS }))
	f("no question", 1, changed(func(m *dnsmessage.Message) { m.Questions = nil }))
	f("two questions", 1, changed(func(m *dnsmessage.Message) { m.Questions = append(m.Questions, m.Questions[0]) }))
	f("a failure for another id", 1, changed(func(m *dnsmessage.Message) { m.ID, m.RCode = m.ID^1, dnsmessage.RCodeNameError }))
	f("a truncated one for another id", 1, changed(func(m *dnsmessage.Message) { m.ID, m.Truncated = m.ID^1, true }))
	f("garbage", 3, func(q query, m dnsmessage.Message) {
		q.send([]byte("\xff\x00garbage"))
		q.send(nil)
		q.send(packed(m)[:11])
	})
	f("from another port", 0, func(q query, m dnsmessage.Message) {
		other, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(q.from))
		if err != nil {
			t.Error(err)
			return
		}
		defer other.Close()
		other.Write(packed(m))
	})
	f("from another address", 0, func(q query, m dnsmessage.Message) {
		other, err := net.DialUDP("udp", net.UDPAddrFromAddrPort(netip.MustParseAddrPort("127.0.0.2:0")), net.UDPAddrFromAddrPort(q.from))
		if err != nil {
			t.Error(err)
			return
		}
		defer other.Close()
		other.Write(packed(m))
	})
	f("the name in capitals, which is no lie", 0, func(q query, _ dnsmessage.Message) {
		m, _ := response(q, strings.ToUpper(truth))
		m.Questions = []dnsmessage.Question{{Name: dnsmessage.MustNewName("SHOP.test."), Type: dnsmessage.TypeA, Class: dnsmessage.ClassINET}}
		q.send(packed(m))
	})
}

// TestLiesOnly: when nothing but lies comes, the waiting ends in time.
func TestLiesOnly(t *testing.T) {
	s := resolver(t, "options timeout:1 attempts:1", "", serve(t, func(q query) {
		m, _ := response(q, "shop.test. 70 A 10.66.0.1")
		m.ID ^= 1
		q.send(packed(m))
	}))
	_, err := s.Lookup(t.Context(), "shop.test", spec.DNS{Family: spec.FamilyIPv4})
	if err == nil || !strings.Contains(err.Error(), "no answer in time") || s.queries("timeout") != 1 {
		t.Error(err)
	}
}

// TestUnpredictable: every query has another id and another port, asks for recursion, and announces 1232 bytes.
func TestUnpredictable(t *testing.T) {
	server := serve(t, mesh.script)
	s := resolver(t, "", "", server)
	ids, ports := map[uint16]bool{}, map[uint16]bool{}
	const lookups = 50
	for range lookups {
		if _, err := s.Lookup(t.Context(), "shop.test", spec.DNS{Family: spec.FamilyBoth}); err != nil {
			t.Fatal(err)
		}
	}
	asked := server.asked()
	for _, q := range asked {
		ids[q.ID], ports[q.from.Port()] = true, true
		if !q.RecursionDesired || len(q.Additionals) != 1 || q.Additionals[0].Header.Class != 1232 || q.Additionals[0].Header.Type != dnsmessage.TypeOPT {
			t.Fatalf("asked with %+v", q.Message)
		}
	}
	// A few are the same by chance, but not five.
	if len(asked) != 2*lookups || len(ids) < 2*lookups-5 || len(ports) < 2*lookups-5 {
		t.Errorf("%d queries with %d ids from %d ports", len(asked), len(ids), len(ports))
	}
}

// TestStream: with use-vc nothing goes over UDP, and what goes wrong over TCP is a failure of the server.
func TestStream(t *testing.T) {
	f := func(what, want string, script func(q query)) {
		t.Helper()
		server := serve(t, script)
		s := resolver(t, "options use-vc attempts:1", "", server)
		a, err := s.Lookup(t.Context(), "shop.test", spec.DNS{Family: spec.FamilyIPv4})
		if got := show(a, err); !strings.Contains(got, want) {
			t.Errorf("%s: %s", what, got)
		}
		if got := fmt.Sprint(server.keys()); got != "[shop.test. A tcp]" {
			t.Errorf("%s: asked %s", what, got)
		}
	}
	answer := func(change func(m *dnsmessage.Message)) func(query) {
		return func(q query) {
			m, _ := response(q, "shop.test. 70 A 10.0.0.1")
			change(&m)
			q.send(packed(m))
		}
	}
	f("well", "[10.0.0.1] 1m10s", answer(func(*dnsmessage.Message) {}))
	f("another id", "another question", answer(func(m *dnsmessage.Message) { m.ID ^= 1 }))
	f("truncated", "truncated, over TCP", answer(func(m *dnsmessage.Message) { m.Truncated = true }))
	f("closed", "EOF", func(query) {})
	f("empty", "another question", func(q query) { q.send(nil) })
}
