package upstream_test

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"skerry.dev/skerry/exchange"
	"skerry.dev/skerry/fault"
	"skerry.dev/skerry/meter"
	"skerry.dev/skerry/spec"
	"skerry.dev/skerry/upstream"
)

// service returns a service of endpoints host:port. No timeout passes unless a test sets it.
func service(name string, addrs ...string) *spec.Service {
	s := &spec.Service{Meta: spec.Meta{Name: name}, Host: spec.HostEndpoint,
		Timeouts:    spec.Timeouts{Connect: 20 * time.Second, FirstByte: 30 * time.Second, Idle: 30 * time.Second},
		KeepAlive:   spec.KeepAlive{Max: 2, Idle: time.Minute, Age: time.Hour},
		Balance:     spec.Balance{By: spec.ByRoundRobin},
		RetryBudget: spec.RetryBudget{Share: 0.2, PerSecond: 10}}
	for _, a := range addrs {
		ap := netip.MustParseAddrPort(a)
		s.Endpoints = append(s.Endpoints, spec.Endpoint{Host: ap.Addr().String(), Port: ap.Port(), Addr: ap.Addr(), Weight: 1})
	}
	return s
}

// rig is a stage with its keeper.
type rig struct {
	set   *meter.Set
	keep  *upstream.Keeper
	lease *upstream.Lease
	stage *upstream.Stage
}

// policy is what routes say of tries where nothing else is said.
func policy() *spec.Policy {
	return &spec.Policy{Retry: &spec.Retry{Tries: 3, Statuses: []int{502, 503}}}
}

func newRig(t testing.TB, to ...spec.Weighted) *rig {
	t.Helper()
	return newRigOf(t, upstream.Options{}, policy(), to...)
}

// only is a destination that is one service.
func only(s *spec.Service) spec.Weighted { return spec.Weighted{Service: s, Weight: 1} }

func newRigOf(t testing.TB, o upstream.Options, p *spec.Policy, to ...spec.Weighted) *rig {
	t.Helper()
	r := &rig{set: meter.NewSet()}
	o.Meters = r.set
	r.keep = newKeeper(t, o)
	r.lease = r.keep.Lease()
	var problems []fault.Problem
	r.stage, problems = upstream.New(to, p, "e/r", r.lease)
	if len(problems) > 0 {
		t.Fatal(fault.Problems(problems))
	}
	t.Cleanup(r.lease.Release)
	return r
}

func newKeeper(t testing.TB, o upstream.Options) *upstream.Keeper {
	t.Helper()
	k, err := upstream.NewKeeper(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(k.Stop)
	return k
}

// get runs one GET from a client address through the stage and reads the whole body.
func (r *rig) get(client netip.Addr) (status int, body string, facts exchange.OriginFacts, err error) {
	return r.do(client, "GET")
}

// do runs a request; each of fields is "Name: value".
func (r *rig) do(client netip.Addr, method string, fields ...string) (status int, body string, facts exchange.OriginFacts, err error) {
	x := exchange.Acquire()
	defer x.Release()
	x.Conn = &exchange.Conn{Client: netip.AddrPortFrom(client, 1)}
	x.Now = time.Now()
	x.Req.MethodName, x.Req.Path = []byte(method), []byte("/")
	x.Req.Method = exchange.MethodOf(x.Req.MethodName)
	for _, f := range fields {
		name, value, _ := strings.Cut(f, ": ")
		x.Req.Fields.AddNamed([]byte(name), []byte(value))
	}
	x.Req.Sent = append(x.Req.Sent, x.Req.Fields...)
	r.stage.Request(x)
	defer r.stage.Done(x)
	if x.Fault != nil {
		return 0, "", x.Facts.Origin, x.Fault
	}
	var b strings.Builder
	for x.Resp.Body != nil {
		view, err := x.Resp.Body.Next()
		b.Write(view)
		if err != nil {
			break
		}
	}
	return x.Resp.Status, b.String(), x.Facts.Origin, nil
}
