package static_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"skerry.dev/skerry/exchange"
	"skerry.dev/skerry/exchange/exchangetest"
	"skerry.dev/skerry/meter"
	"skerry.dev/skerry/spec"
	"skerry.dev/skerry/static"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const digits = "0123456789"

// date is when every file of a tree was last changed, unless a test says otherwise; long before exchangetest.Now.
var date = time.Date(2025, 6, 1, 10, 20, 30, 123456789, time.UTC)

// write makes files below dir: "name": "content", "name": "-> target" for a link, "name/": "" for a directory.
func write(t testing.TB, dir string, files map[string]string) {
	t.Helper()
	for name, content := range files {
		at := filepath.Join(dir, name)
		parent := filepath.Dir(at)
		if strings.HasSuffix(name, "/") {
			parent = at
		}
		must(t, os.MkdirAll(parent, 0o755))
		if target, link := strings.CutPrefix(content, "-> "); link {
			must(t, os.Symlink(target, at))
		} else if parent != at {
			must(t, os.WriteFile(at, []byte(content), 0o644))
			must(t, os.Chtimes(at, date, date))
		}
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// newStage serves "site" below a directory with these files.
func newStage(t testing.TB, d spec.Directory, files map[string]string) (s *static.Stage, dir string) {
	t.Helper()
	dir = t.TempDir()
	write(t, dir, map[string]string{"site/": ""})
	write(t, dir, files)
	if d.Path == "" {
		d.Path = "site"
	}
	s, problems := static.New("files", &d, openRoots(t, dir))
	for _, p := range problems {
		t.Fatal(p)
	}
	return s, dir
}

func openRoots(t testing.TB, dir string) *static.Roots {
	t.Helper()
	roots, err := static.OpenRoots(dir, meter.NewSet())
	must(t, err)
	t.Cleanup(roots.Close)
	return roots
}

// ask runs a request along a path that ends at the stage. Each of before may change the exchange first.
func ask(t testing.TB, s *static.Stage, request string, before ...func(*exchange.Exchange)) *exchangetest.Recorder {
	t.Helper()
	x := exchangetest.Request(request)
	defer x.Release()
	for _, f := range before {
		f(x)
	}
	if complete := exchange.NewPath(exchangetest.RenderText, s).Run(x); complete != (exchangetest.Of(x).Err == nil) {
		t.Errorf("complete is %v, the body's error %v", complete, exchangetest.Of(x).Err)
	}
	if x.Facts.Origin.Service != "files" || x.Facts.Origin.Tries != 0 {
		t.Errorf("facts: %+v", x.Facts.Origin)
	}
	return exchangetest.Of(x)
}

// get asks for a path of host a, with more fields.
func get(t testing.TB, s *static.Stage, path string, fields ...string) *exchangetest.Recorder {
	t.Helper()
	return ask(t, s, "GET "+path+" HTTP/1.1\nHost: a\n"+lines(fields))
}

func lines(fields []string) string {
	if len(fields) == 0 {
		return ""
	}
	return strings.Join(fields, "\n") + "\n"
}

// field is the value of a field of an answer, "" if there is none.
func field(r *exchangetest.Recorder, name string) string {
	for line := range strings.SplitSeq(r.Head, "\n") {
		if value, ok := strings.CutPrefix(line, name+": "); ok {
			return value
		}
	}
	return ""
}

const (
	lastModified = "Sun, 01 Jun 2025 10:20:30 GMT"
	helloTag     = `"5-1844e3fcc6389915"`
)

func TestWholeAnswers(t *testing.T) {
	s, _ := newStage(t, spec.Directory{}, map[string]string{
		"site/hello.txt": "hello", "site/index.html": "<p>", "site/docs/index.html": "docs", "site/empty/": "",
		"site/.well-known/acme": "token",
	})
	f := func(request, want string) {
		t.Helper()
		if got := ask(t, s, request+" HTTP/1.1\nHost: a\n").String(); got != want {
			t.Errorf("%s: got\n%s\nwant\n%s", request, got, want)
		}
	}
	const hello = "200\nContent-Type: text/plain; charset=utf-8\nAccept-Ranges: bytes\nLast-Modified: " + lastModified + "\nETag: " + helloTag + "\n"
	f("GET /hello.txt", hello+"\nhello")
	f("GET /hello.txt?a=b", hello+"\nhello")
	f("HEAD /hello.txt", hello+"(length 5)\n")
	f("GET /docs", "308\nLocation: /docs/\n")
	f("HEAD /docs", "308\nLocation: /docs/\n")
	f("GET /docs?a=/b&c", "308\nLocation: /docs/?a=/b&c\n")
	f("GET /docs?", "308\nLocation: /docs/?\n")
	f("OPTIONS /hello.txt", "204\nAllow: GET, HEAD, OPTIONS\n")
	f("POST /hello.txt", "405\nAllow: GET, HEAD, OPTIONS\n\nfault method_not_allowed")
	f("PURGE /none", "405\nAllow: GET, HEAD, OPTIONS\n\nfault method_not_allowed")
	f("GET /none", "404\n\nfault no_file")
	f("HEAD /none", "404\n\nfault no_file") // the sink leaves the body out
	f("GET /empty/", "404\n\nfault no_file")
}

func TestNames(t *testing.T) {
	s, _ := newStage(t, spec.Directory{}, map[string]string{
		"site/index.html": "index", "site/a b/ü.txt": "umlaut", "site/100%.txt": "percent", "site/%41": "code", "site/a;b": "semicolon",
		"site/docs/index.html": "docs", "site/odd/index.html/y": "y", "site/UP.TXT": "up", "site/line\nbreak": "no", `site/back\slash`: "no",
		"site/.env": "secret", "site/.git/config": "secret", "site/docs/.htaccess": "secret", "site/..a": "secret",
		"site/.well-known/security.txt": "contact", "site/.well-known/.hidden": "secret", "site/docs/.well-known/x": "secret",
	})
	f := func(path, want string) {
		t.Helper()
		r := get(t, s, path)
		got := r.Body
		if r.Status == 308 {
			got = "to " + field(r, "Location")
		} else if r.Status == 404 {
			got = "404"
		}
		if got != want {
			t.Errorf("%s: got %q, want %q", path, got, want)
		}
	}
	f("/", "index")
	f("/index.html", "index")
	f("/./docs/../index.html", "index")
	f("/a%20b/%C3%BC.txt", "umlaut")
	f("/a%20b/%c3%bc.txt", "umlaut")
	f("/100%25.txt", "percent")
	f("/%2541", "code") // decoded once
	f("/A", "404")
	f("/a;b", "semicolon")
	f("/a%3Bb", "semicolon")
	f("/UP.TXT", "up")
	f("/up.txt", "404")
	f("/docs", "to /docs/")
	f("/docs/", "docs")
	f("/odd/", "404") // its index is a directory
	f("/odd/index.html", "to /odd/index.html/")
	f("/index.html/", "404")
	f("/index.html/x", "404")
	for _, path := range []string{"//", "//docs", "//docs/", "/docs//", "//a/../docs", "/docs//index.html", "/docs%2Findex.html", "/%2F", "/line%0Abreak", "/docs/%7F"} {
		f(path, "404")
	}
	for _, path := range []string{"/.env", "/%2Eenv", "/.git/config", "/.git/", "/.git", "/docs/.htaccess", "/..a", "/docs/.well-known/x", "/.well-known/.hidden", "/.well-knownx"} {
		f(path, "404")
	}
	f("/.well-known/security.txt", "contact")
	f("/.well-known", "to /.well-known/")
	f("/"+strings.Repeat("a", 300), "404")
	f("/"+strings.Repeat("a/", 200), "404")
	f("/"+strings.Repeat("aaaa", 2000), "404")
}

func TestPathForms(t *testing.T) {
	// What no protocol lets through, and what another stage made of a path.
	s, _ := newStage(t, spec.Directory{}, map[string]string{"site/a": "a", "secret": "s", "site/dir/": "", "site/d r/": ""})
	f := func(to string, status int, location string) {
		t.Helper()
		r := ask(t, s, "GET /public/x?q HTTP/1.1\nHost: a\n", func(x *exchange.Exchange) { x.Req.ToPath = []byte(to) })
		if r.Status != status || field(r, "Location") != location {
			t.Errorf("%q: got %v", to, r)
		}
	}
	f("/a", 200, "")
	f("/dir", 308, "/dir/?q") // the stage that rewrote the path maps it back
	f("/d%20r", 308, "/d%20r/?q")
	for _, to := range []string{"", "a", "*", "/d r", "/..", "/../secret", "/%2e%2e/secret", "/%2E%2E%2Fsecret", "/a%00", "/%", "/%4", "/%zz", "/a\\b", "/a%5Cb", "/\x00", "/./a", "/a/../a"} {
		f(to, 404, "")
	}
}

func TestFallback(t *testing.T) {
	files := map[string]string{
		"site/app.html": "app", "site/app.html.gz": "packed", "site/a.js": "js", "site/empty/": "", "site/out": "-> /etc/passwd",
	}
	s, dir := newStage(t, spec.Directory{Fallback: "app.html"}, files)
	f := func(want int, path, accept string) {
		t.Helper()
		var fields []string
		if accept != "none" {
			fields = []string{"Accept: " + accept}
		}
		r := get(t, s, path, fields...)
		if r.Status != want || want == 200 && (r.Body != "app" || field(r, "Vary") != "Accept, Accept-Encoding" || field(r, "Content-Type") != "text/html; charset=utf-8") {
			t.Errorf("%s, Accept: %s: got %v, want %d", path, accept, r, want)
		}
	}
	const browser = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8"
	f(200, "/users/7", browser)
	f(200, "/users/7.html", browser)
	f(200, "/users/7", "none")
	f(200, "/users/7", "*/*")
	f(200, "/users/", "application/json, */*;q=0.1")
	f(200, "/empty/", browser)
	f(404, "/users/7", "application/json")
	f(404, "/users/7", "text/html;q=0, application/json")
	f(404, "/users/7", "*/*; Q=0.000")
	f(404, "/b.js", "*/*")
	f(404, "/b.js", "none")
	f(404, "/out", browser) // it is there, and not to be served
	f(404, "/.env", browser)
	f(404, "//users", browser)
	f(404, "/a%2Fb", browser)
	f(404, "/.well-known/change-password", browser)
	if r := get(t, s, "/users/7", "If-None-Match: *"); r.Status != 304 {
		t.Error("the fallback has no validators:", r)
	}
	if r := ask(t, s, "HEAD /users/7 HTTP/1.1\nHost: a\n"); r.Status != 200 || r.Length != 3 || r.Body != "" {
		t.Error("HEAD:", r)
	}
	must(t, os.Remove(filepath.Join(dir, "site/app.html")))
	f(404, "/users/7", browser)
}

func TestTypes(t *testing.T) {
	files := map[string]string{}
	want := map[string]string{
		"a.html": "text/html; charset=utf-8", "a.HTM": "text/html; charset=utf-8", "a.css": "text/css; charset=utf-8", "a.js": "text/javascript; charset=utf-8",
		"a.mjs": "text/javascript; charset=utf-8", "a.json": "application/json", "a.js.map": "application/json", "a.wasm": "application/wasm",
		"a.webmanifest": "application/manifest+json", "a.svg": "image/svg+xml", "a.avif": "image/avif", "a.woff2": "font/woff2",
		"a.txt": "text/plain; charset=utf-8", "a.tar.gz": "application/gzip", "a": "application/octet-stream", "a.": "application/octet-stream",
		"a.exe": "application/octet-stream", "a.b/c": "application/octet-stream", "a.verylongextension": "application/octet-stream", "html": "application/octet-stream",
	}
	for name := range want {
		files["site/"+name] = "<html><script>"
	}
	s, _ := newStage(t, spec.Directory{}, files)
	for name, want := range want {
		if got := field(get(t, s, "/"+name), "Content-Type"); got != want {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
}

func TestIndex(t *testing.T) {
	s, _ := newStage(t, spec.Directory{Index: "start.htm", Path: "site/web"}, map[string]string{"site/web/start.htm": "start", "site/web/index.html": "no"})
	if r := get(t, s, "/"); r.Body != "start" {
		t.Error(r)
	}
}
