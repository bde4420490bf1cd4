package upstream

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"net"
	"os"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"skerry.dev/skerry/fault"
	"skerry.dev/skerry/meter"
	"skerry.dev/skerry/spec"
	"skerry.dev/skerry/wire/h1"
	"skerry.dev/skerry/wire/transport"
)

// Pool is the endpoints of one service with the connections kept to them.
type Pool struct {
	keeper    *Keeper
	identity  string
	service   *spec.Service
	name      string
	hostName  []byte // value of Host, if the service names one
	dialer    net.Dialer
	endpoints []*endpoint
	turn      atomic.Uint64
	refs      int // guarded by the keeper

	cancel context.CancelFunc
	tended sync.WaitGroup
}

// endpoint is one address of a service.
type endpoint struct {
	pool    *Pool
	label   string // host:port
	address string
	host    []byte // value of Host, if it goes by the endpoint
	tls     *tls.Config
	healthy atomic.Bool
	up      *meter.Gauge

	mu     sync.Mutex
	kept   []*conn // the longest unused first
	closed bool
}

// conn is one connection to an endpoint.
type conn struct {
	*h1.Client
	ep    *endpoint
	since time.Time // last used
}

func newPool(k *Keeper, id string, s *spec.Service) *Pool {
	p := &Pool{keeper: k, identity: id, service: s, name: s.Meta.Name, hostName: []byte(s.HostName), dialer: k.dial}
	p.dialer.Timeout = s.Timeouts.Connect
	for _, e := range s.Endpoints {
		ep := &endpoint{pool: p, address: net.JoinHostPort(e.Host, strconv.Itoa(int(e.Port)))}
		ep.label = ep.address
		ep.host = []byte(hostField(e))
		ep.healthy.Store(true)
		ep.up = k.set.Gauge("skerry_endpoint_healthy", "1 if the endpoint gets requests.", "service", p.name, "endpoint", ep.label)
		ep.up.Set(1)
		if e.TLS {
			ep.tls = &tls.Config{ServerName: serverName(s, e), MinVersion: tls.VersionTLS12}
		}
		p.endpoints = append(p.endpoints, ep)
	}
	ctx, cancel := context.WithCancel(k.ctx)
	p.cancel = cancel
	if k.idle {
		return p
	}
	p.tended.Go(func() { p.tend(ctx) })
	if s.Health != nil {
		for _, ep := range p.endpoints {
			p.tended.Go(func() { ep.check(ctx, s.Health, k.set) })
		}
	}
	return p
}

// hostField is an endpoint's own Host: the port is left out where it is the scheme's default.
func hostField(e spec.Endpoint) string {
	host := e.Host
	if e.Addr.Is6() {
		host = "[" + host + "]"
	}
	if e.TLS && e.Port == 443 || !e.TLS && e.Port == 80 {
		return host
	}
	return host + ":" + strconv.Itoa(int(e.Port))
}

func serverName(s *spec.Service, e spec.Endpoint) string {
	if s.Host == spec.HostName {
		return s.HostName
	}
	return e.Host
}

// pick returns the next healthy endpoint that is not among tried, nil if there is none.
func (p *Pool) pick(tried []*endpoint) *endpoint {
	n := uint64(len(p.endpoints))
	start := p.turn.Add(1)
	for i := range n {
		ep := p.endpoints[(start+i)%n]
		if ep.healthy.Load() && !slices.Contains(tried, ep) {
			return ep
		}
	}
	return nil
}

// get returns the kept connection that was used last, nil if there is none: then the caller dials.
func (ep *endpoint) get() *conn {
	ep.mu.Lock()
	defer ep.mu.Unlock()
	n := len(ep.kept)
	if n == 0 {
		return nil
	}
	c := ep.kept[n-1]
	ep.kept[n-1] = nil
	ep.kept = ep.kept[:n-1]
	return c
}

// put keeps a connection for the next exchange, or closes it if there are enough.
func (ep *endpoint) put(c *conn, now time.Time) {
	c.since = now
	ep.mu.Lock()
	if !ep.closed && len(ep.kept) < ep.pool.service.KeepAlive.Max {
		ep.kept = append(ep.kept, c)
		c = nil
	}
	ep.mu.Unlock()
	if c != nil {
		c.Close()
	}
}

// connect opens a new connection.
func (ep *endpoint) connect(ctx context.Context) (*conn, error) {
	raw, err := ep.pool.dialer.DialContext(ctx, "tcp", ep.address)
	if err != nil {
		return nil, dialError(ep, err)
	}
	if ep.tls != nil {
		t := tls.Client(transport.Under(raw), ep.tls)
		ctx, cancel := context.WithTimeout(ctx, ep.pool.service.Timeouts.Connect)
		defer cancel()
		if err := t.HandshakeContext(ctx); err != nil {
			raw.Close()
			return nil, fault.Wrap(fault.OriginTLS, "TLS handshake with "+ep.label, err)
		}
		raw = t
	}
	c := &conn{Client: h1.NewClient(transport.New(raw)), ep: ep}
	ep.pool.keeper.add(c)
	return c, nil
}

// Close closes the connection.
func (c *conn) Close() error {
	k := c.ep.pool.keeper
	k.mu.Lock()
	delete(k.open, c)
	k.mu.Unlock()
	return c.Client.Close()
}

// dialError says what kind of failure a dial was.
func dialError(ep *endpoint, err error) error {
	kind := fault.OriginUnreachable
	var own *fault.Error
	var dns *net.DNSError
	switch {
	case errors.As(err, &own):
		return own
	case errors.As(err, &dns):
		kind = fault.OriginDNS
	case errors.Is(err, syscall.ECONNREFUSED):
		kind = fault.OriginRefused
	case errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, context.DeadlineExceeded):
		return fault.Wrap(fault.OriginConnectTimeout, "connect to "+ep.label+" within "+ep.pool.service.Timeouts.Connect.String()+" (timeouts.connect)", err)
	}
	var timeout net.Error
	if errors.As(err, &timeout) && timeout.Timeout() {
		kind = fault.OriginConnectTimeout
	}
	return fault.Wrap(kind, "connect to "+ep.label, err)
}

// tend closes kept connections that have been unused for too long.
func (p *Pool) tend(ctx context.Context) {
	tick := time.NewTicker(max(p.service.KeepAlive.Idle/4, tendMin))
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-tick.C:
			for _, ep := range p.endpoints {
				ep.closeOlder(now.Add(-p.service.KeepAlive.Idle))
			}
		}
	}
}

func (ep *endpoint) closeOlder(than time.Time) {
	ep.mu.Lock()
	n, _ := slices.BinarySearchFunc(ep.kept, than, func(c *conn, t time.Time) int { return c.since.Compare(t) })
	old := slices.Clone(ep.kept[:n])
	ep.kept = slices.Delete(ep.kept, 0, n)
	ep.mu.Unlock()
	for _, c := range old {
		c.Close()
	}
}

// close stops checks and closes kept connections. Exchanges in flight go on; their connections close after them.
func (p *Pool) close() {
	p.cancel()
	p.tended.Wait()
	for _, ep := range p.endpoints {
		ep.mu.Lock()
		kept := ep.kept
		ep.kept, ep.closed = nil, true
		ep.mu.Unlock()
		for _, c := range kept {
			c.Close()
		}
	}
}

// View is what the admin page shows of a pool.
type View struct {
	Service   string         `json:"service"`
	Endpoints []EndpointView `json:"endpoints"`
}

// EndpointView is what the admin page shows of an endpoint.
type EndpointView struct {
	Address string `json:"address"`
	Healthy bool   `json:"healthy"`
	Kept    int    `json:"keptConnections"`
}

func (p *Pool) view() View {
	v := View{Service: p.name}
	for _, ep := range p.endpoints {
		ep.mu.Lock()
		v.Endpoints = append(v.Endpoints, EndpointView{ep.label, ep.healthy.Load(), len(ep.kept)})
		ep.mu.Unlock()
	}
	slices.SortFunc(v.Endpoints, func(a, b EndpointView) int { return cmp.Compare(a.Address, b.Address) })
	return v
}
