package adopt

// The bounds of what a spec says of AWS WAF; what is beyond them is refused.
const (
	// addressesMost is how many addresses a maintenance may let pass.
	addressesMost = 1000
	// rateMost is the largest count of a rate.
	rateMost = 1_000_000
	// burstMost is the largest burst of a limit, in requests.
	burstMost = 2 * rateMost
	// bodyMost is the largest bodyMax, in bytes.
	bodyMost = 1 << 40
	// headLeast is the smallest headMax, in bytes.
	headLeast = 1 << 10
	// headMaxDefault is headMax if nothing is said, in bytes.
	headMaxDefault = 32 << 10
)

// What AWS WAF does by itself.
const (
	// bodyKB is how much of a body it looks at behind a distribution if nothing is said, in KB.
	bodyKB = 16
	// headFirewall is how much of the fields of a head it looks at, in bytes.
	headFirewall = 8 << 10
	// bodyRuleBytes is from which size on the common rule set refuses bodies.
	bodyRuleBytes = 8 << 10
	// windowDefault is the window of a rate if it is not said, in seconds.
	windowDefault = 300
)
