package transform

import "skerry.dev/skerry/waf/match"

// What cmdLine does with a byte.
const (
	cmdKeep  = iota // lower case
	cmdDrop         // what shells drop inside words: quotes, escapes
	cmdSpace        // what separates words: one space for a run of them
	cmdJoin         // no space before it
)

var cmdByte = func() (t [256]byte) {
	for _, c := range []byte(`\"'^`) {
		t[c] = cmdDrop
	}
	for _, c := range []byte(" ,;\t\r\n") {
		t[c] = cmdSpace
	}
	t['/'], t['('] = cmdJoin, cmdJoin
	return t
}()

// cmdLineMask has the classes that cmdLine may change, beside letters.
var cmdLineMask = maskOf(`\"'^,;`) | spaceMask

func appendCmdLine(dst, in []byte) []byte {
	all, out := room(dst, len(in))
	n := 0
	space := false // a space was written last
	for _, c := range in {
		switch cmdByte[c] {
		case cmdKeep:
			out[n] = lowerByte[c]
			n++
			space = false
		case cmdSpace:
			if !space {
				out[n] = ' '
				n++
				space = true
			}
		case cmdJoin:
			if space {
				n--
				space = false
			}
			out[n] = c
			n++
		}
	}
	return all[:len(dst)+n]
}

func changedCmdLine(in []byte) bool {
	for i, c := range in {
		switch cmdByte[c] {
		case cmdKeep:
			if lowerByte[c] != c {
				return true
			}
		case cmdDrop:
			return true
		case cmdSpace:
			if c != ' ' || i+1 < len(in) && cmdByte[in[i+1]] >= cmdSpace {
				return true
			}
		}
	}
	return false
}

func outputCmdLine(m match.Mask) match.Mask {
	return m&^maskOf(`\"'^,;`) | ifAny(m&(spaceMask|maskOf(",;")), match.MaskSpace)
}
