package rewrite

// What tests look at from outside.
var (
	PercentEncoded = percentEncoded
	ParseTimeout   = parseTimeout
)
