package spec

import "time"

// The limits of a spec. They bound the work and the memory of reading documents that may come from anyone who can open a
// change; beyond each of them stands a problem with its place, never a crash and never a silent cut.
const (
	// fileBytesMax is the size of one file, in bytes. A generated spec of 2,000 entrypoints has 1.5 MB. Beyond it the
	// file is refused unread.
	fileBytesMax = 16 << 20
	// filesMax is how many files one spec may have: it stops a path like / from being read to its end.
	filesMax = 20_000
	// dirDepthMax is how deep directories are followed below a given path; it ends loops of links.
	dirDepthMax = 16
	// documentsMax is how many documents one file may hold.
	documentsMax = 20_000
	// documentBytesMax is the size of one YAML document, in bytes: an Entrypoint of 1,000 long routes has a third of it.
	documentBytesMax = 1 << 20
	// keysMax is how many keys one mapping may have; the YAML parser compares each with all before it.
	keysMax = 2000
	// emptyLinesMax is how many empty lines may follow each other: in text, the parser looks at all of them for each.
	emptyLinesMax = 500
	// nodeDepthMax is how deep mappings and lists may nest in a document; the deepest field of a spec is at 9.
	nodeDepthMax = 32
	// problemsKept is how many problems are noted while reading; problemsMax of them are shown, in the order of places.
	problemsKept = 10_000
	// problemsMax is how many problems are reported; a file that is no spec at all would otherwise fill the screen.
	problemsMax = 200
	// hostsMax is how many hosts one entrypoint may have.
	hostsMax = 1000
	// routesMax is how many routes one entrypoint may have.
	routesMax = 1000
	// segmentsMax is how many segments the path of a match may have; the router's depth is bounded by it.
	segmentsMax = 32
	// conditionsMax is how many headers, query parameters or methods one match may name.
	conditionsMax = 32
	// weightedMax is how many services one route may share its clients among.
	weightedMax = 32
	// weightMax is the largest weight: 32 of them stay within 32 bits.
	weightMax = 1_000_000
	// editsMax is how many fields one `set` or `remove` may name; every one of them is work on every exchange.
	editsMax = 100
	// endpointsMax is how many endpoints one service may have.
	endpointsMax = 1000
	// endpointWeightMax is the largest weight of an endpoint: a schedule of 1,000 endpoints stays small, and nobody needs finer
	// shares.
	endpointWeightMax = 1000
	// triesMax is how many endpoints one request may be sent to; whoever needs more has no service behind them.
	triesMax = 5
	// openMax is the largest bound on open requests; a node has not the memory for more.
	openMax = 1_000_000
	// queueMax is how many requests may wait for a service; each holds a connection and its buffers.
	queueMax = 100_000
	// streamAgeMax is the largest streamAge: a stream keeps the plan that it began on in memory, and what should outlive a month
	// of reloads says off.
	streamAgeMax = 30 * 24 * time.Hour
	// requestsMax is how many requests a connection may be bounded to.
	requestsMax = 1_000_000_000
	// mirrorBodyMost is the largest bodyMax of a mirror, in bytes: each body is held in memory while its copy is sent.
	mirrorBodyMost = 1 << 20
	// cookieNameBytesMax is the longest name of a cookie, in bytes: it is sent with every request.
	cookieNameBytesMax = 64
	// cookieAgeMax is the longest maxAge of a cookie: browsers cut it to 400 days.
	cookieAgeMax = 400 * 24 * time.Hour
	// extendsMax is how long a chain of profiles may be; longer ones cannot be explained to anybody.
	extendsMax = 8
	// labelsMax is how many labels a document may have.
	labelsMax = 64
	// nameBytesMax is the longest name of a document or route, in bytes: it stands in every metric and log line.
	nameBytesMax = 63
	// textBytesMax is the longest header value, URL or path, in bytes: a response head has to hold several of them.
	textBytesMax = 4096
	// bodyBytesMax is the longest body of a fixed response, in bytes: larger ones are files, and belong to a service.
	bodyBytesMax = 64 << 10
	// hostBytesMax is the longest host name, in bytes (RFC 1035 section 2.3.4).
	hostBytesMax = 253
	// redirectsMax is how many bulk redirects one entrypoint may have, from file and list together: a large relaunch has
	// 10,000. All of them stand in its canonical form.
	redirectsMax = 20_000
	// originsMax is how many origins one cors may name; each request with an Origin is compared with them.
	originsMax = 100
	// allowMax is how many addresses and networks a maintenance may let pass.
	allowMax = 1000
	// pagesBytesMax is how large all HTML of one errorPages may be together, in bytes: every entrypoint under a profile
	// carries it in its canonical form, and an answer must not cost more than what it refuses.
	pagesBytesMax = 64 << 10
	// scoreMax is the largest threshold of an anomaly score: beyond the sum of all rules nothing is refused.
	scoreMax = 1_000_000
	// wafListMax is how many items one list of `allow` may have; each request is held against all of them.
	wafListMax = 100
	// excludeMax is how many exclusions one list may have: who needs more turns rules off.
	excludeMax = 500
	// ruleIDMax is the largest id of a rule.
	ruleIDMax = 999_999_999
	// rulesMax is how many files of rules one firewall may name.
	rulesMax = 32
	// rulesBytesMax is how large all files of one `rules` may be together, in bytes: every entrypoint under a profile carries
	// them in its canonical form. The largest plugin of the Core Rule Set has a third of it.
	rulesBytesMax = 256 << 10
	// wafBodyMost is the largest body that a firewall holds, in bytes; all of them are held in memory.
	wafBodyMost = 16 << 20
	// argumentsMost is the largest bound on values: each is held against some hundred rules.
	argumentsMost = 100_000
	// cacheNamesMax is how many fields or cookies a key or an identity may name: each is looked up in each request, and a
	// key with more values than these would hardly be met twice.
	cacheNamesMax = 32
	// patternsMax is how many parameters or cookies a list with patterns may have: each cookie and parameter of a request is held
	// against all of them.
	patternsMax = 300
	// queryNameBytesMax is the longest name of a query parameter that a key names, in bytes.
	queryNameBytesMax = 256
	// ttlMost is the longest that an answer may be fresh: RFC 9111 once bounded it so, and nobody remembers longer what is stored.
	ttlMost = year
	// staleMost is the longest that an answer may be given beyond its lifetime: an outage that lasts longer is an end.
	staleMost = 30 * 24 * time.Hour
	// collapseMost is the longest that a request may wait for what another one asked for: its client gives up before.
	collapseMost = 60 * time.Second
	// objectMost is the largest objectMax, in bytes, 10 GB: one answer must not be all that a disk holds.
	objectMost = 10 << 30
	// prerenderMax is how many paths one prerender may name: each is fetched at start and before it expires, without anybody asking.
	prerenderMax = 1000
	// probePathsMax is how many paths one probe may name: each is asked for several times in each round.
	probePathsMax = 32
	// probeLeast is the shortest time between two rounds of a probe; more often it would be a load.
	probeLeast = 500 * time.Millisecond
	// probeMost is the longest time between two rounds of a probe; beyond it a leak would be found by people first.
	probeMost = time.Hour
	// markerBytesLeast is the shortest marker of a probe, in bytes: a shorter one stands in pages by chance.
	markerBytesLeast = 4
	// markerBytesMax is the longest marker of a probe, in bytes.
	markerBytesMax = 256
	// rateMax is the largest count of a rate; beyond a million requests a second from one address there is no limit.
	rateMax = 1_000_000
	// burstMax is the largest burst of a limit: twice the largest count.
	burstMax = 2 * rateMax
	// shareParts is how finely a share is kept: in parts of a thousand million.
	shareParts = 1e9
	// headMaxLeast is the smallest headMax, in bytes: browsers send as much before any cookie.
	headMaxLeast = 1 << 10
	// headMaxMost is the largest headMax, in bytes: what a connection's buffer takes.
	headMaxMost = 32 << 10
	// bodyMaxMost is the largest bodyMax, in bytes, 1,024 GB; above it stands off.
	bodyMaxMost = 1 << 40
	// allowedMax is how many ids of differences one list may accept; there are not as many.
	allowedMax = 200
	// awsZonesMax is how many hosted zones an AWS document may name: an account has 500, unless it asks for more.
	awsZonesMax = 1000
	// awsCertificatesMax is how many certificates an AWS document may name: an account has 2,500, unless it asks for more.
	awsCertificatesMax = 2500
	// awsHostsMax is how many hosts a certificate may cover: AWS Certificate Manager takes 100.
	awsHostsMax = 100
	// awsQuotasMax is how many quotas an AWS document may name; CloudFront and AWS WAF together have fewer.
	awsQuotasMax = 200
	// awsQuotaMost is the largest quota that anybody is granted, so that sums of quotas stay within 32 bits.
	awsQuotaMost = 10_000_000
	// secretBytesMax is the largest secret, in bytes: a bundle of some hundred certificates.
	secretBytesMax = 1 << 20
)
