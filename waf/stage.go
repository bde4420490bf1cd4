package waf

import (
	"fmt"
	"math/rand/v2"

	"skerry.dev/skerry/exchange"
	"skerry.dev/skerry/fault"
	"skerry.dev/skerry/spec"
)

// Stage shows requests to the rules. New makes it.
type Stage struct {
	policy    *policy
	keeper    *Keeper
	detect    bool
	pass      bool // a request beyond a limit passes
	responses bool // an Answer stage follows
	most      int  // bytes of a held body
	large     *fault.Error
}

// New compiles the firewall of a policy; the stage is nil if there is none.
func New(p *spec.Policy, k *Keeper) (*Stage, []fault.Problem) {
	w := p.WAF
	if w == nil || w.Mode == spec.WAFOff {
		return nil, nil
	}
	compiled, problems := k.policy(w)
	if len(problems) > 0 {
		return nil, problems
	}
	return &Stage{
		policy: compiled, keeper: k, detect: w.Mode == spec.WAFDetect, pass: w.OnLimit == spec.WAFPass, responses: bool(w.Responses),
		most:  int(w.BodyBytesMax),
		large: fault.New(fault.BodyTooLarge, fmt.Sprintf("the request body has more than %d bytes, the most that the firewall holds (waf.bodyBytesMax)", w.BodyBytesMax)),
	}, nil
}

// Name is the stage's name.
func (s *Stage) Name() string { return "waf" }

// Request judges the request: its head, then its body if it has one that can be taken apart.
func (s *Stage) Request(x *exchange.Exchange) exchange.Verdict {
	u := uses.Get().(*use)
	u.stage, u.x, u.t, u.inside = s, x, s.policy.engine.Begin(), true
	x.Facts.Firewall.Held = u // from here on Done gives back what is held, also after a panic
	x.Facts.Firewall.Detect = s.detect
	v, over := u.judge()
	u.note()
	u.inside = false
	if s.policy.shadow > 0 && rand.Uint64() <= s.policy.shadow {
		u.compare()
	}
	if over || !s.responses {
		u.end() // the memory of a transaction is not kept while the origin thinks
	}
	return v
}

// Response gives the memory of a body back that was sent in one piece: an answer may take long, and nobody asks for the
// body again.
func (s *Stage) Response(x *exchange.Exchange) exchange.Verdict {
	u, ok := x.Facts.Firewall.Held.(*use)
	if ok && u.t == nil && u.held.whole && u.held.next == partInner {
		u.held.free()
		u.held.whole, u.held.err = false, errLost
	}
	return exchange.Next
}

// Done gives back what is held.
func (s *Stage) Done(x *exchange.Exchange) {
	u, ok := x.Facts.Firewall.Held.(*use)
	if !ok {
		return
	}
	x.Facts.Firewall.Held = nil
	switch {
	case u.held.inner != nil:
		x.Join() // a pump may still read it
		x.Req.Body = u.held.inner
	case u.frames.Body != nil:
		x.Join()
		x.Req.Body = u.frames.Body
	}
	u.Close() // never fails
}
