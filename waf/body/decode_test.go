package body_test

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"io"
	"runtime"
	"strings"
	"testing"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/zstd"

	"skerry.dev/skerry/waf/body"
)

// coded is text in a coding.
func coded(t testing.TB, coding, text string) []byte {
	t.Helper()
	var b bytes.Buffer
	var w io.WriteCloser
	var err error
	switch coding {
	case "gzip":
		w = gzip.NewWriter(&b)
	case "deflate":
		w = zlib.NewWriter(&b)
	case "raw":
		w, err = flate.NewWriter(&b, 5)
	case "br":
		w = brotli.NewWriter(&b)
	case "zstd":
		w, err = zstd.NewWriter(&b, zstd.WithEncoderConcurrency(1))
	}
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(w, text); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func decode(coding string, data []byte, change func(*body.Limits)) (string, error) {
	l := body.DefaultLimits()
	change(&l)
	out, err := body.Decode([]byte(coding), data, l, new(body.Memory))
	return string(out), err
}

func TestDecode(t *testing.T) {
	same := func(*body.Limits) {}
	for _, text := range []string{"", "x", `{"a":1}`, strings.Repeat("some text, ", 5000)} {
		for _, c := range []string{"", "identity", " Identity "} {
			if got, err := decode(c, []byte(text), same); got != text || err != nil {
				t.Errorf("%q: %v", c, err)
			}
		}
		for _, c := range []string{"gzip", "deflate", "br", "zstd"} {
			data := coded(t, c, text)
			roomy := func(l *body.Limits) { l.DecodedRatio = 10_000 }
			if got, err := decode(strings.ToUpper(c), data, roomy); got != text || err != nil {
				t.Errorf("%s: %d of %d bytes, %v", c, len(got), len(text), err)
			}
			if _, err := decode(c, append(bytes.Clone(data), 'x'), roomy); err == nil {
				t.Errorf("%s: something behind is accepted", c)
			}
			for cut := range min(len(data), 40) {
				if _, err := decode(c, data[:len(data)-1-cut], roomy); err == nil {
					t.Errorf("%s: %d of %d bytes are accepted", c, len(data)-1-cut, len(data))
				}
			}
			if len(text) < 2 {
				continue
			}
			if got, err := decode(c, data, func(l *body.Limits) { l.DecodedBytes, l.DecodedRatio = len(text), 10_000 }); got != text || err != nil {
				t.Errorf("%s: exactly the limit: %v", c, err)
			}
			if _, err := decode(c, data, func(l *body.Limits) { l.DecodedBytes, l.DecodedRatio = len(text)-1, 10_000 }); reason(t, err) != "limit" || !strings.Contains(err.Error(), "DecodedBytes") {
				t.Errorf("%s: beyond the limit: %v", c, err)
			}
		}
	}
}

func TestDecodeIsRefused(t *testing.T) {
	f := func(coding string, data []byte, why string) {
		t.Helper()
		if _, err := decode(coding, data, func(*body.Limits) {}); reason(t, err) != why {
			t.Errorf("%s: %v, want %s", coding, err, why)
		}
	}
	text := `{"a":1}`
	f("gzip, gzip", coded(t, "gzip", text), "ambiguous")
	f("gzip,", coded(t, "gzip", text), "ambiguous")
	f("compress", coded(t, "gzip", text), "ambiguous")
	f("gzip;q=1", coded(t, "gzip", text), "ambiguous")
	f("deflate", coded(t, "raw", text), "malformed")
	f("gzip", []byte(text), "malformed")
	f("br", []byte(text), "malformed")
	f("zstd", []byte(text), "malformed")
	f("gzip", append(coded(t, "gzip", text), coded(t, "gzip", text)...), "ambiguous")
	f("deflate", append(coded(t, "deflate", text), coded(t, "deflate", text)...), "ambiguous")
	for _, c := range []string{"gzip", "deflate", "br", "zstd"} {
		bomb := coded(t, c, strings.Repeat("\x00", 4<<20))
		f(c, bomb, "limit")
		if _, err := decode(c, coded(t, c, strings.Repeat("a", 64<<10)), func(*body.Limits) {}); reason(t, err) != "limit" || !strings.Contains(err.Error(), "DecodedRatio") {
			t.Errorf("%s: %v, want the ratio's limit", c, err)
		}
	}
}

// A bomb, or a large window, costs no more memory than the limit allows.
func TestDecodeIsBounded(t *testing.T) {
	windowed := func(w io.WriteCloser, b *bytes.Buffer) []byte {
		for range 3 {
			if _, err := io.WriteString(w, "some text"); err != nil {
				t.Fatal(err)
			}
			if err := w.(interface{ Flush() error }).Flush(); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		return b.Bytes()
	}
	var br, zs bytes.Buffer
	z, err := zstd.NewWriter(&zs, zstd.WithWindowSize(8<<20), zstd.WithEncoderConcurrency(1))
	if err != nil {
		t.Fatal(err)
	}
	nothing := strings.Repeat("\x00", 4<<20)
	for _, c := range []struct {
		name, coding string
		data         []byte
		most         uint64
	}{
		{"gzip bomb", "gzip", coded(t, "gzip", nothing), 1 << 20}, {"br bomb", "br", coded(t, "br", nothing), 5 << 20}, {"zstd bomb", "zstd", coded(t, "zstd", nothing), 1 << 20},
		{"br window", "br", windowed(brotli.NewWriterOptions(&br, brotli.WriterOptions{LGWin: 24}), &br), 1 << 20}, {"zstd window", "zstd", windowed(z, &zs), 1 << 20},
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		for range 10 {
			_, _ = decode(c.coding, c.data, func(*body.Limits) {})
		}
		runtime.ReadMemStats(&after)
		if n := (after.TotalAlloc - before.TotalAlloc) / 10; n > c.most {
			t.Errorf("%s: %d bytes for a body of %d", c.name, n, len(c.data))
		}
	}
}

// FuzzDecode decodes anything within its bounds; what it accepts is what a second implementation reads.
func FuzzDecode(f *testing.F) {
	for i, c := range []string{"gzip", "deflate", "br", "zstd"} {
		f.Add(uint8(i), coded(f, c, "some text, some text, some text"))
	}
	f.Fuzz(func(t *testing.T, which uint8, data []byte) {
		c := []string{"gzip", "deflate", "br", "zstd"}[which%4]
		out, err := decode(c, data, func(l *body.Limits) { l.DecodedBytes = 1 << 20 })
		if reason(t, err); err != nil {
			return
		}
		if len(out) > 1<<20 || len(out) > max(16<<10, 100*len(data)) {
			t.Fatalf("%d bytes from %d", len(out), len(data))
		}
		var r io.Reader
		switch c {
		case "gzip":
			r, err = gzip.NewReader(bytes.NewReader(data))
		case "deflate":
			r, err = zlib.NewReader(bytes.NewReader(data))
		default:
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		if want, err := io.ReadAll(r); err != nil || string(want) != out {
			t.Fatalf("%s: %q, the standard library has %q (%v)", c, out, want, err)
		}
	})
}
