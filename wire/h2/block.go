package h2

import (
	"encoding/binary"
	"time"
)

// block is a header block that is coming.
type block struct {
	stream uint32
	end    bool       // END_STREAM stood on its HEADERS
	memory *outBuffer // what came of it, if it is in several frames
	frames int        // CONTINUATION frames
	on     bool
}

// unpad cuts the padding off.
func unpad(f frame, payload []byte) ([]byte, error) {
	if !f.has(flagPadded) {
		return payload, nil
	}
	if len(payload) == 0 || int(payload[0]) > len(payload)-1 {
		return nil, violation(codeProtocol, "a frame is all padding, and more (RFC 9113 section 6.1)")
	}
	return payload[1 : len(payload)-int(payload[0])], nil
}

// headers begins a header block.
func (c *conn) headers(f frame, payload []byte) error {
	if f.stream == 0 {
		return violation(codeProtocol, "HEADERS on stream 0")
	}
	payload, err := unpad(f, payload)
	if err != nil {
		return err
	}
	if f.has(flagPriority) {
		if len(payload) < priorityBytes {
			return violation(codeFrameSize, "HEADERS is too short for its priority")
		}
		if c.dependsOnItself(f.stream, payload) {
			return violation(codeProtocol, "a stream depends on itself (RFC 7540 section 5.3.1)")
		}
		payload = payload[priorityBytes:]
	}
	c.block = block{stream: f.stream, end: f.has(flagEndStream), on: true}
	return c.fragment(f, payload)
}

func (c *conn) dependsOnItself(id uint32, priority []byte) bool {
	return binary.BigEndian.Uint32(priority)&streamIDMax == id
}

// continuation goes on with it.
func (c *conn) continuation(f frame, payload []byte) error {
	if !c.block.on {
		return violation(codeProtocol, "CONTINUATION without a header block (RFC 9113 section 6.10)")
	}
	if c.block.frames++; c.block.frames > continuationsMax {
		return c.defend(continuations)
	}
	return c.fragment(f, payload)
}

// fragment takes a part of a header block. One in several parts is gathered in memory that is given back: the decoder would keep
// its own.
func (c *conn) fragment(f frame, payload []byte) error {
	b := &c.block
	if b.memory == nil && f.has(flagEndHeaders) {
		return c.decode(payload)
	}
	if b.memory == nil {
		b.memory = outBuffers.Get().(*outBuffer)
	}
	if len(b.memory.bytes)+len(payload) > blockBytesMax {
		return c.defend(continuations)
	}
	b.memory.bytes = append(b.memory.bytes, payload...)
	if f.has(flagEndHeaders) {
		return c.decode(b.memory.bytes)
	}
	if c.since.IsZero() {
		c.since = time.Now()
	}
	return nil
}

// decode takes a header block that is complete.
func (c *conn) decode(block []byte) error {
	if err := c.tableUpdates(block); err != nil {
		return err
	}
	c.list.clear()
	_, err := c.decoder.Write(block)
	if err == nil {
		err = c.decoder.Close()
	}
	if err != nil {
		return violation(codeCompression, err.Error())
	}
	if c.list.count > blockFieldsMax {
		return c.defend(headerList)
	}
	c.flood.useful++
	err = c.side.head(c.block.stream, &c.list, c.block.end)
	c.list.clear()
	c.block.release()
	c.since = time.Time{}
	return err
}

// release ends a block and gives its memory back.
func (b *block) release() {
	if b.memory != nil {
		b.memory.recycle()
	}
	*b = block{}
}
