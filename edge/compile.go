package edge

import (
	"skerry.dev/skerry/fault"
	"skerry.dev/skerry/plan"
	"skerry.dev/skerry/spec"
)

// Compile says whether a spec can be served under a setting, without serving it. The plan is for looking at only.
func Compile(s *spec.Spec, set plan.Setting) (*plan.Plan, []fault.Problem) {
	k, err := plan.IdleKeepers(set)
	if err != nil {
		return nil, []fault.Problem{{Text: err.Error()}}
	}
	defer k.Close()
	p, problems := plan.Compile(s, k)
	if p != nil {
		defer p.Release()
	}
	return p, problems
}
