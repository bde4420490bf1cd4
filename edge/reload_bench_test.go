package edge_test

import (
	"fmt"
	"strings"
	"testing"

	"skerry.dev/skerry/edge"
	"skerry.dev/skerry/fault"
	"skerry.dev/skerry/spec"
)

// fleet is 2,000 entrypoints of five routes; body is what the first one answers.
func fleet(body string) []spec.File {
	var b strings.Builder
	for i := range 2000 {
		if i > 0 {
			body = "same"
		}
		fmt.Fprintf(&b, "apiVersion: skerry.dev/v1\nkind: Entrypoint\nmetadata: {name: e%d, owner: team}\nspec:\n  hosts: [e%d.example]\n"+
			"  service: http://127.0.0.1:%d\n  routes:\n  - {name: r, match: {path: /x}, respond: {body: %s}}\n"+
			"  - {name: s, match: {prefix: /s}, service: 'http://127.0.0.1:9001'}\n"+
			"  - {name: t, match: {path: '/t/{id}'}, service: 'http://127.0.0.1:9002'}\n"+
			"  - {name: u, match: {prefix: /u}, redirect: {to: https://u.example/}}\n---\n", i, i, 9000+i%100, body)
	}
	return []spec.File{{Name: "fleet.yaml", Data: []byte(b.String())}}
}

func take(b *testing.B, e *edge.Edge, files []spec.File) {
	s, problems := spec.Parse(files)
	if len(problems) == 0 {
		problems = e.Activate(s)
	}
	if len(problems) > 0 {
		b.Fatal(fault.Problems(problems))
	}
}

// BenchmarkColdStart2000 is from files in memory to a plan in force, 2,000 entrypoints of five routes.
func BenchmarkColdStart2000(b *testing.B) {
	files := fleet("one")
	for b.Loop() {
		e := edge.New(edge.Options{})
		take(b, e, files)
		e.Hurry()
		e.Drain()
	}
}

// BenchmarkReload2000 is the same for a running edge and one changed entrypoint.
func BenchmarkReload2000(b *testing.B) {
	one, two := fleet("one"), fleet("two")
	e := edge.New(edge.Options{})
	take(b, e, one)
	for i := 0; b.Loop(); i++ {
		take(b, e, [][]spec.File{two, one}[i%2])
	}
	e.Hurry()
	e.Drain()
}
