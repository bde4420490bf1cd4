package represent

import (
	"bytes"
	"time"

	"skerry.dev/skerry/exchange"
)

// asSeen judges If-Match and, without it, If-Unmodified-Since (RFC 9110 sections 13.1.1 and 13.1.4).
func (r *Representation) asSeen(f exchange.Fields, now time.Time) bool {
	if f.Get(exchange.NameIfMatch) != nil {
		return r.named(f, exchange.NameIfMatch, SameStrong)
	}
	date, ok := onlyDate(f, exchange.NameIfUnmodifiedSince, now)
	return !ok || r.Modified.IsZero() || r.Modified.Unix() <= date.Unix()
}

// known judges If-None-Match and, without it, If-Modified-Since (RFC 9110 sections 13.1.2 and 13.1.3).
func (r *Representation) known(x *exchange.Exchange, now time.Time) bool {
	f := x.Req.Fields
	if f.Get(exchange.NameIfNoneMatch) != nil {
		return r.named(f, exchange.NameIfNoneMatch, Same)
	}
	if r.Since.IsZero() || x.Req.Method != exchange.MethodGet && x.Req.Method != exchange.MethodHead {
		return false
	}
	date, ok := onlyDate(f, exchange.NameIfModifiedSince, now)
	return ok && r.Since.Unix() <= date.Unix()
}

// continues reports whether If-Range (RFC 9110 section 13.1.5), if there is one, names exactly this representation by a
// strong validator: only then a part of it continues what the client has.
func (r *Representation) continues(f exchange.Fields, now time.Time) bool {
	value := f.Get(exchange.NameIfRange)
	if value == nil {
		return true
	}
	if tagEnd(value) > 0 {
		return f.Count(exchange.NameIfRange) == 1 && SameStrong(value, r.Tag)
	}
	date, ok := onlyDate(f, exchange.NameIfRange, now)
	return ok && r.Strong && !r.Modified.IsZero() && r.Modified.Unix() == date.Unix()
}

// named reports whether an If-Match or If-None-Match names the representation. A list counts up to the first element that
// is no tag.
func (r *Representation) named(f exchange.Fields, id exchange.NameID, same func(a, b []byte) bool) bool {
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
			if same(list[:end], r.Tag) {
				return true
			}
			if list = exchange.TrimOWS(list[end:]); len(list) == 0 || list[0] != ',' {
				break
			}
		}
	}
	return false
}

// Same reports whether two entity tags are the same by the weak comparison of RFC 9110 section 8.8.3.2. An empty one, for
// none, is the same as no other.
func Same(a, b []byte) bool {
	a = bytes.TrimPrefix(a, weakMark)
	return len(a) > 0 && bytes.Equal(a, bytes.TrimPrefix(b, weakMark))
}

// SameStrong is Same by the strong comparison: neither may be weak.
func SameStrong(a, b []byte) bool {
	return len(a) > 0 && bytes.Equal(a, b) && !bytes.HasPrefix(a, weakMark)
}

// IsTag reports whether b is an entity tag (RFC 9110 section 8.8.3).
func IsTag(b []byte) bool {
	end := tagEnd(b)
	return end > 0 && end == len(b)
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

// onlyDate is the date that a field says. There is none if the field is no date, or if it is there more than once.
func onlyDate(f exchange.Fields, id exchange.NameID, now time.Time) (date time.Time, ok bool) {
	value := f.Get(id)
	if value == nil || f.Count(id) > 1 {
		return date, false
	}
	return ParseDate(value, now)
}
