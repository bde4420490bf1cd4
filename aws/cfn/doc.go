// Package cfn is templates of CloudFormation: it writes a deployment down as templates, reads templates of anybody, and reads ours
// back into a deployment.
//
// It promises that the same deployment always gives the same bytes, in JSON and in YAML; that every value that it read has its
// place; that what parameters, conditions and functions make of a value is computed where all of it is known, and is unknown
// otherwise, never guessed; that no input panics or takes more than the limits of limits.go.
//
// It refuses to judge what a template says: the schema and lint do.
package cfn
