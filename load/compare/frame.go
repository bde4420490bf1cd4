package main

import (
	"bufio"
	"crypto/sha1"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"net"
)

// The opcodes of RFC 6455 that are known here.
const (
	opBinary = 2
	opClose  = 8
)

const (
	frameFinal  = 0x80 // in the first byte: the message ends here
	frameMasked = 0x80 // in the second
	frameShort  = 125  // longest length in the second byte itself
	frameWord   = 126  // says that the length is in the next two bytes
)

// acceptKey is what a server answers to a client's key (RFC 6455 section 4.2.2).
func acceptKey(key string) string {
	sum := sha1.Sum([]byte(key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
	return base64.StdEncoding.EncodeToString(sum[:])
}

// appendFrame appends a message of one binary frame; the payload is masked if a mask is given.
func appendFrame(to, payload []byte, mask *[4]byte) []byte {
	var bit byte
	if mask != nil {
		bit = frameMasked
	}
	to = append(to, frameFinal|opBinary)
	if n := len(payload); n <= frameShort {
		to = append(to, bit|byte(n))
	} else {
		to = binary.BigEndian.AppendUint16(append(to, bit|frameWord), uint16(n))
	}
	if mask == nil {
		return append(to, payload...)
	}
	to = append(to, mask[:]...)
	start := len(to)
	to = append(to, payload...)
	unmask(to[start:], *mask)
	return to
}

// unmask applies a mask, which is its own inverse.
func unmask(payload []byte, mask [4]byte) {
	word := uint64(binary.LittleEndian.Uint32(mask[:]))
	word |= word << 32
	for len(payload) >= 8 {
		binary.LittleEndian.PutUint64(payload, binary.LittleEndian.Uint64(payload)^word)
		payload = payload[8:]
	}
	for i := range payload {
		payload[i] ^= mask[i%len(mask)]
	}
}

// socket is one end of a WebSocket after its handshake.
type socket struct {
	conn   net.Conn
	in     *bufio.Reader // of socketBytesMax
	out    []byte        // the frame that is sent
	masked bool          // whether frames that come must be masked: they must at a server, and must not at a client
}

// read is the payload of the next message, without its mask; it holds until the next read. A close frame is an error, as is anything
// but one short binary frame.
func (s *socket) read() ([]byte, error) {
	head, err := s.in.Peek(2)
	if err != nil {
		return nil, err
	}
	if head[0] != frameFinal|opBinary || head[1]&frameMasked != 0 != s.masked {
		return nil, fmt.Errorf("a frame that begins with %#x, want a whole binary message, masked: %v", head, s.masked)
	}
	n, at := int(head[1]&^frameMasked), 2
	if n > frameWord {
		return nil, fmt.Errorf("a frame longer than %d bytes", socketBytesMax)
	}
	if n == frameWord {
		if head, err = s.in.Peek(4); err != nil {
			return nil, err
		}
		n, at = int(binary.BigEndian.Uint16(head[2:])), 4
	}
	if s.masked {
		at += 4
	}
	frame, err := s.in.Peek(at + n)
	if err != nil {
		return nil, err
	}
	if s.masked {
		unmask(frame[at:], [4]byte(frame[at-4:at]))
	}
	_, err = s.in.Discard(at + n)
	return frame[at:], err
}
