package static_test

import (
	"bytes"
	"compress/gzip"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"skerry.dev/skerry/exchange"
	"skerry.dev/skerry/exchange/exchangetest"
	"skerry.dev/skerry/spec"
	"skerry.dev/skerry/static"
	"skerry.dev/skerry/wire/h1"
)

// serve runs the stage behind a real server and returns its URL.
func serve(t testing.TB, s *static.Stage) string {
	path := exchange.NewPath(exchangetest.RenderText, s)
	refused := exchange.NewPath(exchangetest.RenderText, &exchangetest.Origin{Answer: func(x *exchange.Exchange) exchange.Verdict { return x.Fail(x.Fault) }})
	server := &h1.Server{Handler: func(x *exchange.Exchange) bool {
		to := path
		if x.Fault != nil {
			to = refused
		}
		complete := to.Run(x)
		x.End = time.Now()
		return complete
	}}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	var all sync.WaitGroup
	all.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			all.Go(func() { server.Serve(c, nil) })
		}
	})
	t.Cleanup(func() {
		l.Close()
		server.Close()
		all.Wait()
	})
	return "http://" + l.Addr().String()
}

func TestCurl(t *testing.T) {
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	page := strings.Repeat("<p>hello</p>\n", 20_000)
	w.Write([]byte(page))
	must(t, w.Close())
	s, _ := newStage(t, spec.Directory{}, map[string]string{"site/page.html": page, "site/page.html.gz": packed.String(), "site/d.txt": digits, "site/docs/index.html": "docs"})
	url, dir := serve(t, s), t.TempDir()
	curl := func(args ...string) string {
		t.Helper()
		out, err := exec.Command("curl", append([]string{"-sS", "--max-time", "20"}, args...)...).CombinedOutput()
		if err != nil {
			t.Errorf("curl %v: %v: %.500s", args, err, out)
		}
		return string(out)
	}
	f := func(want string, args ...string) {
		t.Helper()
		if got := curl(args...); got != want {
			t.Errorf("curl %v: got %.500q, want %.500q", args, got, want)
		}
	}
	f(page, url+"/page.html")
	f(page, "--compressed", url+"/page.html")
	f(packed.String(), "-H", "Accept-Encoding: gzip", url+"/page.html")
	f("docs", "-L", url+"/docs")
	f("234", "-r", "2-4", url+"/d.txt")
	f("89", "-r", "-2", url+"/d.txt")
	f(digits+"200", "-z", "Sun, 01 Jun 2025 10:20:29 GMT", "-w", "%{http_code}", url+"/d.txt")
	f("304", "-z", lastModified, "-w", "%{http_code}", url+"/d.txt")
	f("400", "-o", os.DevNull, "-w", "%{http_code}", "--path-as-is", url+"/%2e%2e/%2e%2e/etc/passwd")

	// Two ranges: the parts, each with its place.
	two := curl("-r", "0-1,5-6", url+"/d.txt")
	for _, part := range []string{"Content-Range: bytes 0-1/10\r\n\r\n01\r\n--", "Content-Range: bytes 5-6/10\r\n\r\n56\r\n--"} {
		if !strings.Contains(two, part) {
			t.Errorf("two ranges: %q has no %q", two, part)
		}
	}
	// A download that broke off goes on where it was.
	part := filepath.Join(dir, "part.html")
	must(t, os.WriteFile(part, []byte(page[:100_001]), 0o644))
	curl("-C", "-", "-o", part, url+"/page.html")
	if got, err := os.ReadFile(part); err != nil || string(got) != page {
		t.Errorf("continued: %d bytes of %d, %v", len(got), len(page), err)
	}
	// Tags kept on disk; many answers on one connection.
	tags := filepath.Join(dir, "tags")
	f(digits, "--etag-save", tags, url+"/d.txt")
	f("304", "--etag-compare", tags, "-w", "%{http_code}", url+"/d.txt")
	f("0123456789docs01", url+"/d.txt", "-w", "", url+"/docs/", "--next", "-sS", "-r", "0-1", url+"/d.txt")
	head := curl("-I", url+"/page.html")
	if !strings.Contains(head, "Content-Length: 260000\r\n") || !strings.Contains(head, "Vary: Accept-Encoding\r\n") {
		t.Errorf("HEAD: %s", head)
	}
}
