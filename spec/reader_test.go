package spec_test

import (
	"bytes"
	"fmt"
	"reflect"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"skerry.dev/skerry/spec"
)

// drawFiles makes the files of a few teams, some with mistakes, that hang on each other: profiles, services, inline services that several
// ask, hosts, a file beside a document.
func drawFiles(r *rapid.T) map[string]string {
	files := map[string]string{"a.yaml": drawFile(r, "a"), "b.yaml": drawFile(r, "b"), "c.yaml": drawFile(r, "c"), "common.yaml": drawCommon(r)}
	files["moved.csv"] = rapid.SampledFrom([]string{"/old,/new\n", "/old,/new\n", "/old,/newer\n", "/old,/newer\n", "old\n"}).Draw(r, "csv")
	return files
}

func drawFile(r *rapid.T, name string) string {
	one := func(label string, of ...string) string { return rapid.SampledFrom(of).Draw(r, name+" "+label) }
	text := one("lead", "", "# a comment\n", "---\n")
	for i := range rapid.IntRange(0, 3).Draw(r, name+" documents") {
		host := one("host", slices.Concat(slices.Repeat([]string{name + fmt.Sprint(i)}, 12), []string{"same"})...)
		text += fmt.Sprintf("apiVersion: skerry.dev/v1\nkind: Entrypoint\nmetadata: {name: %s%d, owner: team}\nspec:\n  hosts: [%s.example.com]\n%s  routes:\n"+
			"  - {name: r, match: {prefix: /r}, service: %q%s}\n  - {name: rest, service: %q}\n---\n", name, i, host,
			one("profile", "", "", "", "  profile: ours\n", "  profile: ours\n", "  redirects: {file: moved.csv}\n", "  redirects: {file: moved.csv}\n", "", "", "  wrong: field\n"),
			one("first", "https://one.example.net", "https://two.example.net", "https://two.example.net", "https://three.example.net", "stock", "stock", "stock", "stock", "nobody"), one("limit", "", ", limit: {perAddress: 9/s}"),
			one("rest", "https://one.example.net", "stock"))
	}
	return text
}

func drawCommon(r *rapid.T) string {
	return fmt.Sprintf("apiVersion: skerry.dev/v1\nkind: Profile\nmetadata: {name: ours, owner: edge}\nspec: {extends: api, bodyMax: %s}\n---\n"+
		"apiVersion: skerry.dev/v1\nkind: Service\nmetadata: {name: stock, owner: web}\nspec: {endpoints: [%q]}\n",
		rapid.SampledFrom([]string{"1MiB", "2MiB"}).Draw(r, "bodyMax"), rapid.SampledFrom([]string{"https://x.example.net", "https://y.example.net"}).Draw(r, "endpoint"))
}

func listOf(files map[string]string) (list []spec.File) {
	for _, name := range []string{"a.yaml", "b.yaml", "c.yaml", "common.yaml", "moved.csv"} {
		if text, ok := files[name]; ok {
			list = append(list, spec.File{Name: name, Data: []byte(text)})
		}
	}
	return list
}

// TestReader: after any edits a reader says what Parse says, the problems among it.
func TestReader(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		var reader spec.Reader
		files := drawFiles(r)
		for range rapid.IntRange(2, 6).Draw(r, "revisions") {
			next := drawFiles(r)
			for name := range next {
				if rapid.IntRange(0, 2).Draw(r, "edit "+name) == 0 {
					files[name] = next[name]
				}
			}
			if rapid.IntRange(0, 9).Draw(r, "remove") == 0 {
				delete(files, "b.yaml")
			}
			got, problems := reader.Parse(listOf(files))
			want, wanted := spec.Parse(listOf(files))
			if fmt.Sprint(problems) != fmt.Sprint(wanted) {
				r.Fatalf("problems\n%v\nwant\n%v", problems, wanted)
			}
			if want == nil {
				continue
			}
			if !bytes.Equal(spec.Canonical(got), spec.Canonical(want)) || got.Hash != want.Hash {
				r.Fatalf("got\n%s\nwant\n%s", spec.Canonical(got), spec.Canonical(want))
			}
			if !reflect.DeepEqual(got, want) { // places and sources too
				r.Fatalf("something else differs:\n%+v\nwant\n%+v", got, want)
			}
		}
	})
}

// TestReaderKeeps: an entrypoint that has not changed is the same one, unless something it hangs on has.
func TestReaderKeeps(t *testing.T) {
	text := func(name, service string) string {
		return "apiVersion: skerry.dev/v1\nkind: Entrypoint\nmetadata: {name: " + name + ", owner: team}\nspec: {hosts: [" + name + ".example.com], service: " + service + "}\n"
	}
	const stock = "apiVersion: skerry.dev/v1\nkind: Service\nmetadata: {name: stock, owner: web}\nspec: {endpoints: [\"https://%s.example.net\"]}\n"
	var reader spec.Reader
	parse := func(a, b, service string) map[string]*spec.Entrypoint {
		t.Helper()
		s, problems := reader.Parse(listOf(map[string]string{"a.yaml": a, "b.yaml": b, "common.yaml": fmt.Sprintf(stock, service)}))
		if len(problems) > 0 {
			t.Fatal(problems)
		}
		out := map[string]*spec.Entrypoint{}
		for _, e := range s.Entrypoints {
			out[e.Meta.Name] = e
		}
		return out
	}
	const inline = `"https://x.example.net"`
	first := parse(text("a", "stock"), text("b", inline), "one")
	if again := parse(text("a", inline), text("b", inline), "one"); again["a"] == first["a"] || again["b"] == first["b"] {
		t.Error("b keeps an inline service whose place is now that in a")
	}
	before := parse(text("a", "stock"), text("b", inline), "one")
	if again := parse("\n"+text("a", "stock"), text("b", inline), "one"); again["a"] == before["a"] || again["b"] != before["b"] {
		t.Error("a has moved, and b has not")
	}
	if again := parse("\n"+text("a", "stock"), text("b", inline), "two"); again["a"].Routes[0].To.Services[0].Service.Endpoints[0].Host != "two.example.net" {
		t.Error("a keeps a service that has changed")
	}
}
