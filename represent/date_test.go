package represent_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"skerry.dev/skerry/exchange/exchangetest"
	"skerry.dev/skerry/represent"
)

func TestParseDate(t *testing.T) {
	f := func(text, want string) {
		t.Helper()
		got := "none"
		if date, ok := represent.ParseDate([]byte(text), exchangetest.Now); ok {
			got = date.Format(time.RFC3339)
		} else if !date.IsZero() {
			t.Errorf("%q: not ok, and %v", text, date)
		}
		if got != want {
			t.Errorf("%q: got %s, want %s", text, got, want)
		}
	}
	const want = "1994-11-06T08:49:37Z"
	f("Sun, 06 Nov 1994 08:49:37 GMT", want)
	f("Sunday, 06-Nov-94 08:49:37 GMT", want)
	f("Sun Nov  6 08:49:37 1994", want)
	f("SUN, 06 nOV 1994 08:49:37 GMT", want)
	f("Mon, 06 Nov 1994 08:49:37 GMT", want) // it was a Sunday
	f("Sun Nov 16 08:49:37 1994", "1994-11-16T08:49:37Z")
	f("Sun Nov 06 08:49:37 1994", want)
	f("Thu, 29 Feb 2024 23:59:60 GMT", "2024-03-01T00:00:00Z") // a leap second
	f("Mon, 01 Jan 0001 00:00:00 GMT", "0001-01-01T00:00:00Z")
	f("Fri, 31 Dec 9999 23:59:59 GMT", "9999-12-31T23:59:59Z")
	f("Thu, 01 Jan 1970 00:00:00 GMT", "1970-01-01T00:00:00Z")
	// The century of two digits, seen from January 2, 2026, 03:04:05.
	f("Wednesday, 31-Dec-75 08:49:37 GMT", "2075-12-31T08:49:37Z")
	f("Thursday, 02-Jan-76 03:04:05 GMT", "2076-01-02T03:04:05Z")
	f("Friday, 02-Jan-76 03:04:06 GMT", "1976-01-02T03:04:06Z")
	f("Saturday, 01-Jan-00 00:00:00 GMT", "2000-01-01T00:00:00Z")
	f("Tuesday, 29-Feb-00 00:00:00 GMT", "2000-02-29T00:00:00Z")
	for _, none := range []string{
		"", " ", ",", "0", "-1", "now", "GMT", "1994-11-06T08:49:37Z", "784111777",
		"Sun, 06 Nov 1994 08:49:37 UTC", "Sun, 06 Nov 1994 08:49:37 gmt", "Sun, 06 Nov 1994 08:49:37", "Sun, 06 Nov 1994 08:49:37 +0000",
		"Sun, 6 Nov 1994 08:49:37 GMT", "Sun,  6 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 1994 8:49:37 GMT", "Sun, 06 Nov 1994 08:49 GMT", "Sun, 06 Nov 94 08:49:37 GMT",
		"Sun, 06 Nov 1994 08:49:37.5 GMT", "Sun, 06 Nov 1994  08:49:37 GMT", "Sun 06 Nov 1994 08:49:37 GMT", "Sun, 06-Nov-1994 08:49:37 GMT", "06 Nov 1994 08:49:37 GMT",
		"Sunday, 06 Nov 1994 08:49:37 GMT", "Sun, 06-Nov-94 08:49:37 GMT", "Sunda, 06-Nov-94 08:49:37 GMT", ", 06-Nov-94 08:49:37 GMT", "Sunday,06-Nov-94 08:49:37 GMT",
		"Xxx, 06 Nov 1994 08:49:37 GMT", "Sun, 06 Xxx 1994 08:49:37 GMT", "Sun, 00 Nov 1994 08:49:37 GMT", "Sun, 31 Nov 1994 08:49:37 GMT", "Sun, 29 Feb 2025 08:49:37 GMT",
		"Sun, 06 Nov 1994 24:00:00 GMT", "Sun, 06 Nov 1994 08:60:00 GMT", "Sun, 06 Nov 1994 08:49:61 GMT", "Sun, 06 Nov -994 08:49:37 GMT", "Sun, +6 Nov 1994 08:49:37 GMT",
		"Sun Nov   08:49:37 1994", "Sun Nov x6 08:49:37 1994", "Sun Nov    08:49:37 1994", "Sun Nov 6  08:49:37 1994", "Sun Nov  0 08:49:37 1994", "Sun Nov  6 08:49:37 1994 ", "Sunday Nov 6 08:49:37 1994",
		" Sun, 06 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 1994 08:49:37 GMT, Sun, 06 Nov 1994 08:49:37 GMT", strings.Repeat("1", 5000),
	} {
		f(none, "none")
	}
}

func TestAppendDate(t *testing.T) {
	zone := time.FixedZone("somewhere", 3600)
	for _, at := range []time.Time{date, date.In(zone), time.Unix(0, 0), time.Date(9999, 12, 31, 23, 59, 59, 999, time.UTC), time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC)} {
		got := string(represent.AppendDate([]byte("x"), at))
		if want := "x" + at.UTC().Format(http.TimeFormat); got != want || len(got) != 1+represent.DateBytes {
			t.Errorf("got %s, want %s", got, want)
		}
		if back, ok := represent.ParseDate([]byte(got[1:]), date); !ok || back.Unix() != at.Unix() {
			t.Errorf("%s came back as %v", got, back)
		}
	}
}
