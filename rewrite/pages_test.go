package rewrite_test

import (
	"strings"
	"testing"

	"skerry.dev/skerry/exchange"
	"skerry.dev/skerry/exchange/exchangetest"
	"skerry.dev/skerry/fault"
	"skerry.dev/skerry/rewrite"
	"skerry.dev/skerry/spec"
)

func TestOwnErrorPages(t *testing.T) {
	large := strings.Repeat("x", 10_000)
	pages := []spec.ErrorPage{{Status: 404, HTML: "<p>gone"}, {Status: 502, HTML: "<p>{request_id} and {request_id}"}, {Status: 503, HTML: "{request_id}" + large}}
	f := func(k fault.Kind, form spec.Errors, method, accept, want string) {
		t.Helper()
		x := exchangetest.Request(method + " / HTTP/1.1\nHost: a\nAccept: " + accept + "\n")
		defer x.Release()
		x.Facts.RequestID = [16]byte{0xab, 15: 1}
		x.Facts.Entry.Errors = string(form)
		exchange.NewPath(rewrite.NewRenderer(&spec.Policy{ErrorPages: &pages}), &exchangetest.Origin{Answer: exchangetest.Break(k)}).Run(x)
		r := exchangetest.Of(x)
		if r.Status != k.Status() || field(r.Head, "Cache-Control") != "no-store" || !strings.HasPrefix(r.Body, want) || want == "" && (r.Body != "" || r.Length != 7) {
			t.Errorf("%s: got\n%.300s", k.Name(), r)
		}
		if own := form != spec.ErrorsProblem; strings.HasPrefix(field(r.Head, "Content-Type"), "text/html") != own {
			t.Errorf("%s: got\n%s", k.Name(), r.Head)
		}
	}
	const id = "ab000000000000000000000000000001"
	const browser = "text/html,*/*;q=0.8"
	f(fault.NoRoute, spec.ErrorsAuto, "GET", browser, "<p>gone")
	f(fault.NoFile, spec.ErrorsHTML, "GET", "*/*", "<p>gone")
	f(fault.NoRoute, spec.ErrorsAuto, "HEAD", browser, "")
	f(fault.OriginRefused, spec.ErrorsAuto, "GET", browser, "<p>"+id+" and "+id)
	f(fault.OriginNoneHealthy, spec.ErrorsAuto, "GET", browser, id+large)
	f(fault.Internal, spec.ErrorsAuto, "GET", browser, "<!doctype html>")
	f(fault.NoRoute, spec.ErrorsProblem, "GET", browser, `{"type":"about:blank"`)
	x := exchangetest.Request("GET / HTTP/1.1\nHost: a\n")
	defer x.Release()
	exchange.NewPath(rewrite.NewRenderer(&spec.Policy{}), &exchangetest.Origin{Answer: exchangetest.Break(fault.NoRoute)}).Run(x)
	if exchangetest.Of(x).Status != 404 {
		t.Error(exchangetest.Of(x))
	}
}

func TestSecurityHeadersByDefault(t *testing.T) {
	g := rig{policy: spec.Policy{Methods: &[]string{"GET"}, Headers: &spec.Headers{Response: &spec.Edits{
		Set: map[string]string{"X-B": "set"}, Remove: []string{"X-C"},
		Default: map[string]string{"X-Content-Type-Options": "nosniff", "X-Frame-Options": "SAMEORIGIN", "X-B": "default", "X-C": "default", "X-Own": "default"}}}}}
	_, client := g.run(t, "GET / HTTP/1.1\nHost: a\n", "x-frame-options: DENY", "X-C: c", "x-own: ")
	if want := "200\nx-frame-options: DENY\nx-own: \nX-B: set\nX-C: default\nX-Content-Type-Options: nosniff\n"; client != want {
		t.Errorf("got\n%swant\n%s", client, want)
	}
	if _, client := g.run(t, "PUT / HTTP/1.1\nHost: a\n"); field(client, "X-Content-Type-Options") != "nosniff" || field(client, "X-Frame-Options") != "SAMEORIGIN" {
		t.Errorf("an error of the edge: got\n%s", client)
	}
	bad := spec.Policy{Headers: &spec.Headers{Response: &spec.Edits{Default: map[string]string{"X-A": "a\nb"}}}}
	if _, problems := rewrite.New(&bad, nil); len(problems) != 1 {
		t.Error(problems)
	}
}
