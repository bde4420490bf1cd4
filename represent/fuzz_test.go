package represent_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"skerry.dev/skerry/exchange"
	"skerry.dev/skerry/exchange/exchangetest"
	"skerry.dev/skerry/represent"
)

// FuzzAnswer: whatever a client puts into the fields that are parsed here, the answer is one of five, and every byte of a
// part is from where its Content-Range says. The fields are split at line ends, as a protocol does it.
func FuzzAnswer(f *testing.F) {
	f.Add("bytes=0-1,5-6", `"x", W/"y"`, lastModified)
	f.Add("bytes=-3", "*", "Sunday, 01-Jun-25 10:20:30 GMT")
	f.Add("bytes=99999999999999999999-", tag, "Sun Jun  1 10:20:30 2025")
	f.Fuzz(func(t *testing.T, ranges, tags, date string) {
		p := newPage(digits)
		for _, conditions := range []map[exchange.NameID]string{
			{exchange.NameRange: ranges},
			{exchange.NameRange: ranges, exchange.NameIfRange: tags},
			{exchange.NameRange: ranges, exchange.NameIfRange: date},
			{exchange.NameRange: ranges, exchange.NameIfMatch: tags, exchange.NameIfNoneMatch: strings.ToUpper(tags)},
			{exchange.NameRange: ranges, exchange.NameIfModifiedSince: date, exchange.NameIfUnmodifiedSince: date},
		} {
			x := exchangetest.Request("GET / HTTP/1.1\nHost: a\n")
			for id, value := range conditions {
				x.Req.Fields.Add(id, exchange.TrimOWS([]byte(value)))
			}
			exchange.NewPath(exchangetest.RenderText, p).Run(x)
			r := exchangetest.Of(x)
			x.Release()
			switch {
			case r.Status == 206:
				for one := range strings.SplitSeq(parts(t, r), "; ") {
					var from, to, size int
					var text string
					if n, _ := fmt.Sscanf(one, "%d-%d/%d %s", &from, &to, &size, &text); n != 4 || size != len(digits) || text != digits[from:to+1] {
						t.Errorf("%q: the part %q", ranges, one)
					}
				}
			case r.Status == 200 && r.Body == digits, r.Status == 416 && field(r, "Content-Range") == "bytes */10":
			case len(conditions) == 3 && r.Body == "" && (r.Status == 304 || r.Status == 412):
			default:
				t.Errorf("%v: got %v", conditions, r)
			}
		}
	})
}

// FuzzParseDate compares with net/http, which takes some texts more for dates: with one digit of the hour, parts of seconds,
// or the wrong length of a day's name. It knows no leap second and another rule for years of two digits.
func FuzzParseDate(f *testing.F) {
	for _, text := range []string{"Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got, ok := represent.ParseDate([]byte(text), exchangetest.Now)
		want, err := http.ParseTime(text)
		leap := strings.Contains(text, ":60")
		short := len(text) == len(time.ANSIC) || len(text) == len(http.TimeFormat)
		switch {
		case ok && err != nil && !leap:
			t.Errorf("%q: got %v, net/http %v", text, got, err)
		case ok && err == nil && !got.Equal(want) && (short || (got.Unix()-want.Unix())%86400 != 0):
			t.Errorf("%q: got %v, net/http %v", text, got, want)
		case !ok && err == nil:
			for _, layout := range []string{http.TimeFormat, "Monday, 02-Jan-06 15:04:05 GMT", time.ANSIC} {
				if want.Format(layout) == text {
					t.Errorf("%q: net/http reads it as %v", text, want)
				}
			}
		}
		if ok && !short && (got.After(exchangetest.Now.AddDate(50, 0, 0)) || got.Year() < 1900) {
			t.Errorf("%q became %v", text, got)
		}
		if again, known := represent.ParseDate(represent.AppendDate(nil, got), exchangetest.Now); ok && got.Year() < 10_000 && (!known || !again.Equal(got)) {
			t.Errorf("%q became %v, and that %v", text, got, again)
		}
	})
}
