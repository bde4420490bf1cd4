package waftest

import (
	"encoding/base64"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"testing"
	"text/template"

	"github.com/corazawaf/coraza-coreruleset/v4/tests"
	"github.com/goccy/go-yaml"
)

// A Test is one regression test of the Core Rule Set.
type Test struct {
	ID     string // rule and number, "942100-1"
	Rule   int    // the rule that it is about
	Desc   string
	Stages []Stage // one, in nearly every test
}

// Raw returns the bytes of the first stage.
func (t Test) Raw() []byte { return t.Stages[0].Raw() }

// A Stage is one request and what is expected of it.
type Stage struct {
	Input  Input
	Output Output
}

// Input is a request as the tests write it, before it becomes bytes; see [Stage.Raw].
type Input struct {
	Method, URI, Version string      // GET, / and HTTP/1.1, if the test does not say
	Headers              [][2]string // sorted by name where the test has a mapping, as written where it has a list
	Data                 []byte      // templates in it have been executed
	Encoded              []byte      // encoded_request: the whole request, instead of the others
	Autocomplete         bool        // content type, length and Connection are added, forms escaped; the default
}

// Output is what is expected. Zero values expect nothing.
type Output struct {
	Status         int
	Error          bool  // no answer, or a broken one
	Expect         []int // rules that must have logged a match
	NoExpect       []int // rules that must not
	Match, NoMatch string
	Isolated       bool // Expect and no other rule
	RetryOnce      bool
}

// file is a file of tests.
type file struct {
	Rule  int `yaml:"rule_id"`
	Tests []struct {
		ID     int    `yaml:"test_id"`
		Desc   string `yaml:"desc"`
		Stages []struct {
			Input  input  `yaml:"input"`
			Output output `yaml:"output"`
		} `yaml:"stages"`
	} `yaml:"tests"`
}

// input is Input as YAML has it.
type input struct {
	Method         *string           `yaml:"method"`
	URI            *string           `yaml:"uri"`
	Version        *string           `yaml:"version"`
	Headers        map[string]string `yaml:"headers"`
	OrderedHeaders []struct {
		Name  string `yaml:"name"`
		Value string `yaml:"value"`
	} `yaml:"ordered_headers"`
	Data           *string `yaml:"data"`
	EncodedData    *string `yaml:"encoded_data"`
	EncodedRequest string  `yaml:"encoded_request"`
	Autocomplete   *bool   `yaml:"autocomplete_headers"`
	StopMagic      *bool   `yaml:"stop_magic"` // the former name of its opposite
}

// output is Output as YAML has it.
type output struct {
	Status    int  `yaml:"status"`
	Error     bool `yaml:"expect_error"`
	Isolated  bool `yaml:"isolated"`
	RetryOnce bool `yaml:"retry_once"`
	Log       struct {
		Expect   []int  `yaml:"expect_ids"`
		NoExpect []int  `yaml:"no_expect_ids"`
		Match    string `yaml:"match_regex"`
		NoMatch  string `yaml:"no_match_regex"`
	} `yaml:"log"`
}

// Tests returns every regression test of the Core Rule Set that go.mod names, ordered by file and number. It fails the
// test if one cannot be read.
func Tests(t testing.TB) []Test {
	t.Helper()
	var all []Test
	err := fs.WalkDir(tests.FS, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(name, ".yaml") {
			return err
		}
		text, err := fs.ReadFile(tests.FS, name)
		if err != nil {
			return err
		}
		var f file
		if err := yaml.Unmarshal(text, &f); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		of, err := f.tests()
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		all = append(all, of...)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// tests gives a file's tests their names and defaults.
func (f *file) tests() ([]Test, error) {
	if f.Rule == 0 && len(f.Tests) > 0 { // a file may be all comment
		return nil, fmt.Errorf("no rule_id")
	}
	var all []Test
	for i, in := range f.Tests {
		number := in.ID
		if number == 0 {
			number = i + 1
		}
		out := Test{ID: fmt.Sprintf("%d-%d", f.Rule, number), Rule: f.Rule, Desc: in.Desc}
		for _, s := range in.Stages {
			input, err := s.Input.input()
			if err != nil {
				return nil, fmt.Errorf("test %s: %w", out.ID, err)
			}
			out.Stages = append(out.Stages, Stage{Input: input, Output: Output{
				Status: s.Output.Status, Error: s.Output.Error, Isolated: s.Output.Isolated, RetryOnce: s.Output.RetryOnce,
				Expect: s.Output.Log.Expect, NoExpect: s.Output.Log.NoExpect, Match: s.Output.Log.Match, NoMatch: s.Output.Log.NoMatch,
			}})
		}
		if len(out.Stages) == 0 {
			return nil, fmt.Errorf("test %s has no stage", out.ID)
		}
		all = append(all, out)
	}
	return all, nil
}

// input puts defaults in, decodes what is encoded and executes templates.
func (in *input) input() (out Input, err error) {
	or := func(s *string, otherwise string) string {
		if s == nil {
			return otherwise
		}
		return *s
	}
	out = Input{
		Method: or(in.Method, "GET"), URI: or(in.URI, "/"), Version: or(in.Version, "HTTP/1.1"),
		Autocomplete: true,
	}
	switch {
	case in.Autocomplete != nil:
		out.Autocomplete = *in.Autocomplete
	case in.StopMagic != nil:
		out.Autocomplete = !*in.StopMagic
	}
	for _, h := range in.OrderedHeaders {
		out.Headers = append(out.Headers, [2]string{h.Name, h.Value})
	}
	if in.OrderedHeaders == nil {
		for _, name := range slices.Sorted(maps.Keys(in.Headers)) {
			out.Headers = append(out.Headers, [2]string{name, in.Headers[name]})
		}
	}
	switch {
	case in.Data != nil:
		out.Data = executed(*in.Data)
	case in.EncodedData != nil:
		out.Data, err = base64.StdEncoding.DecodeString(*in.EncodedData)
	}
	if err == nil && in.EncodedRequest != "" {
		out.Encoded, err = base64.StdEncoding.DecodeString(in.EncodedRequest)
	}
	return out, err
}

// executed executes data as the template that go-ftw takes it for. What is no template, or calls what the tests have no
// use for, becomes nothing there, so it does here: test 941390-8 is one, by accident.
func executed(data string) []byte {
	if !strings.Contains(data, "{{") {
		return []byte(data)
	}
	repeat := func(n int, s string) string { return strings.Repeat(s, n) }
	t, err := template.New("data").Funcs(template.FuncMap{"repeat": repeat}).Parse(data)
	if err != nil {
		return nil
	}
	var b strings.Builder
	if t.Execute(&b, nil) != nil {
		return nil
	}
	return []byte(b.String())
}
