package cli

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"

	"skerry.dev/skerry/fault"
	"skerry.dev/skerry/waf/body"
)

// rawRequest is a request that a file holds.
type rawRequest struct {
	name                  string // of the file
	method, target, proto string
	fields                []body.Pair
	body                  []byte
	notes                 []string // what was not as a client would send it
}

// readRequest reads the file, or standard input for "-".
func readRequest(name string, stdin io.Reader) (*rawRequest, error) {
	from := stdin
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return nil, err
		}
		defer f.Close() // read only
		from = f
	}
	data, err := io.ReadAll(io.LimitReader(from, requestFileMax+1))
	if err != nil {
		return nil, err
	}
	r := &rawRequest{name: name}
	if len(data) > requestFileMax {
		return nil, r.wrong(1, 1, fmt.Sprintf("the file has more than %d MB", requestFileMax>>20), "")
	}
	return r, r.parse(data)
}

func (r *rawRequest) wrong(line, col int, text, fix string) error {
	return fault.Problems{{File: r.name, Line: line, Col: col, Text: text, Fix: fix}}
}

// parse takes HTTP/1.1 apart (RFC 9112). Lines may end with LF alone, as editors write them.
func (r *rawRequest) parse(data []byte) error {
	line, rest := cutLine(data)
	if err := r.requestLine(string(line)); err != nil {
		return err
	}
	n := 2
	for ; ; n++ {
		if len(rest) == 0 {
			return r.whole(n, nil)
		}
		if line, rest = cutLine(rest); len(line) == 0 {
			return r.whole(n+1, rest)
		}
		name, value, ok := bytes.Cut(line, []byte(":"))
		switch {
		case line[0] == ' ' || line[0] == '\t':
			return r.wrong(n, 1, "a line that continues the one before", "the edge refuses it with 400: write the field on one line")
		case !ok || len(name) == 0:
			return r.wrong(n, 1, fmt.Sprintf("%q is no field", shown(line)), "write Name: value, and an empty line before the body")
		case bytes.ContainsAny(name, " \t"):
			return r.wrong(n, bytes.IndexAny(name, " \t")+1, "white space in the name of a field", "the edge refuses it with 400")
		}
		r.fields = append(r.fields, body.Pair{Name: name, Value: bytes.Trim(value, " \t")})
	}
}

func (r *rawRequest) requestLine(line string) error {
	words := strings.Split(line, " ")
	const form = "write POST /path?query HTTP/1.1"
	switch {
	case len(words) < 3:
		return r.wrong(1, 1, fmt.Sprintf("%q is no request line", shown([]byte(line))), form)
	case len(words) > 3:
		return r.wrong(1, len(words[0])+len(words[1])+2, "a space in the target: the edge refuses it with 400", "write %20")
	case !strings.HasPrefix(words[2], "HTTP/"):
		return r.wrong(1, len(words[0])+len(words[1])+3, fmt.Sprintf("%q is no protocol", words[2]), form)
	}
	r.method, r.target, r.proto = words[0], words[1], words[2]
	return nil
}

// whole takes the body, which begins at a line, and checks its length.
func (r *rawRequest) whole(line int, rest []byte) (err error) {
	if strings.EqualFold(r.field("Transfer-Encoding"), "chunked") {
		return r.unchunk(line, rest)
	}
	length := r.field("Content-Length")
	if length == "" {
		r.body = bytes.TrimSuffix(bytes.TrimSuffix(rest, []byte("\n")), []byte("\r"))
		if len(r.body) > 0 {
			r.fields = append(r.fields, body.Pair{Name: []byte("Content-Length"), Value: strconv.AppendInt(nil, int64(len(r.body)), 10)})
			r.notes = append(r.notes, fmt.Sprintf("added Content-Length: %d", len(r.body)))
		}
		return nil
	}
	n, err := strconv.ParseUint(length, 10, 31)
	switch {
	case err != nil:
		return r.wrong(r.lineOf("Content-Length"), 1, fmt.Sprintf("Content-Length is %q", length), "")
	case int(n) > len(rest):
		return r.wrong(r.lineOf("Content-Length"), 1, fmt.Sprintf("Content-Length is %d, the file has %d bytes of body", n, len(rest)),
			"leave the field out: it is added")
	case len(bytes.TrimSpace(rest[n:])) > 0:
		return r.wrong(line, 1, fmt.Sprintf("%d bytes stand behind a body of %d, as Content-Length says", len(rest)-int(n), n), "leave the field out: it is added")
	}
	r.body = rest[:n]
	return nil
}

// unchunk joins the chunks of a body (RFC 9112 section 7.1).
func (r *rawRequest) unchunk(line int, rest []byte) error {
	for {
		head, after := cutLine(rest)
		size, _, _ := strings.Cut(string(head), ";")
		n, err := strconv.ParseUint(strings.TrimSpace(size), 16, 31)
		if err != nil {
			return r.wrong(line, 1, fmt.Sprintf("%q is no size of a chunk", shown(head)), "write the body without Transfer-Encoding")
		}
		if n == 0 {
			return nil
		}
		if uint64(len(after)) < n {
			return r.wrong(line, 1, fmt.Sprintf("a chunk of %d bytes, and the file ends after %d", n, len(after)), "")
		}
		r.body = append(r.body, after[:n]...)
		tail, next := cutLine(after[n:])
		if len(tail) > 0 {
			return r.wrong(line, 1, fmt.Sprintf("a chunk is longer than the %d bytes that it says", n), "")
		}
		line += bytes.Count(rest[:len(rest)-len(next)], []byte("\n"))
		rest = next
	}
}

// field is the value of the first field of a name, empty if there is none.
func (r *rawRequest) field(name string) string {
	if i := r.index(name); i >= 0 {
		return string(r.fields[i].Value)
	}
	return ""
}

func (r *rawRequest) lineOf(name string) int { return r.index(name) + 2 }

func (r *rawRequest) index(name string) int {
	return slices.IndexFunc(r.fields, func(f body.Pair) bool { return strings.EqualFold(string(f.Name), name) })
}

// cutLine splits off the first line, without its end.
func cutLine(b []byte) (line, rest []byte) {
	line, rest, _ = bytes.Cut(b, []byte("\n"))
	return bytes.TrimSuffix(line, []byte("\r")), rest
}

// shown is a value as people get it: the beginning of a long one, with what is no character written as escapes.
func shown(b []byte) string {
	if len(b) <= valueShownMax {
		return string(b)
	}
	return string(b[:valueShownMax]) + "…"
}
