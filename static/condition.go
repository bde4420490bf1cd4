package static

import (
	"bytes"
	"time"

	"skerry.dev/skerry/exchange"
)

// outcome is what the conditions of a request come to.
type outcome uint8

const (
	conditionsHold outcome = iota
	notModified            // 304
	preconditionFailed
)

// conditions evaluates the conditions of a GET or HEAD in the order of RFC 9110 section 13.2.2; ranges come after.
func (v *variant) conditions(x *exchange.Exchange) outcome {
	f := x.Req.Fields
	if f.Get(exchange.NameIfMatch) != nil {
		if !v.names(f, exchange.NameIfMatch, true) {
			return preconditionFailed
		}
	} else if date, ok := v.date(f, exchange.NameIfUnmodifiedSince); ok && v.modified.Unix() > date {
		return preconditionFailed
	}
	if f.Get(exchange.NameIfNoneMatch) != nil {
		if v.names(f, exchange.NameIfNoneMatch, false) {
			return notModified
		}
	} else if date, ok := v.date(f, exchange.NameIfModifiedSince); ok && v.strong && v.modified.Unix() <= date {
		// While the date is weak the file may have changed again within the same second: it is sent once more.
		return notModified
	}
	return conditionsHold
}

// names reports whether an If-Match or If-None-Match names this variant, by the strong or the weak comparison of RFC 9110
// section 8.8.3.2. A list counts up to the first element that is no tag.
func (v *variant) names(f exchange.Fields, id exchange.NameID, strong bool) bool {
	for i := range f {
		if f[i].ID != id {
			continue
		}
		list := exchange.TrimOWS(f[i].Value)
		if string(list) == "*" {
			return true
		}
		for {
			list = bytes.TrimLeft(list, ", \t")
			end := tagEnd(list)
			if end == 0 {
				break
			}
			if v.is(list[:end], strong) {
				return true
			}
			if list = exchange.TrimOWS(list[end:]); len(list) == 0 || list[0] != ',' {
				break
			}
		}
	}
	return false
}

// is compares an entity tag with that of the variant.
func (v *variant) is(tag []byte, strong bool) bool {
	if strong {
		return v.strong && bytes.Equal(tag, v.tag) // a weak tag starts with W/ and differs
	}
	return v.tag != nil && bytes.Equal(bytes.TrimPrefix(tag, weakMark), bytes.TrimPrefix(v.tag, weakMark))
}

var weakMark = []byte("W/")

// tagEnd is where the entity tag that b starts with ends; 0 if it starts with none.
func tagEnd(b []byte) int {
	i := 0
	if bytes.HasPrefix(b, weakMark) {
		i = len(weakMark)
	}
	if i == len(b) || b[i] != '"' {
		return 0
	}
	for i++; i < len(b); i++ {
		switch c := b[i]; {
		case c == '"':
			return i + 1
		case c < '!' || c == 0x7f:
			return 0
		}
	}
	return 0
}

// date is the date of a condition in seconds since 1970. There is none if the variant has no date to compare it with, if
// the field is no date, or if it is there more than once.
func (v *variant) date(f exchange.Fields, id exchange.NameID) (int64, bool) {
	value := f.Get(id)
	if value == nil || v.modified.IsZero() || f.Count(id) > 1 {
		return 0, false
	}
	return parseDate(value)
}

// rangeHolds reports whether If-Range (RFC 9110 section 13.1.5), if there is one, names exactly this variant by a strong
// validator: only then a part of it continues what the client has.
func (v *variant) rangeHolds(f exchange.Fields) bool {
	value := f.Get(exchange.NameIfRange)
	if value == nil {
		return true
	}
	if f.Count(exchange.NameIfRange) > 1 {
		return false
	}
	if end := tagEnd(value); end > 0 {
		return end == len(value) && v.is(value, true)
	}
	date, ok := v.date(f, exchange.NameIfRange)
	return ok && v.strong && v.modified.Unix() == date
}

// dateLayout is the preferred form of a date, IMF-fixdate (RFC 9110 section 5.6.7).
const dateLayout = "Mon, 02 Jan 2006 15:04:05 GMT"

// parseDate reads any of the three forms of a date.
func parseDate(b []byte) (unix int64, ok bool) {
	if len(b) > dateBytesMax {
		return 0, false
	}
	text := string(b) // on the stack: parsing does not keep it
	for _, layout := range [...]string{dateLayout, "Monday, 02-Jan-06 15:04:05 GMT", time.ANSIC} {
		if t, err := time.Parse(layout, text); err == nil {
			return t.Unix(), true
		}
	}
	return 0, false
}

// lastModified is the date of the last change, never one in the future (RFC 9110 section 8.8.2.1).
func (v *variant) lastModified(x *exchange.Exchange) []byte {
	if v.modified.After(v.now) {
		return v.now.UTC().AppendFormat(x.Scratch.Alloc(len(dateLayout))[:0], dateLayout)
	}
	return v.file.lastModified
}
