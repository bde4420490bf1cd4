package transform

import (
	"bytes"
	"encoding/hex"

	"skerry.dev/skerry/waf/match"
)

// isHex reports whether in is hexadecimal: digits in pairs, and nothing else. Only then hexDecode decodes.
func isHex(in []byte) bool {
	if len(in) == 0 || len(in)%2 != 0 {
		return false
	}
	for _, c := range in {
		if hexValue[c] > 15 {
			return false
		}
	}
	return true
}

func appendHexDecode(dst, in []byte) []byte {
	if !isHex(in) {
		return append(dst, in...)
	}
	return appendHexPairs(dst, in)
}

func appendHexPairs(dst, in []byte) []byte {
	for i := 0; i+1 < len(in); i += 2 {
		dst = append(dst, hexValue[in[i]]<<4|hexValue[in[i+1]])
	}
	return dst
}

func appendHexEncode(dst, in []byte) []byte { return hex.AppendEncode(dst, in) }
func outputHexEncode(match.Mask) match.Mask { return hexMask }
func identitySQLHex(m match.Mask) bool      { return m&match.MaskDigits == 0 || m&maskX == 0 }
func changedSQLHex(in []byte) bool          { start, _ := sqlHex(in); return start >= 0 }

var maskX = maskOf("x")

// appendSQLHex decodes the numbers of SQL that stand for text: 0x414243 is ABC. An odd digit at the end is kept.
func appendSQLHex(dst, in []byte) []byte {
	for {
		start, end := sqlHex(in)
		if start < 0 {
			return append(dst, in...)
		}
		dst = append(dst, in[:start]...)
		dst = appendHexPairs(dst, in[start+2:end])
		in = in[end:]
	}
}

// sqlHex finds the first 0x with a pair of hexadecimal digits, and the end of its last pair; -1: there is none.
func sqlHex(in []byte) (start, end int) {
	for i := 0; i+3 < len(in); i++ {
		x := bytes.IndexByte(in[i:], '0')
		if x < 0 {
			break
		}
		if i += x; i+3 >= len(in) || in[i+1]|0x20 != 'x' {
			continue
		}
		end = i + 2
		for {
			if _, ok := hex2(in[end:]); !ok {
				break
			}
			end += 2
		}
		if end > i+2 {
			return i, end
		}
	}
	return -1, 0
}
