package h1

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"skerry.dev/skerry/exchange"
)

// net/http is the oracle: what this parser accepts, net/http must accept too and read in the same way. Where they
// differ on purpose:
//
//   - much that net/http takes is refused here: bare LF, folding, TE with CL on requests, lists of lengths, TRACE …;
//   - net/http refuses a Trailer field that names a framing field, and takes Trailer out of the header: not compared;
//   - net/http takes Host and Transfer-Encoding out of the header, and Content-Length beside chunked: compared apart;
//   - net/http invents Cache-Control: no-cache beside Pragma: no-cache: not compared;
//   - net/http checks Upgrade, Expect and Connection not at all.

// headOf returns the head that data starts with, nil if there is none.
func headOf(data []byte) []byte {
	end, err := headEnd(data, 0)
	if err != nil || end == 0 || end > HeadBytesMax {
		return nil
	}
	return data[:end:end]
}

func FuzzRequestHead(f *testing.F) {
	for _, s := range []string{
		"GET / HTTP/1.1\r\nHost: a\r\n\r\n", "POST /a?b HTTP/1.0\r\nContent-Length: 3\r\n\r\nabc", "OPTIONS * HTTP/1.1\r\nHost: [::1]:80\r\n\r\n",
		"GET http://A.b:81/x HTTP/1.1\r\nhost: a.b:81\r\nTE: trailers\r\nConnection: TE, x\r\nX:\t1 \r\nX: 2\r\n\r\n",
		"PUT /%7e/../.. HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nExpect: 100-continue\r\nTrailer: X\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nPragma: no-cache\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: a\r\nContent_Length: 3\r\nX\xff: \x80\r\n\r\n", "A / HTTP/1.1\r\nHost: a.:1\r\nContent-Length: 000000000000000001\r\n\r\n",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		head := headOf(data)
		if head == nil {
			return
		}
		x := exchange.Acquire()
		defer x.Release()
		var fr framing
		if parseRequest(head, x, &fr) != nil {
			return
		}
		checkRequestInvariants(t, x)
		r, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(head)))
		if err != nil {
			if x.Req.Sent.Get(exchange.NameTrailer) != nil {
				return
			}
			t.Fatalf("accepted here, refused by net/http: %v\n%q", err, head)
		}
		if r.Method != string(x.Req.MethodName) || r.RequestURI != string(x.Req.Target) || r.ProtoMinor != x.Req.Minor {
			t.Fatalf("request line: net/http reads %q %q 1.%d\n%q", r.Method, r.RequestURI, r.ProtoMinor, head)
		}
		sameFraming(t, head, &fr, r.ContentLength, r.TransferEncoding, 0)
		if host, _, err := exchange.NormalHost([]byte(r.Host), &x.Scratch); err == nil && !bytes.Equal(host, x.Req.Host) || err != nil && r.Host != "" {
			t.Fatalf("host: net/http reads %q, here %q\n%q", r.Host, x.Req.Host, head)
		}
		if query, _, _ := strings.Cut(r.URL.RawQuery, "#"); query != string(x.Req.Query) {
			t.Fatalf("query: net/http reads %q, here %q\n%q", r.URL.RawQuery, x.Req.Query, head)
		}
		sameFields(t, head, x.Req.Sent, r.Header)
	})
}

func checkRequestInvariants(t *testing.T, x *exchange.Exchange) {
	t.Helper()
	r := &x.Req
	for _, f := range r.Fields {
		if f.ID.HopByHop() {
			t.Fatalf("%q travels on", f.Name)
		}
	}
	if r.Path[0] == '*' {
		return
	}
	if again, err := exchange.NormalPath(r.Path, &x.Scratch); err != nil || !bytes.Equal(again, r.Path) {
		t.Fatalf("the path %q is in no normal form: %q, %v", r.Path, again, err)
	}
}

func sameFraming(t *testing.T, head []byte, f *framing, length int64, codings []string, none int64) {
	t.Helper()
	want := f.length
	switch {
	case f.chunked:
		want = -1
	case want < 0:
		want = none
	}
	if length != want || (len(codings) == 1 && codings[0] == "chunked") != f.chunked {
		t.Fatalf("framing: net/http reads length %d codings %q, here %d, chunked %v\n%q", length, codings, f.length, f.chunked, head)
	}
}

func sameFields(t *testing.T, head []byte, fields exchange.Fields, header http.Header) {
	t.Helper()
	compared := 0
	seen := map[string]int{}
	for _, f := range fields {
		switch f.ID {
		case exchange.NameHost, exchange.NameTransferEncoding, exchange.NameTrailer, exchange.NameContentLength:
			continue
		}
		key := http.CanonicalHeaderKey(string(f.Name))
		if n := seen[key]; n >= len(header[key]) || header[key][n] != string(f.Value) {
			t.Fatalf("field %q: net/http reads %q, here %q\n%q", f.Name, header[key], f.Value, head)
		}
		seen[key]++
		compared++
	}
	total := 0
	for key, values := range header {
		if key == "Content-Length" || key == "Host" || key == "Trailer" || key == "Cache-Control" && seen[key] == 0 && header.Get("Pragma") == "no-cache" {
			continue
		}
		total += len(values)
	}
	if total != compared {
		t.Fatalf("net/http reads %d fields, here %d: %q\n%q", total, compared, header, head)
	}
}

func FuzzResponseHead(f *testing.F) {
	for _, s := range []string{
		"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc", "HTTP/1.0 404 \r\n\r\n", "HTTP/1.1 299\r\nTransfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n",
		"HTTP/1.1 103 Early Hints\r\nLink: <a>\r\n\r\n", "HTTP/1.1 101 S\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n", "HTTP/1.1 304 \xff\r\nETag: \"a\"\r\n\r\n",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		head := headOf(data)
		if head == nil {
			return
		}
		var resp exchange.Response
		var all exchange.Fields
		var fr framing
		minor, err := parseResponse(head, &resp, &all, &fr)
		if err != nil {
			return
		}
		r, err := http.ReadResponse(bufio.NewReader(bytes.NewReader(head)), nil)
		if err != nil {
			if all.Get(exchange.NameTrailer) != nil {
				return
			}
			t.Fatalf("accepted here, refused by net/http: %v\n%q", err, head)
		}
		if r.StatusCode != resp.Status || r.ProtoMinor != minor {
			t.Fatalf("status line: net/http reads %d 1.%d\n%q", r.StatusCode, r.ProtoMinor, head)
		}
		if resp.Status >= 200 && resp.Status != 204 && resp.Status != 304 {
			sameFraming(t, head, &fr, r.ContentLength, r.TransferEncoding, -1)
		}
		sameFields(t, head, all, r.Header)
	})
}

// pieces is a connection that brings data in pieces and takes whatever is written.
type pieces struct {
	data  []byte
	sizes []byte // of the pieces, in turn; none: everything at once
	turn  int
	out   bytes.Buffer
}

func (p *pieces) Read(b []byte, _ time.Time) (int, error) {
	if len(b) == 0 {
		panic("BUG: a read into nothing never ends")
	}
	if len(p.data) == 0 {
		return 0, io.EOF
	}
	n := len(p.data)
	if len(p.sizes) > 0 {
		n = min(n, int(p.sizes[p.turn%len(p.sizes)])+1)
		p.turn++
	}
	n = copy(b, p.data[:n])
	p.data = p.data[n:]
	return n, nil
}

func (p *pieces) Write(head, body, tail []byte, _ time.Duration) (int64, error) {
	for _, b := range [][]byte{head, body, tail} {
		p.out.Write(b)
	}
	return int64(len(head) + len(body) + len(tail)), nil
}

func (p *pieces) Quiet() bool    { return true }
func (p *pieces) Interrupt(bool) {}
func (p *pieces) Close() error   { return nil }

// fuzzHeadBytes puts the body of every other input close to the end of its buffer.
const fuzzHeadBytes = bufferBytes - 100

func FuzzChunkedBody(f *testing.F) {
	for _, s := range []string{
		"3\r\nabc\r\n0\r\n\r\n", "0\r\nX: 1\r\n\r\nGET", "0005;a=b;c=\"d\\\"\"\r\nhello\r\nA\r\n0123456789\r\n00\r\nX: a\r\nY:\r\n\r\n", "ffffffffffffffff\r\n", "1\r\na\n0\r\n\r\n",
		"7d0\r\n" + strings.Repeat("x", 2000) + "\r\n0\r\n\r\n", strings.Repeat("1\r\na\r\n", 50) + "0\r\n\r\n",
	} {
		f.Add([]byte(s), []byte{}, false)
		f.Add([]byte(s), []byte{0, 1, 5}, true)
	}
	f.Fuzz(func(t *testing.T, data, sizes []byte, late bool) {
		conn := &pieces{data: data, sizes: sizes}
		in := buffer{conn: conn}
		in.open()
		defer in.release()
		if late {
			in.r, in.w = fuzzHeadBytes, fuzzHeadBytes
		}
		var trailers exchange.Fields
		var b body
		b.begin(&in, &framing{length: -1}, bodyChunked, time.Minute, &trailers)
		defer b.restore()
		sink := &pieces{}
		w := bodyWriter{conn: sink, chunked: true}
		ready := readiness{body: &b, t: t, conn: conn}
		source, _ := w.pump(&ready, &trailers)
		if source != nil {
			return
		}
		rest := len(in.data[in.r:in.w]) + len(conn.data)
		want, wantTrailers := oracleBody(t, data, rest)
		got, gotTrailers := oracleBody(t, sink.out.Bytes(), 0)
		if !bytes.Equal(got, want) || gotTrailers != wantTrailers || gotTrailers != len(trailers) {
			t.Fatalf("net/http reads %q with %d trailers, made anew it is %q with %d (%q)", want, wantTrailers, got, gotTrailers, trailers)
		}
	})
}

// readiness is a body that checks that Ready never promises too much.
type readiness struct {
	*body
	t    *testing.T
	conn *pieces
}

func (r *readiness) Next() ([]byte, error) {
	ready, before := r.body.Ready(), len(r.conn.data)
	view, err := r.body.Next()
	if ready && len(r.conn.data) != before {
		r.t.Fatalf("Ready, but Next read from the connection")
	}
	return view, err
}

// oracleBody is how net/http reads a chunked body, with rest bytes behind it, and how many trailers.
func oracleBody(t *testing.T, data []byte, rest int) ([]byte, int) {
	t.Helper()
	in := bufio.NewReader(io.MultiReader(strings.NewReader("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"), bytes.NewReader(data)))
	r, err := http.ReadRequest(in)
	if err != nil {
		t.Fatal(err)
	}
	all, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatalf("accepted here, refused by net/http: %v\n%q", err, data)
	}
	if left, err := io.ReadAll(in); len(left) != rest || err != nil && !errors.Is(err, io.EOF) {
		t.Fatalf("net/http leaves %d bytes behind the body, here %d: %q", len(left), rest, data)
	}
	n := 0
	for _, values := range r.Trailer {
		n += len(values)
	}
	return all, n
}
