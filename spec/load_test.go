package spec_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"skerry.dev/skerry/fault"
	"skerry.dev/skerry/spec"
)

const six = `apiVersion: skerry.dev/v1
kind: Entrypoint
metadata: {name: shop, owner: team-shop}
spec:
  hosts: [shop.example.com]
  service: http://127.0.0.1:9000
`

func TestMain(m *testing.M) {
	leaks(m)
}

// mustParse parses documents that have no problem.
func mustParse(t testing.TB, files ...spec.File) *spec.Spec {
	t.Helper()
	s, problems := spec.Parse(files)
	if len(problems) > 0 {
		t.Fatal(fault.Problems(problems))
	}
	return s
}

func yaml(text string) spec.File { return spec.File{Name: "x.yaml", Data: []byte(text)} }

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestSpecNowAndNext(t *testing.T) {
	for _, dir := range []string{"../testdata/spec-now", "../testdata/spec-next"} {
		s, problems := spec.Load([]string{dir}, spec.Options{})
		if len(problems) > 0 {
			t.Fatal(fault.Problems(problems))
		}
		again := mustParse(t, spec.File{Name: "canonical.json", Data: spec.Canonical(s)})
		if again.Hash != s.Hash {
			t.Errorf("%s: the canonical form reads as another spec:\n%s\n%s", dir, spec.Canonical(s), spec.Canonical(again))
		}
	}
}

func TestEveryPolicyIsComplete(t *testing.T) {
	s, problems := spec.Load([]string{"../testdata/spec-now"}, spec.Options{})
	if len(problems) > 0 {
		t.Fatal(fault.Problems(problems))
	}
	complete := func(p spec.Policy) bool {
		for v, i := reflect.ValueOf(p), 0; i < v.NumField(); i++ {
			if v.Field(i).IsNil() {
				t.Errorf("%s is nil", v.Type().Field(i).Name)
				return false
			}
		}
		for _, e := range []*spec.Edits{p.Headers.Request, p.Headers.Response} {
			if e == nil || e.Set == nil || e.Default == nil || e.Remove == nil {
				return false
			}
		}
		return true
	}
	for _, e := range s.Entrypoints {
		if !complete(e.Policy) {
			t.Errorf("entrypoint %s: a value is missing", e.Meta.Name)
		}
		for _, r := range e.Routes {
			if !complete(r.Policy) || len(r.Sources) == 0 {
				t.Errorf("entrypoint %s, route %s: a value is missing", e.Meta.Name, r.Name)
			}
		}
	}
}

// TestProfiles holds what each profile protects with, as explain shows it; "" is what no profile says.
func TestProfiles(t *testing.T) {
	const security = "; default Referrer-Policy, X-Content-Type-Options, X-Frame-Options"
	f := func(profile, want string) {
		t.Helper()
		e := mustParse(t, yaml(six+"  profile: "+orDefault(profile)+"\n---\napiVersion: skerry.dev/v1\nkind: Profile\nmetadata: {name: nothing}\nspec: {}\n")).Entrypoints[0]
		var got, defaulted, fire []string
		for _, s := range e.Sources {
			switch name := strings.TrimPrefix(s.Path, "spec."); name {
			case "trace", "redirect", "hsts", "limit", "bodyMax", "compress", "errors", "websocket":
				got = append(got, name+" "+s.Value)
			case "waf.mode", "waf.bodyBytesMax", "waf.allow.methods":
				fire = append(fire, s.Value)
			case "headMax", "tls", "cors", "maintenance", "errorPages", "retry", "hedge", "priority":
				if want := map[string]string{
					"retry": "on {tries: 3, statuses: [" + retried(profile) + "], idempotencyKey: off}", "hedge": "off", "priority": "{class: normal, crawlers: low}",
					"headMax": "32KB", "tls": "{minVersion: 1.2, clientCertificates: off}", "cors": "off", "maintenance": "off", "errorPages": "{}",
				}[name]; s.Value != want {
					t.Errorf("profile %s: %s is %s, want %s", profile, name, s.Value, want)
				}
			}
			if name, ok := strings.CutPrefix(s.Path, "spec.headers.response.default."); ok {
				defaulted = append(defaulted, name)
			}
		}
		line := strings.Join(got, ", ") + ", waf " + strings.Join(fire, " ")
		if len(defaulted) > 0 {
			line += "; default " + strings.Join(defaulted, ", ")
		}
		if line != want {
			t.Errorf("profile %s\n got %s\nwant %s", profile, line, want)
		}
	}
	const transport = "trace on {sample: 0.01}, redirect https, hsts on {maxAge: 365d, includeSubDomains: off, preload: off}, "
	const on, off = "compress on {identified: off}, ", "compress off, "
	const every = ", waf block [DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT, QUERY] "
	f("website", transport+"limit {perAddress: 300/s, burst: 600}, bodyMax 100MB, "+on+"errors auto, websocket on, waf block [GET, HEAD, OPTIONS, POST] 128KB"+security)
	f("static", transport+"limit {perAddress: 1000/s, burst: 2000}, bodyMax 1MB, "+on+"errors auto, websocket off, waf block [GET, HEAD, OPTIONS] 128KB"+security)
	f("api", transport+"limit {perAddress: 300/s, burst: 600}, bodyMax 10MB, "+on+"errors problem, websocket off"+every+"128KB; default X-Content-Type-Options")
	f("partner-api", transport+"limit {perAddress: 100/s, burst: 200}, bodyMax 10MB, "+on+"errors problem, websocket off"+every+"1MB; default X-Content-Type-Options")
	f("webhook", transport+"limit {perAddress: 50/s, burst: 100}, bodyMax 1MB, "+off+"errors problem, websocket off, waf block [GET, HEAD, POST] 128KB; default X-Content-Type-Options")
	f("plain", "trace off, redirect off, hsts off, limit off, bodyMax off, compress off, errors auto, websocket on, waf off")
	f("", transport+"limit {perAddress: 300/s, burst: 600}, bodyMax 10MB, "+on+"errors auto, websocket on"+every+"128KB")
}

// retried are the statuses after which a profile asks another endpoint; plain passes every answer on.
func retried(profile string) string {
	if profile == "plain" {
		return ""
	}
	return "502, 503"
}

// orDefault is the profile, or one that says nothing.
func orDefault(profile string) string {
	if profile == "" {
		return "nothing"
	}
	return profile
}

func TestPlainAddsNothing(t *testing.T) {
	p := mustParse(t, yaml(strings.Replace(six, "  service:", "  profile: plain\n  service:", 1))).Entrypoints[0].Policy
	edits := 0
	for _, e := range []*spec.Edits{p.Headers.Request, p.Headers.Response} {
		edits += len(e.Set) + len(e.Default) + len(e.Remove)
	}
	if *p.Log || *p.RequestID || spec.Switch(p.Trace.On) || *p.Forwarded != spec.ForwardedRemove || !*p.WebSocket || edits > 0 {
		t.Errorf("plain adds something: %+v", p)
	}
}

func TestReadFiles(t *testing.T) {
	dir := t.TempDir()
	// A Kubernetes config map: files are links into ..data, which is a link to a directory with a time in its name.
	write(t, filepath.Join(dir, "map/..2026/shop.yaml"), six)
	link(t, "..2026", filepath.Join(dir, "map/..data"))
	link(t, "..data/shop.yaml", filepath.Join(dir, "map/shop.yaml"))
	write(t, filepath.Join(dir, "tree/b/z.yml"), "")
	write(t, filepath.Join(dir, "tree/a.json"), "")
	write(t, filepath.Join(dir, "tree/notes.txt"), "no spec")
	write(t, filepath.Join(dir, "tree/.hidden/x.yaml"), "")
	link(t, "map", filepath.Join(dir, "linked"))

	f := func(want string, paths ...string) {
		t.Helper()
		for i := range paths {
			paths[i] = filepath.Join(dir, paths[i])
		}
		files, problems := spec.ReadFiles(paths)
		var got []string
		for _, f := range files {
			got = append(got, strings.TrimPrefix(f.Name, dir+"/"))
		}
		for _, p := range problems {
			got = append(got, strings.ReplaceAll(p.String(), dir+"/", ""))
		}
		if s := strings.Join(got, " "); s != want {
			t.Errorf("%q: got %s, want %s", paths, s, want)
		}
	}
	f("map/shop.yaml", "map")
	f("linked/shop.yaml", "linked")
	f("tree/a.json tree/b/z.yml", "tree")
	f("tree/a.json tree/b/z.yml", "tree", "tree/a.json")
	f("tree/notes.txt", "tree/notes.txt")
	f("tree/.hidden/x.yaml", "tree/.hidden")
	f("gone: cannot be read: no such file or directory", "gone")
}

func link(t *testing.T, to, path string) {
	t.Helper()
	if err := os.Symlink(to, path); err != nil {
		t.Fatal(err)
	}
}

func TestLoopOfLinksEnds(t *testing.T) {
	dir := t.TempDir()
	link(t, ".", filepath.Join(dir, "again"))
	if _, problems := spec.ReadFiles([]string{dir}); len(problems) == 0 {
		t.Error("a loop of links is no problem")
	}
}

func TestLoadOfNothing(t *testing.T) {
	dir := t.TempDir()
	if _, problems := spec.Load([]string{dir}, spec.Options{}); len(problems) != 1 {
		t.Errorf("got %v", problems)
	}
	if s, problems := spec.Load([]string{dir}, spec.Options{AllowEmpty: true}); s == nil || len(problems) != 0 {
		t.Errorf("got %v", problems)
	}
}

func TestContentHash(t *testing.T) {
	a := []spec.File{{Name: "a", Data: []byte("bc")}}
	if spec.ContentHash(a) == spec.ContentHash([]spec.File{{Name: "ab", Data: []byte("c")}}) {
		t.Error("a byte moved from the content to the name, and the hash is the same")
	}
	if spec.ContentHash(a) != spec.ContentHash(slices.Clone(a)) {
		t.Error("the hash of the same files differs")
	}
}

func TestHashDependsOnContentOnly(t *testing.T) {
	f := func(same bool, a, b []spec.File) {
		t.Helper()
		ha, hb := mustParse(t, a...).Hash, mustParse(t, b...).Hash
		if (ha == hb) != same {
			t.Errorf("same %v: %s, %s\n%s\n%s", same, ha, hb, a[0].Data, b[0].Data)
		}
	}
	other := strings.NewReplacer("shop", "cart").Replace(six)
	f(true, []spec.File{yaml(six), yaml(other)}, []spec.File{yaml(other + "---\n" + six)})
	f(true, []spec.File{yaml(six)}, []spec.File{yaml("# comment\n" + strings.Replace(six, "spec:", "spec:\n  profile: website", 1))})
	f(true, []spec.File{yaml(six)}, []spec.File{yaml(strings.ReplaceAll(six, "\n", "\r\n"))})
	f(true, []spec.File{yaml(six)}, []spec.File{{Name: "x.json", Data: []byte(
		`{"apiVersion":"skerry.dev/v1","kind":"Entrypoint","metadata":{"name":"shop","owner":"team-shop"},
		"spec":{"hosts":["SHOP.example.com"],"service":"http://127.0.0.1:9000"}}`)}})
	f(false, []spec.File{yaml(six)}, []spec.File{yaml(strings.Replace(six, "9000", "9001", 1))})
	f(false, []spec.File{yaml(six)}, []spec.File{yaml(six + "  log: off\n")})
	f(true, []spec.File{yaml(six)}, []spec.File{yaml(six + "  log: on\n")})
	f(true, []spec.File{yaml(six)}, []spec.File{yaml(six + "  log: true\n")})
}

func TestIdentity(t *testing.T) {
	const doc = "apiVersion: skerry.dev/v1\nkind: Service\nmetadata: {name: cart}\nspec: {endpoints: [http://a]}\n"
	id := func(text string) string { return mustParse(t, yaml(text)).Services[0].Identity() }
	if id(doc) != id(strings.Replace(doc, "cart}", "cart, owner: x}", 1)) {
		t.Error("the owner is part of the identity")
	}
	if id(doc) != id(strings.Replace(doc, "spec: {", "spec: {timeouts: {connect: 2s}, ", 1)) {
		t.Error("a default that is written out makes another identity")
	}
	if id(doc) != id(strings.Replace(doc, "spec: {", `spec: {aws: {secret: "arn:aws:secretsmanager:us-east-1:123456789012:secret:a-a1B2c3"}, `, 1)) {
		t.Error("what the service is in AWS is part of the identity: its connections would be closed")
	}
	seen := map[string]string{id(doc): "defaults"}
	for _, fields := range []string{
		"endpoints: [http://b]", "endpoints: [{url: http://a, weight: 2}]", "endpoints: [{url: http://a, region: eu}]",
		"endpoints: [{url: http://a, region: eu, zone: a}]", "host: endpoint", "host: b", "protocol: http2", "balance: roundRobin", "balance: maglev",
		"balance: {by: maglev, key: header X-A}", "balance: {sticky: {cookie: a}}", "balance: {sticky: {cookie: a, maxAge: 1h}}",
		"balance: {slowStart: 1s}", "balance: {panic: 0.1}", "balance: {spill: off}", "health: {}", "ejection: off", "ejection: {failures: 6}",
		"ejection: {time: 31s}", "ejection: {share: 1}", "timeouts: {connect: 1s}", "timeouts: {firstByte: 1s}", "timeouts: {idle: 1s}",
		"timeouts: {try: 2s}", "timeouts: {whole: 2s}", "keepAlive: {max: 1}", "keepAlive: {idle: 1s}", "keepAlive: {age: 1s}", "keepAlive: {requests: 1}",
		"keepAlive: {connections: 1}", "retryBudget: {share: 0.1}", "retryBudget: {perSecond: 0}", "concurrency: {max: 1}", "concurrency: {max: 1, queue: 0}",
		"concurrency: {max: 1, queueTime: 2s}", "concurrency: {adaptive: on}", "concurrency: {adaptive: on, min: 5}", "concurrency: {perEndpoint: 1}",
		"breaker: on", "breaker: {share: 1}", "breaker: {requests: 1}", "breaker: {window: 1s}", "breaker: {open: 1s}", "dns: {family: ipv6}", "dns: {ttlMin: 2s}",
		"dns: {ttlMax: 1s}", "endpoints: [https://a]", "endpoints: [https://a], tls: {serverName: b}", "endpoints: [https://a], tls: {ca: file:a}",
		"endpoints: [https://a], tls: {certificate: file:a, key: file:b}", "endpoints: [https://a], tls: {minVersion: 1.3}",
	} {
		text := strings.Replace(doc, "endpoints: [http://a]", fields, 1)
		if !strings.HasPrefix(fields, "endpoints") {
			text = strings.Replace(doc, "spec: {", "spec: {"+fields+", ", 1)
		}
		if other, same := seen[id(text)]; same {
			t.Errorf("%s has the identity of %s", fields, other)
		}
		seen[id(text)] = fields
	}
}

func TestInlineServicesAreShared(t *testing.T) {
	s := mustParse(t, yaml(six+"---\n"+strings.NewReplacer("shop", "cart", "http://127", "HTTP://127", "9000", "9000/").Replace(six)))
	if len(s.Services) != 1 || !s.Services[0].Inline || s.Services[0].Meta.Name != "http://127.0.0.1:9000" {
		t.Errorf("got %d services, the first %+v", len(s.Services), s.Services[0])
	}
}

func TestPortability(t *testing.T) {
	data, err := os.ReadFile("portability.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Reasons map[string]string
		Fields  map[string]struct{ Aws string }
	}
	if err := goccy(data, &file); err != nil {
		t.Fatal(err)
	}
	used := map[string]bool{}
	for _, path := range spec.FieldPaths() {
		line, ok := file.Fields[path]
		if !ok {
			t.Errorf("portability.yaml: the field %s lacks its line", path)
			continue
		}
		delete(file.Fields, path)
		word, id, _ := strings.Cut(line.Aws, ": ")
		used[id] = true
		if !slices.Contains([]string{"exact", "approximate", "none"}, word) || (word == "exact") != (id == "") || id != "" && file.Reasons[id] == "" {
			t.Errorf("portability.yaml: %s: %q is none of exact, approximate: ID, none: ID with a known ID", path, line.Aws)
		}
	}
	for path := range file.Fields {
		t.Errorf("portability.yaml: the line %s names no field", path)
	}
	for id := range file.Reasons {
		if !used[id] {
			t.Errorf("portability.yaml: no field has the reason %s", id)
		}
	}
}

func BenchmarkLoad2000(b *testing.B) {
	dir := b.TempDir()
	var text bytes.Buffer
	for i := range 2000 {
		fmt.Fprintf(&text, `apiVersion: skerry.dev/v1
kind: Entrypoint
metadata: {name: shop-%d, owner: team-shop}
spec:
  hosts: [shop-%d.example.com, www.shop-%d.example.com]
  service: http://10.0.%d.%d:9000
  routes:
    - name: api
      match: {prefix: /api, methods: [GET, POST]}
      service: http://127.0.0.1:9001
      headers: {request: {set: {X-Edge: skerry}}}
    - name: old
      match: {path: "/old/{id}"}
      redirect: {to: "/new/{id}", status: 301}
---
`, i, i, i, i/256, i%256)
	}
	if err := os.WriteFile(filepath.Join(dir, "all.yaml"), text.Bytes(), 0o644); err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(text.Len()))
	for b.Loop() {
		if _, problems := spec.Load([]string{dir}, spec.Options{}); len(problems) > 0 {
			b.Fatal(fault.Problems(problems))
		}
	}
}
