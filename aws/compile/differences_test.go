package compile_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"

	"skerry.dev/skerry/aws/compile"
	"skerry.dev/skerry/aws/finding"
	"skerry.dev/skerry/aws/model"
	"skerry.dev/skerry/spec"
)

// A portabilityCase is a small spec that uses one field, and what must come of it. The snippets are laid over the
// documents of load, field by field; null takes a field out.
type portabilityCase struct {
	Metadata   map[string]any    `yaml:"metadata"`   // of the Entrypoint
	Entrypoint map[string]any    `yaml:"entrypoint"` // its spec
	Route      map[string]any    `yaml:"route"`      // of a route "r" for /r, before that of the service; nil: there is none
	Service    map[string]any    `yaml:"service"`
	AWS        map[string]any    `yaml:"aws"`
	Docs       string            `yaml:"docs"`  // further documents
	Files      map[string]string `yaml:"files"` // beside the spec

	// Want is findings ("error mirroring", and behind "~" what the text contains) and properties of any resource of a type:
	// "Distribution DistributionConfig.HttpVersion = http2" is equal, "~" contains, nothing behind the path: it is there. * stands
	// for any item. "Deployer ~ …" is about the policy of whoever deploys. "same" is the deployment of the spec without snippets,
	// and "same as FIELD" that of another case.
	Want []string `yaml:"want"`
}

const portabilityDoc = "apiVersion: skerry.dev/v1\nkind: %s\nmetadata: %s\nspec: %s\n---\n"

func (c *portabilityCase) load(t *testing.T) *spec.Spec {
	t.Helper()
	dir := t.TempDir()
	put := func(name, text string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	over := func(base string, snippet map[string]any) string {
		m := map[string]any{}
		if err := yaml.Unmarshal([]byte(base), &m); err != nil {
			t.Fatal(err)
		}
		maps.Copy(m, snippet)
		maps.DeleteFunc(m, func(_ string, v any) bool { return v == nil })
		out, err := json.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		return string(out)
	}
	entry := `{profile: plain, hosts: [a.example.com], service: s}`
	if c.Route != nil {
		route := `{name: r, match: {path: /r}, service: s}`
		for _, other := range []string{"services", "redirect", "respond"} {
			if c.Route[other] != nil {
				route = `{name: r, match: {path: /r}}`
			}
		}
		entry = strings.TrimSuffix(entry, "}") + ", routes: [" + over(route, c.Route) + "]}"
	}
	for name, text := range c.Files {
		put(name, text)
	}
	put("edge.yaml", fmt.Sprintf(portabilityDoc, "Entrypoint", over(`{name: a, owner: team}`, c.Metadata), over(entry, c.Entrypoint))+
		fmt.Sprintf(portabilityDoc, "Service", `{name: s, owner: team}`, over(`{endpoints: ["https://origin.example.net"]}`, c.Service))+
		fmt.Sprintf(portabilityDoc, "Service", `{name: second, owner: team}`, `{endpoints: ["https://second.example.net"]}`)+
		fmt.Sprintf(portabilityDoc, "AWS", `{name: aws, owner: team}`, over(`{account: "123456789012", zones: {example.com: Z0123456789ABCDEFGHIJ}}`, c.AWS))+
		c.Docs)
	s, problems := spec.Load([]string{dir}, spec.Options{})
	for _, p := range problems {
		t.Error(p)
	}
	if t.Failed() {
		t.FailNow()
	}
	return s
}

// portabilityCases are those of testdata/portability, by field.
func portabilityCases(t *testing.T) map[string]*portabilityCase {
	t.Helper()
	files, err := filepath.Glob("testdata/portability/*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]*portabilityCase{}
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		own := map[string]*portabilityCase{}
		if err := yaml.UnmarshalWithOptions(text, &own, yaml.Strict()); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for field, c := range own {
			if all[field] != nil {
				t.Errorf("%s: %s has a second case", name, field)
			}
			all[field] = c
		}
	}
	return all
}

// TestEveryFieldHasACase: each line of portability.yaml is shown, and each case is about a line.
func TestEveryFieldHasACase(t *testing.T) {
	cases := portabilityCases(t)
	for field, d := range spec.Differences() {
		c := cases[field]
		switch {
		case c == nil:
			t.Errorf("%s: no case in testdata/portability shows it", field)
		case len(c.Want) == 0:
			t.Errorf("%s: the case wants nothing", field)
		case d.Fit == spec.FitNone && !slices.ContainsFunc(c.Want, func(want string) bool { return strings.HasPrefix(want+" ", "error "+d.ID+" ") }):
			t.Errorf("%s: the case wants no error %s", field, d.ID)
		}
	}
	for field := range cases {
		if _, ok := spec.DifferenceOf(field); !ok {
			t.Errorf("%s: portability.yaml has no such field", field)
		}
	}
}

func TestPortability(t *testing.T) {
	cases := portabilityCases(t)
	for field, c := range cases {
		t.Run(field, func(t *testing.T) {
			t.Parallel()
			d, findings := compile.Run(c.load(t))
			for _, want := range c.Want {
				if other, same := strings.CutPrefix(want, "same"); same {
					like := &portabilityCase{}
					if name, is := strings.CutPrefix(other, " as "); is {
						like = cases[name]
					}
					plain, _ := compile.Run(like.load(t))
					if a, b := deploymentText(d), deploymentText(plain); a != b {
						t.Errorf("the deployment differs:\n%s\nwanted:\n%s", a, b)
					}
				} else if !met(want, d, findings) {
					t.Errorf("no %q among\n%s\n%s", want, strings.Join(ids(findings), ", "), ofType(d, want))
				}
			}
		})
	}
}

// met reports whether a deployment and its findings are as a line wants them.
func met(want string, d *model.Deployment, findings []finding.Finding) bool {
	word, rest, _ := strings.Cut(want, " ")
	if slices.Contains([]string{"error", "warning", "note"}, word) {
		id, text, _ := strings.Cut(want, " ~ ")
		return slices.ContainsFunc(findings, func(f finding.Finding) bool {
			return f.Severity.String()+" "+f.Rule.ID == id && strings.Contains(f.Text, text)
		})
	}
	path, value := " "+rest, ""
	is := func(string) bool { return true }
	if i := strings.Index(path, " = "); i >= 0 {
		path, value = path[:i], path[i+3:]
		is = func(s string) bool { return s == value }
	} else if i := strings.Index(path, " ~ "); i >= 0 {
		path, value = path[:i], path[i+3:]
		is = func(s string) bool { return strings.Contains(s, value) }
	}
	if word == "Deployer" {
		return reached(d.Deployer, nil, is)
	}
	for _, s := range d.Stacks {
		for _, r := range s.Resources {
			if typeName(r) == word && reached(resourceTree(r), strings.Split(path[1:], "."), is) {
				return true
			}
		}
	}
	return false
}

func typeName(r *model.Resource) string { return r.Type()[strings.LastIndex(r.Type(), ":")+1:] }

// resourceTree is the properties of a resource, and its id as ID.
func resourceTree(r *model.Resource) map[string]any {
	tree := model.Tree(r.Props, shown).(map[string]any)
	tree["ID"] = r.ID
	return tree
}

func shown(v model.Value) any {
	switch v := v.(type) {
	case model.Text:
		return string(v)
	case model.Ref:
		return "→" + v.Resource.ID + "." + v.Attr
	case model.Join:
		out := ""
		for _, part := range v {
			out += fmt.Sprint(shown(part))
		}
		return out
	}
	return fmt.Sprint(v)
}

// reached reports whether a value at a path is as it should be.
func reached(tree any, path []string, is func(string) bool) bool {
	if len(path) == 0 {
		switch tree.(type) {
		case map[string]any, []any:
			text, err := json.Marshal(tree)
			return err == nil && is(string(text))
		}
		return is(fmt.Sprint(tree))
	}
	switch tree := tree.(type) {
	case map[string]any:
		for key, item := range tree {
			if (path[0] == "*" || path[0] == key) && reached(item, path[1:], is) {
				return true
			}
		}
	case []any:
		for i, item := range tree {
			if (path[0] == "*" || path[0] == strconv.Itoa(i)) && reached(item, path[1:], is) {
				return true
			}
		}
	}
	return false
}

// ofType is the resources that a line is about, as text.
func ofType(d *model.Deployment, want string) string {
	word, _, _ := strings.Cut(want, " ")
	var out strings.Builder
	for _, s := range d.Stacks {
		for _, r := range s.Resources {
			if typeName(r) == word {
				text, err := json.Marshal(resourceTree(r))
				if err != nil {
					panic(err)
				}
				fmt.Fprintf(&out, "%s\n", text)
			}
		}
	}
	return out.String()
}

func deploymentText(d *model.Deployment) string {
	var out strings.Builder
	for _, s := range d.Stacks {
		for _, r := range s.Resources {
			text, err := json.Marshal(resourceTree(r))
			if err != nil {
				panic(err)
			}
			fmt.Fprintf(&out, "%s %s %s\n", s.Name, r.Type(), text)
		}
	}
	return out.String()
}
