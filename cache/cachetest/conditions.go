package cachetest

// conditional is a fresh stored answer with fields, and a request with others.
func conditional(stored, sent string) []Step {
	return []Step{lasting.says(stored), get.sends(sent).hit()}
}

// unmodified is a case in which that request gets a 304.
func unmodified(l Level, name, section, stored, sent string) Case {
	steps := conditional(stored, sent)
	steps[1] = steps[1].status(304)
	return Case{Name: name, Section: section, Level: l, Steps: steps}
}

// whole is a case in which it gets all of it.
func whole(l Level, name, section, stored, sent string) Case {
	steps := conditional(stored, sent)
	steps[1] = steps[1].status(200)
	return Case{Name: name, Section: section, Level: l, Steps: steps}
}

// conditions is what the store answers to requests with conditions, and what conditions the cache makes itself.
var conditions = group("conditions",
	unmodified(Optimal, "a tag", "9110 13.1.2", `ETag: "abcdef"`, `If-None-Match: "abcdef"`),
	required("a 304 has the tag", "9110 15.4.5", lasting.says(`ETag: "abcdef"`), get.sends(`If-None-Match: "abcdef"`).hit().status(304).wants(`ETag: "abcdef"`)),
	required("a 304 has what a 200 would say to caches", "9110 15.4.5", lasting.says("ETag: \"a\"\nVary: X-Foo\nContent-Location: /a\nExpires: {+60}"),
		get.sends(`If-None-Match: "a"`).hit().status(304).wants("Vary: X-Foo\nContent-Location: /a\nExpires: {+60}\nCache-Control: max-age=3600\nDate")),
	required("a 304 has no body's fields", "9110 15.4.5", lasting.says("ETag: \"a\"\nContent-Type: text/plain"), get.sends(`If-None-Match: "a"`).hit().status(304).wants("!Content-Range\n!Transfer-Encoding")),
	unmodified(Required, "a tag goes before a date", "9110 13.2.2", "Last-Modified: {-5000}\nDate: {0}\nETag: \"abcdef\"", "If-None-Match: \"abcdef\"\nIf-Modified-Since: {-9000}"),
	whole(Required, "another tag goes before a date", "9110 13.2.2", "Last-Modified: {-5000}\nDate: {0}\nETag: \"abcdef\"", "If-None-Match: \"other\"\nIf-Modified-Since: {-1}"),
	whole(Required, "another tag", "9110 13.1.2", `ETag: "abcdef"`, `If-None-Match: "abcdeF"`),
	unmodified(Optimal, "any tag", "9110 13.1.2", `ETag: "abcdef"`, `If-None-Match: *`),
	unmodified(Check, "a tag with bytes beyond ASCII", "9110 8.8.3", "ETag: \"abcdef\xc3\xbc\"", "If-None-Match: \"abcdef\xc3\xbc\""),
	whole(Check, "a tag whose quotes the client left out", "9110 8.8.3", `ETag: "abcdef"`, `If-None-Match: abcdef`),
	whole(Check, "a tag without quotes, asked for without", "9110 8.8.3", `ETag: abcdef`, `If-None-Match: abcdef`),
	whole(Check, "a tag without quotes, asked for with", "9110 8.8.3", `ETag: abcdef`, `If-None-Match: "abcdef"`),
	unmodified(Optimal, "a weak tag", "9110 13.1.2", `ETag: W/"abcdef"`, `If-None-Match: W/"abcdef"`),
	unmodified(Optimal, "a weak tag, asked for as a strong one", "9110 8.8.3.2", `ETag: W/"abcdef"`, `If-None-Match: "abcdef"`),
	unmodified(Optimal, "a strong tag, asked for as a weak one", "9110 8.8.3.2", `ETag: "abcdef"`, `If-None-Match: W/"abcdef"`),
	whole(Check, "a small w", "9110 8.8.3", `ETag: w/"abcdef"`, `If-None-Match: w/"abcdef"`),
	whole(Check, "a backslash for the slash", "9110 8.8.3", `ETag: W\"abcdef"`, `If-None-Match: W\"abcdef"`),
	whole(Check, "no slash", "9110 8.8.3", `ETag: W"abcdef"`, `If-None-Match: W"abcdef"`),
	unmodified(Optimal, "the first of several tags", "9110 13.1.2", `ETag: "abcdef"`, `If-None-Match: "abcdef", "1234", "5678"`),
	unmodified(Optimal, "a tag in the middle", "9110 13.1.2", `ETag: "abcdef"`, `If-None-Match: "1234", "abcdef", "5678"`),
	unmodified(Optimal, "the last of several tags", "9110 13.1.2", `ETag: "abcdef"`, `If-None-Match: "1234", "5678", "abcdef"`),
	unmodified(Optimal, "tags on several lines", "9110 5.3", `ETag: "abcdef"`, "If-None-Match: \"1234\"\nIf-None-Match: \"abcdef\""),
	unmodified(Optimal, "a tag with a comma", "9110 8.8.3", `ETag: "a,b"`, `If-None-Match: "x", "a,b"`),
	whole(Required, "a part of a tag with a comma", "9110 8.8.3", `ETag: "a,b"`, `If-None-Match: "a"`),
	whole(Required, "none is stored", "9110 13.1.2", "", `If-None-Match: "abcdef"`),

	unmodified(Optimal, "the same date", "9110 13.1.3", "Last-Modified: {-3000}\nDate: {0}", "If-Modified-Since: {-3000}"),
	unmodified(Optimal, "a later date", "9110 13.1.3", "Last-Modified: {-3000}\nDate: {0}", "If-Modified-Since: {-2000}"),
	whole(Required, "an earlier date", "9110 13.1.3", "Last-Modified: {-3000}\nDate: {0}", "If-Modified-Since: {-4000}"),
	unmodified(Optimal, "the same date in the form of RFC 850", "9110 5.6.7", "Last-Modified: {-3000}\nDate: {0}", "If-Modified-Since: {850 -3000}"),
	unmodified(Optimal, "the same date in the form of asctime", "9110 5.6.7", "Last-Modified: {-3000}\nDate: {0}", "If-Modified-Since: {ansi -3000}"),
	unmodified(Optimal, "no Last-Modified, a date behind Date", "9111 4.3.2", "Date: {-3000}", "If-Modified-Since: {-2000}"),
	whole(Required, "no Last-Modified, a date before Date", "9111 4.3.2", "Date: {-1000}", "If-Modified-Since: {-2000}"),
	whole(Required, "what is no date", "9110 13.1.3", "Last-Modified: {-3000}\nDate: {0}", "If-Modified-Since: yesterday"),
	optimal("a stale one is validated first, by its date", "9111 4.3.2", brief.says("Last-Modified: {-3000}\nDate: {0}"), get.sends("If-Modified-Since: {-3000}").validated().status(304)),
	optimal("a stale one is validated first, by its tag", "9111 4.3.2", brief.says(tagged), get.sends("If-None-Match: \"abcd\"").validated().status(304)),
	required("a client's old tag gets the validated one", "9111 4.3.2", brief.says(tagged), get.sends("If-None-Match: \"old\"").validated().status(200).asked("If-None-Match ~ \"abcd\"")),
	required("POST with If-None-Match goes on", "9110 13.1.2", lasting.says(tagged), post.sends(`If-None-Match: "abcd"`).miss().asked(":method: POST\nIf-None-Match: \"abcd\"")),
	check("If-Match is the origin's affair or holds", "9110 13.1.1", lasting.says(tagged), get.sends(`If-Match: "abcd"`).status(200)),
	check("If-Match of another tag", "9110 13.1.1", lasting.says(tagged), Step{Method: "GET", Send: `If-Match: "other"`, Status: -1}),

	optimal("asks whether a stale one holds, by a tag", "9111 4.3.1", brief.says(`ETag: "abcdef"`), get.validated().asked(`If-None-Match: "abcdef"`)),
	optimal("asks by a weak tag", "9111 4.3.1", brief.says(`ETag: W/"abcdef"`), get.validated().asked(`If-None-Match: W/"abcdef"`)),
	check("asks by a tag without quotes as it is", "9110 8.8.3", brief.says(`ETag: abcdef`), get.asked(":method: GET")),
	optimal("asks by a date", "9111 4.3.1", brief.says("Last-Modified: {-3000}\nDate: {0}"), get.validated().asked("If-Modified-Since: {-3000}")),
	optimal("asks by both", "9111 4.3.1", brief.says("Last-Modified: {-3000}\nDate: {0}\n"+tagged), get.validated().asked("If-None-Match: \"abcd\"")),
	required("a stale one that changed is replaced", "9111 4.3.3", brief.says(tagged), lasting.says(`ETag: "new"`).miss(), get.hit().nth(2).wants(`ETag: "new"`)),
	required("no condition where nothing tells versions apart", "9111 4.3.1", brief, get.miss().asked("!If-None-Match\n!If-Modified-Since")),
	check("a client's condition, and nothing stored", "9111 4.3.2", lasting.sends(`If-None-Match: "abcdef"`).miss()),
	check("a client's condition without quotes, and nothing stored", "9111 4.3.2", lasting.sends(`If-None-Match: abcdef`).miss()),
	required("a client's 304 is not stored as the answer", "9111 3", Step{Method: "GET", Send: `If-None-Match: "abcd"`, Status: -1, Reply: Reply{Fields: "Cache-Control: max-age=3600\n" + tagged, Validate: true}},
		get.status(200)),
	optimal("a condition that misses fills the store", "9111 4.3.2", lasting.says(tagged).sends(`If-None-Match: "other"`).miss(), get.hit()),
)

// heads is HEAD, and what its answers do (RFC 9111 section 4.3.5).
var heads = group("head",
	optimal("from a stored GET", "9110 9.3.2", lasting, head.hit()),
	required("from a stored GET, with its length", "9110 8.6", lasting.text("0123456789"), head.hit().wants("Content-Length: 10")),
	required("GET is not answered with what HEAD got", "9110 9.3.2", head.says("Cache-Control: max-age=3600").text("0123456789"), get.text("0123456789").status(200).shows("0123456789")),
	required("an answer to HEAD does not empty the stored one", "9110 9.3.2", lasting, head.sends("Cache-Control: no-cache").says("Cache-Control: max-age=3600"), get.status(200)),
	check("of a stale one, the origin is asked", "9111 4.3.5", brief.says("X-Kept: 1"), head.miss().asked(":method: HEAD")),
	check("of a stale one, whose fields are those of the origin", "9111 4.3.5", brief.says("X-Kept: 1"), head.miss().wants("!X-Kept")),
	check("a newer lifetime is not taken from HEAD", "9111 4.3.5", brief, head.says("Cache-Control: max-age=1000").miss(), get.miss()),
	check("newer fields are not taken from HEAD", "9111 4.3.5", brief.says("X-Kept: 1"), head.says("X-Kept: 2\nCache-Control: max-age=1000").miss(), get.miss().wants("!X-Kept")),
	check("a 410 to HEAD is not taken for GET", "9111 4.3.5", brief.says("X-Kept: 1"), head.code(410).says("Cache-Control: max-age=1000").miss(), get.miss().status(200)),
	unmodified(Optimal, "with a condition", "9110 13.1.2", tagged, `If-None-Match: "abcd"`).by(head),
)

// by is a case whose last step has the method of s.
func (c Case) by(s Step) Case {
	c.Steps[len(c.Steps)-1].Method = s.Method
	return c
}
