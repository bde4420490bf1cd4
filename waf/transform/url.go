package transform

import "skerry.dev/skerry/waf/match"

var (
	maskPercent = maskOf("%")
	maskPlus    = maskOf("+")
)

// identityURL is whether neither a plus nor an escape can be in values of m.
func identityURL(m match.Mask) bool {
	return m&maskPlus == 0 && (m&maskPercent == 0 || m&hexMask == 0)
}

func outputURL(m match.Mask) match.Mask {
	if m&maskPercent != 0 && m&hexMask != 0 {
		return match.MaskAll
	}
	return m&^maskPlus | match.MaskSpace
}

func appendURLDecode(dst, in []byte) []byte    { return appendURL(dst, in, percent) }
func appendURLDecodeUni(dst, in []byte) []byte { return appendURL(dst, in, percentUni) }

// appendURL appends in with each plus replaced by a space and each escape by the byte that escape says. A percent sign that
// begins none stands for itself.
func appendURL(dst, in []byte, escape func(in []byte) (byte, int)) []byte {
	for {
		i := urlSpecial(in)
		dst = append(dst, in[:i]...)
		if i == len(in) {
			return dst
		}
		c, size := byte(' '), 1
		if in[i] == '%' {
			if c, size = escape(in[i:]); size == 0 {
				c, size = '%', 1
			}
		}
		dst = append(dst, c)
		in = in[i+size:]
	}
}

// urlSpecial is where the first plus or percent sign is, else the length.
func urlSpecial(in []byte) int {
	for i, c := range in {
		if c == '%' || c == '+' {
			return i
		}
	}
	return len(in)
}

// percent decodes %HH; size 0: it is not one.
func percent(in []byte) (c byte, size int) {
	if b, ok := hex2(in[1:]); ok {
		return b, 3
	}
	return 0, 0
}

// percentUni decodes %HH, and %uHHHH of IIS to the ASCII character that fits best, or the lower byte.
func percentUni(in []byte) (c byte, size int) {
	if len(in) < 6 || in[1]|0x20 != 'u' {
		return percent(in)
	}
	high, ok1 := hex2(in[2:])
	low, ok2 := hex2(in[4:])
	if !ok1 || !ok2 {
		return 0, 0
	}
	return bestFit(high, low), 6
}

func changedURLDecode(in []byte) bool    { return changedURL(in, percent) }
func changedURLDecodeUni(in []byte) bool { return changedURL(in, percentUni) }

func changedURL(in []byte, escape func(in []byte) (byte, int)) bool {
	for {
		i := urlSpecial(in)
		if i == len(in) {
			return false
		}
		if in[i] == '+' {
			return true
		}
		if _, size := escape(in[i:]); size > 0 {
			return true
		}
		in = in[i+1:]
	}
}

// urlKept has the bytes that urlEncode does not encode.
var (
	urlKept = func() (t [256]bool) {
		for c := range t {
			t[c] = match.MaskOfByte(byte(c))&urlKeptMask != 0
		}
		return t
	}()
	urlKeptMask = match.MaskLetters | match.MaskDigits | maskStar
)

func appendURLEncode(dst, in []byte) []byte {
	const digits = "0123456789abcdef"
	for _, c := range in {
		switch {
		case urlKept[c]:
			dst = append(dst, c)
		case c == ' ':
			dst = append(dst, '+')
		default:
			dst = append(dst, '%', digits[c>>4], digits[c&15])
		}
	}
	return dst
}

func changedURLEncode(in []byte) bool {
	for _, c := range in {
		if !urlKept[c] {
			return true
		}
	}
	return false
}

func outputURLEncode(m match.Mask) match.Mask {
	escaped := m &^ (urlKeptMask | match.MaskSpace)
	return m&urlKeptMask | ifAny(m&match.MaskSpace, maskPlus) | ifAny(escaped, maskPercent|hexMask)
}
