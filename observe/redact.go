package observe

import "bytes"

// redact appends value as the inside of a JSON string, with "…" in place of what the parameters that look secret hold.
// A parameter begins after &, ;, ? or # and its name ends at =; inParams says that the first one begins with value itself. The
// value of a secret parameter goes up to the next &, so that one which holds one of the others is hidden whole.
func redact(b, value []byte, inParams bool) []byte {
	start := 0 // of what is not yet written
	for from := 0; ; {
		equals := bytes.IndexByte(value[from:], '=')
		if equals < 0 {
			return escape(b, value[start:])
		}
		equals += from
		name := equals
		for name > from && !separates(value[name-1]) {
			name--
		}
		// After another = in place of a separator this one stands within a value.
		begins := name == 0 && inParams || name > 0 && separates(value[name-1])
		if !begins || !secret(value[name:equals]) {
			from = equals + 1
			continue
		}
		b = append(escape(b, value[start:equals+1]), ellipsis...)
		end := bytes.IndexByte(value[equals:], '&')
		if end < 0 {
			return b
		}
		from, start = equals+end, equals+end
	}
}

func separates(c byte) bool { return c == '&' || c == ';' || c == '?' || c == '#' }

// redacted is field for a value with parameters.
func redacted(b []byte, head string, value []byte, limit int, inParams bool) []byte {
	if len(value) == 0 {
		return b
	}
	b = append(b, head...)
	if len(value) <= limit {
		return append(redact(b, value, inParams), '"')
	}
	b = redact(b, value[:cut(value, limit)], inParams)
	if !bytes.HasSuffix(b, []byte(ellipsis)) {
		b = append(b, ellipsis...)
	}
	return append(b, '"')
}

// secret reports whether the value of a parameter of this name must not be written. Names are compared without regard to
// case, to percent-codes and to everything that is no letter or digit, so that api_key, apiKey and api%5Fkey are one. A name
// longer than any honest one is secret.
func secret(name []byte) bool {
	var folded [secretNameBytesMax]byte
	n := 0
	for i := 0; i < len(name); i++ {
		c := name[i]
		if c == '%' && i+2 < len(name) {
			if high, low := unhex(name[i+1]), unhex(name[i+2]); high|low < 16 {
				c = high<<4 | low
				i += 2
			}
		}
		switch {
		case 'A' <= c && c <= 'Z':
			c += 'a' - 'A'
		case 'a' <= c && c <= 'z', '0' <= c && c <= '9':
		default:
			continue
		}
		if n == len(folded) {
			return true
		}
		folded[n] = c
		n++
	}
	return secretName(folded[:n]) || secretEnding(folded[:n])
}

// secretName lists the names that are secret as a whole: the endings of others (zip_code, sort_key) are ordinary words.
func secretName(name []byte) bool {
	switch string(name) {
	case "auth", "authorization", "code", "credentials", "jwt", "key", "otp", "pass", "passphrase", "pin", "pwd", "session", "sid", "sig":
		return true
	}
	return false
}

// secretEnding lists what a secret name may end with, by its last letter: access_token, client_secret, X-Amz-Signature,
// user[password], PHPSESSID.
func secretEnding(name []byte) bool {
	if len(name) == 0 {
		return false
	}
	ends := func(s string) bool { return len(name) >= len(s) && string(name[len(name)-len(s):]) == s }
	switch name[len(name)-1] {
	case 'd':
		return ends("password") || ends("passwd") || ends("sessionid") || ends("sessid")
	case 'e':
		return ends("signature")
	case 'l':
		return ends("credential")
	case 'n':
		return ends("token")
	case 't':
		return ends("secret")
	case 'y':
		return ends("apikey") || ends("accesskey") || ends("privatekey") || ends("secretkey")
	}
	return false
}

// unhex returns the value of a hexadecimal digit, 0xff for another byte.
func unhex(c byte) byte {
	switch {
	case '0' <= c && c <= '9':
		return c - '0'
	case 'a' <= c|0x20 && c|0x20 <= 'f':
		return c | 0x20 - 'a' + 10
	}
	return 0xff
}
