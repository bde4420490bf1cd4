package injection

import "bytes"

// SQLi reports whether the value is SQL that was smuggled in, and by which fingerprint: what libinjection says of it.
//
// The value is read as it is, and as what comes behind a single or a double quote if it has one, in the ways of ANSI and of
// MySQL. Time is linear in the length of the value.
func SQLi(value []byte) (fingerprint Fingerprint, found bool) {
	if len(value) == 0 {
		return Fingerprint{}, false
	}
	var c checker
	c.in = value
	for _, quote := range [...]byte{0, '\''} {
		if quote != 0 && bytes.IndexByte(value, quote) < 0 {
			continue
		}
		if c.check(quote, false) || c.dialect && c.check(quote, true) {
			return c.print, true
		}
	}
	if bytes.IndexByte(value, '"') >= 0 && c.check('"', true) {
		return c.print, true
	}
	return Fingerprint{}, false
}

// checker is the work on one value.
type checker struct {
	folder
	print Fingerprint
}

// check reads the value in one context.
func (c *checker) check(quote byte, mysql bool) bool {
	n := c.fold(quote, mysql)
	if n == 0 {
		return false
	}
	vec := c.vec[:n]
	if last := &vec[n-1]; n > 2 && last.kind == bareword && last.open == '`' && last.len == 0 && last.close == 0 {
		last.kind = comment // PHP reads a lone backtick at the end so
	}
	c.print = Fingerprint{}
	node := uint16(printRoot)
	for i := range vec {
		if vec[i].kind == evil {
			c.print = Fingerprint{'X'}
			return true
		}
		if node != 0 {
			node = step(node, vec[i].kind)
		}
		if i < tokensMax {
			c.print[i] = letters[vec[i].kind]
		}
	}
	return printNodes[node].ends && c.convincing(vec)
}

// byteAt is the first byte of a token's value, 0 if it is empty.
func (c *checker) byteAt(t *token) byte {
	if t.len == 0 {
		return 0
	}
	return c.in[t.pos]
}

// convincing reports whether a value with a known fingerprint is not one of the harmless ones that look so too.
func (c *checker) convincing(vec []token) bool {
	n := len(vec)
	if n > 1 && vec[n-1].kind == comment && bytes.Contains(c.in, []byte("sp_password")) {
		return true // SQL Server leaves such statements out of its log
	}
	switch n {
	case 2:
		return c.convincingTwo(&vec[0], &vec[1])
	case 3:
		return c.convincingThree(&vec[0], &vec[1], &vec[2])
	}
	return true
}

// convincingTwo judges an operand and UNION, or an operand and a comment.
func (c *checker) convincingTwo(a, b *token) bool {
	if b.kind == union {
		return c.count != 2
	}
	begin := c.byteAt(b)
	switch {
	case begin == '#':
		return false
	case a.kind == bareword && b.kind == comment && begin != '/':
		return false
	case a.kind == number && b.kind == comment:
		return begin == '/' || c.count > 2 || c.endsNumber(int(a.len))
	case b.len > 2 && begin == '-': // text behind the dashes
		return false
	}
	return true
}

// endsNumber reports whether what stands at a place is what a comment behind a number begins with, or white space.
func (c *checker) endsNumber(at int) bool {
	if at >= len(c.in) {
		return false
	}
	rest := c.in[at:]
	return rest[0] <= ' ' || bytes.HasPrefix(rest, []byte("/*")) || bytes.HasPrefix(rest, []byte("--"))
}

// convincingThree judges two operands with an operator or a keyword between them.
func (c *checker) convincingThree(a, b, d *token) bool {
	switch pattern := [3]byte(c.print[:3]); string(pattern[:]) {
	case "sos", "s&s": // text" + "text, with both ends open
		return a.open == 0 && d.close == 0 && a.close == d.open
	case "s&n", "n&1", "1&1", "1&v", "1&s":
		if c.count == 3 {
			return false
		}
	}
	if b.kind == keyword {
		return b.traits&wordInto != 0 && same("INTO", c.in[b.pos:min(b.pos+4, len(c.in))])
	}
	return true
}
