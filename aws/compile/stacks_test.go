package compile

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"skerry.dev/skerry/aws/cfn"
	"skerry.dev/skerry/aws/model"
	"skerry.dev/skerry/spec"
)

func TestStacks(t *testing.T) {
	b := newBench(t, spec.PackingDedicated, nil)
	for i := range 120 {
		b.add(fmt.Sprintf("s%03d", i), kind{acl: 1})
	}
	b.pack()
	b.edges[3].with = append(b.edges[3].with, &model.Resource{ID: "Beside", Owner: b.edges[3].name, Props: &model.RecordSet{HostedZoneId: model.Text("Z1")}})
	b.late = []*model.Resource{{ID: "Late", Props: &model.BucketPolicy{Bucket: model.Text("files"), PolicyDocument: map[string]any{
		"a": model.Ref{Resource: b.edges[0].distribution, Attr: "Id"}, "b": model.Ref{Resource: b.edges[100].distribution, Attr: "Id"},
	}}}}
	d := b.stacks()
	if first, last := d.Stacks[0], d.Stacks[len(d.Stacks)-1]; first.Name != "skerry-shared" || last.Name != "skerry-access" {
		t.Errorf("stacks begin with %s and end with %s", first.Name, last.Name)
	}
	for _, s := range d.Stacks {
		n := 0
		for _, r := range s.Resources {
			if r.Stack != s {
				t.Errorf("%s is in %s and thinks it is in %s", r.ID, s.Name, r.Stack.Name)
			}
			if _, ok := r.Props.(*model.Distribution); ok {
				n++
			}
		}
		if n > 50 || s.Region != "us-east-1" || len(s.Outputs) != 2*n {
			t.Errorf("%s in %s has %d distributions and %d outputs", s.Name, s.Region, n, len(s.Outputs))
		}
	}
	if d.Resource("Beside").Stack != b.edges[3].distribution.Stack {
		t.Error("what stands beside a distribution is in another stack")
	}
	after(t, d)
	files, err := cfn.Emit(d)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if !json.Valid(f.JSON()) {
			t.Errorf("%s is no JSON", f.Stack.Name)
		}
	}
}

// What is reckoned for a template is at least what is written, and not much more.
func TestLoadIsAnUpperBound(t *testing.T) {
	b := newBench(t, spec.PackingDedicated, nil)
	for i := range 40 {
		b.add(fmt.Sprintf("s%02d", i), kind{acl: 1 + i%2, cache: i % 3, header: "{{resolve:secretsmanager:x}}"})
	}
	code := strings.Repeat("if (a < b && c > d) {\n\treturn \"x\";\n}\n", 200)
	b.share("Function", spec.Pos{}, &model.Function{FunctionCode: model.Text(code)}, func(string) {})
	d := b.deployed()
	files, err := cfn.Emit(d)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		written, reckoned := len(f.JSON()), b.loads.sum(f.Stack.Resources).bytes
		if outputs := 300 * len(f.Stack.Outputs); written > reckoned+outputs+2000 || reckoned > 2*written {
			t.Errorf("%s has %d bytes, reckoned %d", f.Stack.Name, written, reckoned)
		}
	}
	if n := b.loads.of(b.edges[0].distribution).dynamic; n != 1 {
		t.Errorf("%d dynamic references in a distribution, want 1", n)
	}
}

// A stack is cut by each of its limits.
func TestStacksAreCut(t *testing.T) {
	f := func(quota string, limit int, measure func(*bench, *model.Stack) int) {
		t.Helper()
		b := newBench(t, spec.PackingDedicated, map[string]int{quota: limit})
		for i := range 30 {
			b.add(fmt.Sprintf("s%02d", i), kind{header: "{{resolve:secretsmanager:x}}"})
		}
		d := b.deployed()
		waves := 0
		for _, s := range d.Stacks {
			if strings.HasPrefix(s.Name, edgeStack) {
				waves++
				if n := measure(b, s); n > limit {
					t.Errorf("%s: %s has %d of %d", quota, s.Name, n, limit)
				}
			}
		}
		if waves < 2 {
			t.Errorf("%s: %d waves", quota, waves)
		}
		after(t, d)
	}
	f("distributionsPerStack", 7, func(b *bench, s *model.Stack) int { return b.loads.sum(s.Resources).distributions })
	f("stackResources", 10, func(_ *bench, s *model.Stack) int { return len(s.Resources) })
	f("stackOutputs", 20, func(_ *bench, s *model.Stack) int { return len(s.Outputs) })
	f("stackDynamicReferences", 6, func(b *bench, s *model.Stack) int { return b.loads.sum(s.Resources).dynamic })
	f("templateBytes", 20_000, func(b *bench, s *model.Stack) int { return b.loads.sum(s.Resources).bytes })
}

// What is shared is cut too, and what refers to each other stays together.
func TestSharedIsCut(t *testing.T) {
	b := newBench(t, spec.PackingDedicated, map[string]int{"stackResources": 10})
	for i := range 12 {
		set := &model.Resource{ID: fmt.Sprintf("Set%02d", i), Props: &model.IPSet{Name: model.Text("skerry-x")}}
		b.shared.Add(&model.Resource{ID: fmt.Sprintf("ACL%02d", i), Props: &model.WebACL{
			Name: model.Text("skerry-y"), Description: model.Ref{Resource: set, Attr: "Arn"},
		}}, set)
	}
	d := b.stacks()
	var names []string
	for _, s := range d.Stacks {
		names = append(names, s.Name)
	}
	if len(names) < 3 || names[0] != "skerry-shared" || slices.Contains(names, "skerry-shared-01") {
		t.Errorf("stacks are %q", names)
	}
	after(t, d)
}
