package cache

import (
	"strconv"
	"time"

	"skerry.dev/skerry/cache/storage"
	"skerry.dev/skerry/exchange"
	"skerry.dev/skerry/represent"
)

// serve answers with what is stored.
func (s *Stage) serve(x *exchange.Exchange, o *storage.Object, outcome exchange.CacheOutcome, l *look) exchange.Verdict {
	t := o.Terms()
	x.Answer(o.Status())
	o.Head(&x.Resp.Fields)
	f := &x.Facts.Cache
	f.Outcome, f.Age = outcome, t.Age(l.now)
	setAge(x, f.Age)
	left := t.Left(l.now)
	if o.Softened() {
		left = min(left, 0)
	}
	s.status(x, left, "")
	size := o.Size()
	s.route.served(size)
	whole := o.Whole()
	if x.Resp.Status == 200 && represent.Asks(x.Req.Fields) {
		stored := describe(x, size, time.Unix(0, t.Born))
		if s.part(x, &stored, o, whole) {
			return exchange.Respond
		}
	}
	switch {
	case x.Req.Method == exchange.MethodHead:
		x.Resp.Length = size
	case whole != nil || size == 0:
		x.Resp.Body = x.InMemory(whole)
	default:
		x.Resp.Body = represent.NewBody(o, represent.Span{To: size})
	}
	if o.Trailers(&x.Resp.Trailers); len(x.Resp.Trailers) > 0 && x.Resp.Body != nil {
		x.Resp.Body = inPieces{x.Resp.Body}
	}
	return exchange.Respond
}

// inPieces is a body that does not tell its size, so that there is room for trailers behind it.
type inPieces struct{ exchange.Body }

// Size is unknown.
func (inPieces) Size() int64 { return -1 }

// Ready reports that Next waits for nobody.
func (inPieces) Ready() bool { return true }

// describe describes an answer with status 200. Ranges are of what has no coding: pieces of a coded body are of no use to who takes
// another one next time.
func describe(x *exchange.Exchange, size int64, came time.Time) represent.Representation {
	if x.Resp.Fields.Get(exchange.NameContentEncoding) != nil {
		size = -1
	}
	return represent.Stored(x.Resp.Fields, size, came)
}

// part answers a request with conditions or ranges if it does not get the whole. whole is the body, if it is in memory.
func (s *Stage) part(x *exchange.Exchange, r *represent.Representation, src represent.Source, whole []byte) bool {
	outcome, parts := represent.Answer(x, r)
	spans := parts.List()
	switch {
	case outcome == represent.Whole:
		return false
	case outcome == represent.NotModified:
		represent.TrimNotModified(&x.Resp.Fields)
	case outcome == represent.Unsatisfiable:
		represent.TrimNotModified(&x.Resp.Fields)
		represent.AddUnsatisfied(x, r.Size)
	case outcome == represent.Partial && len(spans) == 1:
		represent.AddContentRange(x, spans[0], r.Size)
		if whole != nil {
			x.Resp.Body = x.InMemory(whole[spans[0].From:spans[0].To])
		} else {
			x.Resp.Body = represent.NewBody(src, spans[0])
		}
	case outcome == represent.Partial:
		b, contentType := represent.NewParts(x, src, r, spans)
		x.Resp.Body = b
		x.Resp.Fields.Set(exchange.NameContentType, contentType)
	}
	x.Resp.Status = outcome.Status()
	return true
}

// setAge says how old an answer from the store is (RFC 9111 section 5.1).
func setAge(x *exchange.Exchange, age time.Duration) {
	room := x.Scratch.Alloc(len("2147483648"))
	b := strconv.AppendInt(room[:0], int64(min(age/time.Second, 1<<31)), 10)
	x.Resp.Fields.Set(exchange.NameAge, x.Scratch.Trim(room, len(b)))
}
