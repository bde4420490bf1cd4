package transform

import (
	"bytes"

	"skerry.dev/skerry/waf/match"
)

// Classes that comments are made of.
var (
	maskSlash     = maskOf("/")
	maskStar      = maskOf("*")
	maskDashHash  = maskOf("-#")
	maskMarkupTag = maskOf("<!-")
)

// identityCComments is whether no /* and no */ can be in values of m.
func identityCComments(m match.Mask) bool { return m&maskSlash == 0 || m&maskStar == 0 }

func identityComments(m match.Mask) bool { return m&maskDashHash == 0 && identityCComments(m) }

// mayComment has the bytes at which a comment's mark may begin.
var mayComment = func() (t [256]bool) {
	for _, c := range []byte("/*<-#") {
		t[c] = true
	}
	return t
}()

// mark is how long the mark of a comment at the front of in is; 0: there is none.
func mark(in []byte) int {
	two := len(in) > 1
	switch in[0] {
	case '#':
		return 1
	case '/':
		if two && in[1] == '*' {
			return 2
		}
	case '*':
		if two && in[1] == '/' {
			return 2
		}
	case '<':
		if len(in) > 3 && in[1] == '!' && in[2] == '-' && in[3] == '-' {
			return 4
		}
	case '-':
		if two && in[1] == '-' {
			if len(in) > 2 && in[2] == '>' {
				return 3
			}
			return 2
		}
	}
	return 0
}

// nextMark finds the first mark that a comment begins with, or ends with if ends is set. Its size is 0 if there is none.
func nextMark(in []byte, ends bool) (at, size int) {
	for i, c := range in {
		if !mayComment[c] || c == '*' && !ends {
			continue
		}
		if n := mark(in[i:]); n > 0 {
			return i, n
		}
	}
	return len(in), 0
}

func hasComment(in []byte) bool     { _, n := nextMark(in, false); return n > 0 }
func hasCommentChar(in []byte) bool { _, n := nextMark(in, true); return n > 0 }
func hasCComment(in []byte) bool    { return bytes.Contains(in, cOpen) }

var (
	cOpen  = []byte("/*")
	cClose = []byte("*/")
)

// appendNoComments leaves out comments between /* or <!-- and */ or -->, and everything behind -- or #. The byte behind a
// comment is taken as it is, a NUL at the end; a comment that does not end is a space: so do ModSecurity and Coraza.
func appendNoComments(dst, in []byte) []byte {
	for {
		at, size := nextMark(in, false)
		dst = append(dst, in[:at]...)
		if size == 0 || in[at] == '-' || in[at] == '#' {
			return dst
		}
		in = in[at+size:]
		end := commentEnd(in)
		switch {
		case end < 0:
			return append(dst, ' ')
		case end == len(in):
			return append(dst, 0)
		}
		dst, in = append(dst, in[end]), in[end+1:]
	}
}

// commentEnd is where the first */ or --> of in ends; -1: there is none.
func commentEnd(in []byte) int {
	for i, c := range in {
		if c == '*' && mark(in[i:]) == 2 {
			return i + 2
		}
		if c == '-' && mark(in[i:]) == 3 {
			return i + 3
		}
	}
	return -1
}

// appendNoCommentsChar leaves out the marks of comments: /* */ <!-- --> -- and #.
func appendNoCommentsChar(dst, in []byte) []byte {
	for {
		at, size := nextMark(in, true)
		dst = append(dst, in[:at]...)
		if size == 0 {
			return dst
		}
		in = in[at+size:]
	}
}

// appendReplacedComments puts a space for each comment of C, also for one that does not end.
func appendReplacedComments(dst, in []byte) []byte {
	for {
		i := bytes.Index(in, cOpen)
		if i < 0 {
			return append(dst, in...)
		}
		dst = append(append(dst, in[:i]...), ' ')
		in = in[i+2:]
		if i = bytes.Index(in, cClose); i < 0 {
			return dst
		}
		in = in[i+2:]
	}
}

func outputNoComments(m match.Mask) match.Mask {
	if identityCComments(m) && m&maskMarkupTag != maskMarkupTag {
		return m
	}
	return m | match.MaskSpace | match.MaskNUL
}

func outputNoCommentsChar(m match.Mask) match.Mask { return m &^ maskOf("#") }

func outputReplacedComments(m match.Mask) match.Mask { return m | match.MaskSpace }
