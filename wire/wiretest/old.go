package wiretest

import "testing"

// What follows is for the test of wire/h2 until it plays Cases.

// Refused is RefusedLines and the refusals of every protocol, as HTTP/1.1 says them.
var Refused = oldRefused()

// Passes is what goes through, as HTTP/1.1 says it.
var Passes = oldPasses()

func oldRefused() []Refusal {
	all := RefusedLines
	for _, c := range refusals {
		if c.Aloof {
			all = append(all, c.old)
		}
	}
	return all
}

func oldPasses() []Pass {
	all := passed
	for _, c := range passing {
		if c.was.Name != "" && len(c.was.Sent) < 40<<10 && c.Name != "fields keep their order" {
			all = append(all, c.was)
		}
	}
	return all
}

// A Speech is how a protocol on the client's side says the three things that TestBadAnswers needs.
type Speech struct {
	Get    Step // GET / of host a
	Failed Step // the answer is 502, and the next Get may follow
	OK     Step // the answer is 200 with the body "hi"
}

// TestBadAnswers does nothing any more: Cases has them.
func TestBadAnswers(*testing.T, Start, Speech) {}
