package wafhttp_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"skerry.dev/skerry/waf/wafhttp"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// rig is a server behind a firewall: what its handler got, and what was reported.
type rig struct {
	*httptest.Server
	firewall *wafhttp.Firewall

	mu      sync.Mutex
	got     []seen
	results []wafhttp.Result
}

// seen is a request as the handler got it.
type seen struct {
	body     string
	err      error
	length   int64
	codings  []string
	header   http.Header
	trailers http.Header
}

func newRig(t *testing.T, o wafhttp.Options) *rig {
	t.Helper()
	r := &rig{}
	o.Report = func(_ *http.Request, res wafhttp.Result) {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.results = append(r.results, res)
	}
	f, err := wafhttp.New(o)
	if err != nil {
		t.Fatal(err)
	}
	r.firewall = f
	r.Server = httptest.NewServer(f.Middleware(http.HandlerFunc(r.handle)))
	t.Cleanup(r.Close)
	return r
}

func (r *rig) handle(w http.ResponseWriter, q *http.Request) {
	b, err := io.ReadAll(q.Body)
	r.mu.Lock()
	r.got = append(r.got, seen{string(b), err, q.ContentLength, q.TransferEncoding, q.Header, q.Trailer})
	r.mu.Unlock()
	_, _ = io.WriteString(w, "hello")
}

// last is what the handler got last, and whether it got anything; it forgets all.
func (r *rig) last() (seen, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.got) == 0 {
		return seen{}, false
	}
	s := r.got[len(r.got)-1]
	r.got = nil
	return s, true
}

// result is what was reported last; it forgets all.
func (r *rig) result() wafhttp.Result {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.results) == 0 {
		return wafhttp.Result{}
	}
	res := r.results[len(r.results)-1]
	r.results = nil
	return res
}

// send sends a request as a program would and returns the answer's status, fields and body.
func (r *rig) send(t *testing.T, method, target, contentType string, body io.Reader, fields ...string) (int, http.Header, string) {
	t.Helper()
	q, err := http.NewRequestWithContext(t.Context(), method, r.URL+target, body)
	if err != nil {
		t.Fatal(err)
	}
	q.Header.Set("User-Agent", "test/1")
	q.Header.Set("Accept", "*/*")
	if contentType != "" {
		q.Header.Set("Content-Type", contentType)
	}
	q.Host = "shop.example.com" // 920350 minds an address
	for _, f := range fields {
		name, value, _ := strings.Cut(f, ": ")
		q.Header.Add(name, value)
	}
	resp, err := r.Client().Do(q)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, resp.Header, string(text)
}
