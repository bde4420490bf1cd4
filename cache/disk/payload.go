package disk

import (
	"encoding/binary"
	"time"

	"skerry.dev/skerry/cache/freshness"
	"skerry.dev/skerry/cache/storage"
	"skerry.dev/skerry/exchange"
)

// The payload of an object: status, terms, key, signature, groups, head, trailers, and then the body, or the checksums of its
// blocks. A text is its length as a varint and its bytes; a list is its length and its texts, two for each field. Names of
// fields are texts, because the numbers that the edge has for them may be others in the next version.

const termsBytes = 4*8 + 2 + 1

func appendText(b, text []byte) []byte {
	return append(binary.AppendUvarint(b, uint64(len(text))), text...)
}

func appendFields(b []byte, list exchange.Fields) []byte {
	b = binary.AppendUvarint(b, uint64(len(list)))
	for i := range list {
		b = appendText(appendText(b, list[i].Name), list[i].Value)
	}
	return b
}

func appendTerms(b []byte, t *freshness.Terms) []byte {
	le := binary.LittleEndian
	for _, n := range [...]int64{t.Born, t.Lifetime, t.WhileRevalidate, t.IfError} {
		b = le.AppendUint64(b, uint64(n))
	}
	return append(le.AppendUint16(b, uint16(t.Said)), byte(t.Flags))
}

// appendMeta appends the payload of o but for its body. Not ok: it has more fields or groups than the limits allow.
func appendMeta(b []byte, o *storage.Object) (_ []byte, ok bool) {
	b = appendTerms(binary.AppendUvarint(b, uint64(o.Status())), o.Terms())
	b = appendText(appendText(b, o.Key()), o.Signature())
	var groups [][]byte
	o.Groups(func(g []byte) bool { groups = append(groups, g); return true })
	var head, trailers exchange.Fields
	o.Head(&head)
	o.Trailers(&trailers)
	if len(groups) > listMax || len(head) > listMax || len(trailers) > listMax {
		return b, false
	}
	b = binary.AppendUvarint(b, uint64(len(groups)))
	for _, g := range groups {
		b = appendText(b, g)
	}
	return appendFields(appendFields(b, head), trailers), true
}

func appendSums(b []byte, sums []uint32) []byte {
	for _, s := range sums {
		b = binary.LittleEndian.AppendUint32(b, s)
	}
	return b
}

func takeSums(b []byte) []uint32 {
	sums := make([]uint32, len(b)/4)
	for i := range sums {
		sums[i] = binary.LittleEndian.Uint32(b[4*i:])
	}
	return sums
}

// reader takes a payload apart; after the first thing that does not fit it is bad, and returns nothing any more.
type reader struct {
	b   []byte
	bad bool
}

func (r *reader) number() uint64 {
	n, size := binary.Uvarint(r.b)
	if size <= 0 {
		r.fail()
		return 0
	}
	r.b = r.b[size:]
	return n
}

func (r *reader) fail() { r.b, r.bad = nil, true }

// take returns the next n bytes, with no room behind them.
func (r *reader) take(n uint64) []byte {
	if n > uint64(len(r.b)) {
		r.fail()
		return nil
	}
	t := r.b[:n:n]
	r.b = r.b[n:]
	return t
}

func (r *reader) text() []byte { return r.take(r.number()) }

// count is the length of a list.
func (r *reader) count() int {
	n := r.number()
	if n > listMax || n > uint64(len(r.b)) { // each element takes a byte at least
		r.fail()
		return 0
	}
	return int(n)
}

func (r *reader) fields() exchange.Fields {
	n := r.count()
	if n == 0 {
		return nil
	}
	list := make(exchange.Fields, 0, n)
	for range n {
		name := r.text()
		list.AddNamed(name, r.text())
	}
	return list
}

func (r *reader) terms() (t freshness.Terms) {
	b := r.take(termsBytes)
	if r.bad {
		return t
	}
	le := binary.LittleEndian
	for i, n := range [...]*int64{&t.Born, &t.Lifetime, &t.WhileRevalidate, &t.IfError} {
		*n = int64(le.Uint64(b[8*i:]))
	}
	t.Said, t.Flags = freshness.Set(le.Uint16(b[32:])), freshness.Flags(b[34])
	return t
}

// parseObject takes the payload of an object apart into views of it. rest is the body, or the checksums of a large one. Not ok: it is no
// such payload.
func parseObject(payload []byte) (d storage.Draft, rest []byte, ok bool) {
	r := reader{b: payload}
	status := r.number()
	d.Terms = r.terms()
	d.Key, d.Signature = r.text(), r.text()
	if n := r.count(); n > 0 {
		d.Groups = make([][]byte, n)
		for i := range d.Groups {
			d.Groups[i] = r.text()
		}
	}
	d.Head, d.Trailers = r.fields(), r.fields()
	if r.bad || status > 999 {
		return storage.Draft{}, nil, false
	}
	d.Status = int(status)
	return d, r.b[:len(r.b):len(r.b)], true
}

// appendPurge appends the payload of a purge, whose number and softness stand in the header.
func appendPurge(b []byte, p *storage.Purge) []byte {
	b = binary.LittleEndian.AppendUint64(b, uint64(p.Time.UnixNano()))
	return appendText(appendText(appendText(b, []byte(p.Kind)), []byte(p.Host)), []byte(p.Value))
}

// parsePurge takes the record of a purge apart. Not ok: it is none, or of a kind that is not known.
func parsePurge(h *header, payload []byte) (p storage.Purge, ok bool) {
	r := reader{b: payload}
	at := r.take(8)
	p = storage.Purge{Number: h.number, Soft: h.flags&flagSoft != 0}
	p.Kind, p.Host, p.Value = storage.PurgeKind(r.text()), string(r.text()), string(r.text())
	if r.bad || len(r.b) > 0 {
		return storage.Purge{}, false
	}
	p.Time = time.Unix(0, int64(binary.LittleEndian.Uint64(at)))
	switch p.Kind {
	case storage.PurgeURL, storage.PurgePrefix, storage.PurgeGroup, storage.PurgeAll:
		return p, true
	}
	return storage.Purge{}, false
}
