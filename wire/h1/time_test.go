package h1_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"skerry.dev/skerry/wire/wiretest"
)

const (
	get      = "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
	ok       = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"
	postHead = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
	expect   = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n"
	goOn     = "HTTP/1.1 100 Continue\r\n\r\n"
	upgrade  = "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"
	switched = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"
)

var (
	send, arrives, answer, gets = wiretest.Send, wiretest.Arrives, wiretest.Answer, wiretest.Gets
	wait, at, edge              = wiretest.Wait, wiretest.At, wiretest.EdgeAnswer
	clientClosed, originClosed  = wiretest.ClientClosed, wiretest.OriginClosed
)

// trickle sends a chunk of one byte so many times, one after each pause.
func trickle(times int, pause time.Duration) (steps []wiretest.Step) {
	for range times {
		steps = append(steps, wait(pause), send("1\r\na\r\n"), arrives("1\r\na\r\n"))
	}
	return steps
}

func steps(lists ...[]wiretest.Step) (all []wiretest.Step) {
	for _, l := range lists {
		all = append(all, l...)
	}
	return all
}

// TestTime plays scripts in a bubble, where the clock is exact: every deadline fires when it should and not before.
func TestTime(t *testing.T) {
	const s = time.Second
	f := func(name string, script ...wiretest.Step) {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { wiretest.NewPipeRig(t, startPipes).Play(script...) })
		})
	}
	f("idle before the first request", clientClosed(), at(75*s))
	f("idle between two", send(get), arrives(get), answer(ok), gets(ok), wait(74*s), send(get), arrives(get), answer(ok), gets(ok), clientClosed(), at(149*s))
	f("slow head", send("GET / HT"), gets(edge(408)), clientClosed(), at(10*s))
	f("slow head, one byte at a time", steps([]wiretest.Step{send("G")}, dribble("ET / HTT", s), []wiretest.Step{gets(edge(408)), at(10 * s)})...)
	f("a head that makes it", send("GET / HTTP/1.1\r\nHo"), wait(9*s), send("st: a\r\n\r\n"), arrives(get), answer(ok), gets(ok), at(9*s))
	f("the deadline of a head is not that of the next", send("GET / HTTP/1.1\r\nHo"), wait(9*s), send("st: a\r\n\r\n"), arrives(get), answer(ok), gets(ok),
		wait(5*s), send("GET / HTTP/1.1\r\nHo"), wait(9*s), send("st: a\r\n\r\n"), arrives(get), answer(ok), gets(ok), at(23*s))

	f("a body that stalls", send(postHead+"1\r\na\r\n"), arrives(postHead+"1\r\na\r\n"), gets(edge(408)), clientClosed(), originClosed(), at(30*s))
	f("a small body that stalls", send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nabc"), gets(edge(408)), clientClosed(), at(30*s))
	f("a body below the minimum rate", steps([]wiretest.Step{send(postHead), arrives(postHead)}, trickle(29, s), []wiretest.Step{gets(edge(408)), clientClosed(), originClosed(), at(30 * s)})...)
	f("a body above it", steps([]wiretest.Step{send(postHead), arrives(postHead)}, largeChunks(4, 15*s),
		[]wiretest.Step{send("0\r\n\r\n"), arrives("0\r\n\r\n"), answer(ok), gets(ok), at(60 * s)})...)
	began := "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
	f("a client that is silent once its answer has begun", steps([]wiretest.Step{send(postHead + "1\r\na\r\n"), arrives(postHead + "1\r\na\r\n"), answer(began), gets(began)},
		slowAnswers("1\r\nb\r\n", 4, 50*s), []wiretest.Step{send("1\r\nc\r\n"), arrives("1\r\nc\r\n"), answer("0\r\n\r\n"), gets("0\r\n\r\n"), originClosed(), clientClosed()})...)
	f("time that the origin takes is not the client's", send(expect), arrives(expect), gets(goOn), at(s), wait(29*s), send("abc"), arrives("abc"), answer(ok), gets(ok), at(30*s))

	f("no first byte", send(get), arrives(get), gets(wiretest.EdgeAnswerKept(504)), originClosed(), at(30*s))
	f("a first byte just in time", send(get), arrives(get), wait(29*s), answer(ok), gets(ok), at(29*s))
	f("half a head from the origin", send(get), arrives(get), wait(29*s), answer("HTTP/1.1 2"), gets(wiretest.EdgeAnswerKept(504)), originClosed(), at(30*s))
	f("no first byte after an upload of a minute", steps([]wiretest.Step{send(postHead), arrives(postHead)}, largeChunks(3, 20*s),
		[]wiretest.Step{send("0\r\n\r\n"), arrives("0\r\n\r\n"), gets(wiretest.EdgeAnswerKept(504)), originClosed(), at(90 * s)})...)
	f("an answer after an upload of a minute", steps([]wiretest.Step{send(postHead), arrives(postHead)}, largeChunks(3, 20*s),
		[]wiretest.Step{send("0\r\n\r\n"), arrives("0\r\n\r\n"), wait(29 * s), answer(ok), gets(ok), at(89 * s)})...)
	f("interim responses do not put the first byte off", send(get), arrives(get), wait(20*s), answer("HTTP/1.1 103 Early Hints\r\n\r\n"), gets("HTTP/1.1 103 Early Hints\r\n\r\n"),
		gets(wiretest.EdgeAnswerKept(504)), originClosed(), at(30*s))
	f("a response that stalls", send(get), arrives(get), answer("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab"), gets("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab"), clientClosed(), originClosed(), at(60*s))
	f("a response that is slow and steady", steps([]wiretest.Step{send(get), arrives(get), answer("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"), gets("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n")},
		slowAnswer("abcde", 59*s), []wiretest.Step{at(5 * 59 * s)})...)
	f("an origin silent about 100", send(expect), arrives(expect), gets(goOn), at(s), send("abc"), arrives("abc"), answer(ok), gets(ok))
	f("an origin late with 100", send(expect), arrives(expect), gets(goOn), answer(goOn), send("abc"), arrives("abc"), answer(ok), gets(ok), at(s))
	f("an origin that says no, and a client that did not wait", send(expect+"GET /evil HTTP/1.1\r\nHost: a\r\n\r\n"), arrives(expect),
		answer("HTTP/1.1 413 Content Too Large\r\nContent-Length: 0\r\n\r\n"), gets("HTTP/1.1 413 Content Too Large\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"),
		clientClosed(), originClosed(), at(0))
	f("a client that never sends the body it was asked for", send(expect), arrives(expect), answer(goOn), gets(goOn), gets(edge(408)), clientClosed(), originClosed(), at(30*s))
	f("an early answer and a client that goes on slowly", send(postHead), arrives(postHead), answer(ok), gets(ok), originClosed(), clientClosed(), at(s+20*time.Millisecond))

	f("a tunnel that is silent", send(upgrade), arrives(upgrade), answer(switched), gets(switched), clientClosed(), originClosed(), at(time.Hour))
	f("a tunnel with one side talking", send(upgrade), arrives(upgrade), answer(switched), gets(switched), wait(50*time.Minute), send("a"), arrives("a"),
		wait(50*time.Minute), send("b"), arrives("b"), wait(50*time.Minute), answer("c"), gets("c"), clientClosed(), originClosed(), at(210*time.Minute))
}

func dribble(data string, pause time.Duration) (steps []wiretest.Step) {
	for _, c := range strings.Split(data, "") {
		steps = append(steps, wait(pause), send(c))
	}
	return steps
}

// largeChunks sends 4000 bytes after each pause, above the minimum rate. All of them fit the buffer of the connection:
// beyond it chunks would be cut, and a pipe holds nothing while the script sends.
func largeChunks(times int, pause time.Duration) (steps []wiretest.Step) {
	chunk := "fa0\r\n" + strings.Repeat("a", 4000) + "\r\n"
	for range times {
		steps = append(steps, wait(pause), send(chunk), arrives(chunk))
	}
	return steps
}

func slowAnswers(data string, times int, pause time.Duration) (steps []wiretest.Step) {
	for range times {
		steps = append(steps, wait(pause), answer(data), gets(data))
	}
	return steps
}

func slowAnswer(data string, pause time.Duration) (steps []wiretest.Step) {
	for _, c := range strings.Split(data, "") {
		steps = append(steps, wait(pause), answer(c), gets(c))
	}
	return steps
}
