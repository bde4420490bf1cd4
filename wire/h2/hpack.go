package h2

import (
	"strconv"

	"golang.org/x/net/http2/hpack"

	"skerry.dev/skerry/exchange"
)

// Blocks are written without a dynamic table, as nginx and HAProxy do, and without Huffman codes, as HAProxy does: names of the
// static table by their number, everything else as it is. It costs a client bytes (a page's head of 11 fields 281, where Huffman
// codes take 216 and a table that knows it 35), and us neither memory per connection nor a search per field.

// staticNames is the number in the static table (RFC 7541 appendix A) of the interned names that stand there; 0: none does.
var staticNames = func() (t [256]uint8) {
	for number, name := range [...]string{15: "accept-charset", 16: "accept-encoding", 17: "accept-language", 18: "accept-ranges",
		19: "accept", 20: "access-control-allow-origin", 21: "age", 22: "allow", 23: "authorization", 24: "cache-control",
		25: "content-disposition", 26: "content-encoding", 27: "content-language", 28: "content-length", 29: "content-location",
		30: "content-range", 31: "content-type", 32: "cookie", 33: "date", 34: "etag", 35: "expect", 36: "expires", 37: "from",
		38: "host", 39: "if-match", 40: "if-modified-since", 41: "if-none-match", 42: "if-range", 43: "if-unmodified-since",
		44: "last-modified", 45: "link", 46: "location", 47: "max-forwards", 48: "proxy-authenticate", 49: "proxy-authorization",
		50: "range", 51: "referer", 52: "refresh", 53: "retry-after", 54: "server", 55: "set-cookie", 56: "strict-transport-security",
		57: "transfer-encoding", 58: "user-agent", 59: "vary", 60: "via", 61: "www-authenticate"} {
		if id := exchange.Intern([]byte(name)); name != "" && id != exchange.NameOther {
			t[id] = uint8(number)
		}
	}
	return
}()

// The pseudo fields' numbers in the static table.
const (
	staticAuthority  = 1
	staticGet        = 2
	staticPost       = 3
	staticPath       = 4
	staticSchemeHTTP = 6
	staticSchemeTLS  = 7
	staticStatus     = 8
	staticLength     = 28
	staticExpect     = 35
	staticDate       = 33
)

// statuses are the complete encodings of :status.
var statuses = func() (t [600][]byte) {
	for code := 100; code < len(t); code++ {
		t[code] = appendLiteral(nil, staticStatus, strconv.Itoa(code))
	}
	for number, code := range map[byte]int{8: 200, 9: 204, 10: 206, 11: 304, 12: 400, 13: 404, 14: 500} {
		t[code] = []byte{0x80 | number}
	}
	return
}()

// noTable is the update by which an encoder says that it keeps no table (RFC 7541 section 6.3): due when the peer has changed
// the size that it allows.
const noTable = 0x20

// The first bits of a literal (RFC 7541 sections 6.2.2 and 6.2.3).
const (
	literal      = 0x00
	literalNever = 0x10 // no intermediary may index it either
)

// appendInt appends an integer with a prefix of some bits (RFC 7541 section 5.1).
func appendInt(out []byte, first byte, bits uint, n int) []byte {
	most := 1<<bits - 1
	if n < most {
		return append(out, first|byte(n))
	}
	out = append(out, first|byte(most))
	for n -= most; n >= 0x80; n >>= 7 {
		out = append(out, byte(n)|0x80)
	}
	return append(out, byte(n))
}

func appendText[T string | []byte](out []byte, text T) []byte {
	return append(appendInt(out, 0, 7, len(text)), text...)
}

// appendLiteral appends a field whose name stands in the static table.
func appendLiteral[T string | []byte](out []byte, number uint8, value T) []byte {
	return appendText(appendInt(out, literal, 4, int(number)), value)
}

// appendField appends a field; capitals in its name become small letters.
func appendField(out []byte, f *exchange.Field) []byte {
	kind := byte(literal)
	switch f.ID {
	case exchange.NameSetCookie, exchange.NameCookie, exchange.NameAuthorization:
		kind = literalNever
	}
	if number := staticNames[f.ID]; number > 0 {
		return appendText(appendInt(out, kind, 4, int(number)), f.Value)
	}
	out = appendInt(append(out, kind), 0, 7, len(f.Name))
	for _, c := range f.Name {
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		out = append(out, c)
	}
	return appendText(out, f.Value)
}

// fieldList is what a header block decodes to, within the limits; beyond them it is only decoded, because the table that both
// sides keep must not get out of step.
type fieldList struct {
	fields []hpack.HeaderField
	size   int  // as RFC 9113 section 6.5.2 counts
	count  int  // fields in all
	large  bool // there was more than is kept
}

// add takes one field from the decoder.
func (l *fieldList) add(f hpack.HeaderField) {
	l.count++
	l.size += len(f.Name) + len(f.Value) + fieldOverhead
	if l.size > headerListBytes || len(l.fields) >= headerListFields {
		l.large = true
		return
	}
	l.fields = append(l.fields, f)
}

func (l *fieldList) clear() {
	if cap(l.fields) > FieldsMax { // a rare head's
		l.fields = nil
	}
	clear(l.fields)
	l.fields, l.size, l.count, l.large = l.fields[:0], 0, 0, false
}
