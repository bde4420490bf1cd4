package compress

import (
	"bytes"

	"skerry.dev/skerry/exchange"
)

// hasContent reports whether a status comes with a whole representation worth coding. Not 204, 205 and 206, which have
// none or a part, nor 226, which has a difference (RFC 3229); redirects are a line of text nobody reads.
func hasContent(status int) bool {
	switch status {
	case 204, 205, 206, 226:
		return false
	}
	return 200 <= status && status < 300 || 400 <= status && status < 600
}

// candidate reports whether the response is of a kind that the stage codes for some clients: then it varies with
// Accept-Encoding, whatever this client gets. That holds for what the origin coded itself, too.
func candidate(x *exchange.Exchange) (class, bool) {
	r := &x.Resp
	if !hasContent(r.Status) || r.Fields.Count(exchange.NameContentRange) > 0 {
		return unlisted, false
	}
	c := classOf(r.Fields.Get(exchange.NameContentType))
	if c == unlisted || noTransform(x) {
		return unlisted, false
	}
	if n := size(x); n >= 0 && n < sizeMin && !coded(r.Fields) {
		return unlisted, false
	}
	return c, true
}

// coded reports whether the origin has put a coding on the body.
func coded(fields exchange.Fields) bool { return fields.Count(exchange.NameContentEncoding) > 0 }

// noTransform reports whether origin or client want the body left as it is (RFC 9111 sections 5.2.1.6 and 5.2.2.6).
func noTransform(x *exchange.Exchange) bool {
	return hasDirective(x.Resp.Fields, "no-transform") || hasDirective(x.Req.Fields, "no-transform")
}

// size is the length of the body, or of the one a GET would get; -1 if unknown.
func size(x *exchange.Exchange) int64 {
	switch r := &x.Resp; {
	case r.Body != nil:
		return r.Body.Size()
	case x.Req.Method == exchange.MethodHead:
		return r.Length
	}
	return 0
}

// setCoding makes the head one of a coded body. Nothing of it may promise the bytes of the origin: its length, ranges of it
// and digests go, and a strong ETag becomes weak (RFC 9110 section 8.8.1), because the same tag stands for two bodies now.
//
// On its way back the weak tag does what it should at any origin, and needs no mapping. If-None-Match compares weakly, so
// W/"x" of the client matches the origin's "x" and gives 304. If-Match compares strongly, so W/"x" never matches: a
// client that has seen a coded body cannot overwrite by its tag, which is what a weak tag means. If-Range: see
// dropRange.
func setCoding(x *exchange.Exchange, c coding) {
	r := &x.Resp
	r.Fields.Add(exchange.NameContentEncoding, values[c])
	r.Fields.Del(exchange.NameAcceptRanges)
	delDigests(&r.Fields)
	if tag := r.Fields.Get(exchange.NameETag); tag != nil && !isWeak(tag) {
		weaken(x, tag)
	}
	r.Length = -1
}

// weaken replaces a strong tag by its weak form; what is no tag at all is removed.
func weaken(x *exchange.Exchange, tag []byte) {
	if !isStrong(tag) {
		x.Resp.Fields.Del(exchange.NameETag)
		return
	}
	weak := x.Scratch.Alloc(len(tag) + len(weakPrefix))
	copy(weak[copy(weak, weakPrefix):], tag)
	x.Resp.Fields.Set(exchange.NameETag, weak)
}

var weakPrefix = []byte("W/")

func isWeak(tag []byte) bool {
	return bytes.HasPrefix(tag, weakPrefix) && isStrong(tag[len(weakPrefix):])
}

// isStrong reports whether tag is one strong entity tag (RFC 9110 section 8.8.3).
func isStrong(tag []byte) bool {
	return len(tag) >= 2 && tag[0] == '"' && bytes.IndexByte(tag[1:], '"') == len(tag)-2
}

// addVary says that the response depends on Accept-Encoding, if it does not say so already.
func addVary(x *exchange.Exchange) {
	fields := x.Resp.Fields
	first := -1
	for i := range fields {
		if fields[i].ID != exchange.NameVary {
			continue
		}
		if exchange.HasToken(fields[i].Value, "*") || exchange.HasToken(fields[i].Value, "accept-encoding") {
			return
		}
		if first < 0 {
			first = i
		}
	}
	if first < 0 {
		x.Resp.Fields.Add(exchange.NameVary, varyName)
		return
	}
	old := exchange.TrimOWS(fields[first].Value)
	if len(old) == 0 {
		fields[first].Value = varyName
		return
	}
	merged := x.Scratch.Alloc(len(old) + len(", ") + len(varyName))
	n := copy(merged, old)
	n += copy(merged[n:], ", ")
	copy(merged[n:], varyName)
	fields[first].Value = merged
}

var varyName = []byte("Accept-Encoding")

// digests are fields that promise what the bytes of the message or of the representation hash to (RFC 9530; RFC 3230 and
// RFC 1864 before it). They are not interned.
var digests = [...][]byte{[]byte("Content-Digest"), []byte("Repr-Digest"), []byte("Content-MD5"), []byte("Digest")}

// delDigests removes them from a head or a trailer section.
func delDigests(f *exchange.Fields) {
	list := *f
	kept := 0
	for i := range list {
		if list[i].ID == exchange.NameOther && isDigest(list[i].Name) {
			continue
		}
		if kept != i {
			list[kept] = list[i]
		}
		kept++
	}
	*f = list[:kept]
}

func isDigest(name []byte) bool {
	for _, d := range digests {
		if exchange.EqualFold(name, d) {
			return true
		}
	}
	return false
}

// notModified makes a 304 speak of the response that the client has. A cache may only freshen what has the same strong
// tag (RFC 9111 section 4.3.4), so the origin's "x" goes out as W/"x" if that is what the client asked about. What a 304
// varies with is what its 200 does (RFC 9110 section 15.4.5); its type is usually not told.
func notModified(x *exchange.Exchange) {
	fields := &x.Resp.Fields
	kind := fields.Get(exchange.NameContentType)
	if kind != nil && classOf(kind) == unlisted || noTransform(x) {
		return
	}
	addVary(x)
	if tag := fields.Get(exchange.NameETag); isStrong(tag) && heldWeak(x.Req.Fields, tag) {
		weaken(x, tag)
	}
}

// heldWeak reports whether If-None-Match has the weak form of a strong tag, and not the tag itself.
func heldWeak(fields exchange.Fields, tag []byte) (weak bool) {
	for i := range fields {
		if fields[i].ID != exchange.NameIfNoneMatch {
			continue
		}
		for list := fields[i].Value; ; {
			at := bytes.Index(list, tag)
			if at < 0 {
				break
			}
			if !bytes.HasSuffix(list[:at], weakPrefix) {
				return false
			}
			weak, list = true, list[at+len(tag):]
		}
	}
	return weak
}

// dropRange removes a Range whose condition cannot be trusted, and reports whether it did: the client gets the whole then,
// which a server may always send (RFC 9110 section 14.2). A weak tag in If-Range never holds (section 13.1.5), and an
// origin that compares it carelessly would send a piece of its own body to go with a piece of a coded one. A date holds
// for both bodies alike; only a client that reads no coding cannot have a coded one.
func dropRange(x *exchange.Exchange, c coding) bool {
	f := &x.Req.Fields
	condition := f.Get(exchange.NameIfRange)
	if condition == nil || isStrong(condition) || c == identity && !bytes.HasPrefix(condition, weakPrefix) {
		return false
	}
	f.Del(exchange.NameRange)
	f.Del(exchange.NameIfRange)
	return true
}
