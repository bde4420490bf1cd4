package freshness_test

import (
	"testing"
	"time"

	"skerry.dev/skerry/cache/freshness"
)

func TestDate(t *testing.T) {
	f := func(section, s, want string) {
		t.Helper()
		unix, ok := freshness.Date([]byte(s), came)
		got := "invalid"
		if ok {
			got = time.Unix(unix, 0).UTC().Format("2006-01-02 15:04:05")
		}
		if got != want {
			t.Errorf("%s: %q: %s, want %s", section, s, got, want)
		}
	}
	f("RFC 9110 5.6.7", "Sun, 06 Nov 1994 08:49:37 GMT", "1994-11-06 08:49:37")
	f("RFC 9110 5.6.7", "Sunday, 06-Nov-94 08:49:37 GMT", "1994-11-06 08:49:37")
	f("RFC 9110 5.6.7", "Sun Nov  6 08:49:37 1994", "1994-11-06 08:49:37")
	f("RFC 9110 5.6.7", "Sun Nov 16 08:49:37 1994", "1994-11-16 08:49:37")
	f("RFC 9110 5.6.7 fifty years ahead", "Thursday, 18-Aug-50 02:01:18 GMT", "2050-08-18 02:01:18")
	f("RFC 9110 5.6.7 fifty years ahead", "Sunday, 01-Mar-76 12:00:00 GMT", "2076-03-01 12:00:00")
	f("RFC 9110 5.6.7 more than that", "Sunday, 01-Mar-76 12:00:01 GMT", "1976-03-01 12:00:01")
	f("RFC 9110 5.6.7 more than that", "Monday, 01-Mar-77 12:00:00 GMT", "1977-03-01 12:00:00")
	f("RFC 9111 4.2 in any case", "THU, 18 AUG 2050 02:01:18 gmt", "2050-08-18 02:01:18")
	f("RFC 9110 5.6.7 leap second", "Sat, 31 Dec 2016 23:59:60 GMT", "2017-01-01 00:00:00")
	f("beyond 32 bits", "Tue, 19 Jan 2038 14:14:08 GMT", "2038-01-19 14:14:08")
	f("far away", "Fri, 31 Dec 9999 23:59:59 GMT", "9999-12-31 23:59:59")
	f("leap day", "Thu, 29 Feb 2024 00:00:00 GMT", "2024-02-29 00:00:00")
	for _, bad := range []string{
		"", "0", "-1", "foo", "Thu", "Thu,",
		"Thu, 18 Aug 2050 02:01:18 UTC", "Thu, 18 Aug 2050 02:01:18 AEST", "Thu, 18 Aug 2050 02:01:18", "Thu, 18 Aug 2050 02:01:18 GMT+1",
		"Thu, 18 Aug 50 02:01:18 GMT", "Thu 18 Aug 2050 02:01:18 GMT", "Thu, 18  Aug  2050 02:01:18 GMT", "Thu, 18-Aug-2050 02:01:18 GMT",
		"Thu, 18 Aug 2050 02.01.18 GMT", "Thu, 18 Aug 2050 2:01:18 GMT", "Thu, 8 Aug 2050 02:01:18 GMT", "Thursday, 18 Aug 2050 02:01:18 GMT",
		"Thu, 00 Aug 2050 02:01:18 GMT", "Thu, 32 Aug 2050 02:01:18 GMT", "Wed, 29 Feb 2023 00:00:00 GMT", "Thu, 18 Aug 2050 24:00:00 GMT",
		"Thu, 18 Aug 2050 02:60:18 GMT", "Thu, 18 Aug 2050 02:01:61 GMT", "Thu, 18 Agu 2050 02:01:18 GMT", "Xyz, 18 Aug 2050 02:01:18 GMT",
		"Thu, 1x Aug 2050 02:01:18 GMT", "Thu Aug  8 02:01:18 50", "Thu Aug 8 02:01:18 2050", "Thu, 18 Aug 2050 02:01:18 GMT, Thu, 18 Aug 2050 02:01:18 GMT",
	} {
		f("RFC 9111 5.3", bad, "invalid")
	}
}
