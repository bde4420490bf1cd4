package waftest

import (
	"bytes"
	"net/textproto"
	"net/url"
	"regexp"
	"strconv"
	"strings"
)

// withBody matches the methods whose requests go-ftw gives a length even if they have no body. The alternatives are
// anchored as there: POST at the beginning, DELETE at the end, the others anywhere.
var withBody = regexp.MustCompile(`^POST|PUT|PATCH|DELETE$`)

// Raw returns the bytes that go-ftw sends for the stage.
func (s Stage) Raw() []byte {
	in := s.Input
	if in.Encoded != nil {
		return in.Encoded
	}
	headers, data := in.Headers, in.Data
	if in.Autocomplete && len(data) > 0 {
		if !has(headers, "Content-Type", nil) {
			headers = add(headers, "Content-Type", "application/x-www-form-urlencoded")
		}
		if has(headers, "Content-Type", func(v string) bool { return strings.EqualFold(v, "application/x-www-form-urlencoded") }) {
			data = escapedForm(data)
		}
	}
	if has(headers, "Content-Type", func(v string) bool { return strings.Contains(strings.ToLower(v), "multipart/form-data;") }) {
		data = bytes.ReplaceAll(data, []byte("\n"), []byte("\r\n"))
	}
	if in.Autocomplete {
		if !has(headers, "Connection", nil) {
			headers = add(headers, "Connection", "close")
		}
		if !has(headers, "Content-Length", nil) && (len(data) > 0 || withBody.MatchString(in.Method)) {
			headers = add(headers, "Content-Length", strconv.Itoa(len(data)))
		}
	}
	return Request{Method: in.Method, URI: in.URI, Proto: in.Version, Headers: headers, Body: data}.Raw()
}

// has reports whether there is a header of that name whose value is good, or any value if good is nil.
func has(headers [][2]string, name string, good func(value string) bool) bool {
	for _, h := range headers {
		if textproto.CanonicalMIMEHeaderKey(h[0]) == name && (good == nil || good(h[1])) {
			return true
		}
	}
	return false
}

// add returns the headers and one more, in memory of its own.
func add(headers [][2]string, name, value string) [][2]string {
	return append(headers[:len(headers):len(headers)], [2]string{name, value})
}

// escapedForm escapes the names and values of a form that is written in plain text. One that unescaping would change is
// taken for escaped already, and one that cannot be unescaped too.
func escapedForm(data []byte) []byte {
	if plain, err := url.QueryUnescape(string(data)); err != nil || plain != string(data) {
		return data
	}
	fields := strings.Split(strings.TrimSuffix(string(data), "&"), "&")
	for i, f := range fields {
		name, value, both := strings.Cut(f, "=")
		fields[i] = url.QueryEscape(name)
		if both {
			fields[i] += "=" + url.QueryEscape(value)
		}
	}
	return []byte(strings.Join(fields, "&"))
}
