package compile_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"skerry.dev/skerry/aws/cfn"
	"skerry.dev/skerry/aws/compile"
	"skerry.dev/skerry/aws/model"
	"skerry.dev/skerry/spec"
)

// fleet is a spec of so many entrypoints with so many routes each: a few kinds, as a company has them.
func fleet(entrypoints, routes int) string {
	var out strings.Builder
	out.WriteString(accountText)
	for i := range entrypoints {
		fleetEntry(&out, i, routes)
	}
	return out.String()
}

const accountText = `
apiVersion: skerry.dev/v1
kind: AWS
metadata: {name: aws}
spec:
  account: "123456789012"
  zones: {example.com: Z0123456789ABCDEFGHIJ}
`

func fleetEntry(out *strings.Builder, i, routes int) {
	profiles := []string{"website", "api"}
	fmt.Fprintf(out, `---
apiVersion: skerry.dev/v1
kind: Entrypoint
metadata: {name: shop-%03d, owner: team-%d}
spec:
  hosts: [shop-%03d.example.com]
  profile: %s
  routes:
`, i, i%20, i, profiles[i%len(profiles)])
	for r := range routes - 1 {
		fmt.Fprintf(out, "  - {name: part-%d, match: {prefix: /part-%d}, service: \"https://app-%03d.internal.example.net\"}\n", r, r, i)
	}
	fmt.Fprintf(out, "  - {name: rest, service: \"https://app-%03d.internal.example.net\"}\n", i)
}

func BenchmarkCompile500x10(b *testing.B) {
	s := parsed(b, fleet(500, 10))
	b.ReportAllocs()
	for b.Loop() {
		compile.Run(s)
	}
}

func BenchmarkCompile5000x10(b *testing.B) {
	s := parsed(b, fleet(5000, 10))
	for b.Loop() {
		compile.Run(s)
	}
}

// TestCompileGrows: what is allocated grows with the entrypoints, not with their square.
func TestCompileGrows(t *testing.T) {
	of := func(entrypoints int) float64 {
		s := parsed(t, fleet(entrypoints, 5))
		return testing.AllocsPerRun(1, func() { compile.Run(s) })
	}
	if few, many := of(50), of(400); many > 10*few {
		t.Errorf("50 entrypoints take %.0f allocations, 400 take %.0f", few, many)
	}
}

// The same documents in another order, and in other files, are the same deployment, byte by byte.
func TestOrderOfDocuments(t *testing.T) {
	docs := strings.Split(strings.TrimLeft(fleet(12, 3), "\n"), "---\n")
	written := func(files []spec.File) string {
		s, problems := spec.Parse(files)
		for _, p := range problems {
			t.Fatal(p)
		}
		d, _ := compile.Run(s)
		return emitted(t, d)
	}
	var one, many, back []spec.File
	one = []spec.File{{Name: "edge.yaml", Data: []byte(strings.Join(docs, "---\n"))}}
	for i, doc := range docs {
		many = append(many, spec.File{Name: fmt.Sprintf("%02d.yaml", i), Data: []byte(doc)})
		back = append([]spec.File{{Name: fmt.Sprintf("%02d.yaml", len(docs)-i), Data: []byte(doc)}}, back...)
	}
	want := written(one)
	for name, files := range map[string][]spec.File{"in files": many, "backwards": back} {
		if got := written(files); got != want {
			t.Errorf("%s: another deployment", name)
		}
	}
}

func emitted(t testing.TB, d *model.Deployment) string {
	t.Helper()
	files, err := cfn.Emit(d)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	for _, f := range files {
		out.Write(f.JSON())
	}
	return out.String()
}
