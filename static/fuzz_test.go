package static_test

import (
	"testing"

	"skerry.dev/skerry/exchange"
	"skerry.dev/skerry/exchange/exchangetest"
	"skerry.dev/skerry/spec"
)

// FuzzFields: whatever a client puts into the fields that are parsed here, it gets the file, or its copy if that says so, or
// that there is none. What represent parses is fuzzed there.
func FuzzFields(f *testing.F) {
	s, _ := newStage(f, spec.Directory{Fallback: "d.txt"}, map[string]string{"site/d.txt": digits, "site/d.txt.gz": "abcdef"})
	f.Add("gzip;q=0, br", "text/html;q=0.5, */*")
	f.Add("gzip", "*/*;q=0")
	f.Add(",;q=;,gzip;;q=1", "")
	f.Fuzz(func(t *testing.T, encoding, accept string) {
		for _, path := range []string{"/d.txt", "/none"} {
			x := exchangetest.Request("GET " + path + " HTTP/1.1\nHost: a\n")
			add := func(id exchange.NameID, value string) {
				if value != "" {
					x.Req.Fields.Add(id, exchange.TrimOWS([]byte(value)))
				}
			}
			add(exchange.NameAcceptEncoding, encoding)
			add(exchange.NameAccept, accept)
			exchange.NewPath(exchangetest.RenderText, s).Run(x)
			r := exchangetest.Of(x)
			x.Release()
			content := digits
			if field(r, "Content-Encoding") == "gzip" {
				content = "abcdef"
			}
			if !(r.Status == 200 && r.Body == content || r.Status == 404 && path == "/none") {
				t.Errorf("%s: got %v", path, r)
			}
		}
	})
}
