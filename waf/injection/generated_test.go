package injection_test

import (
	"io/fs"
	"math/rand/v2"
	"os"
	"strings"
	"testing"

	coreruleset "github.com/corazawaf/coraza-coreruleset/v4/tests"
)

// rounds is how many values a generated test makes: many with SKERRY_SOAK.
func rounds(t *testing.T) int {
	switch {
	case os.Getenv("SKERRY_SOAK") != "":
		return 20_000_000
	case testing.Short(), raced:
		return 20_000
	}
	return 200_000
}

func random(t *testing.T) *rand.Rand {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	return rand.New(rand.NewPCG(seed, 0))
}

// sqlParts are what statements are made of, and what readers of SQL disagree about.
var sqlParts = strings.Split("1|0|42|1.5|.5|1.|.|1e|1e+|1.e|.e|1e5|0x|0x1f|0b|0b01|1f|1d |1fu|'|'|'|\"|\"|`|``|`a`|`if`|`not`|`union`|`user`|''|\\'|\\\\|\\|\\N|"+
	"--|-- |--\n|--a|#|#\n|/*|*/|/**/|/*!|/*/|;|;;|,|,|(|(|)|)|((|{|}|[|]|[a]|$|$$|$a$|$1|$.|@|@@|@a|@user|@@`a`|@'a'|?|:|::|:=|=|==|<|>|<=>|!=|!!|!|~|^|%|*|+|-|/|&|&&|&=||||\\||<<|>>|"+
	"q'(|)'|nq'[|]'|n'|e'|u&'|x'1f'|x'g'|b'01'|b'2'| | | | |\t|\n|\x00|\x7f|\xa0|\xc3\xa9|\xff|\xc5\xbf|\xc4\xb1|_|a|b|foo|foo_bar|a.b|utf8_bin|_utf8|sp_password|aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa|aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa|"+
	"select|select|union|union|all|distinct|insert|ignore|into|into outfile|dumpfile|update|delete|from|where|group|by|order|having|limit|not|in|like|is|null|true|"+
	"boolean|mode|between|regexp|sounds|and|or|xor|div|mod|if|if exists|ifnull|exists|user|user_id|password|database|current_user|current_date|current|date|timestamp|localtime|case|when|then|else|"+
	"exec|execute|as|login|begin|try|declare|goto|waitfor|delay|time|collate|binary|int|character|varying|double|precision|varchar|char|sleep|benchmark|count|left|right|join|outer|full|natural|inner|cross|lock|share|"+
	"for|of|nowait|skip|locked|next|value|procedure|analyse|with|rollup|create|replace|alter|table|at|zone|load|data|read|write|low_priority|own3d|print|drop|shutdown|set|unhex|utl_http.request|dbms_pipe.receive_message|"+
	"ſelect|unıon|ın|lıke|ınto|uſer", "|")

func TestSoakSQLi(t *testing.T) {
	rnd := random(t)
	var value []byte
	for range rounds(t) {
		value = value[:0]
		for range 1 + rnd.IntN(12) {
			part := sqlParts[rnd.IntN(len(sqlParts))]
			switch rnd.IntN(6) {
			case 0:
				part = strings.ToUpper(part)
			case 1:
				value = append(value, ' ')
			}
			value = append(value, part...)
			if rnd.IntN(3) == 0 {
				value = append(value, ' ')
			}
		}
		sameSQLi(t, value)
	}
}

// htmlParts are what tags are made of.
var htmlParts = strings.Split("<|<|</|>|/|/>|=|=|'|\"|`| | |\n|\x00|\t|!|<!--|-->|--|-!>|-|<![CDATA[|]]>|]|<!doctype|<?|<%|%>|%|<?import|<!entity|[if|xml|[|a|b|img|script|SCRIPT|style|svg|xsl:x|x|base|link|meta|"+
	"href|src|to|by|onload|ONERROR|on|onend|xmlns|xlink|xlink:href|attributename|formaction|filter|data:|java|javascript:|vbscript:|view-source:|&#106;|&#x6a|&#|&#x|&#x110000;|&#0;|&#10|ava|&|;|\xff|\xc2\xa0|\x01|x=y|href=|"+
	"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa|onwebkitcurrentplaybacktargetiswirelesschanged", "|")

func TestSoakXSS(t *testing.T) {
	rnd := random(t)
	var value []byte
	for range rounds(t) {
		value = value[:0]
		for range 1 + rnd.IntN(12) {
			value = append(value, htmlParts[rnd.IntN(len(htmlParts))]...)
		}
		sameXSS(t, value)
	}
}

// crsValues are the strings in the tests of the Core Rule Set: the part of each line behind its first colon, and what is in
// quotes or between the marks of a query there.
func crsValues(t *testing.T) (values [][]byte) {
	t.Helper()
	err := fs.WalkDir(coreruleset.FS, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := fs.ReadFile(coreruleset.FS, name)
		if err != nil {
			return err
		}
		for line := range strings.Lines(string(text)) {
			line = strings.TrimSpace(line)
			if len(line) > 4096 {
				continue
			}
			values = append(values, []byte(line))
			_, rest, _ := strings.Cut(line, ":")
			for _, v := range strings.FieldsFunc(rest, func(r rune) bool { return r == '&' || r == '=' || r == '?' }) {
				values = append(values, []byte(strings.Trim(v, ` "'`)), []byte(unescape(v)))
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return values
}

// unescape decodes what a query encodes, and leaves alone what it cannot.
func unescape(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		const hex = "0123456789abcdef"
		if s[i] == '%' && i+2 < len(s) {
			hi, lo := strings.IndexByte(hex, s[i+1]|0x20), strings.IndexByte(hex, s[i+2]|0x20)
			if hi >= 0 && lo >= 0 {
				b.WriteByte(byte(hi<<4 | lo))
				i += 2
				continue
			}
		}
		b.WriteByte(map[bool]byte{true: ' ', false: s[i]}[s[i] == '+'])
	}
	return b.String()
}

// TestCRSValues judges the strings of the Core Rule Set's tests, and mutations of them.
func TestCRSValues(t *testing.T) {
	values := crsValues(t)
	if len(values) < 10_000 {
		t.Fatalf("%d values in the tests of the Core Rule Set: the scan has lost them", len(values))
	}
	for _, v := range values {
		sameSQLi(t, v)
		sameXSS(t, v)
	}
	rnd := random(t)
	for range rounds(t) / 2 {
		v := mutated(rnd, values)
		sameSQLi(t, v)
		sameXSS(t, v)
	}
}

// mutated is a value with some bytes taken out, put in, or a piece of another.
func mutated(rnd *rand.Rand, values [][]byte) []byte {
	v := append([]byte(nil), values[rnd.IntN(len(values))]...)
	for range 1 + rnd.IntN(4) {
		at := rnd.IntN(len(v) + 1)
		switch rnd.IntN(4) {
		case 0:
			v = append(v[:at], v[min(len(v), at+1+rnd.IntN(3)):]...)
		case 1:
			v = append(v[:at], append([]byte(sqlParts[rnd.IntN(len(sqlParts))]), v[at:]...)...)
		case 2:
			v = append(v[:at], append([]byte(htmlParts[rnd.IntN(len(htmlParts))]), v[at:]...)...)
		default:
			o := values[rnd.IntN(len(values))]
			v = append(v[:at], o[rnd.IntN(len(o)+1):]...)
		}
	}
	return v
}
