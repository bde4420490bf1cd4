// Package ftw runs the regression tests of the Core Rule Set through a firewall on real sockets, by go-ftw as a library.
//
// It owns the servers under test: Coraza behind net/http, which shows that the harness is right, and the edge as users run
// it, a process with a spec. It owns the two lists of what the edge does otherwise, each line with its reason: ignored.yaml,
// tests that are not run, and changed.yaml, tests that get a 4xx before the rules run where the test expects a rule. Both
// together have 20 lines at most.
//
// It is a module of its own because go-ftw's needs an exclude in go.mod, which would keep people from installing Skerry with
// `go install`. It refuses to judge values and variables: that is for the tests of waf/engine, which ask Coraza in process.
package ftw
