package h2

import "encoding/binary"

// resetCame ends a stream as the peer wishes.
func (c *conn) resetCame(f frame, payload []byte) error {
	switch {
	case f.stream == 0:
		return violation(codeProtocol, "RST_STREAM on stream 0")
	case len(payload) != resetBytes:
		return violation(codeFrameSize, "RST_STREAM is not 4 bytes long")
	}
	code := errCode(binary.BigEndian.Uint32(payload))
	c.mu.Lock()
	s := c.streams.get(f.stream)
	if s == nil {
		idle := c.idle(f.stream)
		c.mu.Unlock()
		if idle {
			return violation(codeProtocol, "RST_STREAM on an idle stream")
		}
		return c.idler()
	}
	if s.reset != nil { // once is enough
		c.mu.Unlock()
		return c.idler()
	}
	s.fail(c.resetError(code))
	c.ended = append(c.ended, ended{s.owner, s.id})
	c.mu.Unlock()
	return c.resets()
}

// idle reports whether a stream has never been opened. The caller holds the lock.
func (c *conn) idle(id uint32) bool { return id > c.newest || id%2 == 0 }

// settings takes the peer's settings and acknowledges them.
func (c *conn) settings(f frame, payload []byte) error {
	switch {
	case f.stream != 0:
		return violation(codeProtocol, "SETTINGS on a stream")
	case f.has(flagAck) && len(payload) > 0:
		return violation(codeFrameSize, "an acknowledgement of SETTINGS with a payload")
	case len(payload)%settingBytes != 0:
		return violation(codeFrameSize, "SETTINGS is not a multiple of 6 bytes")
	case f.has(flagAck):
		return c.idler()
	}
	c.mu.Lock()
	err := c.apply(payload)
	if err == nil {
		err = c.ownFrames(settingsAck)
	}
	c.callNext()
	c.mu.Unlock()
	if err != nil {
		return err
	}
	return c.idler()
}

var settingsAck = appendFrame(nil, 0, frameSettings, flagAck, 0)

// apply takes settings. The caller holds the lock.
func (c *conn) apply(payload []byte) error {
	window := c.initial
	for ; len(payload) > 0; payload = payload[settingBytes:] {
		id, v := binary.BigEndian.Uint16(payload), binary.BigEndian.Uint32(payload[2:])
		switch id {
		case settingTableSize:
			c.tableChanged = true
		case settingPush:
			if v > 1 || c.client && v > 0 {
				return violation(codeProtocol, "SETTINGS_ENABLE_PUSH is neither 0 nor 1, or a server's")
			}
		case settingStreams:
			c.room = v
		case settingWindow:
			if v > windowMax {
				return violation(codeFlowControl, "SETTINGS_INITIAL_WINDOW_SIZE is above 2^31-1")
			}
			window = int64(v)
		case settingFrameSize:
			if v < 1<<14 || v > frameSizeMax {
				return violation(codeProtocol, "SETTINGS_MAX_FRAME_SIZE is not from 16,384 to 16,777,215")
			}
		case settingConnect:
			if v > 1 {
				return violation(codeProtocol, "SETTINGS_ENABLE_CONNECT_PROTOCOL is neither 0 nor 1")
			}
			c.connects = v == 1
		}
	}
	return c.openWindows(window)
}

// openWindows takes the windows of streams that the peer allows: once a frame, however often that names them. The caller holds the
// lock.
func (c *conn) openWindows(initial int64) error {
	by := initial - c.initial
	if by == 0 {
		return nil
	}
	c.initial = initial
	for s := range c.streams.all {
		if s.window += by; s.window > windowMax {
			return violation(codeFlowControl, "SETTINGS_INITIAL_WINDOW_SIZE takes a window above 2^31-1")
		}
	}
	return nil
}

// ping answers a PING, or takes the answer to ours.
func (c *conn) ping(f frame, payload []byte) error {
	switch {
	case f.stream != 0:
		return violation(codeProtocol, "PING on a stream")
	case len(payload) != pingBytes:
		return violation(codeFrameSize, "PING is not 8 bytes long")
	case f.has(flagAck):
		c.aware = c.aware || string(payload) == drainPing
		return c.idler()
	}
	c.mu.Lock()
	var frame [frameHeaderBytes + pingBytes]byte
	err := c.ownFrames(appendPing(frame[:0], flagAck, payload))
	c.mu.Unlock()
	if err != nil {
		return err
	}
	return c.idler()
}

func (c *conn) goAwayCame(f frame, payload []byte) error {
	switch {
	case f.stream != 0:
		return violation(codeProtocol, "GOAWAY on a stream")
	case len(payload) < goAwayBytes:
		return violation(codeFrameSize, "GOAWAY is shorter than 8 bytes")
	}
	last := binary.BigEndian.Uint32(payload) & streamIDMax
	c.side.goAway(last, errCode(binary.BigEndian.Uint32(payload[4:])))
	return c.idler()
}

// windowUpdate opens a window.
func (c *conn) windowUpdate(f frame, payload []byte) error {
	if len(payload) != windowUpdateBytes {
		return violation(codeFrameSize, "WINDOW_UPDATE is not 4 bytes long")
	}
	by := int64(binary.BigEndian.Uint32(payload) & windowMax)
	c.mu.Lock()
	defer c.mu.Unlock()
	if f.stream == 0 {
		switch c.window += by; {
		case by == 0:
			return violation(codeProtocol, "WINDOW_UPDATE by nothing")
		case c.window > windowMax:
			return violation(codeFlowControl, "WINDOW_UPDATE takes the window of the connection above 2^31-1")
		}
		c.callNext()
		return c.updates()
	}
	s := c.streams.get(f.stream)
	switch {
	case s == nil && c.idle(f.stream):
		return violation(codeProtocol, "WINDOW_UPDATE on an idle stream")
	case s == nil || s.reset != nil:
		return c.updates()
	case by == 0:
		return c.provoked(s, codeProtocol, errPeerFrames)
	}
	if s.window += by; s.window > windowMax {
		return c.provoked(s, codeFlowControl, errPeerFrames)
	}
	if s.queued {
		c.callNext()
	}
	return c.updates()
}

// priority takes PRIORITY, which says nothing any more, and PRIORITY_UPDATE.
func (c *conn) priority(f frame, payload []byte) error {
	if f.kind == framePriority {
		switch {
		case f.stream == 0:
			return violation(codeProtocol, "PRIORITY on stream 0")
		case len(payload) != priorityBytes:
			return c.refuse(f.stream, codeFrameSize)
		case c.dependsOnItself(f.stream, payload):
			return c.refuse(f.stream, codeProtocol)
		}
		return c.idler()
	}
	if f.stream != 0 || len(payload) < priorityUpdateLeast {
		return violation(codeProtocol, "PRIORITY_UPDATE on a stream, or without one (RFC 9218 section 7.1)")
	}
	id := binary.BigEndian.Uint32(payload) & streamIDMax
	if id == 0 {
		return violation(codeProtocol, "PRIORITY_UPDATE for stream 0 (RFC 9218 section 7.1)")
	}
	c.mu.Lock()
	if s := c.streams.get(id); s != nil {
		s.urgency, s.incremental = parsePriority(payload[priorityUpdateLeast:], urgencyDefault, false)
	}
	c.mu.Unlock()
	return c.idler()
}
