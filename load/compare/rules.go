package main

import (
	_ "embed"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	coreruleset "github.com/corazawaf/coraza-coreruleset/v4"

	"skerry.dev/skerry/load/rival"
)

// The Core Rule Set as files that every rival reads. They come from the Go module that also feeds Skerry. Its copies are
// stripped of comments, and the parser of libmodsecurity wants actions after a SecRule that another SecRule follows, so
// that a chain's last rule may not go without: such a rule is given t:none, which changes nothing.

//go:embed firewall.conf
var firewallConf string

// policy is how strict a firewall is.
type policy struct {
	Paranoia, Threshold int
}

// ruleFiles are the files that a rival loads.
type ruleFiles struct {
	conf    string // the file to include
	rules   int    // of the Core Rule Set, chained ones not counted
	setup   int    // rules of the setup around it
	markers int    // SecMarker, which some engines count as rules
	mended  int    // rules that were given an action
}

// writeRules writes the rule set and its setup to dir, which must exist.
func writeRules(dir string, p policy) (ruleFiles, error) {
	var files ruleFiles
	var names []string
	err := fs.WalkDir(coreruleset.FS, "@owasp_crs", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := fs.ReadFile(coreruleset.FS, name)
		if err != nil {
			return err
		}
		path := filepath.Join(dir, filepath.Base(name))
		if filepath.Ext(path) == ".conf" {
			names = append(names, path)
			mended, n, err := mendChains(string(text))
			if err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
			text, files.mended = []byte(mended), files.mended+n
			rules, markers := countRules(mended)
			files.rules, files.markers = files.rules+rules, files.markers+markers
		}
		return os.WriteFile(path, text, 0o644)
	})
	if err != nil {
		return files, err
	}
	setup := rival.Fill(firewallConf, struct {
		policy
		Files []string
	}{p, names})
	files.setup, _ = countRules(setup)
	files.conf = filepath.Join(dir, "firewall.conf")
	return files, os.WriteFile(files.conf, []byte(setup), 0o644)
}

// mendChains adds t:none to every SecRule without actions and says how many there were.
func mendChains(text string) (mended string, n int, err error) {
	var b strings.Builder
	for at, d := range directives(text) {
		words, err := splitDirective(d)
		if err != nil {
			return "", 0, fmt.Errorf("line %d: %w", at, err)
		}
		if len(words) == 3 && words[0] == "SecRule" {
			d = strings.TrimRight(d, "\n") + " \\\n    \"t:none\"\n"
			n++
		}
		b.WriteString(d)
	}
	return b.String(), n, nil
}

// countRules counts the rules and unconditional actions of a text, a chain as one, and its markers.
func countRules(text string) (rules, markers int) {
	chained := false
	for _, d := range directives(text) {
		words, err := splitDirective(d)
		if err != nil || len(words) == 0 {
			continue
		}
		switch words[0] {
		case "SecMarker":
			markers++
		case "SecRule", "SecAction":
			if !chained {
				rules++
			}
			chained = hasChain(words[len(words)-1])
		}
	}
	return rules, markers
}

// hasChain reports whether a list of actions has the action chain.
func hasChain(actions string) bool {
	for word := range strings.SplitSeq(actions, ",") {
		if strings.Trim(word, " \t\\\n'\"") == "chain" {
			return true
		}
	}
	return false
}

// directives yields the text in pieces that together are all of it, one directive, comment or empty line each with its
// continuation lines, and the line each begins at.
func directives(text string) func(yield func(int, string) bool) {
	return func(yield func(int, string) bool) {
		var piece strings.Builder
		begin, line := 1, 0
		for l := range strings.Lines(text) {
			line++
			piece.WriteString(l)
			if strings.HasSuffix(strings.TrimRight(l, "\r\n"), `\`) && !strings.HasPrefix(piece.String(), "#") {
				continue
			}
			if !yield(begin, piece.String()) {
				return
			}
			piece.Reset()
			begin = line + 1
		}
		if piece.Len() > 0 {
			yield(begin, piece.String())
		}
	}
}

// splitDirective is the words of a directive; a quoted word keeps what it escapes as written. A comment has none.
func splitDirective(d string) ([]string, error) {
	var words []string
	rest := strings.TrimLeft(d, " \t")
	for rest = skipBlank(rest); rest != "" && (len(words) > 0 || rest[0] != '#'); rest = skipBlank(rest) {
		end := strings.IndexAny(rest, " \t\r\n")
		if rest[0] == '"' {
			rest = rest[1:]
			if end = closingQuote(rest); end < 0 {
				return nil, fmt.Errorf("a quote is not closed")
			}
			words, rest = append(words, rest[:end]), rest[end+1:]
			continue
		}
		if end < 0 {
			end = len(rest)
		}
		words, rest = append(words, rest[:end]), rest[end:]
	}
	return words, nil
}

// skipBlank cuts white space and continuations off the front.
func skipBlank(s string) string {
	for {
		cut := strings.TrimLeft(s, " \t\r\n")
		cut = strings.TrimPrefix(strings.TrimPrefix(cut, "\\\n"), "\\\r\n")
		if cut == s {
			return s
		}
		s = cut
	}
}

// closingQuote is the index of the first quote that no backslash escapes, -1 without one.
func closingQuote(s string) int {
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case '"':
			return i
		}
	}
	return -1
}
