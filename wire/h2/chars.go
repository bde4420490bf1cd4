package h2

// class is a set of properties of a byte.
type class uint8

const (
	tchar     class = 1 << iota // RFC 9110 section 5.6.2
	smallChar                   // tchar but capitals: field names of HTTP/2
	target                      // allowed in a request target: visible ASCII but '#'
	control                     // not allowed in a field value (RFC 9110 section 5.5)
)

var classes = func() (t [256]class) {
	for c := '0'; c <= '9'; c++ {
		t[c] |= tchar | smallChar
	}
	for c := 'a'; c <= 'z'; c++ {
		t[c] |= tchar | smallChar
		t[c-'a'+'A'] |= tchar
	}
	for _, c := range "!#$%&'*+-.^_`|~" {
		t[c] |= tchar | smallChar
	}
	for c := 0x21; c <= 0x7e; c++ {
		if c != '#' {
			t[c] |= target
		}
	}
	for c := range 0x20 {
		if c != '\t' {
			t[c] |= control
		}
	}
	t[0x7f] |= control
	return
}()

// allSmall reports whether a text is a field name of HTTP/2.
func allSmall(name string) bool {
	for i := range len(name) {
		if classes[name[i]]&smallChar == 0 {
			return false
		}
	}
	return len(name) > 0
}

// all reports whether every byte of a text that is not empty is of a class.
func all(text []byte, of class) bool {
	for _, c := range text {
		if classes[c]&of == 0 {
			return false
		}
	}
	return len(text) > 0
}

// validValue reports whether a field value holds no control character but the tab, and no white space around it.
func validValue(v []byte) bool {
	for _, c := range v {
		if classes[c]&control != 0 {
			return false
		}
	}
	return len(v) == 0 || !blank(v[0]) && !blank(v[len(v)-1])
}

func blank(c byte) bool { return c == ' ' || c == '\t' }
