package compile

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"skerry.dev/skerry/exchange"
	"skerry.dev/skerry/route"
	"skerry.dev/skerry/spec"
)

// Routes as package route would take them: CloudFront's choice of a behaviour, by the obvious comparison of patterns, and the
// code of its function, run by Node.js, must come to the same route with the same {name}s, however routes overlap and however
// few behaviours there may be.
func TestBehaviorsChooseTheRoute(t *testing.T) {
	n := newNode(t)
	rapid.Check(t, func(r *rapid.T) {
		routes := rapid.SliceOfNDistinct(rapid.Custom(drawRoute), 1, 9, func(d drawnRoute) string { return d.key }).Draw(r, "routes")
		lines := make([]string, len(routes))
		for i, d := range routes {
			lines[i] = fmt.Sprintf("name: r%d, %s", i, strings.ReplaceAll(d.text, "NAME", fmt.Sprintf("r%d", i)))
		}
		quota := rapid.IntRange(1, 12).Draw(r, "quota")
		aws := fmt.Sprintf("---\napiVersion: skerry.dev/v1\nkind: AWS\nmetadata: {name: aws, owner: shop}\nspec: {quotas: {cacheBehaviors: %d, functions: 1}}\n", quota)
		b, s := madeSite(t, entrySpec("plain", aws, lines...))
		fewer := rapid.Bool().Draw(r, "fewer")
		if fewer {
			b.fewerFunctions()
			if n := len(b.shared.Resources); n != 1 {
				r.Fatalf("there are %d functions", n)
			}
		}
		if len(s.behaviors) > quota {
			r.Fatalf("%d behaviours, %d are allowed", len(s.behaviors), quota)
		}
		table, problems := route.New([]*spec.Entrypoint{s.entry})
		if len(problems) > 0 {
			return // two routes of which one can never match
		}
		for i := range 12 {
			target := drawPath(r, fmt.Sprintf("path%d", i))
			method := rapid.SampledFrom([]string{"GET", "HEAD", "POST"}).Draw(r, "method")
			var fields []string
			if rapid.Bool().Draw(r, "field") {
				fields = append(fields, "X-A: 1")
			}
			if rapid.Bool().Draw(r, "query") {
				target += rapid.SampledFrom([]string{"?v=1", "?v=%31", "?w&v=1", "?v=2", "?", "?v"}).Draw(r, "v")
			}
			path, _, _ := strings.Cut(target, "?")
			v := s.behaviorFor(path)
			got, err := n.run(v.viewer.code, requestEvent(method, "shop.example.com", target, fields...), nil)
			if err != nil {
				r.Fatal(err)
			}
			refused := got.Status == 404 && strings.Contains(path, "//") && (v.pattern != "" || fewer) // CloudFront chose by another path
			if got, want := taken(got, v), expected(table, method, target, fields); got != want && !refused {
				r.Fatalf("%s %s %v: got %s, want %s in\n%s\n%s", method, target, fields, got, want, strings.Join(lines, "\n"), shown(s))
			}
		}
	})
}

// drawnRoute is a route without its name; key tells those apart that may stand together.
type drawnRoute struct{ text, key string }

func drawRoute(r *rapid.T) drawnRoute {
	match, names := "", []string{}
	kind := rapid.SampledFrom([]string{"path", "path", "prefix", "prefix", "any"}).Draw(r, "kind")
	if kind != "any" {
		depth := rapid.IntRange(1, 3).Draw(r, "depth")
		path := ""
		for i := range depth {
			segment := rapid.SampledFrom([]string{"a", "b", "ab", "a.b", "%2F", "a;b", "{x}", "{x}"}).Draw(r, "segment")
			if segment == "{x}" {
				segment = fmt.Sprintf("{x%d}", i)
				names = append(names, segment)
			}
			path += "/" + segment
		}
		match = fmt.Sprintf("%s: '%s'", kind, path)
	}
	for _, c := range []string{"methods: [GET]", `headers: {X-A: "1"}`, `headers: {X-A: "*"}`, `query: {v: "1"}`} {
		if rapid.IntRange(0, 5).Draw(r, "condition") == 0 && !strings.Contains(match, c[:6]) {
			match += ", " + c
		}
	}
	text := fmt.Sprintf("match: {%s}", strings.TrimPrefix(match, ", "))
	if match == "" {
		text = "match: {prefix: /}"
	}
	switch rapid.IntRange(0, 3).Draw(r, "to") {
	case 0:
		text += ", respond: {body: NAME}"
	case 1:
		text += ", redirect: {to: 'https://NAME.example.org" + strings.Join(append([]string{""}, names...), "/") + "'}"
	case 2: // one service for all: behaviours that do the same are merged
		text += `, headers: {request: {set: {X-Route: NAME}}}, service: "https://app.example.net"`
	default:
		text += `, service: "https://NAME.example.net"`
	}
	return drawnRoute{text, match}
}

func drawPath(r *rapid.T, name string) string {
	path := ""
	for range rapid.IntRange(1, 4).Draw(r, name) {
		path += "/" + rapid.SampledFrom([]string{"a", "b", "ab", "a.b", "c", "", "%2F", "%2f", "a;b", "axb", "%61", "..", ".", "*", "..;x"}).Draw(r, "segment")
	}
	return path
}

// expected is what the edge does: "r1", with the values of {name}s if it is a redirect, 404, 400, or the way to the normal form.
func expected(table *route.Table, method, target string, fields []string) string {
	path, query, hasQuery := strings.Cut(target, "?")
	x := exchange.Acquire()
	defer x.Release()
	normal, err := exchange.NormalPath([]byte(path), &x.Scratch)
	switch {
	case err != nil:
		return "400"
	case string(normal) != strings.ReplaceAll(path, "%2f", "%2F"):
		return "308 //shop.example.com" + string(normal) + target[len(path):]
	}
	x.Req.MethodName, x.Req.Method = []byte(method), exchange.MethodOf([]byte(method))
	x.Req.Host, x.Req.Path, x.Req.RawPath = []byte("shop.example.com"), normal, []byte(path)
	if hasQuery {
		x.Req.Query = []byte(query)
	}
	for _, f := range fields {
		k, v, _ := strings.Cut(f, ": ")
		x.Req.Fields.AddNamed([]byte(k), []byte(v))
	}
	to, _ := table.Match(x)
	if to == nil {
		return "404"
	}
	if to.Route.To.Redirect != nil {
		out := to.Route.Name
		for _, p := range x.Facts.Entry.Params {
			out += " " + string(p.Value)
		}
		return out
	}
	return to.Route.Name
}

// taken is the same of what a function returned. A service that it does not select is that of the behaviour.
func taken(o *outcome, v *behavior) string {
	location := o.Headers["location"].Value
	host, values, _ := strings.Cut(strings.TrimPrefix(location, "https://"), ".example.org")
	switch {
	case o.Status == 308 && strings.HasPrefix(location, "//shop."):
		return "308 " + location
	case o.Status == 308:
		return strings.Join(append([]string{host}, slices.DeleteFunc(strings.Split(values, "/"), func(s string) bool { return s == "" })...), " ")
	case o.Status == 200:
		return o.Body
	case o.Status != 0:
		return fmt.Sprint(o.Status)
	case o.Headers["x-route"].Value != "":
		return o.Headers["x-route"].Value
	}
	from := o.calls
	if from == "[]" {
		from = v.origin.id
	}
	_, name, _ := strings.Cut(from, "https://")
	name, _, _ = strings.Cut(name, ".")
	return name
}
