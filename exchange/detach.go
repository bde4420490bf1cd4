package exchange

import "time"

// Detach returns an exchange of its own, begun now, with the request of x as the stages so far have made it, and with what they
// learned of who asks: for a Tail that runs without the client. It has no connection, no sink, no log event and no body. The trace
// stays the original's.
func (x *Exchange) Detach() *Exchange {
	t := Acquire()
	from, to := &x.Req, &t.Req
	room := copier(t.Scratch.Alloc(textBytes(from)))
	to.Method, to.MethodName, to.Minor = from.Method, room.take(from.MethodName), from.Minor
	to.Target = room.take(from.Target)
	to.Host, to.Port, to.Authority = room.take(from.Host), from.Port, room.take(from.Authority)
	to.Path, to.RawPath, to.Query = room.take(from.Path), room.take(from.RawPath), room.take(from.Query)
	to.ToHost, to.ToPath = room.take(from.ToHost), room.take(from.ToPath)
	to.AllowTrailers = from.AllowTrailers
	for i := range from.Sent {
		f := &from.Sent[i]
		to.Sent = append(to.Sent, Field{ID: f.ID, Name: room.take(f.Name), Value: room.take(f.Value)})
	}
	last := 0
	for i := range from.Fields { // most are those that were sent, in the same order
		f := &from.Fields[i]
		if j := sameField(from.Sent, f, last); j >= 0 {
			to.Fields = append(to.Fields, to.Sent[j])
			last = j + 1
			continue
		}
		to.Fields = append(to.Fields, Field{ID: f.ID, Name: room.take(f.Name), Value: room.take(f.Value)})
	}
	t.Now, t.Route = time.Now(), x.Route
	f, e := &t.Facts, &x.Facts.Entry
	f.RequestID, f.Client, f.Trace = x.Facts.RequestID, x.Facts.Client, x.Facts.Trace
	f.Encoding.Accept, f.Encoding.Takes, f.Encoding.Plain = x.Facts.Encoding.Accept, x.Facts.Encoding.Takes, x.Facts.Encoding.Plain
	f.Entry.Entrypoint, f.Entry.Owner, f.Entry.Route, f.Entry.LogOff = e.Entrypoint, e.Owner, e.Route, true
	return t
}

// sameField returns where among the fields that were sent, from one on, a field is that has the same memory; -1: nowhere.
func sameField(sent Fields, f *Field, from int) int {
	for j := from; j < len(sent); j++ {
		if s := &sent[j]; s.ID == f.ID && len(s.Value) == len(f.Value) && len(s.Value) > 0 && &s.Value[0] == &f.Value[0] && len(s.Name) == len(f.Name) {
			return j
		}
	}
	return -1
}

// textBytes is what Detach takes of a request.
func textBytes(r *Request) int {
	n := len(r.MethodName) + len(r.Target) + len(r.Host) + len(r.Authority) + len(r.Path) + len(r.RawPath) + len(r.Query) + len(r.ToHost) + len(r.ToPath)
	for i := range r.Sent {
		n += len(r.Sent[i].Name) + len(r.Sent[i].Value)
	}
	last := 0
	for i := range r.Fields {
		f := &r.Fields[i]
		if j := sameField(r.Sent, f, last); j >= 0 {
			last = j + 1
			continue
		}
		n += len(f.Name) + len(f.Value)
	}
	return n
}

// copier is memory that is handed out piece by piece.
type copier []byte

// take returns a copy of b; of nil, which often means none, nil.
func (c *copier) take(b []byte) []byte {
	if b == nil {
		return nil
	}
	n := copy(*c, b)
	piece := (*c)[:n:n]
	*c = (*c)[n:]
	return piece
}
