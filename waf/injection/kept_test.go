package injection_test

import (
	"bytes"
	"testing"

	"skerry.dev/skerry/waf/injection"
)

// TestKept holds what testdata/differs.md says is kept, and some of what is found.
func TestKept(t *testing.T) {
	sqli := func(value, print string) {
		t.Helper()
		sameSQLi(t, []byte(value))
		if got, found := injection.SQLi([]byte(value)); got.String() != print || found != (print != "") {
			t.Errorf("SQLi(%q) = %q, %v; want %q", value, got, found, print)
		}
	}
	xss := func(value string, want bool) {
		t.Helper()
		sameXSS(t, []byte(value))
		if got := injection.XSS([]byte(value)); got != want {
			t.Errorf("XSS(%q) = %v, want %v", value, got, want)
		}
	}
	sqli("1 unıon ſelect 2", "1UE1")
	sqli("1union.1eselect.1", "1UE1")
	sqli("1--", "1c")
	sqli(" 1--", "")
	sqli("' or 1=1--", "s&1c")
	sqli("x /*!1*/", "X")
	sqli("the union of select committees", "")
	sqli("", "")
	xss("</><script>", true)
	xss("<script>", true)
	xss("x onerror=alert(1)", true)
	xss("href=&#106;ava&#x73;cript:x", true)
	xss("a < b, c = d", false)
}

// TestHostile gives both what makes readers that go back take quadratic time: it ends, or the test times out.
func TestHostile(t *testing.T) {
	const n = 1 << 17
	for _, part := range []string{
		"'", "''", `\'`, `\`, "'\\\\'", "$a$", "$a", "/*", "/*/", "*/", "q'(", "`", "``", "{``", "[", "--", "#", "((", "))", "1+", "a,", "-", "a.", "select.", "1e", "@", "@'",
		"<", "</", "<!--", "<!---", "-", "<%", "%", "<![CDATA[", "]]", "a=", "a='", "/", "<a/", "href=&#0", "&#", "href=\xff", "\x00", "<a\x00", "\xc5\xbf", "\xa0", "{a ", "in (",
	} {
		value := bytes.Repeat([]byte(part), n/len(part))
		injection.SQLi(value)
		injection.XSS(value)
		injection.SQLi(append([]byte("' 1 "), value...))
		injection.XSS(append([]byte("<a b="), value...))
	}
}
