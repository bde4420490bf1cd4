package cachetest

import (
	"fmt"
	"strconv"
)

// expiry is Expires, and what it may look like.
var expiry = group("expires",
	keeps(Optimal, "in the future", "9111 5.3", "Expires: {+2592000}\nDate: {0}"),
	drops(Required, "in the past", "9111 4.2.1", "Expires: {-2592000}\nDate: {0}"),
	drops(Required, "now", "9111 4.2.1", "Expires: {0}\nDate: {0}"),
	drops(Required, "before a Date that is fast", "9111 4.2.1", "Expires: {+300}\nDate: {+400}"),
	drops(Required, "0", "9111 5.3", "Expires: 0\nDate: {0}"),
	drops(Required, "-1", "9111 5.3", "Expires: -1\nDate: {0}"),
	drops(Required, "empty", "9111 5.3", "Expires: \nDate: {0}"),
	keeps(Optimal, "beside a Date that is none", "9111 5.3", "Date: foo\nExpires: {+60}"),
	drops(Required, "Age beyond it, Date slow", "9111 4.2.1", "Date: {-10}\nExpires: {+10}\nAge: 25"),
	drops(Required, "Age beyond it, Date fast", "9111 4.2.1", "Date: {+10}\nExpires: {+20}\nAge: 15"),
	expires(Required, "has passed", "9111 4.2.1", "Expires: {+1}\nDate: {0}"),
	drops(Required, "no-store beside it", "9111 5.2.2.5", "Expires: {+3600}\nCache-Control: no-store"),

	keeps(Optimal, "2^31 seconds", "9110 5.6.7", "Expires: Tue, 19 Jan 2038 14:14:08 GMT\nDate: {0}"),
	keeps(Optimal, "in centuries", "9110 5.6.7", "Expires: Sun, 21 Nov 2286 04:46:39 GMT\nDate: {0}"),
	keeps(Optimal, "in the form of RFC 850", "9110 5.6.7", "Expires: {850 +86400}\nDate: {0}"),
	keeps(Optimal, "in the form of RFC 850, in 2050", "9110 5.6.7", "Expires: Thursday, 18-Aug-50 02:01:18 GMT\nDate: {0}"),
	drops(Required, "in the form of RFC 850, in the last century", "9110 5.6.7", "Expires: Sunday, 06-Nov-94 08:49:37 GMT\nDate: {0}"),
	keeps(Optimal, "in the form of asctime", "9110 5.6.7", "Expires: {ansi +86400}\nDate: {0}"),
	keeps(Optimal, "in the form of asctime, a day of one digit", "9110 5.6.7", "Expires: Mon Aug  8 02:01:18 2050\nDate: {0}"),
	keeps(Optimal, "a day of the week in capitals", "9110 5.6.7", "Expires: THU, 18 Aug 2050 02:01:18 GMT\nDate: {0}"),
	keeps(Optimal, "a month in capitals", "9110 5.6.7", "Expires: Thu, 18 AUG 2050 02:01:18 GMT\nDate: {0}"),
	keeps(Optimal, "a zone in mixed case", "9110 5.6.7", "Expires: Thu, 18 Aug 2050 02:01:18 gMT\nDate: {0}"),
	drops(Required, "UTC", "9110 5.6.7", "Expires: Thu, 18 Aug 2050 02:01:18 UTC\nDate: {0}"),
	drops(Required, "another zone", "9110 5.6.7", "Expires: Thu, 18 Aug 2050 02:01:18 AEST\nDate: {0}"),
	drops(Required, "a zone in numbers", "9110 5.6.7", "Expires: Thu, 18 Aug 2050 02:01:18 +0000\nDate: {0}"),
	drops(Required, "a year of two digits", "9110 5.6.7", "Expires: Thu, 18 Aug 50 02:01:18 GMT\nDate: {0}"),
	drops(Required, "no comma", "9110 5.6.7", "Expires: Thu 18 Aug 2050 02:01:18 GMT\nDate: {0}"),
	drops(Required, "two blanks", "9110 5.6.7", "Expires: Thu, 18  Aug  2050 02:01:18 GMT\nDate: {0}"),
	drops(Required, "dashes", "9110 5.6.7", "Expires: Thu, 18-Aug-2050 02:01:18 GMT\nDate: {0}"),
	drops(Required, "periods in the time", "9110 5.6.7", "Expires: Thu, 18 Aug 2050 02.01.18 GMT\nDate: {0}"),
	drops(Required, "an hour of one digit", "9110 5.6.7", "Expires: Thu, 18 Aug 2050 2:01:18 GMT\nDate: {0}"),
	drops(Required, "a 30th of February", "9110 5.6.7", "Expires: Wed, 30 Feb 2050 02:01:18 GMT\nDate: {0}"),
	drops(Required, "two lines that are no dates", "9110 5.6.7", "Expires: Thu, 18 Aug 2050 2:01:18 GMT\nExpires: Thu, 18 Aug 2050 2:01:19 GMT\nDate: {0}"),
	drops(Check, "two dates", "9111 4.2.1", "Expires: {+3600}\nExpires: {-3600}\nDate: {0}"),
)

// heuristics is what may be used although nothing says how long (RFC 9111 section 4.2.2).
var heuristics = group("heuristics", append(append(heuristicStatuses(), heuristicAges()...),
	check("no Last-Modified", "9111 4.2.2", get, get.miss()),
	check("a Last-Modified in the future", "9111 4.2.2", get.says("Last-Modified: {+86400}\nDate: {0}"), get.miss()),
	check("a Last-Modified that is no date", "9111 4.2.2", get.says("Last-Modified: yesterday\nDate: {0}"), get.miss()),
	required("not where an Expires cannot be read", "9111 5.3", get.says("Last-Modified: {-86400}\nExpires: 0\nDate: {0}"), get.miss()),
	required("not where max-age=0", "9111 4.2.2", get.says("Last-Modified: {-86400}\nCache-Control: max-age=0\nDate: {0}"), get.miss()),
	required("not where no-store", "9111 5.2.2.5", get.says("Last-Modified: {-86400}\nCache-Control: no-store\nDate: {0}"), get.miss()),
	required("not where private", "9111 5.2.2.7", get.says("Last-Modified: {-86400}\nCache-Control: private\nDate: {0}"), get.miss()),
	check("an attachment", "9111 4.2.2", get.says("Last-Modified: {-100000}\nDate: {0}\nContent-Disposition: attachment; filename=a.txt"), get.hit()),
	check("a fresh attachment", "9111 4.2", lasting.says("Content-Disposition: attachment; filename=a.txt"), get.hit()),
)...)

// heuristicStatuses is a row for each status (RFC 9110 section 15.1).
func heuristicStatuses() (rows []Case) {
	const aged = "Last-Modified: {-86400}\nDate: {0}"
	for _, status := range []int{200, 203, 204, 300, 301, 308, 404, 405, 410, 414, 501} {
		rows = append(rows, optimal(fmt.Sprintf("a %d", status), "9110 15.1", get.says(aged).code(status), get.hit()))
	}
	for _, status := range []int{201, 202, 302, 303, 307, 400, 403, 500, 502, 503, 504, 599} {
		rows = append(rows, required(fmt.Sprintf("not a %d", status), "9110 15.1", get.says(aged).code(status), get.miss()))
	}
	return append(rows, optimal("a 599 that says public", "9111 5.2.2.9", get.says(aged+"\nCache-Control: public").code(599), get.hit()))
}

// heuristicAges is a row for each age: a tenth of it has passed two seconds later, or has not.
func heuristicAges() (rows []Case) {
	for _, age := range []int{5, 10} {
		rows = append(rows, expires(Check, "changed "+strconv.Itoa(age)+" seconds ago, no more", "9111 4.2.2", fmt.Sprintf("Last-Modified: {-%d}\nDate: {0}", age)))
	}
	for _, age := range []int{60, 300, 600, 1200, 1800, 3600, 43200, 86400} {
		rows = append(rows, keeps(Check, "changed "+strconv.Itoa(age)+" seconds ago", "9111 4.2.2", fmt.Sprintf("Last-Modified: {-%d}\nDate: {0}", age)))
	}
	return append(rows, keeps(Check, "changed 30 seconds ago", "9111 4.2.2", "Last-Modified: {-30}\nDate: {0}"))
}
