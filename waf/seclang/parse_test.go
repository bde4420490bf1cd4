package seclang_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"skerry.dev/skerry/fault"
	"skerry.dev/skerry/waf/seclang"
)

// problems are one a line, without their fixes.
func problems(ps []fault.Problem) string {
	lines := make([]string, len(ps))
	for i, p := range ps {
		p.Fix = ""
		lines[i] = p.String()
	}
	return strings.Join(lines, "\n")
}

// parse reads rules that must be right.
func parse(t *testing.T, text string, fsys fstest.MapFS) *seclang.Set {
	t.Helper()
	set, ps := seclang.ParseText("r.conf", text, fsys)
	if len(ps) > 0 {
		t.Fatalf("%s\n%s", text, problems(ps))
	}
	return set
}

// show is a rule as one line, in an order of its own: what it looks at, how, and what it does.
func show(r *seclang.Rule) string {
	var b strings.Builder
	for i, l := range slices.Collect(r.Links()) {
		if i > 0 {
			b.WriteString(" → ")
		}
		for j, t := range l.Targets {
			b.WriteString(map[bool]string{false: "|", true: ""}[j == 0] + t.String())
		}
		fmt.Fprintf(&b, " %v@%v %q", map[bool]string{true: "!", false: ""}[l.Operator.Not], l.Operator.Op, l.Operator.Arg.String())
		if l.Operator.Phrases != nil {
			fmt.Fprintf(&b, "%q", l.Operator.Phrases)
		}
		if l.Transforms != nil {
			fmt.Fprintf(&b, " t%d", l.Transforms)
		}
		for _, a := range l.Actions {
			switch {
			case a.Set != nil:
				fmt.Fprintf(&b, " set%d(%v=%v)", a.Set.Op, a.Set.Name, a.Set.Value)
			case a.Ctl != nil:
				fmt.Fprintf(&b, " ctl%d(%v %v %v)", a.Ctl.Kind, a.Ctl.Ranges, a.Ctl.Value, a.Ctl.Target)
			}
		}
	}
	return strings.TrimSpace(b.String())
}

func TestRules(t *testing.T) {
	files := fstest.MapFS{
		"words.data": {Data: []byte("# a list\n\n  Foo bar \r\n#x\nbaz\n")},
		"nets.data":  {Data: []byte("192.0.2.1\n# one\n2001:db8::1/32\n")},
	}
	for _, c := range []struct{ in, want string }{
		{`SecRule ARGS "@rx a" "id:1"`, `ARGS @rx "a"`},
		{`SecRule ARGS "a b" "id:1"`, `ARGS @rx "a b"`},
		{`SecRule ARGS "!a" "id:1"`, `ARGS !@rx "a"`},
		{`SecRule ARGS "" "id:1"`, `ARGS @rx ""`},
		{`SecRule ARGS "!@eq 0" "id:1"`, `ARGS !@eq "0"`},
		{`secrule args "@EQ  7 " "ID:1"`, `ARGS @eq "7"`},
		{"SecRule\tARGS\ta\tid:1", `ARGS @rx "a"`},
		{`SecRule ARGS "@rx \"a\\\" \x5c" "id:1"`, `ARGS @rx "\"a\\\\\" \\x5c"`},
		{"SecRule ARGS \"@rx a\\\n   b\" \\\n  \"id:1\"", `ARGS @rx "ab"`},
		{"SecRule ARGS \"@rx a\" \\\n # a comment \\\n  \"id:1,\\\n\t\tt:none\"", `ARGS @rx "a"`},
		{"\ufeffSecRule ARGS \"@rx a\" \"id:1\"\r\n", `ARGS @rx "a"`},
		{`SecRule "ARGS|!ARGS:q , &TX:X" "@eq %{tx.A}" "id:1"`, `ARGS|!ARGS:q|&TX:x @eq "%{TX.a}"`},
		{`SecRule REQUEST_COOKIES:/^_A|b,\/c/|XML:/*|XML://@*|ARGS:'a|b,c d' "@contains x%{request_headers.Host}y" "id:1"`,
			`REQUEST_COOKIES:/^_A|b,\/c/|XML:/*|XML://@*|ARGS:'a|b,c d' @contains "x%{REQUEST_HEADERS.host}y"`},
		{`SecRule ARGS:'/a b|c/' "@within x" "id:1"`, `ARGS:/a b|c/ @within "x"`},
		{`SecRule ARGS "@pm a  b" "id:1"`, `ARGS @pm "a  b"["a" "b"]`},
		{`SecRule ARGS "@pmf words.data" "id:1"`, `ARGS @pmFromFile "words.data"["Foo bar" "baz"]`},
		{`SecRule REMOTE_ADDR "@ipMatch 10.1.2.3/8, ::1" "id:1"`, `REMOTE_ADDR @ipMatch "10.1.2.3/8, ::1"["10.0.0.0/8" "::1/128"]`},
		{`SecRule REMOTE_ADDR "@ipMatchF nets.data" "id:1"`, `REMOTE_ADDR @ipMatchFromFile "nets.data"["192.0.2.1/32" "2001:db8::/32"]`},
		{`SecRule ARGS "@validateByteRange 9, 10,32-126" "id:1"`, `ARGS @validateByteRange "9, 10,32-126"`},
		{`SecRule ARGS "@rx a{2}%{3}" "id:1"`, `ARGS @rx "a{2}%{3}"`},
		{`SecAction "id:1,setvar:tx.A=B%{tx.C},setvar:'tx.x_%{MATCHED_VAR_NAME}=+5',setvar:tx.y=-%{TX.z},setvar:!tx.q,setvar:tx.f"`,
			`@unconditionalMatch "" set0(a=B%{TX.c}) set1(x_%{MATCHED_VAR_NAME}=5) set2(y=%{TX.z}) set3(q=) set0(f=1)`},
		{`SecAction "id:1,setvar:'tx.a=b,c=d',msg:'it\'s, so',setvar:tx.e="`, `@unconditionalMatch "" set0(a=b,c=d) set0(e=)`},
		{`SecAction "id:1,ctl:ruleRemoveById=1-5,ctl:'ruleRemoveById=7,9-10',ctl:ruleRemoveTargetById=942100;ARGS:/^Q/,ctl:ruleRemoveTargetByTag=OWASP_CRS;REQUEST_FILENAME"`,
			`@unconditionalMatch "" ctl1([{1 5}]  ) ctl1([{7 7} {9 10}]  ) ctl4([{942100 942100}]  ARGS:/^Q/) ctl5([] OWASP_CRS REQUEST_FILENAME)`},
		{`SecAction "id:1,ctl:ruleEngine=DetectionOnly,ctl:requestBodyProcessor=URLENCODED,ctl:auditLogParts=+E,ctl:ruleRemoveByMsg='a b'"`,
			`@unconditionalMatch "" ctl0([] detectiononly ) ctl7([] urlencoded ) ctl11([] +E ) ctl3([] a b )`},
		{`SecAction "id:1,initcol:ip=%{REMOTE_ADDR}"`, `@unconditionalMatch ""`},
		{"SecRule ARGS \"@rx a\" \"id:1,phase:1,deny,chain\"\nSecRule TX:0 \"@rx b\" \"chain\"\nSecRule TX:1 \"c\"", `ARGS @rx "a" → TX:0 @rx "b" → TX:1 @rx "c"`},
	} {
		set := parse(t, c.in, files)
		if len(set.Items) != 1 {
			t.Fatalf("%s: %d items", c.in, len(set.Items))
		}
		if got := show(set.Items[0].Rule); got != c.want {
			t.Errorf("%s\n got %s\nwant %s", c.in, got, c.want)
		}
	}
}

// TestInheritance: what SecDefaultAction gives, what a rule says over it, and what block is.
func TestInheritance(t *testing.T) {
	const file = `SecDefaultAction "phase:1,nolog,deny,status:406,t:lowercase"
SecDefaultAction "phase:2,log,noauditlog,redirect:'https://%{request_headers.host}/no'"
SecAction "id:1,phase:1"
SecAction "id:2,phase:1,block,t:none,t:trim"
SecAction "id:3,phase:1,pass,log,t:trim"
SecAction "id:4,phase:1,drop,status:500,auditlog"
SecAction "id:5,block"
SecAction "id:6,phase:3"
SecAction "id:7,phase:response,block"
SecAction "id:8,phase:logging,deny,nolog"
SecAction "id:9,phase:1,allow"
SecAction "id:10,phase:1,allow:phase"
SecAction "id:11,phase:1,allow:request"
`
	want := []string{
		"1: phase 1 deny 406 log false audit false t1",
		"2: phase 1 deny 406 log false audit false t1",
		"3: phase 1 pass 406 log true audit true t2",
		"4: phase 1 drop 500 log false audit true t1",
		"5: phase 2 redirect 0 log true audit false t0",
		"6: phase 3 pass 0 log true audit true t0",
		"7: phase 4 pass 0 log true audit true t0",
		"8: phase 5 deny 0 log false audit false t0",
		"9: phase 1 allow 406 log false audit false t1",
		"10: phase 1 allowphase 406 log false audit false t1",
		"11: phase 1 allowrequest 406 log false audit false t1",
	}
	names := []string{"pass", "block", "deny", "drop", "redirect", "allow", "allowphase", "allowrequest"}
	for i, it := range parse(t, file, nil).Items {
		r := it.Rule
		got := fmt.Sprintf("%d: phase %d %s %d log %v audit %v t%d", r.ID, r.Phase, names[r.Disruptive], r.Status, r.Log, r.Audit, len(r.Transforms))
		if got != want[i] {
			t.Errorf("got %s, want %s", got, want[i])
		}
		if (r.Disruptive == seclang.DisruptiveRedirect) != (r.Redirect.String() == "https://%{REQUEST_HEADERS.host}/no") {
			t.Errorf("rule %d redirects to %q", r.ID, r.Redirect)
		}
	}
}

// TestMeta: what rules tell about themselves.
func TestMeta(t *testing.T) {
	r := parse(t, `SecRule ARGS "@rx a" "id:'200000', phase:2, capture,multiMatch, msg:'it\'s %{TX.0}, so: there',logdata:x,`+
		`tag:a,tag:'b/c',ver:'V/1',rev:2,severity:'critical',maturity:9,accuracy:1,skip:3,deny"`, nil).Items[0].Rule
	got := fmt.Sprintln(r.ID, r.Capture, r.MultiMatch, r.Msg, "|", r.LogData, r.Tags, r.Ver, r.Rev, r.Severity, r.Skip)
	if want := "200000 true true it's %{TX.0}, so: there | x [a b/c] V/1 2 2 3\n"; got != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
	if none := parse(t, `SecAction "id:1"`, nil).Items[0].Rule; none.Severity != -1 {
		t.Errorf("severity %d without any", none.Severity)
	}
}

// TestJumps: a marker may stand in a later file, and a rule's id will do.
func TestJumps(t *testing.T) {
	set := parse(t, `SecAction "id:1,skipAfter:'END'"
SecAction "id:2,skipAfter:3"
SecAction "id:3"
SecMarker "END"
SecMarker 4`, nil)
	if a, b := set.Items[0].Rule.SkipAfter, set.Items[1].Rule.SkipAfter; a != "END" || b != "id:3" {
		t.Errorf("skipAfter %q and %q", a, b)
	}
	if a, b := set.Items[3].Marker, set.Items[4].Marker; a != "END" || b != "4" {
		t.Errorf("markers %q and %q", a, b)
	}
	files := fstest.MapFS{"a": {Data: []byte(`SecAction "id:1,skipAfter:E"`)}, "b": {Data: []byte(`SecMarker E`)}}
	if _, ps := seclang.Parse(files, "a", "b"); ps != nil {
		t.Error(problems(ps))
	}
	if _, ps := seclang.Parse(files, "b", "a"); len(ps) != 1 || ps[0].File != "a" {
		t.Errorf("a jump backwards: %s", problems(ps))
	}
}

func TestEdits(t *testing.T) {
	set := parse(t, `SecComponentSignature "a"
SecComponentSignature "OWASP_CRS/4.25.0"
SecRuleEngine DetectionOnly
SecResponseBodyMimeType text/plain text/html
SecRuleRemoveById 942100 "942200-942299,942300"
SecRuleRemoveByTag attack-sqli
SecRuleRemoveByMsg "A (message)"
SecRuleUpdateTargetById 942100 942200-942299 "!ARGS:q|!REQUEST_COOKIES:/^_/"
SecRuleUpdateTargetByTag "attack-.*" ARGS_GET
SecRuleUpdateTargetByMsg "x y" "!ARGS"
SecRuleUpdateActionById 901450 "nolog"
SecRuleUpdateActionById 1-9 "deny,status:404,auditlog,t:none,t:trim,setvar:tx.a=1,severity:2,msg:m,tag:x,skipAfter:E"
`, nil)
	if set.Signature != "OWASP_CRS/4.25.0" || len(set.Settings) != 2 || set.Settings[1].Name != "SecResponseBodyMimeType" ||
		!slices.Equal(set.Settings[1].Args, []string{"text/plain", "text/html"}) || set.Settings[0].Pos.Line != 3 {
		t.Errorf("signature %q, settings %v", set.Signature, set.Settings)
	}
	want := []string{
		"0 [{942100 942100} {942200 942299} {942300 942300}]  []",
		"1 [] attack-sqli []",
		"2 [] A (message) []",
		"3 [{942100 942100} {942200 942299}]  [!ARGS:q !REQUEST_COOKIES:/^_/]",
		"4 [] attack-.* [ARGS_GET]",
		"5 [] x y [!ARGS]",
		"6 [{901450 901450}]  []",
		"6 [{1 9}]  []",
	}
	for i, e := range set.Edits {
		if got := fmt.Sprintln(e.Kind, e.Ranges, e.Pattern, e.Targets); i >= len(want) || strings.Join(strings.Fields(got), " ") != strings.Join(strings.Fields(want[i]), " ") {
			t.Errorf("edit %d: %s", i, got)
		}
	}
	u := set.Edits[6].Update
	if u.Disruptive != nil || u.Log == nil || *u.Log || u.Audit == nil || *u.Audit || u.Transforms != nil || u.Severity != -1 {
		t.Errorf("nolog became %+v", u)
	}
	u = set.Edits[7].Update
	if u.Disruptive == nil || *u.Disruptive != seclang.DisruptiveDeny || u.Status != 404 || u.Log != nil || u.Audit == nil || !*u.Audit ||
		u.Transforms == nil || len(*u.Transforms) != 1 || len(u.Actions) != 1 || u.Severity != 2 || u.Msg.String() != "m" ||
		!slices.Equal(u.Tags, []string{"x"}) || u.SkipAfter != "E" {
		t.Errorf("the update became %+v", u)
	}
}

func TestInclude(t *testing.T) {
	files := fstest.MapFS{
		"main.conf":        {Data: []byte("Include sub/*.conf\nIncludeOptional none/*.conf\nIncludeOptional none.conf\nSecAction \"id:9\"")},
		"sub/1.conf":       {Data: []byte(`SecRule ARGS "@pmFromFile data/x" "id:1"` + "\nInclude deep/3.conf")},
		"sub/2.conf":       {Data: []byte(`SecAction "id:2"`)},
		"sub/data/x":       {Data: []byte("one")},
		"sub/deep/3.conf":  {Data: []byte("Include \"../../other/4.conf\"")},
		"other/4.conf":     {Data: []byte(`SecRule ARGS "@pmFromFile ../sub/data/x" "id:4"`)},
		"cycle.conf":       {Data: []byte("SecAction \"id:5\"\nInclude cycle2.conf")},
		"cycle2.conf":      {Data: []byte("Include ./cycle.conf")},
		"out.conf":         {Data: []byte("Include ../x.conf\nInclude /etc/x.conf\nInclude none.conf\nInclude none*.conf\nInclude https://x/y")},
		"sub/pm.conf":      {Data: []byte("SecAction id:6")},
		"chain.conf":       {Data: []byte("SecAction \"id:7,chain\"\nInclude sub/2.conf")},
		"chain-across.con": {Data: []byte("SecAction \"id:8,chain\"")},
	}
	set, ps := seclang.Parse(files, "main.conf")
	if ps != nil {
		t.Fatal(problems(ps))
	}
	var ids []int
	for _, it := range set.Items {
		ids = append(ids, it.Rule.ID)
	}
	if want := []int{1, 4, 2, 6, 9}; !slices.Equal(ids, want) || set.Items[1].Rule.Pos.File != "other/4.conf" {
		t.Errorf("ids %v, want %v", ids, want)
	}
	for _, c := range []struct{ file, want string }{
		{"cycle.conf", "cycle2.conf:1:9: the files include each other: cycle.conf → cycle2.conf → cycle.conf"},
		{"out.conf", "out.conf:1:9: the path leads out of the folder of rules: \"../x.conf\"\n" +
			"out.conf:2:9: a path within the folder of rules is wanted, not \"/etc/x.conf\"\n" +
			"out.conf:3:9: cannot read \"none.conf\": file does not exist\n" +
			"out.conf:4:9: no file matches \"none*.conf\"\n" +
			"out.conf:5:9: rules and lists are not fetched from other servers: \"https://x/y\""},
		{"chain.conf", "chain.conf:1:1: the chain of rule 7 does not end: this rule has the action chain, and no rule follows"},
		{"chain-across.con", "chain-across.con:1:1: the chain of rule 8 does not end: this rule has the action chain, and no rule follows"},
		{"nothing", "nothing: cannot read \"nothing\": file does not exist"},
	} {
		set, ps := seclang.Parse(files, c.file)
		if got := problems(ps); got != c.want || set != nil {
			t.Errorf("%s\n got %s\nwant %s", c.file, got, c.want)
		}
	}
}

// TestNames: every variable and operator has a name that finds it again.
func TestNames(t *testing.T) {
	for v := seclang.VarNone + 1; v < seclang.VarCount; v++ {
		if got, ok := seclang.LookupVariable(strings.ToLower(v.String())); !ok || got != v || v.String() == "" {
			t.Errorf("variable %d is %q", v, v)
		}
	}
	for op := seclang.OpNone + 1; op <= seclang.OpWithin; op++ {
		if op.String() == "" {
			t.Errorf("operator %d has no name", op)
		}
	}
	if _, ok := seclang.LookupVariable(""); ok || seclang.VarNone.String() != "" || seclang.Variable(255).String() != "" || seclang.Op(255).String() != "" {
		t.Error("no variable, and it has a name")
	}
}
