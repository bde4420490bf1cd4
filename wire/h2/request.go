package h2

import (
	"bytes"
	"strconv"

	"golang.org/x/net/http2/hpack"

	"skerry.dev/skerry/exchange"
)

// requestHead reads a request's head from a header block.
type requestHead struct {
	r        *exchange.Request
	room     []byte // where the head is copied to
	size     int    // of the head as HTTP/1.1 would write it
	seen     uint8  // pseudo fields
	regular  bool   // a regular field has come
	length   int64  // Content-Length; -1: none
	scheme   string
	protocol string // of an extended CONNECT (RFC 8441)
	path     string
	host     []byte // value of a Host field
	cookies  int    // fields
	cookie   int    // bytes of them, joined
}

// The pseudo fields of requests.
const (
	seenMethod uint8 = 1 << iota
	seenScheme
	seenPath
	seenAuthority
	seenProtocol
)

// readHead fills x.Req by the rules of wire/h1's parser and those of RFC 9113 section 8: what is repaired nowhere is refused.
// After an error x.Req holds what had been read.
func (s *serverStream) readHead(x *exchange.Exchange, l *fieldList, end bool) error {
	h := requestHead{r: &x.Req, length: -1, size: len("  HTTP/1.1\r\nHost: \r\n\r\n")}
	h.r.Minor = 1
	h.room = x.Scratch.Alloc(roomFor(l))
	err := h.read(l)
	s.size = h.length
	switch {
	case err != nil:
	case l.large || h.size > HeadBytesMax:
		err = errHeadLarge
	default:
		err = h.check(x, end)
	}
	if err == nil && h.seen&seenProtocol != 0 {
		err = s.beginConnect(x, &h, end)
	}
	s.malformed = malformed(err)
	// Who says nothing of priorities, as gRPC and curl do, shares: in strict order one large answer to a slow reader would hold up
	// every younger one.
	s.incremental = true
	if p := h.r.Fields.Get(exchange.NamePriority); p != nil {
		s.urgency, s.incremental = parsePriority(p, urgencyDefault, false)
	}
	return err
}

// roomFor is how many bytes a head takes when it is copied.
func roomFor(l *fieldList) (n int) {
	for i := range l.fields {
		n += len(l.fields[i].Value) + len("; ")
		if l.fields[i].Name == "cookie" { // once as it came, once joined
			n += len(l.fields[i].Value)
		}
		if l.fields[i].Name != "" && l.fields[i].Name[0] != ':' {
			n += len(l.fields[i].Name)
		}
	}
	return n
}

// put copies a text to the room.
func (h *requestHead) put(text string) []byte {
	n := copy(h.room, text)
	view := h.room[:n:n]
	h.room = h.room[n:]
	return view
}

func (h *requestHead) read(l *fieldList) error {
	r := h.r
	for i := range l.fields {
		f := &l.fields[i]
		if f.Name == "" {
			return errFieldName
		}
		if f.Name[0] == ':' {
			if err := h.pseudo(f); err != nil {
				return err
			}
			continue
		}
		if !h.regular {
			h.regular = true
			h.begin()
		}
		if err := h.field(f); err != nil {
			return err
		}
	}
	if !h.regular {
		h.begin()
	}
	if h.cookies > 1 {
		h.joinCookies()
	}
	return h.complete(r)
}

// begin puts what the pseudo fields said where the request line would have.
func (h *requestHead) begin() {
	h.r.Target = h.put(h.path)
	h.size += len(h.path) + len(h.r.MethodName)
	if a := h.r.Authority; len(a) > 0 {
		h.size += len(a)
		h.r.Sent = append(h.r.Sent, exchange.Field{ID: exchange.NameHost, Name: exchange.NameHost.Bytes(), Value: a})
	}
}

// pseudo takes a pseudo field (RFC 9113 section 8.3.1).
func (h *requestHead) pseudo(f *hpack.HeaderField) error {
	var which uint8
	switch f.Name {
	case ":method":
		which = seenMethod
		h.r.MethodName = h.put(f.Value)
		h.r.Method = exchange.MethodOf(h.r.MethodName)
	case ":scheme":
		which, h.scheme = seenScheme, f.Value
	case ":path":
		which, h.path = seenPath, f.Value
	case ":authority":
		which = seenAuthority
		h.r.Authority = h.put(f.Value)
	case ":protocol":
		which, h.protocol = seenProtocol, f.Value
	default:
		return errPseudo
	}
	if h.regular || h.seen&which != 0 {
		return errPseudo
	}
	h.seen |= which
	return nil
}

// field takes a regular field: to Sent, and to Fields as well if it may travel on.
func (h *requestHead) field(f *hpack.HeaderField) error {
	r := h.r
	if !allSmall(f.Name) {
		return errFieldName
	}
	id := exchange.Intern(bytesOf(f.Name, h))
	if id == exchange.NameCookie {
		return h.crumb(f)
	}
	var name []byte
	if id != exchange.NameOther {
		name = id.Bytes() // HTTP/2 knows only small letters; an origin of HTTP/1.1 gets the usual spelling
	} else {
		name = h.put(f.Name)
	}
	n := len(name) + len(": \r\n") + len(f.Value)
	h.size += n
	if len(r.Sent) >= FieldsMax || n-len("\r\n") > LineBytesMax {
		return errHeadLarge
	}
	out := exchange.Field{ID: id, Name: name, Value: h.put(f.Value)}
	if !validValue(out.Value) {
		return errFieldValue
	}
	r.Sent = append(r.Sent, out)
	if id.HopByHop() {
		return h.note(out)
	}
	if id != exchange.NameOther || !exchange.LooksTrusted(name) {
		r.Fields = append(r.Fields, out)
	}
	return nil
}

// bytesOf is a name for a look at it, in the room, of which it takes nothing.
func bytesOf(name string, h *requestHead) []byte { return h.room[:copy(h.room, name)] }

// crumb takes a Cookie field, which clients may split for the sake of compression (RFC 9113 section 8.2.3).
func (h *requestHead) crumb(f *hpack.HeaderField) error {
	v := h.put(f.Value)
	if !validValue(v) {
		return errFieldValue
	}
	if h.cookies++; h.cookies == 1 {
		h.cookie = len("Cookie: \r\n") - len("; ")
		if len(h.r.Sent) >= FieldsMax {
			return errHeadLarge
		}
	}
	h.cookie += len("; ") + len(v)
	h.size += len("; ") + len(v)
	if h.cookie-len("\r\n") > LineBytesMax {
		return errHeadLarge
	}
	out := exchange.Field{ID: exchange.NameCookie, Name: exchange.NameCookie.Bytes(), Value: v}
	h.r.Sent = append(h.r.Sent, out)
	h.r.Fields = append(h.r.Fields, out)
	return nil
}

// joinCookies makes one Cookie field of all, at the place of the first.
func (h *requestHead) joinCookies() {
	start := h.room
	n := 0
	for _, f := range h.r.Fields {
		if f.ID != exchange.NameCookie {
			continue
		}
		if n > 0 {
			n += copy(start[n:], "; ")
		}
		n += copy(start[n:], f.Value)
	}
	h.room = start[n:]
	h.r.Fields.Set(exchange.NameCookie, start[:n:n])
	h.r.Sent.Set(exchange.NameCookie, start[:n:n])
}

// note takes in a field that concerns the connection or the framing (RFC 9113 section 8.2.2).
func (h *requestHead) note(f exchange.Field) error {
	switch f.ID {
	case exchange.NameHost:
		if h.host != nil {
			return errHost
		}
		h.host = f.Value
	case exchange.NameExpect:
		if h.r.ExpectContinue || !exchange.EqualFold(f.Value, continue100) {
			return errExpect
		}
		h.r.ExpectContinue = true
	case exchange.NameContentLength:
		return h.noteLength(f.Value)
	case exchange.NameTE:
		if h.r.AllowTrailers || string(f.Value) != "trailers" {
			return errHopField
		}
		h.r.AllowTrailers = true
	case exchange.NameConnection, exchange.NameKeepAlive, exchange.NameProxyConnection, exchange.NameTransferEncoding, exchange.NameUpgrade:
		return errHopField
	}
	return nil
}

var continue100 = []byte("100-continue")

func (h *requestHead) noteLength(v []byte) error {
	n, ok := parseLength(v)
	if h.length != -1 || !ok {
		return errLength
	}
	h.length = n
	return nil
}

// parseLength reads a Content-Length: 1 to 18 digits and nothing else.
func parseLength(v []byte) (n int64, ok bool) {
	if len(v) == 0 || len(v) > contentLengthDigitsMax {
		return 0, false
	}
	for _, c := range v {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + int64(c-'0')
	}
	return n, true
}

// complete holds the pseudo fields against each other.
func (h *requestHead) complete(r *exchange.Request) error {
	connect := h.seen&seenProtocol != 0
	switch {
	case h.seen&seenMethod == 0 || !all(r.MethodName, tchar):
		return errMethodName
	case connect && r.Method != exchange.MethodConnect:
		return errPseudo
	case r.Method == exchange.MethodConnect && !connect:
		if h.seen&(seenScheme|seenPath) != 0 || h.seen&seenAuthority == 0 {
			return errPseudo
		}
		return errMethod
	case h.scheme != "http" && h.scheme != "https":
		return errScheme
	case h.seen&seenPath == 0 || !all(r.Target, target):
		return errTarget
	case len(r.MethodName)+1+len(r.Target) > LineBytesMax:
		return errTargetLong
	case r.Method == exchange.MethodTrace:
		return errMethod
	case r.Target[0] != '/' && !(len(r.Target) == 1 && r.Target[0] == '*' && r.Method == exchange.MethodOptions):
		return errTarget
	}
	return nil
}

// check applies the rules that need the whole head, and brings host and path into their normal form.
func (h *requestHead) check(x *exchange.Exchange, end bool) error {
	r := h.r
	authority := r.Authority
	switch {
	case len(authority) == 0:
		authority = h.host
	case h.host != nil && !exchange.EqualFold(authority, h.host):
		return errHost
	}
	if end && h.length > 0 {
		return errLength
	}
	r.ExpectContinue = r.ExpectContinue && !end && h.length != 0
	host, port, err := exchange.NormalHost(authority, &x.Scratch)
	if err != nil {
		return errHost
	}
	r.Host, r.Port = host, port
	r.Authority = joinPort(x, authority, host, port)
	return normalisePath(x)
}

// joinPort is the normal form of host and port together: what was sent, if only the port had to be cut off.
func joinPort(x *exchange.Exchange, sent, host []byte, port uint16) []byte {
	if port == 0 {
		return host
	}
	if i := len(host) + 1; i < len(sent) && &sent[0] == &host[0] && sent[i-1] == ':' && sent[i] != '0' {
		return sent
	}
	b := x.Scratch.Alloc(len(host) + len(":65535"))
	b = append(append(b[:0], host...), ':')
	return strconv.AppendUint(b, uint64(port), 10)
}

// normalisePath splits the target and brings the path into its normal form.
func normalisePath(x *exchange.Exchange) (err error) {
	r := &x.Req
	path := r.Target
	if i := bytes.IndexByte(path, '?'); i >= 0 {
		path, r.Query = path[:i:i], path[i+1:]
	}
	r.RawPath = path
	if path[0] == '*' {
		r.Path = path
		return nil
	}
	r.Path, err = exchange.NormalPath(path, &x.Scratch)
	return err
}

// trailerList is a trailer section, in memory of its own: it comes while others work on the exchange.
type trailerList struct {
	fields exchange.Fields
	room   []byte
}

func (t *trailerList) clear() { t.fields, t.room = t.fields[:0], t.room[:0] }

// readTrailers takes a trailer section by the rules of wire/h1.
func readTrailers(t *trailerList, l *fieldList) error {
	size := 0
	for i := range l.fields {
		size += len(l.fields[i].Name) + len(": \r\n") + len(l.fields[i].Value)
	}
	if l.large || len(l.fields) > FieldsMax || size > TrailerBytesMax {
		return errTrailer
	}
	if cap(t.room) < size {
		t.room = make([]byte, 0, max(size, 256))
	}
	t.clear()
	for i := range l.fields {
		f := &l.fields[i]
		if !allSmall(f.Name) {
			return errTrailer
		}
		n := len(t.room)
		t.room = append(append(t.room, f.Name...), f.Value...)
		name, value := t.room[n:n+len(f.Name):n+len(f.Name)], t.room[n+len(f.Name):len(t.room):len(t.room)]
		id := exchange.Intern(name)
		if !validValue(value) || id.NotInTrailer() || exchange.LooksTrusted(name) {
			return errTrailer
		}
		t.fields = append(t.fields, exchange.Field{ID: id, Name: name, Value: value})
	}
	return nil
}

// parsePriority reads a priority (RFC 9218 section 4): what it leaves out, or cannot be read, stays as it was.
func parsePriority(v []byte, urgency uint8, incremental bool) (uint8, bool) {
	for len(v) > 0 {
		item := v
		if i := bytes.IndexByte(v, ','); i >= 0 {
			item, v = v[:i], v[i+1:]
		} else {
			v = nil
		}
		item = exchange.TrimOWS(item)
		if i := bytes.IndexByte(item, ';'); i >= 0 { // parameters, of which there are none yet
			item = item[:i]
		}
		switch {
		case len(item) == 3 && item[0] == 'u' && item[1] == '=' && item[2] >= '0' && item[2] <= '7':
			urgency = item[2] - '0'
		case string(item) == "i" || string(item) == "i=?1":
			incremental = true
		case string(item) == "i=?0":
			incremental = false
		}
	}
	return urgency, incremental
}
