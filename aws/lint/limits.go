package lint

// The limits of AWS that no quota raises, with the page that says so beside the rules that hold them.
const (
	pathMax       = 255  // characters of a path pattern
	commentMax    = 128  // characters of a comment
	functionMax   = 64   // characters of the name of a function
	regexMax      = 512  // characters of a regular expression of AWS WAF
	regexesMax    = 10   // regular expressions in a set
	searchMax     = 200  // bytes of a text that AWS WAF looks for
	responseMax   = 4096 // bytes of a body that AWS WAF answers with
	namespacesMax = 5    // of a label
	labelPartMax  = 128  // characters of a namespace or a name of a label
	cidrsMax      = 10_000
	keysMax       = 5    // keys that a rate counts by
	transformsMax = 10   // text transformations of a statement
	capacityMax   = 5000 // WCU of a web ACL or a rule group
	capacityPrice = 1500 // WCU that cost nothing more
	rateMin       = 10   // requests in a window
	referencesMax = 50   // of a web ACL or a rule group to sets and groups
	labelsMax     = 100  // that a rule adds
	countriesMax  = 50   // of a geographic statement
	cspMax        = 1783 // characters of a value of a header that CloudFront adds
	weightMax     = 0.15 // share of a staging distribution
	policyNameMax = 128  // characters of the name of a policy
	secretMin     = 8    // characters of a text that may be a secret: shorter ones are words or numbers
	logFieldsMax  = 100  // redacted fields
	// behaviorsCompared is how many behaviours each one is compared with, for its path; no distribution has more.
	behaviorsCompared = 500
)
