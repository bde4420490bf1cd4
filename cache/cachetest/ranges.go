package cachetest

import "strings"

const digits = "01234567890"

// part is a stored whole of eleven digits, and a range of it.
func part(l Level, name, section, asked, shows, contentRange string) Case {
	return Case{Name: name, Section: section, Level: l, Steps: []Step{lasting.text(digits), get.sends("Range: " + asked).hit().status(206).shows(shows).wants("Content-Range: " + contentRange)}}
}

// all is a stored whole, and a range that is not heeded.
func all(l Level, name, section, stored, sent string) Case {
	return Case{Name: name, Section: section, Level: l, Steps: []Step{lasting.text(digits).says(stored), get.sends(sent).hit().status(200).shows(digits).wants("!Content-Range")}}
}

// last5 is the origin's answer to a range: the last five bytes of ten.
var last5 = get.sends("Range: bytes=-5").says("Cache-Control: max-age=3600\nContent-Range: bytes 5-9/10\n" + tagged).code(206).text("56789")

// ranges is parts of what is stored (RFC 9110 section 14, RFC 9111 section 3.3 and 3.4).
var ranges = group("ranges",
	part(Optimal, "first and last", "9110 14.1.2", "bytes=0-1", "01", "bytes 0-1/11"),
	part(Optimal, "open at the end", "9110 14.1.2", "bytes=1-", "1234567890", "bytes 1-10/11"),
	part(Optimal, "the last", "9110 14.1.2", "bytes=-1", "0", "bytes 10-10/11"),
	part(Optimal, "more than the last", "9110 14.1.2", "bytes=-100", digits, "bytes 0-10/11"),
	part(Optimal, "beyond the end", "9110 14.1.2", "bytes=5-100", "567890", "bytes 5-10/11"),
	part(Optimal, "one byte", "9110 14.1.2", "bytes=3-3", "3", "bytes 3-3/11"),
	part(Check, "the unit in other case", "9110 14.1", "BYTES=0-1", "01", "bytes 0-1/11"),
	required("its length is its own", "9110 8.6", lasting.text(digits), get.sends("Range: bytes=2-4").hit().status(206).shows("234").wants("Content-Length: 3")),
	required("fields are those of the stored answer", "9111 3.4", lasting.text(digits).says("X-A: 1\n"+tagged), get.sends("Range: bytes=0-1").says("X-A: 2").hit().status(206).shows("01").wants("X-A: 1\nETag: \"abcd\"")),
	required("fields that nobody changed", "9111 3.4", lasting.text(digits).says("X-A: 1"), get.sends("Range: bytes=0-1").hit().status(206).shows("01").wants("X-A: 1")),
	required("a range does not shorten what is stored", "9111 3.4", lasting.text(digits), get.sends("Range: bytes=0-1").status(206).shows("01"), get.hit().shows(digits)),
	optimal("beyond the whole", "9110 15.5.17", lasting.text(digits), get.sends("Range: bytes=11-").hit().status(416).wants("Content-Range: bytes */11")),
	optimal("nothing of the end", "9110 14.1.2", lasting.text(digits), get.sends("Range: bytes=-0").hit().status(416).wants("Content-Range: bytes */11")),
	all(Check, "last before first", "9110 14.1.2", "", "Range: bytes=5-2"),
	all(Required, "another unit", "9110 14.2", "", "Range: lines=0-1"),
	all(Check, "no range", "9110 14.1.2", "", "Range: bytes="),
	all(Check, "words", "9110 14.1.2", "", "Range: bytes=a-b"),
	optimal("two ranges", "9110 14.6", lasting.text(digits).says("Content-Type: text/plain"),
		get.sends("Range: bytes=0-1,5-6").hit().status(206).wants("Content-Type ~ multipart/byteranges; boundary=\n!Content-Range")),
	check("two ranges that meet", "9110 14.2", lasting.text(digits), get.sends("Range: bytes=0-4,3-6").hit().status(-1)),
	required("a hundred ranges are not a hundred parts", "9110 14.2", lasting.text(digits), get.sends("Range: bytes="+strings.Repeat("0-,", 99)+"0-").hit().status(-1).wants("Content-Length < 1000")),
	optimal("one of two is beyond the whole", "9110 14.2", lasting.text(digits), get.sends("Range: bytes=0-1,50-60").hit().status(206)),
	required("HEAD has no ranges", "9110 14.2", lasting.text(digits), head.sends("Range: bytes=0-1").hit().status(200).wants("Content-Length: 11\n!Content-Range")),
	optimal("If-Range with the tag", "9110 13.1.5", lasting.text(digits).says(tagged), get.sends("Range: bytes=0-1\nIf-Range: \"abcd\"").hit().status(206).shows("01")),
	all(Required, "If-Range with another tag", "9110 13.1.5", tagged, "Range: bytes=0-1\nIf-Range: \"other\""),
	all(Required, "If-Range with a weak tag", "9110 13.1.5", `ETag: W/"abcd"`, "Range: bytes=0-1\nIf-Range: W/\"abcd\""),
	all(Required, "If-Range where no tag is stored", "9110 13.1.5", "", "Range: bytes=0-1\nIf-Range: \"abcd\""),
	optimal("If-Range with the date", "9110 13.1.5", lasting.text(digits).says("Last-Modified: {-100000}\nDate: {0}"), get.sends("Range: bytes=0-1\nIf-Range: {-100000}").hit().status(206).shows("01")),
	all(Required, "If-Range with a later date", "9110 13.1.5", "Last-Modified: {-100000}\nDate: {0}", "Range: bytes=0-1\nIf-Range: {-90000}"),
	all(Required, "If-Range with an earlier date", "9110 13.1.5", "Last-Modified: {-100000}\nDate: {0}", "Range: bytes=0-1\nIf-Range: {-200000}"),
	required("a condition goes before a range", "9110 13.2.2", lasting.text(digits).says(tagged), get.sends("Range: bytes=0-1\nIf-None-Match: \"abcd\"").hit().status(304)),
	required("a stored 404 has no ranges", "9110 14.2", lasting.code(404).text(digits), get.sends("Range: bytes=0-1").hit().status(404).shows(digits)),
	optimal("of an empty body", "9110 14.1.2", Step{Method: "GET", Reply: Reply{Fields: "Cache-Control: max-age=3600", Empty: true}}, get.sends("Range: bytes=0-1").hit().status(-1).wants("!Content-Range: bytes 0-1/0")),
	optimal("of a body without a length", "9110 14.1.2", chunked(lasting.text(digits)), get.sends("Range: bytes=2-3").hit().status(206).shows("23")),
	required("of a stale whole, validated", "9111 4.3", brief.text(digits).says(tagged), get.sends("Range: bytes=2-3").validated().status(206).shows("23")),
	required("nothing stored: the range, not less", "9110 14.2", lasting.text(digits).sends("Range: bytes=2-3").status(-1)),

	optimal("a part is stored, and used for the same range", "9111 3.3", last5, get.sends("Range: bytes=-5").hit().status(206).shows("56789")),
	optimal("a part of a part", "9111 3.3", last5, get.sends("Range: bytes=6-8").hit().status(206).shows("678")),
	optimal("a part of a part, open at the end", "9111 3.3", last5, get.sends("Range: bytes=7-").hit().status(206).shows("789")),
	optimal("a part of a part, the last", "9111 3.3", last5, get.sends("Range: bytes=-1").hit().status(206).shows("9")),
	optimal("a part is completed", "9111 3.4", get.sends("Range: bytes=0-4").says("Cache-Control: max-age=3600\nContent-Range: bytes 0-4/10\n"+tagged).code(206).text("01234"), get.asked("Range: bytes=5-")),
	required("a part is not the whole", "9111 3.3", last5, get.miss().status(200)),
	required("a part is not another part", "9111 3.3", last5, get.sends("Range: bytes=0-2").code(206).says("Content-Range: bytes 0-2/10").text("012").miss().shows("012")),
)

// bodies is what becomes of them on the way through the store.
var bodies = group("body",
	required("empty", "9111 3", Step{Method: "GET", Reply: Reply{Fields: "Cache-Control: max-age=3600", Empty: true}}, get.hit().wants("Content-Length: 0")),
	required("without a length", "9112 7.1", chunked(lasting), get.hit()),
	required("of a megabyte", "9111 3", lasting.text(strings.Repeat("0123456789abcdef", 64<<10)), get.hit()),
	required("of a megabyte, without a length", "9112 7.1", chunked(lasting.text(strings.Repeat("fedcba9876543210", 64<<10))), get.hit()),
	required("one that broke off is not stored", "9111 3.3", cut(lasting.text(strings.Repeat("x", 1000))).miss(), get.miss()),
	required("one without a length that broke off is not stored", "9111 3.3", cut(chunked(lasting.text(strings.Repeat("x", 1000)))).miss(), get.miss()),
	required("one that broke off does not harm what is stored", "9111 3.3", brief.says(tagged), cut(lasting.text(strings.Repeat("x", 1000))).miss(), get.status(200)),
	required("bytes of every value", "9110 6.4", lasting.text(everyByte()), get.hit()),
	optimal("trailers do not keep it from being stored", "9110 6.5", Step{Method: "GET", Reply: Reply{Fields: "Cache-Control: max-age=3600", Trailers: "X-Sum: 1"}}, get.hit().wants("!X-Sum")),
)

// cut is a step whose origin closes in the middle of its answer.
func cut(s Step) Step {
	s.Reply.Cut = true
	return s
}

func everyByte() string {
	b := make([]byte, 256)
	for i := range b {
		b[i] = byte(i)
	}
	return string(b)
}

// interims is what comes before an answer (RFC 9110 section 15.2).
var interims = group("interim",
	optimal("102 passes, what follows is stored", "9110 15.2", early(lasting, "102"), get.hit()),
	optimal("103 passes, what follows is stored", "8297 2", early(lasting, "103\nLink: </a.css>; rel=preload\nX-Early: 1"), get.hit()),
	required("103 is not stored", "9111 3", early(lasting, "103\nLink: </a.css>; rel=preload"), notEarly(get.hit())),
	optimal("fields of a 103 are not stored", "9111 3.1", early(lasting, "103\nLink: </a.css>; rel=preload\nX-Early: 1").wants("!X-Early"), get.hit().wants("!X-Early\n!Link")),
)

// early is a step whose origin says something before it answers, which must reach the client.
func early(s Step, interim string) Step {
	s.Reply.Interim = []string{interim}
	code, fields, _ := strings.Cut(interim, "\n")
	s.Told = strings.TrimSuffix(code+" "+strings.ReplaceAll(fields, "\n", " "), " ")
	return s
}

func notEarly(s Step) Step {
	s.Told = "none"
	return s
}
