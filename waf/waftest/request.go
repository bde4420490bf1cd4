package waftest

import (
	"bytes"
	"slices"
	"strconv"
	"strings"
)

// A Request is a request in its parts, for engines that are asked without sockets.
type Request struct {
	Name    string // of what; for messages
	Method  string
	URI     string
	Proto   string      // "HTTP/1.1"
	Headers [][2]string // in order, names as sent
	Body    []byte      // without framing
}

// Raw returns the request as bytes. It adds nothing: a body that has no length stays one.
func (r Request) Raw() []byte {
	var b bytes.Buffer
	b.WriteString(r.Method + " " + r.URI + " " + r.Proto + "\r\n")
	for _, h := range r.Headers {
		b.WriteString(h[0] + ": " + h[1] + "\r\n")
	}
	b.WriteString("\r\n")
	b.Write(r.Body)
	return b.Bytes()
}

// Header returns the value of the first header of that name, in any case, or "".
func (r Request) Header(name string) string {
	for _, h := range r.Headers {
		if strings.EqualFold(h[0], name) {
			return h[1]
		}
	}
	return ""
}

// Set returns the request with one header of that name, in the place of the first that it had, or at the end. The
// receiver keeps its own.
func (r Request) Set(name, value string) Request {
	headers := make([][2]string, 0, len(r.Headers)+1)
	set := false
	for _, h := range r.Headers {
		switch {
		case !strings.EqualFold(h[0], name):
			headers = append(headers, h)
		case !set:
			headers, set = append(headers, [2]string{h[0], value}), true
		}
	}
	if !set {
		headers = append(headers, [2]string{name, value})
	}
	r.Headers = headers
	return r
}

// Without returns the request without headers of that name.
func (r Request) Without(name string) Request {
	r.Headers = slices.DeleteFunc(slices.Clone(r.Headers), func(h [2]string) bool { return strings.EqualFold(h[0], name) })
	return r
}

// WithBody returns the request with that body and its length, and without a transfer coding.
func (r Request) WithBody(contentType string, body []byte) Request {
	r = r.Without("Transfer-Encoding").Set("Content-Type", contentType).Set("Content-Length", strconv.Itoa(len(body)))
	r.Body = body
	return r
}

// ParseRequest takes the bytes of a request apart and refuses nothing: hostile requests must reach engines too. The method
// ends at the first space after its beginning and the protocol begins at the last; a line ends with LF, and a CR before it
// is dropped; a line without a colon is a name without a value. A chunked body is put together as far as it is one, another
// is cut at its length if it is longer.
func ParseRequest(raw []byte) Request {
	line, rest := cutLine(raw)
	r := requestLine(string(line))
	for len(rest) > 0 {
		line, rest = cutLine(rest)
		if len(line) == 0 {
			break
		}
		name, value, _ := strings.Cut(string(line), ":")
		r.Headers = append(r.Headers, [2]string{strings.TrimRight(name, " \t"), strings.Trim(value, " \t")})
	}
	r.Body = rest
	if strings.Contains(strings.ToLower(r.Header("Transfer-Encoding")), "chunked") {
		r.Body = unchunked(rest)
	} else if n, err := strconv.Atoi(r.Header("Content-Length")); err == nil && n >= 0 && n < len(rest) {
		r.Body = rest[:n]
	}
	return r
}

// requestLine takes the first line apart. One of two words has no protocol.
func requestLine(line string) (r Request) {
	blank := len(line) - len(strings.TrimLeft(line, " \t"))
	method, rest, _ := strings.Cut(line[blank:], " ")
	r.Method = line[:blank] + method
	if i := strings.LastIndex(rest, " "); i >= 0 && strings.HasPrefix(rest[i+1:], "HTTP/") {
		r.URI, r.Proto = rest[:i], rest[i+1:]
	} else {
		r.URI = strings.TrimSuffix(rest, " ") // what go-ftw writes for no version
	}
	return r
}

// cutLine splits off the first line, without its end.
func cutLine(b []byte) (line, rest []byte) {
	line, rest, _ = bytes.Cut(b, []byte("\n"))
	return bytes.TrimSuffix(line, []byte("\r")), rest
}

// unchunked joins the chunks of a body until one is broken.
func unchunked(b []byte) (body []byte) {
	for {
		line, rest := cutLine(b)
		size, _, _ := strings.Cut(string(line), ";")
		n, err := strconv.ParseUint(strings.TrimSpace(size), 16, 31)
		if err != nil || n == 0 {
			return body
		}
		if uint64(len(rest)) < n {
			return append(body, rest...)
		}
		body = append(body, rest[:n]...)
		_, b = cutLine(rest[n:])
	}
}
