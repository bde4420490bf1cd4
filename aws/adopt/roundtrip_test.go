package adopt

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"

	"skerry.dev/skerry/aws/cfn"
	"skerry.dev/skerry/aws/compile"
	"skerry.dev/skerry/spec"
)

// emitted are the templates of a spec.
func emitted(t *testing.T, files []spec.File) []File {
	t.Helper()
	s, problems := spec.Parse(files)
	for _, p := range problems {
		t.Errorf("%v", p)
	}
	if t.Failed() {
		for _, f := range files {
			t.Logf("%s:\n%s", f.Name, f.Data)
		}
		t.FailNow()
	}
	d, _ := compile.Run(s)
	list, err := cfn.Emit(d)
	if err != nil {
		t.Fatal(err)
	}
	var out []File
	for _, f := range list {
		out = append(out, File{Name: f.Stack.Name + ".json", Data: f.JSON()})
	}
	return out
}

// TestRoundTrip compiles a spec, takes the templates over, and compiles what comes out: every attribute that the ledger calls
// exact is the same in both. Functions are left out, since their code is not read, with what hangs on names that are made of
// content; TestFirewallRoundTrip has web ACLs.
func TestRoundTrip(t *testing.T) {
	for name, text := range roundTrips {
		t.Run(name, func(t *testing.T) {
			first := emitted(t, []spec.File{{Name: "edge.yaml", Data: []byte(text)}})
			r := Read(first, nil)
			var docs []spec.File
			for _, d := range r.Documents {
				docs = append(docs, spec.File(d))
			}
			second := emitted(t, docs)
			before, after := resourcesIn(t, first), resourcesIn(t, second)
			compared := 0
			for _, row := range r.Ledger {
				parts := strings.Split(row.Pointer, "/")
				if row.Verdict != Exact || strings.Contains(row.Pointer, "/WebACL") || len(parts) < 5 || parts[1] != "Resources" || parts[3] != "Properties" || left(row.Pointer) {
					continue
				}
				id := counterpart(before, after, parts[2])
				if id == "" {
					if row.Became != "" {
						t.Errorf("%s: %s is gone, and the ledger calls it exact", row.Pointer, parts[2])
					}
					continue
				}
				was, _ := valueAt(before[parts[2]], parts[3:])
				is, there := valueAt(after[id], moved(before[parts[2]], after[id], parts[3:]))
				compared++
				if a, b := printed(was, before), printed(is, after); !there || a != b {
					t.Errorf("%s: it was %s and is %s, and the ledger calls it exact: %s %s", row.Pointer, a, b, row.Became, row.Text)
				}
			}
			if compared < 40 {
				t.Errorf("only %d attributes were compared", compared)
			}
			if t.Failed() {
				for _, d := range r.Documents {
					t.Logf("%s:\n%s", d.Name, d.Data)
				}
			}
		})
	}
}

// moved is the place of an attribute in another distribution: its origins stand in the order in which routes name them.
func moved(before, after any, path []string) []string {
	if len(path) < 5 || path[2] != "Origins" {
		return path
	}
	id, _ := valueAt(before, append(slices.Clone(path[:4]), "Id"))
	list, _ := valueAt(after, path[:3])
	origins, _ := list.([]any)
	i := slices.IndexFunc(origins, func(o any) bool { other, _ := valueAt(o, []string{"Id"}); return other == id })
	out := slices.Clone(path)
	out[3] = strconv.Itoa(i)
	return out
}

// left reports whether an attribute is left out of the comparison: what hangs on names that are made of content, or on code.
func left(pointer string) bool {
	for _, part := range []string{"/Properties/Name", "Config/Name", "FunctionAssociations", "/Metadata/", "Comment"} {
		if strings.Contains(pointer, part) {
			return true
		}
	}
	return false
}

// resourcesIn are the resources of templates by their logical ids.
func resourcesIn(t *testing.T, files []File) map[string]any {
	t.Helper()
	out := map[string]any{}
	for _, f := range files {
		var template struct{ Resources map[string]any }
		if err := json.Unmarshal(f.Data, &template); err != nil {
			t.Fatal(err)
		}
		maps.Copy(out, template.Resources)
	}
	return out
}

// counterpart is the resource that stands where another one stood: the one with the same id, or that the same place of another
// resource refers to.
func counterpart(before, after map[string]any, id string) string {
	if after[id] != nil {
		return id
	}
	for _, from := range slices.Sorted(maps.Keys(before)) {
		if after[from] == nil {
			continue
		}
		var place []string
		var walk func(v any, path []string)
		walk = func(v any, path []string) {
			switch v := v.(type) {
			case map[string]any:
				for name, item := range v {
					walk(item, append(slices.Clone(path), name))
				}
			case []any:
				for i, item := range v {
					walk(item, append(slices.Clone(path), strconv.Itoa(i)))
				}
			case string:
				if namesResource(v, id) {
					place = path
				}
			}
		}
		walk(before[from], nil)
		value, _ := valueAt(after[from], place)
		if text, ok := value.(string); ok && place != nil {
			for other := range after {
				if namesResource(text, other) {
					return other
				}
			}
		}
	}
	return ""
}

// namesResource reports whether text names a resource: as it is, or as a part of the name of an export.
func namesResource(text, id string) bool {
	return slices.Contains(strings.FieldsFunc(text, func(c rune) bool { return strings.ContainsRune(":.-${}", c) }), id)
}

// valueAt is the value below a place.
func valueAt(v any, path []string) (any, bool) {
	for _, name := range path {
		switch at := v.(type) {
		case map[string]any:
			v = at[strings.ReplaceAll(strings.ReplaceAll(name, "~1", "/"), "~0", "~")]
		case []any:
			i, err := strconv.Atoi(name)
			if err != nil || i < 0 || i >= len(at) {
				return nil, false
			}
			v = at[i]
		default:
			return nil, false
		}
	}
	return v, v != nil
}

// printed is a value with the types of resources in place of their ids, which change with their content.
func printed(v any, resources map[string]any) string {
	text := fmt.Sprint(v)
	for id, r := range resources {
		if namesResource(text, id) {
			text = strings.ReplaceAll(text, id, fmt.Sprint(r.(map[string]any)["Type"]))
		}
	}
	return text
}
