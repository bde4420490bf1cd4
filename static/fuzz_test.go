package static_test

import (
	"fmt"
	"strings"
	"testing"

	"skerry.dev/skerry/exchange"
	"skerry.dev/skerry/exchange/exchangetest"
	"skerry.dev/skerry/spec"
)

// FuzzFields: whatever a client puts into the fields that are parsed here, the answer is one of six, and every byte of a
// part is from where its Content-Range says. The fields are split at line ends, as a protocol does it.
func FuzzFields(f *testing.F) {
	s, _ := newStage(f, spec.Directory{Fallback: "d.txt"}, map[string]string{"site/d.txt": digits, "site/d.txt.gz": "abcdef"})
	f.Add("bytes=0-1,5-6", `"x", W/"y"`, lastModified, "gzip;q=0, br", "text/html;q=0.5, */*")
	f.Add("bytes=-3", "*", "Sunday, 01-Jun-25 10:20:30 GMT", "gzip", "*/*;q=0")
	f.Add("bytes=99999999999999999999-", helloTag, "Sun Jun  1 10:20:30 2025", ",;q=;,gzip;;q=1", "")
	f.Fuzz(func(t *testing.T, ranges, tags, date, encoding, accept string) {
		for _, path := range []string{"/d.txt", "/none"} {
			x := exchangetest.Request("GET " + path + " HTTP/1.1\nHost: a\n")
			add := func(id exchange.NameID, value string) {
				if value != "" {
					x.Req.Fields.Add(id, exchange.TrimOWS([]byte(value)))
				}
			}
			add(exchange.NameRange, ranges)
			add(exchange.NameIfRange, tags)
			add(exchange.NameIfMatch, tags)
			add(exchange.NameIfNoneMatch, strings.ToUpper(tags))
			add(exchange.NameIfModifiedSince, date)
			add(exchange.NameIfUnmodifiedSince, date)
			add(exchange.NameAcceptEncoding, encoding)
			add(exchange.NameAccept, accept)
			exchange.NewPath(exchangetest.RenderText, s).Run(x)
			r := exchangetest.Of(x)
			x.Release()
			content := digits
			if field(r, "Content-Encoding") == "gzip" {
				content = "abcdef"
			}
			switch r.Status {
			case 200:
				if r.Body != content {
					t.Errorf("got %v", r)
				}
			case 206:
				for one := range strings.SplitSeq(parts(t, r), "; ") {
					var from, to, size int
					var text string
					if n, _ := fmt.Sscanf(one, "%d-%d/%d %s", &from, &to, &size, &text); n != 4 || size != len(content) || text != content[from:to+1] {
						t.Errorf("%q: the part %q", ranges, one)
					}
				}
			case 304, 404, 412, 416:
			default:
				t.Errorf("got %v", r)
			}
		}
	})
}
