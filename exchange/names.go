package exchange

import "bytes"

//go:generate go run ./namesgen

// NameID is the number of an interned header name; NameOther is every name that has none.
type NameID uint8

// nameProp is a set of properties of a header name; names.txt explains them.
type nameProp uint8

const (
	propHop nameProp = 1 << iota
	propGuard
	propTrust
	propOnce
	propNotrailer
)

// String returns the canonical spelling, empty for NameOther.
func (id NameID) String() string { return nameTexts[id] }

// Bytes returns the canonical spelling; it must not be changed.
func (id NameID) Bytes() []byte { return nameBytes[id] }

// HopByHop reports whether the field is never forwarded as it came (RFC 9110 section 7.6.1).
func (id NameID) HopByHop() bool { return nameProps[id]&propHop != 0 }

// Guarded reports whether a Connection list may not name the field.
func (id NameID) Guarded() bool { return nameProps[id]&propGuard != 0 }

// Trust reports whether only the edge may say it.
func (id NameID) Trust() bool { return nameProps[id]&propTrust != 0 }

// NotInTrailer reports whether the field is refused in a trailer section (RFC 9110 section 6.5.1).
func (id NameID) NotInTrailer() bool { return nameProps[id]&propNotrailer != 0 }

// Intern returns the number of a name, compared without case.
func Intern(name []byte) NameID {
	n := len(name)
	if n == 0 {
		return NameOther
	}
	h := (uint32(n)*mulLen + uint32(lower[name[0]])*mulFirst + uint32(lower[name[n/2]])*mulMiddle + uint32(lower[name[n*3/4]])*mulThird + uint32(lower[name[n-1]])*mulLast) % nameSlots
	// Most clients write names as the standards do, and comparing whole words is quicker than letter by letter.
	if id := nameSlot[h]; id != NameOther && (string(name) == nameTexts[id] || EqualFold(name, nameBytes[id])) {
		return id
	}
	return NameOther
}

var nameBytes = func() (t [nameCount][]byte) {
	for i, s := range nameTexts {
		t[i] = []byte(s)
	}
	return
}()

// LooksTrusted reports whether a name is, for a program that takes '_' for '-' (as CGI does), one of the names that
// frame a message or say who the client is.
func LooksTrusted(name []byte) bool {
	if bytes.IndexByte(name, '_') < 0 {
		return false
	}
	var b [32]byte
	if len(name) > len(b) {
		return false // no guarded name is as long
	}
	n := copy(b[:], name)
	for i := range b[:n] {
		if b[i] == '_' {
			b[i] = '-'
		}
	}
	id := Intern(b[:n])
	return id.Guarded() || id.Trust() || id.HopByHop()
}
