package compress_test

import (
	"regexp"
	"strconv"
	"strings"
	"testing"

	"skerry.dev/skerry/compress"
	"skerry.dev/skerry/exchange"
)

// fieldsOf makes one Accept-Encoding field of each line.
func fieldsOf(lines string) (f exchange.Fields) {
	for _, line := range strings.Split(lines, "\n") {
		f.Add(exchange.NameAcceptEncoding, []byte(line))
	}
	return f
}

// TestTakes: all codings with a weight are there to choose from, none where identity wins.
func TestTakes(t *testing.T) {
	f := func(field string, want exchange.Coding) {
		t.Helper()
		if got := compress.Takes(fieldsOf(field)); got != want {
			t.Errorf("%q: got %b, want %b", field, got, want)
		}
	}
	f("gzip, deflate, br, zstd", exchange.CodingBr|exchange.CodingZstd|exchange.CodingGzip)
	f("gzip, br;q=0, zstd;q=0.1", exchange.CodingZstd|exchange.CodingGzip)
	f("*;q=0.5, gzip;q=0", exchange.CodingBr|exchange.CodingZstd)
	f("identity, gzip;q=0.5", 0)
	f("gzip;q=2", 0)
	f("", 0)
}

func TestAccepted(t *testing.T) {
	f := func(field, want string) {
		t.Helper()
		if got := compress.Accepted(fieldsOf(field)); got != want {
			t.Errorf("%q: got %s, want %s", field, got, want)
		}
	}
	// What clients send.
	f("gzip, deflate, br, zstd", "zstd")
	f("gzip, deflate, br", "br")
	f("gzip, deflate, zstd", "zstd")
	f("gzip, deflate", "gzip")
	f("gzip", "gzip")
	f("deflate", "identity")
	f("identity", "identity")
	f("identity;q=1, *;q=0", "identity")
	f("", "identity")
	f("*", "zstd")
	f("gzip;q=1.0, identity; q=0.5, *;q=0", "gzip")
	f("br;q=1.0, gzip;q=0.8, *;q=0.1", "br")
	// Weights decide, then our order.
	f("gzip;q=1, br;q=0.999", "gzip")
	f("gzip;q=0.5, zstd;q=0.5, br;q=0.5", "zstd")
	f("gzip, br;q=0", "gzip")
	f("*, zstd;q=0", "br")
	f("*;q=0.3, gzip;q=0.2", "zstd")
	f("*;q=0.1, gzip;q=0.2", "gzip")
	f("*;q=0", "identity")
	f("identity;q=0", "identity")
	f("identity;q=0, gzip;q=0.001", "gzip")
	f("identity;q=0, *;q=0", "identity")
	f("identity, gzip;q=0.9", "identity")
	f("identity;q=0.9, gzip;q=0.9", "gzip")
	f("gzip;q=0.000", "identity")
	// The form.
	f("GZIP", "gzip")
	f("x-gzip", "gzip")
	f("gzip;Q=1", "gzip")
	f("gzip \t;\t q=0.123", "gzip")
	f(" , ,gzip,, ", "gzip")
	f("gzip\nbr;q=0.5", "gzip")
	f("gzip, gzip;q=0", "identity")
	f("gzip;q=0, gzip", "identity")
	for _, bad := range []string{
		"gzip;", "gzip;q", "gzip;q=", "gzip;q=.5", "gzip;q=2", "gzip;q=1.001", "gzip;q=0.1234", "gzip;q=-1", "gzip;q=+1",
		"gzip;q=1e0", "gzip;q= 1", "gzip;q =1", "gzip;q=0.5;q=1", "gzip;level=9", "gzip;q=\"1\"", "gz ip", "gzip br", ";q=1", "gzip/1",
		"br, gz\x00ip", "br, \xff", "br; q=0,5", "gzip;q=01", "gzip;q=1.0.0", "br\nbr;q=x", "gzip;q=0x1",
	} {
		f(bad, "identity")
	}
	// The bounds.
	f("gzip"+strings.Repeat(",", compress.ItemsMax-1), "gzip")
	f("gzip"+strings.Repeat(",", compress.ItemsMax), "identity")
	f("gzip, "+strings.Repeat("a", compress.AcceptMax-6), "gzip")
	f("gzip, "+strings.Repeat("a", compress.AcceptMax-5), "identity")
	if got := compress.Accepted(nil); got != "identity" {
		t.Errorf("no field: got %s", got)
	}
}

var (
	itemForm = regexp.MustCompile(`^([!#$%&'*+\-.^_` + "`" + `|~0-9A-Za-z]+)(?:[ \t]*;[ \t]*[qQ]=(0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?))?$`)
	order    = []string{"zstd", "br", "gzip"}
)

// slowlyAccepted is the same rule in the words of the RFC: a list of all weights, searched again and again.
func slowlyAccepted(lines []string) string {
	if len(strings.Join(lines, "")) > compress.AcceptMax {
		return "identity"
	}
	weights := map[string]float64{}
	items := 0
	for _, item := range strings.Split(strings.Join(lines, ","), ",") {
		if items++; items > compress.ItemsMax {
			return "identity"
		}
		if item = strings.Trim(item, " \t"); item == "" {
			continue
		}
		m := itemForm.FindStringSubmatch(item)
		if m == nil {
			return "identity"
		}
		q := 1.0
		if m[2] != "" {
			q, _ = strconv.ParseFloat(m[2], 64)
		}
		name := strings.TrimPrefix(strings.ToLower(m[1]), "x-")
		if name != "gzip" {
			name = strings.ToLower(m[1])
		}
		if old, ok := weights[name]; !ok || q < old {
			weights[name] = q
		}
	}
	best, most := "identity", 0.0
	for _, name := range order {
		q, ok := weights[name]
		if !ok {
			q = weights["*"]
		}
		if q > most && q >= weights["identity"] {
			best, most = name, q
		}
	}
	return best
}

func FuzzAccepted(f *testing.F) {
	for _, seed := range []string{"gzip, deflate, br, zstd", "*;q=0.5, identity;q=0", "gzip;q=1.000\nbr;q=0.001", "gzip;q=2", "x-gzip ; q=0.5,,", "zstd;q=0"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, field string) {
		got, want := compress.Accepted(fieldsOf(field)), slowlyAccepted(strings.Split(field, "\n"))
		if got != want {
			t.Errorf("%q: got %s, want %s", field, got, want)
		}
	})
}
