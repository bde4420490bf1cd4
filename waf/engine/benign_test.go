package engine_test

import (
	"bytes"
	"cmp"
	"fmt"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"skerry.dev/skerry/waf/body"
	"skerry.dev/skerry/waf/engine"
	"skerry.dev/skerry/waf/waftest"
)

// publishedFile has the false positives, for people and as the bound that they must not pass.
const publishedFile = "../../docs/firewall.md"

// kind is one file of the benign corpus: how many of its requests are refused at paranoia 1 and 2.
type kind struct {
	requests int
	refused  [3]int
}

// TestBenign counts the false positives of the Core Rule Set on the benign corpus, with the lists of a web profile, in block
// mode at its own threshold. They are published, and may only become fewer: -update writes them.
// What is refused at paranoia 1 and not by Coraza is ours, not the rule set's, and fails.
func TestBenign(t *testing.T) {
	kinds, rules := map[string]*kind{}, [3]map[int]int{}
	oracle := waftest.NewCoraza(t, waftest.Options{Paranoia: 1, Before: waftest.WebPolicy})
	listed := readDiffers(t)
	for level := 1; level <= 2; level++ {
		rules[level] = map[int]int{}
		p := policy(t, engine.Options{}, paranoia(level)+waftest.WebPolicy, "")
		for _, r := range waftest.Benign(t) {
			file, _, _ := strings.Cut(r.Name, "/")
			k := kinds[file]
			if k == nil {
				k = &kind{}
				kinds[file] = k
			}
			if level == 1 {
				k.requests++
			}
			j := judge(p, held(r), nil)
			if !j.Interrupted {
				continue
			}
			k.refused[level]++
			for _, id := range scoring(j) {
				rules[level][id]++
			}
			if level == 1 && !slowly && !oracle.Judge(r).Interrupted && !listed.stands(r.Name, factsOf(r, j)+"only compiled: refused") {
				t.Errorf("%s is refused by %d%s and not by Coraza: %v", r.Name, j.By, j.Limit, telling(j.Matches))
			}
		}
	}
	page := publish(kinds, rules)
	if *update {
		if err := os.WriteFile(publishedFile, page, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	text, err := os.ReadFile(publishedFile)
	if err != nil {
		t.Fatal(err)
	}
	holdBounds(t, kinds, string(text))
	if !t.Failed() && !bytes.Equal(text, page) {
		t.Errorf("%s is not what this test counts: go test -run TestBenign ./waf/engine -update writes it", publishedFile)
	}
}

// held is a request as the edge gives it to the rules: bodies of types that nothing takes apart stream by, but for plain text.
func held(r waftest.Request) waftest.Request {
	media, err := body.Classify([]byte(r.Header("Content-Type")), &body.Memory{})
	if err == nil && media.Kind == body.Opaque && string(media.Type) != "text/plain" {
		r.Body = nil
	}
	return r
}

// scoring are the rules that gave a request its score.
func scoring(j waftest.Judgement) (ids []int) {
	for _, id := range j.Logged {
		if 911000 <= id && id < 949000 {
			ids = append(ids, id)
		}
	}
	return ids
}

// publish is the page with the false positives.
func publish(kinds map[string]*kind, rules [3]map[int]int) []byte {
	var b bytes.Buffer
	b.WriteString(`# False positives

The Core Rule Set refuses some requests that are no attack: it looks for words and signs that text may have too. Of the
corpus in waf/waftest/testdata/benign, which is requests of browsers, APIs, editors, uploads and services in many languages, this many
are refused with the rule set's own threshold of 5 and the lists of a web profile. Bodies of types that nothing can take apart are not
looked at. Coraza refuses the same requests at paranoia 1:
these are the rule set's judgements. "skerry waf explain" says which rule and what would silence it, and "skerry waf tune" proposes exclusions
from logs.

| corpus | requests | refused at paranoia 1 | at paranoia 2 |
|---|---|---|---|
`)
	total := kind{}
	for _, name := range slices.Sorted(maps.Keys(kinds)) {
		k := kinds[name]
		fmt.Fprintf(&b, "| %s | %d | %d | %d |\n", name, k.requests, k.refused[1], k.refused[2])
		total.requests += k.requests
		total.refused[1] += k.refused[1]
		total.refused[2] += k.refused[2]
	}
	fmt.Fprintf(&b, "| all | %d | %d | %d |\n\n", total.requests, total.refused[1], total.refused[2])
	for level := 1; level <= 2; level++ {
		fmt.Fprintf(&b, "Rules that had a part in it at paranoia %d, and in how many requests: %s.\n\n", level, ranked(rules[level]))
	}
	b.WriteString("Made by `go test -run TestBenign ./waf/engine -update`; the same test fails if a number grows.\n")
	return b.Bytes()
}

// ranked lists rules, the most frequent first.
func ranked(rules map[int]int) string {
	ids := slices.SortedFunc(maps.Keys(rules), func(a, b int) int { return cmp.Or(rules[b]-rules[a], a-b) })
	out := make([]string, len(ids))
	for i, id := range ids {
		out[i] = fmt.Sprintf("%d (%d)", id, rules[id])
	}
	return strings.Join(out, ", ")
}

// holdBounds holds what was counted to what is published.
func holdBounds(t *testing.T, kinds map[string]*kind, page string) {
	t.Helper()
	seen := 0
	for line := range strings.Lines(page) {
		cells := strings.Split(strings.Trim(line, "| \n"), " | ")
		if len(cells) != 4 || kinds[cells[0]] == nil {
			continue
		}
		seen++
		for level := 1; level <= 2; level++ {
			most, err := strconv.Atoi(cells[1+level])
			if got := kinds[cells[0]].refused[level]; err != nil || got > most {
				t.Errorf("%s at paranoia %d: %d requests are refused, %d were (%s)", cells[0], level, got, most, publishedFile)
			}
		}
	}
	if seen != len(kinds) {
		t.Errorf("%s has %d of %d kinds of requests", publishedFile, seen, len(kinds))
	}
}
