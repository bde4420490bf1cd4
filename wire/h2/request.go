package h2

import (
	"bytes"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"skerry.dev/skerry/exchange"
)

// unknownLength is the length of a body that announces none.
const unknownLength = -1

// head is what reading a request head needs beside the exchange.
type head struct {
	keys   []string // of the header, sorted: net/http has lost the order of the wire
	room   []byte   // where the head is copied to
	length int64    // Content-Length; unknownLength: none
}

// read fills x.Req from the head that net/http made of a stream's, by the rules of wire/h1's parser, and reports whether
// a body follows, of h.length bytes. After an error x.Req holds what had been read.
func (h *head) read(x *exchange.Exchange, in *http.Request) (body bool, err error) {
	h.length = unknownLength
	size, copied := h.measure(in)
	h.room = x.Scratch.Alloc(copied)
	r := &x.Req
	r.Minor = 1
	r.MethodName = h.put(in.Method)
	r.Method = exchange.MethodOf(r.MethodName)
	r.Target = h.put(in.RequestURI)
	authority := h.put(in.Host)
	if err := checkLine(r); err != nil {
		return false, err
	}
	if size > HeadBytesMax {
		return false, errHeadLarge
	}
	if len(authority) > 0 {
		r.Sent = append(r.Sent, exchange.Field{ID: exchange.NameHost, Name: exchange.NameHost.Bytes(), Value: authority})
	}
	if err := h.readFields(r, in.Header); err != nil {
		return false, err
	}
	if body, err = h.hasBody(in); err != nil {
		return false, err
	}
	r.ExpectContinue = body && h.length != 0 && awaitsContinue(in)
	if err := normaliseHost(x, authority); err != nil {
		return false, err
	}
	return body, normalisePath(x)
}

// measure returns the size of the head as HTTP/1.1 would write it, and how many bytes of it are to be copied.
func (h *head) measure(in *http.Request) (size, copied int) {
	h.keys = h.keys[:0]
	copied = len(in.Method) + len(in.RequestURI) + len(in.Host)
	size = copied + len("  HTTP/1.1\r\nHost: \r\n\r\n")
	for key, values := range in.Header {
		h.keys = append(h.keys, key)
		copied += len(key)
		for _, v := range values {
			copied += len(v)
			size += len(key) + len(": \r\n") + len(v)
		}
	}
	slices.Sort(h.keys)
	return size, copied
}

// put copies a text to the room.
func (h *head) put(text string) []byte {
	n := copy(h.room, text)
	view := h.room[:n:n]
	h.room = h.room[n:]
	return view
}

// putName copies a field name in the small letters in which it came.
func (h *head) putName(key string) []byte {
	name := h.put(key)
	for i, c := range name {
		if 'A' <= c && c <= 'Z' {
			name[i] = c + 'a' - 'A'
		}
	}
	return name
}

// checkLine applies the rules of the request line.
func checkLine(r *exchange.Request) error {
	t := r.Target
	switch {
	case !all(r.MethodName, tchar):
		return errMethodName
	case !all(t, target):
		return errTarget
	case len(r.MethodName)+1+len(t) > LineBytesMax:
		return errTargetLong
	case r.Method == exchange.MethodTrace || r.Method == exchange.MethodConnect:
		return errMethod
	case t[0] != '/' && !(len(t) == 1 && t[0] == '*' && r.Method == exchange.MethodOptions):
		return errTarget
	}
	return nil
}

// readFields copies every field to Sent, and the ones that may travel on to Fields as well.
func (h *head) readFields(r *exchange.Request, header http.Header) error {
	for _, key := range h.keys {
		name := h.putName(key)
		if !all(name, smallChar) {
			return errFieldName
		}
		id := exchange.Intern(name)
		if id != exchange.NameOther {
			name = id.Bytes() // HTTP/2 knows only small letters; an origin of HTTP/1.1 gets the usual spelling
		}
		for _, text := range header[key] {
			if len(r.Sent) >= FieldsMax || len(name)+len(": ")+len(text) > LineBytesMax {
				return errHeadLarge
			}
			f := exchange.Field{ID: id, Name: name, Value: h.put(text)}
			if !validValue(f.Value) {
				return errFieldValue
			}
			r.Sent = append(r.Sent, f)
			if id.HopByHop() {
				if err := h.note(r, f); err != nil {
					return err
				}
			} else if id != exchange.NameOther || !exchange.LooksTrusted(name) {
				r.Fields = append(r.Fields, f)
			}
		}
	}
	return nil
}

// note takes in a field that concerns the connection or the framing. Most are refused by x/net already.
func (h *head) note(r *exchange.Request, f exchange.Field) error {
	switch f.ID {
	case exchange.NameHost:
		return errHost
	case exchange.NameExpect:
		return errExpect // x/net takes 100-continue out
	case exchange.NameContentLength:
		return h.noteLength(f.Value)
	case exchange.NameTE:
		if len(f.Value) > 0 && string(f.Value) != "trailers" {
			return errHopField
		}
		r.AllowTrailers = len(f.Value) > 0
	case exchange.NameConnection, exchange.NameKeepAlive, exchange.NameProxyConnection, exchange.NameTransferEncoding, exchange.NameUpgrade:
		return errHopField
	}
	return nil
}

func (h *head) noteLength(v []byte) error {
	if h.length != unknownLength || len(v) == 0 || len(v) > contentLengthDigitsMax {
		return errLength
	}
	var n int64
	for _, c := range v {
		if c < '0' || c > '9' {
			return errLength
		}
		n = n*10 + int64(c-'0')
	}
	h.length = n
	return nil
}

// hasBody compares what Content-Length says with whether the head ended the stream: then net/http's own ContentLength is
// 0, whatever the field says. It is also 0 if the field says 0 and the stream goes on: that there is nothing to come is
// known when the body has been read.
func (h *head) hasBody(in *http.Request) (bool, error) {
	switch {
	case in.ContentLength != 0 || h.length == 0:
		return true, nil
	case h.length > 0:
		return false, errLength
	}
	return false, nil
}

// awaitsContinue reports whether the client waits for 100 before it sends the body. x/net takes the Expect field away
// and keeps what it said to itself, until somebody reads the body; without that knowledge an origin that refuses could
// not do so before the upload. Reading the one unexported field is tested; where there is none, the answer is no: then
// 100 is sent as soon as the body is read, and the origin hears of no expectation.
func awaitsContinue(in *http.Request) bool {
	v := reflect.ValueOf(in.Body)
	if v.Kind() != reflect.Pointer || v.Elem().Kind() != reflect.Struct {
		return false
	}
	field := v.Elem().FieldByName("needsContinue")
	return field.Kind() == reflect.Bool && field.Bool()
}

// normaliseHost brings the host into its normal form.
func normaliseHost(x *exchange.Exchange, authority []byte) error {
	host, port, err := exchange.NormalHost(authority, &x.Scratch)
	if err != nil {
		return errHost
	}
	x.Req.Host, x.Req.Port = host, port
	x.Req.Authority = joinPort(x, authority, host, port)
	return nil
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

// readTrailers copies the trailer section, which is there once the body has ended. net/http keeps only the fields that
// the head's Trailer field had announced. The copy is not in Scratch: a pump may be reading the body.
func readTrailers(to *exchange.Fields, trailer http.Header) error {
	size, keys := 0, make([]string, 0, len(trailer))
	for key := range trailer {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	for _, key := range keys {
		name := []byte(strings.ToLower(key))
		id := exchange.Intern(name)
		for _, text := range trailer[key] {
			value := []byte(text)
			size += len(name) + len(": \r\n") + len(value)
			if len(*to) >= FieldsMax || size > TrailerBytesMax || !all(name, smallChar) || !validValue(value) ||
				id.NotInTrailer() || exchange.LooksTrusted(name) {
				return errTrailer
			}
			*to = append(*to, exchange.Field{ID: id, Name: name, Value: value})
		}
	}
	return nil
}
