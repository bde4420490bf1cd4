package waftest

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"math/rand/v2"
	"net/url"
	"slices"
	"strings"
	"unicode"
)

// Mutate returns a request that carries something of r elsewhere or otherwise: a payload is taken out of its query, body,
// cookies, headers or path, changed up to three times (encoded again, cut, doubled, its case changed, NUL, white space,
// comments or letters of Unicode put in), and put into an argument, a header, a cookie, the path, JSON, a part of
// multipart/form-data, or XML. Now and then the message is broken instead: a body cut short, a header doubled, another
// content type.
//
// The same source gives the same request. r is not changed, and shares no memory with the result that either would write.
func Mutate(rng *rand.Rand, r Request) Request {
	if rng.IntN(8) == 0 {
		return broken(rng, r)
	}
	p := pick(rng, payloads(r))
	for range rng.IntN(mutationsMax + 1) {
		p = pick(rng, changes)(rng, p)
	}
	if len(p) > payloadBytesMax {
		p = p[:payloadBytesMax]
	}
	return pick(rng, places)(rng, r, p)
}

func pick[T any](rng *rand.Rand, of []T) T { return of[rng.IntN(len(of))] }

// payloads returns what an attack can be in, decoded once where the place is encoded.
func payloads(r Request) (found []string) {
	path, query, _ := strings.Cut(r.URI, "?")
	found = append(found, unescape(path))
	form := func(s string) {
		for f := range strings.SplitSeq(s, "&") {
			name, value, _ := strings.Cut(f, "=")
			found = append(found, unescape(value))
			if name != "" && len(value) == 0 {
				found = append(found, unescape(name))
			}
		}
	}
	if query != "" {
		form(query)
	}
	if len(r.Body) > 0 {
		if strings.Contains(strings.ToLower(r.Header("Content-Type")), "urlencoded") {
			form(string(r.Body))
		} else {
			found = append(found, string(r.Body))
		}
	}
	for _, h := range r.Headers {
		switch strings.ToLower(h[0]) {
		case "host", "content-length", "connection", "accept", "accept-language", "accept-encoding": // never the attack
		case "cookie":
			_, value, _ := strings.Cut(h[1], "=")
			found = append(found, value)
		default:
			found = append(found, h[1])
		}
	}
	return slices.DeleteFunc(found, func(p string) bool { return p == "" && len(found) > 1 })
}

// unescape decodes a component if it can be, and leaves it as it is otherwise.
func unescape(s string) string {
	if d, err := url.QueryUnescape(s); err == nil {
		return d
	}
	return s
}

// changes are the ways of writing a payload otherwise.
var changes = []func(*rand.Rand, string) string{
	func(_ *rand.Rand, p string) string { return url.QueryEscape(p) },
	func(_ *rand.Rand, p string) string { return eachByte(p, "%%%02x") },
	func(_ *rand.Rand, p string) string { return eachByte(p, "%%u%04x") },
	func(_ *rand.Rand, p string) string { return eachByte(p, `\x%02x`) },
	func(_ *rand.Rand, p string) string { return eachByte(p, `\u%04x`) },
	func(_ *rand.Rand, p string) string { return eachByte(p, "&#x%x;") },
	func(_ *rand.Rand, p string) string { return eachByte(p, "&#%d") },
	func(_ *rand.Rand, p string) string { return base64.StdEncoding.EncodeToString([]byte(p)) },
	func(rng *rand.Rand, p string) string { return p[:rng.IntN(len(p)+1)] },
	func(rng *rand.Rand, p string) string { return p[rng.IntN(len(p)+1):] },
	func(_ *rand.Rand, p string) string { return p + p },
	func(_ *rand.Rand, p string) string { return strings.ToUpper(p) },
	func(rng *rand.Rand, p string) string {
		return strings.Map(func(r rune) rune {
			if rng.IntN(2) == 0 {
				return unicode.ToUpper(r)
			}
			return unicode.ToLower(r)
		}, p)
	},
	func(_ *rand.Rand, p string) string { return strings.ReplaceAll(p, " ", "/**/") },
	func(rng *rand.Rand, p string) string {
		return strings.ReplaceAll(p, " ", pick(rng, []string{"\t", "\n", "\v", "\f", "\u00a0", "\u2003", "  "}))
	},
	func(_ *rand.Rand, p string) string {
		return strings.NewReplacer("s", "\u017f", "k", "\u212a", "'", "\u2019", "<", "\uff1c", "/", "\u2215").Replace(p)
	},
	func(rng *rand.Rand, p string) string {
		return insert(rng, p, pick(rng, []string{"\x00", "\\", "'", `"`, "^", "\r\n", "\xc0\xaf", "\xff", "%00", "{{", "<!--", "é", "😀"}))
	},
	func(rng *rand.Rand, p string) string {
		if len(p) == 0 {
			return p
		}
		b := []byte(p)
		b[rng.IntN(len(b))] = byte(rng.UintN(256))
		return string(b)
	},
}

func eachByte(p, format string) string {
	var b strings.Builder
	for i := range min(len(p), payloadBytesMax/6) {
		fmt.Fprintf(&b, format, p[i])
	}
	return b.String()
}

func insert(rng *rand.Rand, p, what string) string {
	i := rng.IntN(len(p) + 1)
	return p[:i] + what + p[i:]
}

// places are where a payload can be put.
var places = []func(*rand.Rand, Request, string) Request{
	func(rng *rand.Rand, r Request, p string) Request { // the query, escaped as browsers do, or as little as HTTP allows
		escaped := url.QueryEscape(p)
		if rng.IntN(3) == 0 {
			escaped = leastEscaped(p)
		}
		path, _, _ := strings.Cut(r.URI, "?")
		r.URI = path + "?" + pick(rng, []string{"q", "id", "user[name]", "a.b", "Redirect"}) + "=" + escaped
		return r
	},
	func(_ *rand.Rand, r Request, p string) Request { // the name of an argument
		path, _, _ := strings.Cut(r.URI, "?")
		r.URI = path + "?" + url.QueryEscape(p) + "=1"
		return r
	},
	func(_ *rand.Rand, r Request, p string) Request {
		r.URI = "/" + leastEscaped(p)
		return r
	},
	func(rng *rand.Rand, r Request, p string) Request {
		return r.Set(pick(rng, []string{"User-Agent", "Referer", "X-Forwarded-For", "X-Custom"}), fieldText(p))
	},
	func(_ *rand.Rand, r Request, p string) Request {
		return r.Set("Cookie", "lang=en; session="+fieldText(p)+"; theme=dark")
	},
	func(rng *rand.Rand, r Request, p string) Request {
		return post(r).WithBody("application/x-www-form-urlencoded", []byte("a=1&"+pick(rng, []string{"q", "text"})+"="+url.QueryEscape(p)))
	},
	func(_ *rand.Rand, r Request, p string) Request {
		return post(r).WithBody("application/json", fmt.Appendf(nil, `{"a":[1,{"b":%s}],"c":true}`, jsonText(p)))
	},
	func(_ *rand.Rand, r Request, p string) Request { // the name of a member
		return post(r).WithBody("application/json; charset=utf-8", fmt.Appendf(nil, `{%s:"x","n":null}`, jsonText(p)))
	},
	func(rng *rand.Rand, r Request, p string) Request { return multipart(rng, post(r), p) },
	func(_ *rand.Rand, r Request, p string) Request {
		var text bytes.Buffer
		_ = xml.EscapeText(&text, []byte(p)) // a Buffer takes everything
		return post(r).WithBody("text/xml", fmt.Appendf(nil, `<?xml version="1.0"?><a b="%s"><c>%[1]s</c></a>`, text.Bytes()))
	},
}

// post is the request as one that may have a body.
func post(r Request) Request {
	if r.Method == "GET" || r.Method == "HEAD" {
		r.Method = "POST"
	}
	return r
}

// multipart puts the payload into the value, the name or the file name of a part.
func multipart(rng *rand.Rand, r Request, p string) Request {
	const boundary = "----WebKitFormBoundaryx7Yq2"
	name, file, value := "text", "a.png", "hello"
	*pick(rng, []*string{&name, &file, &value}) = p
	quoted := strings.NewReplacer(`"`, "%22", "\r", "", "\n", "").Replace
	body := "--" + boundary + "\r\nContent-Disposition: form-data; name=\"" + quoted(name) + "\"\r\n\r\n" + value + "\r\n" +
		"--" + boundary + "\r\nContent-Disposition: form-data; name=\"upload\"; filename=\"" + quoted(file) + "\"\r\nContent-Type: image/png\r\n\r\n\x89PNG\r\n" +
		"--" + boundary + "--\r\n"
	return r.WithBody("multipart/form-data; boundary="+boundary, []byte(body))
}

// leastEscaped escapes only what would end a request target or be no target at all.
func leastEscaped(p string) string {
	var b strings.Builder
	for i := range len(p) {
		if c := p[i]; c <= ' ' || c == '#' || c >= 0x7F {
			fmt.Fprintf(&b, "%%%02X", c)
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}

// fieldText is the payload as the value of a field can have it: no CR, LF or NUL, no white space around.
func fieldText(p string) string {
	return strings.TrimSpace(strings.NewReplacer("\r", " ", "\n", " ", "\x00", " ").Replace(p))
}

// jsonText is the payload as a JSON string; bytes that are no UTF-8 become U+FFFD.
func jsonText(p string) []byte {
	text, err := json.Marshal(p)
	if err != nil {
		panic(err) // a string is never refused
	}
	return text
}

// broken breaks the message rather than the payload.
func broken(rng *rand.Rand, r Request) Request {
	switch kind := rng.IntN(4); {
	case kind == 0 && len(r.Body) > 0:
		body := r.Body[:rng.IntN(len(r.Body))]
		return r.WithBody(r.Header("Content-Type"), body)
	case kind == 1 && len(r.Headers) > 0:
		h := pick(rng, r.Headers)
		r.Headers = append(slices.Clone(r.Headers), h)
		return r
	case kind == 2:
		return r.Set("Content-Type", pick(rng, []string{"application/json", "text/xml", "application/x-www-form-urlencoded",
			"multipart/form-data; boundary=x", "multipart/form-data", "text/plain; charset=utf-7", "application/json; charset=utf-16"}))
	default:
		r.URI += strings.Repeat("&a=1", 1+rng.IntN(4))
		return r
	}
}
