package h2_test

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/net/http2"

	"skerry.dev/skerry/exchange"
	"skerry.dev/skerry/exchange/exchangetest"
)

// sized answers /n with n bytes.
func sized(x *exchange.Exchange) exchange.Verdict {
	n, _ := strconv.Atoi(string(x.Req.Path[1:]))
	x.Answer(200)
	x.Resp.Body = exchange.NewBytes([]byte(strings.Repeat("a", n)))
	return exchange.Respond
}

// drained tells how many bytes of a body come until nothing more does.
func (p *peer) drained(id uint32) (n int) {
	p.t.Helper()
	synctest.Wait()
	p.deaf = false
	for {
		line := p.hear(time.Now().Add(time.Millisecond))
		if rest, ok := strings.CutPrefix(line, fmt.Sprintf("DATA %d ", id)); ok {
			n += len(strings.TrimPrefix(rest, "end "))
		} else if line == "silence" || line == "closed" {
			return n
		}
	}
}

// TestWindows: what the client allows is sent, to the byte, and nothing beyond.
func TestWindows(t *testing.T) {
	inBubble(t, "a window below zero and back", answer(sized), func(t *testing.T, r *rig) {
		p := r.peer()
		is := func(want int) {
			t.Helper()
			if n := p.drained(1); n != want {
				t.Errorf("%d bytes came, want %d", n, want)
			}
		}
		p.ask(1, true, "/100000")
		is(65535)
		p.ok(p.WriteWindowUpdate(0, 1<<20))
		is(0)
		p.ok(p.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: 1000})) // 64,535 below zero
		is(0)
		p.ok(p.WriteWindowUpdate(1, 64535))
		is(0)
		p.ok(p.WriteWindowUpdate(1, 10))
		is(10)
		p.ok(p.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: 2000}))
		is(1000)
		p.ok(p.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: 0}))
		is(0)
		p.ok(p.WriteWindowUpdate(1, 2001))
		is(1)
		p.ok(p.WriteWindowUpdate(1, 1<<20))
		is(100_000 - 65535 - 10 - 1000 - 1)
	})
	inBubble(t, "the window of the connection", answer(sized), func(t *testing.T, r *rig) {
		p := r.peer(http2.Setting{ID: http2.SettingInitialWindowSize, Val: 1 << 20})
		p.ask(1, true, "/100000")
		if n := p.drained(1); n != 65535 {
			t.Errorf("%d bytes came", n)
		}
		p.ok(p.WriteWindowUpdate(1, 1000))
		if n := p.drained(1); n != 0 {
			t.Errorf("%d bytes came through the stream's window", n)
		}
		p.ask(3, true, "/0") // needs no window
		p.hears("HEADERS 3*")
		p.ok(p.WriteWindowUpdate(0, 7))
		if n := p.drained(1); n != 7 {
			t.Errorf("%d bytes came through a window of 7", n)
		}
		p.ok(p.WriteWindowUpdate(0, 1<<20))
		if n := p.drained(1); n != 100_000-65535-7 {
			t.Errorf("%d bytes came in the end", n)
		}
	})
}

// upload is a client that keeps to the windows: it waits for the server to open them.
type upload struct {
	*peer
	conn    int
	streams map[uint32]int
	most    int // that a stream's window has been
}

func newUpload(p *peer) *upload {
	return &upload{peer: p, conn: 65535, streams: map[uint32]int{}}
}

// hear takes one frame in and returns what it says.
func (u *upload) hear(by time.Time) string {
	line := u.peer.hear(by)
	var id uint32
	var n int
	if _, err := fmt.Sscanf(line, "WINDOW_UPDATE %d %d", &id, &n); err == nil {
		if id == 0 {
			u.conn += n
		} else {
			u.streams[id] += n
			u.most = max(u.most, u.streams[id])
		}
	}
	return line
}

// send sends a body, each frame with so much padding; false: the connection, or the stream, ended first or nothing was allowed for
// minutes.
func (u *upload) send(id uint32, body string, pad int, end bool) bool {
	if _, ok := u.streams[id]; !ok {
		u.streams[id] = 65535
	}
	by := u.patience()
	for body != "" {
		cost := 0
		if pad > 0 {
			cost = pad + 1
		}
		most := 10_000
		if pad > 0 {
			most = 1000 // and so much more of padding
		}
		n := min(len(body), most, u.conn-cost, u.streams[id]-cost)
		if n <= 0 {
			if line := u.hear(by); line == "silence" || line == "closed" || strings.HasPrefix(line, fmt.Sprintf("RST_STREAM %d", id)) {
				return false
			}
			continue
		}
		var padding []byte
		if pad > 0 {
			padding = make([]byte, pad)
		}
		u.ok(u.WriteDataPadded(id, end && n == len(body), []byte(body[:n]), padding))
		body = body[n:]
		u.conn -= n + cost
		u.streams[id] -= n + cost
	}
	return true
}

// await reads until a line begins so.
func (u *upload) await(start string) {
	u.t.Helper()
	for by := u.patience(); ; {
		line := u.hear(by)
		if strings.HasPrefix(line, start) {
			return
		}
		if line == "silence" || line == "closed" {
			u.t.Fatalf("%s while waiting for %q", line, start)
		}
	}
}

// awaitBody reads until a stream has ended, and expects a body. The end stands on its last frame, or on a frame of its own.
func (u *upload) awaitBody(id uint32, want string) {
	u.t.Helper()
	body, prefix := "", fmt.Sprintf("DATA %d ", id)
	for by, ended := u.patience(), false; !ended; {
		line := u.hear(by)
		if line == "silence" || line == "closed" {
			u.t.Fatalf("%s while waiting for %q on stream %d", line, want, id)
		}
		if text, ok := strings.CutPrefix(line, prefix); ok {
			text, ended = strings.CutPrefix(text, "end ")
			body += text
		}
	}
	if body != want {
		u.t.Fatalf("stream %d: got %q, want %q", id, body, want)
	}
}

// takers is a stage that deals with a request's body as its path says.
func takers(x *exchange.Exchange) exchange.Verdict {
	b := x.Req.Body
	switch string(x.Req.Path) {
	case "/early":
	case "/some":
		_, _ = b.Next()
	case "/again":
		_, _ = b.Next()
		b.Replay()
		fallthrough
	case "/all":
		if _, _, err := readAll(b); err != nil {
			return x.Fail(err)
		}
	case "/whole":
		if _, err := b.(exchange.Whole).Whole(); err != nil {
			return x.Fail(err)
		}
	case "/wait":
		gone := make(chan struct{})
		stop := x.Sink.Watch(func() { close(gone) })
		<-gone
		stop()
		return exchange.Abort
	}
	return exchangetest.Say(200, "")(x)
}

// TestWindowsAreGivenBack: whatever becomes of a body, its bytes go back to the window of the connection: ten times what the window
// holds goes through in each way.
func TestWindowsAreGivenBack(t *testing.T) {
	const each, times = 30_000, 180
	f := func(name, path string, pad int, after func(u *upload, id uint32)) {
		inBubble(t, name, answer(takers), func(t *testing.T, r *rig) {
			u := newUpload(r.peer())
			u.await("WINDOW_UPDATE 0")
			for id := uint32(1); id < 2*times; id += 2 {
				u.ask(id, false, path)
				if ok := u.send(id, strings.Repeat("a", each), pad, after == nil); !ok && path != "/early" {
					t.Fatalf("stream %d: no window is left: %d for the connection", id, u.conn)
				}
				if after != nil {
					after(u, id)
				} else {
					u.await(fmt.Sprintf("HEADERS %d", id))
				}
				if r.defended("rapid_reset")+r.defended("idle_frames") > 0 {
					t.Fatal("it was cut off")
				}
				if id%101 == 0 {
					time.Sleep(11 * time.Second) // or it would be a flood
				}
			}
			for synctest.Wait(); u.hear(time.Now().Add(2*time.Second)) != "silence"; {
				continue // what was not heard yet
			}
			if u.conn < 200<<10 {
				t.Errorf("a window of %d is left, of %d", u.conn, 512<<10)
			}
		})
	}
	f("taken", "/all", 0, nil)
	f("taken, with padding", "/all", 200, nil)
	f("taken in one piece", "/whole", 0, nil)
	f("taken twice", "/again", 0, nil)
	f("taken in part", "/some", 0, nil)
	f("not taken", "/early", 50, nil)
	reset := func(u *upload, id uint32) {
		synctest.Wait()
		u.ok(u.WriteRSTStream(id, http2.ErrCodeCancel))
	}
	f("reset before it was taken", "/wait", 0, reset)
	f("reset, with padding", "/wait", 255, reset)
	f("sent on after our answer", "/early", 0, func(u *upload, id uint32) { u.await(fmt.Sprintf("RST_STREAM %d NO_ERROR", id)) })
}

// TestEarlyAnswerLetsFinish: ahead of an answer that did not wait for the body comes a window for all that drain would read of it. Some
// clients read nothing behind the answer's end.
func TestEarlyAnswerLetsFinish(t *testing.T) {
	f := func(name string, memory int64, want int, fields ...string) {
		inBubble(t, name, answer(takers), func(t *testing.T, r *rig) {
			r.server.WindowBytes = memory
			u := newUpload(r.peer())
			u.streams[1] = 65535
			u.head(1, false, append([]string{":method", "POST", ":scheme", "http", ":authority", "a", ":path", "/early"}, fields...)...)
			u.await("HEADERS 1")
			if u.streams[1] != want {
				t.Errorf("with the answer's head there is a window of %d, want %d", u.streams[1], want)
			}
			if want > 65535 {
				for range 3 {
					u.data(1, false, strings.Repeat("a", 16<<10))
				}
				u.data(1, true, strings.Repeat("a", 16<<10))
				u.ask(3, true, "/early")
				u.hears("HEADERS 3*") // with no reset before it
			}
		})
	}
	f("a byte more than the first window", 0, 256<<10, "content-length", "65536")
	f("as much as the first window", 0, 65535, "content-length", "65535")
	f("more than is read", 0, 65535, "content-length", fmt.Sprint(256<<10+1))
	f("as much as there will be", 0, 65535)
	f("not begun", 0, 65535, "content-length", "65536", "expect", "100-continue")
	f("without memory for windows", 1000, 65535, "content-length", "65536")
}

// TestStalledBody: a body that nobody takes fills its own window and holds up no other.
func TestStalledBody(t *testing.T) {
	release := make(chan struct{})
	stage := answer(func(x *exchange.Exchange) exchange.Verdict {
		if string(x.Req.Path) == "/hold" {
			<-release
		}
		n := 0
		for {
			view, err := x.Req.Body.Next()
			if n += len(view); err == io.EOF {
				return exchangetest.Say(200, fmt.Sprint(n))(x)
			} else if err != nil {
				return x.Fail(err)
			}
		}
	})
	r := serve(t, stage)
	c, err := r.Client()
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	u := newUpload(clientPeer(t, c))
	u.ask(1, false, "/hold")
	if !u.send(1, strings.Repeat("a", 65535), 0, false) {
		t.Fatal("the first stream's window is small")
	}
	for id := uint32(3); id < 9; id += 2 {
		u.ask(id, false, "/")
		if !u.send(id, strings.Repeat("b", 1<<20), 0, true) {
			t.Fatalf("stream %d was held up", id)
		}
		u.awaitBody(id, "1048576")
	}
	if u.streams[1] != 0 {
		t.Errorf("a body that nobody takes got a window of %d", u.streams[1])
	}
	if u.most <= 65535 {
		t.Error("no window grew for a body that is taken as fast as it comes")
	}
	if u.most > 256<<10 {
		t.Errorf("a window grew to %d", u.most)
	}
	close(release)
	if !u.send(1, strings.Repeat("a", 100_000), 0, true) {
		t.Fatal("the stalled stream did not go on")
	}
	u.awaitBody(1, "165535")
}

// priorityPeer is a client that asks for large answers with priorities and then lets bytes through as it likes: everything waits for the
// window of the connection.
func priorityPeer(t *testing.T, r *rig, priorities ...string) *peer {
	p := r.peer(http2.Setting{ID: http2.SettingInitialWindowSize, Val: 1 << 20})
	p.ask(1, true, "/65535") // takes the window of the connection
	if n := p.drained(1); n != 65535 {
		t.Fatalf("%d bytes came", n)
	}
	for i, u := range priorities {
		p.head(uint32(2*i+3), true, ":method", "GET", ":scheme", "http", ":authority", "a", ":path", "/100000", "priority", u)
	}
	p.drained(1)
	return p
}

// order tells which streams' frames come, one number a frame, after the window was opened.
func (p *peer) order(window uint32) (ids []int) {
	p.ok(p.WriteWindowUpdate(0, window))
	synctest.Wait()
	for {
		line := p.hear(time.Now().Add(time.Millisecond))
		if line == "silence" || line == "closed" {
			return ids
		}
		var id int
		if _, err := fmt.Sscanf(line, "DATA %d", &id); err == nil && !strings.HasSuffix(line, " ") { // an end alone needs no window
			ids = append(ids, id)
		}
	}
}

// TestPriorities: of answers that wait, the urgent one goes first, then the older one; incremental ones share (RFC 9218 section 10).
func TestPriorities(t *testing.T) {
	inBubble(t, "urgency", answer(sized), func(t *testing.T, r *rig) {
		p := priorityPeer(t, r, "u=7", "u=0", "u=3", "u=5")
		var got []int
		for range 30 { // a reader that takes 16 KB now and then
			got = append(got, p.order(16<<10)...)
		}
		last := map[int]int{}
		first := map[int]int{}
		for i, id := range got {
			if last[id] = i; first[id] == 0 {
				first[id] = i + 1
			}
		}
		if !(last[5] < first[7] && last[7] < first[9] && last[9] < first[3]) {
			t.Errorf("the frames came in the order %v, want stream 5, then 7, 9 and 3", got)
		}
	})
	inBubble(t, "the older first", answer(sized), func(t *testing.T, r *rig) {
		p := priorityPeer(t, r, "u=3", "", "u=3")
		var got []int
		for range 25 {
			got = append(got, p.order(16<<10)...)
		}
		for i := 1; i < len(got); i++ {
			if got[i] < got[i-1] {
				t.Fatalf("the frames came in the order %v", got)
			}
		}
	})
	inBubble(t, "incremental ones share", answer(sized), func(t *testing.T, r *rig) {
		p := priorityPeer(t, r, "i", "i", "i")
		count := map[int]int{}
		for range 12 {
			for _, id := range p.order(16 << 10) {
				count[id]++
			}
		}
		for id := 3; id <= 7; id += 2 {
			if count[id] < 3 {
				t.Errorf("the frames were shared as %v", count)
			}
		}
	})
	inBubble(t, "PRIORITY_UPDATE", answer(sized), func(t *testing.T, r *rig) {
		p := priorityPeer(t, r, "u=3", "u=3")
		p.frame(reorder, 0, 0, "\x00\x00\x00\x05u=1")
		synctest.Wait()
		got := p.order(16 << 10)
		if len(got) == 0 || got[0] != 5 {
			t.Errorf("the frames came in the order %v, want stream 5 first", got)
		}
	})
	inBubble(t, "the origin's word", answer(func(x *exchange.Exchange) exchange.Verdict {
		if string(x.Req.Path) == "/100000" && string(x.Req.Fields.Get(exchange.NamePriority)) == "u=6" {
			sized(x)
			x.Resp.Fields.Add(exchange.NamePriority, []byte("u=0"))
			return exchange.Respond
		}
		return sized(x)
	}), func(t *testing.T, r *rig) {
		p := priorityPeer(t, r, "u=3", "u=6")
		got := p.order(16 << 10)
		if len(got) == 0 || got[0] != 5 {
			t.Errorf("the frames came in the order %v, want stream 5 first", got)
		}
	})
}
