package compile_test

import (
	"fmt"
	"testing"

	"skerry.dev/skerry/aws/compile"
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
