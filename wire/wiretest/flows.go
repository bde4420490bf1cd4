package wiretest

import (
	"strconv"
	"strings"
)

const (
	askTunnel = "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"
	tunnel    = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"
)

func large(n int) string { return strings.Repeat("0123456789abcdef", n/16) }

// postOf is a POST of a body with a length.
func postOf(body string) string { return "POST / HTTP/1.1\r\nHost: a\r\n" + lengthOf(body) + body }

func lengthOf(body string) string { return "Content-Length: " + strconv.Itoa(len(body)) + "\r\n\r\n" }

// next is one more exchange on the same connections: nothing of the one before is left anywhere.
func next(steps ...Step) []Step {
	return append(steps, Send(plainGet), Arrives(plainGet), Answer(ok), Gets(ok))
}

// FlowLines is conversations of HTTP/1.1 alone: clients that do not wait, or close one side, and rests that nobody takes.
var FlowLines = []Script{
	{13, "a client that does not wait for 100", next(Send(expectHead+"abc"), Arrives(expectHead), Answer(goOn), Arrives("abc"), Answer(ok), Gets(ok))},
	{11, "an early answer: a rest that is malformed closes", []Step{Send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n"), Arrives("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n"),
		Answer(tooLarge), Gets(tooLarge), OriginClosed(), Send("x\r\n" + plainGet), ClientClosed()}},
	{11, "an early answer: a rest beyond the budget closes", []Step{Send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n"), Arrives("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n"),
		Answer(tooLarge), Gets(tooLarge), OriginClosed(), SendAside(large(600000)), ClientClosed()}},
	{0, "a body of 12 KB goes in one piece", next(Send(postOf(large(12<<10))), Arrives(postOf(large(12<<10))), Answer(ok), Gets(ok))},
	{0, "chunks behind a head of 14 KB", next(SendAside("POST / HTTP/1.1\r\nHost: a\r\nX: "+large(7000)+"\r\nY: "+large(7000)+"\r\nTransfer-Encoding: chunked\r\n\r\n"+strings.Repeat("3e8;a\r\n"+large(1000)+"01234567\r\n", 30)+"0\r\nT: 1\r\n\r\n"),
		arrivesDechunked("POST / HTTP/1.1\r\nHost: a\r\nX: "+large(7000)+"\r\nY: "+large(7000)+"\r\nTransfer-Encoding: chunked\r\n\r\n", strings.Repeat(large(1000)+"01234567", 30), "T: 1\r\n"), Answer(ok), Gets(ok))},
	{0, "a body of 100 KB that breaks off", []Step{SendAside(postOf(large(100 << 10))[:60<<10]), Arrives(postOf(large(100 << 10))[:60<<10]), ClientEnds(), Gets(EdgeAnswer(499)), ClientClosed(), OriginClosed()}},
	{12, "a tunnel with early bytes", []Step{Send(askTunnel + "early client"), Arrives(askTunnel), Answer(tunnel + "early origin"), Gets(tunnel + "early origin"), Arrives("early client"),
		OriginEnds(), ClientSeesEnd(), Send("last"), Arrives("last"), ClientHangsUp(), OriginClosed()}},
	{12, "no byte passes before 101", []Step{Send(askTunnel + "GET /evil HTTP/1.1\r\nHost: a\r\n\r\n"), Arrives(askTunnel), Answer("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n"), Gets("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n"),
		Arrives("GET /evil HTTP/1.1\r\nHost: a\r\n\r\n"), Answer(ok), Gets(ok)}},
	{12, "an upgrade on HTTP/1.0", []Step{Send(strings.Replace(askTunnel, "1.1", "1.0", 1)), Arrives(plainGet), Answer(ok), Gets(okClosed), ClientClosed()}},
}

// arrivesDechunked is a head, then a body in chunks of whatever size, then trailer lines.
func arrivesDechunked(head, body, trailers string) Step {
	return Step{"origin gets a body in chunks", func(r *Rig) error {
		if err := ArrivesInChunks(head, body).run(r); err != nil {
			return err
		}
		return ArrivesEnd(trailers).run(r)
	}}
}
