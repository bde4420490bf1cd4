package static_test

import (
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"strconv"
	"strings"
	"testing"

	"skerry.dev/skerry/exchange/exchangetest"
	"skerry.dev/skerry/spec"
)

const digits = "0123456789"

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
		if p.Header.Get("Content-Type") != "text/plain; charset=utf-8" {
			t.Errorf("a part has the header %v", p.Header)
		}
		all = append(all, strings.TrimPrefix(p.Header.Get("Content-Range"), "bytes ")+" "+string(text))
	}
}

func TestRanges(t *testing.T) {
	s, _ := newStage(t, spec.Directory{}, map[string]string{"site/d.txt": digits, "site/empty.txt": ""})
	f := func(value, want string) {
		t.Helper()
		r := get(t, s, "/d.txt", "Range: "+value)
		got := strconv.Itoa(r.Status)
		switch {
		case r.Status == 206:
			got = parts(t, r)
		case r.Status == 200 && r.Body != digits, r.Status == 416 && field(r, "Content-Range") != "bytes */10", r.Status != 416 && field(r, "Accept-Ranges") != "bytes":
			t.Errorf("%s: got %v", value, r)
		}
		if got != want {
			t.Errorf("%s: got %q, want %q", value, got, want)
		}
	}
	f("bytes=0-0", "0-0/10 0")
	f("bytes=2-4", "2-4/10 234")
	f("BYTES=2-4", "2-4/10 234")
	f("bytes=7-", "7-9/10 789")
	f("bytes=7-9", "7-9/10 789")
	f("bytes=7-10", "7-9/10 789")
	f("bytes=7-99999999999999999999999999", "7-9/10 789")
	f("bytes=-3", "7-9/10 789")
	f("bytes=-10", "0-9/10 "+digits)
	f("bytes=-11", "0-9/10 "+digits)
	f("bytes=-99999999999999999999999999", "0-9/10 "+digits)
	f("bytes=0-", "0-9/10 "+digits)
	f("bytes=10-", "416")
	f("bytes=10-20", "416")
	f("bytes=-0", "416")
	f("bytes=99999999999999999999999999-", "416")
	f("bytes=9223372036854775807-9223372036854775807", "416")
	f("bytes=10-,-0", "416")
	f("bytes=0-1,5-6", "0-1/10 01; 5-6/10 56")
	f("bytes= 0-1 ,, 5-6,", "0-1/10 01; 5-6/10 56")
	f("bytes=5-6,0-1", "5-6/10 56; 0-1/10 01") // in the order asked for
	f("bytes=-1,0-0,20-30", "9-9/10 9; 0-0/10 0")
	f("bytes=0-1,20-30", "0-1/10 01")
	f("bytes=0-4,5-9", "0-4/10 01234; 5-9/10 56789")
	for _, whole := range []string{
		"bytes=0-5,5-9", "bytes=0-0,0-0", "bytes=0-,-1", // some bytes twice
		"bytes", "bytes=", "bytes=,", "bytes=-", "bytes=a-b", "bytes=1", "bytes=3-2", "bytes=0-1,3-2", "bytes=0--1", "bytes=+1-2", "bytes=1- 2", "bytes =0-1",
		"bytes=0x1-2", "lines=0-1", "=0-1", "none", "bytes=0-1;5-6",
	} {
		f(whole, "200")
	}
	f("bytes="+strings.TrimSuffix(strings.Repeat("20-,", 16), ",")+"", "416")
	f("bytes="+strings.Repeat("20-,", 16)+"0-0", "200") // 17 of them
	if r := get(t, s, "/empty.txt", "Range: bytes=0-"); r.Status != 200 || r.Body != "" {
		t.Error("a range of nothing:", r)
	}
	if r := get(t, s, "/d.txt", "Range: bytes=0-0", "Range: bytes=1-1"); r.Status != 200 {
		t.Error("two fields:", r)
	}
	if r := ask(t, s, "HEAD /d.txt HTTP/1.1\nHost: a\nRange: bytes=0-0\n"); r.Status != 200 || r.Length != 10 {
		t.Error("HEAD has ranges:", r)
	}
}

func TestIfRange(t *testing.T) {
	s, _ := newStage(t, spec.Directory{}, map[string]string{"site/d.txt": digits})
	tag := field(get(t, s, "/d.txt"), "ETag")
	f := func(want int, fields ...string) {
		t.Helper()
		if r := get(t, s, "/d.txt", append(fields, "Range: bytes=20-")...); r.Status != want {
			t.Errorf("%v: got %v, want %d", fields, r, want)
		}
	}
	f(416)
	f(416, "If-Range: "+tag)
	f(416, "If-Range: "+lastModified)
	f(200, `If-Range: "other"`)
	f(200, "If-Range: W/"+tag)
	f(200, "If-Range: "+tag+", "+tag)
	f(200, "If-Range: Sun, 01 Jun 2025 10:20:29 GMT")
	f(200, "If-Range: Sun, 01 Jun 2025 10:20:31 GMT")
	f(200, "If-Range: nonsense")
	f(200, "If-Range: ")
	f(200, "If-Range: "+tag, "If-Range: "+tag)
	f(304, "If-None-Match: "+tag)
	f(412, `If-Match: "other"`)
}

func TestManyParts(t *testing.T) {
	// Parts across pieces of the buffer, and a boundary that is another one each time.
	content := strings.Repeat(digits, 30_000)
	s, _ := newStage(t, spec.Directory{}, map[string]string{"site/d.txt": content})
	var want []string
	ranges := "bytes="
	for i := range 16 {
		from := i * 18_000
		to := from + 1100*i // exclusive; the first has one byte
		if i == 0 {
			to = 1
		}
		ranges += fmt.Sprintf("%d-%d,", from, to-1)
		want = append(want, fmt.Sprintf("%d-%d/300000 %s", from, to-1, content[from:to]))
	}
	a, b := get(t, s, "/d.txt", "Range: "+ranges), get(t, s, "/d.txt", "Range: "+ranges)
	if parts(t, a) != strings.Join(want, "; ") {
		t.Error("the parts are not those asked for")
	}
	if field(a, "Content-Type") == field(b, "Content-Type") {
		t.Error("the boundary is the same twice")
	}
	if got := get(t, s, "/d.txt", "Range: bytes=65535-131073"); got.Body != content[65535:131074] {
		t.Error("one range across pieces")
	}
}
