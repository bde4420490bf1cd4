package upstream

import (
	"time"

	"skerry.dev/skerry/exchange"
	"skerry.dev/skerry/fault"
	"skerry.dev/skerry/spec"
	"skerry.dev/skerry/upstream/balance"
	"skerry.dev/skerry/wire"
)

// Stage sends an exchange to a service and takes its answer. It is the last stage of a path.
type Stage struct {
	choices   []choice
	total     uint64
	route     uint64 // keeps clients' shares of different routes apart
	raw       bool
	tries     int      // endpoints asked at most
	again     statuses // that another endpoint is asked for
	once      bool     // nothing is sent again, whatever becomes of it
	keyed     bool     // a POST or PATCH with an Idempotency-Key may be sent again
	hedge     time.Duration
	streamAge time.Duration // 0: streams may get as old as they like
	class     spec.Class
	crawlers  spec.Class
}

// choice is one service of a weighted split.
type choice struct {
	service *service
	upTo    uint64 // sum of the weights up to and with this one
}

// New returns the stage of a route that goes to services, nil if it goes to none. The lease holds them. label names the
// route.
func New(to []spec.Weighted, policy *spec.Policy, label string, lease *Lease) (s *Stage, problems []fault.Problem) {
	if len(to) == 0 {
		return nil, nil
	}
	s = newStage(policy, label)
	for _, w := range to {
		svc, bad := lease.service(w.Service)
		if problems = append(problems, bad...); svc != nil && w.Weight > 0 {
			s.total += uint64(w.Weight)
			s.choices = append(s.choices, choice{svc, s.total})
		}
	}
	return s, problems
}

// NewMirror returns the stage that sends copies of a route's requests to another service. They are sent once, whatever comes of it.
func NewMirror(m *spec.Mirror, policy *spec.Policy, label string, lease *Lease) (s *Stage, problems []fault.Problem) {
	if m == nil {
		return nil, nil
	}
	once := *policy
	once.Retry, once.Hedge = &spec.Retry{Tries: 1}, &spec.Hedge{}
	once.Priority = &spec.Priority{Class: spec.ClassLow, Crawlers: spec.ClassLow}
	if s, problems = New([]spec.Weighted{{Service: m.Service, Weight: 1}}, &once, label, lease); s != nil {
		s.once = true
	}
	return s, problems
}

func newStage(policy *spec.Policy, label string) *Stage {
	s := &Stage{route: balance.Hash([]byte(label)), raw: policy.Path != nil && *policy.Path == spec.PathRaw, tries: 1, class: spec.ClassNormal, crawlers: spec.ClassLow}
	if r := policy.Retry; r != nil {
		s.tries, s.keyed = max(r.Tries, 1), r.IdempotencyKey
		for _, code := range r.Statuses {
			s.again.add(code)
		}
	}
	if h := policy.Hedge; h != nil {
		s.hedge = h.After
	}
	if age := policy.StreamAge; age != nil {
		s.streamAge = *age
	}
	if p := policy.Priority; p != nil {
		s.class, s.crawlers = p.Class, p.Crawlers
	}
	return s
}

// statuses is a set of the statuses from 400 to 599.
type statuses [4]uint64

func (s *statuses) add(code int) {
	if i := code - 400; i >= 0 && i < 64*len(s) {
		s[i/64] |= 1 << (i % 64)
	}
}

// Has reports whether the status is in the set.
func (s *statuses) Has(code int) bool {
	i := code - 400
	return i >= 0 && i < 64*len(s) && s[i/64]&(1<<(i%64)) != 0
}

// Name is the stage's name.
func (s *Stage) Name() string { return "upstream" }

// Request sends the request and waits for the response head.
func (s *Stage) Request(x *exchange.Exchange) exchange.Verdict {
	svc := s.choose(x)
	x.Facts.Origin.Service = svc.name
	if x.Req.Body != nil {
		if err := gather(x, svc); err != nil {
			return x.Fail(err)
		}
	}
	svc.budget.Request(x.Now)
	u := s.use(x, svc)
	x.Facts.Origin.Held = u // from here on Done gives back what is held, also after a panic
	if svc.breaker != nil || svc.gate != nil {
		if v, ok := u.admit(x); !ok {
			return v
		}
	}
	return u.run(x)
}

// gather waits for a body that goes in one piece, before a place, an endpoint or a connection is taken: a client that sends
// slowly takes nobody's. What is longer is sent as it comes.
func gather(x *exchange.Exchange, svc *service) error {
	w, ok := x.Req.Body.(exchange.Whole)
	if !ok || x.Req.ExpectContinue {
		return nil
	}
	whole, err := w.Whole()
	if err != nil || whole == nil {
		return err
	}
	if !x.Req.Body.Replay() {
		return errLost
	}
	if most := svc.spec.Timeouts.Whole; most > 0 && time.Since(x.Now) >= most {
		return wire.ErrUpload
	}
	return nil
}

var errLost = fault.New(fault.Internal, "BUG: a request body that was there in one piece cannot be had again")

// Done gives the connection back, or closes it.
func (s *Stage) Done(x *exchange.Exchange) {
	u, ok := x.Facts.Origin.Held.(*use)
	if !ok {
		return
	}
	x.Facts.Origin.Held = nil
	if u.ep != nil {
		u.over(x)
	}
	u.giveBack(x)
	u.Close()
}

// choose returns the client's service: the same one for the same client address, on every node and after every reload.
func (s *Stage) choose(x *exchange.Exchange) *service {
	if len(s.choices) == 1 {
		return s.choices[0].service
	}
	at := (s.route ^ balance.HashAddr(clientOf(x))) % s.total
	for _, c := range s.choices {
		if at < c.upTo {
			return c.service
		}
	}
	return s.choices[len(s.choices)-1].service
}
