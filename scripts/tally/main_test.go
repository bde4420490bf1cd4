package main

import (
	"strings"
	"testing"
)

const stream = `== go test
{"Action":"start","Package":"a"}
{"Action":"run","Package":"a","Test":"TestP"}
{"Action":"output","Package":"a","Test":"TestP","Output":"noise\n"}
{"Action":"pass","Package":"a","Test":"TestP/one"}
{"Action":"pass","Package":"a","Test":"TestP/two"}
{"Action":"pass","Package":"a","Test":"TestP"}
{"Action":"output","Package":"a","Test":"TestS","Output":"=== RUN TestS\n"}
{"Action":"output","Package":"a","Test":"TestS","Output":"    x_test.go:1: no nginx\n"}
{"Action":"skip","Package":"a","Test":"TestS"}
{"Action":"output","Package":"a","Output":"PASS\n"}
{"Action":"output","Package":"a","Output":"ok  \ta\t0.1s\n"}
{"Action":"pass","Package":"a"}
`

const failing = `{"Action":"output","Package":"b","Test":"TestF","Output":"    x_test.go:9: wrong\n"}
{"Action":"fail","Package":"b","Test":"TestF"}
{"Action":"output","Package":"b","Output":"FAIL\tb\t0.1s\n"}
{"Action":"fail","Package":"b"}
{"ImportPath":"c","Action":"build-output","Output":"c.go:1: syntax\n"}
{"Action":"output","Package":"c","Output":"FAIL\tc [build failed]\n"}
{"Action":"fail","Package":"c","FailedBuild":"c"}
`

func TestRun(t *testing.T) {
	f := func(in string, ci bool, code int, want ...string) {
		t.Helper()
		var out strings.Builder
		if got := run(strings.NewReader(in), &out, ci); got != code {
			t.Errorf("exit code %d, want %d", got, code)
		}
		for _, w := range want {
			if !strings.Contains(out.String(), w) {
				t.Errorf("output lacks %q:\n%s", w, out.String())
			}
		}
		if strings.Contains(out.String(), "noise") {
			t.Errorf("output of a passed test is printed:\n%s", out.String())
		}
	}
	f(stream, false, 0, "== go test\n", "ok  \ta\t0.1s\n", "SKIPPED a TestS: x_test.go:1: no nginx\n", "\n2 passed, 0 failed, 1 skipped\n")
	f(stream, true, 1, "CI=true", "\n2 passed, 0 failed, 1 skipped\n")
	f(stream+failing, false, 1, "x_test.go:9: wrong\n", "c.go:1: syntax\n", "\n2 passed, 2 failed, 1 skipped\n")
}
