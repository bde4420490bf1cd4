package wiretest

import (
	"errors"
	"io"
	"net"
	"strconv"
	"strings"
	"time"
)

const (
	expectHead = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n"
	goOn       = "HTTP/1.1 100 Continue\r\n\r\n"
	tooLarge   = "HTTP/1.1 413 Content Too Large\r\nContent-Length: 0\r\n\r\n"
	askTunnel  = "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"
	tunnel     = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"
)

func closed(answer string) string {
	return strings.Replace(answer, "\r\n\r\n", "\r\nConnection: close\r\n\r\n", 1)
}

func large(n int) string { return strings.Repeat("0123456789abcdef", n/16) }

// postOf is a POST of a body with a length.
func postOf(body string) string { return "POST / HTTP/1.1\r\nHost: a\r\n" + lengthOf(body) + body }

func lengthOf(body string) string { return "Content-Length: " + strconv.Itoa(len(body)) + "\r\n\r\n" }

// next is one more exchange on the same connections: nothing of the one before is left anywhere.
func next(steps ...Step) []Step {
	return append(steps, Send(plainGet), Arrives(plainGet), Answer(ok), Gets(ok))
}

// Flows is conversations in which both sides speak out of turn: 100-continue, early answers, large bodies, tunnels.
var Flows = []Script{
	{13, "100-continue", next(Send(expectHead), Arrives(expectHead), Answer(goOn), Gets(goOn), Send("abc"), Arrives("abc"), Answer(ok), Gets(ok))},
	{13, "100-continue in chunks", next(Send(strings.Replace(expectHead, "Content-Length: 3\r\nExpect", "Transfer-Encoding: chunked\r\nExpect", 1)),
		Arrives(strings.Replace(expectHead, "Content-Length: 3\r\nExpect", "Transfer-Encoding: chunked\r\nExpect", 1)),
		Answer(goOn), Gets(goOn), Send("1\r\na\r\n0\r\n\r\n"), Arrives("1\r\na\r\n0\r\n\r\n"), Answer(ok), Gets(ok))},
	{13, "103 before 100", next(Send(expectHead), Arrives(expectHead), Answer("HTTP/1.1 103 Early Hints\r\nLink: <a>\r\n\r\n"), Gets("HTTP/1.1 103 Early Hints\r\nLink: <a>\r\n\r\n"),
		Answer(goOn), Gets(goOn), Send("abc"), Arrives("abc"), Answer(ok), Gets(ok))},
	{13, "a client that does not wait for 100", next(Send(expectHead+"abc"), Arrives(expectHead), Answer(goOn), Arrives("abc"), Answer(ok), Gets(ok))},
	{13, "an origin that says no instead of 100", []Step{Send(expectHead), Arrives(expectHead), Answer(tooLarge), Gets(closed(tooLarge)), ClientClosed(), OriginClosed()}},
	{13, "an origin that says no, and a client that did not wait", []Step{Send(expectHead + "GET /evil HTTP/1.1\r\nHost: a\r\n\r\n"), Arrives(expectHead), Answer(tooLarge), Gets(closed(tooLarge)), ClientClosed(), OriginClosed()}},
	{13, "an origin that says yes without 100", []Step{Send(expectHead), Arrives(expectHead), Answer(ok), Gets(okClosed), ClientClosed(), OriginClosed()}},
	{13, "100-continue with a body of 100 KB", next(Send("POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n"+lengthOf(large(100<<10))),
		Arrives("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 102400\r\nExpect: 100-continue\r\n\r\n"), Answer(goOn), Gets(goOn),
		SendAside(large(100<<10)), Arrives(large(100<<10)), Answer(ok), Gets(ok))},

	{11, "an early answer: a small rest is drained", []Step{Send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n"), Arrives("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n"),
		Answer(tooLarge), Gets(tooLarge), OriginClosed(), Send("1\r\nb\r\n0\r\n\r\n"), Send(plainGet), Arrives(plainGet), Answer(ok), Gets(ok)}},
	{11, "an early answer: a request in the rest is no request", []Step{Send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 20037\r\n\r\n"), Arrives("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 20037\r\n\r\n"),
		Answer(tooLarge), Gets(tooLarge), OriginClosed(), Send("GET /evil HTTP/1.1\r\nHost: a\r\nX: 1\r\n\r\n" + large(20000)), Send(plainGet), Arrives(plainGet), Answer(ok), Gets(ok)}},
	{11, "an early answer: a rest that is malformed closes", []Step{Send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n"), Arrives("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n"),
		Answer(tooLarge), Gets(tooLarge), OriginClosed(), Send("x\r\n" + plainGet), ClientClosed()}},
	{11, "an early answer: a rest beyond the budget closes", []Step{Send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n"), Arrives("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n"),
		Answer(tooLarge), Gets(tooLarge), OriginClosed(), SendAside(large(600000)), ClientClosed()}},

	{0, "a body of 12 KB goes in one piece", next(Send(postOf(large(12<<10))), Arrives(postOf(large(12<<10))), Answer(ok), Gets(ok))},
	{0, "a body of 100 KB", next(SendAside(postOf(large(100<<10))), Arrives(postOf(large(100<<10))), Answer(ok), Gets(ok))},
	{0, "a body of 100 KB behind a head of 14 KB", next(SendAside("POST / HTTP/1.1\r\nHost: a\r\nX: "+large(7000)+"\r\nY: "+large(7000)+"\r\n"+lengthOf(large(100<<10))+large(100<<10)),
		Arrives("POST / HTTP/1.1\r\nHost: a\r\nX: "+large(7000)+"\r\nY: "+large(7000)+"\r\n"+lengthOf(large(100<<10))+large(100<<10)), Answer(ok), Gets(ok))},
	{0, "chunks behind a head of 14 KB", next(SendAside("POST / HTTP/1.1\r\nHost: a\r\nX: "+large(7000)+"\r\nY: "+large(7000)+"\r\nTransfer-Encoding: chunked\r\n\r\n"+strings.Repeat("3e8;a\r\n"+large(1000)+"01234567\r\n", 30)+"0\r\nT: 1\r\n\r\n"),
		arrivesDechunked("POST / HTTP/1.1\r\nHost: a\r\nX: "+large(7000)+"\r\nY: "+large(7000)+"\r\nTransfer-Encoding: chunked\r\n\r\n", strings.Repeat(large(1000)+"01234567", 30), "T: 1\r\n"), Answer(ok), Gets(ok))},
	{0, "a response of 100 KB", next(Send(plainGet), Arrives(plainGet), AnswerAside(head200("Content-Length: 102400\r\n")+large(100<<10)), Gets(head200("Content-Length: 102400\r\n")+large(100<<10)))},
	{0, "a response of 100 KB and a byte too many", []Step{Send(plainGet), Arrives(plainGet), AnswerAside(head200("Content-Length: 102400\r\n") + large(100<<10) + "!"), Gets(head200("Content-Length: 102400\r\n") + large(100<<10)),
		Send(plainGet), OriginClosed(), Arrives(plainGet), Answer(ok), Gets(ok)}},
	{0, "a response of 100 KB that breaks off", []Step{Send(plainGet), Arrives(plainGet), Answer(head200("Content-Length: 102400\r\n") + large(50<<10)), OriginHangsUp(), Gets(head200("Content-Length: 102400\r\n") + large(50<<10)), ClientClosed()}},
	{0, "a body of 100 KB that breaks off", []Step{SendAside(postOf(large(100 << 10))[:60<<10]), Arrives(postOf(large(100 << 10))[:60<<10]), ClientEnds(), Gets(EdgeAnswer(499)), ClientClosed(), OriginClosed()}},
	{0, "an origin that answers a body of 1 MB early and closes", []Step{SendAside(postOf(large(1 << 20))[:300<<10]), Arrives(postOf(large(1 << 20))[:100<<10]), Answer(closed(tooLarge)), OriginHangsUp(), Gets(tooLarge), ClientClosed()}},
	{0, "a client that leaves within a response", []Step{Send(plainGet), Arrives(plainGet), AnswerAside(head200("Content-Length: 104857600\r\n") + large(8<<20)), Gets(head200("Content-Length: 104857600\r\n") + large(64<<10)), ClientHangsUp(), OriginCut()}},

	{12, "a tunnel", []Step{Send(askTunnel), Arrives(askTunnel), Answer(tunnel), Gets(tunnel), Send("ping"), Arrives("ping"), Answer("pong"), Gets("pong"),
		ClientEnds(), OriginSeesEnd(), Answer("bye"), Gets("bye"), OriginHangsUp(), ClientClosed()}},
	{12, "a tunnel with early bytes", []Step{Send(askTunnel + "early client"), Arrives(askTunnel), Answer(tunnel + "early origin"), Gets(tunnel + "early origin"), Arrives("early client"),
		OriginEnds(), ClientSeesEnd(), Send("last"), Arrives("last"), ClientHangsUp(), OriginClosed()}},
	{12, "no byte passes before 101", []Step{Send(askTunnel + "GET /evil HTTP/1.1\r\nHost: a\r\n\r\n"), Arrives(askTunnel), Answer("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n"), Gets("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n"),
		Arrives("GET /evil HTTP/1.1\r\nHost: a\r\n\r\n"), Answer(ok), Gets(ok)}},
	{12, "101 to another protocol", []Step{Send(askTunnel), Arrives(askTunnel), Answer(strings.Replace(tunnel, "websocket", "h2c", 1)), Gets(EdgeAnswerKept(502)), OriginClosed()}},
	{12, "101 without Upgrade", []Step{Send(askTunnel), Arrives(askTunnel), Answer("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n\r\n"), Gets(EdgeAnswerKept(502)), OriginClosed()}},
	{12, "101 without Connection", []Step{Send(askTunnel), Arrives(askTunnel), Answer("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n"), Gets(EdgeAnswerKept(502)), OriginClosed()}},
	{12, "101 with a length", []Step{Send(askTunnel), Arrives(askTunnel), Answer(strings.Replace(tunnel, "\r\n\r\n", "\r\nContent-Length: 2\r\n\r\n", 1)), Gets(EdgeAnswerKept(502)), OriginClosed()}},
	{12, "an upgrade on HTTP/1.0", []Step{Send(strings.Replace(askTunnel, "1.1", "1.0", 1)), Arrives(plainGet), Answer(ok), Gets(okClosed), ClientClosed()}},
}

// arrivesDechunked is a head, then a body in chunks of whatever size, then trailer lines.
func arrivesDechunked(head, body, trailers string) Step {
	return Step{"origin gets a body in chunks", func(r *Rig) error {
		if err := r.expect(r.Origin(), head); err != nil {
			return err
		}
		c := r.Origin()
		for rest := body; len(rest) > 0; {
			n, err := chunkSize(c)
			if err != nil || n == 0 || n > len(rest) {
				return errors.New("the chunks do not carry the body")
			}
			if err := r.expect(c, rest[:n]+"\r\n"); err != nil {
				return err
			}
			rest = rest[n:]
		}
		return r.expect(c, "0\r\n"+trailers+"\r\n")
	}}
}

func chunkSize(c net.Conn) (n int, err error) {
	c.SetReadDeadline(time.Now().Add(4 * time.Second))
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
			return 0, errors.New("no chunk size")
		default:
			n = n<<4 | i
		}
	}
}

// OriginCut is the end of an origin's connection that the proxy no longer reads: an end or a reset.
func OriginCut() Step {
	return Step{"origin is cut off", func(r *Rig) error {
		c := r.Origin()
		c.SetReadDeadline(time.Now().Add(r.patience))
		_, err := c.Read(make([]byte, 1))
		var timeout net.Error
		if errors.As(err, &timeout) && timeout.Timeout() {
			return errors.New("the connection stays open")
		}
		c.Close()
		r.origin = nil
		return nil
	}}
}
