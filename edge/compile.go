package edge

import (
	"skerry.dev/skerry/fault"
	"skerry.dev/skerry/plan"
	"skerry.dev/skerry/spec"
)

// Compile says whether a spec can be served under a setting, without serving it. The plan is for looking at only. The error
// is the setting's.
func Compile(s *spec.Spec, set plan.Setting) (*plan.Plan, []fault.Problem, error) {
	k, err := plan.IdleKeepers(set)
	if err != nil {
		return nil, nil, err
	}
	defer k.Close()
	p, problems := plan.Compile(s, k)
	if p != nil {
		defer p.Release()
	}
	return p, problems, nil
}
