package match_test

import (
	"io/fs"
	"regexp"
	"strings"
	"sync"
	"testing"

	coreruleset "github.com/corazawaf/coraza-coreruleset/v4"
	"github.com/corazawaf/coraza-coreruleset/v4/tests"
)

// crsPattern is a pattern of the Core Rule Set and the rule that has it.
type crsPattern struct {
	id, text string
	fold     bool // the rule has t:lowercase
}

var (
	crsRule   = regexp.MustCompile(`(?m)^\s*SecRule\s+\S+\s+"!?@rx ((?:[^"\\]|\\.)*)"\s*(?:\\\n)?\s*("(?:[^"\\]|\\.|\\\n)*")?`)
	crsID     = regexp.MustCompile(`id:(\d+)`)
	crsPhrase = regexp.MustCompile(`(?m)^\s*SecRule\s+\S+\s+"!?@(pm|pmFromFile) ((?:[^"\\]|\\.)*)"`)
)

// crsFiles calls f with the text of each file of the set.
func crsFiles(t testing.TB, f func(name, text string)) {
	t.Helper()
	names, err := fs.Glob(coreruleset.FS, "@owasp_crs/*.conf")
	if err != nil || len(names) == 0 {
		t.Fatalf("the rule set has no files: %v", err)
	}
	for _, name := range names {
		text, err := fs.ReadFile(coreruleset.FS, name)
		if err != nil {
			t.Fatal(err)
		}
		f(name, string(text))
	}
}

// crsPatterns is every @rx without a macro, once.
func crsPatterns(t testing.TB) []crsPattern {
	t.Helper()
	seen := map[string]bool{}
	var all []crsPattern
	crsFiles(t, func(name, text string) {
		for _, m := range crsRule.FindAllStringSubmatch(text, -1) {
			p := crsPattern{id: name, text: strings.ReplaceAll(m[1], `\"`, `"`), fold: strings.Contains(m[2], "t:lowercase")}
			if id := crsID.FindStringSubmatch(m[2]); id != nil {
				p.id = id[1]
			}
			if strings.Contains(p.text, "%{") || seen[p.text] {
				continue
			}
			seen[p.text] = true
			all = append(all, p)
		}
	})
	if len(all) < 200 {
		t.Fatalf("%d patterns found in the rule set: far too few", len(all))
	}
	return all
}

// crsPhrases is each list of @pm and @pmFromFile.
func crsPhrases(t testing.TB) [][]string {
	t.Helper()
	var all [][]string
	crsFiles(t, func(_, text string) {
		for _, m := range crsPhrase.FindAllStringSubmatch(text, -1) {
			list := strings.Fields(m[2])
			if m[1] == "pmFromFile" {
				list = nil
				data, err := fs.ReadFile(coreruleset.FS, "@owasp_crs/"+m[2])
				if err != nil {
					t.Fatal(err)
				}
				for line := range strings.Lines(string(data)) {
					if line = strings.TrimSpace(line); line != "" && line[0] != '#' {
						list = append(list, line)
					}
				}
			}
			all = append(all, list)
		}
	})
	if len(all) < 20 {
		t.Fatalf("%d lists of phrases found in the rule set: far too few", len(all))
	}
	return all
}

var (
	crsData = regexp.MustCompile(`(?m)^\s*(?:- )?(?:data|uri|[A-Za-z-]+): *(.+)$`)
	crsWord = regexp.MustCompile(`[^&?=;"\s]+`)
)

// crsValues is what the set's own tests send: whole data and URIs, fields of headers, and their parts, decoded once.
func crsValues(t testing.TB) []string {
	t.Helper()
	all, err := crsRead()
	if err != nil || len(all) < 5_000 {
		t.Fatalf("%d values found in the tests of the rule set: %v", len(all), err)
	}
	return all
}

// crsRead reads the tests once.
var crsRead = sync.OnceValues(func() (all []string, err error) {
	seen := map[string]bool{}
	add := func(v string) {
		if len(v) < 20_000 && !seen[v] {
			seen[v] = true
			all = append(all, v)
		}
	}
	err = fs.WalkDir(tests.FS, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(name, ".yaml") {
			return err
		}
		text, err := fs.ReadFile(tests.FS, name)
		for _, m := range crsData.FindAllStringSubmatch(string(text), -1) {
			value := strings.Trim(m[1], `"'`)
			for _, v := range []string{value, unescape(value)} {
				add(v)
				for _, part := range crsWord.FindAllString(v, -1) {
					add(part)
				}
			}
		}
		return err
	})
	return all, err
})

// unescape decodes %XX and +, and leaves what is no code.
func unescape(v string) string {
	var b strings.Builder
	for i := 0; i < len(v); i++ {
		switch {
		case v[i] == '+':
			b.WriteByte(' ')
		case v[i] == '%' && i+2 < len(v) && hex(v[i+1]) >= 0 && hex(v[i+2]) >= 0:
			b.WriteByte(byte(hex(v[i+1])<<4 | hex(v[i+2])))
			i += 2
		default:
			b.WriteByte(v[i])
		}
	}
	return b.String()
}

// hex is the value of a hexadecimal digit, negative of anything else.
func hex(c byte) int {
	if c >= 'A' && c <= 'F' {
		c += 'a' - 'A'
	}
	return strings.IndexByte("0123456789abcdef", c)
}
