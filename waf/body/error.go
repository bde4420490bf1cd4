package body

import "strconv"

// Reason is why something is refused.
type Reason uint8

// The reasons. Malformed and Ambiguous are the client's fault (400), Limit says that it asks for too much (413).
const (
	Malformed Reason = iota // against the format's grammar
	Ambiguous               // two services could read it in two ways
	Limit                   // more than Limits allows
)

// String is the reason as a label: "malformed", "ambiguous", "limit".
func (r Reason) String() string {
	switch r {
	case Ambiguous:
		return "ambiguous"
	case Limit:
		return "limit"
	}
	return "malformed"
}

// Error says why a body, a query, a Cookie field or a Content-Type is refused. It holds no bytes of the request.
type Error struct {
	Reason  Reason
	In      string // "JSON", "form", "multipart", "XML", "NDJSON", "query", "Cookie", "Content-Type", "Content-Encoding"
	At      int    // the byte from 0 where it was noticed
	What    string // what is wrong, "lone surrogate"
	Max     int    // of Limit: the limit
	Setting string // of Limit: the field of Limits that governs it; empty if the limit is fixed
}

// Error is "JSON, byte 17: lone surrogate"; of a limit "JSON, byte 70: nested too deeply (at most 64, Limits.Depth)".
func (e *Error) Error() string {
	text := e.In + ", byte " + strconv.Itoa(e.At) + ": " + e.What
	if e.Reason != Limit {
		return text
	}
	text += " (at most " + strconv.Itoa(e.Max)
	if e.Setting != "" {
		text += ", Limits." + e.Setting
	}
	return text + ")"
}

func malformed(in string, at int, what string) *Error {
	return &Error{Reason: Malformed, In: in, At: at, What: what}
}

func ambiguous(in string, at int, what string) *Error {
	return &Error{Reason: Ambiguous, In: in, At: at, What: what}
}

func beyond(in string, at int, what string, most int, setting string) *Error {
	return &Error{Reason: Limit, In: in, At: at, What: what, Max: most, Setting: setting}
}
