package static_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"skerry.dev/skerry/exchange/exchangetest"
	"skerry.dev/skerry/spec"
)

// TestOutcomes: what a file says with each answer; the conditions themselves are represent's.
func TestOutcomes(t *testing.T) {
	s, _ := newStage(t, spec.Directory{}, map[string]string{"site/hello.txt": "hello", "site/empty.txt": "", "site/docs/index.html": ""})
	const (
		kind = "Content-Type: text/plain; charset=utf-8\n"
		more = "Accept-Ranges: bytes\nLast-Modified: " + lastModified + "\nETag: " + helloTag + "\n"
		tag  = "ETag: " + helloTag + "\n"
	)
	f := func(request, want string) {
		t.Helper()
		if got := ask(t, s, request).String(); got != want {
			t.Errorf("%s: got\n%s\nwant\n%s", request, got, want)
		}
	}
	f("GET /hello.txt HTTP/1.1\nHost: a\n", "200\n"+kind+more+"\nhello")
	f("HEAD /hello.txt HTTP/1.1\nHost: a\n", "200\n"+kind+more+"(length 5)\n")
	f("HEAD /hello.txt HTTP/1.1\nHost: a\nRange: bytes=1-2\n", "200\n"+kind+more+"(length 5)\n")
	f("GET /hello.txt HTTP/1.1\nHost: a\nRange: bytes=1-2\n", "206\n"+kind+"Content-Range: bytes 1-2/5\n"+more+"\nel")
	f("GET /hello.txt HTTP/1.1\nHost: a\nRange: bytes=1-2\nIf-Range: "+lastModified+"\n", "206\n"+kind+"Content-Range: bytes 1-2/5\n"+more+"\nel")
	f("GET /hello.txt HTTP/1.1\nHost: a\nRange: bytes=1-2\nIf-Range: \"other\"\n", "200\n"+kind+more+"\nhello")
	f("GET /hello.txt HTTP/1.1\nHost: a\nRange: bytes=5-\n", "416\n"+tag+"Content-Range: bytes */5\n")
	f("GET /hello.txt HTTP/1.1\nHost: a\nIf-None-Match: W/"+helloTag+"\n", "304\n"+tag)
	f("GET /hello.txt HTTP/1.1\nHost: a\nIf-Modified-Since: "+lastModified+"\n", "304\n"+tag)
	f("HEAD /hello.txt HTTP/1.1\nHost: a\nIf-None-Match: *\n", "304\n"+tag)
	f("GET /hello.txt HTTP/1.1\nHost: a\nIf-Match: \"other\"\n", "412\n"+tag)
	f("GET /hello.txt HTTP/1.1\nHost: a\nIf-Unmodified-Since: Sun, 01 Jun 2025 10:20:29 GMT\n", "412\n"+tag)
	if r := get(t, s, "/empty.txt", "Range: bytes=0-"); r.Status != 200 || r.Body != "" {
		t.Error("a range of nothing:", r)
	}
	two := get(t, s, "/hello.txt", "Range: bytes=0-0,3-4")
	boundary, ok := strings.CutPrefix(field(two, "Content-Type"), "multipart/byteranges; boundary=")
	part := func(at, text string) string {
		return "--" + boundary + "\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Range: bytes " + at + "/5\r\n\r\n" + text + "\r\n"
	}
	if want := part("0-0", "h") + part("3-4", "lo") + "--" + boundary + "--\r\n"; !ok || two.Status != 206 || two.Body != want || !strings.HasSuffix(two.Head, "\n"+more) || field(two, "Content-Range") != "" {
		t.Errorf("two ranges: got %v, want %q", two, want)
	}
	if r := get(t, s, "/none", "If-None-Match: *", "If-Match: *"); r.Status != 404 {
		t.Error("a condition on nothing:", r)
	}
	if r := get(t, s, "/docs", "If-None-Match: *"); r.Status != 308 {
		t.Error("a condition on a redirect:", r)
	}
}

// TestFreshFile: within two seconds after a change the tag is weak, and dates prove nothing.
func TestFreshFile(t *testing.T) {
	s, dir := newStage(t, spec.Directory{}, map[string]string{"site/a": "0123456789"})
	f := func(age time.Duration, weak bool) {
		t.Helper()
		changed := exchangetest.Now.Add(-age)
		must(t, os.Chtimes(filepath.Join(dir, "site/a"), changed, changed))
		r := get(t, s, "/a")
		tag, modified := field(r, "ETag"), field(r, "Last-Modified")
		if strings.HasPrefix(tag, "W/") != weak {
			t.Errorf("age %v: tag %s", age, tag)
		}
		status := func(want int, fields ...string) {
			t.Helper()
			if r := get(t, s, "/a", fields...); r.Status != want {
				t.Errorf("age %v, %v: got %v, want %d", age, fields, r, want)
			}
		}
		strong := func(yes, no int) int {
			if weak {
				return no
			}
			return yes
		}
		status(304, "If-None-Match: "+tag)
		status(strong(304, 200), "If-Modified-Since: "+modified)
		status(strong(200, 412), "If-Match: "+tag)
		status(strong(206, 200), "Range: bytes=0-0", "If-Range: "+tag)
		status(strong(206, 200), "Range: bytes=0-0", "If-Range: "+modified)
		status(206, "Range: bytes=0-0")
	}
	f(0, true)
	f(1999*time.Millisecond, true)
	f(2*time.Second, false)
	f(-time.Hour, true)
	if got, want := field(get(t, s, "/a"), "Last-Modified"), "Fri, 02 Jan 2026 03:04:05 GMT"; got != want {
		t.Errorf("a file of the future is of %s, want now, %s", got, want)
	}
}

// TestPlaceholderDates: the dates of reproducible archives tell no contents apart.
func TestPlaceholderDates(t *testing.T) {
	s, dir := newStage(t, spec.Directory{}, map[string]string{})
	at := filepath.Join(dir, "site/a")
	tag := func(content string, changed time.Time) string {
		t.Helper()
		must(t, os.RemoveAll(at))
		must(t, os.WriteFile(at, []byte(content), 0o644))
		must(t, os.Chtimes(at, changed, changed))
		r := get(t, s, "/a")
		if field(r, "Last-Modified") != "" {
			t.Errorf("%v became a date: %v", changed, r)
		}
		if r := get(t, s, "/a", "If-Modified-Since: Sun, 01 Jun 2025 10:20:30 GMT"); r.Status != 200 {
			t.Error("If-Modified-Since:", r)
		}
		if r := get(t, s, "/a", "If-Unmodified-Since: Thu, 01 Jan 1970 00:00:00 GMT"); r.Status != 200 {
			t.Error("If-Unmodified-Since:", r)
		}
		return field(r, "ETag")
	}
	for _, changed := range []time.Time{time.Unix(0, 0), time.Unix(1, 0), time.Date(1980, 1, 1, 0, 0, 1, 0, time.UTC)} {
		// The files were really made now, which is after exchangetest.Now: their tags are weak.
		if a, b := tag("one", changed), tag("two", changed); a == b || !strings.HasPrefix(a, `W/"3-`) {
			t.Errorf("%v: tags %s and %s", changed, a, b)
		}
	}
}
