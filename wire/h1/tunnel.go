package h1

import (
	"io"
	"sync"
	"sync/atomic"
	"time"

	"skerry.dev/skerry/exchange"
	"skerry.dev/skerry/fault"
	"skerry.dev/skerry/wire/transport"
)

// tunnelHalfOpen is how long the second side of a tunnel may go on after the first has ended.
const tunnelHalfOpen = 10 * time.Second

// errTunnelIdle ends a tunnel on which both sides are silent.
var errTunnelIdle = fault.New(fault.SlowClient, "nothing went through the tunnel for an hour (Timeouts.Tunnel)")

// pipe is one direction of a tunnel.
type pipe struct {
	from, to *buffer
	idle     time.Duration
	last     *atomic.Int64 // when a byte last went through, either way, in nanoseconds since the epoch
	closing  *atomic.Bool  // the other direction has ended
	moved    int64
	err      error
}

// Run carries bytes both ways between the client and the origin until both have ended, one breaks off, or neither says
// anything for Timeouts.Tunnel. What was read behind the heads goes first.
func (c *Client) Run(client any) (fromClient, toClient int64, err error) {
	s, ok := client.(*serverConn)
	if !ok {
		return 0, 0, fault.New(fault.Internal, "BUG: a tunnel between two protocols")
	}
	var last atomic.Int64
	var closing atomic.Bool
	last.Store(time.Now().UnixNano())
	idle := s.server.Timeouts.Tunnel
	up := pipe{from: &s.in, to: &c.in, idle: idle, last: &last, closing: &closing}
	down := pipe{from: &c.in, to: &s.in, idle: idle, last: &last, closing: &closing}
	var wg sync.WaitGroup
	wg.Go(up.run)
	down.run()
	wg.Wait()
	if err = up.err; err == nil {
		err = down.err
	}
	return up.moved, down.moved, err
}

// run moves bytes until the end of from, then closes the sending side of to and gives the other direction a moment.
func (p *pipe) run() {
	p.err = p.copy()
	p.closing.Store(true)
	if h, ok := p.to.conn.(transport.HalfCloser); ok && p.err == nil {
		_ = h.CloseWrite() // the peer may have gone already
	} else {
		p.to.conn.Close()
	}
	// Wakes the other direction, which reads from to, so that it takes up its new deadline.
	p.to.conn.Interrupt(true)
}

// copy moves what was read already, then what comes. It reads into memory of its own: the head behind from is still
// needed for the log.
func (p *pipe) copy() error {
	if err := p.forward(p.from.data[p.from.r:p.from.w]); err != nil {
		return err
	}
	p.from.r = p.from.w
	own := buffer{conn: p.from.conn}
	own.open()
	defer own.release()
	for {
		err := own.fill(p.deadline(&own))
		if ferr := p.forward(own.data[:own.w]); ferr != nil {
			return ferr
		}
		own.w = 0
		switch err {
		case nil, transport.ErrInterrupted:
		case io.EOF:
			return nil
		case transport.ErrTimeout:
			if p.closing.Load() {
				return nil
			}
			if time.Since(time.Unix(0, p.last.Load())) >= p.idle {
				return errTunnelIdle
			}
		default:
			return fault.Wrap(fault.ClientGone, "the tunnel broke", err)
		}
	}
}

func (p *pipe) forward(view []byte) error {
	if len(view) == 0 {
		return nil
	}
	n, err := p.to.conn.Write(view, nil, nil, p.idle)
	p.moved += n
	p.last.Store(time.Now().UnixNano())
	if err != nil {
		return errWrite
	}
	return nil
}

// deadline is when the tunnel has been silent too long, or soon once the other direction has ended.
func (p *pipe) deadline(b *buffer) time.Time {
	if p.closing.Load() {
		b.conn.Interrupt(false)
		return time.Now().Add(tunnelHalfOpen)
	}
	return time.Unix(0, p.last.Load()).Add(p.idle)
}

var _ exchange.Tunnel = (*Client)(nil)
