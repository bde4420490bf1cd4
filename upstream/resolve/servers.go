package resolve

import (
	"context"
	"errors"
	"fmt"
	"net/netip"

	"golang.org/x/net/dns/dnsmessage"

	"skerry.dev/skerry/spec"
)

// said is a reply and who gave it.
type said struct {
	reply
	from netip.AddrPort
}

// families asks for what a family needs. The two questions are asked side by side; with FamilyAuto the second answer is not
// waited for if the first one has addresses.
func (r *Resolver) families(ctx context.Context, c *conf, name string, f spec.Family) (said, error) {
	if f == spec.FamilyIPv4 {
		return r.query(ctx, c, newQuestion(name, dnsmessage.TypeA))
	}
	if f == spec.FamilyIPv6 {
		return r.query(ctx, c, newQuestion(name, dnsmessage.TypeAAAA))
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	type result struct {
		said
		error
	}
	beside := make(chan result, 1)
	go func() {
		s, err := r.query(ctx, c, newQuestion(name, dnsmessage.TypeAAAA))
		beside <- result{s, err}
	}()
	v4, err := r.query(ctx, c, newQuestion(name, dnsmessage.TypeA))
	enough := err != nil || f == spec.FamilyAuto && len(v4.addrs) > 0
	if enough {
		cancel()
	}
	v6 := <-beside
	if enough {
		return v4, err
	}
	return union(v4, v6.said), v6.error
}

// union joins what there is of both families.
func union(v4, v6 said) said {
	if len(v6.addrs) == 0 {
		v4.exists = v4.exists || v6.exists
		return v4
	}
	if len(v4.addrs) > 0 {
		v6.ttl = min(v4.ttl, v6.ttl)
		v6.addrs = append(v4.addrs, v6.addrs...)
	}
	return v6
}

// query asks one server after another until one answers, also that there is nothing. The error is that of the last try,
// or of ctx.
func (r *Resolver) query(ctx context.Context, c *conf, q question) (said, error) {
	select {
	case r.slots <- struct{}{}:
		defer func() { <-r.slots }()
	case <-ctx.Done():
		return said{}, ctx.Err()
	}
	first := uint32(0)
	if c.rotate {
		first = r.turn.Add(1) - 1
	}
	var last error
	for range c.attempts {
		for i := range c.servers {
			server := c.servers[(first+uint32(i))%uint32(len(c.servers))]
			reply, err := r.once(ctx, c, server, q)
			if err == nil {
				return said{reply, server}, nil
			}
			if ctx.Err() != nil {
				return said{}, ctx.Err()
			}
			last = fmt.Errorf("%v, asked for %v: %w", server, q, err)
		}
	}
	return said{}, last
}

// once is one try at one server, counted unless it was given up.
func (r *Resolver) once(ctx context.Context, c *conf, server netip.AddrPort, q question) (reply, error) {
	within, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	p, err := r.try(within, server, q, c.stream)
	var f *failure
	switch {
	case err == nil:
		r.queries[answered].Inc()
		r.over.Add(uint64(p.over))
	case ctx.Err() == nil && errors.As(err, &f):
		r.queries[f.outcome].Inc()
	}
	return p, err
}
