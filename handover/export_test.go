package handover

import (
	"testing"
)

// ToldBytesMax is how much is told at once.
const ToldBytesMax = toldBytesMax

// Pair returns a successor and, in the same process, what it is there; end is that of the one that has it.
func Pair(t *testing.T) (s *Successor, p *Process, end func()) {
	t.Helper()
	ours, fd, err := newPair(1)
	if err != nil {
		t.Fatal(err)
	}
	p = &Process{before: otherEnd(t, fd, 1)}
	p.join()
	return &Successor{process: &Process{}, line: ours}, p, ours.close
}

// otherEnd is the other end of a line.
func otherEnd(t *testing.T, fd, pid int) *line {
	t.Helper()
	conn, err := connOf(fd)
	if err != nil {
		t.Fatal(err)
	}
	return newLine(conn, pid)
}

// Three returns a row of three processes: the successor that the first one has, which middle is, and the newest, which replaces middle when
// serve is called.
func Three(t *testing.T) (s *Successor, middle, newest *Process, serve func()) {
	t.Helper()
	s, middle, _ = Pair(t)
	fd, err := duplicate(middle.before.conn)
	if err != nil {
		t.Fatal(err)
	}
	ours, theirs, err := newPair(2)
	if err != nil {
		t.Fatal(err)
	}
	newest = &Process{before: otherEnd(t, theirs, 2), older: []*line{otherEnd(t, fd, 1)}}
	newest.join()
	return s, middle, newest, func() {
		_ = s.line.say(sayProved)
		<-middle.Proved()
		next := &Successor{process: middle, line: ours}
		next.Turn()
		next.Proved()
		next.ToldAll()
	}
}

// Say says something as it is.
func (s *Successor) Say(text string) error { return s.line.write([]byte(text)) }

// End closes the line to a successor.
func (s *Successor) End() { s.line.close() }

// Gone is closed when the process before is.
func (p *Process) Gone() <-chan struct{} { return p.before.gone }
