package spec

import "skerry.dev/skerry/fault"

// Identity is a content identity: pools of services with the same identity are the same pool, also across plans.
func (s *Service) Identity() string { return "" }

// Canonical is the spec as deterministic JSON, independent of files and order.
func Canonical(s *Spec) []byte { return nil }

// Change is what differs between two specs: names of entrypoints ("entrypoint shop") and services ("service cart").
type Change struct{ Added, Removed, Changed []string }

// String is the change in one line.
func (c Change) String() string { return "" }

// Diff compares two specs; old may be nil.
func Diff(old, new *Spec) Change { return Change{} }

// ShrinkProblem refuses a reload that removes every entrypoint, or more than half of ten or more; nil: no objection.
func ShrinkProblem(old, new *Spec) *fault.Problem { return nil }

// Format is the canonical formatting of one file.
func Format(file File) ([]byte, []fault.Problem) { return file.Data, nil }

// Schema is the JSON Schema (2020-12) of every kind.
func Schema() []byte { return nil }
