package h1

import (
	"io"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"skerry.dev/skerry/exchange"
	"skerry.dev/skerry/wire/transport"
)

// outBytes is the write buffer of an exchange: head and first piece of the body leave together. A head that needs more
// grows it, which costs an allocation.
const outBytes = 16 << 10

var outs = sync.Pool{New: func() any { b := make([]byte, 0, outBytes); return &b }}

// statusLines holds "HTTP/1.1 200 OK\r\n" and so on; a status without a registered reason gets none.
var statusLines = func() (t [600][]byte) {
	for code := range t {
		t[code] = []byte("HTTP/1.1 " + strconv.Itoa(code) + " " + reasons[code] + "\r\n")
	}
	return
}()

var reasons = map[int]string{
	100: "Continue", 101: "Switching Protocols", 102: "Processing", 103: "Early Hints",
	200: "OK", 201: "Created", 202: "Accepted", 203: "Non-Authoritative Information", 204: "No Content",
	205: "Reset Content", 206: "Partial Content", 207: "Multi-Status", 208: "Already Reported", 226: "IM Used",
	300: "Multiple Choices", 301: "Moved Permanently", 302: "Found", 303: "See Other", 304: "Not Modified",
	305: "Use Proxy", 307: "Temporary Redirect", 308: "Permanent Redirect",
	400: "Bad Request", 401: "Unauthorized", 402: "Payment Required", 403: "Forbidden", 404: "Not Found",
	405: "Method Not Allowed", 406: "Not Acceptable", 407: "Proxy Authentication Required", 408: "Request Timeout",
	409: "Conflict", 410: "Gone", 411: "Length Required", 412: "Precondition Failed", 413: "Content Too Large",
	414: "URI Too Long", 415: "Unsupported Media Type", 416: "Range Not Satisfiable", 417: "Expectation Failed",
	421: "Misdirected Request", 422: "Unprocessable Content", 423: "Locked", 424: "Failed Dependency", 425: "Too Early",
	426: "Upgrade Required", 428: "Precondition Required", 429: "Too Many Requests",
	431: "Request Header Fields Too Large", 451: "Unavailable For Legal Reasons", 499: "Client Closed Request",
	500: "Internal Server Error", 501: "Not Implemented", 502: "Bad Gateway", 503: "Service Unavailable",
	504: "Gateway Timeout", 505: "HTTP Version Not Supported", 506: "Variant Also Negotiates",
	507: "Insufficient Storage", 508: "Loop Detected", 510: "Not Extended", 511: "Network Authentication Required",
}

// appendFields writes field lines.
func appendFields(out []byte, fields exchange.Fields) []byte {
	for i := range fields {
		out = append(out, fields[i].Name...)
		out = append(out, ": "...)
		out = append(out, fields[i].Value...)
		out = append(out, "\r\n"...)
	}
	return out
}

// dateLine is the Date field of one second.
type dateLine struct {
	second int64
	line   []byte
}

var lastDate atomic.Pointer[dateLine]

// appendDate writes the Date field (RFC 9110 section 6.6.1), formatted once a second.
func appendDate(out []byte, now time.Time) []byte {
	d := lastDate.Load()
	if second := now.Unix(); d == nil || d.second != second {
		d = &dateLine{second, []byte("Date: " + now.UTC().Format("Mon, 02 Jan 2006 15:04:05") + " GMT\r\n")}
		lastDate.Store(d)
	}
	return append(out, d.line...)
}

// bodyWriter sends a body behind a head that waits in out, framed by length or in chunks.
type bodyWriter struct {
	conn    transport.Conn
	out     []byte // what is still to be sent before the next piece
	chunked bool
	timeout time.Duration
	sent    int64   // bytes of the body
	upload  *upload // of a request with bounds; nil: nobody wants to know
}

// flush sends what waits.
func (w *bodyWriter) flush() error {
	if len(w.out) == 0 {
		return nil
	}
	_, err := w.conn.Write(w.out, nil, nil, w.timeout)
	w.out = w.out[:0]
	return err
}

// piece takes one piece of the body: a small one waits in out, to leave with what comes next; a large one leaves now.
func (w *bodyWriter) piece(view []byte) error {
	w.sent += int64(len(view))
	var tail []byte
	if w.chunked {
		w.out = strconv.AppendInt(w.out, int64(len(view)), 16)
		w.out = append(w.out, "\r\n"...)
		tail = crlf2[:2]
	}
	if len(view) <= joinBytes && len(w.out)+len(view) < outBytes-64 {
		w.out = append(append(w.out, view...), tail...)
		return nil
	}
	_, err := w.conn.Write(w.out, view, tail, w.timeout)
	w.out = w.out[:0]
	return err
}

// pump sends a whole body; source is what went wrong with the body, sink with the connection it goes to. trailers is
// read after the body's end, and sent if the framing has room for it.
func (w *bodyWriter) pump(b exchange.Body, trailers *exchange.Fields) (source, sink error) {
	for {
		if r, ok := b.(exchange.Ready); !ok || !r.Ready() {
			// The next piece may be long in coming: the peer gets what there is.
			if err := w.flush(); err != nil {
				return nil, err
			}
			if own, ok := b.(*body); ok && w.canSplice(own) {
				if source, sink := w.splice(own); source != nil || sink != nil {
					return source, sink
				}
			}
		}
		view, err := w.upload.next(b)
		if len(view) > 0 {
			if err := w.piece(view); err != nil {
				return nil, err
			}
		}
		if err == io.EOF {
			return nil, w.finish(trailers)
		}
		if err != nil {
			return err, w.flush()
		}
	}
}

// canSplice reports whether the rest of a body may go from socket to socket inside the kernel. That the body is our
// own type means that no stage wrapped it: nobody wants to see its bytes. A client that waits for 100 is asked by the
// first Next.
func (w *bodyWriter) canSplice(b *body) bool {
	return !w.chunked && b.kind == bodyLength && b.err == nil && b.left >= spliceBytes && (b.wait == nil || b.waiting) &&
		transport.CanSplice(w.conn, b.buf.conn)
}

// splice moves the rest of a body, if a pipe is to be had. If the taker fails, bytes may be lost inside the kernel, so
// the body cannot be read on; a wait that was interrupted loses nothing.
func (w *bodyWriter) splice(b *body) (source, sink error) {
	p := transport.GetPipe()
	if p == nil {
		return nil, nil
	}
	defer p.Release()
	for b.left > 0 {
		begun := w.upload.begin()
		now := time.Now()
		n, err := transport.Fill(p, b.buf.conn, b.left, b.firstDeadline(now))
		if err == transport.ErrTimeout && (b.look() || b.streaming(now)) {
			n, err = transport.Fill(p, b.buf.conn, b.left, b.deadline(now))
		}
		w.upload.end(begun)
		if !b.response {
			b.waited += time.Since(now)
		}
		if err != nil {
			if source = b.wrap(err, now); source != errInterrupted {
				b.err = source
			}
			return source, nil
		}
		b.left -= n
		b.read += n
		b.lost = true
		b.count(n)
		sent, err := transport.Drain(w.conn, p, w.timeout)
		if w.sent += sent; err != nil {
			b.err = errSpliced
			return nil, err
		}
	}
	b.err = io.EOF
	return nil, nil
}

// finish sends what waits, with the last chunk and the trailers if there are chunks.
func (w *bodyWriter) finish(trailers *exchange.Fields) error {
	if w.chunked {
		w.out = append(w.out, "0\r\n"...)
		w.out = appendFields(w.out, *trailers)
		w.out = append(w.out, "\r\n"...)
	}
	return w.flush()
}
