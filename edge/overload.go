package edge

import (
	"fmt"
	"syscall"

	"skerry.dev/skerry/fault"
)

// boundExchanges sets the limit on open exchanges. A connection of HTTP/2 may have a hundred of them, each with an origin's
// connection behind it: the limit on connections alone does not bound the descriptors they need.
func (e *Edge) boundExchanges() {
	e.most = int64(e.opt.Exchanges)
	if e.most <= 0 {
		e.most = defaultExchanges()
	}
	e.exchanges = e.meters.Gauge("skerry_exchanges_open", "Requests that are not answered to their end now.")
	e.overload = e.meters.Counter("skerry_overload_total", "Requests refused with 503 because of the limit on open ones.")
	e.tooMany = fault.New(fault.Overloaded, fmt.Sprintf("%d requests were open already, the most there may be (--max-exchanges)", e.most))
}

func defaultExchanges() int64 {
	var lim syscall.Rlimit
	if syscall.Getrlimit(syscall.RLIMIT_NOFILE, &lim) != nil || lim.Cur > exchangesWithoutLimit*descriptorsPerExchange {
		return exchangesWithoutLimit
	}
	return max(int64(lim.Cur)/descriptorsPerExchange, exchangesMin)
}
