//go:build poison

package body_test

import (
	"testing"

	"skerry.dev/skerry/waf/body"
)

// A name that is kept beyond its request fails loudly.
func TestMemoryIsPoisoned(t *testing.T) {
	var mem body.Memory
	var p body.Parsed
	if err := p.Parse(body.Media{Kind: body.JSON}, []byte(`{"a":"\n"}`), body.DefaultLimits(), &mem); err != nil {
		t.Fatal(err)
	}
	kept := p.Args[0]
	if mem.Reset(); string(kept.Name) == "json.a" || string(kept.Value) == "\n" {
		t.Errorf("%s=%q still reads as before", kept.Name, kept.Value)
	}
}
