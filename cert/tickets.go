package cert

import (
	"bytes"
	"crypto/hkdf"
	"crypto/sha256"
	"crypto/tls"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// tickets seals and opens what a client keeps of its session. Without a secret crypto/tls makes keys in memory and changes them once a
// day. With one they follow from it and the number of the period, so that nodes which have it open each other's tickets, and all of
// them change keys with the clock.
type tickets struct {
	now    func() time.Time
	config *tls.Config  // only its keys are used
	made   atomic.Int64 // the period that they were made for; 0: none, or no secret

	mu     sync.Mutex
	secret []byte // nil: there is none
	old    []byte // the one before it; nil: none
	last   int64  // the last period in which old is accepted
}

func newTickets(now func() time.Time) *tickets {
	return &tickets{now: now, config: &tls.Config{Time: now}}
}

// use takes up the secret of a table. Its predecessor opens tickets until the end of the next period.
func (t *tickets) use(secret []byte) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if secret == nil || bytes.Equal(secret, t.secret) {
		return
	}
	n := periodOf(t.now())
	if t.secret != nil {
		t.old, t.last = t.secret, n+1
	}
	t.secret = secret
	t.make(n)
}

// turn makes the keys of this period, if those there are were made for another one.
func (t *tickets) turn() {
	n := periodOf(t.now())
	if made := t.made.Load(); made == 0 || made == n {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.make(n)
}

func (t *tickets) make(n int64) {
	if n > t.last {
		t.old = nil
	}
	var keys [][32]byte
	for _, secret := range [][]byte{t.secret, t.old} {
		if secret == nil {
			continue
		}
		keys = append(keys, ticketKey(secret, n)) // the first one seals
		for ago := int64(1); ago <= ticketPeriodsBack; ago++ {
			keys = append(keys, ticketKey(secret, n-ago))
		}
		keys = append(keys, ticketKey(secret, n+1)) // of a node whose clock is ahead
	}
	t.config.SetSessionTicketKeys(keys)
	t.made.Store(n)
}

func periodOf(now time.Time) int64 { return now.Unix() / int64(ticketPeriod/time.Second) }

// ticketKey is HKDF-SHA256 (RFC 5869) of the secret, for one period.
func ticketKey(secret []byte, period int64) (key [32]byte) {
	text, err := hkdf.Key(sha256.New, secret, nil, "skerry session tickets "+strconv.FormatInt(period, 10), len(key))
	if err != nil {
		panic("BUG: HKDF: " + err.Error()) // it fails for keys that are too long, or for short secrets in FIPS mode
	}
	copy(key[:], text)
	return key
}

// ticketSecret reads what --ticket-secret refers to; nil without it. A line's end behind it does not count.
func (k *Keeper) ticketSecret(seen sums) ([]byte, *flaw) {
	ref := k.opt.TicketSecret
	if ref == "" {
		return nil, nil
	}
	text, err := k.read(ref, seen)
	if err != nil {
		return nil, &flaw{"--ticket-secret: " + err.Error(), "keep the same secret on every node of this edge, or start without --ticket-secret"}
	}
	secret := slices.Clone(bytes.TrimRight(text, "\r\n"))
	if len(secret) < ticketSecretBytesMin {
		return nil, &flaw{
			fmt.Sprintf("--ticket-secret %s: it has %d bytes, at least %d are needed", ref, len(secret), ticketSecretBytesMin),
			"make one with `openssl rand -base64 48`, the same for every node",
		}
	}
	return secret, nil
}

// bound is what a session is tied to. RFC 6066 section 3 wants the name; the policy is what the client met.
func (p *policy) bound(name string) []byte {
	return []byte("skerry\x00" + p.key + "\x00" + name)
}

func (p *policy) wrap(s tls.ConnectionState, session *tls.SessionState) ([]byte, error) {
	p.tickets.turn()
	session.Extra = append(session.Extra, p.bound(s.ServerName))
	return p.tickets.config.EncryptTicket(s, session)
}

// unwrap makes nothing of a ticket that was issued under another name or policy: the handshake is a full one.
func (p *policy) unwrap(ticket []byte, s tls.ConnectionState) (*tls.SessionState, error) {
	p.tickets.turn()
	session, err := p.tickets.config.DecryptTicket(ticket, s)
	if err != nil || session == nil {
		return nil, err
	}
	want := p.bound(s.ServerName)
	if !slices.ContainsFunc(session.Extra, func(have []byte) bool { return bytes.Equal(have, want) }) {
		return nil, nil
	}
	return session, nil
}
