package injection_test

import (
	"testing"

	"github.com/corazawaf/libinjection-go"

	"skerry.dev/skerry/waf/injection"
	"skerry.dev/skerry/waf/match"
)

// sameSQLi fails the test unless the value is judged as the library judges it, and Possible does not deny what was found.
func sameSQLi(t *testing.T, value []byte) {
	t.Helper()
	wantFound, want := libinjection.IsSQLi(string(value))
	got, found := injection.SQLi(value)
	if found != wantFound || got.String() != want {
		t.Fatalf("SQLi(%q) = %q, %v; libinjection says %q, %v", value, got, found, want, wantFound)
	}
	if found && !injection.SQLiPossible(match.MaskOf(value)) {
		t.Fatalf("SQLiPossible denies %q, which has fingerprint %s", value, got)
	}
}

// sameXSS is the same for XSS.
func sameXSS(t *testing.T, value []byte) {
	t.Helper()
	want := libinjection.IsXSS(string(value))
	if found := injection.XSS(value); found != want {
		t.Fatalf("XSS(%q) = %v; libinjection says %v", value, found, want)
	}
	if want && !injection.XSSPossible(match.MaskOf(value)) {
		t.Fatalf("XSSPossible denies %q", value)
	}
}

func FuzzSQLi(f *testing.F) {
	for _, s := range sqliSeeds {
		f.Add([]byte(s))
	}
	f.Fuzz(sameSQLi)
}

func FuzzXSS(f *testing.F) {
	for _, s := range xssSeeds {
		f.Add([]byte(s))
	}
	f.Fuzz(sameXSS)
}

var sqliSeeds = []string{
	"", "1", "1 union select 2", "' or 1=1--", `" or ""="`, "1--", "1-- x", "1 #", "1/*!union*/", "/*/*/ */", "{``", "{ x", "1.e(1)", ".e", "1e", "1.2f ", "1dunion",
	"x'1f' or 1", "b'01'", "n'a' 'b'", "nq'(a)' or", "q'[a]'", "u&'a' or 1", "$$a$$ or 1", "$tag$a$tag$", "$.x", "$1,2", "@@version", "@`a`", "@user(1", "select.1", "select`a`",
	"\\N or 1", "\\%1", "1::int", "in (1)", "not in (1)", "a like (1)", "like}", "collate utf8_bin", "a collate b_c or 1", "group by 1", "is not distinct from", "; if 1", ";if(", "user(1",
	"password(1)", "sp_password --", "1 union", "a' + 'b", "' + '", "foo`", "1,(2)", "a=(b)", "1),(2", "a)=(b", "into outfile 'x'", "1 into outfile", "ſelect 1 from ı", "no\xc5\xbfelect", "un\xc4\xb1on \xa0 select",
	"1union.1eselect.1", "'a\\'b'''c", "[a]b", "- - 1", "!!1", "<=>", "a :: b", ":= 1", "--\xa0", "#\n or 1", "--x\n or 1", "`not`1", "waitfor delay", "`IS` `NOT DISTINCT FROM` a",
}

var xssSeeds = []string{
	"", "<script>", "</><script>", "<svg", "<xsl:x", "<!doctype", "<!--`-->", "<!--[if", "<?xml ", "<?import x", "<%a%>", "<%%>%>", "<![CDATA[x]]><script>", "onload=x", "style=x", "href=javascript:x",
	"a href=&#106;&#x61;va:", "' onload=x", `" style=x`, "` onerror=x", "<a b='c'/onload=d>", "<a attributename=onload", "<a\x00b onload\x00=x", "src=\xff\x01data:", "<!-->", "<!--a-\x00->x", "<!--a-!>", "x=y", "<",
	"</", "<!", "<%", "<a/>", "<a/", "a =\"", "href=&#x", "href=&#", "href=&#x110000", "to=view-source:", "xmlns=a", "<\x00", "< script", "<base\n", "</script x>", "<i\x00mport>",
}
