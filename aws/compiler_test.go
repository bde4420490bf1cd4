package aws_test

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"skerry.dev/skerry/aws"
	"skerry.dev/skerry/spec"
)

// drawEntrypoint is one entrypoint in some form: with functions, firewalls, redirects, caches and services that others have too, or not.
func drawEntrypoint(r *rapid.T, i int) string {
	one := func(label string, of ...string) string {
		return rapid.SampledFrom(of).Draw(r, fmt.Sprint(label, " ", i))
	}
	var moved strings.Builder
	if rapid.IntRange(0, 11).Draw(r, fmt.Sprint("moved ", i)) == 0 {
		moved.WriteString("  redirects: {list: [")
		for n := range 400 {
			fmt.Fprintf(&moved, "{from: /old/%d, to: /new/%d}, ", n, n)
		}
		moved.WriteString("]}\n")
	}
	service := one("service", "https://one.example.net", "https://two.example.net", "stock", "files")
	return one("lead", "", "", "# moved by a line\n") + fmt.Sprintf("apiVersion: skerry.dev/v1\nkind: Entrypoint\nmetadata: {name: shop-%d, owner: team}\nspec:\n  hosts: [shop-%d.example.com%s]\n%s%s%s  routes:\n"+
		"    - {name: part, match: {prefix: /part%s}, service: %q%s}\n%s    - {name: rest, service: %q}\n",
		i, i, one("host", "", fmt.Sprintf(", www-%d.example.com", i)), one("profile", "", "  profile: api\n"), moved.String(),
		one("policy", "", "  headers: {response: {set: {X-Team: web}}}\n", "  limit: {perAddress: 10/s}\n", "  maintenance: {allow: [192.0.2.0/24]}\n"),
		one("path", "", "-two"), service, one("limit", "", ", limit: {perAddress: 20/s}", ", cors: {origins: [\"https://a.example\"]}"),
		one("more", "", "    - {name: gone, match: {path: /gone}, redirect: {to: /}}\n", "    - {name: split, match: {path: /split}, services: [{service: stock, weight: 90}, {service: \"https://two.example.net\", weight: 10}]}\n"),
		one("other", "https://one.example.net", "stock"))
}

func drawAccount(r *rapid.T) string {
	one := func(label string, of ...string) string { return rapid.SampledFrom(of).Draw(r, label) }
	return "apiVersion: skerry.dev/v1\nkind: AWS\nmetadata: {name: prod, owner: edge}\nspec: {account: \"123456789012\", zones: {example.com: Z0123456789ABCDEFGHIJ}" +
		one("packing", "", ", packing: shared", ", packing: tenants", ", packing: dedicated") + one("canary", "", ", http3: off, canary: continuousDeployment") +
		one("quotas", "", ", quotas: {functions: 4}", ", quotas: {distributionsPerCachePolicy: 2, distributionsPerResponseHeadersPolicy: 2, distributionsPerFunction: 2, distributionsPerWebAcl: 2}") +
		one("logs", "", `, logs: {bucket: "arn:aws:s3:::edge-logs"}`) + "}\n---\n" +
		"apiVersion: skerry.dev/v1\nkind: Service\nmetadata: {name: stock, owner: web}\nspec: {endpoints: [\"https://" + one("endpoint", "a", "b") + ".stock.example.net\"]}\n---\n" +
		"apiVersion: skerry.dev/v1\nkind: Service\nmetadata: {name: files, owner: web}\nspec: {directory: {path: files}, aws: {bucket: shop-files, region: us-east-1}}\n"
}

// TestCompiler: after any edits a compiler says and writes what a fresh one does.
func TestCompiler(t *testing.T) {
	const most = 4
	rapid.Check(t, func(r *rapid.T) {
		var reader spec.Reader
		var compiler aws.Compiler
		docs := make([]string, most)
		account := drawAccount(r)
		for i := range rapid.IntRange(2, most).Draw(r, "entrypoints") {
			docs[i] = drawEntrypoint(r, i)
		}
		for range 2 {
			target := rapid.SampledFrom(aws.Targets).Draw(r, "target")
			files := []spec.File{{Name: "account.yaml", Data: []byte(account)}}
			for i, text := range docs {
				if text != "" {
					files = append(files, spec.File{Name: fmt.Sprintf("shop-%d.yaml", i), Data: []byte(text)})
				}
			}
			s, problems := reader.Parse(files)
			if len(problems) > 0 {
				r.Fatal(problems[0])
			}
			fresh, _ := spec.Parse(files)
			got, err := compiler.Compile(s, target)
			if err != nil {
				r.Fatal(err)
			}
			want, err := aws.Compile(fresh, target, nil)
			if err != nil {
				r.Fatal(err)
			}
			equal(r, got, want)
			for i := range docs {
				switch rapid.IntRange(0, 5).Draw(r, fmt.Sprint("edit ", i)) {
				case 0:
					docs[i] = drawEntrypoint(r, i)
				case 1:
					docs[i] = ""
				}
			}
			if docs[0] == "" && slices.Compact(slices.Clone(docs))[0] == "" || rapid.IntRange(0, 9).Draw(r, "edit account") == 0 {
				account = drawAccount(r)
			}
		}
	})
}

func equal(r *rapid.T, got, want *aws.Output) {
	for i := range max(len(got.Findings), len(want.Findings)) {
		if i >= len(got.Findings) || i >= len(want.Findings) || got.Findings[i] != want.Findings[i] {
			r.Fatalf("finding %d differs:\n%v\nwant\n%v", i, got.Findings[min(i, len(got.Findings)):], want.Findings[min(i, len(want.Findings)):])
		}
	}
	if fmt.Sprint(got.Packing) != fmt.Sprint(want.Packing) {
		r.Fatalf("packing %v\nwant %v", got.Packing, want.Packing)
	}
	if len(got.Files) != len(want.Files) {
		r.Fatalf("%d files, want %d", len(got.Files), len(want.Files))
	}
	for i, f := range want.Files {
		if got.Files[i].Name != f.Name || !bytes.Equal(got.Files[i].Data, f.Data) {
			r.Fatalf("%s differs: %s", f.Name, firstDifference(f.Data, got.Files[i].Data))
		}
	}
}

// BenchmarkCompileOneChanged parses, compiles, judges and writes 500 entrypoints with ten routes each, one file each, of which one has
// changed since the last time.
func BenchmarkCompileOneChanged(b *testing.B) {
	docs := strings.Split(large(500), "---\n")
	files := make([]spec.File, len(docs))
	for i, text := range docs {
		files[i] = spec.File{Name: fmt.Sprintf("%03d.yaml", i), Data: []byte(text)}
	}
	var reader spec.Reader
	var compiler aws.Compiler
	edit := func(i int) {
		files[250].Data = []byte(strings.Replace(docs[250], "burst: 50", fmt.Sprintf("burst: %d", 50+i%2), 1))
		s, problems := reader.Parse(files)
		if len(problems) > 0 {
			b.Fatal(problems[0])
		}
		if out, err := compiler.Compile(s, aws.CloudFormation); err != nil || len(out.Files) == 0 {
			b.Fatal(err, out)
		}
	}
	edit(0)
	for i := 1; b.Loop(); i++ {
		edit(i)
	}
}
