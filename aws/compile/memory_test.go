package compile_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"skerry.dev/skerry/aws/compile"
	"skerry.dev/skerry/aws/model"
	"skerry.dev/skerry/spec"
)

// TestMemory: what a memory compiles after other revisions is what a fresh compiler makes, for every entrypoint that may go or come,
// the first one, whose resources others use, among them.
func TestMemory(t *testing.T) {
	s := parsed(t, fleet(12, 4))
	var m compile.Memory
	f := func(name string, s spec.Spec) {
		t.Helper()
		d, findings := m.Run(&s)
		fresh, want := compile.Run(&s)
		if emitted(t, d) != emitted(t, fresh) {
			t.Errorf("%s: another deployment", name)
		}
		if fmt.Sprint(findings) != fmt.Sprint(want) {
			t.Errorf("%s: other findings:\n%v\nwant\n%v", name, findings, want)
		}
		for _, stack := range fresh.Stacks {
			for _, r := range stack.Resources {
				if got := d.Resource(r.ID); got.At != r.At || got.Pos("Rules.0") != r.Pos("Rules.0") {
					t.Errorf("%s: %s comes from %v, want %v", name, r.ID, got.At, r.At)
				}
			}
		}
	}
	f("first", *s)
	f("again", *s)
	all := s.Entrypoints
	for i := range all {
		s.Entrypoints = append(append([]*spec.Entrypoint{}, all[:i]...), all[i+1:]...)
		f(fmt.Sprintf("without %d", i), *s)
		s.Entrypoints = all
		f(fmt.Sprintf("with %d again", i), *s)
	}
	account := *s.AWS
	account.HTTP3 = !account.HTTP3
	s.AWS = &account
	f("another account", *s)
}

// TestMemoryKeeps: of entrypoints that have not changed, distributions with all that stands beside them are the same in memory, so that
// nobody has to weigh or write them again; also where they refer to copies of what AWS lets few of them share.
func TestMemoryKeeps(t *testing.T) {
	account := strings.Replace(accountText, "spec:\n", "spec:\n  packing: dedicated\n  logs: {bucket: \"arn:aws:s3:::edge-logs\"}\n"+
		"  quotas: {distributionsPerCachePolicy: 2, distributionsPerFunction: 2, distributionsPerWebAcl: 2}\n", 1)
	s := parsed(t, strings.Replace(fleet(6, 3), accountText, account, 1))
	var m compile.Memory
	props := func(d *model.Deployment) map[string]model.Properties {
		out := map[string]model.Properties{}
		for _, stack := range d.Stacks {
			for _, r := range stack.Resources {
				out[r.ID] = r.Props
			}
		}
		return out
	}
	d, _ := m.Run(s)
	was := props(d)
	changed := *s.Entrypoints[2]
	next := *s
	next.Entrypoints = slices.Clone(s.Entrypoints)
	next.Entrypoints[2] = &changed
	d, _ = m.Run(&next)
	copies := 0
	for _, stack := range d.Stacks {
		for _, r := range stack.Resources {
			if strings.Contains(r.ID, "Copy") {
				copies++
			}
			if again := was[r.ID] != r.Props; again != (r.Owner == changed.Meta.Name) && strings.HasPrefix(stack.Name, "skerry-edge") {
				t.Errorf("%s of %s: made again is %v", r.ID, r.Owner, again)
			} else if again && r.Owner == "" {
				t.Errorf("%s, which is shared, is made again", r.ID)
			}
		}
	}
	if len(was) != len(props(d)) || copies == 0 {
		t.Errorf("%d resources have become %d, of which %d are copies", len(was), len(props(d)), copies)
	}
}
