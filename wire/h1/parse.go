package h1

import (
	"bytes"

	"skerry.dev/skerry/exchange"
)

// framing is what the fields of a head say about the body and the connection.
type framing struct {
	length     int64 // Content-Length; -1: none
	chunked    bool
	codings    int // Transfer-Encoding fields
	hosts      int
	host       []byte
	close      bool // Connection: close
	keepAlive  bool
	upgrade    bool // Connection names upgrade
	named      bool // Connection names a field that would travel on otherwise
	upgradeTo  []byte
	expects    int
	expect100  bool
	trailersOK bool
	promises   bool // there is a Keep-Alive field
}

// crlf2 ends a head.
var crlf2 = []byte("\r\n\r\n")

// headEnd finds the end of the head that starts at b[0]: the index behind its empty line. It looks only at what came
// since the last call, which had seen b[:seen]. 0 means that the head is not complete; a line that does not end in CRLF
// is an error at once, since a peer that sends bare LFs would never complete it.
func headEnd(b []byte, seen int) (int, error) {
	from := max(seen-3, 0)
	if i := bytes.Index(b[from:], crlf2); i >= 0 {
		return from + i + 4, nil
	}
	for i := max(seen-1, 0); i < len(b); i++ {
		j := bytes.IndexByte(b[i:], '\n')
		if j < 0 {
			break
		}
		i += j
		if i == 0 || b[i-1] != '\r' {
			return 0, errBareLine
		}
	}
	return 0, nil
}

// parseFields reads field lines from b[at:] to the empty line that ends the section; b must end in CRLF CRLF, or be
// CRLF alone from at on. Every field goes to all; the ones that may travel on go to kept as well; what the others say goes to f.
func parseFields(b []byte, at int, all, kept *exchange.Fields, f *framing) error {
	for n := 0; ; n++ {
		if b[at] == '\r' && at+2 == len(b) {
			return nil
		}
		if n == FieldsMax {
			return errHeadLarge
		}
		field, next, err := parseField(b, at)
		if err != nil {
			return err
		}
		at = next
		*all = append(*all, field)
		if field.ID.HopByHop() {
			if err := f.note(field); err != nil {
				return err
			}
			continue
		}
		if field.ID == exchange.NameOther && exchange.LooksTrusted(field.Name) {
			continue
		}
		*kept = append(*kept, field)
	}
}

// parseField reads the one field line at b[at:] and returns where the next one starts.
func parseField(b []byte, at int) (exchange.Field, int, error) {
	i := at
	for classes[b[i]]&tchar != 0 {
		i++ // stops at the CR of the line at the latest
	}
	if b[i] != ':' || i == at {
		if b[at] == ' ' || b[at] == '\t' {
			return exchange.Field{}, 0, errFold
		}
		return exchange.Field{}, 0, errFieldName
	}
	name := b[at:i:i]
	i++
	for b[i] == ' ' || b[i] == '\t' {
		i++
	}
	end := i + bytes.IndexByte(b[i:], '\r')
	if b[end+1] != '\n' {
		return exchange.Field{}, 0, errBareLine
	}
	if end-at > LineBytesMax {
		return exchange.Field{}, 0, errHeadLarge
	}
	last := end
	for last > i && (b[last-1] == ' ' || b[last-1] == '\t') {
		last--
	}
	value := b[i:last:last]
	if !validValue(value) {
		return exchange.Field{}, 0, errFieldValue
	}
	return exchange.Field{ID: exchange.Intern(name), Name: name, Value: value}, end + 2, nil
}

// note takes in a field that concerns the connection or the framing.
func (f *framing) note(field exchange.Field) error {
	switch field.ID {
	case exchange.NameHost:
		f.hosts++
		f.host = field.Value
	case exchange.NameContentLength:
		if f.length >= 0 {
			return errLength
		}
		return f.noteLength(field.Value)
	case exchange.NameTransferEncoding:
		f.codings++
		f.chunked = exchange.EqualFold(field.Value, []byte("chunked"))
		if f.codings > 1 {
			return errCoding
		}
		if !f.chunked {
			return errCodingUnknown
		}
	case exchange.NameConnection:
		return f.noteConnection(field.Value)
	case exchange.NameUpgrade:
		if f.upgradeTo != nil || len(field.Value) == 0 {
			f.upgradeTo = []byte("-") // a list of protocols, or none: nothing we would switch to
			return nil
		}
		f.upgradeTo = field.Value
	case exchange.NameExpect:
		f.expects++
		f.expect100 = f.expects == 1 && exchange.EqualFold(field.Value, []byte("100-continue"))
	case exchange.NameKeepAlive:
		f.promises = true
	case exchange.NameTE:
		f.trailersOK = f.trailersOK || exchange.HasToken(field.Value, "trailers")
	}
	return nil
}

func (f *framing) noteLength(v []byte) error {
	if len(v) == 0 || len(v) > contentLengthDigitsMax {
		return errLength
	}
	var n int64
	for _, c := range v {
		if c < '0' || c > '9' {
			return errLength
		}
		n = n*10 + int64(c-'0')
	}
	f.length = n
	return nil
}

// noteConnection reads a Connection list. Names of end-to-end fields in it would make the next hop lose them: refused.
func (f *framing) noteConnection(v []byte) error {
	for len(v) > 0 {
		item := v
		if i := bytes.IndexByte(v, ','); i >= 0 {
			item, v = v[:i], v[i+1:]
		} else {
			v = nil
		}
		item = exchange.TrimOWS(item)
		if len(item) == 0 {
			continue
		}
		if err := f.noteOption(item); err != nil {
			return err
		}
	}
	return nil
}

func (f *framing) noteOption(item []byte) error {
	switch {
	case exchange.EqualFold(item, []byte("keep-alive")):
		f.keepAlive = true
		return nil
	case exchange.EqualFold(item, []byte("close")):
		f.close = true
		return nil
	}
	for _, c := range item {
		if classes[c]&tchar == 0 {
			return errConnection
		}
	}
	id := exchange.Intern(item)
	if id == exchange.NameUpgrade {
		f.upgrade = true
	}
	if id.Guarded() || id.Trust() || exchange.LooksTrusted(item) {
		return errConnection
	}
	f.named = f.named || !id.HopByHop()
	return nil
}

// dropNamed removes the fields that a Connection list of all names from kept (RFC 9110 section 7.6.1).
func dropNamed(all exchange.Fields, kept *exchange.Fields) {
	for i := range all {
		if all[i].ID != exchange.NameConnection {
			continue
		}
		for v := all[i].Value; len(v) > 0; {
			item := v
			if j := bytes.IndexByte(v, ','); j >= 0 {
				item, v = v[:j], v[j+1:]
			} else {
				v = nil
			}
			if item = exchange.TrimOWS(item); len(item) > 0 {
				if id := exchange.Intern(item); !id.HopByHop() {
					kept.DelNamed(id, item)
				}
			}
		}
	}
}
