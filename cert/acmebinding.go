package cert

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"github.com/mholt/acmez/v3/acme"
)

// Binding is what a CA has given to a customer, to bind an account of ACME to (RFC 8555 section 7.3.4).
type Binding struct{ eab acme.EAB }

// ParseBinding reads KEYID:KEY, the key in base64url as CAs give it, with or without its padding. The errors hold none of it.
func ParseBinding(text []byte) (Binding, error) {
	whole := strings.TrimSpace(string(text))
	colon := strings.LastIndexByte(whole, ':')
	if colon < 0 {
		return Binding{}, errors.New("it is not of the form KEYID:KEY")
	}
	id, key := whole[:colon], strings.TrimRight(whole[colon+1:], "=")
	if !printable(id, bindingIDBytesMax) {
		return Binding{}, fmt.Errorf("its KEYID is not of 1 to %d printable ASCII characters", bindingIDBytesMax)
	}
	if raw, err := base64.RawURLEncoding.DecodeString(key); err != nil || len(raw) < bindingBytesMin {
		return Binding{}, fmt.Errorf("its KEY is not base64url of at least %d bytes", bindingBytesMin)
	}
	return Binding{acme.EAB{KeyID: id, MACKey: key}}, nil
}

// printable reports whether a text is of 1 to so many characters of ASCII that are seen.
func printable(text string, most int) bool {
	return text != "" && len(text) <= most && !strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r > '~' })
}
