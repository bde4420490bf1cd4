package spec_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/rogpeppe/go-internal/txtar"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"skerry.dev/skerry/fault"
	"skerry.dev/skerry/spec"
)

// seed adds every input of the golden archives, and the specs of now, as YAML or JSON.
func seed(f *testing.F, add func(json bool, data []byte)) {
	f.Helper()
	for _, pattern := range []string{"testdata/parse/*.txtar", "testdata/format/*.txtar"} {
		paths, _ := filepath.Glob(pattern)
		for _, path := range paths {
			a, err := txtar.ParseFile(path)
			if err != nil {
				f.Fatal(err)
			}
			for _, file := range a.Files {
				if ext := filepath.Ext(file.Name); ext == ".yaml" || ext == ".json" {
					add(ext == ".json", file.Data)
				}
			}
		}
	}
	paths, _ := filepath.Glob("../testdata/spec-*/*")
	for _, path := range paths {
		if ext := filepath.Ext(path); ext != ".yaml" && ext != ".json" {
			continue
		}
		data, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		add(filepath.Ext(path) == ".json", data)
	}
}

func name(json bool) string {
	if json {
		return "x.json"
	}
	return "x.yaml"
}

// FuzzParse: no input panics, and what parses is, in its canonical form, the same spec.
func FuzzParse(f *testing.F) {
	seed(f, func(json bool, data []byte) { f.Add(json, data) })
	f.Fuzz(func(t *testing.T, json bool, data []byte) {
		s, problems := spec.Parse([]spec.File{{Name: name(json), Data: data}})
		if len(problems) > 0 {
			if s != nil {
				t.Fatal("a spec came with problems")
			}
			return
		}
		sameInCanonicalForm(t, s)
	})
}

// FuzzFormat: no input panics, formatting twice is formatting once, and a spec stays the same spec.
func FuzzFormat(f *testing.F) {
	seed(f, func(json bool, data []byte) { f.Add(json, data) })
	f.Fuzz(func(t *testing.T, json bool, data []byte) {
		out, problems := spec.Format(spec.File{Name: name(json), Data: data})
		if len(problems) > 0 {
			return
		}
		twice, problems := spec.Format(spec.File{Name: name(json), Data: out})
		if len(problems) > 0 || string(twice) != string(out) {
			t.Fatalf("formatting twice changes it: %v\n%q\n%q\n%q", fault.Problems(problems), data, out, twice)
		}
		before, _ := spec.Parse([]spec.File{{Name: name(json), Data: data}})
		after, problems := spec.Parse([]spec.File{{Name: name(json), Data: out}})
		if (before == nil) != (after == nil) {
			t.Fatalf("formatting makes or ends problems: %v\n%q\n%q", fault.Problems(problems), data, out)
		}
		if before != nil && before.Hash != after.Hash {
			t.Fatalf("formatting changes the spec:\n%q\n%q", data, out)
		}
	})
}

// sameInCanonicalForm fails if the canonical form of a spec, which needs no file, reads as another one.
func sameInCanonicalForm(t *testing.T, s *spec.Spec) {
	t.Helper()
	canonical := spec.Canonical(s)
	again, problems := spec.Parse([]spec.File{{Name: "canonical.json", Data: canonical}})
	if len(problems) > 0 {
		t.Fatalf("the canonical form has problems: %v\n%s", fault.Problems(problems), canonical)
	}
	if again.Hash != s.Hash {
		t.Fatalf("the canonical form reads as another spec:\n%s\n%s", canonical, spec.Canonical(again))
	}
}

// FuzzMoved: no CSV panics, and what is taken is sorted, each path once, with a status of a redirect.
func FuzzMoved(f *testing.F) {
	for _, text := range []string{
		"from,to,status\n/a,/b,301\n", "/a,/b\n/c,https://example.com/\n", "\ufeff# x\r\n\"/a,b\", /c , 302\r\n", "/a,/b\n/b,/a\n",
		"\"/a\n\",/b", "/a,/b,\n", "/a,/b,999\n", "/é,/b\n/\xff,/c\n", ",,\n", "\"", "/a,//b\n/a,/{x}\n",
	} {
		f.Add([]byte(text))
	}
	doc := yaml(six + "  redirects: {file: moved.csv, status: 302}\n")
	f.Fuzz(func(t *testing.T, data []byte) {
		s, problems := spec.Parse([]spec.File{doc, {Name: "moved.csv", Data: data}})
		if len(problems) > 0 {
			for _, p := range problems {
				if p.File == "moved.csv" && (p.Line < 1 || p.Col < 1) {
					t.Fatalf("a problem without a place: %v", p)
				}
			}
			return
		}
		last := ""
		for _, m := range s.Entrypoints[0].Moved {
			if m.From <= last || m.To == "" || m.Status < 301 || m.Status > 308 || m.From[0] != '/' {
				t.Fatalf("after %q: %+v", last, m)
			}
			last = m.From
		}
		sameInCanonicalForm(t, s)
	})
}

// values are places of a document where text has a form of its own; X stands for it.
var values = []string{
	`"limit":{"perAddress":X}`, `"headMax":X`, `"bodyMax":X`, `"hsts":{"maxAge":X}`, `"cors":{"origins":[X]}`,
	`"tls":{"clientCertificates":"required","clientCA":X}`, `"tls":{"curves":[X]}`, `"maintenance":{"allow":[X]}`, `"canonicalHost":X`,
	`"errorPages":{"404":{"file":X}}`, `"redirects":{"list":[{"from":X,"to":"/b"}]}`, `"redirects":{"list":[{"from":"/a","to":X}]}`,
	`"routes":[{"match":{"prefix":"/{id}"},"service":"http://a","rewrite":{"path":X}}]`,
	`"routes":[{"match":{"prefix":"/a"},"service":"http://a","rewrite":{"prefix":X}}]`, `"trace":{"sample":X}`,
	`"priority":X`, `"hedge":{"after":X}`, `"retry":{"statuses":[X]}`, `"routes":[{"service":"http://a","mirror":{"service":X,"bodyMax":"1KB"}}]`,
	`"routes":[{"service":"http://a","mirror":{"service":"http://c","share":X}}]`,
	`"waf":X`, `"waf":{"exclude":[{"rule":X}]}`, `"waf":{"exclude":[{"rule":942100,"target":X}]}`, `"waf":{"exclude":[{"rule":"tag:a","path":X}]}`,
	`"waf":{"allow":{"contentTypes":[X]}}`, `"waf":{"allow":{"charsets":[X]}}`, `"waf":{"allow":{"extensions":[X],"headers":[X]}}`,
	`"waf":{"rules":[{"file":X,"text":"a"}]}`, `"waf":{"rules":[{"file":"a.conf","text":X}]}`, `"waf":{"cpuMax":X}`, `"bodyMax":"1MB","waf":{"bodyBytesMax":X}`,
	`"cache":X`, `"cache":{"key":{"query":[X]}}`, `"cache":{"key":{"queryExcept":[X]}}`, `"cache":{"key":{"headers":[X],"cookies":[]}}`, `"cache":{"key":{"cookies":[X]}}`,
	`"cache":{"anonymousCookies":[X]}`, `"cache":{"ttl":{"default":X}}`, `"cache":{"stale":{"ifError":X}}`, `"cache":{"collapse":X}`, `"cache":{"objectMax":X}`, `"cache":{"prerender":[X]}`,
	`"cache":{"probe":{"every":X}}`, `"cache":{"probe":{"identities":[{"header":"cookie","value":X},{"header":"cookie","value":"file:b"}]}}`,
	`"cache":{"probe":{"identities":[{"header":"cookie","value":"file:a","marker":X},{"header":"cookie","value":"file:b"}]}}`,
	`"cache":{"identity":{"headers":["a"],"cookies":[X]},"probe":{"identities":[{"header":"cookie","value":"file:a"},{"header":"A","value":"file:b"}]}}`,
	`"portability":{"allow":[X]}`,
}

// serviceValues are such places of a Service.
var serviceValues = []string{
	`"endpoints":[X]`, `"endpoints":[{"url":X,"weight":2}]`, `"endpoints":[{"url":"http://a","weight":X}]`, `"endpoints":[{"url":"http://a","region":X,"zone":X}]`,
	`"balance":X`, `"balance":{"by":"maglev","key":X}`, `"balance":{"sticky":{"cookie":X}}`, `"balance":{"sticky":{"cookie":"a","maxAge":X}}`, `"balance":{"slowStart":X}`,
	`"balance":{"spill":X}`, `"ejection":X`, `"ejection":{"time":X}`, `"breaker":X`, `"breaker":{"share":X}`, `"concurrency":{"max":X}`, `"concurrency":{"adaptive":X,"perEndpoint":9}`,
	`"concurrency":{"adaptive":"on","min":X}`, `"concurrency":{"perEndpoint":X,"max":7}`, `"dns":{"family":X}`, `"dns":{"ttlMin":X}`, `"dns":{"ttlMax":X}`, `"timeouts":{"try":X}`,
	`"timeouts":{"whole":X,"connect":"1s"}`, `"health":{"interval":X}`, `"keepAlive":{"requests":X}`, `"endpoints":["https://a"],"tls":{"serverName":X}`,
	`"endpoints":["https://a"],"tls":{"ca":X}`, `"retryBudget":{"share":X}`,
	`"directory":{"path":"a"},"aws":{"bucket":X,"region":"eu-central-1"}`, `"directory":{"path":"a"},"aws":{"bucket":"abc","region":X}`,
	`"aws":{"loadBalancer":X}`, `"aws":{"secret":X}`, `"endpoints":["https://a.lambda-url.eu-central-1.on.aws"],"aws":{"function":X}`,
	`"endpoints":[X],"aws":{"function":"arn:aws:lambda:eu-central-1:123456789012:function:a"}`,
}

// accountValues are such places of an AWS document.
var accountValues = []string{
	`"account":X`, `"packing":X`, `"zones":{"example.com":X}`, `"zones":{X:"Z1"}`, `"certificates":[{"arn":X,"hosts":["a"]}]`,
	`"certificates":[{"arn":"arn:aws:acm:us-east-1:123456789012:certificate/12345678-90ab-cdef-1234-567890abcdef","hosts":[X]}]`,
	`"priceClass":X`, `"logs":{"bucket":X}`, `"logs":{"waf":X}`, `"firewall":{"bodyKB":X}`, `"quotas":{"a":X}`, `"quotas":{X:1}`, `"allow":[X]`,
}

// places is how many there are in all; FuzzValues tells 128 apart.
var places = len(values) + len(serviceValues) + len(accountValues)

// document is one with a value at one of the places.
func document(place int, value string) string {
	const head = `{"apiVersion":"skerry.dev/v1","kind":"`
	place %= places
	if i := place - len(values) - len(serviceValues); i >= 0 {
		return head + `AWS","metadata":{"name":"a"},"spec":{` + strings.ReplaceAll(accountValues[i], "X", value) + `}}`
	}
	if place < len(values) {
		field := strings.ReplaceAll(values[place], "X", value)
		return head + `Entrypoint","metadata":{"name":"shop"},"spec":{"hosts":["shop.example.com"],"service":"http://b",` + field + `}}`
	}
	field := strings.ReplaceAll(serviceValues[place-len(values)], "X", value)
	if !strings.HasPrefix(field, `"endpoints"`) && !strings.HasPrefix(field, `"directory"`) {
		field = `"endpoints":["http://a"],` + field
	}
	return head + `Service","metadata":{"name":"cart"},"spec":{` + field + `}}`
}

// FuzzValues: no text panics at any of these places, what is taken stays the same in the canonical form, and the schema,
// compiled by somebody else, takes it too.
func FuzzValues(f *testing.F) {
	if places > 128 {
		f.Fatalf("%d places, and a byte with one bit in use tells 128 apart", places)
	}
	for place := range places {
		for _, text := range []string{
			"300/s", "0/s", "99999999999999999999/h", "10KB", "1GB", "18446744073709551616", "365d", "400d1h", "1s1s", "file:a/b.pem", "file:../a",
			"env:SKERRY_SECRET_A", "env:SKERRY_SECRET_", "https://*.example.com", "https://[::1]:8443", "*", "10.0.0.0/8", "::ffff:1.2.3.4", "0.5", "1e-9",
			"shop.example.com", "/a/{id}", "/", "//", "/a/../b", "x.html", "a/x.html", "https://shop.example.com/a",
			"maglev", "header X-A", "cookie a", "__Host-a", "eu-central-1", "on", "off", "high", "http://a:8080", "both", "500ms", "503", "7", "0",
			"detect", "942100-942199", "tag:OWASP_CRS", "ARGS:q", "ARGS:/^a/", "XML:/*", "/a/*", "application/*+json", "utf-8", ".csv", "a/b.conf",
			"123456789012", "Z0123456789", "16", "origin-dns", "cachePolicies", "tenants", "abc.def", "eu-central-1", "https://a.lambda-url.eu-central-1.on.aws",
			"arn:aws:acm:us-east-1:123456789012:certificate/12345678-90ab-cdef-1234-567890abcdef", "arn:aws:s3:::aws-waf-logs-a", "arn:aws:s3:::",
			"arn:aws:logs:us-east-1:123456789012:log-group:aws-waf-logs-a", "arn:aws:firehose:us-east-1:123456789012:deliverystream/aws-waf-logs-a",
			"arn:aws:lambda:eu-central-1:123456789012:function:a:b", "arn:aws:secretsmanager:us-east-1:123456789012:secret:a-a1B2c3",
			"arn:aws:elasticloadbalancing:eu-central-1:123456789012:loadbalancer/app/a/0123456789abcdef", "arn:aws:s3:us-east-1::a", "arn:::::",
		} {
			f.Add(uint8(place), text)
			if json.Valid([]byte(text)) {
				f.Add(uint8(place+128), text)
			}
		}
	}
	takes := schema(f)
	f.Fuzz(func(t *testing.T, place uint8, text string) {
		value, err := json.Marshal(text)
		if err != nil || !utf8.ValidString(text) {
			return
		}
		if place >= 128 && json.Valid([]byte(text)) { // a number, say
			value = []byte(text)
		}
		doc := document(int(place%128), string(value))
		s, problems := spec.Parse([]spec.File{{Name: "x.json", Data: []byte(doc)}, {Name: "x.html", Data: []byte("<p>")}})
		if len(problems) > 0 {
			return
		}
		sameInCanonicalForm(t, s)
		for _, written := range []string{doc, strings.SplitN(string(spec.Canonical(s)), "\n", 2)[0]} {
			v, err := jsonschema.UnmarshalJSON(strings.NewReader(written))
			if err != nil {
				t.Fatal(err)
			}
			if err := takes.Validate(v); err != nil {
				t.Fatalf("the schema refuses %s: %v", written, err)
			}
		}
	})
}
