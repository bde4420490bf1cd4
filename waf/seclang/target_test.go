package seclang_test

import (
	"slices"
	"strings"
	"testing"

	"skerry.dev/skerry/waf/seclang"
)

func TestParseTarget(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"ARGS", "ARGS"},
		{" args:Q ", "ARGS:q"},
		{"!REQUEST_COOKIES:/_pk_/", "!REQUEST_COOKIES:/_pk_/"},
		{"&TX:x", "&TX:x"},
		{"XML:/*", "XML:/*"},
		{"!XML://@*", "!XML://@*"},
		{"ARGS:/a/b/", `ARGS:/a\/b/`},
		{`ARGS:/a\/b|c,d/`, `ARGS:/a\/b|c,d/`},
		{"ARGS:'a,B'", "ARGS:'a,b'"},
		{`ARGS:'it\'s \\'`, `ARGS:'it\'s \\'`},
		{"ARGS:'/a'", "ARGS:'/a'"},
		{"ARGS:json.items.0.name", "ARGS:json.items.0.name"},
		{"ARGS:a[]", "ARGS:a[]"},
		{"ARGS:\xff\xc3\x84", "ARGS:\xff\xc3\x84"},
	} {
		got, err := seclang.ParseTarget(c.in)
		if err != nil || got.String() != c.want {
			t.Errorf("%s became %s, %v; want %s", c.in, got, err, c.want)
			continue
		}
		if again, err := seclang.ParseTarget(got.String()); err != nil || again.String() != c.want {
			t.Errorf("%s became %s, %v", got, again, err)
		}
	}
	for _, c := range []struct{ in, want string }{
		{"", "a target is empty"},
		{"ARG", "(did you mean ARGS?)"},
		{"ARGS|TX", "one target is wanted"},
		{"ARGS:a|TX", "stands in quotes"},
		{"ARGS:a,b", "stands in quotes"},
		{"ARGS:'a'b", "text behind"},
		{"ARGS:/a", "not closed"},
		{`ARGS:/a\/`, "not closed"},
		{"ARGS:/", "not closed"},
		{"ARGS:/(/", "does not compile"},
		{"ARGS:/\xff/", "does not compile"},
	} {
		if got, err := seclang.ParseTarget(c.in); err == nil || !strings.Contains(err.Error(), c.want) || got != (seclang.Target{}) {
			t.Errorf("%s became %s, %v; want %s", c.in, got, err, c.want)
		}
	}
}

func TestRanges(t *testing.T) {
	set, problems := seclang.ParseText("x.conf", "SecRuleRemoveById 942100 942200-942299 1\n", nil)
	want := []seclang.Range{{942100, 942100}, {942200, 942299}, {1, 1}}
	if len(problems) > 0 || !slices.Equal(set.Edits[0].Ranges, want) {
		t.Errorf("got %v, %v", set, problems)
	}
	for _, in := range []string{"0", "-1", "1-", "2-1", "a", "1-2-3", "99999999999999999999", "1 x"} {
		if set, problems := seclang.ParseText("x.conf", "SecRuleRemoveById "+in+"\n", nil); len(problems) == 0 {
			t.Errorf("%q became %v", in, set.Edits)
		}
	}
}
