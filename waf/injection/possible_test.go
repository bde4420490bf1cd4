package injection_test

import (
	"testing"

	"github.com/corazawaf/libinjection-go"

	"skerry.dev/skerry/waf/injection"
	"skerry.dev/skerry/waf/match"
)

// alphabets are what words are joined with, few at a time: with all of them everything is possible.
var alphabets = [][]string{
	{"."}, {".", "@"}, {".", "@", "_"}, {"."}, {"1", "0x", "0b", "1e", "_", "5"}, {" "}, {" ", ","}, {" ", "-"}, {"-", "_"}, {" ", "."}, {" ", "1"}, {".", "1"},
	{"\xa0"}, {" ", ";"}, {":", "/", "."}, {" ", "'"}, {"+", "1"}, {"é", " "}, {"/", "1"}, {" ", "`"}, {" ", "(", ")"}, {" ", "$"}, {"\\", " "}, {"=", "&"},
}

// TestSQLiPossible makes values of few words and few other bytes, and holds every denial to the library.
func TestSQLiPossible(t *testing.T) {
	var list []string
	injection.Words(func(text string, _ byte) { list = append(list, text) })
	list = append(list, "a", "x", "b'", "foo", "sp_password")
	rnd := random(t)
	denied, all := 0, rounds(t)
	var value []byte
	for range all {
		few := [3]string{list[rnd.IntN(len(list))], list[rnd.IntN(len(list))], list[rnd.IntN(len(list))]}
		joints := alphabets[rnd.IntN(len(alphabets))]
		value = value[:0]
		for range 1 + rnd.IntN(8) {
			if rnd.IntN(3) > 0 {
				value = append(value, few[rnd.IntN(1+rnd.IntN(3))]...)
			}
			value = append(value, joints[rnd.IntN(len(joints))]...)
		}
		if injection.SQLiPossible(match.MaskOf(value)) {
			continue
		}
		denied++
		if found, print := libinjection.IsSQLi(string(value)); found {
			t.Fatalf("SQLiPossible denies %q, which has fingerprint %s", value, print)
		}
	}
	if denied < all/20 {
		t.Errorf("%d of %d values were denied: the test tests nothing", denied, all)
	}
	t.Logf("%d of %d values were denied", denied, all)
}

func TestPossible(t *testing.T) {
	f := func(value string, sqli, xss bool) {
		t.Helper()
		m := match.MaskOf([]byte(value))
		if injection.SQLiPossible(m) != sqli || injection.XSSPossible(m) != xss {
			t.Errorf("%q: SQLiPossible %v, XSSPossible %v; want %v, %v", value, injection.SQLiPossible(m), injection.XSSPossible(m), sqli, xss)
		}
	}
	f("", false, false)
	f("4711", false, false)
	f("unionselect1_", false, false)
	f("union.select@example.com", false, false)
	f("1union.1eselect.1", true, false) // an exponent without digits is a separator
	f("Anna Bo", false, false)
	f("a union select b", true, false)
	f("1--", true, false)
	f("<b>", false, false)
	f("<svg>", false, true)
	f("a=b", false, false)
	f("style=x", true, true)
	f("href=data:", true, true)
	f("<!--`", false, true)
	f("by=&#1", true, true)
	f("by=x", false, false)
}

// TestBenign reports how many values of people are ruled out by their bytes alone.
func TestBenign(t *testing.T) {
	for _, kind := range benign {
		sqli, xss := 0, 0
		for _, v := range kind.values {
			m := match.MaskOf([]byte(v))
			if !injection.SQLiPossible(m) {
				sqli++
			}
			if !injection.XSSPossible(m) {
				xss++
			}
		}
		t.Logf("%-10s %2d values: SQLi ruled out for %2d, XSS for %2d", kind.name, len(kind.values), sqli, xss)
		if xss < kind.xss || sqli < kind.sqli {
			t.Errorf("%s: SQLi ruled out for %d and XSS for %d, at least %d and %d before", kind.name, sqli, xss, kind.sqli, kind.xss)
		}
	}
}

// benign are values that are no attack, with how many are ruled out at least.
var benign = []struct {
	name      string
	sqli, xss int
	values    []string
}{
	{"names", 4, 10, []string{"Anna Svensson", "John Doe", "Maria Garcia Lopez", "O'Brien", "Jean-Luc Picard", "Zoë Müller", "李小龙", "Ahmed", "Kim Min-ji", "Ingrid Bergman"}},
	{"e-mails", 4, 6, []string{"john.doe@example.com", "anna@example.org", "info@shop.example.se", "a.b-c@example.com", "user42@example.net", "first_last@mail.example"}},
	{"words", 11, 11, []string{"stockholm", "en", "true", "desc", "dark", "session_id", "checkout", "utf8", "v2", "item42", "A1B2C3"}},
	{"numbers", 8, 10, []string{"42", "4711", "3.14", "-1", "1,000.50", "2024-01-02", "12:30", "+46 70 123 45 67", "100%", "0"}},
	{"uuids", 1, 3, []string{"550e8400-e29b-41d4-a716-446655440000", "0190a6b2-7c3e-7d4f-8a1b-2c3d4e5f6071", "d41d8cd98f00b204e9800998ecf8427e"}},
	{"urls", 0, 3, []string{"https://example.com/", "/shop/items/42", "https://www.example.com/shop/items?id=4711&lang=en#top", "/img/logo.png", "https://cdn.example.net/a/b/c.js?v=3"}},
	{"tokens", 3, 4, []string{"eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.SflKxwRJSMeKKF2QT4fwpMeJf36POk6yJV_adQssw5c", "dGhpcyBpcyBhIHRlc3Q=", "GA1.2.1234567890.1700000000", "ghp_16C7e42F292c6912E7710c838347Ae178B4a"}},
	{"agents", 1, 4, []string{"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36", "curl/8.5.0", "Go-http-client/1.1", "okhttp/4.12.0"}},
	{"sentences", 2, 10, []string{"The quick brown fox jumps over the lazy dogs.", "Hello, world!", "I'd like a refund, please.", "Delivery at noon", "Thank you", "Please leave it at the door", "ok", "See you on Monday at 10:30", "Great product!", "It does not fit; can I return it?"}},
}
