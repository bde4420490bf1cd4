package represent_test

import (
	"io"
	"mime"
	"mime/multipart"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"skerry.dev/skerry/exchange"
	"skerry.dev/skerry/exchange/exchangetest"
	"skerry.dev/skerry/represent"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	digits       = "0123456789"
	tag          = `"tag"`
	lastModified = "Sun, 01 Jun 2025 10:20:30 GMT"
	textType     = "text/plain; charset=utf-8"
)

// date is lastModified; what is beyond the second does not count.
var date = time.Date(2025, 6, 1, 10, 20, 30, 123456789, time.UTC)

// page is a stage that answers with one representation, as an origin does.
type page struct {
	represent.Representation
	content string
	source  func(string) represent.Source // nil: the content is given from memory
}

// newPage has strong validators.
func newPage(content string) *page {
	return &page{content: content, Representation: represent.Representation{
		Tag: []byte(tag), Type: []byte(textType), Size: int64(len(content)), Modified: date, Strong: true, Since: date, Origin: true,
	}}
}

func (p *page) Name() string { return "page" }

func (p *page) Request(x *exchange.Exchange) exchange.Verdict {
	outcome, parts := represent.Answer(x, &p.Representation)
	x.Answer(outcome.Status())
	contentType := p.Type
	switch list := parts.List(); {
	case outcome == represent.Unsatisfiable:
		represent.AddUnsatisfied(x, p.Size)
	case outcome == represent.Partial && len(list) == 1:
		represent.AddContentRange(x, list[0], p.Size)
		x.Resp.Body = p.body(x, list[0])
	case outcome == represent.Partial:
		x.Resp.Body, contentType = represent.NewParts(x, p.from(), &p.Representation, list)
	case outcome == represent.Whole && x.Req.Method == exchange.MethodHead:
		x.Resp.Length = p.Size
	case outcome == represent.Whole:
		x.Resp.Body = p.body(x, represent.Span{To: int64(len(p.content))})
	}
	if outcome == represent.Whole || outcome == represent.Partial {
		x.Resp.Fields.Add(exchange.NameContentType, contentType)
		x.Resp.Fields.Add(exchange.NameLastModified, []byte(lastModified))
	}
	x.Resp.Fields.Add(exchange.NameETag, p.Tag)
	return exchange.Respond
}

func (p *page) from() represent.Source {
	if p.source != nil {
		return p.source(p.content)
	}
	return memory(p.content)
}

func (p *page) body(x *exchange.Exchange, part represent.Span) exchange.Body {
	if p.source != nil {
		return represent.NewBody(p.source(p.content), part)
	}
	return x.InMemory([]byte(p.content[part.From:part.To]))
}

// ask runs a request along a path that ends at the page.
func ask(t testing.TB, p *page, request string) *exchangetest.Recorder {
	t.Helper()
	x := exchangetest.Request(request)
	defer x.Release()
	if !exchange.NewPath(exchangetest.RenderText, p).Run(x) {
		t.Error("the answer is not complete:", exchangetest.Of(x).Err)
	}
	return exchangetest.Of(x)
}

// get asks with GET and some more fields.
func get(t testing.TB, p *page, fields ...string) *exchangetest.Recorder {
	t.Helper()
	return ask(t, p, "GET / HTTP/1.1\nHost: a\n"+lines(fields))
}

func lines(fields []string) string {
	if len(fields) == 0 {
		return ""
	}
	return strings.Join(fields, "\n") + "\n"
}

// field is the value of a field of an answer, "" if there is none.
func field(r *exchangetest.Recorder, name string) string {
	for line := range strings.SplitSeq(r.Head, "\n") {
		if value, ok := strings.CutPrefix(line, name+": "); ok {
			return value
		}
	}
	return ""
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// parts is a 206 in short: "2-3/10 23; 5-5/10 5". It fails the test if the answer is malformed.
func parts(t testing.TB, r *exchangetest.Recorder) string {
	t.Helper()
	kind, params, err := mime.ParseMediaType(field(r, "Content-Type"))
	must(t, err)
	if kind != "multipart/byteranges" {
		return strings.TrimPrefix(field(r, "Content-Range"), "bytes ") + " " + r.Body
	}
	if field(r, "Content-Range") != "" {
		t.Error("several parts have one Content-Range")
	}
	var all []string
	for m := multipart.NewReader(strings.NewReader(r.Body), params["boundary"]); ; {
		p, err := m.NextPart()
		if err == io.EOF {
			return strings.Join(all, "; ")
		}
		must(t, err)
		text, err := io.ReadAll(p)
		must(t, err)
		if p.Header.Get("Content-Type") != textType {
			t.Errorf("a part has the header %v", p.Header)
		}
		all = append(all, strings.TrimPrefix(p.Header.Get("Content-Range"), "bytes ")+" "+string(text))
	}
}
