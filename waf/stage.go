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
	u.stage, u.x, u.t = s, x, s.policy.engine.Begin()
	x.Facts.Firewall.Held = u // from here on Done gives back what is held, also after a panic
	x.Facts.Firewall.Detect = s.detect
	v, over := u.judge()
	u.note()
	if s.policy.reference != nil && rand.Uint64() < s.policy.shadow {
		u.compare()
	}
	if over || !s.responses {
		u.end() // the memory of a transaction is not kept while the origin thinks
	}
	return v
}

// Done gives back what is held.
func (s *Stage) Done(x *exchange.Exchange) {
	if held := x.Facts.Firewall.Held; held != nil {
		x.Facts.Firewall.Held = nil
		held.Close() // never fails
	}
}
