package edge_test

import (
	"compress/gzip"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/zstd"

	"skerry.dev/skerry/edge"
)

// decoded is a body without its coding.
func decoded(coding, body string) (string, error) {
	var r io.Reader = strings.NewReader(body)
	switch coding {
	case "gzip":
		z, err := gzip.NewReader(r)
		if err != nil {
			return "", err
		}
		r = z
	case "br":
		r = brotli.NewReader(r)
	case "zstd":
		z, err := zstd.NewReader(r)
		if err != nil {
			return "", err
		}
		defer z.Close()
		r = z
	case "":
	default:
		return "", fmt.Errorf("coding %q", coding)
	}
	b, err := io.ReadAll(r)
	return string(b), err
}

// TestCacheCodings: an answer is stored once for each coding, whoever writes his Accept-Encoding how; a range is of what has no coding; and a
// condition holds for the coding that its tag is of.
func TestCacheCodings(t *testing.T) {
	var asked []string
	text := strings.Repeat("words that repeat, ", 3000)
	c := openCached(t, edge.Options{}, fmt.Sprintf(cachedSpec, origin(t, func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.Header.Get("Accept-Encoding"))
		w.Header().Set("Cache-Control", "max-age=600")
		w.Header().Set("Content-Type", "text/html")
		w.Header().Set("ETag", `"one"`)
		if r.Header.Get("If-None-Match") == `"one"` {
			w.WriteHeader(http.StatusNotModified)
			return
		}
		io.WriteString(w, text)
	}), patient))
	tags := map[string]string{}
	f := func(accept, coding, from string) {
		t.Helper()
		var fields []string
		if accept != "" {
			fields = []string{"Accept-Encoding: " + accept}
		}
		for i, client := range []*http.Client{c.h1, c.h2} {
			g := c.ask(client, "GET", "/page", fields...)
			body, err := decoded(coding, g.body)
			if got := g.header.Get("Content-Encoding"); err != nil || got != coding || body != text || !strings.Contains(g.header.Get("Vary"), "Accept-Encoding") {
				t.Errorf("%s: coding %q, want %q; %v, %v", accept, got, coding, err, &g)
			}
			if i == 1 && g.from() != "hit" || i == 0 && from != "" && g.from() != from {
				t.Errorf("%s: %s, want %s", accept, g.from(), from)
			}
			tags[coding] = g.header.Get("ETag")
		}
	}
	f("", "", "stored")
	f("gzip", "gzip", "stored")
	f("br", "br", "stored")
	f("zstd", "zstd", "stored")
	before := len(asked)
	f("gzip;q=1.0, deflate", "gzip", "hit")
	f("GZIP", "gzip", "hit")
	f("br;q=0, gzip;q=0.5", "gzip", "hit")
	f("identity", "", "hit")
	f("deflate, compress", "", "hit")
	f("zstd;q=0.1, *;q=0", "zstd", "hit")
	if n := len(asked) - before; n > 0 {
		t.Errorf("the origin was asked again %d times", n)
	}
	// Ranges, and conditions across codings.
	g := func(status int, body string, fields ...string) {
		t.Helper()
		for _, client := range []*http.Client{c.h1, c.h2} {
			g := c.ask(client, "GET", "/page", fields...)
			if g.status != status || body != "*" && g.body != body || g.from() != "hit" {
				t.Errorf("%v: status %d, want %d; %s, %v %s", fields, g.status, status, g.from(), &g, brief(g.body))
			}
		}
	}
	g(206, text[100:200], "Range: bytes=100-199")
	g(206, text[100:200], "Range: bytes=100-199", "If-Range: "+tags[""])
	g(200, text, "Range: bytes=100-199", `If-Range: "two"`)
	g(416, "*", "Range: bytes=100000-")
	for coding, tag := range tags {
		g(304, "", "Accept-Encoding: "+coding, "If-None-Match: "+tag)
		g(200, "*", "Accept-Encoding: "+coding, `If-None-Match: "two"`)
	}
	g(304, "", "If-None-Match: *")
	g(200, text, `If-Match: "two"`) // which is for origins alone (RFC 9111 section 4.3.2)
	if n := len(asked) - before; n > 0 {
		t.Errorf("the origin was asked again %d times", n)
	}
}
