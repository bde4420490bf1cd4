package compile

import (
	"testing"

	"skerry.dev/skerry/spec"
)

// made runs the pass of the firewall alone over each entrypoint of a spec.
func made(t testing.TB, s *spec.Spec) *builder {
	t.Helper()
	b := newBuilder(s)
	for _, e := range s.Entrypoints {
		st := &site{entry: e}
		b.firewall(st)
		b.sites = append(b.sites, st)
	}
	return b
}
