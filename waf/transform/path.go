package transform

import (
	"bytes"

	"skerry.dev/skerry/waf/match"
)

func appendPath(dst, in []byte) []byte { return appendClean(dst, in, false) }

// appendClean appends the path in without empty and . segments, and with .. segments resolved: above the root they are
// nothing, before a relative path they stay. The root alone, and a slash at the end, are kept; a path to nowhere is empty.
// With windows a backslash is a slash too. A .. only goes over what was written since, so that the work is linear.
func appendClean(dst, in []byte, windows bool) []byte {
	if len(in) == 0 {
		return dst
	}
	base := len(dst)
	rooted := isSeparator(in[0], windows)
	if rooted {
		dst = append(dst, '/')
	}
	first, floor := len(dst), len(dst) // where segments begin, and what .. cannot remove ends
	for len(in) > 0 {
		n := segment(in, windows)
		switch s := in[:n]; {
		case n == 0 || n == 1 && s[0] == '.':
		case n == 2 && s[0] == '.' && s[1] == '.':
			if len(dst) > floor {
				dst = dst[:floor+max(0, bytes.LastIndexByte(dst[floor:], '/'))]
			} else if !rooted {
				dst = appendSegment(dst, s, first)
				floor = len(dst)
			}
		default:
			dst = appendSegment(dst, s, first)
		}
		if n == len(in) {
			return dst
		}
		in = in[n+1:]
	}
	if last := len(dst) - 1; last >= base && dst[last] != '/' { // in ends with a slash
		dst = append(dst, '/')
	}
	return dst
}

// appendSegment appends a segment, behind a slash if one is there already.
func appendSegment(dst, s []byte, first int) []byte {
	if len(dst) > first {
		dst = append(dst, '/')
	}
	return append(dst, s...)
}

func isSeparator(c byte, windows bool) bool { return c == '/' || windows && c == '\\' }

// segment is how long the first segment of in is.
func segment(in []byte, windows bool) int {
	if !windows {
		if n := bytes.IndexByte(in, '/'); n >= 0 {
			return n
		}
		return len(in)
	}
	for i, c := range in {
		if c == '/' || c == '\\' {
			return i
		}
	}
	return len(in)
}

// changedPath reports whether a segment is empty (not the first or last one) or ., or .. after another one.
func changedPath(in []byte) bool {
	up := true // only .. came until now, in a relative path
	for start := true; len(in) > 0; start = false {
		n := segment(in, false)
		s := in[:n]
		switch {
		case n == 0 && !start, n == 1 && s[0] == '.', n == 2 && s[0] == '.' && s[1] == '.' && !up:
			return true
		case n != 2 || s[0] != '.' || s[1] != '.':
			up = false
		}
		if n == len(in) {
			return false
		}
		in = in[n+1:]
	}
	return false
}

// appendPathWin is normalizePath for Windows, which takes backslashes, drops a stream's name behind a file's (file.txt:s,
// file.txt::$DATA) and the dots and spaces at the end of each segment.
func appendPathWin(dst, in []byte) []byte {
	base := len(dst)
	dst = appendClean(dst, in, true)
	out := dst[base:]
	if at, end := stream(out); at < end {
		out = append(out[:at], out[end:]...)
	}
	return dst[:base+trimSegments(out)]
}

// stream is the place of a stream's name in a clean path: from the first colon of its last segment to its end. A drive's
// colon (C:) does not count, nor does a slash at the end.
func stream(path []byte) (at, end int) {
	end = len(path)
	start := 0
	if end > 1 && path[1] == ':' && match.MaskOfByte(path[0])&match.MaskLetters != 0 {
		start = 2
	}
	if end > start && path[end-1] == '/' {
		end--
	}
	if slash := bytes.LastIndexByte(path[start:end], '/'); slash >= 0 {
		start += slash + 1
	}
	if colon := bytes.IndexByte(path[start:end], ':'); colon >= 0 {
		return start + colon, end
	}
	return end, end
}

// trimSegments takes dots and spaces from the end of each segment of path, in place, and segments that consist of them; but
// not those of dots alone, nor empty ones. It returns the new length.
func trimSegments(path []byte) int {
	n, wrote := 0, false
	for rest := path; ; {
		size := segment(rest, false)
		s := rest[:size]
		kept := trimmed(s)
		if len(kept) > 0 || size == 0 {
			if wrote {
				path[n] = '/'
				n++
			}
			n += copy(path[n:], kept)
			wrote = true
		}
		if size == len(rest) {
			return n
		}
		rest = rest[size+1:]
	}
}

// trimmed is a segment as Windows opens it.
func trimmed(s []byte) []byte {
	end := len(s)
	dots := true
	for ; end > 0 && (s[end-1] == '.' || s[end-1] == ' '); end-- {
		dots = dots && s[end-1] == '.'
	}
	if end == 0 && dots {
		return s
	}
	return s[:end]
}

func changedPathWin(in []byte) bool {
	if hasBackslash(in) || changedPath(in) {
		return true
	}
	if at, end := stream(in); at < end {
		return true
	}
	for len(in) > 0 {
		n := segment(in, false)
		if len(trimmed(in[:n])) != n {
			return true
		}
		if n == len(in) {
			break
		}
		in = in[n+1:]
	}
	return false
}

func outputPathWin(m match.Mask) match.Mask {
	return m&^backslash | ifAny(m&backslash, maskSlash)
}
