package storage

import (
	"encoding/binary"
	"hash/maphash"
	"slices"

	"skerry.dev/skerry/exchange"
)

// The data of an object is its key, then as texts (a length as a varint, and so many bytes): the signature, the groups (a list
// of texts), the head and the trailers (lists of fields), then, if it is small, the body. A field is the number of its name, 0
// and a text for a name without a number, and a text for its value.

// build makes an object of a draft, which nobody sees yet; nil: it is beyond the limits.
func (s *Store) build(d *Draft) *Object {
	groups, head, trailers := groupsBytes(d.Groups), fieldsBytes(d.Head), fieldsBytes(d.Trailers)
	meta := len(d.Key) + textBytes(len(d.Signature)) + textBytes(groups) + textBytes(head) + textBytes(trailers)
	if len(d.Key) > keyBytesMax || meta > metaBytesMax {
		return nil
	}
	size := int64(0)
	for _, p := range d.Body {
		size += int64(len(p))
	}
	o := &Object{
		terms: d.Terms, number: d.Number, hash: maphash.Bytes(s.seed, d.Key), keyLen: uint16(len(d.Key)), status: uint16(d.Status), body: uint32(meta),
	}
	n := meta
	switch {
	case d.Spool != nil:
		o.rest = &rest{spool: d.Spool, size: d.Spool.Size(), store: s}
	case size <= joinBytesMax:
		n += int(size)
	default:
		o.rest = newPieces(d.Body, size)
	}
	b := slices.Grow([]byte(nil), n) // as large as the allocator would make it in any case: its capacity is what it costs
	b = appendText(append(b, d.Key...), d.Signature)
	b = binary.AppendUvarint(b, uint64(groups))
	for _, g := range d.Groups {
		b = appendText(b, g)
		o.groupBits |= groupBit(uint32(maphash.Bytes(s.seed, g)))
	}
	b = appendFields(binary.AppendUvarint(b, uint64(head)), d.Head)
	b = appendFields(binary.AppendUvarint(b, uint64(trailers)), d.Trailers)
	if o.rest == nil {
		for _, p := range d.Body {
			b = append(b, p...)
		}
	}
	o.data = b
	o.urlBits = uint32(maphash.Bytes(s.seed, split(o.Key()).url))
	if d.Soft {
		o.soften()
	}
	return o
}

// groupBit is a group's bit in objects.
func groupBit(bits uint32) uint32 { return 1 << (bits >> 27) }

// varintBytes is the length of n as a varint.
func varintBytes(n int) int {
	size := 1
	for ; n >= 0x80; n >>= 7 {
		size++
	}
	return size
}

// textBytes is the length of a text of n bytes.
func textBytes(n int) int { return varintBytes(n) + n }

func groupsBytes(groups [][]byte) (n int) {
	for _, g := range groups {
		n += textBytes(len(g))
	}
	return n
}

func fieldsBytes(list exchange.Fields) (n int) {
	for i := range list {
		f := &list[i]
		n += 1 + textBytes(len(f.Value))
		if f.ID == exchange.NameOther {
			n += textBytes(len(f.Name))
		}
	}
	return n
}

func appendText(b, text []byte) []byte {
	return append(binary.AppendUvarint(b, uint64(len(text))), text...)
}

func appendFields(b []byte, list exchange.Fields) []byte {
	for i := range list {
		f := &list[i]
		b = append(b, byte(f.ID))
		if f.ID == exchange.NameOther {
			b = appendText(b, f.Name)
		}
		b = appendText(b, f.Value)
	}
	return b
}

// takeText returns the text that b begins with, and what follows it.
func takeText(b []byte) (text, rest []byte) {
	if n := int(b[0]); n < 0x80 { // most are short
		return b[1 : 1+n : 1+n], b[1+n:]
	}
	n, size := binary.Uvarint(b)
	end := size + int(n)
	return b[size:end:end], b[end:]
}

func takeFields(b []byte, into *exchange.Fields) {
	list := *into
	for len(b) > 0 {
		f := exchange.Field{ID: exchange.NameID(b[0])}
		if b = b[1:]; f.ID == exchange.NameOther {
			f.Name, b = takeText(b)
		} else {
			f.Name = f.ID.Bytes()
		}
		f.Value, b = takeText(b)
		list = append(list, f)
	}
	*into = list
}
