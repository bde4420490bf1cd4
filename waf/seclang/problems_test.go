package seclang_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/fstest"

	"skerry.dev/skerry/waf/seclang"
)

// TestProblems: what is wrong, at which line and column, and what was meant.
func TestProblems(t *testing.T) {
	files := fstest.MapFS{
		"empty": {Data: []byte("# nothing\n")}, "nets": {Data: []byte("192.0.2.1\nnonsense\n")},
	}
	for _, c := range []struct{ in, want string }{
		// lines and words
		{"SecRule ARGS \\\n", "1:14 the file ends"},
		{"SecRule ARGS \\\n\n\"@rx a\" \"id:1\"", "1:14 an empty line within a directive|3:1 unknown directive"},
		{"# SecAction \\\nSecAction \"id:1\"", "2:1 the comment before this line ends in a backslash"},
		{`SecRule ARGS "@rx a`, "1:14 the quote that begins here is not closed"},
		{`SecRule ARGS "@rx a"x "id:1"`, "1:21 text directly after a closing quote"},
		{`SecRule ARGS:'a b "@rx a"`, "1:14 the key's quote is not closed"},
		{`SecRule ARGS "@rx a" "id:1" more`, "1:29 text behind the actions of SecRule"},
		{`SecRule ARGS`, "1:1 SecRule has targets, an operator and actions; this one lacks the operator|1:1 the rule has no id"},
		{`SecRule`, "1:1 SecRule has targets, an operator and actions; this one lacks all|1:1 the rule has no id"},
		{`SecAction`, "1:1 SecAction has one word"},
		{`SecAction "id:1" "id:2"`, "1:1 SecAction has one word"},
		// directives
		{`SecRul ARGS "a" "id:1"`, `1:1 unknown directive "SecRul" (did you mean SecRule?)`},
		{`SecRuleEngin On`, `1:1 unknown directive "SecRuleEngin" (did you mean SecRuleEngine?)`},
		{`  <IfModule mod_security2.c>`, "1:3 sections of Apache are not SecLang"},
		{`SecRuleScript x.lua`, "1:1 the directive SecRuleScript is not offered: it runs a program"},
		{"SecDataset x `\n1.2.3.4\n`\nSecAction \"id:1\"", "1:1 the directive SecDataset is not offered"},
		{`SecRuleEngine`, "1:1 SecRuleEngine has no value"},
		{`SecMarker`, "1:1 SecMarker has one word"},
		{`SecIgnoreRuleCompilationErrors On`, "1:1 the directive SecIgnoreRuleCompilationErrors is not offered"},
		// targets
		{`SecRule ARG "a" "id:1"`, `1:9 unknown variable "ARG" (did you mean ARGS?)`},
		{`SecRule ARGS|REQUEST_HEADER:x "a" "id:1"`, `1:14 unknown variable "REQUEST_HEADER" (did you mean REQUEST_HEADERS?)`},
		{`SecRule IP:x "a" "id:1"`, "1:9 the variable IP is not offered: collections that outlive"},
		{`SecRule ARGS| "a" "id:1"`, "1:14 a target is empty"},
		{`SecRule ARGS:|TX:a "a" "id:1"`, "1:14 the key is empty"},
		{`SecRule ARGS:'' "a" "id:1"`, "1:15 the key is empty"},
		{`SecRule ARGS:// "a" "id:1"`, "1:15 the key's pattern is empty"},
		{`SecRule ARGS:/a "a" "id:1"`, "1:14 the key's pattern is not closed"},
		{`SecRule ARGS:/a/b/ "a" "id:1"`, "1:17 text behind the key's end"},
		{`SecRule TX:a|ARGS:/(a/ "a" "id:1"`, `1:20 the pattern does not compile: "missing closing ): (a"`},
		{`SecRule REQUEST_URI:x "a" "id:1"`, "1:21 REQUEST_URI has no keys"},
		{`SecRule !&ARGS "a" "id:1"`, "1:9 a target is either counted"},
		{`SecRule !ARGS:q "a" "id:1"`, "1:9 the rule looks at nothing"},
		{`SecRule XML:/a/b "a" "id:1"`, "1:13 the path \"/a/b\" of XML is not offered"},
		// operators
		{`SecRule ARGS "@rxx a" "id:1"`, `1:16 unknown operator "@rxx" (did you mean rx?)`},
		{`SecRule ARGS "!@rbl a" "id:1"`, "1:17 the operator @rbl is not offered: it asks another server"},
		{`SecRule ARGS " @rx a" "id:1"`, "1:16 white space before @"},
		{`SecRule ARGS "! @rx a" "id:1"`, "1:17 white space before @"},
		{`SecRule ARGS "@rx a(b" "id:1"`, `1:19 the pattern does not compile: "missing closing ): a(b"`},
		{`SecRule ARGS "@rx \"a(?=b)" "id:1"`, "1:22 the pattern does not compile"},
		{"SecRule ARGS \"@rx a\\\n  b(?<!c)\" \"id:1\"", "2:4 the pattern does not compile"},
		{`SecRule ARGS "@rx %{tx.a}" "id:1"`, "1:19 a pattern has no macros: %{tx.a}"},
		{`SecRule ARGS "@eq x" "id:1"`, "1:19 @eq compares whole numbers"},
		{`SecRule ARGS "@eq" "id:1"`, "1:18 @eq has no argument"},
		{`SecRule ARGS "@detectSQLi x" "id:1"`, "1:27 @detectSQLi takes no argument"},
		{`SecRule ARGS "@streq %{tx.a" "id:1"`, "1:22 the macro that begins here is not closed"},
		{`SecRule ARGS "@streq a%{txx.a}" "id:1"`, `1:25 unknown variable "txx" in a macro (did you mean TX?)`},
		{`SecRule ARGS "@streq %{tx:a}" "id:1"`, "1:24 a macro's key stands behind a dot"},
		{`SecRule ARGS "@streq %{remote_addr.x}" "id:1"`, "1:36 REMOTE_ADDR has no keys"},
		{`SecRule ARGS "@streq %{tx.}" "id:1"`, "1:27 a macro's key is empty"},
		{`SecRule ARGS "@pm a b|41|" "id:1"`, "1:21 bytes in hex between bars"},
		{`SecRule ARGS "@pmFromFile none" "id:1"`, `1:27 cannot read "none": file does not exist`},
		{`SecRule ARGS "@pmFromFile empty" "id:1"`, `1:27 the file "empty" has no phrase`},
		{`SecRule ARGS "@pmFromFile ../x" "id:1"`, "1:27 the path leads out of the folder"},
		{`SecRule REMOTE_ADDR "@ipMatch 1.2.3.4,1.2.3" "id:1"`, `1:39 "1.2.3" is neither an address nor a prefix`},
		{`SecRule REMOTE_ADDR "@ipMatch fe80::1%eth0" "id:1"`, "1:31 \"fe80::1%eth0\" is neither"},
		{`SecRule REMOTE_ADDR "@ipMatchFromFile nets" "id:1"`, `1:39 "nonsense" is neither an address`},
		{`SecRule ARGS "@validateByteRange 1-256" "id:1"`, `1:34 "1-256" is neither a byte`},
		{`SecRule ARGS "@validateByteRange 1,9-3" "id:1"`, `1:36 "9-3" is neither a byte`},
		// actions
		{`SecAction "phase:1"`, "1:1 the rule has no id"},
		{`SecAction "id:0"`, `1:15 an id is a whole number from 1, not "0"`},
		{"SecAction id:7\nSecAction \"t:none,id:7\"", "2:22 the id 7 is taken by the rule at r.conf:1:14"},
		{`SecAction "id:1,phase:6"`, `1:23 a phase is 1 to 5`},
		{`SecAction "id:1,phase:reqest"`, `1:23 a phase is 1 to 5, request (2), response (4) or logging (5), not "reqest" (did you mean request?)`},
		{`SecAction "id:1,pas"`, `1:17 unknown action "pas" (did you mean pass?)`},
		{`SecAction "id:1,,pass"`, "1:17 an action is missing"},
		{`SecAction "id:1,exec:/bin/x"`, "1:17 the action exec is not offered"},
		{`SecAction "id:1,msg:'a"`, "1:21 the quote that begins here is not closed"},
		{`SecAction "id:1,msg:'a'b"`, "1:24 text behind a closing quote"},
		{`SecAction "id:1,deny,pass"`, "1:22 a second disruptive action"},
		{`SecAction "id:1,id:2"`, "1:17 a second id"},
		{`SecAction "id:1,deny:x"`, "1:22 the action deny has no value"},
		{`SecAction "id:1,tag"`, "1:17 the action tag has no value"},
		{`SecAction "id:1,t:lowerCas"`, `1:19 unknown transformation "lowerCas" (did you mean lowercase?)`},
		{`SecAction "id:1,status:99"`, "1:24 a status is a number from 200 to 599"},
		{`SecAction "id:1,severity:CRITCAL"`, `1:26 a severity is 0 to 7 or a name, not "CRITCAL" (did you mean CRITICAL?)`},
		{`SecAction "id:1,skip:0"`, "1:22 skip is followed by"},
		{`SecAction "id:1,allow:all"`, "1:23 allow is for"},
		{`SecAction "id:1,skipAfter:END"` + "\nSecMarker ENDE", `1:27 skipAfter names a marker that is in none of the files: "END" (did you mean ENDE?)`},
		{`SecAction "id:1,maturity:10"`, "1:26 maturity is a number from 1 to 9"},
		// setvar
		{`SecAction "id:1,setvar:ip.a=1"`, "1:24 setvar on ip is not offered"},
		{`SecAction "id:1,setvar:foo.a=1"`, "1:24 setvar sets variables of TX"},
		{`SecAction "id:1,setvar:tx=1"`, "1:24 setvar lacks the variable's name"},
		{`SecAction "id:1,setvar:'!tx.a=1'"`, "1:31 setvar both removes and sets"},
		{`SecAction "id:1,setvar:tx.a=+b"`, "1:29 setvar adds and subtracts whole numbers"},
		{`SecAction "id:1,initcol:ip"`, "1:25 initcol is written"},
		{`SecAction "id:1,initcol:ips=1"`, `1:25 unknown collection "ips" (did you mean ip?)`},
		// ctl
		{`SecAction "id:1,ctl:ruleEngine"`, "1:21 ctl is written"},
		{`SecAction "id:1,ctl:ruleEngin=On"`, `1:21 unknown ctl "ruleEngin" (did you mean ruleEngine?)`},
		{`SecAction "id:1,ctl:ruleEngine=Offf"`, "1:32 ctl:ruleEngine is one of on, off, detectiononly"},
		{`SecAction "id:1,ctl:requestBodyLimit=1"`, "1:21 ctl:requestBodyLimit is not offered: the limit of bodies is the spec's waf.bodyBytesMax"},
		{`SecAction "id:1,ctl:ruleRemoveById=9-1"`, "1:36 the range 9-1 goes backwards"},
		{`SecAction "id:1,ctl:ruleRemoveTargetById=1"`, "1:42 ctl:ruleRemoveTargetById is written with a target"},
		{`SecAction "id:1,ctl:ruleRemoveTargetById=1;!ARGS:a"`, "1:44 the target of a ctl is neither"},
		{`SecAction "id:1,ctl:ruleRemoveTargetById=1;ARGS:/a"`, "1:49 the key's pattern is not closed"},
		{`SecAction "id:1,ctl:ruleRemoveTargetByTag=;ARGS"`, "1:43 ctl:ruleRemoveTargetByTag has no value"},
		{`SecAction "id:1,ctl:ruleRemoveByTag=%{tx.a}"`, "1:37 ctl has no macros"},
	} {
		check(t, c.in, c.want, files)
	}
}

// TestProblemsOfOrder: chains, defaults and changes of rules.
func TestProblemsOfOrder(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"SecAction \"id:1,chain\"\nSecMarker x", "1:1 the chain of rule 1 does not end"},
		{"SecAction \"id:1,chain\"\nSecAction \"t:none,id:2\"", "2:19 the action id belongs to the first rule of the chain (id 1)"},
		{"SecAction \"id:1,chain\"\nSecAction \"deny\"", "2:12 the action deny belongs to the first rule"},
		{"SecAction \"id:1,chain\"\nSecAction \"phase:1\"", "2:12 the action phase belongs to the first rule"},
		{"SecAction \"id:1,chain\"\nSecAction \"skipAfter:x\"", "2:12 the action skipAfter belongs to the first rule"},
		{"SecAction \"id:1,chain\"\nSecRule ARGS \"a\nSecAction \"id:2\"", "2:14 the quote that begins here is not closed"},
		{`SecDefaultAction "log,pass"`, "1:19 SecDefaultAction lacks a phase"},
		{`SecDefaultAction "phase:1,log"`, "1:19 SecDefaultAction lacks a disruptive action"},
		{`SecDefaultAction "phase:1,block"`, "1:27 SecDefaultAction cannot have the action block|1:19 SecDefaultAction lacks a disruptive action"},
		{`SecDefaultAction "phase:1,pass,tag:x"`, "1:32 SecDefaultAction cannot have the action tag"},
		{"SecDefaultAction \"phase:1,pass\"\nSecDefaultAction \"phase:1,deny\"", "2:1 a second SecDefaultAction for phase 1; the first is at r.conf:1:1"},
		{`SecRuleRemoveById`, "1:1 SecRuleRemoveById names no rule"},
		{`SecRuleRemoveById 1 x-2`, `1:21 "x-2" is neither a rule id nor a range`},
		{`SecRuleRemoveById -5`, `1:19 "-5" is neither a rule id nor a range`},
		{`SecRuleRemoveById ""`, `1:20 a rule id is missing`},
		{`SecRuleRemoveByTag a b`, "1:1 SecRuleRemoveByTag has one pattern"},
		{`SecRuleRemoveByMsg "("`, "1:21 the pattern does not compile"},
		{`SecRuleRemoveByTag ""`, "1:21 the pattern is empty"},
		{`SecRuleUpdateTargetById 1`, "1:1 SecRuleUpdateTargetById has rule ids and targets"},
		{`SecRuleUpdateTargetById 1 "ARGS" "TX"`, "1:35 replacing one target by another is not offered"},
		{`SecRuleUpdateTargetById 1 "!ARG:x"`, `1:29 unknown variable "ARG" (did you mean ARGS?)`},
		{`SecRuleUpdateTargetByTag a`, "1:1 SecRuleUpdateTargetByTag has a pattern and targets"},
		{`SecRuleUpdateActionById 1 "id:2"`, "1:28 SecRuleUpdateActionById cannot change id"},
		{`SecRuleUpdateActionById 1 "block"`, "1:28 block depends on a rule's phase"},
		{`SecRuleUpdateActionById 1:1 "deny"`, `1:25 "1:1" is neither a rule id`},
		{`SecRuleUpdateActionById 1`, "1:1 SecRuleUpdateActionById has rule ids and actions"},
	} {
		check(t, c.in, c.want, nil)
	}
}

// check parses rules that are wrong. want is "line:column begin of the text", one for each problem, between bars.
func check(t *testing.T, in, want string, files fstest.MapFS) {
	t.Helper()
	set, ps := seclang.ParseText("r.conf", in, files)
	var got []string
	for _, p := range ps {
		text := p.Text
		if p.Fix != "" {
			text += " (" + p.Fix + ")"
		}
		got = append(got, fmt.Sprintf("%d:%d %s", p.Line, p.Col, text))
	}
	wants := strings.Split(want, "|")
	ok := set == nil && len(got) == len(wants)
	for i := range wants {
		ok = ok && strings.HasPrefix(got[i], wants[i])
	}
	if !ok {
		t.Errorf("%s\n got %s\nwant %s", in, strings.Join(got, "\n     "), want)
	}
}

// TestLimits: each limit is told by its name, and the parser stops.
func TestLimits(t *testing.T) {
	deep := fstest.MapFS{}
	for i := range 20 {
		deep[fmt.Sprintf("%d", i)] = &fstest.MapFile{Data: fmt.Appendf(nil, "Include %d", i+1)}
	}
	big := strings.Repeat("#", 5<<20)
	for _, c := range []struct {
		name  string
		files fstest.MapFS
		main  string
	}{
		{"includeDepthMax", deep, "Include 0"},
		{"fileBytesMax", fstest.MapFS{"big": {Data: []byte(big)}}, "Include big"},
		{"fileBytesMax", nil, big},
		{"dataBytesMax", fstest.MapFS{"big": {Data: []byte(strings.Repeat(big, 4))}}, `SecRule ARGS "@pmFromFile big" "id:1"`},
		{"phrasesMax", fstest.MapFS{"l": {Data: []byte(strings.Repeat("a\n", 1<<20+1))}}, `SecRule ARGS "@pmFromFile l" "id:1"`},
		{"phrasesMax", fstest.MapFS{"l": {Data: []byte(strings.Repeat("a\n", 1<<18))}}, `SecRule ARGS "@pmFromFile l l l l l" "id:1"`},
		{"patternBytesMax", nil, `SecRule ARGS "@rx ` + strings.Repeat("a", 65<<10) + `" "id:1"`},
		{"rulesMax", nil, numbered("SecAction \"id:%d\"\n", 20_001)},
		{"editsMax", nil, numbered("SecRuleRemoveById %d\n", 20_001)},
		{"chainMax", nil, "SecAction \"id:1,chain\"\n" + strings.Repeat("SecAction \"chain\"\n", 64) + "SecAction \"t:none\""},
		{"setBytesMax", fstest.MapFS{"e": {Data: []byte(big[:4<<20])}}, strings.Repeat("Include e\n", 17)},
		{"filesMax", fstest.MapFS{"e": {Data: nil}}, strings.Repeat("Include e\n", 1025)},
	} {
		set, ps := seclang.ParseText("r.conf", c.main, c.files)
		if set != nil || len(ps) == 0 || !strings.Contains(ps[0].Text, c.name) {
			t.Errorf("%s: %s", c.name, problems(ps))
		}
	}
	if _, ps := seclang.ParseText("r.conf", strings.Repeat("x\n", 10_000), nil); len(ps) != 201 || !strings.HasPrefix(ps[200].Text, "more than 200") {
		t.Errorf("%d problems", len(ps))
	}
}

func numbered(format string, n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, format, i+1)
	}
	return b.String()
}
