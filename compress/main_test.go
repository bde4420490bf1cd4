package compress_test

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/zstd"
	"go.uber.org/goleak"

	"skerry.dev/skerry/compress"
	"skerry.dev/skerry/exchange"
	"skerry.dev/skerry/exchange/exchangetest"
	"skerry.dev/skerry/spec"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// on is a policy that compresses and says nothing else.
func on() *spec.Policy { return &spec.Policy{Compress: &spec.Compress{On: true}} }

func stage(t testing.TB, p *spec.Policy) *compress.Stage {
	t.Helper()
	s, problems := compress.New(p, compress.NewEncoders(0))
	if s == nil || problems != nil {
		t.Fatal(s, problems)
	}
	return s
}

// through runs a request through the stage to an origin that answers a status and fields, with a body if there is one,
// and returns what the origin saw, what the client saw, and what the log learned.
func through(s exchange.Stage, request, answer string, body exchange.Body) (origin string, client *exchangetest.Recorder, facts exchange.EncodingFacts) {
	x := exchangetest.Request(request)
	exchange.NewPath(exchangetest.RenderText, &compress.Accept{}, s, &exchangetest.Origin{Answer: func(x *exchange.Exchange) exchange.Verdict {
		origin = exchangetest.Dump(x)
		lines := strings.Split(strings.TrimSuffix(answer, "\n"), "\n")
		status := 0
		fmt.Sscan(lines[0], &status)
		x.Answer(status)
		for _, line := range lines[1:] {
			name, value, _ := strings.Cut(line, ":")
			x.Resp.Fields.AddNamed([]byte(name), []byte(strings.TrimSpace(value)))
		}
		x.Resp.Body = body
		return exchange.Respond
	}}).Run(x)
	client, facts = exchangetest.Of(x), x.Facts.Encoding
	x.Release()
	return origin, client, facts
}

// field is the value of a field of a recorded head, "-" if there is none; several are joined by a bar.
func field(head, name string) string {
	var all []string
	for _, line := range strings.Split(head, "\n") {
		if n, v, ok := strings.Cut(line, ": "); ok && strings.EqualFold(n, name) {
			all = append(all, v)
		}
	}
	if all == nil {
		return "-"
	}
	return strings.Join(all, "|")
}

// reader decodes a coding with a decoder that has nothing to do with the encoder, where there is one.
func reader(coding string, from io.Reader) (io.Reader, func(), error) {
	switch coding {
	case "gzip":
		r, err := gzip.NewReader(from)
		return r, func() {}, err
	case "zstd":
		r, err := zstd.NewReader(from, zstd.WithDecoderConcurrency(1))
		if err != nil {
			return nil, nil, err
		}
		return r, r.Close, nil
	case "br":
		return brotli.NewReader(from), func() {}, nil
	}
	return from, func() {}, nil
}

// decode is the whole of a coded body; io.ErrUnexpectedEOF if it breaks off.
func decode(coding, body string) (string, error) {
	r, done, err := reader(coding, strings.NewReader(body))
	if err != nil {
		return "", err
	}
	defer done()
	out, err := io.ReadAll(r)
	return string(out), err
}

// page is text that compresses as pages do; text of one seed is always the same.
func page(size int) string {
	var b bytes.Buffer
	for i := uint32(1); b.Len() < size; i = i*1664525 + 1013904223 {
		fmt.Fprintf(&b, "<li class=\"item\"><a href=\"/shop/%d\">Article %x</a> costs <b>%d.%02d</b></li>\n", i>>20, i>>8, i>>28, i%100)
	}
	return b.String()[:size]
}
