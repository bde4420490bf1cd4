package resolve

import (
	"encoding/binary"
	"errors"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"
)

// FuzzAnswer reads a message as the answer to a question for shop.test, and compares with what dnsmessage makes of all of it.
func FuzzAnswer(f *testing.F) {
	for _, seed := range seeds() {
		f.Add(seed, false)
		f.Add(seed, true)
	}
	f.Fuzz(func(t *testing.T, msg []byte, v6 bool) {
		q := newQuestion("shop.test.", dnsmessage.TypeA)
		if v6 {
			q.kind = dnsmessage.TypeAAAA
		}
		var id uint16
		if len(msg) >= 2 {
			id = binary.BigEndian.Uint16(msg)
		}
		m, ok := q.match(msg, id)
		if want := matches(msg, q); ok != want {
			t.Fatalf("an answer to the question: %v, want %v", ok, want)
		}
		if !ok {
			return
		}
		if _, ok := q.match(msg, id+1); ok {
			t.Fatal("any id will do")
		}
		got, err := q.read(m)
		checkReply(t, got, err, v6)
		want, wantErr := second(msg, q)
		if wantErr == errUnread {
			return // some record that is none of ours is broken, or runs over the end
		}
		if (err == nil) != (wantErr == nil) {
			t.Fatalf("read: %v, the second reading: %v", err, wantErr)
		}
		if err == nil && (!slices.Equal(got.addrs, want.addrs) || got.ttl != want.ttl || got.exists != want.exists || got.over != want.over) {
			t.Fatalf("read %+v, the second reading %+v", got, want)
		}
	})
}

// checkReply is what holds of every reply.
func checkReply(t *testing.T, r reply, err error, v6 bool) {
	t.Helper()
	var f *failure
	if err != nil && (!errors.As(err, &f) || f.outcome != malformed && f.outcome != declined) {
		t.Fatalf("an error that is none of a server: %v", err)
	}
	if len(r.addrs) > addressesMax || r.ttl < 0 || r.ttl > secondsMax*time.Second || len(r.addrs) > 0 && !r.exists {
		t.Fatalf("read %+v", r)
	}
	for i, a := range r.addrs {
		if a.Is6() != v6 || a.Is4In6() || i > 0 && !r.addrs[i-1].Less(a) {
			t.Fatalf("addresses %v", r.addrs)
		}
	}
}

// matches says by dnsmessage alone whether msg answers q.
func matches(msg []byte, q question) bool {
	var p dnsmessage.Parser
	h, err := p.Start(msg)
	if err != nil || !h.Response || h.OpCode != 0 {
		return false
	}
	all, err := p.AllQuestions()
	return err == nil && len(all) == 1 && strings.EqualFold(ascii(all[0].Name), ascii(q.name)) &&
		all[0].Type == q.kind && all[0].Class == dnsmessage.ClassINET
}

// ascii is a name in which nothing but ASCII letters can fold.
func ascii(n dnsmessage.Name) string {
	var b strings.Builder
	for _, c := range n.Data[:n.Length] {
		if c >= 0x80 {
			b.WriteString("\\")
			c &= 0x7f
		}
		b.WriteByte(c)
	}
	return b.String()
}

var (
	errUnread = errors.New("the second reading cannot tell")
	errSecond = errors.New("refused by the second reading")
)

// second reads the answers with a map, in no hurry.
func second(msg []byte, q question) (reply, error) {
	var p dnsmessage.Parser
	h, _ := p.Start(msg)
	p.SkipAllQuestions()
	ends := p
	all, err := p.AllAnswers()
	if err != nil || ends.SkipAllAnswers() != nil {
		return reply{}, errUnread
	}
	r := reply{exists: h.RCode == dnsmessage.RCodeSuccess}
	if !r.exists && h.RCode != dnsmessage.RCodeNameError {
		return r, errSecond
	}
	by := map[string][]dnsmessage.Resource{}
	for _, a := range all {
		if a.Header.Class == dnsmessage.ClassINET && (a.Header.Type == q.kind || a.Header.Type == dnsmessage.TypeCNAME) {
			key := strings.ToLower(ascii(a.Header.Name))
			by[key] = append(by[key], a)
		}
	}
	name, seconds := "shop.test.", uint32(secondsMax)
	for hop := range chainMax {
		addrs, alias, bad := group(by[name], &seconds)
		switch {
		case bad, len(addrs) > 0 && !r.exists:
			return r, errSecond
		case len(addrs) > 0:
			slices.SortFunc(addrs, netip.Addr.Compare)
			addrs = slices.Compact(addrs)
			r.over = max(0, len(addrs)-addressesMax)
			r.addrs, r.ttl = addrs[:len(addrs)-r.over], time.Duration(seconds)*time.Second
			return r, nil
		case alias == "" && hop == 0 && r.exists && !h.Authoritative && !h.RecursionAvailable:
			return r, errSecond
		case alias == "":
			return r, nil
		}
		name = alias
	}
	return r, errSecond
}

// group sums up the records of one name.
func group(records []dnsmessage.Resource, seconds *uint32) (addrs []netip.Addr, alias string, bad bool) {
	for _, a := range records {
		ttl := a.Header.TTL
		if ttl >= 1<<31 {
			ttl = 0
		}
		*seconds = min(*seconds, ttl)
		switch body := a.Body.(type) {
		case *dnsmessage.AResource:
			bad = bad || a.Header.Length != 4
			addrs = append(addrs, netip.AddrFrom4(body.A))
		case *dnsmessage.AAAAResource:
			bad = bad || a.Header.Length != 16
			if addr := netip.AddrFrom16(body.AAAA); !addr.Is4In6() {
				addrs = append(addrs, addr)
			}
		case *dnsmessage.CNAMEResource:
			next := strings.ToLower(ascii(body.CNAME))
			bad = bad || alias != "" && alias != next
			alias = next
		}
	}
	return addrs, alias, bad
}

// seeds are answers of every sort, to both questions.
func seeds() (all [][]byte) {
	name := dnsmessage.MustNewName
	header := func(n, ttl string) dnsmessage.ResourceHeader {
		h := dnsmessage.ResourceHeader{Name: name(n), Class: dnsmessage.ClassINET, TTL: 60}
		if ttl == "sign" {
			h.TTL = 1 << 31
		}
		return h
	}
	a := func(n string) dnsmessage.Resource {
		return dnsmessage.Resource{Header: header(n, ""), Body: &dnsmessage.AResource{A: [4]byte{10, 0, 0, 1}}}
	}
	aaaa := func(n string) dnsmessage.Resource {
		return dnsmessage.Resource{Header: header(n, "sign"), Body: &dnsmessage.AAAAResource{AAAA: [16]byte{0x20, 1, 0xd, 0xb8}}}
	}
	cname := func(n, to string) dnsmessage.Resource {
		return dnsmessage.Resource{Header: header(n, ""), Body: &dnsmessage.CNAMEResource{CNAME: name(to)}}
	}
	for _, answers := range [][]dnsmessage.Resource{
		nil,
		{a("shop.test."), aaaa("SHOP.test.")},
		{cname("shop.test.", "b.test."), cname("b.test.", "c.test."), a("c.test."), aaaa("c.test.")},
		{cname("shop.test.", "b.test."), cname("b.test.", "shop.test.")},
		{cname("shop.test.", "b.test."), cname("shop.test.", "c.test."), a("b.test.")},
		{a("evil.test."), aaaa("evil.test.")},
	} {
		for _, kind := range []dnsmessage.Type{dnsmessage.TypeA, dnsmessage.TypeAAAA} {
			m := dnsmessage.Message{
				Header:    dnsmessage.Header{ID: 7, Response: true, RecursionAvailable: true},
				Questions: []dnsmessage.Question{{Name: name("shop.test."), Type: kind, Class: dnsmessage.ClassINET}},
				Answers:   answers,
			}
			msg, err := m.Pack()
			if err != nil {
				panic(err)
			}
			all = append(all, msg)
			m.RCode = dnsmessage.RCodeNameError
			if msg, err = m.Pack(); err != nil {
				panic(err)
			}
			all = append(all, msg)
		}
	}
	return all
}
