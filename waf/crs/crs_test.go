package crs_test

import (
	"fmt"
	"io/fs"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	coreruleset "github.com/corazawaf/coraza-coreruleset/v4"
	"github.com/google/go-cmp/cmp"

	"skerry.dev/skerry/fault"
	"skerry.dev/skerry/waf/crs"
	"skerry.dev/skerry/waf/seclang"
)

func load(t *testing.T) *seclang.Set {
	t.Helper()
	set, err := crs.Load()
	if err != nil {
		t.Fatal(err)
	}
	return set
}

// census counts what the parsed rules consist of.
func census(set *seclang.Set) map[string]int {
	m := map[string]int{"SecRuleUpdateTargetById": len(set.Edits)}
	for _, it := range set.Items {
		if it.Rule == nil {
			m["SecMarker"]++
			continue
		}
		for r := range it.Rule.Links() {
			count(m, r)
			if r != it.Rule {
				m["chain"]++
			}
		}
	}
	return m
}

func count(m map[string]int, r *seclang.Rule) {
	m["rules"]++
	m[fmt.Sprintf("phase:%d", r.Phase)]++
	if len(r.Targets) == 0 {
		m["SecAction"]++
	} else {
		m["SecRule"]++
		m[map[bool]string{true: "!", false: ""}[r.Operator.Not]+"@"+strings.ToLower(r.Operator.Op.String())]++
	}
	for _, t := range r.Targets {
		if !t.Not {
			m[map[bool]string{true: "&", false: "$"}[t.Count]+t.Var.String()]++
		}
	}
	for _, id := range r.Transforms {
		m[fmt.Sprintf("t%d", id)]++
		m["t"]++
	}
	for _, a := range r.Actions {
		if a.Set != nil {
			m["setvar"]++
		} else {
			m["ctl"]++
		}
	}
	for name, has := range map[string]bool{
		"capture": r.Capture, "multiMatch": r.MultiMatch, "skipAfter": r.SkipAfter != "", "skip": r.Skip > 0, "msg": r.Msg != nil,
		"logdata": r.LogData != nil, "severity": r.Severity >= 0, "ver": r.Ver != "",
	} {
		if has {
			m[name]++
		}
	}
	m["tag"] += len(r.Tags)
}

var (
	targetsWord  = regexp.MustCompile(`^SecRule\s+(\S+)`)
	operatorWord = regexp.MustCompile(`^(?:SecRule\s+\S+\s+)?"(!?@\w+)`)
	actionWord   = regexp.MustCompile(`(?:^|[,"\s])(capture|multiMatch|skipAfter|skip|msg|logdata|severity|ver|tag|setvar|ctl|t):?`)
	transform    = regexp.MustCompile(`(?:^|[,"\s])t:(\w+)`)
)

// scan counts the same by lines, without knowing the language: rules of the module have their targets on the first line,
// their operator there or alone on the next, and no text that looks like an action.
func scan(t *testing.T) map[string]int {
	t.Helper()
	m := map[string]int{}
	for _, name := range crs.Names() {
		text, err := fs.ReadFile(crs.Files(), name)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.SplitSeq(string(text), "\n") {
			scanLine(m, strings.TrimSpace(line))
		}
	}
	return m
}

func scanLine(m map[string]int, line string) {
	word, _, _ := strings.Cut(line, " ")
	switch word {
	case "SecRule", "SecAction":
		m["rules"]++
		m[word]++
	case "SecMarker", "SecRuleUpdateTargetById":
		m[word]++
		return
	case "SecComponentSignature", "#":
		return
	}
	if found := targetsWord.FindStringSubmatch(line); found != nil {
		for v := range strings.SplitSeq(found[1], "|") {
			v, _, _ = strings.Cut(v, ":")
			switch {
			case v[0] == '&':
				m[v]++
			case v[0] != '!':
				m["$"+v]++
			}
		}
	}
	if found := operatorWord.FindStringSubmatch(line); found != nil {
		m[strings.ToLower(found[1])]++
		_, line, _ = strings.Cut(line, `" "`) // what is behind the operator, if it is on this line: the paranoia gates
	}
	scanActions(m, line)
}

func scanActions(m map[string]int, line string) {
	quoted := regexp.MustCompile(`'[^']*'`)
	for _, found := range actionWord.FindAllStringSubmatch(quoted.ReplaceAllString(line, "''"), -1) {
		if found[1] != "t" {
			m[found[1]]++
		}
	}
	for _, found := range transform.FindAllStringSubmatch(line, -1) {
		if found[1] != "none" {
			m["t"]++
		}
	}
}

// TestCensus: the parser sees what a dumb scan of lines sees, and both what was counted in release 4.25.0 by others means.
func TestCensus(t *testing.T) {
	parsed, scanned := census(load(t)), scan(t)
	for k, n := range scanned {
		if parsed[k] != n {
			t.Errorf("%s: parsed %d, scanned %d", k, parsed[k], n)
		}
	}
	if crs.Version(load(t)) != "4.25.0" {
		t.Fatalf("release %s: count the table anew", crs.Version(load(t)))
	}
	want := map[string]int{
		"rules": 697, "SecRule": 690, "SecAction": 7, "SecMarker": 30, "SecRuleUpdateTargetById": 55, "chain": 72, "capture": 275, "multiMatch": 8,
		"phase:1": 214, "phase:2": 316, "phase:3": 44, "phase:4": 110, "phase:5": 13,
		"$TX": 260, "$ARGS": 188, "$XML": 188, "$ARGS_NAMES": 183, "$REQUEST_COOKIES": 164, "$REQUEST_COOKIES_NAMES": 163, "$REQUEST_HEADERS": 124,
		"$REQUEST_FILENAME": 61, "$RESPONSE_BODY": 59, "&TX": 30, "&REQUEST_HEADERS": 17, "$REQUEST_BODY": 17, "$MATCHED_VARS": 11, "$FILES": 9,
		"$REQUEST_METHOD": 8, "$REQUEST_LINE": 7, "$REQUEST_URI_RAW": 7, "$RESPONSE_HEADERS": 7, "$REQUEST_BASENAME": 5, "$FILES_NAMES": 4,
		"$MATCHED_VAR": 3, "$MULTIPART_PART_HEADERS": 3, "&MULTIPART_PART_HEADERS": 2, "$REQBODY_PROCESSOR": 3, "$REQUEST_HEADERS_NAMES": 3,
		"$REQUEST_URI": 3, "$ARGS_GET": 2, "$REMOTE_ADDR": 2, "$REQUEST_PROTOCOL": 2, "$RESPONSE_STATUS": 2, "&ARGS": 1,
		"$ARGS_COMBINED_SIZE": 1, "$ARGS_GET_NAMES": 1, "$FILES_COMBINED_SIZE": 1, "$QUERY_STRING": 1, "$REQUEST_BODY_LENGTH": 1, "$UNIQUE_ID": 1,
		"@rx": 295, "@lt": 189, "@eq": 49, "@ge": 42, "!@rx": 20, "@pmfromfile": 20, "@gt": 15, "@pm": 10, "!@within": 6, "@streq": 5,
		"@validatebyterange": 5, "!@eq": 4, "@contains": 4, "@endswith": 3, "!@endswith": 3, "@within": 3, "!@pm": 2, "!@streq": 2, "@detectsqli": 2,
		"@detectxss": 2, "@ipmatch": 2, "!@beginswith": 1, "!@lt": 1, "!@pmfromfile": 1, "!@validatebyterange": 1, "@unconditionalmatch": 1,
		"@validateurlencoding": 1, "@validateutf8encoding": 1,
		"t": 405, "tag": 3058, "setvar": 677, "msg": 351, "logdata": 327, "severity": 342, "ver": 625, "skipAfter": 206, "skip": 1, "ctl": 9,
	}
	for k := range parsed {
		if _, named := want[k]; !named && (k[0] == '$' || k[0] == '&' || strings.Contains(k, "@")) {
			t.Errorf("%s: %d, not in the table", k, parsed[k])
		}
	}
	for k, n := range want {
		if parsed[k] != n {
			t.Errorf("%s: parsed %d, counted %d", k, parsed[k], n)
		}
	}
}

// TestSetupExample: the module's example, with every directive uncommented, is read, and sets what Setup does.
func TestSetupExample(t *testing.T) {
	text, err := fs.ReadFile(coreruleset.FS, "@crs-setup.conf.example")
	if err != nil {
		t.Fatal(err)
	}
	set, ps := seclang.ParseText("crs-setup.conf", uncomment(string(text)), nil)
	if len(ps) > 0 {
		t.Fatal(fault.Problems(ps))
	}
	got := map[string]string{}
	rules := 0
	for _, it := range set.Items {
		rules++
		for _, a := range it.Rule.Actions {
			if a.Set == nil {
				continue
			}
			name, _ := a.Set.Name.Fixed()
			got[name], _ = a.Set.Value.Fixed()
		}
	}
	if v := (crs.Setup{}).Set()["crs_setup_version"]; v != got["crs_setup_version"] {
		t.Errorf("Setup is for version %s, the example for %s", v, got["crs_setup_version"])
	}
	if rules != 27 || len(set.Edits) != 1 {
		t.Errorf("%d rules and %d changes", rules, len(set.Edits))
	}
	for name := range (crs.Setup{
		Paranoia: 1, DetectionParanoia: 1, Threshold: 1, OutThreshold: 1, ReportingLevel: 1,
		Methods: []string{}, ContentTypes: []string{}, Charsets: []string{}, Versions: []string{}, Headers: []string{}, HeadersMore: []string{},
		Extensions: []string{}, EarlyBlocking: true, EnableUTF8: true, EnforceURLEncoded: true, AllowMethodOverride: true, SkipResponse: true,
		ArgsMax: 1, ArgNameMax: 1, ArgMax: 1, ArgsBytesMax: 1, FileBytesMax: 1, FilesBytesMax: 1,
	}).Set() {
		if _, ok := got[name]; !ok {
			t.Errorf("crs-setup.conf knows no %s", name)
		}
		delete(got, name)
	}
	left := slices.Sorted(maps.Keys(got))
	if want := []string{
		"critical_anomaly_score", "enable_default_collections", "error_anomaly_score", "notice_anomaly_score", "sampling_percentage", "warning_anomaly_score",
	}; !slices.Equal(left, want) {
		t.Errorf("Setup has no field for %v, want %v", left, want)
	}
}

// uncomment takes the mark from directives and their following lines.
func uncomment(text string) string {
	var out []string
	within := false
	for line := range strings.SplitSeq(text, "\n") {
		if bare, ok := strings.CutPrefix(line, "#"); ok && (within || strings.HasPrefix(bare, "Sec") || strings.HasPrefix(bare, "    SecRule ")) {
			line, within = bare, strings.HasSuffix(bare, `\`)
		}
		out = append(out, line)
	}
	return strings.Join(out, "\n")
}

// TestSetupValues: lists stand between the marks that the rules look for.
func TestSetupValues(t *testing.T) {
	got := crs.Setup{
		Paranoia: 2, Threshold: 7, Methods: []string{"GET", "PUT"}, ContentTypes: []string{"application/JSON", "text/plain"}, Charsets: []string{"UTF-8"},
		Versions: []string{"HTTP/1.1", "HTTP/2"}, Headers: []string{"If", "Proxy"}, HeadersMore: []string{}, Extensions: []string{".bak", ".SQL"},
		EnableUTF8: true, ArgMax: 400, More: map[string]string{"sampling_percentage": "50", "arg_length": "9"},
	}.Set()
	want := map[string]string{
		"crs_setup_version": "4250", "blocking_paranoia_level": "2", "inbound_anomaly_score_threshold": "7", "allowed_methods": "GET PUT",
		"allowed_request_content_type": "|application/json| |text/plain|", "allowed_request_content_type_charset": "|utf-8|",
		"allowed_http_versions": "HTTP/1.1 HTTP/2", "restricted_headers_basic": "/if/ /proxy/", "restricted_headers_extended": "",
		"restricted_extensions": ".bak/ .sql/", "crs_validate_utf8_encoding": "1", "arg_length": "9", "sampling_percentage": "50",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff(map[string]string{"crs_setup_version": "4250"}, crs.Setup{}.Set()); d != "" {
		t.Error(d)
	}
}

// TestSetupLikeRules: with the lists that file 901 sets by itself, Setup writes the same text.
func TestSetupLikeRules(t *testing.T) {
	own := map[string]string{}
	for _, it := range load(t).Items {
		if it.Rule == nil || it.Rule.ID/1000 != 901 {
			continue
		}
		for _, a := range it.Rule.Actions {
			if a.Set != nil {
				name, _ := a.Set.Name.Fixed()
				own[name], _ = a.Set.Value.Fixed()
			}
		}
	}
	list := func(name, marks string) []string {
		var out []string
		for f := range strings.FieldsSeq(own[name]) {
			out = append(out, strings.Trim(f, marks))
		}
		return out
	}
	got := crs.Setup{
		Threshold: 5, OutThreshold: 4, ReportingLevel: 4, Paranoia: 1,
		Methods: list("allowed_methods", ""), ContentTypes: list("allowed_request_content_type", "|"), Versions: list("allowed_http_versions", ""),
		Charsets: list("allowed_request_content_type_charset", "|"), Headers: list("restricted_headers_basic", "/"),
		HeadersMore: list("restricted_headers_extended", "/"), Extensions: list("restricted_extensions", "/"),
	}.Set()
	for name, v := range got {
		if name != "crs_setup_version" && v != own[name] {
			t.Errorf("%s is %q, the rules have %q", name, v, own[name])
		}
	}
}

func TestLoadDir(t *testing.T) {
	rule := func(id int) *fstest.MapFile {
		return &fstest.MapFile{Data: fmt.Appendf(nil, "SecAction \"id:%d\"", id)}
	}
	first := &fstest.MapFile{Data: []byte("SecComponentSignature \"OWASP_CRS/4.99.0\"\nSecAction \"id:3\"")}
	for _, c := range []struct {
		name  string
		files fstest.MapFS
		want  string // ids, or the first problem
	}{
		{"a release", fstest.MapFS{
			"crs-setup.conf.example": rule(1), "rules/REQUEST-901-INITIALIZATION.conf": first, "rules/REQUEST-999.conf": rule(4),
			"rules/REQUEST-900-EXCLUSION-RULES-BEFORE-CRS.conf.example": rule(8), "README.md": rule(9),
		}, "[1 3 4]"},
		{"plugins and a setup", fstest.MapFS{
			"crs-setup.conf": rule(11), "crs-setup.conf.example": rule(1), "rules/a.conf": first,
			"plugins/x-config.conf": rule(12), "plugins/x-before.conf": rule(13), "plugins/x-after.conf": rule(14), "plugins/a-after.conf": rule(15),
			"plugins/a-before.conf": rule(16), "plugins/readme.conf": rule(17),
		}, "[11 12 16 13 3 15 14]"},
		{"rules alone", fstest.MapFS{"a.conf": first, "b.conf": rule(4), "crs-setup.conf": rule(1)}, "[3 4]"},
		{"nothing", fstest.MapFS{"a.txt": rule(1)}, "the directory of the Core Rule Set has no rules"},
		{"release 3", fstest.MapFS{"a.conf": {Data: []byte(`SecComponentSignature "OWASP_CRS/3.3.5"`)}}, "a.conf: these are not rules of CRS 4"},
		{"other rules", fstest.MapFS{"a.conf": rule(1)}, "a.conf: these are not rules of CRS 4"},
		{"a mistake", fstest.MapFS{"rules/a.conf": {Data: []byte("SecRul")}}, "rules/a.conf:1:1: unknown directive"},
	} {
		set, ps := crs.LoadDir(c.files)
		var got string
		if len(ps) > 0 {
			got = ps[0].String()
		} else {
			var ids []int
			for _, it := range set.Items {
				ids = append(ids, it.Rule.ID)
			}
			got = fmt.Sprint(ids)
		}
		if !strings.HasPrefix(got, c.want) || (set == nil) != (len(ps) > 0) {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
	set, ps := crs.LoadDir(crs.Files())
	if len(ps) > 0 {
		t.Fatal(fault.Problems(ps))
	}
	if d := cmp.Diff(census(load(t)), census(set)); d != "" {
		t.Errorf("the embedded release as a directory: %s", d)
	}
}

func TestFamily(t *testing.T) {
	for id, want := range map[int]string{
		942100: "sqli", 941100: "xss", 932100: "rce", 930120: "lfi", 931100: "rfi", 933100: "php", 934100: "generic", 943100: "session-fixation",
		944100: "java", 920100: "protocol", 921110: "protocol", 922100: "multipart", 911100: "method", 913100: "scanner", 912100: "dos",
		949110: "score", 951100: "response-sql", 9507100: "plugin", 1: "custom", 200002: "custom", 10_000_000: "custom",
	} {
		if got := crs.Family(id); got != want {
			t.Errorf("%d is %s, want %s", id, got, want)
		}
	}
	for _, it := range load(t).Items {
		if it.Rule != nil && crs.Family(it.Rule.ID) == "custom" {
			t.Errorf("rule %d has no family", it.Rule.ID)
		}
	}
}

func BenchmarkParse(b *testing.B) {
	files, names := crs.Files(), crs.Names()
	b.ReportAllocs()
	for b.Loop() {
		if _, ps := seclang.Parse(files, names...); len(ps) > 0 {
			b.Fatal(fault.Problems(ps))
		}
	}
}
