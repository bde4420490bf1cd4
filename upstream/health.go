package upstream

import (
	"context"
	"fmt"
	"io"
	"time"

	"skerry.dev/skerry/exchange"
	"skerry.dev/skerry/meter"
	"skerry.dev/skerry/spec"
)

// check asks an endpoint again and again and flips its health after enough answers of one kind in a row.
func (ep *endpoint) check(ctx context.Context, h *spec.Health, set *meter.Set) {
	row := 0
	for wait := time.Duration(0); ; wait = h.Interval {
		select {
		case <-ctx.Done():
			return
		case <-time.After(wait):
		}
		err := ep.ask(ctx, h)
		if ctx.Err() != nil {
			return
		}
		was := ep.healthy.Load()
		if (err == nil) == was {
			row = 0
			continue
		}
		row++
		if was && row >= h.UnhealthyAfter || !was && row >= h.HealthyAfter {
			row = 0
			ep.flip(!was, err, set)
		}
	}
}

func (ep *endpoint) flip(healthy bool, cause error, set *meter.Set) {
	ep.healthy.Store(healthy)
	if healthy {
		ep.up.Set(1)
		set.Events().Add("health", "service "+ep.pool.name+": endpoint "+ep.label+" is healthy")
		return
	}
	ep.up.Set(0)
	set.Events().Add("health", fmt.Sprintf("service %s: endpoint %s is unhealthy: %v", ep.pool.name, ep.label, cause))
}

// ask makes one check on a connection of its own: a check over a kept one would not notice that no new one can be made.
func (ep *endpoint) ask(ctx context.Context, h *spec.Health) error {
	ctx, cancel := context.WithTimeout(ctx, h.Timeout)
	defer cancel()
	c, err := ep.connect(ctx)
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
	q := request(ep, x)
	q.Host, q.Path = ep.host, []byte(h.Path)
	if h.Host != "" {
		q.Host = []byte(h.Host)
	}
	q.FirstByte, q.Patience = h.Timeout, h.Timeout
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
