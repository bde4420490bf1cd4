package edge_test

import (
	"slices"

	"golang.org/x/net/http2"
)

// h2Attack is one way to hurt a server of HTTP/2.
type h2Attack struct {
	name     string
	conns    int      // at once
	code     int      // of GOAWAY; neverGoes: the connection goes on, goesSilently: it ends without one
	defences []string // of which one at least must have cut each connection off; none: nobody counts
	memory   int64    // MB that all of them may cost, those of the attackers included
	deaf     bool     // it reads nothing
	preface  string   // what is said first; empty: what HTTP/2 begins with
	settings []http2.Setting
	say      func(a *h2Attacker)
	heard    func(a *h2Attacker) bool // what must have been answered; nil: anything
}

// What may become of a connection beside GOAWAY.
const (
	neverGoes    = -1
	goesSilently = -2
)

const (
	calm        = int(http2.ErrCodeEnhanceYourCalm)
	flowControl = int(http2.ErrCodeFlowControl)
	protocol    = int(http2.ErrCodeProtocol)
	frameSize   = int(http2.ErrCodeFrameSize)
	compression = int(http2.ErrCodeCompression)
)

// manyFrames is more than any limit on frames.
const manyFrames = 30_000

// octets is the type of bodies that the firewall lets pass as they are.
const octets = "application/octet-stream"

func defences(names ...string) []string { return names }

// reset tells that the streams of an attacker were reset so.
func reset(code http2.ErrCode, least int) func(*h2Attacker) bool {
	return func(a *h2Attacker) bool { return a.resets[code] >= least }
}

// got tells that an attacker got so many answers of a status, and no other.
func got(status string, n int) func(*h2Attacker) bool {
	return func(a *h2Attacker) bool { return a.status[status] == n && len(a.status) == 1 }
}

// violate opens streams and breaks a rule on each: "made you reset" (CVE-2025-8671).
func violate(end bool, method, path string, then func(a *h2Attacker, id uint32), fields ...string) func(*h2Attacker) {
	return func(a *h2Attacker) {
		a.times(manyFrames, func(int) { then(a, a.ask(end, method, path, fields...)) })
	}
}

// made is a row of that kind.
func made(name string, code http2.ErrCode, say func(*h2Attacker)) h2Attack {
	return h2Attack{name: "made you reset: " + name, conns: 4, code: calm, defences: defences("provoked_reset"), memory: 96, say: say, heard: reset(code, 50)}
}

// idle is a row of frames that make work and bring nothing.
func idle(name string, say func(a *h2Attacker, i int)) h2Attack {
	return h2Attack{name: name, conns: 4, code: calm, defences: defences("idle_frames"), memory: 96,
		say: func(a *h2Attacker) { a.times(manyFrames, func(i int) { say(a, i) }) }}
}

// ends is a row of attackers who break a rule of the connection.
func ends(name string, code int, say func(a *h2Attacker)) h2Attack {
	return h2Attack{name: name, conns: 4, code: code, memory: 96, say: say}
}

// continued is a row of header blocks that do not end.
func continued(name string, fragment int) h2Attack {
	return h2Attack{name: "CONTINUATION: " + name, conns: 4, code: calm, defences: defences("continuation"), memory: 96, say: func(a *h2Attacker) {
		block := a.opening("/here")
		_ = a.WriteHeaders(http2.HeadersFrameParam{StreamID: a.id, BlockFragment: block, EndStream: true})
		// A literal without an index: name "x", and a value that is longer than everything that comes.
		_ = a.WriteContinuation(a.id, false, []byte{0, 1, 'x', 0x7f, 0xff, 0xff, 0xff, 0x07})
		a.times(manyFrames, func(int) { _ = a.WriteContinuation(a.id, false, make([]byte, fragment)) })
	}}
}

var h2Attacks = slices.Concat(h2Resets, h2Idlers, h2Blocks, h2Windows, h2Memory)

// h2Resets are streams that are opened to be reset.
var h2Resets = []h2Attack{
	{name: "rapid reset", conns: 4, code: calm, defences: defences("rapid_reset", "provoked_reset"), memory: 128, say: func(a *h2Attacker) {
		a.times(manyFrames, func(int) { _ = a.WriteRSTStream(a.ask(true, "GET", "/"), http2.ErrCodeCancel) })
	}},
	{name: "rapid reset of uploads", conns: 4, code: calm, defences: defences("rapid_reset", "provoked_reset"), memory: 128, say: func(a *h2Attacker) {
		a.times(manyFrames, func(int) {
			id := a.ask(false, "PUT", "/", "content-type", octets, "content-length", "100")
			_ = a.WriteData(id, false, []byte("x"))
			_ = a.WriteRSTStream(id, http2.ErrCodeCancel)
		})
	}},
	{name: "more streams than allowed", conns: 4, code: calm, defences: defences("too_many_streams"), memory: 128, say: func(a *h2Attacker) {
		a.times(manyFrames, func(int) { a.ask(false, "PUT", "/", "content-type", octets) })
	}, heard: reset(http2.ErrCodeRefusedStream, 50)},
	made("WINDOW_UPDATE by 0", http2.ErrCodeProtocol, violate(false, "PUT", "/", func(a *h2Attacker, id uint32) {
		a.raw(http2.FrameWindowUpdate, 0, id, number(0)...)
	}, "content-type", octets)),
	made("WINDOW_UPDATE beyond 2^31", http2.ErrCodeFlowControl, violate(false, "PUT", "/", func(a *h2Attacker, id uint32) {
		a.raw(http2.FrameWindowUpdate, 0, id, number(1<<31-1)...)
	}, "content-type", octets)),
	made("DATA on a half-closed stream", http2.ErrCodeStreamClosed, violate(true, "GET", "/", func(a *h2Attacker, id uint32) {
		_ = a.WriteData(id, true, []byte("x"))
	})),
	made("PRIORITY of a wrong length", http2.ErrCodeFrameSize, violate(true, "GET", "/", func(a *h2Attacker, id uint32) {
		a.raw(http2.FramePriority, 0, id, 1, 2, 3)
	})),
	made("PRIORITY on itself", http2.ErrCodeProtocol, violate(true, "GET", "/", func(a *h2Attacker, id uint32) {
		a.raw(http2.FramePriority, 0, id, append(number(id), 1)...)
	})),
	made("more body than announced", http2.ErrCodeProtocol, violate(false, "PUT", "/", func(a *h2Attacker, id uint32) {
		_ = a.WriteData(id, false, []byte("four"))
	}, "content-type", octets, "content-length", "3")),
	made("less body than announced", http2.ErrCodeProtocol, violate(false, "PUT", "/", func(a *h2Attacker, id uint32) {
		_ = a.WriteData(id, true, []byte("x"))
	}, "content-type", octets, "content-length", "3")),
	made("trailers that end nothing", http2.ErrCodeProtocol, violate(false, "PUT", "/", func(a *h2Attacker, id uint32) {
		_ = a.WriteHeaders(http2.HeadersFrameParam{StreamID: id, BlockFragment: a.block("x", "y"), EndHeaders: true})
	}, "content-type", octets)),
}

// h2Idlers are frames that cost less to send than to read.
var h2Idlers = []h2Attack{
	idle("SETTINGS", func(a *h2Attacker, _ int) { _ = a.WriteSettings() }),
	idle("acknowledgements of SETTINGS", func(a *h2Attacker, _ int) { _ = a.WriteSettingsAck() }),
	idle("PING", func(a *h2Attacker, _ int) { _ = a.WritePing(false, [8]byte{1}) }),
	idle("answers to no PING", func(a *h2Attacker, _ int) { _ = a.WritePing(true, [8]byte{1}) }),
	idle("empty DATA", func(a *h2Attacker, i int) {
		if i == 0 {
			a.ask(false, "PUT", "/", "content-type", octets)
		}
		_ = a.WriteData(1, false, nil)
	}),
	idle("DATA that is all padding", func(a *h2Attacker, i int) {
		if i == 0 {
			a.ask(false, "PUT", "/", "content-type", octets)
		}
		a.raw(http2.FrameData, http2.FlagDataPadded, 1, 3, 0, 0, 0)
	}),
	idle("PRIORITY", func(a *h2Attacker, _ int) { _ = a.WritePriority(7, http2.PriorityParam{StreamDep: 5}) }),
	idle("PRIORITY_UPDATE", func(a *h2Attacker, _ int) { a.raw(0x10, 0, 0, append(number(1), "u=1"...)...) }),
	idle("frames that nobody knows", func(a *h2Attacker, i int) { a.raw(0xbb, 0xff, uint32(i), make([]byte, 100)...) }),
	idle("GOAWAY", func(a *h2Attacker, _ int) { _ = a.WriteGoAway(0, 0, nil) }),
	idle("RST_STREAM of a stream that is over", func(a *h2Attacker, i int) {
		if i == 0 {
			a.ask(true, "GET", "/here")
			a.await(1)
		}
		_ = a.WriteRSTStream(1, http2.ErrCodeCancel)
	}),
}

// h2Blocks are header blocks.
var h2Blocks = []h2Attack{
	continued("empty", 0),
	continued("tiny", 1),
	continued("large", 16<<10),
	{name: "HPACK: a field named 60,000 times", conns: 4, code: calm, defences: defences("header_list"), memory: 128, say: func(a *h2Attacker) {
		block := append(a.opening("/here"), a.block("x-bomb", kilobytes(3))...)
		block = append(block, a.block("x-bomb", kilobytes(3))...) // by now by its number, the newest
		_ = a.WriteHeaders(http2.HeadersFrameParam{StreamID: a.id, BlockFragment: block, EndStream: true})
		a.times(4, func(i int) {
			_ = a.WriteContinuation(a.id, i == 3, slices.Repeat([]byte{0x80 | 62}, 15_000))
		})
	}},
	{name: "HPACK: a field named 900 times, on each of 300 streams", conns: 2, code: neverGoes, memory: 128, say: func(a *h2Attacker) {
		a.times(300, func(i int) {
			block := a.opening("/here")
			if i == 0 {
				block = append(block, a.block("x-bomb", kilobytes(3))...)
			}
			block = append(block, slices.Repeat([]byte{0x80 | 62}, 900)...)
			_ = a.WriteHeaders(http2.HeadersFrameParam{StreamID: a.id, BlockFragment: block, EndStream: true, EndHeaders: true})
			if i%50 == 49 {
				a.await(i + 1)
			}
		})
	}, heard: func(a *h2Attacker) bool { return a.status["431"]+a.status["429"] == 300 }}, // strangers, whom a limit meets when it goes on
	{name: "a header list that is too large, and then a request", conns: 4, code: neverGoes, memory: 96, say: func(a *h2Attacker) {
		block := a.opening("/here")
		for range 8 {
			block = append(block, a.block("x-large", kilobytes(5))...)
		}
		_ = a.WriteHeaders(http2.HeadersFrameParam{StreamID: a.id, BlockFragment: block[:16<<10], EndStream: true})
		_ = a.WriteContinuation(a.id, false, block[16<<10:32<<10])
		_ = a.WriteContinuation(a.id, true, block[32<<10:])
		a.await(1)
		a.ask(true, "GET", "/here")
		a.await(2)
	}, heard: func(a *h2Attacker) bool { return a.status["431"] == 1 && a.status["200"] == 1 }},
	{name: "a header list of 1 MB", conns: 4, code: calm, defences: defences("continuation"), memory: 96, say: func(a *h2Attacker) {
		_ = a.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: a.opening("/here"), EndStream: true})
		a.times(256, func(i int) { _ = a.WriteContinuation(1, i == 255, a.block("x-large", kilobytes(4))) })
	}},
	{name: "HPACK: sizes of the table", conns: 4, code: calm, defences: defences("table_churn"), memory: 96, say: func(a *h2Attacker) {
		a.times(manyFrames, func(i int) {
			block := append([]byte{0x20, 0x3f, 0xe1, 0x1f}, a.opening("/here")...) // 0, and 4,096 again
			_ = a.WriteHeaders(http2.HeadersFrameParam{StreamID: a.id, BlockFragment: block, EndStream: true, EndHeaders: true})
			if i%50 == 49 {
				a.await(i + 1)
			}
		})
	}},
	{name: "HPACK: sizes of the table behind an empty HEADERS", conns: 4, code: calm, defences: defences("table_churn"), memory: 96, say: func(a *h2Attacker) {
		_ = a.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, EndStream: true})
		_ = a.WriteContinuation(1, true, slices.Repeat([]byte{0x20}, 10_000))
		_ = a.w.Flush()
	}},
	ends("HPACK: a table of 1 GB", compression, func(a *h2Attacker) {
		_ = a.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: []byte{0x3f, 0xe1, 0xff, 0xff, 0xff, 0x03}, EndStream: true, EndHeaders: true})
		_ = a.w.Flush()
	}),
	ends("HPACK: an endless integer", compression, func(a *h2Attacker) {
		_ = a.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: slices.Repeat([]byte{0xff}, 10_000), EndStream: true, EndHeaders: true})
		_ = a.w.Flush()
	}),
	ends("HPACK: a field that is not there", compression, func(a *h2Attacker) {
		_ = a.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: []byte{0x80 | 100}, EndStream: true, EndHeaders: true})
		_ = a.w.Flush()
	}),
	ends("HPACK: a broken Huffman code", compression, func(a *h2Attacker) {
		_ = a.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: []byte{0, 0x84, 0xff, 0xff, 0xff, 0xff, 1, 'x'}, EndStream: true, EndHeaders: true})
		_ = a.w.Flush()
	}),
}

// h2Windows is flow control.
var h2Windows = []h2Attack{
	{name: "WINDOW_UPDATE by crumbs", conns: 4, code: calm, defences: defences("window_updates"), memory: 96, say: func(a *h2Attacker) {
		a.times(manyFrames, func(int) { a.raw(http2.FrameWindowUpdate, 0, 0, number(1)...) })
	}},
	{name: "WINDOW_UPDATE by crumbs for a large answer", conns: 4, code: calm, defences: defences("window_updates"), memory: 96,
		settings: []http2.Setting{{ID: http2.SettingInitialWindowSize, Val: 0}}, say: func(a *h2Attacker) {
			id := a.ask(true, "GET", "/large")
			a.times(manyFrames, func(int) { a.raw(http2.FrameWindowUpdate, 0, id, number(1)...) })
		}},
	ends("WINDOW_UPDATE of the connection by 0", protocol, func(a *h2Attacker) { a.times(1, func(int) { a.raw(http2.FrameWindowUpdate, 0, 0, number(0)...) }) }),
	ends("WINDOW_UPDATE of the connection beyond 2^31", flowControl, func(a *h2Attacker) {
		a.times(2, func(int) { a.raw(http2.FrameWindowUpdate, 0, 0, number(1<<31-1)...) })
	}),
	ends("SETTINGS with a window beyond 2^31", flowControl, func(a *h2Attacker) {
		a.times(1, func(int) { _ = a.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: 1 << 31}) })
	}),
	ends("SETTINGS of a wrong length", frameSize, func(a *h2Attacker) { a.times(1, func(int) { a.raw(http2.FrameSettings, 0, 0, 1, 2, 3) }) }),
	ends("a frame of 16 MB", frameSize, func(a *h2Attacker) {
		_, _ = a.w.Write([]byte{0xff, 0xff, 0xff, 0, 0, 0, 0, 0, 1})
		_ = a.w.Flush()
	}),
	ends("a body beyond the window of the connection", flowControl, func(a *h2Attacker) {
		for range 20 {
			a.ask(false, "PUT", "/hold", "content-type", octets)
		}
		a.times(20*4, func(i int) { _ = a.WriteData(uint32(2*(i%20)+1), false, make([]byte, 16<<10-1)) })
	}),
}

// h2Memory is what a connection can make the edge hold. They end only with their attackers.
var h2Memory = []h2Attack{
	{name: "100 bodies that nobody takes", conns: 8, code: neverGoes, memory: 128, say: func(a *h2Attacker) {
		for range 100 {
			a.ask(false, "PUT", "/hold", "content-type", octets, "content-length", "1000000")
		}
		a.times(100, func(i int) { _ = a.WriteData(uint32(2*i+1), false, make([]byte, 5<<10)) })
	}},
	{name: "100 bodies of a byte", conns: 8, code: neverGoes, memory: 128, say: func(a *h2Attacker) {
		for range 100 {
			a.ask(false, "PUT", "/hold", "content-type", octets)
		}
		a.times(100, func(i int) { _ = a.WriteData(uint32(2*i+1), false, []byte("x")) })
	}},
	{name: "100 large answers without a window", conns: 2, code: neverGoes, memory: 160, settings: []http2.Setting{{ID: http2.SettingInitialWindowSize, Val: 0}},
		say: func(a *h2Attacker) {
			for range 100 {
				a.ask(true, "GET", "/large")
			}
			_ = a.w.Flush()
			a.await(100)
		}, heard: got("200", 100)},
	{name: "100 header blocks without an end", conns: 100, code: neverGoes, memory: 128, say: func(a *h2Attacker) {
		block := append(a.opening("/here"), 0, 1, 'x', 0x7f, 0xff, 0xff, 0xff, 0x07)
		_ = a.WriteHeaders(http2.HeadersFrameParam{StreamID: a.id, BlockFragment: block, EndStream: true})
		a.times(3, func(int) { _ = a.WriteContinuation(a.id, false, make([]byte, 16<<10)) })
	}},
}
