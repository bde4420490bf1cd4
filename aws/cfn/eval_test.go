package cfn_test

import (
	"fmt"
	"strings"
	"testing"

	"skerry.dev/skerry/aws/cfn"
	"skerry.dev/skerry/aws/schema"
)

// shown is a value as text: what is unknown is ?, with the parts of a text that are known.
func shown(n *schema.Node) string {
	if n == nil {
		return "nothing"
	}
	switch n.Kind {
	case schema.Unknown:
		if n.Call != nil && n.Call.Resource != "" {
			return "?" + n.Call.Resource + "." + n.Call.Attr
		}
		if n.Call == nil || len(n.Call.Parts) == 0 {
			return "?"
		}
		var b strings.Builder
		for _, p := range n.Call.Parts {
			b.WriteString(shown(p))
		}
		return b.String()
	case schema.List:
		var out []string
		for _, item := range n.Items {
			out = append(out, shown(item))
		}
		return "[" + strings.Join(out, " ") + "]"
	case schema.Map:
		var out []string
		for _, f := range n.Fields {
			out = append(out, f.Name+":"+shown(f.Value))
		}
		return "{" + strings.Join(out, " ") + "}"
	}
	return n.Text
}

func TestEvaluate(t *testing.T) {
	f := func(expression, want string) {
		t.Helper()
		text := fmt.Sprintf(`
Parameters:
  P: {Type: String, Default: d}
  One: {Type: String, AllowedValues: [only]}
Mappings:
  M: {a: {b: found, l: [x, y]}}
Conditions:
  Yes: !Equals [a, a]
  No: !Not [!Condition Yes]
  Both: !And [!Condition Yes, !Condition No]
  Either: !Or [!Condition Perhaps, !Condition Yes]
  Perhaps: !Equals [!Ref P, d]
  Self: !Not [!Condition Self]
Resources:
  R: {Type: A}
  T:
    Type: B
    Properties:
      v: %s
`, expression)
		template, err := cfn.Read("a.yaml", []byte(text))
		if err != nil {
			t.Fatalf("%s: %v", expression, err)
		}
		if got := shown(template.Resource("T").Properties.Get("v")); got != want {
			t.Errorf("%s: %s, want %s", expression, got, want)
		}
	}
	f("!Ref P", "?") // its default is a proposal
	f("!Ref One", "only")
	f("!Ref AWS::NoValue", "nothing")
	f("!Ref AWS::Region", "?")
	f("!Ref R", "?R.")
	f("!GetAtt R.A.B", "?R.A.B")
	f("!Ref Nobody", "?Nobody.")
	f("[a, !Ref AWS::NoValue, b]", "[a b]")
	f("!If [Yes, a, b]", "a")
	f("!If [No, a, b]", "b")
	f("!If [Both, a, b]", "b")
	f("!If [Either, a, b]", "a")
	f("!If [Perhaps, a, b]", "?")
	f("!If [Self, a, b]", "?")
	f("!If [Missing, a, b]", "?")
	f("!If [No, a, !Ref AWS::NoValue]", "nothing")
	f("!Sub 'a-${One}-b'", "a-only-b")
	f("!Sub 'a-${P}-b'", "a-?-b")
	f("!Sub '${R}/${R.X.Y}'", "?R./?R.X.Y")
	f("!Sub ['${x}${y}', {x: 1, y: !FindInMap [M, a, b]}]", "1found")
	f("!Sub '${!Literal} $ {x} ${'", "${Literal} $ {x} ${")
	f("!Join ['-', [a, !Ref One, !Ref R]]", "a-only-?R.")
	f("!Join ['-', !Ref P]", "?")
	f("!Join [',', !Split ['-', a-b-c]]", "a,b,c")
	f("!Select [1, [a, b]]", "b")
	f("!Select ['1', !Split ['/', 'a/b/c']]", "b")
	f("!Select [5, [a]]", "?")
	f("!Select [0, [!If [Perhaps, a, !Ref AWS::NoValue], b]]", "?")
	f("!Select [0, !FindInMap [M, a, l]]", "x")
	f("!FindInMap [M, !Ref AWS::Region, b]", "?")
	f("!FindInMap [M, a, missing]", "?")
	f("!ImportValue x", "?")
	f("'{{resolve:ssm:a:1}}'", "?")
	f("'a{{resolve:ssm:a:1}}b'", "a?b")
	f("{Fn::Transform: {Name: x}, a: b}", "?")
	f("{Condition: a, Ref: b}", "{Condition:a Ref:b}") // no function: it has two names
}

// TestComputedBound lets functions repeat what others made: the text stays within its bound, in bounded time.
func TestComputedBound(t *testing.T) {
	value := `"x"`
	for range 18 {
		value = fmt.Sprintf(`{"Fn::Sub": ["${a}${a}${a}${a}", {"a": %s}]}`, value)
	}
	template, err := cfn.Read("a.json", []byte(`{"Resources": {"A": {"Type": "T", "Properties": {"v": `+value+`}}}}`))
	if err != nil {
		t.Fatal(err)
	}
	if n := template.Resource("A").Properties.Get("v"); n.Known() {
		t.Errorf("%d bytes", len(n.Text))
	}
}

func TestResources(t *testing.T) {
	template, err := cfn.Read("a.yaml", []byte(`
Transform: AWS::LanguageExtensions
Conditions: {No: !Equals [a, b], Perhaps: !Equals [!Ref P, b]}
Parameters: {P: {Type: String}}
Resources:
  Fn::ForEach::Loop: [a, [b], {"A${a}": {Type: T}}]
  Gone: {Type: T, Condition: No}
  Maybe: {Type: T, Condition: Perhaps, DependsOn: Always}
  Always: {Type: T, DependsOn: [Maybe]}
`))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, r := range template.Resources {
		got = append(got, fmt.Sprint(r.ID, r.Sometimes, r.DependsOn, r.At.Line))
	}
	if want := "[Maybetrue [Always] 8 Alwaysfalse [Maybe] 9]"; fmt.Sprint(got) != want || !template.Partial || !template.Declares("Gone") {
		t.Errorf("%v, partial %v; want %s", got, template.Partial, want)
	}
}
