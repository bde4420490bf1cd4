//go:build unix

package static_test

import (
	"bytes"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"skerry.dev/skerry/exchange"
	"skerry.dev/skerry/exchange/exchangetest"
	"skerry.dev/skerry/meter"
	"skerry.dev/skerry/spec"
	"skerry.dev/skerry/static"
)

// nasty is a tree in which many names lead to a secret: outside the service's directory, or hidden in it.
var nasty = map[string]string{
	"site/index.html": "public", "site/a/b/c.txt": "public", "site/f.html": "public", "site/c%2e": "public",
	"secret.txt": "SECRET", "other/secret.txt": "SECRET", "other/index.html": "SECRET", "site/.env": "SECRET", "site/a/.git/config": "SECRET",
	"site/up": "-> ..", "site/up.txt": "-> ../secret.txt", "site/deep": "-> a/b/../../../other", "site/abs.txt": "-> /etc/passwd", "site/absdir": "-> /etc",
	"site/a/up": "-> ../..", "site/a/index.html": "-> ../../secret.txt", "site/a/self": "-> .", "site/a/back": "-> ../a/b", "site/loop": "-> loop",
	"site/l1": "-> l2", "site/l2": "-> l1", "site/x.js": "public", "site/x.js.br": "-> ../secret.txt", "site/x.js.gz": "-> ../other/secret.txt",
	"site/proc": "-> /proc/self/root", "site/gone": "-> nothing", "site/inside.txt": "-> a/b/c.txt", "site/b.txt": "-> a/../a/b/c.txt",
}

func nastyStage(t testing.TB) (s *static.Stage, set *meter.Set) {
	dir := t.TempDir()
	write(t, dir, nasty)
	site := filepath.Join(dir, "site")
	must(t, syscall.Mkfifo(filepath.Join(site, "fifo"), 0o644))
	must(t, syscall.Mkfifo(filepath.Join(site, "x.js.zst"), 0o644))
	l, err := net.Listen("unix", filepath.Join(site, "sock"))
	must(t, err)
	t.Cleanup(func() { l.Close() })
	must(t, os.Symlink("/dev/zero", filepath.Join(site, "zero")))
	set = meter.NewSet()
	roots, err := static.OpenRoots(dir, set)
	must(t, err)
	t.Cleanup(roots.Close)
	s, problems := static.New("files", &spec.Directory{Path: "site", Fallback: "f.html"}, roots)
	for _, p := range problems {
		t.Fatal(p)
	}
	return s, set
}

func TestNothingOutside(t *testing.T) {
	s, set := nastyStage(t)
	f := func(want int, paths ...string) {
		t.Helper()
		for _, path := range paths {
			for _, method := range []string{"GET ", "HEAD "} {
				begun := time.Now()
				r := ask(t, s, method+path+" HTTP/1.1\nHost: a\nAccept-Encoding: br, zstd, gzip\nAccept: application/json\n")
				if r.Status != want || strings.Contains(r.Body, "SECRET") || strings.Contains(r.Body, "root:") || field(r, "Content-Encoding") != "" {
					t.Errorf("%s%s: got %v, want %d", method, path, r, want)
				}
				if d := time.Since(begun); d > 30*time.Second { // who waits for a FIFO does so for ever
					t.Errorf("%s%s took %v", method, path, d)
				}
			}
		}
	}
	f(200, "/", "/a/b/c.txt", "/f.html", "/inside.txt", "/b.txt", "/a/self/b/c.txt", "/a/back/c.txt", "/x.js", "/c%252e")
	f(404, "/up", "/up/", "/up/secret.txt", "/up.txt", "/deep", "/deep/", "/deep/secret.txt", "/abs.txt", "/absdir", "/absdir/", "/absdir/passwd")
	f(404, "/a/", "/a/up", "/a/up/secret.txt", "/loop", "/loop/", "/l1", "/proc", "/proc/etc/passwd", "/gone", "/a/self/self/self/self/self/self/self/self/self/b/c.txt")
	f(404, "/fifo", "/sock", "/zero", "/fifo/", "/sock/x", "/.env", "/a/.git/config", "/a/self/.git/config", "/x.js.br", "/x.js.zst")
	for _, reason := range []string{"hidden", "link", "special"} {
		if n := set.Counter("skerry_static_refused_total", "", "reason", reason).Value(); n < 4 {
			t.Errorf("%d refusals were counted as %s", n, reason)
		}
	}
}

// TestFIFOForDirectory: looking at it does not wait for who writes into it.
func TestFIFOForDirectory(t *testing.T) {
	dir := t.TempDir()
	must(t, syscall.Mkfifo(filepath.Join(dir, "fifo"), 0o644))
	must(t, os.Symlink("fifo", filepath.Join(dir, "link")))
	roots := openRoots(t, dir)
	for _, path := range []string{"fifo", "link"} {
		if s, problems := static.New("files", &spec.Directory{Path: path}, roots); s != nil || len(problems) != 1 {
			t.Errorf("%s: %v", path, problems)
		}
	}
}

func TestUnreadable(t *testing.T) {
	if os.Getuid() == 0 {
		t.Log("root may read everything: only the way to it is tested")
	}
	s, dir := newStage(t, spec.Directory{}, map[string]string{"site/a": "SECRET", "site/d/index.html": "SECRET"})
	must(t, os.Chmod(filepath.Join(dir, "site/a"), 0))
	must(t, os.Chmod(filepath.Join(dir, "site/d"), 0))
	t.Cleanup(func() { os.Chmod(filepath.Join(dir, "site/d"), 0o755) })
	for _, path := range []string{"/a", "/d/"} {
		if r := get(t, s, path); os.Getuid() != 0 && r.Status != 404 {
			t.Errorf("%s: %v", path, r)
		}
	}
}

// FuzzPath: no path reaches anything outside, hangs or panics, and a Location stays on its host. Paths come in as the
// protocol lets them through and, as they are, as another stage might set them.
func FuzzPath(f *testing.F) {
	s, _ := nastyStage(f)
	for name := range nasty {
		f.Add("/" + strings.TrimPrefix(name, "site/"))
	}
	for _, path := range []string{"/", "//", "/..", "/../secret.txt", "/a/../../secret.txt", "/%2e%2e/secret.txt", "/..%2fsecret.txt", "/up%2Fsecret.txt", "/a/b/", "/a/b", "/.well-known/x", "/fifo",
		"/%c0%ae%c0%ae/secret.txt", "/..;/secret.txt", "/a%00.html", "\\..\\secret.txt", "/a/\x00", "/a/self/self/self/../b"} {
		f.Add(path)
	}
	f.Fuzz(func(t *testing.T, path string) {
		for _, raw := range []bool{true, false} {
			x := exchangetest.Request("GET / HTTP/1.1\nHost: a\nAccept-Encoding: br, gzip, zstd\nRange: bytes=0-9\n")
			x.Req.ToPath = []byte(path)
			if !raw {
				normal, err := exchange.NormalPath([]byte(path), &x.Scratch)
				if err != nil {
					x.Release()
					continue
				}
				x.Req.ToPath = normal
			}
			exchange.NewPath(exchangetest.RenderText, s).Run(x)
			r := exchangetest.Of(x)
			x.Release()
			switch location := field(r, "Location"); r.Status {
			case 206:
				if r.Body != "public" {
					t.Errorf("%q: got %v", path, r)
				}
			case 308:
				if location[0] != '/' || len(location) > 1 && (location[1] == '/' || location[1] == '\\') || bytes.ContainsAny([]byte(location), "\r\n\x00 ") {
					t.Errorf("%q: redirected to %q", path, location)
				}
			case 404:
			default:
				t.Errorf("%q: got %v", path, r)
			}
		}
	})
}
