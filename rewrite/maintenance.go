package rewrite

import (
	"net/netip"
	"strconv"
	"time"

	"github.com/gaissmai/bart"

	"skerry.dev/skerry/exchange"
	"skerry.dev/skerry/fault"
	"skerry.dev/skerry/spec"
)

// maintenance is a compiled spec.Maintenance that is on.
type maintenance struct {
	retryAfter []byte
	allow      *bart.Lite // nil: nobody
}

// errMaintenance ends an exchange of a route that is closed.
var errMaintenance = fault.New(fault.Maintenance, "the route's `maintenance` is on, and the client's address is not in its `allow`")

func newMaintenance(m *spec.Maintenance) *maintenance {
	if m == nil || !m.On {
		return nil
	}
	seconds := int64(m.RetryAfter / time.Second)
	if seconds <= 0 {
		seconds = maintenanceSeconds
	}
	return &maintenance{strconv.AppendInt(nil, seconds, 10), newSet(m.Allow)}
}

// admits reports whether a client is served all the same.
func (m *maintenance) admits(client netip.Addr) bool {
	return m.allow != nil && client.IsValid() && m.allow.Contains(client)
}

func (m *maintenance) refuse(x *exchange.Exchange) exchange.Verdict {
	v := x.Fail(errMaintenance)
	x.Resp.Fields.Set(exchange.NameRetryAfter, m.retryAfter)
	return v
}
