package edge

import (
	"fmt"
	"syscall"
	"time"

	"skerry.dev/skerry/exchange"
	"skerry.dev/skerry/fault"
	"skerry.dev/skerry/memory"
)

// boundExchanges sets the limit on open exchanges. A connection of HTTP/2 may have a hundred of them, each with an origin's
// connection behind it: the limit on connections alone does not bound the descriptors they need.
func (e *Edge) boundExchanges() {
	e.most = int64(e.opt.Exchanges)
	if e.most <= 0 {
		e.most = DefaultExchanges()
	}
	e.exchanges = e.meters.Gauge("skerry_exchanges_open", "Requests that are not answered to their end now.")
	e.overload = e.meters.Counter("skerry_overload_total", "Requests refused with 503 because of the limit on open ones.")
	e.tooMany = fault.New(fault.Overloaded, fmt.Sprintf("%d requests were open already, the most there may be (--max-exchanges)", e.most))
	e.outOfMemory = e.meters.Counter("skerry_memory_refused_total", "Requests refused with 503 because too much memory was in use.")
	e.noMemory = fault.New(fault.Overloaded, fmt.Sprintf("too much of the edge's memory is in use: it may have %d bytes (--memory)", e.opt.Memory.Limit.Bytes))
}

// DefaultExchanges is how many exchanges may be open where nothing is said: half of the descriptors that the process may have.
func DefaultExchanges() int64 {
	var lim syscall.Rlimit
	if syscall.Getrlimit(syscall.RLIMIT_NOFILE, &lim) != nil || lim.Cur > exchangesWithoutLimit*descriptorsPerExchange {
		return exchangesWithoutLimit
	}
	return max(int64(lim.Cur)/descriptorsPerExchange, exchangesMin)
}

// DefaultConnections is how many client connections may be open where nothing is said: a quarter of the descriptors.
func DefaultConnections() int64 { return max(DefaultExchanges()/connectionExchanges, exchangesMin) }

// boundMemory gives each part of the edge its share, if there is a division.
func (e *Edge) boundMemory() {
	m := &e.opt.Memory
	if m.Limit.Bytes == 0 {
		return
	}
	if e.opt.Conns <= 0 {
		e.opt.Conns = m.Connections
	}
	if e.opt.Exchanges <= 0 {
		e.opt.Exchanges = m.Exchanges
	}
	e.keepers.Cache.SetBudget(m.Cache)
	e.keepers.Firewall.Bound(m.Held, m.Firewall)
	e.keepers.Encoders.Bound(m.Encoders)
	e.keepers.Limit.Resize(m.Tables)
}

// watchMemory begins to look at what is in use, if there is a limit.
func (e *Edge) watchMemory() {
	if e.opt.Memory.Limit.Bytes == 0 {
		return
	}
	e.watch = memory.NewWatch(memory.WatchOptions{Shares: e.opt.Memory, Read: e.opt.MemoryInUse, Cache: e.keepers.Cache.SetBudget,
		Close: e.closeWaiting, Meters: e.meters})
}

// endWatch ends that.
func (e *Edge) endWatch() {
	if e.watch != nil {
		e.watch.Close()
	}
}

// closeWaiting closes some of the connections that wait for their client, the longest first: each has memory that is of no use now.
func (e *Edge) closeWaiting() {
	before := time.Now().Add(-waitingGrace)
	for range waitingAtOnce {
		if !e.shed(before) {
			return
		}
	}
}

// admit refuses an exchange beyond the limit on open ones, or on memory. One that is refused gets no route and reaches no origin.
func (e *Edge) admit(x *exchange.Exchange) {
	switch {
	case x.Fault != nil:
	case e.exchanges.Value() > e.most:
		e.overload.Inc()
		x.Fault, x.Cause = e.tooMany, e.tooMany
	case e.watch != nil && e.watch.Short():
		e.outOfMemory.Inc()
		x.Fault, x.Cause = e.noMemory, e.noMemory
	}
}
