package transform_test

import (
	"bytes"
	"math/rand/v2"
	"strings"
	"testing"

	"skerry.dev/skerry/waf/match"
	"skerry.dev/skerry/waf/transform"
)

// TestAppend has the examples of ModSecurity's manual and test suite that people know, and the corners of each.
func TestAppend(t *testing.T) {
	f := func(id transform.ID, in, want string) {
		t.Helper()
		if got := string(id.Append(nil, []byte(in))); got != want {
			t.Errorf("%v of %q: %q, want %q", id, in, got, want)
		}
	}
	f(transform.None, "As Is", "As Is")
	f(transform.Base64Decode, "VGVzdENhc2U=", "TestCase")
	f(transform.Base64Decode, "VGVzdENhc2U", "TestCase")
	f(transform.Base64Decode, "VGVz\r\ndENhc2Ux", "TestCase1")
	f(transform.Base64Decode, "VGVzdA.ENhc2U", "Test")
	f(transform.Base64Decode, "plain text", "\xa6V\xa2")
	f(transform.Base64Decode, "-", "")
	f(transform.Base64DecodeExt, "P.HNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg==", "<script>alert(1)</script>")
	f(transform.Base64DecodeExt, "-_-_", "\xfb\xff\xbf")
	f(transform.Base64Encode, "TestCase", "VGVzdENhc2U=")
	f(transform.CmdLine, `C^OMMAND /C`, "command/c")
	f(transform.CmdLine, `"command" /c`, "command/c")
	f(transform.CmdLine, "command,  /c;(x)", "command/c(x)")
	f(transform.CompressWhitespace, " \t one \r\n two\u00a0\xa0", " one two ")
	f(transform.CSSDecode, `ja\vascript`, "javascript")
	f(transform.CSSDecode, `test\a\b\f\n\r\t\v\?\'\"\0\12\123\1234\12345\123456\ff01\ff5e\`+"\n"+`\0  string`, "test\n\v\x0fnrtv?'\"\ufffd\x12ģሴ\U00012345\ufffd!~\ufffd string")
	f(transform.EscapeSeqDecode, `\a\b\f\n\r\t\v\?\'\"\0\12\123\x00\xff\xg\8\777\`, "\a\b\f\n\r\t\v?'\"\x00\nS\x00\xffxg8\xff\\")
	f(transform.HexDecode, "414243", "ABC")
	f(transform.HexDecode, "41424", "41424")
	f(transform.HexDecode, "4142zz", "4142zz")
	f(transform.HexEncode, "TestCase", "5465737443617365")
	f(transform.HTMLEntityDecode, "&#x3c;&#60;&lt;&quot;&AMP;&nbsp;&#60script&#9&#9;&zz;&", "<<<\"&\u00a0<script\t\t&zz;&")
	f(transform.JSDecode, `\a\b\f\n\r\t\v\?\'\"\0\12\123\x00\xff\u0021\uff01\u{ff5e}\u{}\400`, "\a\b\f\n\r\t\v?'\"\x00\nS\x00\xff!!~u{} 0")
	f(transform.Length, "0123456789", "10")
	f(transform.Lowercase, "TestCase\u212a\u0130\xbc\xc9É", "testcaseki\xbc\xc9é")
	f(transform.MD5, "", "\xd4\x1d\x8c\xd9\x8f\x00\xb2\x04\xe9\x80\x09\x98\xec\xf8\x42\x7e")
	f(transform.NormalizePath, "/foo/bar//baz/./../", "/foo/bar/")
	f(transform.NormalizePath, "../../foo/../bar", "../../bar")
	f(transform.NormalizePath, "/../../foo", "/foo")
	f(transform.NormalizePath, "./.", "")
	f(transform.NormalizePath, "/./", "/")
	f(transform.NormalizePath, "dir/foo\\..\\..", "dir/foo\\..\\..")
	f(transform.NormalizePathWin, `\foo\.\bar\..\baz.txt.`, "/foo/baz.txt")
	f(transform.NormalizePathWin, `C:\web.config::$DATA`, "C:/web.config")
	f(transform.NormalizePathWin, `a. . /b:c/ /.../d:e/`, "a/b:c/.../d/")
	f(transform.RemoveComments, "a/* x */b<!-- y -->c-- d", "abc")
	f(transform.RemoveComments, "a#b", "a")
	f(transform.RemoveComments, "a/*b", "a ")
	f(transform.RemoveCommentsChar, "a/*b*/c<!--d-->e--f#g", "abcdefg")
	f(transform.RemoveNulls, "\x00Te\x00st\x00", "Test")
	f(transform.RemoveWhitespace, " T\te\ns\u2003t\u00a0C\xa0\xbcase\v", "TestC\xbcase")
	f(transform.ReplaceComments, "a/* x */b/*", "a b ")
	f(transform.ReplaceNulls, "\x00Te\x00st", " Te st")
	f(transform.SHA1, "", "\xda\x39\xa3\xee\x5e\x6b\x4b\x0d\x32\x55\xbf\xef\x95\x60\x18\x90\xaf\xd8\x07\x09")
	f(transform.SQLHexDecode, "0x414243", "ABC")
	f(transform.SQLHexDecode, "SELECT 0X41424, 0x4, 0xzz, 00x41", "SELECT AB4, 0x4, 0xzz, 0A")
	f(transform.Trim, " \v Test Case\f\n", "Test Case")
	f(transform.TrimLeft, " \t Test ", "Test ")
	f(transform.TrimRight, " Test \r\n", " Test")
	f(transform.Uppercase, "TestCaseſı\xbcé", "TESTCASESI\xbcÉ")
	f(transform.URLDecode, "Test+Case%20%3c%zz%", "Test Case <%zz%")
	f(transform.URLDecodeUni, "%u003c%uff1C%U2019%u4e41%u12+%3e%", "<<'A%u12 >%")
	f(transform.URLEncode, "Test Case*<\xff", "Test+Case*%3c%ff")
	f(transform.UTF8ToUnicode, "é日😀\xc0\xbc\xe0\x80\xaf\xa0\xed\xa0\x80", "%u00e9%u65e5%u1f600%u003c%u002f\xa0\xed\xa0\x80")
}

func TestLookup(t *testing.T) {
	f := func(name string, want transform.ID, ok bool) {
		t.Helper()
		if id, found := transform.Lookup(name); id != want || found != ok {
			t.Errorf("Lookup(%q) is %v, %v", name, id, found)
		}
	}
	for id := range transform.Count {
		f(id.String(), id, true)
		f(strings.ToUpper(id.String()), id, true)
	}
	f("normalisePath", transform.NormalizePath, true)
	f("normalisepathwin", transform.NormalizePathWin, true)
	f("utf8ToUnicode", transform.UTF8ToUnicode, true)
	f("", transform.None, false)
	f("parityEven7bit", transform.None, false)
}

func TestLowers(t *testing.T) {
	letters := match.MaskLetters | match.MaskDigits
	f := func(id transform.ID, m match.Mask, want bool) {
		t.Helper()
		if id.Lowers(m) != want {
			t.Errorf("%v.Lowers(%x) is %v", id, m, !want)
		}
	}
	f(transform.Lowercase, match.MaskAll&^match.MaskHigh, true)
	f(transform.Lowercase, match.MaskAll, false)
	f(transform.CmdLine, letters|match.MaskHigh|match.MaskOf([]byte("/(")), true)
	f(transform.CmdLine, letters|match.MaskSpace, false)
	f(transform.RemoveNulls, letters, false)
	f(transform.RemoveNulls, match.MaskDigits, true)
	f(transform.Uppercase, letters, false)
}

// TestFoldsPrecise looks for a value that shows why a transformation does not fold.
func TestFoldsPrecise(t *testing.T) {
	for id := range transform.Count {
		shown := id.Folds()
		for _, s := range append(seeds, "%41", "TU", "414A", "0x4A") {
			in := []byte(s)
			shown = shown || !bytes.Equal(id.Append(nil, lower(in)), lower(id.Append(nil, in)))
		}
		if !shown {
			t.Errorf("%v does not fold, but nothing shows why", id)
		}
	}
}

// TestIdentityPrecise looks for a value that is changed wherever Identity says that there is one.
func TestIdentityPrecise(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	var classes []match.Mask
	byClass := map[match.Mask][]byte{}
	for c := range 256 {
		m := match.MaskOfByte(byte(c))
		if byClass[m] == nil {
			classes = append(classes, m)
		}
		byClass[m] = append(byClass[m], byte(c))
	}
	pool := shortValues()
	changed := make([]map[match.Mask]bool, transform.Count)
	for id := range transform.Count {
		changed[id] = map[match.Mask]bool{}
		for _, v := range pool {
			if id.Changed(v) {
				changed[id][match.MaskOf(v)] = true
			}
		}
	}
	for range 500 {
		var m match.Mask
		for range r.IntN(12) {
			m |= classes[r.IntN(len(classes))]
		}
		for id := range transform.Count {
			found := false
			for c := range changed[id] {
				found = found || c&^m == 0
			}
			if id.Identity(m) == found {
				t.Fatalf("%v.Identity(%x) is %v; a value that is changed was found: %v", id, m, !found, found)
			}
		}
	}
}

// shortValues are all values of up to two bytes, and those longer ones that are the shortest which decoders change.
func shortValues() (pool [][]byte) {
	pool = append(pool, nil)
	for a := range 256 {
		pool = append(pool, []byte{byte(a)})
		for b := range 256 {
			pool = append(pool, []byte{byte(a), byte(b)})
		}
	}
	const hex = "0abcdef"
	for _, a := range hex {
		for _, b := range hex {
			for _, front := range []string{"%", "0x", "&#x"} {
				pool = append(pool, []byte(front+string(a)+string(b)))
			}
		}
	}
	pool = append(pool, []byte("&#00"))
	for _, name := range transform.EntityNames() {
		pool = append(pool, []byte("&"+name))
	}
	return pool
}
