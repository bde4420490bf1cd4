package compile

// Bounds of CloudFront for an origin, in seconds; waits beyond them are rounded into them. AWS raises that for the first byte on request.
const (
	connectionTimeoutMax = 10
	originReadTimeoutMax = 120
	originKeepaliveMax   = 120
)

// connectionAttemptsMax is how often CloudFront asks one origin at most.
const connectionAttemptsMax = 3

// originNameMax is how much of a service's name its origin has in its id, in bytes; an id has 128 at most, with what follows.
const originNameMax = 100

// secretLength is how many letters and digits the value of X-Origin-Secret has; of 62 each, some 285 bits.
const secretLength = 48

// bucketReadersMax is how many distributions the policy of one bucket can name: it has 20 KB at most.
const bucketReadersMax = 250

// parameterMax is how long the name of a parameter in a policy may be, in bytes.
const parameterMax = 128

// answerValueMax is how long the value of a field in a response headers policy may be, in characters.
const answerValueMax = 1783

// commonNameMax is how long the first name of a new certificate may be, in bytes.
const commonNameMax = 64

// logSourceMax is how long the name of a source of logs may be, in characters.
const logSourceMax = 60
