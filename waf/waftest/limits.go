package waftest

const (
	// payloadBytesMax is how long a payload may grow by mutation, in bytes: enough for every limit of the Core Rule Set on
	// single arguments (400), not enough to make a campaign slow. Longer ones are cut.
	payloadBytesMax = 2048

	// mutationsMax is how often Mutate changes a payload before it puts it somewhere.
	mutationsMax = 3

	// repeatBytesMax is how much a <<repeat>> of the benign corpus may write, in bytes; more fails the test that reads it.
	repeatBytesMax = 1 << 20
)
