package waftest_test

import (
	"bufio"
	"bytes"
	"io"
	"net/http"
	"strings"
	"testing"

	"skerry.dev/skerry/waf/waftest"
)

// TestBenign holds the corpus to being what clients send: an independent parser takes each request, and its body is whole.
func TestBenign(t *testing.T) {
	all := waftest.Benign(t)
	names := map[string]bool{}
	kinds := map[string]int{}
	for _, r := range all {
		if names[r.Name] {
			t.Errorf("two requests are named %q", r.Name)
		}
		names[r.Name] = true
		kind, _, _ := strings.Cut(r.Name, "/")
		kinds[kind]++
		in, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(r.Raw())))
		if err != nil {
			t.Errorf("%s: %v", r.Name, err)
			continue
		}
		body, err := io.ReadAll(in.Body)
		if err != nil || !bytes.Equal(body, r.Body) || in.Host == "" || r.Proto != "HTTP/1.1" {
			t.Errorf("%s: a body of %d bytes is read as %d, error %v", r.Name, len(r.Body), len(body), err)
			continue
		}
		if strings.HasPrefix(in.Header.Get("Content-Type"), "multipart/") {
			in.Body = io.NopCloser(bytes.NewReader(body))
			if err := in.ParseMultipartForm(1 << 20); err != nil {
				t.Errorf("%s: %v", r.Name, err)
			}
		}
	}
	if len(all) < 150 || len(kinds) < 10 {
		t.Errorf("%d requests of %d kinds, want at least 150 of 10", len(all), len(kinds))
	}
}
