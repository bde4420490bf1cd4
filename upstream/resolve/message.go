package resolve

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"golang.org/x/net/dns/dnsmessage"
)

// question is what a server is asked: the addresses of one family that a name has.
type question struct {
	name dnsmessage.Name // absolute
	kind dnsmessage.Type // A or AAAA
}

// newQuestion makes a question of an absolute name that is valid.
func newQuestion(name string, kind dnsmessage.Type) question {
	q := question{kind: kind}
	q.name.Length = uint8(copy(q.name.Data[:], name))
	return q
}

// String is the question as errors show it.
func (q question) String() string { return q.name.String() + " " + q.kind.String()[len("Type"):] }

// query packs the question, with recursion desired and EDNS (RFC 6891). ahead is room before it.
func (q question) query(id uint16, ahead int) ([]byte, error) {
	b := dnsmessage.NewBuilder(make([]byte, ahead, 512), dnsmessage.Header{ID: id, RecursionDesired: true})
	var opt dnsmessage.ResourceHeader
	err := errors.Join(
		b.StartQuestions(),
		b.Question(dnsmessage.Question{Name: q.name, Type: q.kind, Class: dnsmessage.ClassINET}),
		b.StartAdditionals(),
		opt.SetEDNS0(datagramMax, dnsmessage.RCodeSuccess, false),
		b.OPTResource(opt, dnsmessage.OPTResource{}),
	)
	if err != nil {
		return nil, err
	}
	return b.Finish()
}

// message is a response that answers the question that was asked; what it answers is not read yet.
type message struct {
	header dnsmessage.Header
	parser dnsmessage.Parser // at the answer section
}

// match reports whether msg is a response to this very question, and opens it. Anything else may come from anyone.
func (q question) match(msg []byte, id uint16) (m message, ok bool) {
	h, err := m.parser.Start(msg)
	if err != nil || h.ID != id || !h.Response || h.OpCode != 0 {
		return m, false
	}
	asked, err := m.parser.Question()
	if err != nil || asked.Type != q.kind || asked.Class != dnsmessage.ClassINET || !same(&asked.Name, &q.name) {
		return m, false
	}
	if _, err = m.parser.Question(); err != dnsmessage.ErrSectionDone {
		return m, false
	}
	m.header = h
	return m, true
}

// reply is what a server knows of a question.
type reply struct {
	addrs  []netip.Addr  // sorted, unique, at most addressesMax
	over   int           // how many more there were
	ttl    time.Duration // of the record on the way to them that holds the shortest
	exists bool          // there is something of this name, if no address
}

// read follows the question's name through the answer section. Records of other names are not looked at (they may be
// anyone's), nor are the other sections. The order of records means nothing.
func (q question) read(m message) (reply, error) {
	h := m.header
	r := reply{exists: h.RCode == dnsmessage.RCodeSuccess}
	if !r.exists && h.RCode != dnsmessage.RCodeNameError {
		return r, &failure{declined, "it answers RCODE " + strings.TrimPrefix(h.RCode.String(), "RCode"), nil}
	}
	name, seconds := q.name, uint32(secondsMax)
	for hop := range chainMax {
		at, err := q.records(m.parser, &name)
		if err != nil {
			return r, err
		}
		seconds = min(seconds, at.seconds)
		switch {
		case len(at.addrs) > 0 && !r.exists:
			return r, wrong("it has addresses and NXDOMAIN at once")
		case len(at.addrs) > 0:
			r.addrs = unique(at.addrs)
			r.over = max(len(r.addrs)-addressesMax, 0)
			r.addrs = slices.Clip(r.addrs[:len(r.addrs)-r.over])
			r.ttl = time.Duration(seconds) * time.Second
			return r, nil
		case at.alias:
			name = at.target
		case hop == 0 && r.exists && !h.Authoritative && !h.RecursionAvailable:
			return r, &failure{declined, "it knows nothing of the name and asks no one", nil}
		default:
			return r, nil
		}
	}
	return r, wrong(fmt.Sprintf("its aliases (CNAME) go in a circle, or through more than %d names", chainMax))
}

// records is what an answer says of one name.
type records struct {
	addrs   []netip.Addr
	alias   bool
	target  dnsmessage.Name // of the alias
	seconds uint32          // the lowest TTL of these records
}

// records collects what the answer section, at which p stands, says of one name.
func (q question) records(p dnsmessage.Parser, name *dnsmessage.Name) (records, error) {
	at := records{seconds: secondsMax}
	for {
		h, err := p.AnswerHeader()
		if err == dnsmessage.ErrSectionDone {
			return at, nil
		}
		if err != nil {
			return at, wrong(err.Error())
		}
		if h.Class == dnsmessage.ClassINET && same(&h.Name, name) && (h.Type == q.kind || h.Type == dnsmessage.TypeCNAME) {
			if err = at.take(p, h); err != nil {
				return at, err
			}
		}
		// Skipping checks that the record ends within the message; the methods that read one do not.
		if err = p.SkipAnswer(); err != nil {
			return at, wrong(err.Error())
		}
	}
}

// take adds the record at which p stands. p is a copy: it goes no further.
func (at *records) take(p dnsmessage.Parser, h dnsmessage.ResourceHeader) error {
	if h.TTL > secondsMax {
		h.TTL = 0
	}
	at.seconds = min(at.seconds, h.TTL)
	switch h.Type {
	case dnsmessage.TypeA:
		a, err := p.AResource()
		if err != nil || h.Length != 4 {
			return wrong("an A record of a wrong length")
		}
		at.addrs = append(at.addrs, netip.AddrFrom4(a.A))
	case dnsmessage.TypeAAAA:
		a, err := p.AAAAResource()
		if err != nil || h.Length != 16 {
			return wrong("an AAAA record of a wrong length")
		}
		// One of the other family in disguise would be dialled as such.
		if addr := netip.AddrFrom16(a.AAAA); !addr.Is4In6() {
			at.addrs = append(at.addrs, addr)
		}
	case dnsmessage.TypeCNAME:
		c, err := p.CNAMEResource()
		if err != nil {
			return wrong(err.Error())
		}
		if at.alias && !same(&at.target, &c.CNAME) {
			return wrong("two aliases (CNAME) of one name")
		}
		at.alias, at.target = true, c.CNAME
	}
	return nil
}

// same compares names as RFC 4343 does: the case of ASCII letters does not matter.
func same(a, b *dnsmessage.Name) bool {
	if a.Length != b.Length {
		return false
	}
	for i := range a.Length {
		if lower(a.Data[i]) != lower(b.Data[i]) {
			return false
		}
	}
	return true
}

func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		c += 'a' - 'A'
	}
	return c
}
