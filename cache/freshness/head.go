package freshness

import (
	"bytes"

	"skerry.dev/skerry/exchange"
)

// Strip appends to into the fields of a response as they are stored (RFC 9111 section 3.1): without Age and Content-Length, which are
// made anew, without what belongs to one connection, without what no-cache="…" and private="…" name and, in private mode, without
// Set-Cookie. Names and values are views. A response without Date has none here either: who stores adds one (RFC 9110 section 6.6.1).
func Strip(f exchange.Fields, into *exchange.Fields, d *Directives, private bool) {
	for i := range f {
		field := &f[i]
		if field.ID == exchange.NameAge || private && field.ID == exchange.NameSetCookie || passing(f, field) || d.names(field.Name) {
			continue
		}
		*into = append(*into, *field)
	}
}

// Freshen appends to into the head of a stored answer after the origin said, with by, that it still holds (RFC 9111 section 3.2). The
// result is like the head of a response that came: it is to be judged, with the status that is stored, and stripped, and its signature
// made anew, for by may have said no-store, Set-Cookie or another Vary. Names and values are views of both.
//
// Every field of by takes the place of those of its name, but: what tells how the stored bytes are laid out stays as it is; a weak
// ETag stays weak, since what is stored may have been compressed behind the origin; Vary only grows, since what stands there chose the
// stored answer; Date is by's or none.
func Freshen(stored, by exchange.Fields, into *exchange.Fields) {
	for i := range stored {
		if s := &stored[i]; s.ID != exchange.NameDate && s.ID != exchange.NameAge && !replaced(s, by) {
			*into = append(*into, *s)
		}
	}
	for i := range by {
		b := &by[i]
		if b.ID == exchange.NameVary && !adds(b.Value, stored) || b.ID == exchange.NameETag && weakened(stored, b.Value) {
			continue
		}
		if !layout(b.ID) && !passing(by, b) {
			*into = append(*into, *b)
		}
	}
}

// replaced reports whether a stored field gives way to one of by.
func replaced(s *exchange.Field, by exchange.Fields) bool {
	if s.ID == exchange.NameVary || layout(s.ID) {
		return false
	}
	for i := range by {
		b := &by[i]
		if b.ID != s.ID || s.ID == exchange.NameOther && !exchange.EqualFold(b.Name, s.Name) || passing(by, b) {
			continue
		}
		return s.ID != exchange.NameETag || !weaker(s.Value, b.Value)
	}
	return false
}

// layout are the fields that say how the stored bytes are to be read: a 304 has none of these bytes.
func layout(id exchange.NameID) bool {
	return id == exchange.NameContentLength || id == exchange.NameContentEncoding || id == exchange.NameContentRange
}

// passing reports whether a field belongs to the connection that it came over, or to who asked there.
func passing(f exchange.Fields, field *exchange.Field) bool {
	if field.ID.HopByHop() {
		return true
	}
	if field.ID == exchange.NameOther && exchange.EqualFold(field.Name, proxyAuthenticationInfo) {
		return true
	}
	for i := range f {
		if f[i].ID == exchange.NameConnection && !field.ID.Guarded() && listed(f[i].Value, field.Name) {
			return true
		}
	}
	return false
}

var proxyAuthenticationInfo = []byte("Proxy-Authentication-Info")

// listed reports whether a list has a name, in any case.
func listed(list, name []byte) bool {
	for len(list) > 0 {
		var item []byte
		item, list, _ = bytes.Cut(list, comma)
		if exchange.EqualFold(exchange.TrimOWS(item), name) {
			return true
		}
	}
	return false
}

// weakened reports whether the stored ETag is tag, made weak.
func weakened(stored exchange.Fields, tag []byte) bool {
	return weaker(stored.Get(exchange.NameETag), tag)
}

func weaker(tag, strong []byte) bool {
	return len(tag) == len(strong)+2 && tag[0] == 'W' && tag[1] == '/' && bytes.Equal(tag[2:], strong)
}

// adds reports whether a Vary names anything that the stored one does not.
func adds(vary []byte, stored exchange.Fields) bool {
	for len(vary) > 0 {
		var name []byte
		name, vary, _ = bytes.Cut(vary, comma)
		if name = exchange.TrimOWS(name); len(name) == 0 {
			continue
		}
		known := false
		for i := range stored {
			known = known || stored[i].ID == exchange.NameVary && listed(stored[i].Value, name)
		}
		if !known {
			return true
		}
	}
	return false
}
