package wiretest

import (
	"fmt"
	"net"
	"slices"
	"strings"
	"time"
)

// Needs is what a protocol must be able to say for a case to be said in it; 0 is what every protocol can.
type Needs uint8

// What a protocol may be able to say.
const (
	// Lengths: a name or value says how long it is, so that any byte can stand in it, and white space around it.
	Lengths Needs = 1 << iota
	// Pseudo: method, scheme, authority and path are fields, and can be missing, doubled or late.
	Pseudo
	// Frames: fields do not say where a body ends, and can contradict what does.
	Frames
	// Streams: several exchanges share a connection, each of which can be broken off alone.
	Streams
)

// A Protocol is what a test of a protocol brings: its clients, which say neutral requests and read neutral replies.
type Protocol interface {
	// Can is what it can say.
	Can() Needs
	// Client returns a client that has no connection yet. No read waits longer than patience.
	Client(dial func() (net.Conn, error), patience time.Duration) Client
}

// A Client has as many connections as its exchanges need: if it can, one.
type Client interface {
	// Begin begins an exchange beside those that are not over. The error says also that the connection, which should have gone
	// on, has not.
	Begin() (Call, error)
	// Spent says that the last exchange was to cost its connection, if the protocol has no more than one on it. It waits for
	// the connection's end then; the error says that it stays open.
	Spent() error
	// HangUp closes every connection, whatever it is in.
	HangUp()
	// Close ends the client. The error says what came that no exchange took, or what the protocol does not allow.
	Close() error
}

// A Call is one exchange, as its client sees it. What is sent never blocks; bytes that the proxy does not take are no error.
type Call interface {
	// Head sends the head of a request, or, if it is Cut, some of it.
	Head(q *Request)
	// Body sends a piece of the body; the last one ends the request.
	Body(piece string, last bool)
	// Trailers sends a trailer section, names and values, and ends the request.
	Trailers(fields []string)
	// Leave breaks the exchange off.
	Leave()
	// Until reads until something is so, the reply is over, or nothing came for the client's patience.
	Until(so func(*Reply) bool) *Reply
}

// None stands for a part of a request that is not there.
const None = "\x00none"

// A Request is what a client asks. Zero fields are those of GET / of host a.
type Request struct {
	Method, Scheme, Authority, Path string
	// Fields is names and values. Names that the edge knows have their usual spelling, others small letters: so a protocol that
	// has no other letters becomes the same bytes at the origin. A body with Content-Length among them is announced.
	Fields []string
	// Raw, if there is any, is all names and values of the head instead, for a protocol that has Pseudo.
	Raw []string
	// Body is sent in these pieces; nil: there is none, and the head ends the request.
	Body []string
	// Trailers come behind the body.
	Trailers []string
	// Open says that the request does not end with what is here: further steps go on.
	Open bool
	// Cut says that the head breaks off in its middle.
	Cut bool
	// TakesTrailers says that the client wants the trailers of the reply.
	TakesTrailers bool
	// Tunnel asks for a WebSocket.
	Tunnel bool
}

func or(s, instead string) string {
	if s == "" {
		return instead
	}
	return s
}

// has reports whether the head has a field.
func (q *Request) has(name string) bool {
	for i := 0; i < len(q.Fields); i += 2 {
		if strings.EqualFold(q.Fields[i], name) {
			return true
		}
	}
	return false
}

// bodied reports whether the head does not end the request.
func (q *Request) bodied() bool { return q.Body != nil || q.Open || len(q.Trailers) > 0 }

// End is how a reply ended.
type End int

// How a reply ended.
const (
	// Complete: with the end that it announced, whatever the protocol.
	Complete End = iota
	// Open: it has not.
	Open
	// Broken: the exchange, or its connection, was broken off.
	Broken
	// Malformed: the exchange was broken off with the protocol's own word for a request that is malformed.
	Malformed
)

// String is the word for it.
func (e End) String() string { return [...]string{"complete", "open", "broken", "malformed"}[e] }

// A Reply is what a client has got of its answer.
type Reply struct {
	Interim []string // "103 link: <a>"
	Status  int      // 101 for a tunnel, whatever the protocol says; 0: no head has come
	// Fields is lines of "name: value" in small letters, by name. What only frames is not there, nor the Date of the edge. A
	// Content-Length of 0 is compared with none: not every protocol needs one.
	Fields   string
	Body     string
	Trailers string // as Fields
	End      End
	Wrong    string // what the protocol does not allow, and was sent all the same
}

// String says what a person wants to know in a test's message.
func (r *Reply) String() string {
	s := fmt.Sprintf("%d %q body %s of %d bytes, %v", r.Status, r.Fields, short(r.Body), len(r.Body), r.End)
	if len(r.Interim) > 0 {
		s = fmt.Sprintf("%q, then %s", r.Interim, s)
	}
	if r.Trailers != "" {
		s += fmt.Sprintf(", trailers %q", r.Trailers)
	}
	if r.Wrong != "" {
		s += ", and not allowed: " + r.Wrong
	}
	return s
}

// same reports whether two replies are the same.
func (r *Reply) same(as *Reply) bool {
	bare := func(fields string) string { return strings.Replace("\n"+fields, "\ncontent-length: 0\n", "\n", 1) }
	return slices.Equal(r.Interim, as.Interim) && r.Status == as.Status && bare(r.Fields) == bare(as.Fields) && r.Body == as.Body &&
		r.Trailers == as.Trailers && r.End == as.End && r.Wrong == as.Wrong
}

// covers reports whether all that is wanted has come, as far as its length tells; a reply that is over has all that will.
func (r *Reply) covers(want *Reply) bool {
	if r.End != Open {
		return true
	}
	return want.End == Open && len(r.Interim) >= len(want.Interim) && (want.Status == 0 || r.Status != 0) && len(r.Body) >= len(want.Body)
}

// fieldLines is names and values as a Reply has them.
func fieldLines(fields []string) string {
	type line struct{ name, text string }
	var lines []line
	for i := 0; i < len(fields); i += 2 {
		name := strings.ToLower(fields[i])
		text := name + ": " + fields[i+1] + "\n"
		if name == "date" && dateLine.MatchString("Date: "+fields[i+1]+"\r\n") || name == "sec-websocket-accept" {
			continue
		}
		lines = append(lines, line{name, text})
	}
	slices.SortStableFunc(lines, func(a, b line) int { return strings.Compare(a.name, b.name) })
	var b strings.Builder
	for _, l := range lines {
		b.WriteString(l.text)
	}
	return b.String()
}

// lengthWrong reports whether a complete reply has another length than it says.
func (r *Reply) lengthWrong(method string) bool {
	if method == "HEAD" || r.Status == 304 || r.Status == 101 {
		return false
	}
	for line := range strings.Lines(r.Fields) {
		if n, ok := strings.CutPrefix(line, "content-length: "); ok {
			return strings.TrimSpace(n) != fmt.Sprint(len(r.Body))
		}
	}
	return false
}
