package main

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"slices"
)

// The origin of gRPC speaks just enough of HTTP/2 (RFC 9113) for unary calls that are all alike: the standard library's server would
// need so much of the processor that it shares with the load that no proxy had enough to do, and a proxy with little to do
// costs more for each call. It does not look into field sections, so it needs no state of HPACK.

// h2Preface is what a client sends first.
const h2Preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

// Frame types, flags and settings of RFC 9113 sections 6 and 6.5.2.
const (
	frameData     = 0x0
	frameHeaders  = 0x1
	frameReset    = 0x3
	frameSettings = 0x4
	framePing     = 0x6
	frameWindow   = 0x8

	flagEndStream  = 0x1
	flagAck        = 0x1
	flagEndHeaders = 0x4

	settingStreams = 0x3
	settingWindow  = 0x4

	frameHeadBytes = 9
	windowFirst    = 65535
	windowMax      = 1<<31 - 1
)

// Field sections as HPACK literals that touch no table (RFC 7541 section 6.2.2).
const (
	grpcHead    = "\x88" + "\x0f\x10\x10application/grpc"                               // :status 200 and content-type are entries 8 and 31 of the static table
	grpcGood    = "\x00\x0bgrpc-status\x010"                                            // trailers
	grpcUnknown = "\x88" + "\x0f\x10\x10application/grpc" + "\x00\x0bgrpc-status\x0213" // an answer of trailers only: not the call that was expected
)

// serveGRPC is an origin of HTTP/2 with prior knowledge that answers every unary call with a message of the same size.
func serveGRPC(addr string) error {
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return err
	}
	defer l.Close()
	for {
		conn, err := l.Accept()
		if err != nil {
			return err
		}
		go answerGRPC(conn)
	}
}

// grpcConn is one connection of the origin.
type grpcConn struct {
	in     *bufio.Reader
	out    []byte
	open   map[uint32]int // bytes that came of the calls that are not complete
	owed   []uint32       // calls whose answer the client's window has no room for
	window int            // bytes of answers that the client takes
	taken  int            // bytes of calls since it was last told
}

// answerGRPC serves one connection until it ends.
func answerGRPC(conn net.Conn) {
	defer conn.Close()
	c := &grpcConn{in: bufio.NewReaderSize(conn, frameHeadBytes+grpcFrameMax), open: map[uint32]int{}, window: windowFirst}
	preface := make([]byte, len(h2Preface))
	if _, err := io.ReadFull(c.in, preface); err != nil || string(preface) != h2Preface {
		return
	}
	c.frame(frameSettings, 0, 0, string(binary.BigEndian.AppendUint32([]byte{0, settingStreams}, grpcStreamsMax)))
	c.grant(windowMax - windowFirst)
	for {
		if !c.whole() { // it would wait: send what there is
			if _, err := conn.Write(c.out); err != nil {
				return
			}
			c.out = c.out[:0]
		}
		if err := c.next(); err != nil {
			return
		}
	}
}

// whole reports whether a whole frame has been read already.
func (c *grpcConn) whole() bool {
	n := c.in.Buffered()
	if n < frameHeadBytes {
		return false
	}
	head, _ := c.in.Peek(frameHeadBytes)
	return n >= frameHeadBytes+frameLength(head)
}

func frameLength(head []byte) int { return int(head[0])<<16 | int(head[1])<<8 | int(head[2]) }

// next reads a frame and does what it says.
func (c *grpcConn) next() error {
	head, err := c.in.Peek(frameHeadBytes)
	if err != nil {
		return err
	}
	n := frameLength(head)
	if n > grpcFrameMax {
		return fmt.Errorf("a frame of %d bytes, at most %d were allowed", n, grpcFrameMax)
	}
	frame, err := c.in.Peek(frameHeadBytes + n)
	if err != nil {
		return err
	}
	if err := c.take(frame[3], frame[4], binary.BigEndian.Uint32(frame[5:])&windowMax, frame[frameHeadBytes:]); err != nil {
		return err
	}
	_, err = c.in.Discard(len(frame))
	return err
}

// take does what one frame says. Of a type that is not named here nothing is asked.
func (c *grpcConn) take(kind, flags byte, stream uint32, payload []byte) error {
	switch kind {
	case frameHeaders, frameData:
		c.call(kind, flags, stream, payload)
	case frameReset:
		delete(c.open, stream)
		c.owed = slices.DeleteFunc(c.owed, func(s uint32) bool { return s == stream })
	case framePing:
		if flags&flagAck == 0 {
			c.frame(framePing, flagAck, 0, string(payload))
		}
	case frameSettings:
		return c.settings(flags, payload)
	case frameWindow:
		if len(payload) != 4 {
			return fmt.Errorf("a WINDOW_UPDATE of %d bytes", len(payload))
		}
		if stream == 0 { // a stream's own window has room for its one answer from the start
			c.window += int(binary.BigEndian.Uint32(payload) & windowMax)
			c.pay()
		}
	}
	return nil
}

// settings acknowledges the client's, and refuses a window that the answer does not fit into.
func (c *grpcConn) settings(flags byte, payload []byte) error {
	if flags&flagAck != 0 {
		return nil
	}
	for ; len(payload) >= 6; payload = payload[6:] {
		if id, value := binary.BigEndian.Uint16(payload), binary.BigEndian.Uint32(payload[2:]); id == settingWindow && int(value) < len(grpcFrame) {
			return fmt.Errorf("a window of %d bytes for each stream, an answer needs %d", value, len(grpcFrame))
		}
	}
	c.frame(frameSettings, flagAck, 0, "")
	return nil
}

// call takes a part of a call, and answers it when it was the last.
func (c *grpcConn) call(kind, flags byte, stream uint32, payload []byte) {
	n := c.open[stream]
	if kind == frameData {
		n += len(payload)
		if c.taken += len(payload); c.taken >= grpcRefill {
			c.grant(uint32(c.taken))
			c.taken = 0
		}
	}
	if flags&flagEndStream == 0 {
		c.open[stream] = n
		return
	}
	delete(c.open, stream)
	if n != len(grpcFrame) {
		c.frame(frameHeaders, flagEndHeaders|flagEndStream, stream, grpcUnknown)
		return
	}
	c.owed = append(c.owed, stream)
	c.pay()
}

// pay sends as many answers as the client has room for.
func (c *grpcConn) pay() {
	paid := 0
	for ; paid < len(c.owed) && c.window >= len(grpcFrame); paid++ {
		stream := c.owed[paid]
		c.frame(frameHeaders, flagEndHeaders, stream, grpcHead)
		c.frame(frameData, 0, stream, grpcFrame)
		c.frame(frameHeaders, flagEndHeaders|flagEndStream, stream, grpcGood)
		c.window -= len(grpcFrame)
	}
	c.owed = append(c.owed[:0], c.owed[paid:]...)
}

// grant widens what the client may send on the connection.
func (c *grpcConn) grant(n uint32) {
	c.frame(frameWindow, 0, 0, string(binary.BigEndian.AppendUint32(nil, n)))
}

// frame adds a frame to what will be sent.
func (c *grpcConn) frame(kind, flags byte, stream uint32, payload string) {
	n := len(payload)
	c.out = append(c.out, byte(n>>16), byte(n>>8), byte(n), kind, flags)
	c.out = binary.BigEndian.AppendUint32(c.out, stream)
	c.out = append(c.out, payload...)
}
