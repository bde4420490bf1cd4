package memory

import (
	"fmt"
	"strings"
)

// Wish is what somebody wants at most. Said: by a flag, so that it is given in full or refused.
type Wish struct {
	Most int64
	Said bool
}

// Wishes are what is divided among. Connections and Exchanges are numbers: what the descriptors allow, if nobody has said
// another. Cache is in bytes; if nobody has said it, about 30 % of the limit.
type Wishes struct {
	Cache       Wish
	Connections Wish
	Exchanges   Wish
}

// Shares are what each part of the edge may have, in bytes but for Connections and Exchanges. All together, with what
// connections and exchanges cost and with the spare, they are the limit. The zero value says that nothing was divided.
type Shares struct {
	Limit     Limit
	Program   int64 // what the process takes before its first connection: nobody keeps to it, it is so
	Firewall  int64 // the tables of the firewall's patterns
	Cache     int64
	Held      int64 // bodies that the firewall holds
	Bodies    int64 // request bodies of HTTP/2 that nobody has taken yet
	Windows   int64 // what windows of HTTP/2 grow by
	Tables    int64 // addresses under limits
	Encoders  int64 // compression
	Spare     int64 // garbage, the kernel's share, what nobody has thought of
	Collector int64 // where the Go runtime's own limit should be (debug.SetMemoryLimit); no share, but a mark below Limit

	Connections int // of clients, open at once
	Exchanges   int // open at once
}

// Part is one line of the division.
type Part struct {
	For    string // a stable label: "program", "cache", …
	Number int    // of connections or exchanges; 0: it is bytes alone
	Bytes  int64
}

// Parts are all shares; their bytes come to the limit.
func (s *Shares) Parts() []Part {
	return []Part{
		{For: "program", Bytes: s.Program}, {For: "firewall", Bytes: s.Firewall}, {For: "cache", Bytes: s.Cache},
		{For: "connections", Number: s.Connections, Bytes: int64(s.Connections) * connectionBytes},
		{For: "exchanges", Number: s.Exchanges, Bytes: int64(s.Exchanges) * exchangeBytes},
		{For: "held", Bytes: s.Held}, {For: "bodies", Bytes: s.Bodies}, {For: "windows", Bytes: s.Windows},
		{For: "tables", Bytes: s.Tables}, {For: "encoders", Bytes: s.Encoders}, {For: "spare", Bytes: s.Spare},
	}
}

// String is the division in a line.
func (s *Shares) String() string {
	names := map[string]string{"firewall": "firewall's tables", "held": "held bodies", "bodies": "bodies of HTTP/2", "windows": "windows of HTTP/2",
		"tables": "addresses", "encoders": "compression"}
	var b strings.Builder
	for i, p := range s.Parts() {
		if i > 0 {
			b.WriteString(", ")
		}
		name := p.For
		if n, ok := names[name]; ok {
			name = n
		}
		if p.Number > 0 {
			fmt.Fprintf(&b, "%d ", p.Number)
		}
		fmt.Fprintf(&b, "%s %s", name, Text(p.Bytes))
	}
	return b.String()
}

// part is a share while it is divided.
type part struct {
	name  string // for people
	flag  string // that governs it
	unit  int64  // bytes of one; 1: it is in bytes
	wish  Wish
	share int64 // the most of the limit that it gets unless somebody has said it, in thousandths
	least int64 // below it the edge does not start
	gets  int64
}

func (p *part) bytes() int64      { return p.gets * p.unit }
func (p *part) leastBytes() int64 { return p.least * p.unit }

// amount is a number of it for people.
func (p *part) amount(n int64) string {
	if p.unit == 1 {
		return Text(n)
	}
	return fmt.Sprint(n)
}

// Divide divides a limit. What is not said is lowered until all fits, beginning with what the share of each allows; lowered has
// a text for each that has less than it wants: from what, to what, and by which flag to say otherwise. It fails if what was
// said by flags cannot fit beside the least of the others, or if the limit is below the least of all; the error names the
// flag and what would fit.
func Divide(limit Limit, w Wishes) (s Shares, lowered []string, err error) {
	if !w.Cache.Said {
		w.Cache.Most = limit.Bytes / 1000 * cacheShare
	}
	const memory = "--memory"
	var (
		firewall    = part{name: "firewall's tables", flag: memory, unit: 1, wish: Wish{Most: firewallBytesMost}, share: 125, least: firewallBytesLeast}
		cache       = part{name: "cache", flag: "--cache-memory", unit: 1, wish: w.Cache, share: cacheShare, least: cacheBytesLeast}
		connections = part{name: "connections", flag: "--max-connections", unit: connectionBytes, wish: w.Connections, share: 150, least: connectionsLeast}
		exchanges   = part{name: "exchanges", flag: "--max-exchanges", unit: exchangeBytes, wish: w.Exchanges, share: 200, least: exchangesLeast}
		held        = part{name: "held bodies", flag: memory, unit: 1, wish: Wish{Most: heldBytesMost}, share: 80, least: heldBytesLeast}
		bodies      = part{name: "bodies of HTTP/2", flag: memory, unit: 1, wish: Wish{Most: bodiesBytesMost}, share: 80, least: bodiesBytesLeast}
		windows     = part{name: "windows of HTTP/2", flag: memory, unit: 1, wish: Wish{Most: windowsBytesMost}, share: 20}
		tables      = part{name: "addresses", flag: memory, unit: 1, wish: Wish{Most: tablesBytesMost}, share: 20, least: tablesBytesLeast}
		encoders    = part{name: "compression", flag: memory, unit: 1, wish: Wish{Most: encodersBytesMost}, share: 80, least: encodersBytesLeast}
	)
	all := []*part{&firewall, &cache, &connections, &exchanges, &held, &bodies, &windows, &tables, &encoders}
	if lowered, err = fit(limit, all); err != nil {
		return Shares{}, nil, err
	}
	s = Shares{
		Limit: limit, Program: programBytes, Firewall: firewall.gets, Cache: cache.gets, Held: held.gets, Bodies: bodies.gets,
		Windows: windows.gets, Tables: tables.gets, Encoders: encoders.gets, Collector: limit.Bytes / 1000 * collectorShare,
		Connections: int(connections.gets), Exchanges: int(exchanges.gets), Spare: limit.Bytes - programBytes,
	}
	for _, p := range all {
		s.Spare -= p.bytes()
	}
	return s, lowered, nil
}

// fit gives every part what it gets.
func fit(limit Limit, all []*part) (lowered []string, err error) {
	var firm, least, flexible int64 // of what is said; of the others at least, and beyond that
	for _, p := range all {
		p.least = min(p.least, p.wish.Most)
		p.gets = p.wish.Most
		if p.wish.Said {
			p.least = p.wish.Most
			if p.wish.Most > limit.Bytes/p.unit {
				return nil, tooMuch(limit, p, all)
			}
			firm += p.bytes()
			continue
		}
		p.gets = max(min(p.gets, limit.Bytes/1000*p.share/p.unit), p.least)
		least += p.leastBytes()
		flexible += p.bytes() - p.leastBytes()
	}
	room := there(limit) - firm - least
	if room < 0 {
		return nil, tooLittle(limit, all)
	}
	for _, p := range all {
		if more := p.gets - p.least; room < flexible && more > 0 {
			p.gets = p.least + int64(float64(more)*(float64(room)/float64(flexible)))
		}
		if !p.wish.Said && p.gets < p.wish.Most {
			lowered = append(lowered, fmt.Sprintf("%s %s → %s (%s)", p.name, p.amount(p.wish.Most), p.amount(p.gets), p.flag))
		}
	}
	return lowered, nil
}

// there is what of a limit can be divided.
func there(limit Limit) int64 {
	return limit.Bytes - limit.Bytes/1000*spareShare - programBytes
}

// tooLittle says why nothing fits: the flag that asks for most, if there is one, or the limit itself.
func tooLittle(limit Limit, all []*part) error {
	var worst *part
	for _, p := range all {
		if p.wish.Said && (worst == nil || p.bytes() > worst.bytes()) {
			worst = p
		}
	}
	if worst != nil {
		return tooMuch(limit, worst, all)
	}
	return fmt.Errorf("%s of memory (%s) are too little: the edge needs at least %s, %s of it before its first connection; --memory, or the limit on the process, must say more",
		Text(limit.Bytes), limit.From, Text(leastLimit(all)), Text(programBytes))
}

// tooMuch says that what a flag asks for does not fit.
func tooMuch(limit Limit, p *part, all []*part) error {
	room := there(limit)
	for _, other := range all {
		if other != p {
			room -= min(other.leastBytes(), limit.Bytes)
		}
	}
	fits := "nothing fits beside the rest"
	if n := room / p.unit; n > 0 {
		fits = "at most " + p.amount(n) + " fit beside the rest"
	}
	cost := ""
	if p.unit > 1 {
		cost = fmt.Sprintf(", at %s each,", Text(p.unit))
	}
	return fmt.Errorf("%s %s%s does not fit into the %s of memory that there are (%s): %s; say less, or more with --memory",
		p.flag, p.amount(p.wish.Most), cost, Text(limit.Bytes), limit.From, fits)
}

// leastLimit is the smallest limit, rounded up to MB, in which the least of all fits.
func leastLimit(all []*part) int64 {
	n := int64(programBytes)
	for _, p := range all {
		n += p.leastBytes()
	}
	n = n / (1000 - spareShare) * 1000
	const mb = 1 << 20
	return (n/mb + 1) * mb
}
