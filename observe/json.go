package observe

import (
	"strconv"
	"time"
	"unicode/utf8"
)

// text is what can be logged without a conversion that allocates.
type text interface{ ~string | ~[]byte }

// ellipsis ends a value that was cut.
const ellipsis = "…"

// field appends `,"name":"value"`, cut to limit bytes of value; head is `,"name":"`. Empty values are left out.
func field[T text](b []byte, head string, value T, limit int) []byte {
	if len(value) == 0 { // so often that it is looked at in the caller, where this half is inlined
		return b
	}
	return member(b, head, value, limit)
}

func member[T text](b []byte, head string, value T, limit int) []byte {
	b = append(b, head...)
	if len(value) <= limit {
		return append(escape(b, value), '"')
	}
	b = escape(b, value[:cut(value, limit)])
	return append(append(b, ellipsis...), '"')
}

// cut returns the place at or just before limit where no UTF-8 sequence is split.
func cut[T text](value T, limit int) int {
	for n := limit; n > limit-utf8.UTFMax && n > 0; n-- {
		if utf8.RuneStart(value[n]) {
			return n
		}
	}
	return limit // not UTF-8: any place is as good
}

// special is 1 for the bytes that do not stand for themselves in a JSON string.
var special = func() (t [256]byte) {
	for i := range t {
		if i < 0x20 || i >= utf8.RuneSelf || i == '"' || i == '\\' {
			t[i] = 1
		}
	}
	return
}()

// ordinary returns how many bytes at the beginning of value stand for themselves, rounded down to eight unless all do: eight
// looks and one branch cost half of eight of each.
func ordinary[T text](value T) int {
	i := 0
	for ; i+8 <= len(value); i += 8 {
		v := value[i : i+8]
		if special[v[0]]|special[v[1]]|special[v[2]]|special[v[3]]|special[v[4]]|special[v[5]]|special[v[6]]|special[v[7]] != 0 {
			return i
		}
	}
	for k := i; k < len(value); k++ {
		if special[value[k]] != 0 {
			return i
		}
	}
	return len(value)
}

const hexDigits = "0123456789abcdef"

// escape appends value as the inside of a JSON string (RFC 8259 section 7). Each byte that is not part of valid UTF-8
// becomes \ufffd, because a log reader must be able to parse whatever a client sent.
func escape[T text](b []byte, value T) []byte {
	start := 0
	for i := ordinary(value); i < len(value); {
		c := value[i]
		if special[c] == 0 {
			i++
			continue
		}
		if c >= utf8.RuneSelf {
			if n := runeLen(value, i); n > 0 {
				i += n
				continue
			}
		}
		b = append(b, value[start:i]...)
		b = escapeByte(b, c)
		i++
		start = i
	}
	return append(b, value[start:]...)
}

func escapeByte(b []byte, c byte) []byte {
	switch c {
	case '"', '\\':
		return append(b, '\\', c)
	case '\n':
		return append(b, '\\', 'n')
	case '\r':
		return append(b, '\\', 'r')
	case '\t':
		return append(b, '\\', 't')
	}
	if c >= utf8.RuneSelf {
		return append(b, `\ufffd`...)
	}
	return append(b, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
}

// runeLen returns the length of the valid UTF-8 sequence at i, 0 if there is none.
func runeLen[T text](value T, i int) int {
	var seq [utf8.UTFMax]byte
	r, n := utf8.DecodeRune(seq[:copy(seq[:], value[i:])])
	if r == utf8.RuneError && n < 2 {
		return 0
	}
	return n
}

// milliseconds appends a duration with three decimals; a clock that went backwards counts as 0.
func milliseconds(b []byte, d time.Duration) []byte {
	us := max(d.Microseconds(), 0)
	b = strconv.AppendInt(b, us/1000, 10)
	frac := us % 1000
	return append(b, '.', byte('0'+frac/100), byte('0'+frac/10%10), byte('0'+frac%10))
}

// stamp formats times; consecutive exchanges mostly share their second, so it keeps the last one formatted.
type stamp struct {
	second int64
	text   []byte // "2006-01-02T15:04:05."
}

func (s *stamp) append(b []byte, t time.Time) []byte {
	if sec := t.Unix(); sec != s.second || s.text == nil {
		s.second, s.text = sec, t.UTC().AppendFormat(s.text[:0], "2006-01-02T15:04:05.")
	}
	ms := t.Nanosecond() / int(time.Millisecond)
	b = append(b, s.text...)
	return append(b, byte('0'+ms/100), byte('0'+ms/10%10), byte('0'+ms%10), 'Z')
}
