package represent_test

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"skerry.dev/skerry/exchange"
	"skerry.dev/skerry/exchange/exchangetest"
	"skerry.dev/skerry/represent"
)

func TestRanges(t *testing.T) {
	p := newPage(digits)
	f := func(value, want string) {
		t.Helper()
		r := get(t, p, "Range: "+value)
		got := strconv.Itoa(r.Status)
		switch {
		case r.Status == 206:
			got = parts(t, r)
		case r.Status == 200 && r.Body != digits, r.Status == 416 && field(r, "Content-Range") != "bytes */10":
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
	if r := get(t, newPage(""), "Range: bytes=0-"); r.Status != 200 || r.Body != "" {
		t.Error("a range of nothing:", r)
	}
	unknown := newPage(digits)
	unknown.Size = -1
	for _, value := range []string{"0-0", "0-0,2-2", "-1", "10-"} {
		if r := get(t, unknown, "Range: bytes="+value); r.Status != 200 || r.Body != digits {
			t.Error("a range of nobody knows how much:", r)
		}
	}
	if r := get(t, p, "Range: bytes=0-0", "Range: bytes=1-1"); r.Status != 200 {
		t.Error("two fields:", r)
	}
	if r := ask(t, p, "HEAD / HTTP/1.1\nHost: a\nRange: bytes=0-0\n"); r.Status != 200 || r.Length != 10 {
		t.Error("HEAD has ranges:", r)
	}
}

func TestIfRange(t *testing.T) {
	p := newPage(digits)
	f := func(want int, fields ...string) {
		t.Helper()
		if r := get(t, p, append(fields, "Range: bytes=20-")...); r.Status != want {
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

// TestManyParts: sixteen parts out of every kind of source, and a boundary that is another one each time.
func TestManyParts(t *testing.T) {
	content := strings.Repeat(digits, 30_000)
	var want []string
	ranges := "Range: bytes="
	for i := range 16 {
		from := i * 18_000
		to := from + 1100*i // exclusive; the first has one byte
		if i == 0 {
			to = 1
		}
		ranges += fmt.Sprintf("%d-%d,", from, to-1)
		want = append(want, fmt.Sprintf("%d-%d/300000 %s", from, to-1, content[from:to]))
	}
	for name, source := range sources {
		p := newPage(content)
		p.source = source
		a, b := get(t, p, ranges), get(t, p, ranges)
		if parts(t, a) != strings.Join(want, "; ") {
			t.Errorf("%s: the parts are not those asked for", name)
		}
		if field(a, "Content-Type") == field(b, "Content-Type") {
			t.Errorf("%s: the boundary is the same twice", name)
		}
		if got := get(t, p, "Range: bytes=65535-131073"); got.Body != content[65535:131074] {
			t.Errorf("%s: one range across pieces", name)
		}
	}
}

// TestPartsWithoutType: a part says of its type what the whole does.
func TestPartsWithoutType(t *testing.T) {
	p := newPage(digits)
	p.Type = nil
	r := get(t, p, "Range: bytes=0-0,9-9")
	boundary := strings.TrimPrefix(field(r, "Content-Type"), "multipart/byteranges; boundary=")
	want := "--" + boundary + "\r\nContent-Range: bytes 0-0/10\r\n\r\n0\r\n--" + boundary + "\r\nContent-Range: bytes 9-9/10\r\n\r\n9\r\n--" + boundary + "--\r\n"
	if r.Body != want || len(boundary) != 32 {
		t.Errorf("got %q, want %q", r.Body, want)
	}
}

// TestLargestSize: no offset of a Content-Range is cut off.
func TestLargestSize(t *testing.T) {
	const most = 1<<63 - 1
	p := newPage("")
	p.Size = most
	if r := get(t, p, "Range: bytes=9223372036854775807-"); r.Status != 416 || field(r, "Content-Range") != "bytes */9223372036854775807" {
		t.Error(r)
	}
	x := exchangetest.Request("GET / HTTP/1.1\nHost: a\n")
	defer x.Release()
	represent.AddContentRange(x, represent.Span{From: most - 1, To: most}, most)
	if got := string(x.Resp.Fields.Get(exchange.NameContentRange)); got != "bytes 9223372036854775806-9223372036854775806/9223372036854775807" {
		t.Error(got)
	}
}
