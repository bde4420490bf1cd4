package waftest_test

import (
	"testing"

	"skerry.dev/skerry/waf/waftest"
)

func TestTests(t *testing.T) {
	all := waftest.Tests(t)
	n := 0
	for _, tt := range all { n += len(tt.Stages) }
	t.Log(len(all), n)
	for _, tt := range all { if len(tt.Stages)>1 { t.Log(tt.ID, len(tt.Stages)) } }
}
