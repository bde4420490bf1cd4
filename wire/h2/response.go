package h2

import "skerry.dev/skerry/exchange"

// responseHead is a head, or a trailer section, of a response as it came.
type responseHead struct {
	status   int
	from, to int   // of the call's fields
	length   int64 // Content-Length; -1: none
}

// heads are what came of a response beside its body, in memory of their own: the goroutine that reads the connection fills it.
type heads struct {
	fields exchange.Fields
	room   []byte
	list   []responseHead
	taken  int // of list
	final  bool
}

func (h *heads) clear() {
	if cap(h.room) > 4*pieceBytes {
		h.room = nil
	}
	h.fields, h.room, h.list, h.taken, h.final = h.fields[:0], h.room[:0], h.list[:0], 0, false
}

// put copies a text to the room.
func (h *heads) put(text string) []byte {
	n := len(h.room)
	h.room = append(h.room, text...)
	return h.room[n:len(h.room):len(h.room)]
}

// reserve makes room for a list of fields; views of what came before stay where they are.
func (h *heads) reserve(l *fieldList) {
	size := 0
	for i := range l.fields {
		size += len(l.fields[i].Name) + len(l.fields[i].Value)
	}
	if cap(h.room)-len(h.room) < size {
		h.room = make([]byte, 0, max(2*size, 1<<10))
	}
}

// add takes a header block (RFC 9113 section 8.3.2), as strictly as a request's.
func (h *heads) add(l *fieldList, trailers bool) error {
	h.reserve(l)
	r := responseHead{from: len(h.fields), length: -1}
	size := len("HTTP/1.1 200 \r\n\r\n")
	for i := range l.fields {
		f := &l.fields[i]
		if f.Name == ":status" && r.status == 0 && i == 0 && !trailers {
			if r.status = parseStatus(f.Value); r.status == 0 {
				return errOriginHead
			}
			continue
		}
		if !allSmall(f.Name) { // other pseudo fields too
			return errOriginHead
		}
		name, value := h.put(f.Name), h.put(f.Value)
		id := exchange.Intern(name)
		if id != exchange.NameOther {
			name = id.Bytes()
		}
		size += len(name) + len(": \r\n") + len(value)
		if !validValue(value) || trailers && id.NotInTrailer() {
			return errOriginHead
		}
		if id.HopByHop() {
			if err := r.note(id, value); err != nil {
				return err
			}
			continue
		}
		h.fields = append(h.fields, exchange.Field{ID: id, Name: name, Value: value})
	}
	if r.to = len(h.fields); l.large || size > HeadBytesMax || r.to-r.from > FieldsMax {
		return errOriginLarge
	}
	if r.status == 0 && !trailers || r.status == 101 {
		return errOriginHead
	}
	h.list = append(h.list, r)
	return nil
}

// note takes in a field that concerns the connection or the framing.
func (r *responseHead) note(id exchange.NameID, v []byte) error {
	switch id {
	case exchange.NameContentLength:
		n, ok := parseLength(v)
		if !ok || r.length >= 0 {
			return errOriginHead
		}
		r.length = n
	case exchange.NameConnection, exchange.NameKeepAlive, exchange.NameProxyConnection, exchange.NameTransferEncoding, exchange.NameUpgrade:
		return errOriginHead
	}
	return nil
}

// parseStatus reads three digits from 100 to 599; 0: it is something else.
func parseStatus(v string) (status int) {
	if len(v) != 3 {
		return 0
	}
	for i := range 3 {
		if v[i] < '0' || v[i] > '9' {
			return 0
		}
		status = status*10 + int(v[i]-'0')
	}
	if status < 100 || status > 599 {
		return 0
	}
	return status
}
