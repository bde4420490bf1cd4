package origin

import (
	"fmt"
	"time"
)

// Mode is how an endpoint behaves. The zero value answers everything with 200 at once.
type Mode struct {
	Status int           // of answers; 0: 200
	Body   int           // bytes of their body; 0: none
	Delay  time.Duration // before each answer
	Answer Answer
	Listen Listen

	// HealthGood answers HealthPath with 200 at once, whatever the rest says of answers: a fault that no active check sees.
	HealthGood bool

	// Places is the capacity: so many requests are worked on at once, each for Hold, and the others wait their turn. What a client
	// who has left had asked for is worked on all the same, as most servers do. 0: no bound, Hold counts as more Delay. Requests
	// of HealthPath neither wait nor hold.
	Places int
	Hold   time.Duration
}

// HealthPath is what health checks ask for; Seen counts its requests apart.
const HealthPath = "/health"

// Fields of messages.
const (
	// IDField of a request names it in Seen.
	IDField = "X-Id"
	// EndpointField of an answer is the address of the process that made it.
	EndpointField = "X-Endpoint"
)

// Answer is the form of answers.
type Answer string

// The forms. The connection is closed after each but AnswerWhole.
const (
	AnswerWhole   Answer = ""        // as HTTP wants it
	AnswerGarbage Answer = "garbage" // bytes that are no HTTP
	AnswerClose   Answer = "close"   // none: the connection is closed
	AnswerCut     Answer = "cut"     // a head that announces more body than comes
	AnswerNever   Answer = "never"   // none, and the connection stays open until the mode changes
)

// Listen is what happens to new connections.
type Listen string

// The forms.
const (
	ListenOpen    Listen = ""        // they are accepted
	ListenRefuse  Listen = "refuse"  // nothing listens: they are refused, and open ones were closed
	ListenNoFiles Listen = "noFiles" // the process has no descriptor left: the kernel takes them until the backlog is full, open ones go on
)

func (m Mode) check() error {
	switch {
	case m.Status != 0 && (m.Status < 200 || m.Status > 599):
		return fmt.Errorf("Mode.Status is %d: name a final status, 200 to 599, or 0", m.Status)
	case m.Body < 0 || m.Body > bodyBytesMax:
		return fmt.Errorf("Mode.Body is %d bytes: from 0 to %d", m.Body, bodyBytesMax)
	case m.Delay < 0 || m.Hold < 0 || m.Places < 0:
		return fmt.Errorf("Mode has something below zero: Delay %v, Hold %v, Places %d", m.Delay, m.Hold, m.Places)
	}
	switch m.Answer {
	case AnswerWhole, AnswerGarbage, AnswerClose, AnswerCut, AnswerNever:
	default:
		return fmt.Errorf("Mode.Answer is %q, which is none of its values", m.Answer)
	}
	switch m.Listen {
	case ListenOpen, ListenRefuse, ListenNoFiles:
		return nil
	}
	return fmt.Errorf("Mode.Listen is %q, which is none of its values", m.Listen)
}
