package cachetest

// outlives is a case whose answer is stale, with what it says, when the origin fails: it is used.
func outlives(l Level, name, section, says string, failure Step) Case {
	return Case{Name: name, Section: section, Level: l, Steps: []Step{get.says(says).pause(second), failure.hit().status(200)}}
}

// ends is a case in which it is not.
func ends(l Level, name, section, says string) Case {
	return Case{Name: name, Section: section, Level: l, Steps: []Step{get.says(says).pause(second), get.hangsUp().fails()}}
}

// failing is an origin that answers with a status; Behind, since it is asked.
func failing(status int) Step {
	s := get.code(status)
	s.Behind = true
	return s
}

func closing() Step {
	s := get.hangsUp()
	s.Behind = true
	return s
}

// stale is what may be used beyond its time (RFC 9111 section 4.2.4, RFC 5861).
var stale = group("stale",
	check("the origin closes: an error, where nothing allows more", "9111 4.2.4", brief, get.hangsUp().fails()),
	check("the origin says 503: that, where nothing allows more", "9111 4.2.4", brief, get.code(503).miss()),
	ends(Required, "must-revalidate, the origin closes", "9111 5.2.2.2", "Cache-Control: max-age=1, must-revalidate"),
	ends(Required, "proxy-revalidate, the origin closes", "9111 5.2.2.8", "Cache-Control: max-age=1, proxy-revalidate"),
	ends(Required, "no-cache, the origin closes", "9111 5.2.2.4", "Cache-Control: max-age=1, no-cache"),
	ends(Required, "s-maxage, the origin closes", "9111 5.2.2.10", "Cache-Control: max-age=1, s-maxage=1"),
	ends(Required, "must-revalidate beside stale-if-error", "9111 5.2.2.2", "Cache-Control: max-age=1, must-revalidate, stale-if-error=60"),
	ends(Required, "proxy-revalidate beside stale-if-error", "9111 5.2.2.8", "Cache-Control: max-age=1, proxy-revalidate, stale-if-error=60"),
	ends(Required, "no-cache beside stale-if-error", "9111 5.2.2.4", "Cache-Control: max-age=1, no-cache, stale-if-error=60"),
	outlives(Check, "stale-if-error, the origin closes", "5861 4", "Cache-Control: max-age=1, stale-if-error=60", closing()),
	outlives(Check, "stale-if-error, the origin says 500", "5861 4", "Cache-Control: max-age=1, stale-if-error=60", failing(500)),
	outlives(Check, "stale-if-error, the origin says 502", "5861 4", "Cache-Control: max-age=1, stale-if-error=60", failing(502)),
	outlives(Check, "stale-if-error, the origin says 503", "5861 4", "Cache-Control: max-age=1, stale-if-error=60", failing(503)),
	outlives(Check, "stale-if-error, the origin says 504", "5861 4", "Cache-Control: max-age=1, stale-if-error=60", failing(504)),
	outlives(Check, "stale-if-error, validation fails", "5861 4", "Cache-Control: max-age=1, stale-if-error=60\n"+tagged, failing(503)),
	required("stale-if-error, the origin says 404", "5861 4", get.says("Cache-Control: max-age=1, stale-if-error=60").pause(second), get.code(404).miss()),
	required("stale-if-error has passed", "5861 4", get.says("Cache-Control: max-age=60, stale-if-error=10\nAge: 100"), get.hangsUp().fails()),
	check("stale-if-error of the request", "5861 4", brief, closing().sends("Cache-Control: stale-if-error=60").hit().status(200)),
	required("stale-if-error of the request against must-revalidate", "9111 5.2.2.2", get.says("Cache-Control: max-age=1, must-revalidate").pause(second), get.sends("Cache-Control: stale-if-error=60").hangsUp().fails()),
	required("a fresh answer when the origin closes", "9111 4", lasting, get.hangsUp().hit()),
	check("no Warning of its own", "9111 5.5", get.says("Cache-Control: max-age=1, stale-if-error=60").pause(second), closing().hit().status(200).wants("!Warning")),
	required("Age of a stale answer", "9111 5.1", get.says("Cache-Control: max-age=60, stale-if-error=3600\nAge: 100"), closing().hit().status(200).wants("Age > 99")),

	optimal("stale-while-revalidate", "5861 3", get.says("Cache-Control: max-age=1, stale-while-revalidate=3600\nETag: \"abc\"").pause(second), get.behind()),
	optimal("stale-while-revalidate without a validator", "5861 3", get.says("Cache-Control: max-age=1, stale-while-revalidate=3600").pause(second), get.behind()),
	optimal("stale-while-revalidate of what came stale", "5861 3", get.says("Cache-Control: max-age=60, stale-while-revalidate=3600\nAge: 100"), get.behind()),
	optimal("what was fetched behind is used next", "5861 3", get.says("Cache-Control: max-age=60, stale-while-revalidate=3600\nAge: 100"), lasting.behind(), get.hit().nth(2).again()),
	optimal("what was validated behind is fresh", "5861 3", get.says("Cache-Control: max-age=60, stale-while-revalidate=3600\nAge: 100\n"+tagged), validatedBehind(), get.hit().nth(1).wants("Age < 60").again()),
	required("stale-while-revalidate has passed", "5861 3", get.says("Cache-Control: max-age=60, stale-while-revalidate=10\nAge: 100"), get.miss()),
	required("stale-while-revalidate passes", "5861 3", get.says("Cache-Control: max-age=60, stale-while-revalidate=10\nAge: 69").pause(second), get.miss()),
	required("stale-while-revalidate against must-revalidate", "9111 5.2.2.2", get.says("Cache-Control: max-age=1, must-revalidate, stale-while-revalidate=3600").pause(second), get.miss()),
	required("stale-while-revalidate against no-cache", "9111 5.2.2.4", get.says("Cache-Control: max-age=1, no-cache, stale-while-revalidate=3600").pause(second), get.miss()),
	check("stale-while-revalidate beside s-maxage", "9111 5.2.2.10", get.says("Cache-Control: s-maxage=1, stale-while-revalidate=3600").pause(second), get.miss()),
	optimal("an error behind leaves the stale one", "5861 3", get.says("Cache-Control: max-age=60, stale-while-revalidate=3600\nAge: 100"), get.code(503).behind(), get.nth(1)),
	optimal("a crowd asks once behind it", "5861 3", get.says("Cache-Control: max-age=60, stale-while-revalidate=3600\nAge: 100"), crowd(holding(lasting.behind()), 10, 1)),
)

// validatedBehind is lasting.behind with an origin that says 304.
func validatedBehind() Step {
	s := lasting.says(tagged).behind()
	s.Reply.Validate = true
	return s
}

// crowd is a step of n clients that make the origin be asked so often.
func crowd(s Step, n, asks int) Step {
	s.Crowd, s.Asks = n, asks
	return s
}
