package origin

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"
)

// serve answers the requests of a connection until it or the mode ends it.
func (s *server) serve(c net.Conn) {
	defer s.forget(c)
	r := bufio.NewReader(c)
	for {
		q, err := http.ReadRequest(r)
		if err != nil {
			if _, network := errors.AsType[net.Error](err); !network && err != io.EOF {
				s.note(noteBroken)
			}
			return
		}
		s.note(lineOf(q))
		if q.Header.Get("Expect") != "" {
			io.WriteString(c, "HTTP/1.1 100 Continue\r\n\r\n")
		}
		if _, err := io.Copy(io.Discard, q.Body); err != nil {
			return
		}
		if !s.answer(c, q) || q.Close {
			return
		}
	}
}

// lineOf is the line of the journal for a request.
func lineOf(q *http.Request) string {
	if q.URL.Path == HealthPath {
		return noteHealth
	}
	id := q.Header.Get(IDField)
	id = strings.Map(func(r rune) rune {
		if r <= ' ' || r > '~' {
			return '_'
		}
		return r
	}, id[:min(len(id), idBytesMax)])
	return q.Method + " " + id
}

// answer does as the mode says, and reports whether the connection may be used again.
func (s *server) answer(w io.Writer, q *http.Request) bool {
	m := s.rule.Load()
	check := q.URL.Path == HealthPath
	if check && m.HealthGood {
		return s.write(w, q, Mode{}, 0)
	}
	if !check {
		m.work()
	}
	if m.Delay > 0 {
		<-time.After(m.Delay)
	}
	switch m.Answer {
	case AnswerGarbage:
		io.WriteString(w, "\x16\x03\x01 this is no HTTP\r\n\x00\x00\r\n\r\n")
	case AnswerClose:
	case AnswerCut:
		s.write(w, q, m.Mode, 64)
	case AnswerNever:
		<-m.over
	default:
		return s.write(w, q, m.Mode, 0)
	}
	return false
}

// work takes a place, if there is a bound, and holds it.
func (r *rule) work() {
	if r.places != nil {
		r.places <- struct{}{}
		defer func() { <-r.places }()
	}
	if r.Hold > 0 {
		<-time.After(r.Hold)
	}
}

// write sends an answer that lacks some bytes of the body it announces.
func (s *server) write(w io.Writer, q *http.Request, m Mode, lacks int) bool {
	status := m.Status
	if status == 0 {
		status = http.StatusOK
	}
	head := fmt.Sprintf("HTTP/1.1 %d %s\r\n%s: %s\r\n", status, http.StatusText(status), EndpointField, s.addr)
	body := ""
	if status == http.StatusNoContent || status == http.StatusNotModified {
		head += "\r\n"
	} else {
		head += fmt.Sprintf("Content-Type: text/plain\r\nContent-Length: %d\r\n\r\n", m.Body+lacks)
		if q.Method != http.MethodHead {
			body = strings.Repeat("x", m.Body)
		}
	}
	_, err := io.WriteString(w, head+body)
	return err == nil
}
