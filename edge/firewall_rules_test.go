package edge_test

import (
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	coreruleset "github.com/corazawaf/coraza-coreruleset/v4"

	"skerry.dev/skerry/edge"
	"skerry.dev/skerry/fault"
	"skerry.dev/skerry/plan"
	"skerry.dev/skerry/spec"
)

// sqliQuery is a query that the rules for SQL injection find, and whose score is far above the threshold.
const sqliQuery = "q=1%27%20UNION%20SELECT%20password%20FROM%20users--"

// TestFirewallModes: what is refused depends on mode, threshold, paranoia and lists of each route, also on one that is shared.
func TestFirewallModes(t *testing.T) {
	const routes = `  waf: {exclude: [{rule: "942000-942999", target: "ARGS:note"}]}
  routes:
    - {match: {prefix: /off}, service: %[1]s, waf: off}
    - {match: {prefix: /detect}, service: %[1]s, waf: detect}
    - {match: {prefix: /reference}, service: %[1]s, waf: {engine: reference}}
    - {match: {prefix: /threshold}, service: %[1]s, waf: {threshold: 1000}}
    - {match: {prefix: /paranoia}, service: %[1]s, waf: {paranoia: 4}}
    - {match: {prefix: /by-tag}, service: %[1]s, waf: {exclude: [{rule: "tag:attack-sqli"}]}}
    - {match: {prefix: /by-path}, service: %[1]s, waf: {exclude: [{rule: "942000-942999", path: "/by-path/in/*", methods: [GET]}]}}
    - {match: {prefix: /by-pattern}, service: %[1]s, waf: {exclude: [{rule: "942000-942999", target: "ARGS:/^q/"}]}}
    - {match: {prefix: /headers}, service: %[1]s, waf: {allow: {headers: [content-range], extensions: [.sql]}}}
    - {match: {prefix: /put}, service: %[1]s, methods: [GET, PUT]}
`
	url := origin(t, echoRelease)
	w := wall(t, edge.Options{}, echoBody, fmt.Sprintf(routes, url))
	f := func(want int, request string) {
		t.Helper()
		if status, _, body := w.raw(request); status != want {
			line, _, _ := strings.Cut(request, "\r\n")
			t.Errorf("%s: status %d, want %d: %s", line, status, want, body)
		}
	}
	f(403, get("/?"+sqliQuery))
	f(403, get("/?a=1&"+sqliQuery))
	f(200, get("/?"+strings.Replace(sqliQuery, "q=", "note=", 1)))
	f(403, get("/?note=1&"+sqliQuery))
	f(200, get("/off?"+sqliQuery))
	f(200, get("/detect?"+sqliQuery))
	f(403, get("/reference?"+sqliQuery))
	f(200, get("/reference?q=shoes"))
	f(200, get("/threshold?"+sqliQuery))
	f(403, get("/paranoia?q=a%2Bb%3Bc%26%27%22%3D%23"))
	f(200, get("/?q=a%2Bb"))
	f(200, get("/by-tag?"+sqliQuery))
	f(403, get("/by-tag?q=%3Cscript%3Ealert(1)%3C/script%3E"))
	f(200, get("/by-path/in/x?"+sqliQuery))
	f(403, get("/by-path/out?"+sqliQuery))
	f(403, get("/by-path/in/../out?"+sqliQuery))
	f(403, strings.Replace(post("/by-path/in/x?"+sqliQuery, formType, "a=1"), "POST", "POST", 1))
	f(200, get("/by-pattern?"+sqliQuery))
	f(403, get("/by-pattern?"+strings.Replace(sqliQuery, "q=", "p=", 1)))
	f(403, get("/", "Content-Range: bytes 0-1/2"))
	f(200, get("/headers/a.sql", "Content-Range: bytes 0-1/2"))
	f(403, get("/dump.sql"))
	f(403, strings.Replace(post("/", jsonType, "{}"), "POST", "DELETE", 1))
	f(200, strings.Replace(post("/put", jsonType, "{}"), "POST", "PUT", 1))
	f(405, strings.Replace(post("/put", jsonType, "{}"), "POST", "DELETE", 1))
}

// ownSpec is a waf with one file of rules.
func ownSpec(name, rules string) string {
	text := "  waf:\n    rules:\n      - file: " + name + "\n        text: |\n"
	for line := range strings.Lines(rules) {
		text += "          " + line
	}
	return text + "\n"
}

// TestFirewallOwnRules: rules of a spec run before the Core Rule Set's or after them, change them, and answer with what they say.
func TestFirewallOwnRules(t *testing.T) {
	w := wall(t, edge.Options{}, echoBody, ownSpec("own.conf", `SecRule ARGS:status "@streq 404" "id:404,phase:1,deny,status:404"
SecRule ARGS:status "@streq 429" "id:429,phase:2,deny,status:429"
SecRule ARGS:status "@streq 503" "id:503,phase:2,deny,status:503"
SecRule ARGS:status "@streq 400" "id:400,phase:2,block,status:400"
SecRule ARGS:status "@streq drop" "id:1,phase:2,drop"
SecRule ARGS:to "@rx ." "id:2,phase:1,redirect:'https://shop.test/%{ARGS.to}'"
SecRule ARGS:body "@rx evil" "id:3,phase:2,deny"
SecRule REQUEST_FILENAME "@beginsWith /tag" "id:4,phase:1,pass,nolog,ctl:ruleRemoveByTag=attack-sqli"
SecRule REQUEST_FILENAME "@beginsWith /target" "id:5,phase:1,pass,nolog,ctl:ruleRemoveTargetByTag=attack-sqli;ARGS:q"
SecRule REQUEST_FILENAME "@beginsWith /engine" "id:6,phase:1,pass,nolog,ctl:ruleEngine=DetectionOnly"
SecRule REQUEST_FILENAME "@beginsWith /json" "id:7,phase:1,pass,nolog,ctl:requestBodyProcessor=JSON"
SecRule REQUEST_FILENAME "@beginsWith /unread" "id:8,phase:1,pass,nolog,ctl:requestBodyAccess=Off"
SecRule REQUEST_FILENAME "@beginsWith /level" "id:9,phase:1,pass,nolog,setvar:tx.inbound_anomaly_score_threshold=1000"
SecRule REQUEST_FILENAME "@beginsWith /allow" "id:10,phase:1,allow,nolog"
SecRuleRemoveById 942100 942110-942999
SecRuleUpdateTargetById 941100-941999 "!ARGS:html"
`))
	f := func(want int, request string) {
		t.Helper()
		w.bytes.Store(0)
		if status, _, body := w.raw(request); status != want {
			line, _, _ := strings.Cut(request, "\r\n")
			t.Errorf("%s: status %d, want %d: %s", line, status, want, body)
		}
		if want != 200 {
			w.none(request[:min(40, len(request))])
		}
	}
	f(404, get("/?status=404"))
	f(429, get("/?status=429"))
	f(503, get("/?status=503"))
	f(200, get("/?status=400")) // without SecDefaultAction, block is none
	f(403, post("/", formType, "body=evil"))
	f(200, get("/?q=1%27%20or%201=1"))
	const script = "=%3Cscript%3Ealert(1)%3C/script%3E"
	f(200, get("/?html"+script))
	f(403, get("/?text"+script))
	f(200, get("/engine?text"+script))
	f(200, get("/level?text"+script))
	f(200, get("/allow?text"+script))
	f(403, post("/json", "application/octet-stream", `{"q":"<script>alert(1)</script>"}`))
	f(200, post("/", "application/octet-stream", `{"q":"<script>alert(1)</script>"}`))
	f(200, post("/unread", jsonType, `{"q":"<script>alert(1)</script>"}`))
	if status, header, _ := w.raw(get("/?to=cart")); status != 302 || header.Get("Location") != "https://shop.test/cart" {
		t.Errorf("redirect: %d %v", status, header)
	}
	if status, header, _ := w.raw(get("/?to=a%0d%0aSet-Cookie:%20a=b")); status != 403 || header.Get("Set-Cookie") != "" {
		t.Errorf("redirect with a line end: %d %v", status, header)
	}
	c := w.dial()
	if resp, _, err := c.do(get("/dropped?status=drop")); err == nil {
		t.Errorf("drop: %v", resp)
	}
	events := w.walledEvents()
	if e := events["/dropped"]; e.WAF.Verdict != "refused" || e.Fault != "blocked" {
		t.Errorf("drop: %s", e.text)
	}
}

// TestFirewallOwnRulesAfter: a file that CRS would load after its own rules sees their score.
func TestFirewallOwnRulesAfter(t *testing.T) {
	w := wall(t, edge.Options{}, echoBody, ownSpec("mine-after.conf", `SecRule TX:inbound_anomaly_score_pl1 "@ge 5" "id:1,phase:2,deny,status:404"`)+
		"    mode: block\n    threshold: 1000\n")
	if status, _, _ := w.raw(get("/?" + sqliQuery)); status != 404 {
		t.Errorf("status %d, want the own rule's 404", status)
	}
	if status, _, _ := w.raw(get("/")); status != 200 {
		t.Errorf("a harmless request: status %d", status)
	}
}

// TestFirewallProblems: what is wrong with rules and exclusions is told with its place, and the plan in force stays.
func TestFirewallProblems(t *testing.T) {
	w := wall(t, edge.Options{}, echoBody, "")
	f := func(says string, want ...string) {
		t.Helper()
		problems := w.edge.Activate(parse(t, fmt.Sprintf(walledSpec, w.url, says)))
		got := fault.Problems(problems).Error()
		if len(problems) != len(want) {
			t.Errorf("%s: %d problems, want %d:\n%s", says, len(problems), len(want), got)
		}
		for _, text := range want {
			if !strings.Contains(got, text) {
				t.Errorf("%s:\ngot  %s\nwant %s", says, got, text)
			}
		}
		if status, _, _ := w.raw(get("/?" + sqliQuery)); status != 403 {
			t.Errorf("%s: the plan in force is gone: status %d", says, status)
		}
	}
	f(ownSpec("own.conf", "SecAction \"id:1,pass\"\nSecRule ARGS \"@rx (\" \"id:2,deny\""), "own.conf:2:")
	f(ownSpec("own.conf", "SecMagic On"), "own.conf:1:1")
	f(ownSpec("own.conf", "SecRuleEngine Off"), "own.conf:1:1: SecRuleEngine has no place here")
	f(ownSpec("own.conf", "SecAction \"id:942100,phase:1,pass\""), "own.conf:1:1: rule 942100: CRS 4.25.0 has a rule of this id")
	f(ownSpec("own.conf", "SecAction \"id:1,phase:1,deny,status:418\""), "own.conf:1:1: deny with status 418")
	f(ownSpec("own.conf", "SecRuleUpdateActionById 942100 \"deny,status:418\""), "own.conf:1:1: deny with status 418")
	f(ownSpec("own.conf", "SecRule ARGS \"@pmFromFile words.data\" \"id:1,deny\""), "own.conf:1:")
	f(ownSpec("own.conf", "SecAction \"id:1,phase:1,pass\"\n")+"      - file: two-after.conf\n        text: |\n          SecAction \"id:1,phase:1,pass\"\n",
		"two-after.conf:1:1: rule 1: the id stands twice, first at own.conf:1")
	f("  waf: {exclude: [{rule: 7}]}\n", "shop.yaml:9:19: exclude: no rule of CRS 4.25.0 has the id 7")
	f("  waf: {exclude: [{rule: 942100, target: ARG}]}\n", "shop.yaml:9:19: exclude: ARG is no variable of SecLang")
	f("  waf: {exclude: [{rule: \"tag:nothing\"}]}\n", `no rule of CRS 4.25.0 has the tag "nothing"`)
	f("  waf: {exclude: [{rule: 949110}]}\n", "takes out rules that make and count the score")
	f("  waf: {exclude: [{rule: \"900000-999999\", path: /x}]}\n", "takes out rules that make and count the score")
	f("  waf: {exclude: [{rule: \"tag:OWASP_CRS\"}]}\n", "takes out rules that make and count the score")
	f("  waf: {exclude: [{rule: 949110, target: TX}]}\n", "takes out rules that make and count the score")
	// Told once, though each route compiles the same, and with responses a second stage.
	f("  waf: {responses: on, exclude: [{rule: 7}]}\n  routes: [{match: {prefix: /a}, service: http://127.0.0.1:1}]\n", "no rule of CRS")
	if problems := w.edge.Activate(parse(t, fmt.Sprintf(walledSpec, w.url, "  waf: {exclude: [{rule: \"900000-999999\", target: \"ARGS:q\"}]}\n"))); len(problems) > 0 {
		t.Error(fault.Problems(problems))
	}
	if status, _, _ := w.raw(get("/?" + sqliQuery)); status != 200 {
		t.Errorf("an argument that no rule looks at: status %d", status)
	}
}

// TestFirewallRuleFiles: rules beside a spec, by an absolute path too, find their phrases; problems name the file.
func TestFirewallRuleFiles(t *testing.T) {
	dir := t.TempDir()
	url := origin(t, echoRelease)
	save := func(name, text string) {
		t.Helper()
		must(t, os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o700))
		must(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
	}
	save("shop.yaml", fmt.Sprintf(walledSpec, url, "  waf: {rules: [rules/own.conf, rules/words.data]}\n"))
	save("rules/own.conf", "SecRule ARGS \"@pmFromFile words.data\" \"id:1,phase:2,deny,status:404\"\n")
	save("rules/words.data", "# comment\nxyzzy\n")
	load := func() *spec.Spec {
		t.Helper()
		s, problems := spec.Load([]string{dir}, spec.Options{})
		if len(problems) > 0 {
			t.Fatal(fault.Problems(problems))
		}
		return s
	}
	w := wall(t, edge.Options{}, echoBody, "")
	if problems := w.edge.Activate(load()); len(problems) > 0 {
		t.Fatal(fault.Problems(problems))
	}
	f := func(q string, want int) {
		t.Helper()
		if status, _, _ := w.raw(get("/?q=" + q)); status != want {
			t.Errorf("%s: status %d, want %d", q, status, want)
		}
	}
	f("xyzzy", 404)
	f("plugh", 200)
	save("rules/words.data", "plugh\n")
	if problems := w.edge.Activate(load()); len(problems) > 0 {
		t.Fatal(fault.Problems(problems))
	}
	f("xyzzy", 200)
	f("plugh", 404)
	save("rules/own.conf", "SecRule ARGS \"@rx (\" \"id:1,deny\"\n")
	if got := fault.Problems(w.edge.Activate(load())).Error(); !strings.Contains(got, filepath.Join(dir, "rules/own.conf")+":1:") {
		t.Errorf("the problem: %s", got)
	}
	f("plugh", 404)
}

// release writes the embedded release to a directory.
func release(t *testing.T) (dir string) {
	t.Helper()
	dir = t.TempDir()
	from, err := fs.Sub(coreruleset.FS, "@owasp_crs")
	must(t, err)
	must(t, os.CopyFS(dir, from))
	return dir
}

// TestFirewallRelease: the rules of a directory are in force instead of the embedded ones, what was edited there is at the next
// reload, and what is broken is refused with its place.
func TestFirewallRelease(t *testing.T) {
	dir := release(t)
	edit := func(old, new string) {
		t.Helper()
		name := filepath.Join(dir, "REQUEST-913-SCANNER-DETECTION.conf")
		text, err := os.ReadFile(name)
		must(t, err)
		if !strings.Contains(string(text), old) {
			t.Fatalf("%s has no %s", name, old)
		}
		must(t, os.WriteFile(name, []byte(strings.Replace(string(text), old, new, 1)), 0o600))
	}
	edit("id:913100", "id:913199")
	w := wall(t, edge.Options{Setting: plan.Setting{CRS: dir}}, echoBody, "")
	again := func() []fault.Problem {
		return w.edge.Activate(parse(t, fmt.Sprintf(walledSpec, w.url, "")))
	}
	f := func(path string) {
		t.Helper()
		if status, _, _ := w.raw(get(path, "User-Agent: sqlmap/1.8")); status != http.StatusForbidden {
			t.Errorf("%s: status %d", path, status)
		}
	}
	f("/edited")
	edit("id:913199", "id:913198")
	if problems := again(); len(problems) > 0 {
		t.Fatal(fault.Problems(problems))
	}
	f("/edited-again")
	edit("id:913198", "id:913197,magic")
	for range 2 {
		if got := fault.Problems(again()).Error(); !strings.Contains(got, filepath.Join(dir, "REQUEST-913-SCANNER-DETECTION.conf")+":") {
			t.Errorf("a broken release: %s", got)
		}
	}
	f("/broken")
	edit("id:913197,magic", "id:913196")
	if problems := again(); len(problems) > 0 {
		t.Fatal(fault.Problems(problems))
	}
	f("/mended")
	events := w.walledEvents()
	for path, id := range map[string]string{"/edited": "913199", "/edited-again": "913198", "/broken": "913198", "/mended": "913196"} {
		if !strings.Contains(events[path].text, `"id":`+id) {
			t.Errorf("%s: no rule %s in %s", path, id, events[path].text)
		}
	}
}
