package compress

import (
	"bytes"

	"skerry.dev/skerry/exchange"
)

// revealing reports whether the coded size of an answer could tell a stranger a secret in it (BREACH, CRIME): a page of
// another site makes a victim's browser ask again and again, each time with another guess, and watches on the wire when
// the answer becomes a little shorter, because the guess is in it twice. That takes three things, and one that is
// missing is enough to be safe:
//
//   - The browser adds what identifies the victim by itself: Cookie, Authorization or a client certificate. A key in
//     another field must be set by a script, which a page of another site cannot do.
//   - The answer may repeat what was asked: there is a query or a body, or it is an error, which usually quotes the path.
//     A page that succeeds and quotes a piece of its path is not caught: every request has a path, and nothing for people
//     who are signed in would be compressed any more.
//   - The answer is for one person: it is not a script, a style or a font, which the other page could embed anyway,
//     and the origin did not declare it public, immutable or s-maxage.
//
// The route may say otherwise with compress.identified. The request to the origin does not depend on any of this: what
// an origin compresses by itself is its own choice.
func (s *Stage) revealing(x *exchange.Exchange, c class) bool {
	if s.identified || c == asset || !s.identifies(x) {
		return false
	}
	reflects := len(x.Req.Query) > 0 || x.Req.Body != nil || x.Resp.Status >= 400
	return reflects && !declaredPublic(x.Resp.Fields)
}

// identifies reports whether the request carries what a browser adds by itself. A connection of a host that asks for client
// certificates counts, whether or not one was shown.
func (s *Stage) identifies(x *exchange.Exchange) bool {
	if s.certificates && x.Conn != nil && x.Conn.TLS != nil {
		return true
	}
	fields := clientFields(x)
	for i := range fields {
		if id := fields[i].ID; id == exchange.NameCookie || id == exchange.NameAuthorization {
			return true
		}
	}
	return false
}

// clientFields are the fields as the client sent them: what stages added for the origin, or took away, says nothing of
// the client. An exchange that runs without a client goes by the working copy, of which who made it took away what must not count.
func clientFields(x *exchange.Exchange) exchange.Fields {
	if x.Conn == nil {
		return x.Req.Fields
	}
	return x.Req.Sent
}

// declaredPublic reports whether Cache-Control gives an answer to everybody (RFC 9111 section 5.2.2, RFC 8246).
func declaredPublic(fields exchange.Fields) bool {
	return hasDirective(fields, "public") || hasDirective(fields, "immutable") || hasDirective(fields, "s-maxage")
}

// hasDirective reports whether a Cache-Control names a directive, in lower case, with or without an argument. A comma
// inside a quoted argument counts as one between directives.
func hasDirective(fields exchange.Fields, name string) bool {
	for i := range fields {
		if fields[i].ID != exchange.NameCacheControl {
			continue
		}
		list, item, more := fields[i].Value, []byte(nil), true
		for more {
			item, list, more = bytes.Cut(list, comma)
			item, _, _ = bytes.Cut(item, equals)
			if exchange.EqualFold(exchange.TrimOWS(item), []byte(name)) {
				return true
			}
		}
	}
	return false
}

var equals = []byte("=")
