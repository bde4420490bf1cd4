package spec_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"skerry.dev/skerry/spec"
)

func schema(t testing.TB) *jsonschema.Schema {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(spec.Schema()))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("schema.json", doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("schema.json")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// valid says whether every document of a YAML or JSON text is valid.
func valid(t *testing.T, s *jsonschema.Schema, text string) error {
	t.Helper()
	for doc := range strings.SplitSeq(text, "---\n") {
		var v any
		if err := goccy([]byte(doc), &v); err != nil {
			t.Fatal(err)
		}
		if v == nil {
			continue
		}
		data, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		plain, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Validate(plain); err != nil {
			return err
		}
	}
	return nil
}

func TestSchemaTakesWhatParseTakes(t *testing.T) {
	s := schema(t)
	for _, pattern := range []string{"../testdata/spec-*/*.yaml", "../testdata/spec-*/*.json", "profiles/*.yaml"} {
		paths, _ := filepath.Glob(pattern)
		if len(paths) == 0 {
			t.Fatalf("%s: no files", pattern)
		}
		for _, path := range paths {
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if err := valid(t, s, string(text)); err != nil {
				t.Errorf("%s: %v", path, err)
			}
		}
	}
	for _, dir := range []string{"../testdata/spec-now", "../testdata/spec-next"} {
		all, problems := spec.Load([]string{dir}, spec.Options{})
		if len(problems) > 0 {
			t.Fatal(problems)
		}
		for line := range strings.Lines(string(spec.Canonical(all))) {
			if err := valid(t, s, line); err != nil {
				t.Errorf("canonical form: %v\n%s", err, line)
			}
		}
	}
}

func TestSchemaRefusesWhatParseRefuses(t *testing.T) {
	s := schema(t)
	f := func(old, new string) {
		t.Helper()
		text := strings.Replace(six, old, new, 1)
		if text == six {
			t.Fatalf("%q is not in the document", old)
		}
		if valid(t, s, text) == nil {
			t.Errorf("the schema takes\n%s", text)
		}
		if _, problems := spec.Parse([]spec.File{yaml(text)}); len(problems) == 0 {
			t.Errorf("Parse takes\n%s", text)
		}
	}
	f("kind: Entrypoint", "kind: Ingress")
	f("skerry.dev/v1", "skerry.dev/v2")
	f("metadata: {name: shop, ", "metadata: {")
	f("name: shop", "name: Shop")
	f("  hosts: [shop.example.com]\n", "")
	f("[shop.example.com]", "shop.example.com")
	f("  service:", "  servcie:")
	f("http://127.0.0.1:9000", "ftp://127.0.0.1:9000")
	f("  service:", "  log: maybe\n  service:")
	f("  service:", "  forwarded: sett\n  service:")
	f("  service:", "  methods: [get]\n  service:")
	f("  service:", "  headers: {request: {set: {\"X A\": b}}}\n  service:")
	f("  service:", "  routes: [{match: {path: a}, respond: {}}]\n  service:")
	f("  service:", "  routes: [{redirect: {to: /a, status: 200}}]\n  service:")
	f("  service:", "  routes: [{redirect: {}}]\n  service:")
	for _, line := range []string{
		"retry: 3", "retry: {tries: 1}", "retry: {statuses: [501]}", "retry: {post: on}", "hedge: on", "hedge: {}", "hedge: {after: 50}",
		"priority: urgent", "priority: off", "priority: {crawlers: on}", "mirror: {service: a}", "routes: [{service: a, mirror: b}]",
		"routes: [{service: a, mirror: {}}]", "routes: [{service: a, mirror: {service: b, share: 2}}]",
		"trace: maybe", "trace: {sample: 2}", "trace: {share: 1}", "tls: on", `tls: {minVersion: "1.1"}`, "tls: {clientCA: ca.pem}",
		"redirect: on", "redirect: http", "hsts: {maxAge: 1}", "hsts: {maxAge: year}", "cors: on", "cors: {}", "cors: {origins: [app.example.com]}",
		"cors: {origins: [https://APP.example.com]}", "limit: on", "limit: {burst: 3}", "limit: {perAddress: 300}", "limit: {perAddress: 3/d}",
		"limit: {perAddress: 1/s, burst: 0}", "headMax: off", "headMax: 8kB", "bodyMax: 1.5MB", "bodyMax: on", "compress: gzip",
		"errorPages: off", "errorPages: {200: {html: x}}", "errorPages: {404: x}", "errorPages: {404: {file: /x.html}}",
		"maintenance: {allow: [example.com]}", "forwarded: all", "headers: {request: {defaults: {A: b}}}",
		"streamAge: on", "streamAge: 3600", "streamAge: forever", "canonicalHost: [shop.example.com]", "redirects: moved.csv", "redirects: {file: moved.txt}", "redirects: {list: [{from: /a}]}",
		"waf: on", "waf: 2", "waf: []", "waf: {mode: on}", "waf: {engine: coraza}", "waf: {paranoia: 0}", "waf: {paranoia: 5}", "waf: {threshold: 0}",
		"waf: {responses: 4}", "waf: {allow: [GET]}", "waf: {allow: {methods: [get]}}", "waf: {allow: {contentTypes: [json]}}",
		`waf: {allow: {contentTypes: ["*/json"]}}`, `waf: {allow: {contentTypes: ["text/html; charset=utf-8"]}}`, "waf: {allow: {charsets: [utf 8]}}",
		"waf: {allow: {headers: [a b]}}", "waf: {allow: {extensions: [sql]}}", "waf: {allow: {versions: [HTTP/1.1]}}", "waf: {exclude: off}",
		"waf: {exclude: [942100]}", `waf: {exclude: [{target: "ARGS:q"}]}`, "waf: {exclude: [{rule: sqli}]}", "waf: {exclude: [{rule: 0}]}",
		`waf: {exclude: [{rule: 1, target: "!ARGS"}]}`, `waf: {exclude: [{rule: 1, target: "ARGS:"}]}`, "waf: {exclude: [{rule: 1, path: a}]}",
		`waf: {exclude: [{rule: 1, path: "/a*"}]}`, "waf: {exclude: [{rule: 1, host: a}]}", "waf: {rules: [a.txt]}", "waf: {rules: [/a.conf]}",
		"waf: {rules: [{text: a}]}", "waf: {bodyBytesMax: off}", "waf: {bodyBytesMax: 1.5MB}", "waf: {argumentsMax: 0}", "waf: {cpuMax: 50}", "waf: {onLimit: fail}",
		"waf: {shadow: 2}", "routes: [{service: a, waf: {rules: []}}]",
		"cache: on", "cache: []", "cache: public", "cache: {mode: on}", "cache: {vary: [a]}", "cache: {key: [a]}", "cache: {key: {query: a}}", "cache: {key: {query: [a&b]}}",
		`cache: {key: {query: ["a*"]}}`, `cache: {key: {query: [""]}}`, `cache: {key: {queryExcept: ["*"]}}`, `cache: {key: {queryExcept: ["a*b"]}}`, "cache: {key: {headers: [a b]}}",
		"cache: {key: {cookies: [a;b]}}", `cache: {key: {cookies: ["a*"]}}`, "cache: {ttl: {default: 60}}", "cache: {ttl: {max: off}}", "cache: {ttl: 1m}", "cache: {stale: {ifError: on}}",
		`cache: {anonymousCookies: ["*"]}`, `cache: {anonymousCookies: ["a*b"]}`, "cache: {anonymousCookies: [known/tracking]}", "cache: {anonymousCookies: off}",
		"cache: {identity: {headers: [a b]}}", `cache: {identity: {cookies: ["a*"]}}`, "cache: {requestDirectives: 1}", "cache: {collapse: 5}", "cache: {objectMax: off}",
		"cache: {prerender: [a]}", `cache: {prerender: ["/a#b"]}`, "cache: {prerender: /a}", "cache: {probe: off}", "cache: {probe: {every: off}}", "cache: {probe: {paths: [a]}}",
		"cache: {probe: {identities: [{header: cookie, value: file:a}]}}", "cache: {probe: {identities: [{header: cookie, value: a}, {header: cookie, value: file:b}]}}",
		"cache: {probe: {identities: [{value: file:a}, {header: cookie, value: file:b}]}}",
		"redirects: {list: [{from: a, to: /b}]}", "routes: [{service: a, rewrite: {prefix: a}}]", "routes: [{service: a, hsts: off}]",
	} {
		f("  service:", "  "+line+"\n  service:")
	}
}

func TestSchemaRefusesWhatParseRefusesOfServices(t *testing.T) {
	s := schema(t)
	f := func(want bool, line string) {
		t.Helper()
		text := "apiVersion: skerry.dev/v1\nkind: Service\nmetadata: {name: cart}\nspec:\n"
		if !strings.HasPrefix(line, "endpoints:") {
			text += "  endpoints: [https://a]\n"
		}
		text += "  " + line + "\n"
		if err := valid(t, s, text); (err == nil) != want {
			t.Errorf("the schema says %v of\n%s", err, text)
		}
		if _, problems := spec.Parse([]spec.File{yaml(text)}); (len(problems) == 0) != want {
			t.Errorf("Parse says %v of\n%s", problems, text)
		}
	}
	for _, line := range []string{
		"endpoints: [http://a, {url: http://b}]", "balance: maglev", "balance: {by: maglev, key: cookie a, sticky: {cookie: b, maxAge: 1h}}",
		"balance: {slowStart: false, spill: 1, panic: 1}", "ejection: on", "ejection: false", "ejection: {}", "retryBudget: {perSecond: 0}",
		"concurrency: off", "concurrency: {max: 1}", "concurrency: {adaptive: true, perEndpoint: 4}", "breaker: {share: 0.1}", "dns: {family: both}",
		"tls: {minVersion: 1.3, serverName: a, ca: file:a}", "protocol: http1", "protocol: http2", "timeouts: {try: off, whole: 1m}", "keepAlive: {age: 1h, requests: 7, connections: off}",
	} {
		f(true, line)
	}
	for _, line := range []string{
		"endpoints: [{weight: 1}]", "endpoints: [{url: http://a, weight: 1001}]", "endpoints: [{url: http://a, region: a b}]", "endpoints: [{url: ftp://a}]",
		"endpoints: [{url: http://a, host: b}]", "endpoints: [[http://a]]", "balance: random", "balance: {by: random}", "balance: {by: maglev, key: path}",
		"balance: {sticky: on}", "balance: {sticky: {}}", "balance: {sticky: {cookie: a b}}", "balance: {spill: 0}", "balance: {panic: 2}",
		"ejection: maybe", "ejection: {failures: 0}", "ejection: {time: 30}", "retryBudget: off", "retryBudget: {share: 2}", "concurrency: on",
		"concurrency: {max: 0}", "concurrency: {limit: 5}", "concurrency: {max: 1, queueTime: 1}", "breaker: maybe", "breaker: {share: 0}", "dns: off",
		"dns: {family: ipv5}", "protocol: h2c", "protocol: HTTP2", "protocol: on", "protocol: 2", "protocol: [http2]", "tls: on", "tls: {verify: off}", `tls: {minVersion: "1.1"}`, "tls: {certificate: a.pem, key: file:a}",
		"timeouts: {try: 1}", "timeouts: {connect: off}", "keepAlive: {requests: 0}", "keepAlive: {age: off}", "health: {interval: off}",
	} {
		f(false, line)
	}
}
