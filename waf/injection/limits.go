package injection

const (
	// tokensMax is how many tokens a fingerprint has at most. What follows them is not looked at.
	tokensMax = 5
	// wordMax is how many bytes of a token are kept, libinjection's own limit: a longer word is no keyword.
	wordMax = 31
	// nameMax is how many bytes other than NUL the name of a tag or an attribute has at most; a longer one is none that counts.
	nameMax = 64
)
