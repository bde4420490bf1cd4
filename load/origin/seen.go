package origin

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
)

// Seen is what arrived at an endpoint, over all its restarts. A request counts when its head has arrived, whatever comes of it.
type Seen struct {
	Conns   int            // connections accepted
	Health  int            // requests of HealthPath
	Broken  int            // requests that are no HTTP
	Methods map[string]int // requests by method, without those of HealthPath
	IDs     map[string]int // those with an IDField, by "METHOD id"
}

// Requests is how many arrived, without those of HealthPath.
func (s Seen) Requests() (n int) {
	for _, m := range s.Methods {
		n += m
	}
	return n
}

// Times is how often the request with this id arrived.
func (s Seen) Times(method, id string) int { return s.IDs[method+" "+id] }

// Repeated are the ids of a method that arrived more than once, sorted.
func (s Seen) Repeated(method string) (ids []string) {
	for key, n := range s.IDs {
		if m, id, _ := strings.Cut(key, " "); m == method && n > 1 {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return ids
}

// SeenBy is what arrived at all these endpoints together.
func SeenBy(all ...*Process) (Seen, error) {
	sum := newSeen()
	for _, p := range all {
		s, err := p.Seen()
		if err != nil {
			return Seen{}, fmt.Errorf("endpoint %s: %w", p.Addr(), err)
		}
		sum.Conns, sum.Health, sum.Broken = sum.Conns+s.Conns, sum.Health+s.Health, sum.Broken+s.Broken
		for m, n := range s.Methods {
			sum.Methods[m] += n
		}
		for id, n := range s.IDs {
			sum.IDs[id] += n
		}
	}
	return sum, nil
}

func newSeen() Seen { return Seen{Methods: map[string]int{}, IDs: map[string]int{}} }

func (s Seen) clone() Seen {
	s.Methods, s.IDs = maps.Clone(s.Methods), maps.Clone(s.IDs)
	return s
}

// The journal is a file without a name. The child adds a line for each thing that arrives, in one write before it does anything else,
// so that the parent finds it there even if the child is stopped or killed next. A line is a kind, or "METHOD id".
const (
	noteConn   = "+conn"
	noteHealth = "+health"
	noteBroken = "+broken"
	noteFull   = "+full"
)

var errFull = errors.New("the journal is full (journalBytesMax): what arrived since is not known; start a new process")

// journal is the parent's side.
type journal struct {
	file *os.File
	at   int64 // read so far
	rest []byte
	seen Seen
}

// newJournal makes a file that no name leads to.
func newJournal() (*journal, error) {
	f, err := os.CreateTemp("", "origin")
	if err != nil {
		return nil, err
	}
	name := f.Name()
	f.Close()
	defer os.Remove(name)
	if f, err = os.OpenFile(name, os.O_RDWR|os.O_APPEND, 0); err != nil {
		return nil, err
	}
	return &journal{file: f, seen: newSeen()}, nil
}

// read takes in what was added, and returns a copy of all.
func (j *journal) read() (Seen, error) {
	info, err := j.file.Stat()
	if err != nil {
		return Seen{}, err
	}
	fresh := make([]byte, info.Size()-j.at)
	if n, err := j.file.ReadAt(fresh, j.at); err != nil && !(err == io.EOF && n == len(fresh)) {
		return Seen{}, err
	}
	j.at += int64(len(fresh))
	j.rest = append(j.rest, fresh...)
	for {
		line, rest, whole := bytes.Cut(j.rest, []byte("\n"))
		if !whole {
			break
		}
		if string(line) == noteFull {
			return Seen{}, errFull
		}
		j.seen.take(string(line))
		j.rest = rest
	}
	return j.seen.clone(), nil
}

// take counts a line.
func (s *Seen) take(line string) {
	switch line {
	case noteConn:
		s.Conns++
	case noteHealth:
		s.Health++
	case noteBroken:
		s.Broken++
	default:
		method, id, _ := strings.Cut(line, " ")
		s.Methods[method]++
		if id != "" {
			s.IDs[line]++
		}
	}
}
