package memory

import "time"

// What things cost, in bytes.
const (
	// programBytes is what the process takes before its first connection: 19 MB live with the Core Rule Set and one entrypoint,
	// 6 MB of the Go runtime's own, 4 MB of log lines and 2.3 MB of spans that wait for a slow reader. A spec of thousands of
	// entrypoints takes more; that comes from the spare.
	programBytes = 32 << 20
	// connectionBytes is a client connection that is idle: measured (docs/soak.md) at 34,000 for HTTP/2 over TLS, the dearest;
	// one of plain HTTP/1.1 takes 6,000.
	connectionBytes = 36 << 10
	// exchangeBytes is what an open exchange takes beyond its connection: 65,000 are measured (docs/soak.md) for a connection
	// whose body comes byte by byte, its origin's included, and 67,000 for one whose answer is read so, 6,000 of them for being
	// idle. A stream of HTTP/2 whose answer is not read takes 47,000; bodies that wait in it have a budget of their own.
	exchangeBytes = 60 << 10
)

// The most and the least of each part. What a part may have between them follows from the limit: see parts.
const (
	// firewallBytesMost is the bound of the tables that the firewall's patterns build while they run (waf/match). With less they
	// are built anew more often.
	firewallBytesMost, firewallBytesLeast = 32 << 20, 4 << 20
	// cacheBytesLeast holds some hundred pages.
	cacheBytesLeast = 1 << 20
	// connectionsLeast and exchangesLeast are a browser for each of some people.
	connectionsLeast, exchangesLeast = 64, 64
	// heldBytesMost is 2,000 of the largest bodies that the firewall holds by default, the least 8 of them. Beyond it: 503.
	heldBytesMost, heldBytesLeast = 256 << 20, 1 << 20
	// bodiesBytesMost is what bodies of HTTP/2 take that nobody has taken yet, the least 16 first windows. Beyond it: 503.
	bodiesBytesMost, bodiesBytesLeast = 256 << 20, 1 << 20
	// windowsBytesMost is by how much windows of HTTP/2 may grow together. Beyond it they stay at 64 KB.
	windowsBytesMost = 64 << 20
	// tablesBytesMost is two million addresses under limits, the least 16,000. Beyond it those in the least debt are forgotten.
	tablesBytesMost, tablesBytesLeast = 32 << 20, 256 << 10
	// encodersBytesMost is some 150 answers that are compressed at the same moment, the least is one. Beyond it they go as they are.
	encodersBytesMost, encodersBytesLeast = 256 << 20, 2 << 20
)

// Shares of the limit, in thousandths.
const (
	// cacheShare is the cache's, unless --cache-memory says another.
	cacheShare = 300
	// spareShare is left to garbage (a collection begins when there is 30 % beside what lives), to what the kernel keeps for
	// sockets, which a cgroup counts, and to what nobody has thought of.
	spareShare = 200
	// collectorShare is where the Go runtime collects as often as it must (debug.SetMemoryLimit): above all budgets together, and
	// below what makes the watch act, so that garbage alone never does.
	collectorShare = 880
	// giveShare is from where on the cache gives back, shedShare from where on requests get 503, calmShare below what they do no
	// longer, and restShare below what, of what lives, the cache may grow again.
	giveShare = 900
	shedShare = 950
	calmShare = 900
	restShare = 700
	// machineShare is how much of the machine's memory is taken for ours where no cgroup says: it has a kernel and other programs.
	machineShare = 750
)

// unknownBytes is the limit where none is known: no --memory, no cgroup, no /proc.
const unknownBytes = 1 << 30

// unlimitedBytes is from where on a number in a cgroup of version 1 stands for no limit: it writes the largest one that it knows.
const unlimitedBytes = 1 << 60

const (
	// watchEvery is the time between two looks: what a storm can allocate meanwhile has to fit between shedShare and the limit. A
	// look takes some 20 µs.
	watchEvery = 100 * time.Millisecond
	// cacheSteps is in how many steps the cache gives everything back but the last, and takes it again.
	cacheSteps = 8
	// growEvery is the time between two steps in which the cache grows again.
	growEvery = time.Second
	// collectAfter is how long there may be too much in use without a collection before one is made: who only refuses allocates
	// nothing, and would never learn that the memory is free again.
	collectAfter = time.Second
	// tellEvery is the time between two events about too much in use. The counter has every refusal.
	tellEvery = time.Minute
)
