// Package spec is what users write: documents in YAML or JSON that say which public hosts there are, which services stand
// behind them, and what protects both.
//
// It owns the model, the reading of documents, the built-in profiles, the merging of defaults, profiles, entrypoints and
// routes, the canonical form and its hash, differences, formatting, and the JSON Schema. One table of fields for each
// object (docs.go, service.go, policy.go) drives all of them, and portability.yaml has a line for each of its rows. Compilers
// for other platforms go from a value in force to its line (FieldOf, DifferenceOf) and to its place and author (Source).
//
// Files that documents name, of redirects and error pages, become part of the spec; secrets stay references.
//
// It promises that every problem of every document is reported at once, each with its place, what is wrong and how to
// mend it; that no input panics; and that a Spec is complete and never changes.
//
// It refuses to know how a spec is run: the normal form of paths is held against by plan, which compiles a Spec.
package spec
