package edge_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"skerry.dev/skerry/edge"
	endpoint "skerry.dev/skerry/load/origin"
)

// shadow is a second service that remembers the copies it gets, and may hang.
type shadow struct {
	hang    atomic.Bool
	release chan struct{}

	mu   sync.Mutex
	got  map[string]string // bodies by path
	odd  []string          // what came that no copy should be
	left int               // copies that hang
}

func (s *shadow) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	s.mu.Lock()
	if got := r.Header.Values("X-Skerry-Mirror"); err != nil || len(got) != 1 || got[0] != "1" {
		s.odd = append(s.odd, fmt.Sprintf("%s: X-Skerry-Mirror %q, %v", r.URL.Path, got, err))
	}
	if _, again := s.got[r.URL.Path]; again {
		s.odd = append(s.odd, r.URL.Path+" came twice")
	}
	s.got[r.URL.Path] = string(body)
	s.mu.Unlock()
	if s.hang.Load() {
		<-s.release
	}
	w.WriteHeader(http.StatusInternalServerError) // nobody is to care
}

func (s *shadow) count(prefix string) (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for path := range s.got {
		if strings.HasPrefix(path, prefix) {
			n++
		}
	}
	return n
}

// TestMirror: a second service gets copies of a share of requests with their bodies, marked by the edge alone, and whatever it does,
// clients feel nothing.
func TestMirror(t *testing.T) {
	t.Parallel()
	app := origin(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if got := r.Header.Values("X-Skerry-Mirror"); len(got) > 0 {
			t.Errorf("the service got X-Skerry-Mirror %q of a client", got)
		}
		w.Header().Set(endpoint.EndpointField, "app")
		w.Write(body)
	})
	s := &shadow{got: map[string]string{}, release: make(chan struct{})}
	second := httptest.NewServer(s)
	free := sync.OnceFunc(func() { close(s.release) })
	t.Cleanup(second.Close)
	t.Cleanup(free)
	b := openBehind(t, edge.Options{}, fmt.Sprintf(behindSpec,
		"  routes:\n    - {match: {prefix: /all}, service: app, mirror: {service: \""+second.URL+"\"}}\n"+
			"    - {match: {prefix: /some}, service: app, mirror: {service: \""+second.URL+"\", share: 0.3}}\n", "  endpoints: [\""+app+"\"]\n"))
	f := func(path string, n int) (slowest time.Duration) {
		t.Helper()
		load := b.begin(6, func(i int) question {
			return question{method: []string{"POST", "PUT", "GET"}[i%3], path: path, body: []string{"a small body", strings.Repeat("large", 8000), ""}[i%3],
				fields: http.Header{"X-Skerry-Mirror": {"0"}}}
		})
		load.more(0, n)
		for _, r := range load.end() {
			if !r.good() || r.body != r.question.body {
				t.Errorf("%s: %v", path, &r)
			}
			slowest = max(slowest, r.took)
		}
		return slowest
	}
	f("/all/well", 60)
	b.until("every copy", func() bool { return s.count("/all/well") >= 60 })
	f("/some", 300)
	b.until("a share of copies", func() bool { return s.count("/some") > 50 })
	if n := s.count("/some"); n > 145 { // 307 at most are asked; six standard deviations above 92
		t.Errorf("%d of 300 requests were copied, want three of ten", n)
	}
	s.mu.Lock()
	for path, body := range s.got {
		if body != "" && body != "a small body" && body != strings.Repeat("large", 8000) {
			t.Errorf("the copy for %s has another body: %.20q of %d bytes", path, body, len(body))
		}
	}
	s.mu.Unlock()
	s.hang.Store(true)
	if slowest := f("/all/hangs", 60); slowest > behindPatience/2 {
		t.Errorf("a client waited %v while the copies hung", slowest)
	}
	b.until("copies that hang", func() bool { return s.count("/all/hangs") > 0 })
	free()
	second.CloseClientConnections()
	second.Close()
	f("/all/dead", 60)
	b.until("copies that failed", func() bool { return b.total("skerry_mirrored_total", "outcome", "failed") > 0 })
	for _, what := range s.odd {
		t.Error(what)
	}
	if l := b.lines()["1"]; l.Mirror == "" {
		t.Errorf("the log event does not say who got a copy: %+v", l)
	}
}
