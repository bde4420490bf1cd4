package adopt

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"skerry.dev/skerry/aws/cfn"
	"skerry.dev/skerry/aws/compile"
	"skerry.dev/skerry/aws/model"
	"skerry.dev/skerry/aws/schema"
	"skerry.dev/skerry/spec"
)

// foundIn are the resources of templates, with a row for each leaf.
func foundIn(t testing.TB, files ...File) *found {
	t.Helper()
	f := &found{ledger: newLedger()}
	for _, file := range files {
		tpl, err := cfn.Read(file.Name, file.Data)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range tpl.Resources {
			made := &resource{Type: r.Type, Name: r.ID, Props: r.Properties, names: []string{logical(file.Name, r.ID), r.ID}}
			f.resources = append(f.resources, made)
			announce(f.ledger, made, r.Properties, "/"+r.ID)
		}
	}
	return f
}

func announce(l *ledger, r *resource, n *schema.Node, pointer string) {
	for i, item := range n.Items {
		announce(l, r, item, fmt.Sprintf("%s/%d", pointer, i))
	}
	for _, f := range n.Fields {
		announce(l, r, f.Value, pointer+"/"+f.Name)
	}
	if len(n.Items)+len(n.Fields) == 0 {
		l.leaf(Row{At: n.At, Pointer: pointer, Value: n.String()}, n, r)
	}
}

// specOf is one entrypoint, and more documents behind it.
func specOf(t testing.TB, policy, routes, more string) *spec.Spec {
	t.Helper()
	text := "apiVersion: skerry.dev/v1\nkind: Entrypoint\nmetadata: {name: shop, owner: team}\nspec:\n  hosts: [shop.example.com]\n" +
		indented(policy) + "  routes:\n" + indented(indented(routes)) +
		"    - {name: everything, match: {prefix: /}, service: \"https://origin.example.com\"}\n" + more
	s, problems := spec.Parse([]spec.File{{Name: "shop.yaml", Data: []byte(text)}})
	for _, p := range problems {
		t.Fatalf("%v in\n%s", p, text)
	}
	return s
}

func indented(text string) string {
	text = strings.Trim(text, "\n")
	if text == "" {
		return ""
	}
	return "  " + strings.ReplaceAll(text, "\n", "\n  ") + "\n"
}

// aclOf is the web ACL that the entrypoint of a spec becomes, and the templates that have it.
func aclOf(t testing.TB, s *spec.Spec) (*model.WebACL, []File) {
	t.Helper()
	d, _ := compile.Run(s)
	emitted, err := cfn.Emit(d)
	if err != nil {
		t.Fatal(err)
	}
	var files []File
	for _, f := range emitted {
		files = append(files, File{Name: f.Stack.Name + ".json", Data: f.JSON()})
	}
	var acl *model.WebACL
	for _, stack := range d.Stacks {
		for _, r := range stack.Resources {
			if a, is := r.Props.(*model.WebACL); is {
				acl = a
			}
		}
	}
	return acl, files
}

// routesOf are the paths of the routes of a spec's entrypoint.
func routesOf(s *spec.Spec) (list []spec.PathMatch) {
	for _, r := range s.Entrypoints[0].Routes {
		list = append(list, r.Match.Path)
	}
	return list
}

// rewritten is the spec that protections say, on the routes of another one.
func rewritten(t testing.TB, of *spec.Spec, p *protection, account []said) *spec.Spec {
	t.Helper()
	var policy, routes, more docWriter
	policy.object(append([]said{{"profile", "plain"}}, p.policy...), 0)
	byRoute := map[int][]said{}
	for _, r := range p.routes {
		if r.path.Path == "" {
			byRoute[r.like] = r.policy
			continue
		}
		kind := map[spec.PathKind]string{spec.PathExact: "path", spec.PathPattern: "path", spec.PathPrefix: "prefix"}[r.path.Kind]
		routes.item(append([]said{
			{"name", fmt.Sprintf("new%d", len(routes.out.String()))}, {"match", []said{{kind, r.path.Path}}}, {"service", "https://origin.example.com"},
		}, r.policy...), 0)
	}
	for i, r := range of.Entrypoints[0].Routes {
		if r.Match.Path.Path == "/" && r.Match.Path.Kind != spec.PathExact || r.Match.Path.Kind == spec.PathAny {
			continue
		}
		kind := "path"
		if r.Match.Path.Kind == spec.PathPrefix {
			kind = "prefix"
		}
		routes.item(append([]said{
			{"name", r.Name}, {"match", []said{{kind, r.Match.Path.Path}}}, {"service", "https://origin.example.com"},
		}, byRoute[i]...), 0)
	}
	if len(account) > 0 {
		more.out.WriteString("---\napiVersion: skerry.dev/v1\nkind: AWS\nmetadata: {name: aws, owner: team}\nspec:\n")
		more.object(account, 1)
	}
	t.Logf("policy:\n%sroutes:\n%s%s", policy.out.String(), routes.out.String(), more.out.String())
	return specOf(t, policy.out.String(), routes.out.String(), more.out.String())
}

// rulesText is what rules of a web ACL do, without their names.
func rulesText(acl *model.WebACL) (list []string) {
	if acl == nil {
		return nil
	}
	for _, r := range acl.Rules {
		rule := *r
		rule.Name, rule.Priority, rule.VisibilityConfig = nil, nil, nil
		list = append(list, fmt.Sprint(model.Tree(&rule, func(v model.Value) any {
			if ref, is := v.(model.Ref); is {
				return ref.Resource.ID
			}
			return v
		})))
	}
	return list
}

// What the compiler has made of a spec becomes a spec of which it makes the same.
func TestFirewallRoundTrip(t *testing.T) {
	for _, c := range []struct{ name, policy, routes, more string }{
		{"website", "profile: website", "", ""},
		{"api", "profile: api", "", ""},
		{"detects", "profile: website\nwaf: detect", "", ""},
		{"static", "profile: static", "", ""},
		{"nothing but a limit", "profile: plain\nlimit: {perAddress: 100/s, burst: 300}", "", ""},
		{"sizes", "profile: plain\nbodyMax: 1MB\nheadMax: 4KB\nmethods: [GET, POST]", "", ""},
		{"small bodies", "profile: website\nbodyMax: 10KB\nwaf: {bodyBytesMax: 9KB}", "", ""},
		{"maintenance", "profile: plain\nmaintenance: {retryAfter: 90s, allow: [192.0.2.0/24, \"2001:db8::/32\"]}", "", ""},
		{"lists", "profile: website\nwaf: {allow: {extensions: [.sql, .bak], headers: [if], contentTypes: [application/json, text/*, image/png], charsets: [utf-8]}}", "", ""},
		{"problem", "profile: website\nerrors: problem", "", ""},
		{"pages", "profile: website\nerrorPages: {403: {html: \"<h1>No</h1>\"}}", "", ""},
		{"passes", "profile: website\nwaf: {onLimit: pass}", "", ""},
		{"no PHP", "profile: website\nwaf: {exclude: [{rule: 933100-933999}]}", "", ""},
		{"families", "profile: website\nwaf: {exclude: [{rule: 941100-941999}, {rule: \"tag:attack-sqli\", path: /search/*}, {rule: 920420}]}", "", ""},
		{"a place with methods", "profile: website\nwaf: {exclude: [{rule: \"tag:attack-sqli\", path: /search, methods: [POST]}]}", "", ""},
		{"routes", "profile: website", `
- {name: login, match: {path: /login}, limit: {perAddress: 5/m, burst: 5}, service: "https://origin.example.com"}
- {name: upload, match: {prefix: /upload}, waf: off, bodyMax: off, service: "https://origin.example.com"}
- {name: item, match: {path: "/item/{id}/edit"}, methods: [GET, PUT], service: "https://origin.example.com"}
- {name: old, match: {prefix: /old}, maintenance: on, service: "https://origin.example.com"}
- {name: try, match: {prefix: /try}, waf: detect, service: "https://origin.example.com"}
`, ""},
		{"account", "profile: website", "", "---\napiVersion: skerry.dev/v1\nkind: AWS\nmetadata: {name: aws, owner: team}\nspec: {firewall: {bodyKB: 48, bots: targeted}, logs: {waf: \"arn:aws:s3:::aws-waf-logs-edge\"}}\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			before := specOf(t, c.policy, c.routes, c.more)
			was, files := aclOf(t, before)
			f := foundIn(t, files...)
			acls := f.of("AWS::WAFv2::WebACL")
			if len(acls) != 1 {
				t.Fatalf("%d web ACLs", len(acls))
			}
			list, account := f.protections([]use{{acl: acls[0], entrypoint: "shop", routes: routesOf(before)}})
			for _, row := range f.ledger.rows {
				if strings.HasPrefix(row.Pointer, "/WebACL") || strings.HasPrefix(row.Pointer, "/IPSet") || strings.HasPrefix(row.Pointer, "/Regex") {
					if !f.ledger.said[row] {
						t.Errorf("nothing is said of %s", row.Pointer)
					} else if row.Verdict == Refused {
						t.Errorf("%s is refused: %s", row.Pointer, row.Text)
					}
				}
			}
			is, _ := aclOf(t, rewritten(t, before, list[0], account))
			a, b := rulesText(was), rulesText(is)
			for _, r := range a {
				if !slices.Contains(b, r) {
					t.Errorf("gone: %.600s", r)
				}
			}
			for _, r := range b {
				if !slices.Contains(a, r) {
					t.Errorf("new: %.600s", r)
				}
			}
		})
	}
}
