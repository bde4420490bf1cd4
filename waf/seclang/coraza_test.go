package seclang_test

import (
	"fmt"
	"testing"
	"testing/fstest"

	"github.com/corazawaf/coraza/v3"

	"skerry.dev/skerry/waf/seclang"
)

// TestCoraza: Coraza takes and refuses the same small configurations, but for those with a reason.
func TestCoraza(t *testing.T) {
	files := fstest.MapFS{"words": {Data: []byte("a\nb\n")}, "more.conf": {Data: []byte(`SecAction "id:90"`)}}
	for _, c := range []struct {
		in   string
		ours bool   // we take it
		why  string // Coraza does the opposite, because
	}{
		// both take
		{"SecRule ARGS \"@rx a\" \"id:1\"", true, ""},
		{"SecRule ARGS|!ARGS:q|&TX:x|REQUEST_COOKIES:/^_(a|b)/|XML:/* \"!@streq %{tx.a}\" \"id:1,phase:2,deny,status:403,t:none,t:lowercase\"", true, ""},
		{"SecRule REQUEST_HEADERS:User-Agent \"a\\\"b\" \\\n  # comment\n  \"id:1,\\\n  pass\"", true, ""},
		{"SecRule ARGS \"@pmFromFile words\" \"id:1\"\nInclude more.conf", true, ""},
		{"SecAction \"id:'1',msg:'a, b: c',logdata:'%{MATCHED_VAR}',severity:CRITICAL,tag:x,ver:1,rev:2,maturity:1,accuracy:2\"", true, ""},
		{"SecAction \"id:1,setvar:tx.a=1,setvar:'tx.a=+%{tx.b}',setvar:!tx.a,setvar:'TX.x_%{MATCHED_VAR_NAME}=-1'\"", true, ""},
		{"SecAction \"id:1,ctl:ruleRemoveById=1-5,ctl:ruleRemoveTargetByTag=x;ARGS:/^a/,ctl:ruleEngine=Off,ctl:requestBodyProcessor=XML\"", true, ""},
		{"SecRule ARGS \"a\" \"id:1,chain\"\nSecRule TX:0 \"b\" \"chain\"\nSecRule TX:1 \"c\" \"setvar:tx.a=1\"", true, ""},
		{"SecDefaultAction \"phase:1,deny,status:404,nolog\"\nSecAction \"id:1,phase:1,block\"", true, ""},
		{"SecAction \"id:1,skipAfter:E\"\nSecMarker \"E\"\nSecRuleRemoveById 5-6 7\nSecRuleRemoveByTag x", true, ""},
		{"SecAction \"id:1\"\nSecRuleUpdateTargetById 1 \"!ARGS:q\"\nSecRuleUpdateActionById 1 \"nolog,deny\"\nSecRuleUpdateTargetByTag x \"!ARGS\"", true, ""},
		{"SecRuleEngine On\nSecRequestBodyAccess On\nSecRequestBodyLimit 100\nSecComponentSignature \"x\"", true, ""},
		{"SecRule REMOTE_ADDR \"@ipMatch 10.0.0.0/8,::1\" \"id:1\"\nSecRule ARGS \"@validateByteRange 1-5,9\" \"id:2\"", true, ""},
		{"SecAction \"id:1,phase:request,allow:phase\"\nSecAction \"id:2,phase:logging,allow\"", true, ""},
		{"SecRule ARGS \"@detectSQLi\" \"id:1,capture,multiMatch,redirect:/x\"", true, ""},
		{"SecRule ARGS \"!a\" \"id:1,initcol:ip=%{REMOTE_ADDR}\"", true, ""},
		{"secrule args \"@rx a\" \"ID:1,T:LOWERCASE\"", true, ""},
		// both refuse
		{"SecRul ARGS \"a\" \"id:1\"", false, ""},
		{"SecRule ARG \"a\" \"id:1\"", false, ""},
		{"SecRule REQUEST_URI:x \"a\" \"id:1\"", false, ""},
		{"SecRule ARGS \"@rxx a\" \"id:1\"", false, ""},
		{"SecRule ARGS \"@rx (a\" \"id:1\"", false, ""},
		{"SecRule ARGS \"@rx a(?=b)\" \"id:1\"", false, ""},
		{"SecRule ARGS:/(/ \"a\" \"id:1\"", false, ""},
		{"SecRule ARGS \"@streq %{nothing.a}\" \"id:1\"", false, ""},
		{"SecRule ARGS \"@streq %{tx.a\" \"id:1\"", false, ""},
		{"SecRule ARGS \"@pmFromFile none\" \"id:1\"", false, ""},
		{"SecRule ARGS \"@validateByteRange 256\" \"id:1\"", false, ""},
		{"SecRule ARGS \"a", false, ""},
		{"SecRule ARGS", false, ""},
		{"SecAction \"id:1,pas\"", false, ""},
		{"SecAction \"id:1,t:lowerCas\"", false, ""},
		{"SecAction \"id:1,,pass\"", false, ""},
		{"SecAction \"id:1\"\nSecAction \"id:1\"", false, ""},
		{"SecAction \"id:0\"", false, ""},
		{"SecAction \"id:1,phase:6\"", false, ""},
		{"SecAction \"id:1,severity:9\"", false, ""},
		{"SecAction \"id:1,setvar:ip.a=1\"", false, ""},
		{"SecAction \"id:1,ctl:nothing=1\"", false, ""},
		{"SecAction \"id:1,chain\"\nSecAction \"deny\"", false, ""},
		{"SecAction \"id:1,allow:x\"", false, ""},
		{"SecAction \"id:1,skip:0\"", false, ""},
		{"SecAction \"id:1,deny:x,msg:'a'\"\nInclude none.conf", false, ""},
		{"SecDefaultAction \"phase:1\"\nSecAction \"id:1\"", false, ""},
		{"SecDefaultAction \"pass\"\nSecAction \"id:1\"", false, ""},
		{"SecDefaultAction \"phase:1,pass\"\nSecDefaultAction \"phase:1,deny\"\nSecAction \"id:1\"", false, ""},
		{"SecRuleRemoveById x", false, ""},
		{"SecRuleRemoveById 9-1", false, ""},
		// we take, Coraza does not
		{"SecRule\tARGS\t\"a\"\t\"id:1\"", true, "it knows no tab between words; ModSecurity does"},
		{"SecRule ARGS,TX:a \"a\" \"id:1\"", true, "it has the comma in the name; for ModSecurity it is a separator"},
		{"SecRule \"ARGS|TX:a\" \"a\" \"id:1\"", true, "it does not take quotes from targets; Apache does"},
		{"SecRule ARGS a id:1", true, "it wants quotes around every operator; ModSecurity does not"},
		{"SecRule ARGS:'a|b' \"a\" \"id:1\"", true, "it has quotes around patterns only"},
		{"SecRule ARGS \"@RX a\" \"id:1\"", true, "its operators have a case; ModSecurity's do not"},
		{"SecDefaultAction \"phase:1,pass,t:lowercase\"\nSecAction \"id:1,phase:1\"", true, "it refuses what ModSecurity inherits"},
		{"SecRuleUpdateTargetById 7 \"!ARGS:q\"", true, "it wants the rule before; we apply changes to all rules at the end, and those of an overlay to rules of another set"},
		{"SecAction \"id:1,setvar:tx.a=\"", true, "an empty value has a plain meaning"},
		{"IncludeOptional none/*.conf", true, "it does not know Apache's directive"},
		// we refuse, Coraza does not
		{"SecAction \"phase:1\"", false, "ModSecurity has refused rules without id since 2.7, and exclusions name rules by id"},
		{"SecRule ARGS \\\n\n\"a\" \"id:1\"", false, "an empty line ends the directive for Apache"},
		{"# a \\\nSecAction \"id:1\"", false, "the line is comment for ModSecurity"},
		{"SecAction \"id:1\"\nSecAction \\", false, "it forgets the directive"},
		{"SecAction \"id:1,msg:'a\"", false, "it warns"},
		{"SecAction \"id:1,deny,pass\"", false, "the last wins"},
		{"SecAction \"id:1,chain\"", false, "the rule waits for its link for ever, and never matches"},
		{"SecAction \"id:1,chain\"\nSecAction \"phase:1\"", false, "it forgets the link's phase"},
		{"SecAction \"id:1,skipAfter:NONE\"", false, "all that follows in the phase would be skipped"},
		{"SecMarker E\nSecAction \"id:1,skipAfter:E\"", false, "all that follows in the phase would be skipped"},
		{"SecRule !ARGS \"a\" \"id:1\"", false, "the rule looks at nothing"},
		{"SecRule ARGS \"@rx %{tx.a}\" \"id:1\"", false, "it reads the macro as letters"},
		{"SecRule ARGS \" @rx a\" \"id:1\"", false, "it reads the operator as part of a pattern"},
		{"SecRule ARGS \"@eq x\" \"id:1\"", false, "it compares with 0"},
		{"SecRule REMOTE_ADDR \"@ipMatch 10.0.0.300\" \"id:1\"", false, "it leaves the address out"},
		{"SecRule IP:x \"a\" \"id:1\"", false, ""},
		{"SecRule ARGS \"@rbl x.example\" \"id:1\"", false, "not offered"},
		{"SecAction \"id:1,exec:/bin/x\"", false, ""},
		{"SecAction \"id:1,setenv:A=b\"", false, "not offered"},
		{"SecAction \"id:1,expirevar:tx.a=1\"", false, "not offered"},
		{"SecAction \"id:1,ctl:requestBodyLimit=1\"", false, "not offered"},
		{"SecAction \"id:1,ctl:ruleEngine=Offf\"", false, "it finds out when a request comes"},
		{"SecAction \"id:1,ctl:ruleRemoveById=x\"", false, "it finds out when a request comes"},
		{"SecAction \"id:1,ctl:ruleRemoveTargetById=1;ARG\"", false, "it takes away nothing"},
		{"SecAction \"id:1,setvar:tx.a=+b\"", false, "it sets the text +b"},
		{"SecAction \"id:1,status:99\"", false, "no status"},
		{"SecDefaultAction \"phase:1,pass,capture\"", false, "not what a default is for"},
		{"SecRuleScript x.lua", false, "it passes over it"},
		{"SecIgnoreRuleCompilationErrors On", false, "not offered"},
		{"Include none*.conf", false, "it warns"},
	} {
		_, ps := seclang.ParseText("r.conf", c.in, files)
		_, err := coraza.NewWAF(coraza.NewWAFConfig().WithRootFS(files).WithDirectives(c.in))
		theirs := err == nil
		if ours := len(ps) == 0; ours != c.ours || theirs != (c.ours == (c.why == "")) {
			t.Errorf("%s\nours: %v %s\nCoraza: %v %s\nwant %v, differs: %q", c.in, ours, problems(ps), theirs, fmt.Sprint(err), c.ours, c.why)
		}
	}
}
