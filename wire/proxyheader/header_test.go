package proxyheader_test

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"io"
	"math/rand/v2"
	"net"
	"net/netip"
	"strings"
	"testing"

	"github.com/pires/go-proxyproto"

	"skerry.dev/skerry/wire/proxyheader"
)

const signature = "\r\n\r\n\x00\r\nQUIT\n"

// binary2 is a header of version 2.
func binary2(command, family byte, rest string) string {
	return signature + string([]byte{command, family, byte(len(rest) >> 8), byte(len(rest))}) + rest
}

// entry is one that follows the addresses.
func entry(kind byte, value string) string {
	return string([]byte{kind, byte(len(value) >> 8), byte(len(value))}) + value
}

// summed fills in the checksum of a header whose last entry it is.
func summed(header string) string {
	sum := crc32.Checksum([]byte(header), crc32.MakeTable(crc32.Castagnoli))
	return header[:len(header)-4] + string(binary.BigEndian.AppendUint32(nil, sum))
}

const (
	ends4 = "\xcb\x00\x71\x07\x0a\x00\x00\x01\x11\x5c\x01\xbb" // 203.0.113.7:4444 to 10.0.0.1:443
	ends6 = "\x20\x01\x0d\xb8\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x07" +
		"\x20\x01\x0d\xb8\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01\x11\x5c\x01\xbb"
	mapped = "\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\xff\xff\xcb\x00\x71\x07" +
		"\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\xff\xff\x0a\x00\x00\x01\x11\x5c\x01\xbb"
)

// cases are headers, and what is to be said of each: "source destination", "peer" if it is the peer that counts, or a flaw.
func cases() map[string]string {
	const said4, said6 = "203.0.113.7:4444 10.0.0.1:443", "[2001:db8::7]:4444 [2001:db8::1]:443"
	none := entry(0x03, "\x00\x00\x00\x00")
	good := map[string]string{
		"PROXY TCP4 203.0.113.7 10.0.0.1 4444 443\r\n":                 said4,
		"PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n":   "255.255.255.255:65535 255.255.255.255:65535",
		"PROXY TCP4 0.0.0.0 0.0.0.0 0 0\r\n":                           "0.0.0.0:0 0.0.0.0:0",
		"PROXY TCP6 2001:db8::7 2001:db8::1 4444 443\r\n":              said6,
		"PROXY TCP6 2001:0DB8:0:0:0:0:0:7 2001:DB8::0001 4444 443\r\n": said6,
		"PROXY TCP6 ::ffff:203.0.113.7 ::ffff:10.0.0.1 4444 443\r\n":   said4, // as written by who listens on both families
		"PROXY TCP6 ::ffff:cb00:7107 ::ffff:a00:1 4444 443\r\n":        said4,
		"PROXY UNKNOWN\r\n":                                                       "peer",
		"PROXY UNKNOWN whatever this \n says\r\n":                                 "malformed",
		"PROXY UNKNOWN 203.0.113.7 10.0.0.1 4444 443\r\n":                         "peer",
		"PROXY UNKNOWN " + strings.Repeat("f", 91) + "\r\n":                       "peer",
		binary2(0x21, 0x11, ends4):                                                said4,
		binary2(0x21, 0x21, ends6):                                                said6,
		binary2(0x21, 0x21, mapped):                                               said4,
		binary2(0x21, 0x00, ""):                                                   "peer",
		binary2(0x21, 0x00, entry(0x04, "")):                                      "peer",
		binary2(0x20, 0x00, ""):                                                   "peer",
		binary2(0x20, 0x11, ends4):                                                "peer", // whatever stands there
		binary2(0x20, 0x77, "\x03"):                                               "peer",
		binary2(0x21, 0x11, ends4+entry(0x04, "padding")+entry(0xea, "vpc")):      said4,
		binary2(0x21, 0x11, ends4+entry(0x05, strings.Repeat("i", 4096-16-12-3))): said4,
		summed(binary2(0x21, 0x11, ends4+none)):                                   said4,
		summed(binary2(0x21, 0x21, ends6+entry(0x01, "h2")+none)):                 said6,
		summed(binary2(0x21, 0x00, none)):                                         "peer",
	}
	for text, want := range bad() {
		good[text] = want
	}
	return good
}

func bad() map[string]string {
	none := entry(0x03, "\x00\x00\x00\x00")
	wrong := map[string]string{
		"GET / HTTP/1.1\r\n": "missing", "PRI * HTTP/2.0": "missing", "\x16\x03\x01\x02": "missing", "PROXYTCP4 ": "missing", "proxy TCP4 ": "missing",
		"\r\nPROXY TCP4": "missing", "PROX\x00": "missing", "\r\n\r\n\x00\r\nQUIZ": "missing", "\r\r": "missing",
		"PROXY \r\n": "malformed", "PROXY \n": "malformed", "PROXY UNKNOWN\n": "malformed", "PROXY UNKNOWN a\rb\r\n": "malformed",
		"PROXY UNKNOWNS\r\n": "malformed", "PROXY unknown\r\n": "malformed", "PROXY  UNKNOWN\r\n": "malformed",
		"PROXY UNKNOWN " + strings.Repeat("f", 92) + "\r\n":    "too_long",
		binary2(0x11, 0x11, ends4):                             "malformed", // of version 1
		binary2(0x31, 0x11, ends4):                             "malformed",
		binary2(0x22, 0x11, ends4):                             "malformed", // neither LOCAL nor PROXY
		binary2(0x21, 0x12, ends4):                             "family",    // UDP
		binary2(0x21, 0x22, ends6):                             "family",
		binary2(0x21, 0x31, strings.Repeat("u", 216)):          "family", // UNIX
		binary2(0x21, 0x10, ends4):                             "family",
		binary2(0x21, 0x13, ends4):                             "family",
		binary2(0x21, 0x41, ends4):                             "family",
		binary2(0x21, 0x01, ""):                                "family",
		binary2(0x21, 0x11, ends4[:11]):                        "malformed",
		binary2(0x21, 0x21, ends6[:35]):                        "malformed",
		binary2(0x21, 0x11, ""):                                "malformed",
		binary2(0x21, 0x11, ends4+"\x04"):                      "malformed",
		binary2(0x21, 0x11, ends4+"\x04\x00"):                  "malformed",
		binary2(0x21, 0x11, ends4+"\x04\x00\x01"):              "malformed",
		binary2(0x21, 0x11, ends4+entry(4, "")+"\x04\xff\xff"): "malformed",
		binary2(0x21, 0x00, "\x04"):                            "malformed",
		binary2(0x21, 0x11, ends4+none):                        "checksum",
		binary2(0x21, 0x11, ends4+entry(0x03, "")):             "malformed",
		binary2(0x21, 0x11, ends4+entry(0x03, "12345")):        "malformed",
		summed(binary2(0x21, 0x11, ends4+none+none)):           "malformed",
		signature + "\x21\x11\x0f\xf1":                         "too_long", // said before it comes
		signature + "\x20\x00\xff\xff":                         "too_long",
	}
	for _, rest := range []string{
		"TCP4", "TCP4 203.0.113.7", "TCP4 203.0.113.7 10.0.0.1", "TCP4 203.0.113.7 10.0.0.1 4444", "TCP4 203.0.113.7 10.0.0.1 4444 ",
		"TCP4 203.0.113.7 10.0.0.1 4444 443 ", "TCP4 203.0.113.7 10.0.0.1 4444 443 1", "TCP4  203.0.113.7 10.0.0.1 4444 443",
		"TCP4 203.0.113.7  10.0.0.1 4444 443", "TCP4\t203.0.113.7 10.0.0.1 4444 443", "TCP4 203.0.113.07 10.0.0.1 4444 443",
		"TCP4 203.0.113 10.0.0.1 4444 443", "TCP4 203.0.113.256 10.0.0.1 4444 443", "TCP4 203.0.113.7 10.0.0.1 65536 443",
		"TCP4 203.0.113.7 10.0.0.1 04444 443", "TCP4 203.0.113.7 10.0.0.1 00 443", "TCP4 203.0.113.7 10.0.0.1 +4444 443", "TCP4 203.0.113.7 10.0.0.1 -1 443",
		"TCP4 203.0.113.7 10.0.0.1 4444 123456", "TCP4 203.0.113.7 10.0.0.1 4444 44a", "TCP4 203.0.113.7 10.0.0.1 4444 443\x00",
		"TCP4 2001:db8::7 2001:db8::1 4444 443", "TCP4 ::ffff:203.0.113.7 10.0.0.1 4444 443", "TCP6 203.0.113.7 10.0.0.1 4444 443",
		"TCP6 2001:db8::7%eth0 2001:db8::1 4444 443", "TCP6 2001:db8::7 2001:db8:::1 4444 443", "TCP6 [2001:db8::7] 2001:db8::1 4444 443",
		"TCP6 2001:db8::7 10.0.0.1 4444 443", "TCP6 02001:db8::7 2001:db8::1 4444 443", "TCP6 1:2:3:4:5:6:7:8:9 ::1 4444 443",
		"TCP6 1:2:3:4::5:6:7:8 ::1 4444 443", "tcp4 203.0.113.7 10.0.0.1 4444 443", "UDP4 203.0.113.7 10.0.0.1 4444 443", "TCP 203.0.113.7 10.0.0.1 4444 443",
		"TCP5 203.0.113.7 10.0.0.1 4444 443",
	} {
		wrong["PROXY "+rest+"\r\n"] = "malformed"
		wrong["PROXY "+rest+"\n"] = "malformed"
	}
	return wrong
}

func told(h proxyheader.Header, flaw proxyheader.Flaw) string {
	switch {
	case flaw != proxyheader.FlawNone:
		return flaw.String()
	case !h.Source.IsValid() && !h.Destination.IsValid():
		return "peer"
	}
	return h.Source.String() + " " + h.Destination.String()
}

// TestParse holds every case, whatever follows it: also that nothing is said before it can be, and then the same for ever.
func TestParse(t *testing.T) {
	for header, want := range cases() {
		whole := header + "GET / HTTP/1.1\r\n\r\n" + strings.Repeat("\x00", 200)
		_, first, _ := proxyheader.Parse([]byte(whole))
		flawed := false
		for n := range len(whole) + 1 {
			h, size, flaw := proxyheader.Parse([]byte(whole[:n]))
			switch {
			case size == 0 && flaw == proxyheader.FlawNone && !flawed && (first == 0 || n < first):
				continue
			case size == first && n >= first && told(h, flaw) == want && (size == 0) == (flaw != proxyheader.FlawNone):
				flawed = flaw != proxyheader.FlawNone
				if !flawed && size != len(header) {
					t.Errorf("%q: has %d bytes, not %d", header, size, len(header))
				}
				continue
			}
			t.Fatalf("%.200q, %d bytes of it: got %q, %d bytes; want %q", header, n, told(h, flaw), size, want)
		}
		if h, _, flaw := proxyheader.Parse([]byte(whole)); told(h, flaw) != want {
			t.Errorf("%.200q: got %q, want %q", header, told(h, flaw), want)
		}
	}
}

// TestTooLong: at the bound every header is decided.
func TestTooLong(t *testing.T) {
	f := func(b string) {
		t.Helper()
		if _, size, flaw := proxyheader.Parse([]byte(b)); size > 0 || flaw != proxyheader.FlawTooLong {
			t.Errorf("%.60q: %d bytes, %v", b, size, flaw)
		}
	}
	f("PROXY TCP4 " + strings.Repeat("1", proxyheader.BytesMax))
	f(signature + "\x21\x11\xff\xff" + strings.Repeat("1", proxyheader.BytesMax))
}

// TestAppend writes what Parse, and another implementation, understand.
func TestAppend(t *testing.T) {
	f := func(source, destination, want string) {
		t.Helper()
		var from, to netip.AddrPort
		if source != "" {
			from, to = netip.MustParseAddrPort(source), netip.MustParseAddrPort(destination)
		}
		for _, v := range []proxyheader.Version{proxyheader.V1, proxyheader.V2} {
			b := proxyheader.Append([]byte("kept"), v, from, to)[4:]
			h, size, flaw := proxyheader.Parse(b)
			if size != len(b) || h.Version != v || told(h, flaw) != want {
				t.Errorf("version %d: %q is %q, %d bytes; want %q", v, b, told(h, flaw), size, want)
			}
			other, err := proxyproto.Read(bufio.NewReader(bytes.NewReader(b)))
			if err != nil || other.Command.IsLocal() != (want == "peer") {
				t.Fatalf("version %d: %q is, to another, %+v, %v", v, b, other, err)
			}
			if got := theirs(other); got != want {
				t.Errorf("version %d: %q is %q to another, want %q", v, b, got, want)
			}
		}
	}
	f("203.0.113.7:4444", "10.0.0.1:443", "203.0.113.7:4444 10.0.0.1:443")
	f("[::ffff:203.0.113.7]:4444", "10.0.0.1:443", "203.0.113.7:4444 10.0.0.1:443")
	f("[2001:db8::7]:0", "[2001:db8::1]:65535", "[2001:db8::7]:0 [2001:db8::1]:65535")
	f("[fe80::1%eth0]:1", "[2001:db8::1]:2", "[fe80::1]:1 [2001:db8::1]:2")
	f("203.0.113.7:4444", "[2001:db8::1]:443", "203.0.113.7:4444 [2001:db8::1]:443")
	f("", "", "peer")
	if b := proxyheader.Append(nil, proxyheader.None, netip.AddrPort{}, netip.AddrPort{}); b != nil {
		t.Errorf("no version is %q", b)
	}
}

// theirs is what the other implementation understood, in our words.
func theirs(h *proxyproto.Header) string {
	if h.Command.IsLocal() {
		return "peer"
	}
	text := make([]string, 2)
	for i, a := range []net.Addr{h.SourceAddr, h.DestinationAddr} {
		ap := a.(*net.TCPAddr).AddrPort()
		text[i] = netip.AddrPortFrom(ap.Addr().Unmap(), ap.Port()).String()
	}
	return text[0] + " " + text[1]
}

// compare holds Parse against the other implementation. Where they differ, ours must be the stricter one, or the difference is
// one of those that are named here.
func compare(t *testing.T, b []byte) {
	h, size, flaw := proxyheader.Parse(b)
	if size == 0 {
		return // it is stricter: about entries and checksums, UDP, UNIX, lone CRs, lengths; or more has to come
	}
	r := bufio.NewReaderSize(bytes.NewReader(b), 2*proxyheader.BytesMax)
	other, err := proxyproto.Read(r)
	left, _ := io.Copy(io.Discard, r)
	switch {
	case err != nil && h.Version == proxyheader.V2 && !h.Source.IsValid():
		return // LOCAL with a family that there is not, which does not matter, or addresses of none, which the other takes from LOCAL only
	case err != nil:
		t.Fatalf("%q is %q, and to the other %v", b, told(h, flaw), err)
	case theirs(other) != told(h, flaw):
		t.Fatalf("%q is %q, and to the other %q", b, told(h, flaw), theirs(other))
	case len(b)-int(left) != size:
		t.Fatalf("%q has %d bytes, and to the other %d", b, size, len(b)-int(left))
	}
}

// TestAgainstAnother compares every case, and many headers that differ from one in some bytes.
func TestAgainstAnother(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	for header := range cases() {
		compare(t, []byte(header))
		for range 200 {
			b := []byte(header)
			for range 1 + r.IntN(3) {
				b[r.IntN(len(b))] = byte(r.IntN(256))
			}
			compare(t, b)
		}
	}
}

func FuzzParse(f *testing.F) {
	for header := range cases() {
		f.Add([]byte(header))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		compare(t, b)
		h, size, flaw := proxyheader.Parse(b)
		if size == 0 && flaw == proxyheader.FlawNone && len(b) >= proxyheader.BytesMax || size > len(b) || size > 0 && flaw != proxyheader.FlawNone {
			t.Fatalf("%q: %d bytes of %d, %v", b, size, len(b), flaw)
		}
		for n := range size { // nothing before its end
			if _, early, wrong := proxyheader.Parse(b[:n]); early > 0 || wrong != proxyheader.FlawNone {
				t.Fatalf("%q: decided by %d of %d bytes: %v", b, n, size, wrong)
			}
		}
		if size > 0 && h.Source.IsValid() {
			again := proxyheader.Append(nil, h.Version, h.Source, h.Destination)
			if back, n, _ := proxyheader.Parse(again); n != len(again) || back != h {
				t.Fatalf("%q is %+v, and written again %+v", b, h, back)
			}
		}
	})
}

// TestAllocations: one for each header of version 1, none for those of version 2 and for what is written.
func TestAllocations(t *testing.T) {
	out := make([]byte, 0, 200)
	from, to := netip.MustParseAddrPort("203.0.113.7:4444"), netip.MustParseAddrPort("[2001:db8::1]:443")
	for header := range cases() {
		b := []byte(header)
		h, size, _ := proxyheader.Parse(b)
		if size == 0 {
			continue
		}
		if n := testing.AllocsPerRun(20, func() { proxyheader.Parse(b) }); n > 1 || n > 0 && h.Version == proxyheader.V2 {
			t.Errorf("%.60q: %v allocations", header, n)
		}
	}
	if n := testing.AllocsPerRun(20, func() {
		proxyheader.Append(proxyheader.Append(out, proxyheader.V1, from, to), proxyheader.V2, from, to)
	}); n > 0 {
		t.Errorf("%v allocations to write", n)
	}
}

func BenchmarkParse(b *testing.B) {
	for name, header := range map[string]string{
		"v1": "PROXY TCP4 203.0.113.7 10.0.0.1 4444 443\r\n", "v1 IPv6": "PROXY TCP6 2001:db8::7 2001:db8::1 4444 443\r\n",
		"v2": binary2(0x21, 0x11, ends4), "v2 checksum": summed(binary2(0x21, 0x11, ends4+entry(0x03, "\x00\x00\x00\x00"))),
	} {
		text := []byte(header)
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				proxyheader.Parse(text)
			}
		})
	}
}
