package ftw_test

import (
	"bytes"
	"encoding/base64"
	"slices"
	"testing"

	"github.com/coreruleset/go-ftw/v2/ftwhttp"
	"github.com/coreruleset/go-ftw/v2/test"

	"skerry.dev/skerry/waf/waftest"
)

// TestRaw holds the bytes and expectations that waftest has for each stage against those of go-ftw.
func TestRaw(t *testing.T) {
	ours := waftest.Tests(t)
	n := 0
	for _, f := range suite(t) {
		for _, tt := range f.Tests {
			if n == len(ours) {
				t.Fatalf("waftest has %d tests, go-ftw more: %s", n, tt.IdString())
			}
			our := ours[n]
			n++
			if our.ID != tt.IdString() || len(our.Stages) != len(tt.Stages) {
				t.Fatalf("test %s with %d stages, waftest has %s with %d", tt.IdString(), len(tt.Stages), our.ID, len(our.Stages))
			}
			for i, stage := range tt.Stages {
				if want, got := sent(t, test.NewInput(&stage.Input)), our.Stages[i].Raw(); !bytes.Equal(got, want) {
					t.Errorf("%s stage %d:\ngot  %q\nwant %q", our.ID, i, got, want)
				}
				o := our.Stages[i].Output
				if o.Status != stage.Output.Status || !same(o.Expect, stage.Output.Log.ExpectIds) || !same(o.NoExpect, stage.Output.Log.NoExpectIds) ||
					o.Match != stage.Output.Log.MatchRegex || o.NoMatch != stage.Output.Log.NoMatchRegex {
					t.Errorf("%s stage %d expects %+v, waftest has %+v", our.ID, i, stage.Output, o)
				}
			}
		}
	}
	if n != len(ours) || n < 4000 {
		t.Errorf("go-ftw has %d tests, waftest %d", n, len(ours))
	}
}

// sent is what go-ftw's client writes for the input.
func sent(t *testing.T, in *test.Input) []byte {
	t.Helper()
	if in.EncodedRequest != "" {
		raw, err := base64.StdEncoding.DecodeString(in.EncodedRequest)
		if err != nil {
			t.Fatal(err)
		}
		return raw
	}
	line := &ftwhttp.RequestLine{Method: in.GetMethod(), URI: in.GetURI(), Version: in.GetVersion()}
	raw, err := ftwhttp.BuildRequest(ftwhttp.NewRequest(line, in.GetHeaders(), in.GetData(), *in.AutocompleteHeaders))
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func same(a []int, b []uint) bool {
	return slices.EqualFunc(a, b, func(a int, b uint) bool { return uint(a) == b })
}
