package seclang_test

import (
	"strings"
	"testing"
	"testing/fstest"

	"skerry.dev/skerry/waf/seclang"
)

// FuzzParse: no text makes the parser panic or run on, every place it names is within the text, and there is either a Set or a problem.
func FuzzParse(f *testing.F) {
	for _, s := range []string{
		"SecRule ARGS|!ARGS:q|&TX:/x/ \"!@rx a\\\"b\" \\\n  \"id:1,phase:2,block,t:none,t:lowercase,msg:'it\\'s %{TX.0}',setvar:'tx.a=+%{tx.b}',chain\"\nSecRule XML:/* \"@pmFromFile x\"",
		"SecDefaultAction \"phase:1,log,deny,status:403\"\nSecAction \"id:1,ctl:ruleRemoveTargetById=1-5;ARGS:'a,b',skipAfter:E\"\nSecMarker E",
		"SecRuleUpdateTargetById 1 2-3 \"!REQUEST_COOKIES:/^_ga(?:_\\w+)?$/\"\nSecRuleUpdateActionById 1 \"nolog\"\nInclude x",
		"# comment \\\nSecRuleEngine On\nSecDataset x `\n`\nSecAction 'id:1'",
	} {
		f.Add(s)
	}
	files := fstest.MapFS{"x": {Data: []byte("a\nb\n")}, "f.conf": {Data: []byte("Include f.conf")}}
	f.Fuzz(func(t *testing.T, text string) {
		lines := strings.Split(strings.TrimPrefix(text, "\ufeff"), "\n")
		set, ps := seclang.ParseText("r.conf", text, files)
		if (set == nil) == (len(ps) == 0) {
			t.Fatalf("a set %v and %d problems", set != nil, len(ps))
		}
		for _, p := range ps {
			if p.File == "x" || p.File == "f.conf" {
				continue
			}
			if p.Text == "" || p.File != "r.conf" || p.Line < 1 || p.Line > len(lines) || p.Col < 1 || p.Col > len(lines[p.Line-1])+1 {
				t.Fatalf("a problem outside of the text: %s", p)
			}
		}
		if set == nil {
			return
		}
		for _, it := range set.Items {
			if it.Rule == nil {
				continue
			}
			for r := range it.Rule.Links() {
				roundTrip(t, r.Targets)
			}
		}
	})
}

// FuzzParseTarget: what is read can be written and read again.
func FuzzParseTarget(f *testing.F) {
	for _, s := range []string{"ARGS:q", "!REQUEST_COOKIES:/^_pk|a/b/", "&TX:'a\\'b\\\\'", "XML:/*", "ARGS:'/a|b/'"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if tg, err := seclang.ParseTarget(s); err == nil {
			roundTrip(t, []seclang.Target{tg})
		} else if err.Error() == "" {
			t.Fatal("an error that says nothing")
		}
	})
}

func roundTrip(t *testing.T, targets []seclang.Target) {
	t.Helper()
	for _, tg := range targets {
		again, err := seclang.ParseTarget(tg.String())
		if err != nil || again.String() != tg.String() {
			t.Fatalf("%+v is written %q and read as %+v, %v", tg, tg, again, err)
		}
	}
}
