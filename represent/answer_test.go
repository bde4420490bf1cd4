package represent_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"skerry.dev/skerry/exchange"
	"skerry.dev/skerry/exchange/exchangetest"
	"skerry.dev/skerry/represent"
)

const earlier, later = "Sun, 01 Jun 2025 10:20:29 GMT", "Sun, 01 Jun 2025 10:20:31 GMT"

func TestConditions(t *testing.T) {
	p := newPage("hello")
	f := func(want int, fields ...string) {
		t.Helper()
		for _, method := range []string{"GET", "HEAD"} {
			r := ask(t, p, method+" / HTTP/1.1\nHost: a\n"+lines(fields))
			if r.Status != want || want != 200 && (r.Body != "" || r.Length != -1) {
				t.Errorf("%s %v: got %v, want %d", method, fields, r, want)
			}
		}
	}
	f(200)
	f(304, "If-None-Match: "+tag)
	f(304, "If-None-Match: W/"+tag) // as the edge's compression made it
	f(304, "If-None-Match: *")
	f(304, `If-None-Match: "a", W/"b,c" ,, `+tag)
	f(304, `If-None-Match: "a"`, "If-None-Match: "+tag)
	f(200, `If-None-Match: "a"`)
	f(200, "If-None-Match: "+strings.Trim(tag, `"`))
	f(200, `If-None-Match: "a" `+tag) // no list: what follows the mistake does not count
	f(200, `If-None-Match: "a`)
	f(200, `If-None-Match: W/`)
	f(200, `If-None-Match: w/`+tag) // case matters
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
	f(304, "If-Modified-Since: "+earlier, "If-None-Match: "+tag)
	f(200, "If-Match: "+tag)
	f(200, "If-Match: *")
	f(200, `If-Match: "a", `+tag)
	f(412, `If-Match: "a"`)
	f(412, "If-Match: W/"+tag) // the strong comparison
	f(412, "If-Match: nonsense")
	f(412, `If-Match: "a"`, "If-None-Match: "+tag)
	f(304, "If-Match: "+tag, "If-None-Match: "+tag)
	f(200, "If-Unmodified-Since: "+lastModified)
	f(412, "If-Unmodified-Since: "+earlier)
	f(200, "If-Unmodified-Since: nonsense")
	f(200, "If-Unmodified-Since: "+earlier, "If-Unmodified-Since: "+earlier)
	f(200, "If-Unmodified-Since: "+earlier, "If-Match: "+tag) // If-Match alone decides
	f(304, "If-Unmodified-Since: "+lastModified, "If-Modified-Since: "+lastModified)
	f(200, "If-Range: "+tag) // without a Range it asks nothing
}

// TestWeak: what a weak validator is good for (RFC 9110 sections 8.8.1 and 13.1).
func TestWeak(t *testing.T) {
	p := newPage(digits)
	p.Tag, p.Strong = []byte("W/"+tag), false
	f := func(want int, fields ...string) {
		t.Helper()
		if r := get(t, p, fields...); r.Status != want {
			t.Errorf("%v: got %v, want %d", fields, r, want)
		}
	}
	f(304, "If-None-Match: "+tag)
	f(304, "If-None-Match: W/"+tag)
	f(412, "If-Match: "+tag)
	f(412, "If-Match: W/"+tag)
	f(200, "If-Match: *")
	f(200, "Range: bytes=0-0", "If-Range: "+tag)
	f(200, "Range: bytes=0-0", "If-Range: W/"+tag)
	f(200, "Range: bytes=0-0", "If-Range: "+lastModified)
	f(206, "Range: bytes=0-0")
	f(200, "If-Unmodified-Since: "+lastModified)
	f(412, "If-Unmodified-Since: "+earlier)
}

// TestWithoutValidators: the zero value has none.
func TestWithoutValidators(t *testing.T) {
	p := &page{content: digits, Representation: represent.Representation{Size: 10, Origin: true}}
	f := func(want int, fields ...string) {
		t.Helper()
		if r := get(t, p, fields...); r.Status != want {
			t.Errorf("%v: got %v, want %d", fields, r, want)
		}
	}
	for _, id := range []string{"If-None-Match", "If-Range"} {
		for _, value := range []string{tag, `""`, `W/""`, `"`, "W/"} {
			f(200, id+": "+value)
		}
	}
	const first = "Mon, 01 Jan 0001 00:00:00 GMT" // of time.Time's zero value
	f(304, "If-None-Match: *")
	f(200, "If-Match: *")
	f(412, "If-Match: "+tag)
	f(200, "If-Modified-Since: "+later)
	f(200, "If-Modified-Since: "+first)
	f(200, "If-Unmodified-Since: "+first)
	f(200, "Range: bytes=0-0", "If-Range: "+first)
	f(206, "Range: bytes=0-0")
}

// TestNotOrigin: a cache does not judge what only an origin may (RFC 9111 section 4.3.2).
func TestNotOrigin(t *testing.T) {
	p := newPage(digits)
	p.Origin = false
	f := func(want int, fields ...string) {
		t.Helper()
		if r := get(t, p, fields...); r.Status != want {
			t.Errorf("%v: got %v, want %d", fields, r, want)
		}
	}
	f(200, `If-Match: "a"`)
	f(200, "If-Unmodified-Since: "+earlier)
	f(304, `If-Match: "a"`, "If-None-Match: "+tag)
	f(304, "If-Modified-Since: "+lastModified)
	f(206, `If-Match: "a"`, "Range: bytes=0-0")
}

func TestMethods(t *testing.T) {
	f := func(method, more string, want represent.Outcome) {
		t.Helper()
		x := exchangetest.Request(method + " / HTTP/1.1\nHost: a\n" + more + "\n")
		defer x.Release()
		x.Now = time.Time{} // whoever has no clock gets one
		if got, _ := represent.Answer(x, &newPage(digits).Representation); got != want {
			t.Errorf("%s %s: %v, want %v", method, more, got, want)
		}
		if asks := represent.Asks(x.Req.Fields); asks != (more != "" && !strings.HasPrefix(more, "Accept")) {
			t.Errorf("%s %s: Asks is %v", method, more, asks)
		}
	}
	f("GET", "", represent.Whole)
	f("GET", "Accept: */*", represent.Whole)
	f("GET", "Range: bytes=0-0", represent.Partial)
	f("GET", "Range: bytes=10-", represent.Unsatisfiable)
	f("HEAD", "Range: bytes=0-0", represent.Whole)
	f("HEAD", "Range: bytes=10-", represent.Whole)
	f("QUERY", "Range: bytes=0-0", represent.Whole)
	f("QUERY", "If-None-Match: "+tag, represent.NotModified)
	f("QUERY", "If-Modified-Since: "+lastModified, represent.Whole) // RFC 9110 section 13.1.3
	f("HEAD", "If-Modified-Since: Sunday, 01-Jun-25 10:20:30 GMT", represent.NotModified)
	f("GET", "If-Unmodified-Since: "+earlier, represent.Failed)
}

func TestTags(t *testing.T) {
	f := func(a, b string, weak, strong bool) {
		t.Helper()
		for range 2 {
			if got := represent.Same([]byte(a), []byte(b)); got != weak {
				t.Errorf("Same(%s, %s) is %v", a, b, got)
			}
			if got := represent.SameStrong([]byte(a), []byte(b)); got != strong {
				t.Errorf("SameStrong(%s, %s) is %v", a, b, got)
			}
			a, b = b, a
		}
	}
	// The table of RFC 9110 section 8.8.3.2.
	f(`W/"1"`, `W/"1"`, true, false)
	f(`W/"1"`, `W/"2"`, false, false)
	f(`W/"1"`, `"1"`, true, false)
	f(`"1"`, `"1"`, true, true)
	f(`"1"`, `"2"`, false, false)
	f(`"a"`, `"A"`, false, false)
	f(`""`, `""`, true, true)
	f("", "", false, false)
	f("", `"1"`, false, false)
	for tag, want := range map[string]bool{
		`"a"`: true, `W/"a"`: true, `""`: true, `"!#~` + "\x80\xff" + `"`: true, `"a,b"`: true,
		``: false, `a`: false, `"a`: false, `a"`: false, `w/"a"`: false, `"a b"`: false, `"a" `: false, `"a""b"`: false, "\"a\x7f\"": false, `W/`: false, `W/a`: false,
	} {
		if got := represent.IsTag([]byte(tag)); got != want {
			t.Errorf("IsTag(%q) is %v", tag, got)
		}
	}
}

func TestStored(t *testing.T) {
	came := date.Add(time.Hour)
	f := func(head, want string) {
		t.Helper()
		x := exchangetest.Request("GET / HTTP/1.1\nHost: a\n" + head)
		defer x.Release()
		r := represent.Stored(x.Req.Fields, 7, came)
		at := func(t time.Time) string {
			if t.IsZero() {
				return "-"
			}
			return t.UTC().Format("15:04:05")
		}
		if got := fmt.Sprintf("%s %s %v since %s", r.Tag, at(r.Modified), r.Strong, at(r.Since)); got != want || r.Size != 7 || r.Origin {
			t.Errorf("%q: got %s, want %s; %+v", head, got, want, r)
		}
	}
	f("", " - false since 11:20:30")
	f("Date: "+later+"\n", " - false since 10:20:31")
	f("Date: nonsense\n", " - false since 11:20:30")
	f("Last-Modified: "+lastModified+"\n", " 10:20:30 false since 10:20:30")
	f("Last-Modified: "+lastModified+"\nDate: "+lastModified+"\n", " 10:20:30 false since 10:20:30")
	f("Last-Modified: "+lastModified+"\nDate: "+later+"\n", " 10:20:30 true since 10:20:30")
	f("Last-Modified: "+later+"\nDate: "+lastModified+"\n", " 10:20:31 false since 10:20:31")
	f("Last-Modified: "+lastModified+"\nLast-Modified: "+later+"\nDate: "+later+"\n", " - false since 10:20:31")
	f("Last-Modified: "+lastModified+"\nDate: "+later+"\nDate: "+later+"\n", " 10:20:30 false since 10:20:30")
	f("Last-Modified: 0\nDate: "+later+"\n", " - false since 10:20:31")
	f("ETag: "+tag+"\n", tag+" - false since 11:20:30")
	f("ETag: W/"+tag+"\n", "W/"+tag+" - false since 11:20:30")
	f("ETag: tag\n", " - false since 11:20:30")
	f("ETag: "+tag+"\nETag: "+tag+"\n", " - false since 11:20:30")
}

func TestTrimNotModified(t *testing.T) {
	var f exchange.Fields
	for _, name := range []string{"Content-Type", "ETag", "Content-Encoding", "Content-Language", "Cache-Control", "Content-Location", "Content-Length", "Content-Range", "Content-Security-Policy", "X-A"} {
		f.AddNamed([]byte(name), []byte("x"))
	}
	represent.TrimNotModified(&f)
	var left []string
	for i := range f {
		left = append(left, string(f[i].Name))
	}
	if got, want := strings.Join(left, " "), "ETag Cache-Control Content-Location Content-Security-Policy X-A"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
