package cli

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"skerry.dev/skerry/admin"
	"skerry.dev/skerry/edge"
	"skerry.dev/skerry/fault"
	"skerry.dev/skerry/meter"
)

// demoStage is everything the tour plays on: two endpoints, an edge, its files.
type demoStage struct {
	shop     [2]*sample
	greeter  *sample
	meters   *meter.Set
	edge     *edge.Edge
	admin    *admin.Server
	http     string // addresses
	https    string
	roots    *x509.CertPool
	rootFile string
	specName string
	logName  string
	log      *os.File

	reload    chan struct{}
	stopWatch context.CancelFunc
	watching  sync.WaitGroup
	mu        sync.Mutex
	refused   []fault.Problem
}

// demoEntrypoint is the spec of the demo; its gap is the release that the reloads change.
const demoEntrypoint = `apiVersion: skerry.dev/v1
kind: Entrypoint
metadata: {name: shop, owner: team-shop}
spec:
  hosts: [shop.localhost]
  service: shop
  limit: {perAddress: 100000/s, burst: 100000}
  routes:
    - name: moved
      match: {prefix: /old}
      redirect: {to: /new}
    - name: hello
      match: {path: "/hello/{name}", methods: [GET]}
      respond: {body: "hello from the edge\n"}
  headers:
    response:
      set: {X-Release: "%d", X-Release-Again: "%d"}
`

// demoStrict is a second entrypoint, with a limit that a person can reach, and so slow that a busy machine does not outwait it.
const demoStrict = `apiVersion: skerry.dev/v1
kind: Entrypoint
metadata: {name: strict, owner: team-shop}
spec:
  hosts: [strict.localhost]
  limit: {perAddress: 6/m, burst: 5}
  routes: [{name: all, respond: {body: "hello\n"}}]
`

const demoService = `apiVersion: skerry.dev/v1
kind: Service
metadata: {name: shop, owner: team-shop}
spec:
  endpoints: ["http://%s", "http://%s"]
  health: {path: /healthz, interval: 200ms, timeout: 200ms, healthyAfter: 1, unhealthyAfter: 5}
  ejection: {time: 1s}
`

// The bound of demoTill.
const tillPlaces, tillQueue = 2, 4

// demoTill is a service with a bound on its open requests, and its entrypoint.
const demoTill = `apiVersion: skerry.dev/v1
kind: Service
metadata: {name: till, owner: team-shop}
spec:
  endpoints: ["http://%s"]
  concurrency: {max: %d, queue: %d, queueTime: 10s}
---
apiVersion: skerry.dev/v1
kind: Entrypoint
metadata: {name: till, owner: team-shop}
spec:
  hosts: [till.localhost]
  service: till
  cache: off
  routes:
    - {name: pay, match: {prefix: /pay}, service: till, priority: critical}
`

// newStage starts everything below dir, or nothing.
func newStage(dir string) (s *demoStage, err error) {
	s = &demoStage{reload: make(chan struct{}, 1), meters: meter.NewSet(), stopWatch: func() {}}
	defer func() {
		if err != nil {
			s.close()
		}
	}()
	for i := range s.shop {
		if s.shop[i], err = newSample(fmt.Sprintf("shop-%d", i+1)); err != nil {
			return nil, err
		}
	}
	if s.greeter, err = newGreeter(); err != nil {
		return nil, err
	}
	specs := filepath.Join(dir, "specs")
	s.specName, s.logName = filepath.Join(specs, "shop.yaml"), filepath.Join(dir, "access.log")
	if err := os.Mkdir(specs, 0o755); err != nil {
		return nil, err
	}
	if err := s.release(1); err != nil {
		return nil, err
	}
	for name, text := range map[string]string{
		"service.yaml": fmt.Sprintf(demoService, s.shop[0].addr, s.shop[1].addr),
		"strict.yaml":  demoStrict,
		"greeter.yaml": fmt.Sprintf(demoGreeter, s.greeter.addr),
		"till.yaml":    fmt.Sprintf(demoTill, s.shop[0].addr, tillPlaces, tillQueue),
	} {
		if err := os.WriteFile(filepath.Join(specs, name), []byte(text), 0o644); err != nil {
			return nil, err
		}
	}
	if s.log, err = openAppend(s.logName); err != nil {
		return nil, err
	}
	return s, s.startEdge(specs, filepath.Join(dir, "data"))
}

func (s *demoStage) startEdge(specs, data string) error {
	opt := edge.Options{HTTP: []string{freeOr("127.0.0.1:8080")}, HTTPS: []string{freeOr("127.0.0.1:8443")}, Log: s.log, Meters: s.meters,
		DrainTimeout: time.Second}
	opt.Setting.Data = data
	e, err := edge.New(opt)
	if err != nil {
		return err
	}
	src := &edge.Source{Paths: []string{specs}}
	if _, problems := e.Begin(src); len(problems) > 0 {
		e.Abandon()
		return fault.Problems(problems)
	}
	if err := e.Start(); err != nil {
		e.Abandon()
		return err
	}
	http, https := e.Addrs()
	s.edge, s.http, s.https, s.roots = e, http[0].String(), https[0].String(), x509.NewCertPool()
	_, s.rootFile = e.LocalCA()
	if !s.roots.AppendCertsFromPEM(e.Root()) {
		return errors.New("BUG: the local CA has no root")
	}
	ctx, cancel := context.WithCancel(context.Background())
	s.stopWatch = cancel
	s.watching.Go(func() {
		e.Watch(ctx, src, s.reload, func(ps []fault.Problem) {
			s.mu.Lock()
			s.refused = append(s.refused, ps...)
			s.mu.Unlock()
		})
	})
	s.admin, err = admin.Serve([]string{freeOr(adminDefault)}, nil, admin.New(admin.Options{Set: s.meters, Ready: e.Ready, Plan: e.Plan, Version: build()}))
	return err
}

// freeOr is the address if nobody listens there, otherwise the same host with a port that was free a moment ago: redirects
// need to know it.
func freeOr(addr string) string {
	host, _, _ := net.SplitHostPort(addr) // it is one of ours
	for _, try := range []string{addr, net.JoinHostPort(host, "0")} {
		if l, err := net.Listen("tcp", try); err == nil {
			l.Close()
			return l.Addr().String()
		}
	}
	return net.JoinHostPort(host, "0")
}

// release rewrites the entrypoint in place, in one step.
func (s *demoStage) release(n int) error {
	tmp := s.specName + ".new" // no ending that the edge reads
	if err := os.WriteFile(tmp, fmt.Appendf(nil, demoEntrypoint, n, n), 0o644); err != nil {
		return err
	}
	return os.Rename(tmp, s.specName)
}

// await waits until ok says so, and reports whether it did.
func await(ok func() bool) bool {
	tick := time.NewTicker(demoPoll)
	defer tick.Stop()
	for by := time.Now().Add(demoPatience); !ok(); <-tick.C {
		if time.Now().After(by) {
			return false
		}
	}
	return true
}

// healthy says whether an endpoint's health checks go well.
func (s *demoStage) healthy(i int) bool {
	return s.meters.Gauge("skerry_endpoint_healthy", "", "service", "shop", "endpoint", s.shop[i].addr).Value() == 1
}

// ejected says whether an endpoint is left out because requests to it failed.
func (s *demoStage) ejected(i int) bool {
	return s.meters.Gauge("skerry_endpoint_ejected", "", "service", "shop", "endpoint", s.shop[i].addr).Value() == 1
}

// waiting is how many requests wait for a place at the till.
func (s *demoStage) waiting() float64 {
	for _, m := range s.meters.All() {
		if m.Name == "skerry_service_waiting" && slices.Contains(m.Labels, meter.Label{Name: "service", Value: "till"}) {
			return m.Func()
		}
	}
	return -1
}

// logged waits for a line of the log that has all of the parts, and returns it.
func (s *demoStage) logged(parts ...string) (line string, found bool) {
	found = await(func() bool {
		data, err := os.ReadFile(s.logName)
		if err != nil {
			return false
		}
		for line = range strings.Lines(string(data)) {
			if !slices.ContainsFunc(parts, func(p string) bool { return !strings.Contains(line, p) }) {
				return true
			}
		}
		return false
	})
	return strings.TrimSpace(line), found
}

func (s *demoStage) close() {
	s.stopWatch()
	s.watching.Wait()
	if s.edge != nil {
		s.edge.Drain()
	}
	if s.admin != nil {
		s.admin.Close() // what it cuts off is a scrape
	}
	for _, o := range append(s.shop[:], s.greeter) {
		if o != nil && o.l != nil {
			o.stop()
		}
	}
	if s.log != nil {
		s.log.Close() // the demo is over, and so is its log
	}
}
