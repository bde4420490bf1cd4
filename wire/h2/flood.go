package h2

import (
	"time"

	"skerry.dev/skerry/meter"
)

// defence is a limit on what a peer may make us do for nothing, as a label of a counter.
type defence uint8

const (
	rapidResets   defence = iota // streams opened and reset (CVE-2023-44487)
	provocations                 // resets that a peer made us send (CVE-2025-8671)
	continuations                // a header block in too many or too large parts (CVE-2024-27316 and its kin)
	headerList                   // a header block of too many fields
	tableChurn                   // updates of the size of HPACK's table
	idlers                       // frames that make work and bring nothing (CVE-2019-9512, 9513, 9515, 9518)
	windowUpdates                // windows opened by crumbs (CVE-2019-9511, 9517)
	unread                       // answers to its frames that a peer does not take
	stalled                      // a response that waited too long for a window, or to be taken
	slowFrame                    // a frame or header block that did not become complete
	refusedStream                // a stream beyond SETTINGS_MAX_CONCURRENT_STREAMS
	memory                       // a body that there was no memory for
	defences
)

var defenceNames = [defences]string{"rapid_reset", "provoked_reset", "continuation", "header_list", "table_churn", "idle_frames", "window_updates",
	"unread_answers", "stalled", "slow_frame", "too_many_streams", "memory"}

var defenceTexts = [defences]string{
	rapidResets:   "more streams were reset than resetsMax (200) allows in 10 s, and most of those that were opened",
	provocations:  "more frames than provokedMax (100) in 10 s made us reset a stream",
	continuations: "a header block is larger than blockBytesMax (64 KB), or has more than continuationsMax (16) CONTINUATION frames",
	headerList:    "a header block has more than blockFieldsMax (1,000) fields",
	tableChurn:    "a header block has more than two updates of the table's size, or there were more than tableUpdatesMax (100) in 10 s",
	idlers:        "more PING, SETTINGS, PRIORITY, unknown and empty frames than idlersMax (1,000) in 10 s, and than frames with content",
	windowUpdates: "more WINDOW_UPDATE frames than the data that was sent can explain (updatesMax, 2,000 in 10 s, and one for each 512 bytes)",
	unread:        "more than ownBytesMax (64 KB) of answers to its frames wait for a peer that does not read them",
}

// meters are what the connections of a server or of a client have in common.
type meters struct {
	timeouts *Timeouts
	cut      [defences]*meter.Counter // nil: nobody counts
	resets   *meter.Counter           // streams that clients have reset; nil: nobody counts
}

// register makes the counters.
func (m *meters) register(set *meter.Set) {
	for d, name := range defenceNames {
		m.cut[d] = set.Counter("skerry_h2_defended_total", "Streams and connections of HTTP/2 that were cut off by a defence.", "defence", name)
	}
}

func (c *conn) count(d defence) {
	if m := c.meters.cut[d]; m != nil {
		m.Inc()
	}
}

// defend ends the connection of a peer that goes too far.
func (c *conn) defend(d defence) error {
	c.count(d)
	return violation(codeCalm, defenceTexts[d])
}

// flood counts by windows of time what a peer does that costs more than it brings.
type flood struct {
	since    time.Time
	opened   int // streams
	resets   int
	provoked int
	idle     int
	updates  int
	sizes    int
	useful   int   // header blocks and DATA frames with content that came
	sent     int64 // bytes of bodies that had been sent when the window began
}

// tick counts one of something, after beginning a new window if the last one is over.
func (c *conn) tick(n *int) int {
	if now := c.last; now.Sub(c.flood.since) > floodWindow {
		c.flood = flood{since: now, sent: c.sent.Load()}
	}
	*n++
	return *n
}

// idler counts a frame that brings nothing. Some peers measure the line by a PING for each message, so beside what brings
// something as many may come.
func (c *conn) idler() error {
	if n := c.tick(&c.flood.idle); n > idlersMax && int64(n-idlersMax) > int64(c.flood.useful)+c.spoken() {
		return c.defend(idlers)
	}
	return nil
}

// resets counts a stream that the peer has reset.
func (c *conn) resets() error {
	if c.meters.resets != nil {
		c.meters.resets.Inc()
	}
	if n := c.tick(&c.flood.resets); n > resetsMax && 2*n > c.flood.opened && !c.client {
		return c.defend(rapidResets)
	}
	return nil
}

// provocation counts a reset that the peer made us send.
func (c *conn) provocation() error {
	if c.tick(&c.flood.provoked) > provokedMax {
		return c.defend(provocations)
	}
	return nil
}

// updates counts a WINDOW_UPDATE.
func (c *conn) updates() error {
	n := c.tick(&c.flood.updates)
	if n > updatesMax && int64(n-updatesMax) > int64(c.flood.useful)+c.spoken() {
		return c.defend(windowUpdates)
	}
	return nil
}

// spoken is how much of bodies was sent in this window, in units of updateBytes.
func (c *conn) spoken() int64 { return (c.sent.Load() - c.flood.sent) / updateBytes }

// tableUpdates counts the updates of the table's size that a header block begins with (RFC 7541 section 6.3).
func (c *conn) tableUpdates(block []byte) error {
	for n := 0; len(block) > 0 && block[0]&0xe0 == 0x20; {
		if n++; n > 2 || c.tick(&c.flood.sizes) > tableUpdatesMax {
			return c.defend(tableChurn)
		}
		long := block[0]&0x1f == 0x1f
		block = block[1:]
		for long && len(block) > 0 {
			long = block[0]&0x80 != 0
			block = block[1:]
		}
	}
	return nil
}
