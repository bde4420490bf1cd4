package static_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"skerry.dev/skerry/exchange"
	"skerry.dev/skerry/spec"
)

func TestCodings(t *testing.T) {
	s, dir := newStage(t, spec.Directory{}, map[string]string{
		"site/all.js": "identity", "site/all.js.br": "br", "site/all.js.zst": "zstd", "site/all.js.gz": "gzip",
		"site/gz.js": "identity", "site/gz.js.gz": "gzip", "site/none.js": "identity",
		"site/old.js": "identity", "site/old.js.br": "br", "site/odd.js": "identity", "site/odd.js.br/": "", "site/odd.js.zst": "-> /etc/passwd",
		"site/p.png": "identity", "site/p.png.br": "br", "site/d/index.html": "identity", "site/d/index.html.br": "br",
	})
	must(t, os.Chtimes(filepath.Join(dir, "site/old.js.br"), date, date.Add(-time.Nanosecond)))
	f := func(path, accept, want string, varies bool, before ...func(*exchange.Exchange)) {
		t.Helper()
		request := "GET " + path + " HTTP/1.1\nHost: a\n"
		if accept != "" {
			request += "Accept-Encoding: " + accept + "\n"
		}
		r := ask(t, s, request, before...)
		coding := field(r, "Content-Encoding")
		if coding == "" {
			coding = "identity"
		}
		if r.Body != want || coding != want || (field(r, "Vary") == "Accept-Encoding") != varies || strings.Contains(field(r, "ETag"), "-"+want+`"`) != (want != "identity") {
			t.Errorf("%s %s: got %v, want %s", path, accept, r, want)
		}
		if kind := field(r, "Content-Type"); strings.HasSuffix(path, ".js") && kind != "text/javascript; charset=utf-8" {
			t.Errorf("%s %s: type %s", path, accept, kind)
		}
		head := ask(t, s, "HEAD"+strings.TrimPrefix(request, "GET"), before...)
		if head.Head != r.Head || head.Length != int64(len(r.Body)) {
			t.Errorf("%s %s: HEAD got %v, GET %v", path, accept, head, r)
		}
	}
	settled := func(coding string, takes exchange.Coding) func(*exchange.Exchange) {
		return func(x *exchange.Exchange) { x.Facts.Encoding.Accept, x.Facts.Encoding.Takes = coding, takes }
	}
	f("/all.js", "", "identity", true)
	f("/all.js", "gzip, deflate, br, zstd", "br", true)
	f("/all.js", "gzip, deflate, zstd", "zstd", true)
	f("/all.js", "GZIP", "gzip", true)
	f("/all.js", "br;q=0, zstd;q=0.000, gzip;q=0.1", "gzip", true)
	f("/all.js", "br ; q=0, zstd; q=0", "identity", true)
	f("/all.js", "*", "identity", true)
	f("/all.js", "brotli, x-gzip, gzi", "identity", true)
	f("/gz.js", "gzip, br", "gzip", true)
	f("/gz.js", "br", "identity", true)
	f("/none.js", "gzip, br", "identity", false)
	f("/old.js", "br", "identity", false)
	f("/odd.js", "br, zstd", "identity", false)
	f("/p.png", "br", "identity", false) // nobody looks
	f("/d/", "br", "br", true)
	f("/all.js", "gzip, br", "gzip", true, settled("gzip", exchange.CodingGzip))
	f("/all.js", "gzip, br", "identity", true, settled("identity", 0))
	f("/gz.js", "gzip, br", "identity", true, settled("br", exchange.CodingBr))
	f("/gz.js", "gzip, zstd, br", "gzip", true, settled("zstd", exchange.CodingBr|exchange.CodingZstd|exchange.CodingGzip))
	if r := get(t, s, "/all.js.br", "Accept-Encoding: br"); r.Body != "br" || field(r, "Content-Encoding") != "" || field(r, "Content-Type") != "application/octet-stream" {
		t.Error("the copy under its own name:", r)
	}
}

// TestCodedRanges: validators and ranges are those of the copy that is sent.
func TestCodedRanges(t *testing.T) {
	s, dir := newStage(t, spec.Directory{}, map[string]string{"site/a.js": digits, "site/a.js.gz": "abcdef"})
	later := date.Add(time.Hour)
	must(t, os.Chtimes(filepath.Join(dir, "site/a.js.gz"), later, later))
	plain := get(t, s, "/a.js")
	packed := get(t, s, "/a.js", "Accept-Encoding: gzip")
	if field(plain, "ETag") == field(packed, "ETag") || field(packed, "Last-Modified") != "Sun, 01 Jun 2025 11:20:30 GMT" {
		t.Errorf("got\n%v\nand\n%v", plain, packed)
	}
	r := get(t, s, "/a.js", "Accept-Encoding: gzip", "Range: bytes=-2", "If-Range: "+field(packed, "ETag"))
	if r.Status != 206 || r.Body != "ef" || field(r, "Content-Range") != "bytes 4-5/6" || field(r, "Content-Encoding") != "gzip" {
		t.Error(r)
	}
	if r := get(t, s, "/a.js", "Accept-Encoding: gzip", "Range: bytes=-2", "If-Range: "+field(plain, "ETag")); r.Status != 200 || r.Body != "abcdef" {
		t.Error("a part of another representation:", r)
	}
	for _, status := range []string{"If-None-Match: " + field(packed, "ETag"), "If-Match: \"a\"", "Range: bytes=9-"} {
		if r := get(t, s, "/a.js", "Accept-Encoding: gzip", status); field(r, "Vary") != "Accept-Encoding" || field(r, "ETag") != field(packed, "ETag") {
			t.Errorf("%s: %v", status, r)
		}
	}
}
