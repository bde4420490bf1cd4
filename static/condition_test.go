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

func TestConditions(t *testing.T) {
	s, _ := newStage(t, spec.Directory{}, map[string]string{"site/hello.txt": "hello", "site/docs/index.html": ""})
	f := func(want int, fields ...string) {
		t.Helper()
		for _, method := range []string{"GET", "HEAD"} {
			r := ask(t, s, method+" /hello.txt HTTP/1.1\nHost: a\n"+lines(fields))
			if r.Status != want || want != 200 && (r.Body != "" || r.Length != -1 || field(r, "Content-Type") != "") || field(r, "ETag") != helloTag {
				t.Errorf("%s %v: got %v, want %d", method, fields, r, want)
			}
		}
	}
	const earlier, later = "Sun, 01 Jun 2025 10:20:29 GMT", "Sun, 01 Jun 2025 10:20:31 GMT"
	f(200)
	f(304, "If-None-Match: "+helloTag)
	f(304, "If-None-Match: W/"+helloTag) // as the edge's compression made it
	f(304, "If-None-Match: *")
	f(304, `If-None-Match: "a", W/"b,c" ,, `+helloTag)
	f(304, `If-None-Match: "a"`, "If-None-Match: "+helloTag)
	f(200, `If-None-Match: "a"`)
	f(200, "If-None-Match: "+strings.Trim(helloTag, `"`))
	f(200, `If-None-Match: "a" `+helloTag) // no list: what follows the mistake does not count
	f(200, `If-None-Match: "a`)
	f(200, "If-None-Match: *, *")
	f(200, "If-None-Match: ")
	f(304, "If-Modified-Since: "+lastModified)
	f(304, "If-Modified-Since: "+later)
	f(304, "If-Modified-Since: Sunday, 01-Jun-25 10:20:30 GMT")
	f(304, "If-Modified-Since: Sun Jun  1 10:20:30 2025")
	f(200, "If-Modified-Since: "+earlier)
	f(200, "If-Modified-Since: 2025-06-01T10:20:30Z")
	f(200, "If-Modified-Since: "+lastModified, "If-Modified-Since: "+lastModified)
	f(200, "If-Modified-Since: "+strings.Repeat("1", 5000))
	f(200, "If-Modified-Since: "+later, `If-None-Match: "a"`) // If-None-Match alone decides
	f(304, "If-Modified-Since: "+earlier, "If-None-Match: "+helloTag)
	f(200, "If-Match: "+helloTag)
	f(200, "If-Match: *")
	f(200, `If-Match: "a", `+helloTag)
	f(412, `If-Match: "a"`)
	f(412, "If-Match: W/"+helloTag) // the strong comparison
	f(412, "If-Match: nonsense")
	f(412, `If-Match: "a"`, "If-None-Match: "+helloTag)
	f(304, "If-Match: "+helloTag, "If-None-Match: "+helloTag)
	f(200, "If-Unmodified-Since: "+lastModified)
	f(412, "If-Unmodified-Since: "+earlier)
	f(200, "If-Unmodified-Since: nonsense")
	f(200, "If-Unmodified-Since: "+earlier, "If-Match: "+helloTag) // If-Match alone decides
	f(304, "If-Unmodified-Since: "+lastModified, "If-Modified-Since: "+lastModified)
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
