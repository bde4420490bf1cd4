//go:build !race && !poison

package body_test

import (
	"testing"

	"skerry.dev/skerry/waf/body"
)

// A warm parser allocates nothing, whatever the kind of body.
func TestParseAllocatesNothing(t *testing.T) {
	f := func(contentType, text string) {
		t.Helper()
		var p body.Parsed
		var mem body.Memory
		l := body.DefaultLimits()
		data, field := []byte(text), []byte(contentType)
		run := func() {
			m, err := body.Classify(field, &mem)
			if err == nil {
				err = p.Parse(m, data, l, &mem)
			}
			if err != nil {
				t.Fatal(err)
			}
			p.Reset()
			mem.Reset()
		}
		run()
		run()
		if n := testing.AllocsPerRun(100, run); n != 0 {
			t.Errorf("%s: %v allocations", contentType, n)
		}
	}
	f("Application/JSON; charset=UTF-8", jsonText(2_000))
	f("application/json", jsonText(100_000))
	f("application/json", `{"a":"\u00e5\ud83d\ude00","b":[[[]],{"c":"å"}]}`)
	f("application/x-ndjson", "{\"a\":1}\n[2]\n")
	f("application/x-www-form-urlencoded", formText)
	f("multipart/form-data; boundary=b", partsText)
	f("application/xml", xmlText)
}

func TestQueryAndCookiesAllocateNothing(t *testing.T) {
	var mem body.Memory
	var pairs []body.Pair
	l := body.DefaultLimits()
	query, cookies := []byte("q=some+text&page=2&%61=%"), []byte("a=1; b=2; c=3")
	if n := testing.AllocsPerRun(100, func() {
		pairs, _ = body.AppendQuery(pairs[:0], query, l, &mem)
		pairs, _ = body.AppendCookies(pairs, cookies, l)
		mem.Reset()
	}); n != 0 {
		t.Error(n)
	}
	if len(pairs) != 6 {
		t.Error(len(pairs))
	}
}
