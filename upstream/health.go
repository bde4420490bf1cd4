package upstream

import (
	"context"
	"fmt"
	"io"
	"time"

	"skerry.dev/skerry/exchange"
	"skerry.dev/skerry/fault"
	"skerry.dev/skerry/spec"
	"skerry.dev/skerry/wire"
)

// check asks an endpoint again and again and flips its health after enough answers of one kind in a row.
func (ep *endpoint) check(ctx context.Context, h *spec.Health) {
	row := 0
	for wait := time.Duration(0); ; wait = h.Interval {
		select {
		case <-ctx.Done():
			return
		case <-time.After(wait):
		}
		err := ep.probe(ctx, h)
		if ctx.Err() != nil {
			return
		}
		if k := fault.Of(err); k == fault.Overloaded || k == fault.Draining { // the edge's own trouble says nothing about the endpoint
			continue
		}
		was := ep.member.Healthy()
		if (err == nil) == was {
			row = 0
			continue
		}
		row++
		if was && row >= h.UnhealthyAfter || !was && row >= h.HealthyAfter {
			row = 0
			ep.flip(!was, err)
		}
	}
}

func (ep *endpoint) flip(healthy bool, cause error) {
	s := ep.service
	s.balancer.Health(ep.member, healthy)
	events := s.keeper.opt.Meters.Events()
	if healthy {
		ep.up.Set(1)
		events.Add("health", "service "+s.name+": endpoint "+ep.label+" is healthy")
		return
	}
	ep.up.Set(0)
	events.Add("health", fmt.Sprintf("service %s: endpoint %s is unhealthy: %v", s.name, ep.label, cause))
	if ep.named != nil {
		ep.named.soon()
	}
}

// probe makes one check on a connection of its own: a check over a kept one would not notice that no new one can be made.
func (ep *endpoint) probe(ctx context.Context, h *spec.Health) error {
	ctx, cancel := context.WithTimeout(ctx, h.Timeout)
	defer cancel()
	c, err := ep.peer.DialBeside(ctx)
	if err != nil {
		return err
	}
	defer c.Close()
	defer context.AfterFunc(ctx, func() { c.Close() })()
	x := exchange.Acquire()
	defer x.Release()
	x.Req.Method, x.Req.MethodName = exchange.MethodGet, []byte("GET")
	x.Req.Fields.AddNamed([]byte("User-Agent"), []byte("skerry-health/1"))
	x.Now = time.Now()
	q := wire.Request{Host: ep.host, Path: []byte(h.Path), Now: x.Now, FirstByte: h.Timeout, Patience: h.Timeout}
	if h.Host != "" {
		q.Host = []byte(h.Host)
	}
	defer c.End(x)
	if _, err := c.Send(x, &q); err != nil {
		return err
	}
	if err := c.Receive(x); err != nil {
		return err
	}
	if s := x.Resp.Status; s < h.StatusFrom || s > h.StatusTo {
		return fmt.Errorf("status %d is not in health.status %d-%d", s, h.StatusFrom, h.StatusTo)
	}
	return readSome(x.Resp.Body)
}

// readSome reads a body to its end, or to where it is long enough to believe.
func readSome(b exchange.Body) error {
	if b == nil {
		return nil
	}
	for total := 0; total < healthBodyMax; {
		view, err := b.Next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		total += len(view)
	}
	return nil
}
