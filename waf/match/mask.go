package match

// Mask is a set of the 64 classes of bytes: which kinds of bytes are in a value. Both cases of a letter are one class, and
// so are the digits; each punctuation mark is its own.
type Mask uint64

// The classes that are not a letter or a punctuation mark, whose masks MaskOfByte gives.
const (
	MaskLetters Mask = 1<<26 - 1
	MaskDigits  Mask = 1 << 26
	MaskPunct   Mask = (1<<32 - 1) << 27
	MaskSpace   Mask = 1 << 59 // 0x20
	MaskWhite   Mask = 1 << 60 // tab, line feed, vertical tab, form feed, carriage return
	MaskNUL     Mask = 1 << 61
	MaskControl Mask = 1 << 62 // the other control characters, DEL included
	MaskHigh    Mask = 1 << 63 // 0x80 and above
	MaskAll     Mask = 1<<64 - 1
)

// maskOf is the class of each byte.
var maskOf = func() (t [256]Mask) {
	punct := Mask(1 << 27)
	for c := range 256 {
		switch b := byte(c); {
		case b >= 'a' && b <= 'z':
			t[c] = 1 << (b - 'a')
		case b >= 'A' && b <= 'Z':
			t[c] = 1 << (b - 'A')
		case b >= '0' && b <= '9':
			t[c] = MaskDigits
		case b == ' ':
			t[c] = MaskSpace
		case b >= '\t' && b <= '\r':
			t[c] = MaskWhite
		case b == 0:
			t[c] = MaskNUL
		case b >= 0x80:
			t[c] = MaskHigh
		case b < ' ' || b == 0x7f:
			t[c] = MaskControl
		default:
			t[c], punct = punct, punct<<1
		}
	}
	return t
}()

// MaskOfByte is the class of one byte.
func MaskOfByte(c byte) Mask { return maskOf[c] }

// MaskOf is the set of the classes in value.
func MaskOf(value []byte) Mask {
	var m Mask
	for _, c := range value {
		m |= maskOf[c]
	}
	return m
}
