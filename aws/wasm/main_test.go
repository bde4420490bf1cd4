package main

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const entrypoint = "apiVersion: skerry.dev/v1\nkind: Entrypoint\nmetadata: {name: shop, owner: web}\nspec: {hosts: [shop.example.com], service: \"https://one.example.com\"}\n" +
	"---\napiVersion: skerry.dev/v1\nkind: AWS\nmetadata: {name: prod, owner: edge}\nspec: {zones: {example.com: Z0123456789ABCDEFGHIJ}}\n"

func ask(t *testing.T, q string) (*answer, error) {
	t.Helper()
	var out bytes.Buffer
	if err := serve(strings.NewReader(q), &out); err != nil {
		return nil, err
	}
	var a answer
	var raw map[string]json.RawMessage
	if err := json.Unmarshal(out.Bytes(), &raw); err != nil {
		t.Fatal(err)
	}
	for field, into := range map[string]any{"files": &a.Files, "problems": &a.Problems, "packing": &a.Packing} {
		if err := json.Unmarshal(raw[field], into); err != nil {
			t.Fatal(field, err)
		}
	}
	if string(raw["findings"]) == "null" {
		t.Error("findings are null, not a list")
	}
	return &a, nil
}

func request1(target, text string) string {
	q, err := json.Marshal(map[string]any{"files": map[string]string{"a.yaml": text}, "target": target})
	if err != nil {
		panic(err)
	}
	return string(q)
}

func TestServe(t *testing.T) {
	a, err := ask(t, request1("cdk", entrypoint))
	if err != nil || len(a.Problems) > 0 || a.Files["skerry.manifest.json"] == "" || len(a.Packing) == 0 {
		t.Fatalf("%v, %v", a, err)
	}
	a, err = ask(t, request1("cdk", strings.Replace(entrypoint, "hosts", "hots", 1)))
	if err != nil || len(a.Files) > 0 || len(a.Problems) == 0 || !strings.HasPrefix(a.Problems[0], "a.yaml:4:") {
		t.Fatalf("%v, %v", a, err)
	}
	for q, want := range map[string]string{
		"":                                 "no JSON",
		`{"files": {}, "tarket": "cdk"}`:   "tarket",
		request1("pulumi", entrypoint):     "unknown target",
		`{"files": {"a": 1}, "target":""}`: "no JSON",
	} {
		if _, err := ask(t, q); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.40s: %v, want %s", q, err, want)
		}
	}
}

// TestLinks holds what is linked against what makes a program large: expressions, JavaScript, HTTP, TLS, the edge, and the half of the
// YAML module that decodes and encodes.
func TestLinks(t *testing.T) {
	cmd := exec.Command("go", "list", "-deps", ".")
	cmd.Env = append(os.Environ(), "GOOS=wasip1", "GOARCH=wasm")
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	for p := range strings.FieldsSeq(string(out)) {
		own, ours := strings.CutPrefix(p, "skerry.dev/skerry/")
		switch {
		case ours:
			if top, _, _ := strings.Cut(own, "/"); top != "aws" && own != "spec" && own != "fault" {
				t.Errorf("%s is linked", p)
			}
		case strings.Contains(p, ".") && !strings.HasPrefix(p, "github.com/goccy/go-yaml") && !strings.HasPrefix(p, "vendor/"):
			t.Errorf("%s is linked", p)
		case slices.Contains([]string{"net", "net/http", "crypto/tls", "crypto/x509", "text/template", "html", "math/big", "github.com/goccy/go-yaml"}, p):
			t.Errorf("%s is linked", p)
		}
	}
}

// runner runs the module on node's own host, which is not the one of the package for the CDK.
const runner = `
const {WASI} = require('node:wasi'), fs = require('node:fs');
const [path, input, output] = process.argv.slice(1);
const wasi = new WASI({version: 'preview1', stdin: fs.openSync(input), stdout: fs.openSync(output, 'w'), returnOnExit: true});
const instance = new WebAssembly.Instance(new WebAssembly.Module(fs.readFileSync(path)), wasi.getImportObject());
process.exitCode = wasi.start(instance);
`

// TestModule builds the module: it is no larger than its budget, and it answers with the bytes of the native compiler.
func TestModule(t *testing.T) {
	if testing.Short() {
		t.Skip("half a minute of building")
	}
	dir := t.TempDir()
	module := filepath.Join(dir, "skerry.wasm")
	// as scripts/npm does
	build := exec.Command("go", "build", "-trimpath", "-buildvcs=false", "-gcflags", "skerry.dev/skerry/...=-l", "-ldflags", "-s -w", "-o", module, ".")
	build.Env = append(os.Environ(), "GOOS=wasip1", "GOARCH=wasm")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	size(t, module)
	shop, err := os.ReadFile("../testdata/shop.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for name, q := range map[string]string{
		"shop, CloudFormation": request1("cfn", string(shop)),
		"shop, CDK":            request1("cdk", string(shop)),
		"shop, Terraform":      request1("terraform", string(shop)),
		"problems":             request1("cfn", "kind: Entrypoint"),
	} {
		input, output := filepath.Join(dir, "in.json"), filepath.Join(dir, "out.json")
		if err := os.WriteFile(input, []byte(q), 0o600); err != nil {
			t.Fatal(err)
		}
		if out, err := exec.Command("node", "--no-warnings", "-e", runner, module, input, output).CombinedOutput(); err != nil {
			t.Fatalf("%s: %v\n%s", name, err, out)
		}
		got, err := os.ReadFile(output)
		if err != nil {
			t.Fatal(err)
		}
		var want bytes.Buffer
		if err := serve(strings.NewReader(q), &want); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want.Bytes()) {
			t.Errorf("%s: %d bytes from the module differ from %d of the native compiler", name, len(got), want.Len())
		}
	}
}
