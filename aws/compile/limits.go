package compile

// bodyKBDefault is how much of a body AWS WAF looks at behind CloudFront if nothing is said, in KB; more has a price.
const bodyKBDefault = 16

// The limits of AWS WAF, see https://docs.aws.amazon.com/waf/latest/developerguide/limits.html; none of them is raised on request.
const (
	// searchBytesMax is the longest text that a statement searches for, in bytes. Of longer paths the beginning is compared.
	searchBytesMax = 200
	// argumentBytesMax is the longest name of a query parameter that a statement can name, in bytes.
	argumentBytesMax = 30
	// regexBytesMax is the longest regular expression, in bytes; the API takes 512 and this quota is what its page says.
	regexBytesMax = 200
	// branchesMax is how many alternatives a regular expression gets: AWS WAF refuses "a large number" and does not say which.
	branchesMax = 30
	// regexSetMax is how many regular expressions a set may have.
	regexSetMax = 10
	// regexesInline is how many regular expressions stand in statements of their own before a set is cheaper: it costs 25 WCU and its
	// transformations once, but is one of ten in an account.
	regexesInline = 2
	// capacityMax is the most WCU that a web ACL may have.
	capacityMax = 5000
	// capacityFree is how many WCU the price of a request includes.
	capacityFree = 1500
	// capacityStep is how many WCU each further step of the price has.
	capacityStep = 500
	// rateRulesMax is how many rules with a rate a web ACL may have.
	rateRulesMax = 10
	// rateLimitMin is the lowest count that a rate may have, in a window.
	rateLimitMin = 10
	// headInspected is how much of the fields of a head is looked at, in bytes; and 200 fields.
	headInspected = 8 << 10
	// headCloudFront is the largest head that CloudFront takes, in bytes.
	headCloudFront = 20480
	// pageBytesMax is the largest body of an answer of AWS WAF, in bytes.
	pageBytesMax = 4096
	// zoneWorth is how many WCU a scope may cost before it is looked at once, for all rules that need it, and noted in a label.
	zoneWorth = 2
)

// patternMax is the longest path pattern of a cache behaviour, in bytes: AWS's own limit. What is longer ends in a wildcard, and the
// function compares the rest.
const patternMax = 255

// movedInlineMax is how much of bulk redirects stands in the code of functions, in bytes of all of an entrypoint: less than half of what
// a function may have. More of them stand in a key value store.
const movedInlineMax = 4096

// storeKeyMax, storeValueMax and storeMax are the limits of a key value store, in bytes: of a key, of a value, of all. They are AWS's own.
const (
	storeKeyMax   = 512
	storeValueMax = 1024
	storeMax      = 5 << 20
)

// preflightBytesMax is how long a list of header names in a preflight may be to be allowed as a whole (headers: "*"), in bytes, as on
// the edge. Beyond it the browser is told that no header is allowed.
const preflightBytesMax = 2048

// canaryMost is the largest share that continuous deployment can give a staging distribution, in parts of a hundred: AWS's own limit.
const canaryMost = 15

// The limits of tags and comments.
const (
	// tagKeyMax is the longest key of a tag, in characters.
	tagKeyMax = 128
	// tagValueMax is the longest value of a tag, in characters.
	tagValueMax = 256
	// tagsMax is how many tags a resource may have. CloudFront raises it on request, other services do not.
	tagsMax = 50
	// commentMax is the longest comment of a distribution, in characters.
	commentMax = 128
)

// apartMax is with how many entrypoints the first one is compared where a packing takes nobody, apartTextMax how much of a value is shown,
// in bytes.
const (
	apartMax     = 100
	apartTextMax = 100
)
