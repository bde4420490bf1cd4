package h2

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"golang.org/x/net/http2/hpack"

	"skerry.dev/skerry/exchange"
)

// decode is what x/net makes of a block.
func decode(t testing.TB, block []byte) (fields []hpack.HeaderField) {
	t.Helper()
	fields, err := hpack.NewDecoder(tableBytes, nil).DecodeFull(block)
	if err != nil {
		t.Fatalf("%x: %v", block, err)
	}
	return fields
}

// TestEncoding: what we write, x/net reads.
func TestEncoding(t *testing.T) {
	for id := exchange.NameOther + 1; id <= exchange.NameXXSSProtection; id++ {
		name := id.Bytes()
		f := exchange.Field{ID: id, Name: name, Value: []byte("Some Value")}
		block := appendField(nil, &f)
		got := decode(t, block)
		if len(got) != 1 || got[0].Name != strings.ToLower(string(name)) || got[0].Value != "Some Value" {
			t.Errorf("%s becomes %v", name, got)
		}
		secret := id == exchange.NameCookie || id == exchange.NameSetCookie || id == exchange.NameAuthorization
		if len(got) == 1 && got[0].Sensitive != secret {
			t.Errorf("%s: never indexed is %v", name, got[0].Sensitive)
		}
		if staticNames[id] > 0 && len(block) > 3+len("Some Value") {
			t.Errorf("%s is spelled, although it stands in the static table", name)
		}
	}
	for code := 100; code < 600; code++ {
		if got := decode(t, statuses[code]); len(got) != 1 || got[0].Name != ":status" || got[0].Value != fmt.Sprint(code) {
			t.Errorf("%d becomes %v", code, got)
		}
	}
	for n := range 100_000 {
		for _, bits := range []uint{4, 7} {
			if got := readInt(appendInt(nil, 0, bits, n), bits); got != n {
				t.Fatalf("%d in %d bits becomes %d", n, bits, got)
			}
		}
	}
	if got := decode(t, appendLength(nil, 1<<62)); len(got) != 1 || got[0] != (hpack.HeaderField{Name: "content-length", Value: "4611686018427387904"}) {
		t.Errorf("a length becomes %v", got)
	}
}

// readInt is RFC 7541 section 5.1, read as it stands there.
func readInt(b []byte, bits uint) int {
	n := int(b[0]) & (1<<bits - 1)
	if n < 1<<bits-1 {
		return n
	}
	for i, m := 1, uint(0); ; i, m = i+1, m+7 {
		n += int(b[i]&127) << m
		if b[i]&128 == 0 {
			return n
		}
	}
}

// TestStaticNames: the numbers are those of RFC 7541 appendix A, as x/net knows them.
func TestStaticNames(t *testing.T) {
	found := 0
	for id, number := range staticNames {
		if number == 0 {
			continue
		}
		found++
		got := decode(t, append([]byte{0x0f, number - 15}, 0)) // a literal with that name and no value
		if number < 15 || len(got) != 1 || got[0].Name != strings.ToLower(string(exchange.NameID(id).Bytes())) {
			t.Errorf("%d is %v, not %s", number, got, exchange.NameID(id).Bytes())
		}
	}
	if found < 30 {
		t.Errorf("only %d names stand in the table", found)
	}
}

// lower is a name in small letters, byte by byte.
func lower(name []byte) string {
	small := bytes.Clone(name)
	for i, c := range small {
		if 'A' <= c && c <= 'Z' {
			small[i] += 'a' - 'A'
		}
	}
	return string(small)
}

// FuzzEncoding writes fields of any bytes and has x/net read them.
func FuzzEncoding(f *testing.F) {
	f.Add([]byte("X-Own"), []byte("a value"), 20)
	f.Add([]byte("set-cookie"), []byte("a=\x00\xff"), 3)
	f.Add([]byte("Content-Type"), []byte{}, 1)
	f.Add(bytes.Repeat([]byte("n"), 127), bytes.Repeat([]byte("v"), 128), 9)
	f.Fuzz(func(t *testing.T, name, value []byte, split int) {
		if len(name) == 0 {
			return
		}
		fields := exchange.Fields{
			{ID: exchange.Intern(name), Name: name, Value: value},
			{ID: exchange.NameOther, Name: value, Value: name},
		}
		var block []byte
		for i := range fields {
			block = appendField(block, &fields[i])
		}
		got := decode(t, block)
		if len(got) != 2 || got[0].Name != lower(name) || got[0].Value != string(value) || got[1].Name != lower(value) || got[1].Value != string(name) {
			t.Fatalf("%q: %q becomes %q", name, value, got)
		}
		// The same through our own decoding, in two fragments.
		var l fieldList
		d := hpack.NewDecoder(tableBytes, l.add)
		cut := min(max(split, 0), len(block))
		if _, err := d.Write(block[:cut]); err != nil {
			t.Fatal(err)
		}
		if _, err := d.Write(block[cut:]); err != nil {
			t.Fatal(err)
		}
		if d.Close() != nil || l.count != 2 {
			t.Fatalf("in fragments it becomes %v", l.fields)
		}
	})
}

// TestEncodingRandom is FuzzEncoding with a seed that is printed.
func TestEncodingRandom(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	for range 2000 {
		var block []byte
		var want []hpack.HeaderField
		for range random.IntN(20) {
			f := exchange.Field{Name: make([]byte, 1+random.IntN(300)), Value: make([]byte, random.IntN(300))}
			for i := range f.Name {
				f.Name[i] = "abcdefghijklmnopqrstuvwxyz-ABC_019"[random.IntN(34)]
			}
			for i := range f.Value {
				f.Value[i] = byte(random.Uint32())
			}
			f.ID = exchange.Intern(f.Name)
			block = appendField(block, &f)
			want = append(want, hpack.HeaderField{Name: strings.ToLower(string(f.Name)), Value: string(f.Value)})
		}
		got := decode(t, block)
		if len(got) != len(want) {
			t.Fatalf("got %d fields, want %d", len(got), len(want))
		}
		for i := range got {
			if got[i].Name != want[i].Name || got[i].Value != want[i].Value {
				t.Fatalf("%q becomes %q", want[i], got[i])
			}
		}
	}
}

// TestSplitBlock: a block that is longer than a frame leaves in several, and nothing of it is lost, nor of what stands before it.
func TestSplitBlock(t *testing.T) {
	for _, n := range []int{frameBytes + 1, 2 * frameBytes, 2*frameBytes + 1, 5 * frameBytes / 2, 4*frameBytes - 1} {
		before := []byte("what waits")
		block := make([]byte, n)
		for i := range block {
			block[i] = byte(i * 7 >> 3)
		}
		out := appendFrame(before, 0, frameHeaders, flagEndHeaders|flagEndStream, 7)
		out = splitBlock(append(out, block...), len(before), flagEndHeaders|flagEndStream, 7)
		if !bytes.HasPrefix(out, before) {
			t.Fatal("what waited is gone")
		}
		var got []byte
		for rest, first := out[len(before):], true; len(rest) > 0; first = false {
			f := parseFrame(rest)
			rest = rest[frameHeaderBytes:]
			last := f.length == len(rest)
			switch {
			case f.length > frameBytes || f.length == 0 || f.stream != 7:
				t.Fatalf("a frame of %d bytes on stream %d", f.length, f.stream)
			case first != (f.kind == frameHeaders) || !first && f.kind != frameContinuation:
				t.Fatalf("a frame of kind %d", f.kind)
			case f.has(flagEndHeaders) != last || f.has(flagEndStream) != first:
				t.Fatalf("flags %x, first %v, last %v", f.flags, first, last)
			}
			got, rest = append(got, rest[:f.length]...), rest[f.length:]
		}
		if !bytes.Equal(got, block) {
			t.Errorf("%d bytes became %d, or others", n, len(got))
		}
	}
}

// TestParsePriority: the cases of RFC 9218 section 4, of RFC 8941, and what is no priority at all.
func TestParsePriority(t *testing.T) {
	f := func(in string, urgency uint8, incremental bool) {
		t.Helper()
		if u, i := parsePriority([]byte(in), urgencyDefault, false); u != urgency || i != incremental {
			t.Errorf("%q is %d %v, want %d %v", in, u, i, urgency, incremental)
		}
	}
	f("", 3, false)
	f("u=0", 0, false)
	f("u=7", 7, false)
	f("u=8", 3, false)
	f("u=-1", 3, false)
	f("u=10", 3, false)
	f("u", 3, false)
	f("i", 3, true)
	f("i=?1", 3, true)
	f("i=?0", 3, false)
	f("i, i=?0", 3, false)
	f("u=1, i", 1, true)
	f("i,u=1", 1, true)
	f("  u=5 ,\ti  ", 5, true)
	f("u=5;x=1, i;y", 5, true)
	f("u=1, u=6", 6, false)
	f("u=1, u=9", 1, false)
	f("U=1", 3, false)
	f("u =1", 3, false)
	f("a=b, u=2, c", 2, false)
	f(",,,,", 3, false)
	f("u=1.0", 3, false)
	f(`u="1"`, 3, false)
	f("\xff\x00", 3, false)
	g := func(in string, urgency uint8, incremental bool) {
		t.Helper()
		if u, i := parsePriority([]byte(in), 1, true); u != urgency || i != incremental {
			t.Errorf("%q over u=1, i is %d %v, want %d %v", in, u, i, urgency, incremental)
		}
	}
	g("", 1, true) // an origin changes what it names (RFC 9218 section 8)
	g("u=5", 5, true)
	g("i=?0", 1, false)
	g("u=9, x", 1, true)
}
