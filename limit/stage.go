package limit

import (
	"encoding/binary"
	"fmt"
	"hash/maphash"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"skerry.dev/skerry/exchange"
	"skerry.dev/skerry/fault"
	"skerry.dev/skerry/meter"
	"skerry.dev/skerry/spec"
)

// Stage bounds the requests of an address, the head and the body of each. New and NewStranger make it.
type Stage struct {
	tables  *Tables
	id      uint64 // which bucket of an address: that of this scope under this limit
	quota   quota  // interval 0: no limit
	policy  []byte // the value of RateLimit-Policy
	headMax int64  // bytes; 0: no limit
	bodyMax int64  // bytes; 0: no limit

	limited                                *meter.Counter
	tooMany, headLong, bodyBig, messageBig *fault.Error
}

// policyName is how RateLimit-Policy, RateLimit and the log call the one limit there is.
const policyName = "per-address"

// New compiles the limits of a policy; the stage is nil if there are none. scope says whose requests are counted
// together: an entrypoint's name, or "entrypoint/route" for a route with a limit of its own. Stages of the same scope and
// limit share an address's bucket in t, also across plans; a limit that has changed starts anew.
func New(p *spec.Policy, scope string, t *Tables) (*Stage, []fault.Problem) {
	s := &Stage{tables: t}
	if l := p.Limit; l != nil && l.PerAddress.Count > 0 {
		if problem := s.limit(l, scope); problem != nil {
			return nil, []fault.Problem{*problem}
		}
	}
	if p.HeadMax != nil && *p.HeadMax > 0 {
		s.headMax = int64(*p.HeadMax)
		s.headLong = fault.New(fault.HeadTooLarge, fmt.Sprintf("the request head has more than %d bytes (headMax)", s.headMax))
	}
	if p.BodyMax != nil && *p.BodyMax > 0 {
		s.bodyMax = int64(*p.BodyMax)
		s.bodyBig = fault.New(fault.BodyTooLarge, fmt.Sprintf("the request body has more than %d bytes (bodyMax)", s.bodyMax))
		s.messageBig = fault.New(fault.BodyTooLarge, fmt.Sprintf("a message of the gRPC request has more than %d bytes (bodyMax)", s.bodyMax))
	}
	if s.quota.interval == 0 && s.headMax == 0 && s.bodyMax == 0 {
		return nil, nil
	}
	return s, nil
}

// NewStranger returns the stage of requests that no entrypoint takes: 300 a second of an address, 600 at once. It has no
// limits of head and body, because nobody reads them: the answer says what was wrong with the request.
func NewStranger(t *Tables) *Stage {
	s := &Stage{tables: t}
	if problem := s.limit(&spec.Limit{PerAddress: spec.Rate{Count: strangerCount, Per: time.Second}, Burst: strangerBurst}, ""); problem != nil {
		panic("BUG: limit: strangers: " + problem.Text)
	}
	return s
}

// limit sets up the limit per address.
func (s *Stage) limit(l *spec.Limit, scope string) *fault.Problem {
	rate, burst := l.PerAddress, l.Burst
	if rate.Per <= 0 {
		rate.Per = time.Second
	}
	if burst <= 0 {
		burst = 2 * rate.Count
	}
	interval := rate.Per / time.Duration(rate.Count) // rounded down: never slower than asked for
	if interval < intervalMin {
		return &fault.Problem{Text: fmt.Sprintf("limit.perAddress: %s is more than one request in %v", rateText(rate), intervalMin), Fix: "write `limit: off`"}
	}
	if time.Duration(burst) > refillMax/interval {
		return &fault.Problem{Text: fmt.Sprintf("limit.burst: at %s, %d requests take more than %v to come back", rateText(rate), burst, refillMax), Fix: "lower the burst, or raise the rate"}
	}
	s.quota = quota{interval: int64(interval), span: int64(interval) * int64(burst)}
	s.id = maphash.Comparable(s.tables.seed, struct {
		scope string
		quota quota
	}{scope, s.quota})
	s.policy = fmt.Appendf(nil, `"%s";q=%d;w=%d`, policyName, burst, seconds(s.quota.span))
	name, _, _ := strings.Cut(scope, "/")
	s.limited = s.tables.set.Counter("skerry_limited_total", "Requests refused with 429; entrypoint is empty for requests that none takes.", "entrypoint", name)
	of := "entrypoint " + scope
	if scope == "" {
		of = "requests that no entrypoint takes; it is fixed"
	}
	s.tooMany = fault.New(fault.RateLimited, fmt.Sprintf("the address asked more than %s with bursts of %d (limit.perAddress, limit.burst of %s)", rateText(rate), burst, of))
	return nil
}

func rateText(r spec.Rate) string {
	switch r.Per {
	case time.Second:
		return strconv.Itoa(r.Count) + "/s"
	case time.Minute:
		return strconv.Itoa(r.Count) + "/m"
	case time.Hour:
		return strconv.Itoa(r.Count) + "/h"
	}
	return strconv.Itoa(r.Count) + " in " + r.Per.String()
}

// seconds is a time in whole seconds, rounded up.
func seconds(ns int64) int64 { return (ns + int64(time.Second) - 1) / int64(time.Second) }

// Name is "limit".
func (s *Stage) Name() string { return "limit" }

// Request refuses what is too much: the rate first, so that an address also pays for what is refused as too large.
func (s *Stage) Request(x *exchange.Exchange) exchange.Verdict {
	if s.quota.interval > 0 {
		if k, ok := s.key(x); ok {
			if wait := s.tables.take(k, s.tables.at(x.Now), s.quota); wait > 0 {
				return s.refuse(x, wait)
			}
		}
	}
	if s.headMax > 0 && headBytes(&x.Req) > s.headMax {
		return x.Fail(s.headLong)
	}
	if s.bodyMax > 0 && x.Req.Body != nil {
		return s.bound(x)
	}
	return exchange.Next
}

// key is whom a request counts for. An exchange without a client, or with one that has no IP address, is not limited.
func (s *Stage) key(x *exchange.Exchange) (key, bool) {
	addr := x.Facts.Client.Addr
	if !addr.IsValid() && x.Conn != nil {
		addr = x.Conn.Client.Addr()
	}
	if !addr.IsValid() {
		return key{}, false
	}
	return s.keyOf(addr), true
}

// keyOf takes an IPv4 address whole, also when it is written as IPv6, and an IPv6 address by its /64: that is the least
// that one subscriber gets (RFC 6177), who may use any address in it.
func (s *Stage) keyOf(addr netip.Addr) key {
	all := addr.As16()
	k := key{limit: s.id, hi: binary.BigEndian.Uint64(all[:8])}
	if addr.Is4() || addr.Is4In6() {
		k.lo = binary.BigEndian.Uint64(all[8:])
	}
	return k
}

// refuse answers 429 with Retry-After (RFC 6585 section 4) and the fields of draft-ietf-httpapi-ratelimit-headers-11, whose t
// says the same.
func (s *Stage) refuse(x *exchange.Exchange, wait int64) exchange.Verdict {
	s.limited.Inc()
	x.Facts.Limit.Policy = policyName
	v := x.Fail(s.tooMany)
	const before = `"` + policyName + `";r=0;t=`
	piece := x.Scratch.Alloc(len(before) + 20)
	state := strconv.AppendInt(append(piece[:0], before...), seconds(wait), 10)
	state = x.Scratch.Trim(piece, len(state))
	x.Resp.Fields.Set(exchange.NameRetryAfter, state[len(before):])
	x.Resp.Fields.Set(exchange.NameRateLimitPolicy, s.policy)
	x.Resp.Fields.Set(exchange.NameRateLimit, state)
	return v
}

// headBytes is the size of a head as HTTP/1.1 writes it, without the white space that a client may add to it.
func headBytes(r *exchange.Request) int64 {
	n := len(r.MethodName) + len(r.Target) + len("  HTTP/1.1\r\n") + len("\r\n")
	for i := range r.Sent {
		n += len(r.Sent[i].Name) + len(r.Sent[i].Value) + len(": \r\n")
	}
	return int64(n)
}

// Done lets go of the memory that a body was read ahead into.
func (s *Stage) Done(x *exchange.Exchange) {
	if b, ok := x.Req.Body.(*body); ok { // none of another stage around it: all have let go
		x.Join()
		x.Req.Body = b.inner
		b.release()
	}
}
