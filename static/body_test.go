package static_test

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"

	"skerry.dev/skerry/exchange"
	"skerry.dev/skerry/exchange/exchangetest"
	"skerry.dev/skerry/fault"
	"skerry.dev/skerry/spec"
	"skerry.dev/skerry/static"
)

// begin runs only the stage's Request: the body is the test's, the exchange ends with the test.
func begin(t *testing.T, content string, fields ...string) (body exchange.Body, file string) {
	t.Helper()
	s, dir := newStage(t, spec.Directory{}, map[string]string{"site/f.bin": content})
	x := exchangetest.Request("GET /f.bin HTTP/1.1\nHost: a\n" + lines(fields))
	t.Cleanup(x.Release)
	if s.Request(x) != exchange.Respond || x.Fault != nil {
		t.Fatal(x.Fault)
	}
	t.Cleanup(func() { x.Resp.Body.Close() })
	return x.Resp.Body, filepath.Join(dir, "site/f.bin")
}

func readAll(b exchange.Body) (string, error) {
	var all strings.Builder
	for {
		view, err := b.Next()
		if len(view) > 64<<10 {
			return "", fmt.Errorf("a piece of %d bytes", len(view))
		}
		all.Write(view)
		if err == io.EOF {
			return all.String(), nil
		}
		if err != nil {
			return all.String(), err
		}
	}
}

func TestBody(t *testing.T) {
	for _, size := range []int{0, 1, 64<<10 - 1, 64 << 10, 64<<10 + 1, 200_000} {
		want := strings.Repeat("abcdefg", size/7+1)[:size]
		b, _ := begin(t, want)
		if b.Size() != int64(size) || !b.(exchange.Ready).Ready() {
			t.Errorf("%d bytes: size %d", size, b.Size())
		}
		for range 2 {
			if got, err := readAll(b); got != want || err != nil {
				t.Errorf("%d bytes: got %d, error %v", size, len(got), err)
			}
			if !b.Replay() {
				t.Error("a file cannot be replayed")
			}
		}
		whole, err := b.(exchange.Whole).Whole()
		if small := size <= 64<<10; err != nil || (whole != nil) != small || small && string(whole) != want {
			t.Errorf("%d bytes: Whole gave %d bytes, nil %v, error %v", size, len(whole), whole == nil, err)
		}
		if got, err := readAll(b); err != nil || len(got)+len(whole) != size {
			t.Errorf("%d bytes: after Whole %d more, error %v", size, len(got), err)
		}
		if b.Close() != nil || b.Close() != nil || b.Replay() {
			t.Error("closing")
		}
	}
}

func TestPartsAreNotWhole(t *testing.T) {
	b, _ := begin(t, digits, "Range: bytes=0-1,5-6")
	if whole, err := b.(exchange.Whole).Whole(); whole != nil || err != nil {
		t.Errorf("got %q, %v", whole, err)
	}
	if all, err := readAll(b); err != nil || int64(len(all)) != b.Size() {
		t.Errorf("%d bytes of %d, %v", len(all), b.Size(), err)
	}
}

func TestFileShrinks(t *testing.T) {
	b, file := begin(t, strings.Repeat("a", 200_000))
	b.Next()
	must(t, os.Truncate(file, 100_000))
	got, err := readAll(b)
	if fault.Of(err) != fault.OriginIncomplete || len(got) != 100_000-64<<10 {
		t.Errorf("got %d bytes more, then %v", len(got), err)
	}
}

func TestFileGrows(t *testing.T) {
	b, file := begin(t, "hello")
	must(t, os.WriteFile(file, []byte("hello, world"), 0o644))
	if got, err := readAll(b); got != "hello" || err != nil {
		t.Errorf("got %q, %v", got, err)
	}
}

func TestFileIsReplaced(t *testing.T) {
	b, file := begin(t, "hello")
	must(t, os.WriteFile(file+"2", []byte("world"), 0o644))
	must(t, os.Rename(file+"2", file))
	if got, err := readAll(b); got != "hello" || err != nil {
		t.Errorf("got %q, %v", got, err)
	}
}

// TestDescriptors: whatever the answer is, and however its client leaves, nothing stays open.
func TestDescriptors(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Log("descriptors are counted on Linux only")
		return
	}
	dir := t.TempDir()
	write(t, dir, map[string]string{
		"site/a.js": strings.Repeat(digits, 20_000), "site/a.js.br": "br", "site/a.js.gz": "gz", "site/d/": "", "site/old.js": "", "site/old.js.br/": "",
	})
	open := func() int {
		list, err := os.ReadDir("/proc/self/fd")
		must(t, err)
		return len(list)
	}
	requests := []string{"GET /a.js", "HEAD /a.js", "GET /d", "GET /d/", "GET /none", "GET /none.js", "POST /a.js", "GET /.env", "GET /old.js"}
	fields := []string{"", "Accept-Encoding: br\n", "Range: bytes=0-1\n", "Range: bytes=0-1,3-4\n", "Range: bytes=999999-\n", "If-None-Match: *\n", "If-Match: \"a\"\n", "Accept: text/html\n"}
	before := open()
	roots := openRoots(t, dir)
	s, _ := static.New("files", &spec.Directory{Path: "site", Fallback: "a.js"}, roots)
	for _, request := range requests {
		for _, more := range fields {
			for _, after := range []int{-1, 0, 1, 70_000} {
				ask(t, s, request+" HTTP/1.1\nHost: a\n"+more, func(x *exchange.Exchange) {
					if after >= 0 {
						exchangetest.Of(x).Gone, exchangetest.Of(x).GoneAfter = io.ErrClosedPipe, after
					}
				})
			}
		}
	}
	roots.Close()
	if now := open(); now != before {
		t.Errorf("%d descriptors are open, %d before", now, before)
	}
}

func TestManyAtOnce(t *testing.T) {
	content := strings.Repeat(digits, 10_000)
	s, _ := newStage(t, spec.Directory{}, map[string]string{"site/a.js": content, "site/b.js": "b"})
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 50 {
				if r := get(t, s, "/a.js"); r.Body != content {
					t.Errorf("%d bytes, status %d", len(r.Body), r.Status)
				}
				if r := get(t, s, "/b.js", "Range: bytes=0-0"); r.Body != "b" {
					t.Error(r)
				}
			}
		})
	}
	all.Wait()
}

func TestWitnesses(t *testing.T) {
	s, _ := newStage(t, spec.Directory{}, map[string]string{"site/a": "hello"})
	wrap := exchangetest.NewWrap()
	path := exchange.NewPath(exchangetest.RenderText, wrap, s)
	if got := exchangetest.Direct(t, path, "GET /a HTTP/1.1\nHost: a\n"); got.Body != "HELLO" || !got.Complete {
		t.Error(got)
	}
	wrap.Check(t, "wrap", 1)
	for _, hook := range []string{exchangetest.InResponse, exchangetest.InBody, exchangetest.InClose} {
		exchangetest.Direct(t, exchange.NewPath(exchangetest.RenderText, exchangetest.NewPanic(hook), s), "GET /a HTTP/1.1\nHost: a\n")
	}
}
