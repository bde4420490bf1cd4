package h2

import (
	"io"
	"net/http"
	"strconv"
	"time"

	"skerry.dev/skerry/exchange"
)

// noBody is the size of an answer that has no body on the wire.
const noBody = -2

// Interim forwards a 1xx response.
func (s *stream) Interim(x *exchange.Exchange, status int, fields exchange.Fields) error {
	if status == http.StatusContinue {
		return nil // sent by net/http when somebody reads the request's body
	}
	header := s.rw.Header()
	setFields(header, fields)
	s.rw.WriteHeader(status)
	clear(header) // it is also that of the final response
	return s.gone()
}

// gone is errWrite if nobody will take the answer.
func (s *stream) gone() error {
	if s.ctx.Err() != nil {
		return errWrite
	}
	return nil
}

// Send writes the answer.
func (s *stream) Send(x *exchange.Exchange) error {
	r := &x.Resp
	r.Started = true
	if r.Tunnel != nil {
		return errTunnel
	}
	size := s.setHead(x)
	s.rw.WriteHeader(r.Status)
	if size != noBody {
		if err := s.sendBody(x, size); err != nil {
			return err
		}
		// net/http flushes what is left, and ends the stream, when the handler has returned. A client that does not take
		// it would hold the handler's goroutine.
		_ = s.rw.SetWriteDeadline(time.Now().Add(s.conn.server.Timeouts.Write)) // fails only if the connection has gone
	}
	return s.gone()
}

// setHead lays out the header and returns the size of the body that follows: -1 if unknown, or noBody.
func (s *stream) setHead(x *exchange.Exchange) (size int64) {
	r := &x.Resp
	header := s.rw.Header()
	setFields(header, r.Fields)
	if _, ok := header["Content-Type"]; !ok {
		header["Content-Type"] = nil // otherwise net/http would guess one
	}
	size = noBody
	if r.Body != nil {
		size = r.Body.Size()
	}
	switch {
	case r.Status == 204 || r.Status == 304 || x.Req.Method == exchange.MethodHead:
		if r.Status != 204 && (size >= 0 || r.Length >= 0) {
			setLength(header, max(size, r.Length))
		}
		return noBody
	case r.Body == nil:
		setLength(header, 0)
	case size >= 0:
		setLength(header, size)
	}
	return size
}

func setLength(header http.Header, n int64) {
	header["Content-Length"] = []string{strconv.FormatInt(n, 10)}
}

// setFields copies fields to a header of net/http, whose keys are written in small letters and sorted.
func setFields(header http.Header, fields exchange.Fields) {
	values := make([]string, len(fields))
	for i, f := range fields {
		if f.ID.HopByHop() {
			continue // RFC 9113 section 8.2.2, and framing is ours
		}
		key := f.ID.String()
		if f.ID == exchange.NameOther {
			key = http.CanonicalHeaderKey(string(f.Name))
		}
		values[i] = string(f.Value)
		if before, ok := header[key]; ok {
			header[key] = append(before, values[i])
		} else {
			header[key] = values[i : i+1 : i+1]
		}
	}
}

// sendBody writes the body: small pieces wait in net/http's buffer for what comes next, unless that would take time.
func (s *stream) sendBody(x *exchange.Exchange, size int64) error {
	r, b := &x.Resp, x.Resp.Body
	for {
		if ready, ok := b.(exchange.Ready); !ok || !ready.Ready() {
			if err := s.flush(); err != nil {
				return err
			}
		}
		view, err := b.Next()
		if len(view) > 0 {
			if size >= 0 && r.Sent+int64(len(view)) > size {
				return errShortBody
			}
			if err := s.write(view); err != nil {
				return err
			}
			r.Sent += int64(len(view))
		}
		switch {
		case err == io.EOF && size >= 0 && r.Sent != size:
			return errShortBody
		case err == io.EOF:
			if x.Req.AllowTrailers {
				setTrailers(s.rw.Header(), r.Trailers)
			}
			return nil
		case err != nil:
			_ = s.flush() // the client gets what there was before the reset; err is what went wrong
			return err
		}
	}
}

// setTrailers puts trailers where net/http looks for them when the handler has returned.
func setTrailers(header http.Header, trailers exchange.Fields) {
	for _, f := range trailers {
		if !f.ID.NotInTrailer() {
			key := http.TrailerPrefix + http.CanonicalHeaderKey(string(f.Name))
			header[key] = append(header[key], string(f.Value))
		}
	}
}

// write hands bytes over; it returns when they are buffered or on their way. The client has Timeouts.Write for each piece.
func (s *stream) write(view []byte) error {
	for len(view) > 0 {
		piece := view[:min(len(view), pieceBytes)]
		view = view[len(piece):]
		s.writing.set(s.conn.server.Timeouts.Write)
		_, err := s.rw.Write(piece)
		s.writing.stop()
		if err != nil {
			return errWrite
		}
	}
	return nil
}

// flush sends what waits.
func (s *stream) flush() error {
	s.writing.set(s.conn.server.Timeouts.Write)
	err := s.rw.FlushError()
	s.writing.stop()
	if err != nil {
		return errWrite
	}
	return nil
}
