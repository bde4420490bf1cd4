package cache

import (
	"bytes"
	"crypto/sha256"
	"time"

	"skerry.dev/skerry/cache/freshness"
	"skerry.dev/skerry/exchange"
	"skerry.dev/skerry/spec"
)

// look is what a request asks of the cache.
type look struct {
	key        []byte
	query      []byte          // the parameters that count
	fields     exchange.Fields // as a fill would send them: without cookies that do not count
	asked      freshness.Asked
	now        time.Time
	identified bool   // the client says who it is, in a way that is no part of the key
	forward    string // of Cache-Status: why the origin is asked
	stores     string // why an answer to this request is not stored; empty: it may be
	body       []byte // of a QUERY
}

// The reasons why requests are passed, or answers not stored, beside those of freshness. doc.go has them all.
const (
	whyMethod     = "method"
	whyUpgrade    = "upgrade"
	whyLeak       = "leak"
	whyReplaced   = "replaced"
	whyBody       = "request-body"
	whyOverride   = "override"
	whyKey        = "key"
	whyNoStore    = "request-no-store"
	whyIdentified = "identified"
	whyUnkeyed    = "unkeyed-field"
	whyRange      = "range"
	whyMarked     = "marked"
	whyBusy       = "busy"
	whyLarge      = "too-large"
	whyBudget     = "budget"
	whyCORS       = "cors"
	whyPurged     = "purged"
	whyOrigin     = "origin"
)

// rules are what a route's policy says of requests.
type rules struct {
	private     bool
	directives  bool
	certificate bool  // the host asks for client certificates, which say who asks
	cors        bool  // the edge answers pages of other origins itself
	forwarded   bool  // what clients say in X-Forwarded-* reaches the service
	anonymous   names // cookies that say nothing of who asks
	identity    []header
	identified  bool // identity, or cookies that say the same, are part of the key
	keyed       keyed
}

func newRules(p *spec.Policy) *rules {
	c := p.Cache
	return &rules{
		private: c.Mode == spec.CachePrivate, directives: c.Directives, anonymous: newNames(c.Anonymous), identity: headers(c.Identity.Headers),
		identified:  c.Identity.On(),
		cors:        p.CORS != nil && len(p.CORS.Origins) > 0,
		forwarded:   p.Forwarded != nil && *p.Forwarded == spec.ForwardedKeep,
		certificate: p.TLS != nil && p.TLS.ClientCertificates != "" && p.TLS.ClientCertificates != spec.ClientAuthOff,
		keyed:       newKeyed(p),
	}
}

// read takes in a request, and says why it is not for a cache at all; empty: it is.
func (s *Stage) read(x *exchange.Exchange, l *look, c *call) (why string) {
	s.route.ready()
	r := &x.Req
	switch r.Method {
	case exchange.MethodGet, exchange.MethodHead, exchange.MethodQuery:
	default:
		return whyMethod
	}
	switch {
	case r.Upgrade != nil:
		return whyUpgrade
	case s.keep.lent.Load():
		return whyReplaced
	case s.route.leaked():
		return whyLeak
	case r.Body != nil && r.Method != exchange.MethodQuery: // who reads it may answer something else than who does not
		return whyBody
	}
	l.now = time.Now()
	l.fields = r.Fields
	if why := s.rules.who(x, l, c); why != "" {
		return why
	}
	var digest []byte
	if r.Method == exchange.MethodQuery {
		s.route.queried.Store(true)
		if digest, why = s.readQuery(x, l); why != "" {
			return why
		}
	}
	return s.rules.keyed.make(x, l, digest, s.rest, s.route.turn())
}

// who finds out whether a request says who asks, and whether it has anything that a stored answer must not depend on.
func (r *rules) who(x *exchange.Exchange, l *look, c *call) (why string) {
	l.identified = r.certificate && x.Conn != nil && x.Conn.TLS != nil
	edited := false             // a fill says less
	for i := range x.Req.Sent { // as the client sent it: what stages add is the same for everybody
		f := &x.Req.Sent[i]
		switch f.ID {
		case exchange.NameAuthorization:
			if !r.isIdentity(f) {
				l.identified = true
			}
		case exchange.NameReferer, exchange.NameOrigin:
			edited = edited || r.dropped(f)
		case exchange.NameCookie:
			edited = true
			if r.private && !r.harmless(f.Value) {
				l.identified = true
			}
		case exchange.NameOther:
			if overrides(f.Name) {
				return whyOverride
			}
		}
		if r.private && !r.usual(f, x.Req.Method) && !r.keyedField(f) {
			l.stores = whyUnkeyed
		}
	}
	if l.asked = freshness.RequestDirectives(x.Req.Fields); l.asked.NoStore {
		l.stores = whyNoStore
	}
	if !r.directives {
		l.asked = l.asked.Unheeded()
	}
	if r.private {
		if l.identified {
			l.stores = whyIdentified
		}
		if edited {
			c.fields = r.filling(x, c.fields[:0])
			l.fields = c.fields
		}
	}
	return ""
}

// identifies reports whether who asks is part of the key.
func (r *rules) identifies() bool { return r.identified }

// isIdentity reports whether a field is part of the key because it says who asks.
func (r *rules) isIdentity(f *exchange.Field) bool {
	for i := range r.identity {
		if r.identity[i].is(f) {
			return true
		}
	}
	return false
}

// keyedField reports whether a field is part of the key.
func (r *rules) keyedField(f *exchange.Field) bool {
	for i := range r.keyed.headers {
		if r.keyed.headers[i].is(f) {
			return true
		}
	}
	return false
}

// usual reports whether a field is one that browsers send by themselves, or that does not reach the service as the client has sent it.
func (r *rules) usual(f *exchange.Field, method exchange.Method) bool {
	switch f.ID {
	case exchange.NameAccept, exchange.NameAcceptEncoding, exchange.NameAcceptLanguage, exchange.NameAuthorization, exchange.NameCacheControl,
		exchange.NameCookie, exchange.NameDNT, exchange.NameIfMatch, exchange.NameIfModifiedSince, exchange.NameIfNoneMatch, exchange.NameIfRange,
		exchange.NameIfUnmodifiedSince, exchange.NameOrigin, exchange.NamePragma, exchange.NamePriority, exchange.NameRange, exchange.NameReferer,
		exchange.NameUpgradeInsecureRequests, exchange.NameUserAgent:
		return true
	case exchange.NameContentType, exchange.NameContentEncoding, exchange.NameContentLanguage:
		return method == exchange.MethodQuery // they are part of the key there
	}
	if f.ID.HopByHop() {
		return true
	}
	if f.ID.Trust() {
		return !r.forwarded
	}
	for _, usual := range usualNames {
		if n := len(usual); len(f.Name) == n && exchange.EqualFold(f.Name, usual) ||
			usual[n-1] == '-' && len(f.Name) > n && exchange.EqualFold(f.Name[:n], usual) {
			return true
		}
	}
	return false
}

// usualNames are those of such fields that have no number, or begin so.
var usualNames = [][]byte{[]byte("Sec-CH-"), []byte("Sec-Fetch-"), []byte("Sec-GPC"), []byte("Sec-Purpose"), []byte("Save-Data"), []byte("Purpose")}

// overrides reports whether a field makes some frameworks take another method or path than the request line has.
func overrides(name []byte) bool {
	if len(name) < len("X-HTTP-Method") || name[0]|0x20 != 'x' {
		return false
	}
	for _, o := range overriding {
		if exchange.EqualFold(name, o) {
			return true
		}
	}
	return false
}

var overriding = [][]byte{
	[]byte("X-HTTP-Method"), []byte("X-HTTP-Method-Override"), []byte("X-Method-Override"), []byte("X-Original-URL"), []byte("X-Rewrite-URL"),
	[]byte("X-Original-Host"), []byte("X-Forwarded-Prefix"), []byte("X-Forwarded-Scheme"), []byte("X-Forwarded-Path"), []byte("X-Forwarded-Uri"),
	[]byte("X-Original-Method"),
}

// harmless reports whether all cookies of a Cookie field say nothing of who asks, or are part of the key.
func (r *rules) harmless(value []byte) bool {
	left := cookiesMax
	for rest := value; len(rest) > 0; {
		var pair []byte
		pair, rest, _ = bytes.Cut(rest, semicolon)
		key, _, _ := bytes.Cut(exchange.TrimOWS(pair), equals)
		if left--; left < 0 {
			return false
		}
		if len(exchange.TrimOWS(pair)) > 0 && !r.keyed.cookies.has(key) && !r.anonymous.has(key) { // one without a name is on no list
			return false
		}
	}
	return true
}

// dropped reports whether a fill does not send a field that is not part of the key: Referer, into which anybody may write anything, and
// Origin where the service has nothing to do with it.
func (r *rules) dropped(f *exchange.Field) bool {
	return (f.ID == exchange.NameReferer || f.ID == exchange.NameOrigin && r.cors) && !r.keyedField(f)
}

// filling returns the fields as a fill sends them, of cookies only those that are part of the key: a stored answer cannot depend on what
// the service has not seen.
func (r *rules) filling(x *exchange.Exchange, to exchange.Fields) exchange.Fields {
	for _, f := range x.Req.Fields {
		if f.ID == exchange.NameCookie {
			if len(r.keyed.cookies.list) == 0 {
				continue
			}
			if f.Value = r.onlyKeyed(x, f.Value); len(f.Value) == 0 {
				continue
			}
		}
		if r.dropped(&f) {
			continue
		}
		to = append(to, f)
	}
	return to
}

// onlyKeyed returns the pairs of a Cookie field that are part of the key, as one writes them.
func (r *rules) onlyKeyed(x *exchange.Exchange, value []byte) []byte {
	room := x.Scratch.Alloc(len(value) + bytes.Count(value, semicolon))
	b := room[:0]
	for rest := value; len(rest) > 0; {
		var pair []byte
		pair, rest, _ = bytes.Cut(rest, semicolon)
		pair = exchange.TrimOWS(pair)
		if key, _, _ := bytes.Cut(pair, equals); !r.keyed.cookies.has(key) {
			continue
		}
		if len(b) > 0 {
			b = append(b, "; "...)
		}
		b = append(b, pair...)
	}
	return x.Scratch.Trim(room, len(b))
}

// readQuery takes in the body of a QUERY (RFC 10008 section 2.7): it is part of the key, with the fields that say what it means. So is the
// process: one that follows does not know to which routes a QUERY came, so it would not find what unsafe requests make out of date.
func (s *Stage) readQuery(x *exchange.Exchange, l *look) (digest []byte, why string) {
	b := x.Req.Body
	if b == nil {
		return s.keep.process, ""
	}
	whole, ok := b.(exchange.Whole)
	if n := b.Size(); !ok || n < 0 || n > queryBodyBytesMax {
		return nil, whyBody
	}
	data, err := whole.Whole()
	if err != nil || data == nil && b.Size() > 0 {
		return nil, whyBody // the origin meets the same error
	}
	l.body = x.Scratch.Copy(data)
	x.Req.Body = exchange.Collected(l.body, b)
	h := sha256.New()
	for i := range x.Req.Fields {
		switch f := &x.Req.Fields[i]; f.ID {
		case exchange.NameContentType, exchange.NameContentEncoding, exchange.NameContentLanguage:
			h.Write(f.ID.Bytes())
			h.Write([]byte{keySeparator})
			h.Write(f.Value)
			h.Write([]byte{keySeparator})
		}
	}
	h.Write(data)
	return appendHex(append(x.Scratch.Alloc(len(s.keep.process) + 2*sha256.Size)[:0], s.keep.process...), h.Sum(nil)), ""
}

func appendHex(to, b []byte) []byte {
	for _, c := range b {
		to = append(to, "0123456789abcdef"[c>>4], "0123456789abcdef"[c&15])
	}
	return to
}
