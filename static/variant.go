package static

import (
	"time"

	"skerry.dev/skerry/exchange"
	"skerry.dev/skerry/fault"
	"skerry.dev/skerry/represent"
)

// variant is the representation that a request gets: a file, or the copy of it in a coding that its client accepts.
type variant struct {
	*file         // whose entry is held
	fallback bool // it stands for what is not there
	now      time.Time
	strong   bool   // tag and modified are strong validators
	tag      []byte // ETag; nil: none
}

// variant finds the variant of a name for this client. Whoever gets one releases its entry.
func (s *Stage) variant(x *exchange.Exchange, name []byte) (v variant, refused *fault.Error) {
	v.now = x.Now
	if v.now.IsZero() {
		v.now = time.Now()
	}
	e := s.roots.lookUp(s.path, name, v.now)
	if e != nil {
		if v.file = e.choose(x); !v.unchanged() {
			e.release()
			e = nil
		}
	}
	if e == nil {
		if e, refused = s.roots.load(s.path, name, v.now); refused != nil {
			return v, refused
		}
		v.file = e.choose(x)
	}
	v.strong, v.tag = !v.now.Before(v.settled), v.file.tag
	if v.strong && v.tag != nil {
		v.tag = v.tag[len("W/"):]
	}
	return v, nil
}

// representation describes the variant. While its date is weak the file may have changed again within the same second:
// to If-Modified-Since it is sent once more.
func (v *variant) representation() represent.Representation {
	r := represent.Representation{Tag: v.tag, Type: v.kind.name, Size: v.size, Modified: v.modified, Strong: v.strong, Origin: true}
	if v.strong {
		r.Since = v.modified
	}
	return r
}

// lastModified is the date of the last change, never one in the future (RFC 9110 section 8.8.2.1); nil: none.
func (v *variant) lastModified(x *exchange.Exchange) []byte {
	if v.modified.After(v.now) {
		return represent.AppendDate(x.Scratch.Alloc(represent.DateBytes)[:0], v.now)
	}
	return v.file.lastModified
}

// choose returns the file for this client.
func (e *entry) choose(x *exchange.Exchange) *file {
	if e.varies {
		for i, accepted := range acceptedCodings(x) {
			if accepted && e.files[1+i] != nil {
				return e.files[1+i]
			}
		}
	}
	return e.files[0]
}

// acceptedCodings says which of codings the client may get. Where the compress stage ran it has said so, and settled on one
// for bodies that must be made; a copy that is there already may be in any other that the client takes. Who keeps such an answer
// must look at its Content-Encoding, and not only at what was settled.
func acceptedCodings(x *exchange.Exchange) (accepted [len(codings)]bool) {
	if x.Facts.Encoding.Accept != "" {
		for i := range codings {
			accepted[i] = x.Facts.Encoding.Takes&codings[i].member != 0
		}
		return accepted
	}
	for i := range x.Req.Fields {
		if x.Req.Fields[i].ID != exchange.NameAcceptEncoding {
			continue
		}
		for list := x.Req.Fields[i].Value; len(list) > 0; {
			var name []byte
			name, list = weighted(list)
			for i := range codings {
				accepted[i] = accepted[i] || exchange.EqualFold(name, codings[i].name)
			}
		}
	}
	return accepted
}
