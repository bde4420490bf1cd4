package lint_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"skerry.dev/skerry/aws/cfn"
	"skerry.dev/skerry/aws/finding"
	"skerry.dev/skerry/aws/lint"
)

// short are pointers that the corpus abbreviates.
var abbreviations = map[string]map[string]string{
	"site":   {"D/": "/Resources/Site/Properties/DistributionConfig/"},
	"api":    {"D/": "/Resources/Api/Properties/DistributionConfig/"},
	"acl":    {"R/": "/Resources/Acl/Properties/Rules/"},
	"stacks": {"S/": "/stacks-shared/Resources/", "E/": "/stacks-edge/Resources/", "D/": "/stacks-edge/Resources/Site/Properties/DistributionConfig/"},
}

// bases are the good templates of each part of the corpus. Where there are several, pointers begin with their names.
var bases = map[string][]string{"site": {"site"}, "api": {"api"}, "acl": {"acl"}, "stacks": {"stacks-shared", "stacks-edge"}}

// TestMutations makes one mistake at a time in good templates: exactly the rules that a line names find it.
func TestMutations(t *testing.T) {
	caught, found := 0, map[string]bool{}
	for _, base := range slices.Sorted(maps.Keys(bases)) {
		root := object{}
		for _, name := range bases[base] {
			root[name] = json.RawMessage(read(t, "testdata/good/"+name+".yaml").JSON())
		}
		template, err := json.Marshal(root)
		if err != nil {
			t.Fatal(err)
		}
		data, err := os.ReadFile(filepath.Join("testdata/mutations", base+".txt"))
		if err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(bytes.NewReader(data))
		lines.Buffer(nil, 1<<20)
		for n := 1; lines.Scan(); n++ {
			line := strings.TrimSpace(lines.Text())
			if line == "" || line[0] == '#' {
				continue
			}
			t.Run(fmt.Sprintf("%s:%d", base, n), func(t *testing.T) {
				ids, edits, _ := strings.Cut(line, "| ")
				want := strings.Fields(ids)
				slices.Sort(want)
				got := idsOf(lint.Together(mutated(t, base, template, edits), nil), want)
				if !slices.Equal(want, got) {
					t.Errorf("%s: want %v, found %v", edits, want, got)
				}
				caught++
			})
			for _, id := range strings.Fields(line[:strings.Index(line, "|")]) {
				found[id] = true
			}
		}
	}
	for _, r := range lint.Rules() {
		if !found[r.ID] && !slices.Contains(elsewhere, r.ID) {
			t.Errorf("no mutation shows %s", r.ID)
		}
	}
	t.Logf("%d mistakes, %d rules", caught, len(lint.Rules()))
}

// elsewhere are rules about counts, which TestCounts shows.
var elsewhere = []string{
	"many-behaviors", "many-aliases", "many-origins", "many-groups", "many-resources", "waf-rates", "waf-references", "cidr-many",
	"certificate-names", "tenant-domains", "account-quota",
}

// idsOf are the ids of findings, sorted, each once, without notes but those that are wanted.
func idsOf(list []finding.Finding, wanted []string) []string {
	var out []string
	for _, f := range list {
		if f.Severity > finding.Note || slices.Contains(wanted, f.Rule.ID) {
			out = append(out, f.Rule.ID)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func mutated(t *testing.T, base string, templates []byte, edits string) (out []*cfn.Template) {
	t.Helper()
	var root any
	if err := json.Unmarshal(templates, &root); err != nil {
		t.Fatal(err)
	}
	for edit := range strings.SplitSeq(edits, " ; ") {
		pointer, value, ok := strings.Cut(strings.TrimSpace(edit), " = ")
		if !ok {
			t.Fatalf("no edit: %q", edit)
		}
		for short, long := range abbreviations[base] {
			if rest, ok := strings.CutPrefix(pointer, short); ok {
				pointer = long + rest
			}
		}
		if len(bases[base]) == 1 {
			pointer = "/" + base + pointer
		}
		root = set(t, root, strings.Split(strings.TrimSpace(pointer), "/")[1:], strings.TrimSpace(value))
	}
	for _, name := range bases[base] {
		data, err := json.Marshal(root.(object)[name])
		if err != nil {
			t.Fatal(err)
		}
		template, err := cfn.Read(name+".json", data)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, template)
	}
	return out
}

// set puts a value below a path, or takes it away. "@x 100" in a text is the rest repeated up to 100 bytes.
func set(t *testing.T, in any, path []string, value string) any {
	t.Helper()
	if len(path) == 0 {
		var out any
		if err := json.Unmarshal([]byte(value), &out); err != nil {
			t.Fatalf("%s: %v", value, err)
		}
		return grown(out)
	}
	switch v := in.(type) {
	case map[string]any:
		if len(path) == 1 && value == "-" {
			delete(v, path[0])
			return v
		}
		v[path[0]] = set(t, v[path[0]], path[1:], value)
		return v
	case []any:
		i, err := strconv.Atoi(path[0])
		if err != nil || i > len(v) {
			t.Fatalf("%s is no index here", path[0])
		}
		if len(path) == 1 && value == "-" {
			return slices.Delete(v, i, i+1)
		}
		if i == len(v) {
			v = append(v, nil)
		}
		v[i] = set(t, v[i], path[1:], value)
		return v
	case nil:
		return set(t, map[string]any{}, path, value)
	}
	t.Fatalf("nothing below %v", in)
	return nil
}

func grown(v any) any {
	switch v := v.(type) {
	case string:
		rest, ok := strings.CutPrefix(v, "@")
		i := strings.LastIndexByte(rest, ' ')
		if !ok || i < 0 {
			return v
		}
		n, err := strconv.Atoi(rest[i+1:])
		if err != nil {
			return v
		}
		return rest[:i] + strings.Repeat(rest[i-1:i], max(n-i, 0))
	case map[string]any:
		for k := range v {
			v[k] = grown(v[k])
		}
	}
	return v
}
