package exchange

// Verdict is what a hook decides.
type Verdict uint8

// The three answers of a hook.
const (
	Next    Verdict = iota // go on
	Respond                // Resp is complete, or Fault is set: turn around
	Abort                  // reset the stream; the client gets nothing more
)

// A Stage is one step of an exchange. One Stage value serves many exchanges at once.
type Stage interface {
	Name() string
	Request(x *Exchange) Verdict
}

// A Responder is a stage that also sees the response: head known, nothing sent. It may edit the head, wrap the body or
// replace the answer (and then says Respond, or Next: both go on to the next responder). It runs for every stage whose
// Request ran, the one that answered included, last first.
type Responder interface{ Response(x *Exchange) Verdict }

// A Finisher is a stage that must let go of something: Done runs after the last byte, an abort or a panic, exactly
// once for every stage whose Request ran, last first.
type Finisher interface{ Done(x *Exchange) }
