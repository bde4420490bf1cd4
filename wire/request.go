package wire

import (
	"time"

	"skerry.dev/skerry/fault"
)

// Request is how a request goes to an origin, where that is not x.Req.
type Request struct {
	Host     []byte        // value of the Host field, or of :authority
	Path     []byte        // the path; the query is x.Req.Query
	Patience time.Duration // longest wait for the next byte of a body, either way
	// FirstByte is the longest wait for the response head, from the last byte of the request on.
	FirstByte time.Duration
	// Now is when the request is sent, or a little before; before the connection was made, if the request is its first.
	Now time.Time
	// Head is when the response head must be there, however long the request took to send; zero: FirstByte alone counts.
	// Beyond it: ErrTry, or ErrUpload if its client took the longer part of the time to send the body.
	Head time.Time
	// Until is when the exchange on this connection must be over, to the last byte of the response's body; zero: never. Beyond
	// it: ErrWhole, or ErrUpload as with Head, or ErrTaker if the client had not taken what came of the body. A write that has
	// begun may wait on for as long as was left when it began. A tunnel is exempt once it is open.
	Until time.Time
	// Age is when a stream must be over: a response whose body still comes, or a tunnel; zero: never. Beyond it: ErrAge.
	Age time.Time
}

// ErrTry says that Request.Head has passed, ErrWhole that Request.Until has, ErrAge that Request.Age has.
var (
	ErrTry   = fault.New(fault.OriginTimeout, "the origin's response head was not there when the time for one try was up (timeouts.try)")
	ErrWhole = fault.New(fault.OriginTimeout, "the exchange was not over when its whole time was up (timeouts.whole)")
	ErrAge   = fault.New(fault.StreamAge, "the stream was as old as a stream may get (streamAge)")
)

// ErrUpload says that a bound passed for which the client is to blame: its body was not there, or had taken longer than the origin
// then had for its answer. ErrTaker says that Request.Until passed while the client took what had come of the response's body.
// Who holds a late origin against it would otherwise let any client have endpoints taken for broken ones: by sending a body,
// or taking one, slowly.
var (
	ErrUpload = fault.New(fault.SlowClient, "the client took most of the time for one try, or for the exchange, to send its body (timeouts.try, timeouts.whole)")
	ErrTaker  = fault.New(fault.SlowClient, "the client was still taking the response when the exchange's whole time was up (timeouts.whole)")
)

// ErrDied says that the origin closed or reset the connection before the first byte of a response.
var ErrDied = fault.New(fault.OriginClosed, "the origin closed the connection before its response")

// ErrAbandoned is what a client's Send, Receive and the response's body return after Abandon.
var ErrAbandoned = fault.New(fault.ClientGone, "the request was given up: its answer is no longer wanted")
