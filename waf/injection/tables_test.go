package injection_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"unicode"

	"skerry.dev/skerry/waf/injection"
)

// libraryWords reads the library's table of keywords and fingerprints from its source.
func libraryWords(t *testing.T) map[string]byte {
	t.Helper()
	dir, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/corazawaf/libinjection-go").Output()
	if err != nil {
		t.Fatal(err)
	}
	f, err := parser.ParseFile(token.NewFileSet(), filepath.Join(strings.TrimSpace(string(dir)), "sqli_data.go"), nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	table := map[string]byte{}
	ast.Inspect(f, func(n ast.Node) bool {
		if kv, ok := n.(*ast.KeyValueExpr); ok {
			key, _ := strconv.Unquote(kv.Key.(*ast.BasicLit).Value)
			kind, _ := strconv.Unquote(kv.Value.(*ast.BasicLit).Value)
			table[key] = kind[0]
		}
		return true
	})
	return table
}

// TestTables holds the tables to the library's of the version in go.mod: after an update, go generate makes them anew.
func TestTables(t *testing.T) {
	table := libraryWords(t)
	prints := 0
	for key, letter := range table {
		switch {
		case letter == 'F':
			prints++
		case key[0] == '_' || unicode.IsUpper(rune(key[0])):
			if got := injection.WordLetter(key); got != letter {
				t.Errorf("keyword %s has category %q, want %q", key, got, letter)
			}
		case injection.BeginsOperators(key[0]):
			if got := injection.OperatorLetter(key[0], key[1]); got != letter {
				t.Errorf("operator %s has category %q, want %q", key, got, letter)
			}
		}
	}
	injection.Words(func(text string, letter byte) {
		if table[text] != letter {
			t.Errorf("keyword %s has category %q, the library says %q", text, letter, table[text])
		}
	})
	for a := range 0x80 {
		for b := range 0x100 {
			if got := injection.OperatorLetter(byte(a), byte(b)); got != 0 && got != table[string([]byte{byte(a), byte(b)})] {
				t.Errorf("%q is an operator with category %q, not so in the library", []byte{byte(a), byte(b)}, got)
			}
		}
	}
	accepted := 0
	injection.Prints(func(p string) {
		accepted++
		if table["0"+strings.ToUpper(p)] != 'F' {
			t.Errorf("fingerprint %s is not the library's", p)
		}
	})
	if accepted != prints || prints < 8000 {
		t.Errorf("%d fingerprints are accepted, the library has %d", accepted, prints)
	}
}

// TestUpperCase: two letters beyond ASCII have an upper case within it, which lookups must know.
func TestUpperCase(t *testing.T) {
	for r := rune(0x80); r <= unicode.MaxRune; r++ {
		if u := unicode.ToUpper(r); u < 0x80 && string(r) != "ſ" && string(r) != "ı" {
			t.Errorf("%q has the upper case %q: lookup must fold it", r, u)
		}
	}
}
