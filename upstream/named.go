package upstream

import (
	"fmt"
	"net/netip"
	"slices"
	"sync/atomic"

	"skerry.dev/skerry/fault"
	"skerry.dev/skerry/spec"
	"skerry.dev/skerry/upstream/resolve"
)

// named is an endpoint of the spec that is a name: every address that it stands for is an endpoint.
type named struct {
	service   *service
	spec      *spec.Endpoint
	follower  *resolve.Follower
	endpoints []*endpoint // guarded by the service
	once      bool        // it has been looked up; guarded by the service
	refused   string      // the addresses that were refused when they were last told of
	err       atomic.Pointer[error]
}

// follow begins to look up the names.
func (s *service) follow() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range s.spec.Endpoints {
		if e := &s.spec.Endpoints[i]; !e.Addr.IsValid() {
			n := &named{service: s, spec: e}
			s.named = append(s.named, n)
			n.follower = s.keeper.names.Follow(e.Host, s.spec.DNS, n.changed, n.failed)
		}
	}
}

// soon has the name looked up again: its addresses cannot be reached.
func (n *named) soon() { n.follower.Soon() }

// changed takes the addresses that the name stands for now. Endpoints that stay keep their connections and health.
func (n *named) changed(addrs []netip.Addr) {
	good := n.allowed(addrs)
	s := n.service
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return
	}
	var kept, gone []*endpoint
	for _, ep := range n.endpoints {
		if i := slices.Index(good, ep.addr); i >= 0 {
			kept, good = append(kept, ep), slices.Delete(good, i, i+1)
		} else {
			gone = append(gone, ep)
		}
	}
	for _, addr := range good {
		ep, err := newEndpoint(s, n.spec, addr, n)
		if err != nil {
			s.event("endpoint " + n.spec.URL() + ": " + err.Error())
			continue
		}
		kept = append(kept, ep)
	}
	if len(kept) > 0 {
		n.endpoints = kept
		n.err.Store(nil)
	} else { // every address is refused: no answer of a name server may take away what works
		gone = nil
	}
	for _, ep := range gone {
		ep.gone = true
	}
	s.members()
	n.looked()
	s.mu.Unlock()
	labels := make([]string, len(gone))
	for i, ep := range gone {
		ep.close()
		labels[i] = ep.label
	}
	s.keeper.forget(s.name, labels)
}

// allowed leaves out the addresses that the guard refuses.
func (n *named) allowed(addrs []netip.Addr) (good []netip.Addr) {
	refused := ""
	for _, addr := range addrs {
		if err := n.service.keeper.opt.Guard.Check(netip.AddrPortFrom(addr, n.spec.Port)); err != nil {
			refused += err.Error() + "; "
			n.err.Store(&err)
			continue
		}
		good = append(good, addr)
	}
	if refused != n.refused && refused != "" {
		n.service.keeper.opt.Meters.Counter("skerry_dns_refused_total", "Times that a name of a service stood for addresses that no origin may have.").Inc()
		n.service.event(fmt.Sprintf("the name %s stands for what is not used: %s", n.spec.Host, refused))
	}
	n.refused = refused
	return good
}

// failed hears that a lookup failed. What is known stays in use.
func (n *named) failed(err error) {
	n.err.Store(&err)
	n.service.mu.Lock()
	n.looked()
	n.service.mu.Unlock()
}

// looked notes that the name has been looked up, and lets those go on who wait for an endpoint. The caller holds the service's mu.
func (n *named) looked() {
	s := n.service
	if !n.once {
		n.once = true
		s.asked++
	}
	if !s.known && (len(n.endpoints) > 0 || s.asked == s.names) {
		s.known = true
		close(s.ready)
	}
}

// lookupError is why a service without endpoints has none, nil if no name of it failed.
func (s *service) lookupError() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, n := range s.named {
		if err := n.err.Load(); err != nil && len(n.endpoints) == 0 {
			if _, ok := (*err).(*fault.Error); ok {
				return *err
			}
			return fault.Wrap(fault.OriginDNS, "look up "+n.spec.Host, *err)
		}
	}
	return nil
}
