package transform

// bestFit is the ASCII character that Windows' code page 20127 has for the character whose number is high<<8|low (section
// 20127 of ModSecurity's unicode.mapping), or narrow's.
func bestFit(high, low byte) byte {
	code := uint16(high)<<8 | uint16(low)
	switch {
	case code >= fitLatinFirst && int(code-fitLatinFirst) < len(fitLatin):
		if c := fitLatin[code-fitLatinFirst]; c != fitNone {
			return c
		}
	case code >= 0x0261 && code <= 0x2122:
		if c := fitOther(code); c != 0 {
			return c
		}
	}
	return narrow(high, low)
}

const (
	fitLatinFirst = 0x00A0
	fitNone       = '_'
	// fitLatin has the characters for U+00A0 to U+01F0, 16 a line.
	fitLatin = " !c_$Y|__Ca<_-R_" +
		"__23___.,1o>____" +
		"AAAAAAACEEEEIIII" +
		"DNOOOOO_OUUUUY__" +
		"aaaaaaaceeeeiiii" +
		"_nooooo_ouuuuy_y" +
		"AaAaAaCcCcCcCcDd" +
		"DdEeEeEeEeEeGgGg" +
		"GgGgHhHhIiIiIiIi" +
		"Ii__JjKk_LlLlLl_" +
		"_LlNnNnNn___OoOo" +
		"OoOoRrRrRrSsSsSs" +
		"SsTtTtTtUuUuUuUu" +
		"UuUuWwYyYZ_ZzZz_" +
		"b________D______" +
		"_Ff____I__l____O" +
		"Oo_________t__TU" +
		"u_____z_________" +
		"_____________AaI" +
		"iOoUuUuUuUuUu_Aa" +
		"____GgGgKkOoOo__" +
		"j"
)

// fitOther is the character for those of other blocks; 0: there is none.
func fitOther(code uint16) byte {
	switch code {
	case 0x0261:
		return 'g'
	case 0x02B9, 0x02BC, 0x02C8, 0x2018, 0x2019, 0x2032:
		return '\''
	case 0x02BA, 0x030E, 0x201C, 0x201D, 0x201E:
		return '"'
	case 0x02C4, 0x02C6, 0x0302:
		return '^'
	case 0x02CB, 0x0300, 0x2035:
		return '`'
	case 0x02CD, 0x0331, 0x0332:
		return '_'
	case 0x02DC, 0x0303:
		return '~'
	case 0x2000, 0x2001, 0x2002, 0x2003, 0x2004, 0x2005, 0x2006:
		return ' '
	case 0x2010, 0x2011, 0x2013, 0x2014:
		return '-'
	case 0x201A:
		return ','
	case 0x2022, 0x2026:
		return '.'
	case 0x2039:
		return '<'
	case 0x203A:
		return '>'
	case 0x2122:
		return 'T'
	}
	return 0
}
