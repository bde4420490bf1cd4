package balance

import "time"

const (
	// levels is how many localities differ: the same zone, the same region, elsewhere. Tiers beyond count as elsewhere.
	levels = 3
	// membersMax is how many members a balancer takes, so that 16 bits name one: a spec has 1,000 endpoints at most, a few of
	// which are names with many addresses. Beyond it the last ones of Set get nothing.
	membersMax = 10_000
	// scheduleMax is how many turns a round of round robin has at most, 16 KB. Beyond it weights are rounded, to no less
	// than one turn each; with more than a quarter as many members the round is as long as four turns for each.
	scheduleMax = 8192
	// walkMax is how many turns, or places of a Maglev table, are looked at for a member that may be had: enough while one in
	// ten may. Beyond it all members are looked at, once.
	walkMax = 64
	// drawsMax is how often power of two draws again because neither member may be had. Beyond it: the same.
	drawsMax = 4
	// takesMax is how often a request that lost the last place at a member's limit to another looks again. Beyond it the
	// service counts as full.
	takesMax = 8
	// rampSteps is in how many steps a slow start goes from the first tenth to the whole weight.
	rampSteps = 9
	// ejectionsMax bounds how much longer each ejection in a row lasts.
	ejectionsMax = 5
	// tickMin is the shortest time between two views that a timer makes: a hundred members that came one by one would
	// otherwise have one made for each step of each.
	tickMin = 50 * time.Millisecond
	// stripeProcs is how many processors share one counter of round robin. A counter that all processors of a large machine
	// write costs each more than the rest of Pick.
	stripeProcs = 8
)

// Sizes of Maglev tables, primes of at least a hundred places for each member, so that shares are right within a percent. They are
// few, because where a service grows over one of them most keys move. Beyond the last there are fewer places for each member.
var tableSizes = [...]int{2039, 16381, 65537}
