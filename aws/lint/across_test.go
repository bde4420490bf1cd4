package lint_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"skerry.dev/skerry/aws/cfn"
	"skerry.dev/skerry/aws/lint"
)

// TestTogether asks how sure rules over several templates are: of stacks of ours, which go into one account, and of anybody's.
func TestTogether(t *testing.T) {
	const ours = "Metadata: {Skerry: {Stack: %s, Region: us-east-1}}\n"
	f := func(want string, texts ...string) {
		t.Helper()
		var list []*cfn.Template
		for i, text := range texts {
			template, err := cfn.Read(fmt.Sprintf("%c.yaml", 'a'+i), []byte(text))
			if err != nil {
				t.Fatal(err)
			}
			list = append(list, template)
		}
		var got []string
		for _, found := range lint.Together(list, nil) {
			got = append(got, fmt.Sprintf("%s %s %s:%d", found.Severity, found.Rule.ID, found.At.File, found.At.Line))
		}
		slices.Sort(got)
		if text := strings.Join(got, ", "); text != want {
			t.Errorf("found %q, want %q", text, want)
		}
	}
	group := func(head, name string) string {
		return head + "Resources:\n  G: {Type: AWS::Logs::LogGroup, Properties: {LogGroupName: " + name + "}}\n"
	}
	f("warning name-twice b.yaml:2", group("", "x"), group("Description: another\n", "x")[len("Description: another\n"):]+"Description: another\n")
	f("error name-twice b.yaml:3", group(fmt.Sprintf(ours, "one"), "x"), group(fmt.Sprintf(ours, "two"), "x"))
	f("", group(fmt.Sprintf(ours, "one"), "x"), strings.Replace(group(fmt.Sprintf(ours, "two"), "x"), "us-east-1", "eu-west-1", 1)) // log groups are of a region
	f("", group("", "x"), group("", "x"))                                                                                           // the same template
	f("", group(fmt.Sprintf(ours, "one"), "x"), group(fmt.Sprintf(ours, "one"), "x")+"# once more\n")                               // the same stack

	using := func(name string) string {
		return "Resources:\n  G: {Type: AWS::Logs::LogGroup, Properties: {LogGroupName: !ImportValue " + name + "}}\n"
	}
	f("error import-dangling b.yaml:2", group(fmt.Sprintf(ours, "one"), "x"), using("one-Missing-Ref"))
	f("", fmt.Sprintf(ours, "one")+"Outputs: {O: {Value: x, Export: {Name: one-There-Ref}}}\n"+group("", "x"), using("one-There-Ref"))
	f("", group(fmt.Sprintf(ours, "one"), "x"), using("{'Fn::Sub': '${AWS::Region}-x'}"))
	f("note import-dangling b.yaml:2", group("", "x"), using("vpc-id"))
	f("", using("vpc-id")) // alone: somebody else exports it
}
