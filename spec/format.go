package spec

import "skerry.dev/skerry/fault"

type style uint8

const (
	plain style = iota
	single
	double
	literal
	flow
)

type notes struct{}

// Format is the canonical formatting of one file.
func Format(file File) ([]byte, []fault.Problem) { return file.Data, nil }
