package wiretest

import (
	"crypto/sha1"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/textproto"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// A Case is a Script whose client speaks any protocol that can say it. Its rule is one of the sixteen that keep two programs from
// reading a message in two ways:
//
//	1 line ends; 2 method and target; 3 field names; 4 field values; 5 Content-Length; 6 Transfer-Encoding; 7 bodies without a
//	length; 8 Host; 9 hop-by-hop fields; 10 underscores; 11 rests of bodies; 12 tunnels; 13 Expect, TRACE; 14 answers; 15 the
//	border between protocols; 16 limits; 0 none of them.
type Case struct {
	Rule  int
	Name  string
	Needs Needs
	// Aloof says that the proxy may not even connect to the origin for what the case refuses.
	Aloof bool
	Steps []Step
}

// Cases is the one table of conformance: framing, limits, trailers, interim responses, aborts in every phase, tunnels, and
// what an exchange of one protocol could smuggle into another. A protocol plays those that it can say.
var Cases = concat(passing, refusals, border, answers, badAnswers, talks, aborts, tunnels)

func concat(lists ...[]Case) (all []Case) {
	for _, l := range lists {
		all = append(all, l...)
	}
	return all
}

// Test plays every case that a protocol can say.
func Test(t *testing.T, start Start, p Protocol) {
	parted := 0
	for _, c := range Cases {
		if c.Needs&^p.Can() != 0 {
			continue
		}
		t.Run(scriptName(c.Rule, c.Name), func(t *testing.T) {
			r := newRig(t, start)
			r.parted = &parted
			r.talk, r.several = p.Client(r.proxy.Client, r.patience), p.Can()&Streams != 0
			r.Play(c.Steps...)
			if c.Aloof && r.unused > 0 {
				t.Error("the proxy connected to the origin")
			}
		})
	}
	checkParted(t, parted)
}

// TestTimes plays the cases in which time passes, on pipes inside a bubble of testing/synctest. The proxy waits 30 s for an
// origin's head, and 60 s for the next bytes of its body.
func TestTimes(t *testing.T, bubble func(t *testing.T, f func(t *testing.T)), start Start, p Protocol) {
	for _, c := range times {
		if c.Needs&^p.Can() != 0 {
			continue
		}
		t.Run(c.Name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				r := newPipeRig(t, start)
				r.talk, r.several = p.Client(r.proxy.Client, r.patience), p.Can()&Streams != 0
				r.Play(c.Steps...)
			})
		})
	}
}

// begin begins an exchange with what there is of its request.
func begin(r *Rig, q Request) (err error) {
	if r.call, err = r.talk.Begin(); err != nil {
		return err
	}
	r.call.Head(&q)
	for i, piece := range q.Body {
		r.call.Body(piece, i == len(q.Body)-1 && !q.Open && q.Trailers == nil)
	}
	if q.Body != nil && len(q.Body) == 0 && !q.Open && q.Trailers == nil {
		r.call.Body("", true)
	}
	if q.Trailers != nil {
		r.call.Trailers(q.Trailers)
	}
	return nil
}

// Asks begins an exchange.
func Asks(q Request) Step {
	return Step{"client asks " + or(q.Method, "GET") + " " + short(q.Path), func(r *Rig) error { return begin(r, q) }}
}

// Says is a further piece of the body, or of what goes through a tunnel.
func Says(piece string) Step {
	return Step{"client says " + short(piece), func(r *Rig) error { r.call.Body(piece, false); return nil }}
}

// SaysLast is Says for the last piece, which may be empty.
func SaysLast(piece string) Step {
	return Step{"client says at last " + short(piece), func(r *Rig) error { r.call.Body(piece, true); return nil }}
}

// SaysTrailers ends the request with a trailer section.
func SaysTrailers(fields ...string) Step {
	return Step{fmt.Sprintf("client says trailers %.60q", fields), func(r *Rig) error { r.call.Trailers(fields); return nil }}
}

// Leaves breaks the exchange off.
func Leaves() Step {
	return Step{"client leaves", func(r *Rig) error { r.call.Leave(); return nil }}
}

// LeavesAltogether closes every connection of the client.
func LeavesAltogether() Step {
	return Step{"client closes everything", func(r *Rig) error { r.talk.HangUp(); return nil }}
}

// Sees is the reply as it must be: all of it, or what of it must come now if want is Open.
func Sees(want Reply) Step {
	return Step{"client sees " + want.String(), func(r *Rig) error {
		got := r.call.Until(func(got *Reply) bool { return got.covers(&want) })
		if !got.same(&want) {
			return fmt.Errorf("got\n%v\nwant\n%v", got, &want)
		}
		return nil
	}}
}

// SeesRefusal is the proxy's own answer of a status. For 400 it may be the protocol's own word instead.
func SeesRefusal(status int) Step {
	return Step{fmt.Sprintf("client is refused with %d", status), func(r *Rig) error {
		got := r.call.Until(func(got *Reply) bool { return got.End != Open })
		want := Reply{Status: status, Fields: "content-length: 0\n"}
		if got.same(&want) || status == 400 && got.End == Malformed && got.Status == 0 {
			return nil
		}
		return fmt.Errorf("got\n%v\nwant\n%v", got, &want)
	}}
}

// Spent says that the exchange costs its connection where a protocol has no more than one on it. Where it has more, the
// next step shows that the connection goes on.
func Spent() Step {
	return Step{"the connection is spent", func(r *Rig) error { return r.talk.Spent() }}
}

// ArrivesNext is Arrives for an exchange behind another one: where exchanges run beside each other, the connection of the one
// before need not be free yet, and the proxy may use another.
func ArrivesNext(data string) Step {
	return Step{"origin gets next " + short(data), func(r *Rig) error {
		if r.several && r.origin != nil {
			r.either()
		}
		return r.arrives(data)
	}}
}

// either puts the script on the connection to the origin on which something comes first, of those that the proxy may have kept,
// or on a new one.
func (r *Rig) either() {
	known := append(r.spare, r.origin)
	one := make([]byte, 1)
	for end := time.Now().Add(r.patience); time.Now().Before(end); {
		for i, c := range known {
			c.SetReadDeadline(time.Now().Add(2 * time.Millisecond))
			n, err := c.Read(one)
			over := n == 0 && !errors.Is(err, os.ErrDeadlineExceeded) && len(known) == 1
			if over && err == io.EOF && r.partedFrom() {
				c.Close()
				r.origin, r.spare = nil, nil
				return
			}
			if n > 0 || over {
				r.spare = slices.Delete(known, i, i+1)
				r.origin = &peeked{c, one[:n]}
				return
			}
		}
		select {
		case c, ok := <-r.accepted:
			if ok {
				r.spare, r.origin, r.bodied = known, c, false
				r.Dials++
			}
			return
		default:
		}
	}
}

// peeked is a connection of which the first byte was read.
type peeked struct {
	net.Conn
	first []byte
}

func (p *peeked) Read(b []byte) (int, error) {
	if len(p.first) > 0 && len(b) > 0 {
		b[0], p.first = p.first[0], nil
		return 1, nil
	}
	return p.Conn.Read(b)
}

// ArrivesInChunks is a head, and a body in chunks of any size, without its end.
func ArrivesInChunks(head, body string) Step {
	return Step{"origin gets " + short(head) + " and in chunks " + short(body), func(r *Rig) error {
		if err := r.arrives(head); err != nil {
			return err
		}
		return r.expectChunks(body)
	}}
}

// arrivesAll is a head that announces chunks, and a body to its end. Without trailers it may have a length instead.
func arrivesAll(head, body, trailers string) Step {
	return Step{"origin gets " + short(head) + " and all of " + short(body), func(r *Rig) error {
		const framing = "Transfer-Encoding: chunked\r\n"
		before, behind, _ := strings.Cut(head, framing)
		if err := r.arrives(before); err != nil {
			return err
		}
		line := make([]byte, 1)
		if _, err := io.ReadFull(r.Origin(), line); err != nil {
			return err
		}
		r.origin, r.bodied = &peeked{r.origin, line}, true
		if trailers == "" && line[0] == 'C' {
			return r.expect(r.Origin(), "Content-Length: "+strconv.Itoa(len(body))+"\r\n"+behind+body)
		}
		if err := r.expect(r.Origin(), framing+behind); err != nil {
			return err
		}
		if err := r.expectChunks(body); err != nil {
			return err
		}
		return r.expect(r.Origin(), "0\r\n"+trailers+"\r\n")
	}}
}

// ArrivesEnd is the end of a body in chunks, with trailers as lines.
func ArrivesEnd(trailers string) Step {
	return Step{"origin gets the end and trailers " + short(trailers), func(r *Rig) error { return r.expect(r.Origin(), "0\r\n"+trailers+"\r\n") }}
}

// expectChunks reads chunks of any size that carry a body together.
func (r *Rig) expectChunks(body string) error {
	c := r.Origin()
	for body != "" {
		n, err := r.chunkSize(c)
		if err != nil || n == 0 || n > len(body) {
			return fmt.Errorf("a chunk of %d bytes, %v, where %d bytes are to come", n, err, len(body))
		}
		if err := r.expect(c, body[:n]+"\r\n"); err != nil {
			return err
		}
		body = body[n:]
	}
	return nil
}

// chunkSize reads the line with a chunk's size, byte by byte: what comes behind belongs to others.
func (r *Rig) chunkSize(c net.Conn) (n int, err error) {
	c.SetReadDeadline(time.Now().Add(r.patience))
	one := make([]byte, 1)
	for {
		if _, err := io.ReadFull(c, one); err != nil {
			return 0, err
		}
		switch i := strings.IndexByte("0123456789abcdef", one[0]); {
		case one[0] == '\r':
		case one[0] == '\n':
			return n, nil
		case i < 0:
			return 0, fmt.Errorf("%q in a chunk size", one)
		default:
			n = n<<4 | i
		}
	}
}

// OriginResets breaks the origin's connection off, as a crash does.
func OriginResets() Step {
	return Step{"origin resets", func(r *Rig) error {
		c := r.Origin()
		r.origin = nil
		if p, ok := c.(*peeked); ok {
			c = p.Conn
		}
		return errors.Join(c.(*net.TCPConn).SetLinger(0), c.Close())
	}}
}

// standsBy is an exchange that is open beside all that follows, until stoodBy ends it.
var standsBy = Step{"another exchange is open", func(r *Rig) error {
	if err := begin(r, Request{Path: "/beside"}); err != nil {
		return err
	}
	if err := r.expect(r.Origin(), "GET /beside HTTP/1.1\r\nHost: a\r\n\r\n"); err != nil {
		return err
	}
	r.beside, r.standby, r.origin, r.several = r.call, r.origin, nil, true
	return nil
}}

// stoodBy answers the exchange that was open all the time.
var stoodBy = Step{"the other exchange was not touched", func(r *Rig) error {
	if err := write(r.standby, ok, r.patience); err != nil {
		return err
	}
	want := fine
	if got := r.beside.Until(func(got *Reply) bool { return got.End != Open }); !got.same(&want) {
		return fmt.Errorf("got\n%v", got)
	}
	if r.origin != nil {
		r.spare = append(r.spare, r.origin)
	}
	r.origin, r.standby = r.standby, nil
	return nil
}}

// standbyCut is stoodBy for an exchange that was cut off together with the others.
var standbyCut = Step{"the origin of the other exchange is cut off too", func(r *Rig) error {
	r.origin, r.standby = r.standby, nil
	return OriginCut().run(r)
}}

// ArrivesTunnel is a request for a WebSocket at the origin, with a key that is the client's or the edge's.
func ArrivesTunnel() Step {
	return Step{"origin is asked for a WebSocket", func(r *Rig) error {
		c := r.Origin()
		c.SetReadDeadline(time.Now().Add(r.patience))
		var head strings.Builder
		for one := make([]byte, 1); !strings.HasSuffix(head.String(), "\r\n\r\n"); head.Write(one) {
			if _, err := io.ReadFull(c, one); err != nil {
				return fmt.Errorf("got %q, then %w", head.String(), err)
			}
		}
		line, rest, _ := strings.Cut(head.String(), "\r\n")
		var names []string
		for field := range strings.Lines(strings.TrimSuffix(rest, "\r\n")) {
			name, value, _ := strings.Cut(strings.TrimSuffix(field, "\r\n"), ": ")
			if name = textproto.CanonicalMIMEHeaderKey(name); name == "Sec-Websocket-Key" {
				r.key = value
				continue
			}
			names = append(names, name+": "+value)
		}
		const want = "GET /chat HTTP/1.1|Host: a|Sec-Websocket-Version: 13|Upgrade: websocket|Connection: Upgrade"
		if got := line + "|" + strings.Join(names, "|"); got != want {
			return fmt.Errorf("got %q, want %q", got, want)
		}
		if key, err := base64.StdEncoding.DecodeString(r.key); err != nil || len(key) != 16 {
			return fmt.Errorf("the key %q is none (RFC 6455 section 4.1)", r.key)
		}
		return nil
	}}
}

// AnswerTunnel is the origin's yes, and the first bytes that it sends through the tunnel.
func AnswerTunnel(first string) Step {
	return Step{"origin opens the tunnel", func(r *Rig) error {
		sum := sha1.Sum([]byte(r.key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
		return write(r.Origin(), "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: "+
			base64.StdEncoding.EncodeToString(sum[:])+"\r\n\r\n"+first, r.patience)
	}}
}

// SeesNoMore is the end of a reply, however it ends: not every protocol can say that a tunnel was broken off.
func SeesNoMore() Step {
	return Step{"client sees the end", func(r *Rig) error {
		if got := r.call.Until(func(got *Reply) bool { return got.End != Open }); got.End == Open {
			return fmt.Errorf("got %v", got)
		}
		return nil
	}}
}

// SeesBeginning is Sees for a reply of which more may have come already.
func SeesBeginning(want Reply) Step {
	return Step{"client sees at least " + want.String(), func(r *Rig) error {
		got := *r.call.Until(func(got *Reply) bool { return got.covers(&want) })
		got.Body = got.Body[:min(len(got.Body), len(want.Body))]
		if !got.same(&want) {
			return fmt.Errorf("got\n%v\nwant\n%v", &got, &want)
		}
		return nil
	}}
}
