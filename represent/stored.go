package represent

import (
	"slices"
	"time"

	"skerry.dev/skerry/exchange"
)

// Stored describes an answer with status 200 that a cache keeps, by the fields of its head, of which it holds views, the
// length of its body and the time when it came.
//
// A Last-Modified is strong if the Date of the answer is at least a second later (RFC 9110 section 8.8.2.2). Where there is none,
// If-Modified-Since is compared with Date, and without that with when it came (RFC 9111 section 4.3.2); If-Range never is.
func Stored(head exchange.Fields, size int64, came time.Time) Representation {
	r := Representation{Type: head.Get(exchange.NameContentType), Size: size, Since: came}
	if tag := head.Get(exchange.NameETag); IsTag(tag) && head.Count(exchange.NameETag) == 1 {
		r.Tag = tag
	}
	date, dated := onlyDate(head, exchange.NameDate, came)
	if dated {
		r.Since = date
	}
	if modified, ok := onlyDate(head, exchange.NameLastModified, came); ok {
		r.Modified, r.Since = modified, modified
		r.Strong = dated && modified.Before(date)
	}
	return r
}

// TrimNotModified makes the head of a 304 out of that of the whole: what describes the content goes (RFC 9110 section
// 15.4.5); validators and what else may update the client's copy stay.
func TrimNotModified(f *exchange.Fields) {
	*f = slices.DeleteFunc(*f, func(one exchange.Field) bool {
		switch one.ID {
		case exchange.NameContentType, exchange.NameContentEncoding, exchange.NameContentLanguage, exchange.NameContentLength, exchange.NameContentRange:
			return true
		}
		return false
	})
}
