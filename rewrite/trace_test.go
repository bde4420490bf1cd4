package rewrite_test

import (
	"fmt"
	"math"
	"regexp"
	"strings"
	"testing"

	"skerry.dev/skerry/rewrite"
	"skerry.dev/skerry/spec"
)

const (
	peersTrace  = "00-0123456789abcdef0123456789abcdef-1123456789abcdef-01"
	traceFields = "Traceparent: " + peersTrace + "\nTracestate: a=b\n"
)

var traceparent = regexp.MustCompile(`^00-([0-9a-f]{32})-([0-9a-f]{16})-0([01])$`)

func TestTraceOfStrangersStartsAnew(t *testing.T) {
	for _, id := range []bool{true, false} {
		g := rig{policy: spec.Policy{RequestID: ptr(spec.Switch(id)), Trace: &spec.Trace{On: true, Sample: 1}}}
		origin, _ := g.run(t, "GET / HTTP/1.1\nHost: a\n"+traceFields)
		m := traceparent.FindStringSubmatch(field(origin, "Traceparent"))
		if m == nil || m[1] != fmt.Sprintf("%x", g.facts.RequestID) || m[2] != fmt.Sprintf("%x", g.facts.Trace.Span) || m[3] != "1" || !g.facts.Trace.Sampled {
			t.Fatalf("got\n%s%+v", origin, g.facts)
		}
		if m[1][:4] == "0123" || g.facts.Trace.Span == [8]byte{} || field(origin, "Tracestate") != "" || (field(origin, "X-Request-ID") != "") != id {
			t.Errorf("got\n%s", origin)
		}
	}
	g := rig{policy: spec.Policy{}}
	if origin, _ := g.run(t, "GET / HTTP/1.1\nHost: a\n"+traceFields); strings.Contains(origin, "Trace") || g.facts.Trace.Span != [8]byte{} {
		t.Errorf("off: got\n%s", origin)
	}
}

func TestTraceOfATrustedPeerGoesOn(t *testing.T) {
	f := func(on bool, fields, wantTrace, wantState string) {
		t.Helper()
		g := rig{env: rewrite.Env{Trusted: trusted}, policy: spec.Policy{Trace: &spec.Trace{On: on, Sample: 0}}}
		origin, _ := g.run(t, "GET / HTTP/1.1\nHost: a\n"+fields)
		got := field(origin, "Traceparent")
		if m := traceparent.FindStringSubmatch(got); on && m != nil {
			if m[2] == "1123456789abcdef" || (m[3] == "1") != g.facts.Trace.Sampled || m[1] != fmt.Sprintf("%x", g.facts.RequestID) {
				t.Errorf("%s: got %s", fields, got)
			}
			if got = m[1] + " " + m[3]; m[1][:4] != "0123" {
				got = "new"
			}
		}
		if got != wantTrace || field(origin, "Tracestate") != wantState {
			t.Errorf("%s: got\n%s", fields, origin)
		}
	}
	const id = "0123456789abcdef0123456789abcdef"
	f(true, traceFields, id+" 1", "a=b")
	f(false, traceFields, peersTrace, "a=b")
	f(true, "Traceparent: 00-"+id+"-1123456789abcdef-fe\n", id+" 0", "")
	f(true, "Traceparent: 01-"+id+"-1123456789abcdef-01-more\n", id+" 1", "")
	f(true, "Traceparent: 01-"+id+"-1123456789abcdef-01\n", id+" 1", "")
	for _, bad := range []string{
		"ff-" + id + "-1123456789abcdef-01", "00-" + id + "-1123456789abcdef-01-more", "01-" + id + "-1123456789abcdef-01more",
		"00-" + strings.ToUpper(id) + "-1123456789abcdef-01", "00-" + strings.Repeat("0", 32) + "-1123456789abcdef-01", "00-" + id + "-0000000000000000-01",
		"00-" + id + "-1123456789abcdef-0", "00-" + id + "-1123456789abcdef-0g", "00_" + id + "-1123456789abcdef-01", "", "00-" + id[:31] + "G-1123456789abcdef-01", "00-A" + id[1:] + "-1123456789abcdef-01", "00-0A" + id[2:] + "-1123456789abcdef-01",
		"00-" + id + "-1123456789abcdef-01\nTraceparent: 00-" + id + "-1123456789abcdef-01",
	} {
		f(true, "Tracestate: a=b\nTraceparent: "+bad+"\n", "new", "")
	}
}

func TestTraceSamplesByTheID(t *testing.T) {
	f := func(share float64, id string, want bool) {
		t.Helper()
		g := rig{env: rewrite.Env{Trusted: trusted}, policy: spec.Policy{Trace: &spec.Trace{On: true, Sample: share}}}
		g.run(t, "GET / HTTP/1.1\nHost: a\nX-Request-ID: "+id+"\n")
		if g.facts.Trace.Sampled != want {
			t.Errorf("%v of %s: got %v", share, id, !want)
		}
	}
	const head = "0123456789abcdef01"
	f(0, head+"ffffffffffffff", false)
	f(1, head+"00000000000000", true)
	f(0.5, head+"80000000000000", true)
	f(0.5, head+"7fffffffffffff", false)
	f(0.25, head+"c0000000000000", true)
	f(0.25, head+"bfffffffffffff", false)

	const n = 4000
	sampled := 0
	g := rig{policy: spec.Policy{Trace: &spec.Trace{On: true, Sample: 0.1}}}
	for range n {
		if g.run(t, "GET / HTTP/1.1\nHost: a\n"); g.facts.Trace.Sampled {
			sampled++
		}
	}
	if sampled < n/10-200 || sampled > n/10+200 { // ten standard deviations
		t.Errorf("%d of %d are sampled, want about a tenth", sampled, n)
	}
	for _, bad := range []float64{-0.1, 1.1, math.NaN()} {
		if _, problems := rewrite.New(&spec.Policy{Trace: &spec.Trace{On: true, Sample: bad}}, nil); len(problems) != 1 {
			t.Errorf("%v: %v", bad, problems)
		}
	}
}
