package cachetest

// kept is a field of a response, in two values: what a 304 does to it is said by level.
type kept struct {
	name, a, b string
	level      Level // of a 304's value taking the place of the stored one
}

// storedFields are fields that must be stored, and change with a 304 (RFC 9111 section 3.2).
var storedFields = []kept{
	{"Test-Field", "first", "second", Required}, {"X-Test-Field", "first", "second", Required}, {"Content-Foo", "first", "second", Required},
	{"X-Content-Foo", "first", "second", Required}, {"Cache-Control", "max-age=1", "max-age=3600", Required},
	{"Content-Encoding", "x-first", "x-second", Check}, {"Content-Location", "/foo", "/bar", Check},
	{"Content-MD5", "rL0Y20zC+Fzt72VPzMSk2A==", "N7UdGUp1E+RbVvZSTy1R8g==", Check}, {"Content-Range", "first", "second", Check},
	{"Content-Security-Policy", "default-src 'self'", "default-src 'self' cdn.example.com", Check},
	{"Content-Type", "text/plain", "text/plain;charset=utf-8", Check}, {"Clear-Site-Data", `"cache"`, `"cookies"`, Check},
	{"ETag", `"abcdef"`, `"ghijkl"`, Check}, {"Expires", "Fri, 01 Jan 2038 01:01:01 GMT", "Mon, 11 Jan 2038 11:11:11 GMT", Check},
	{"Public-Key-Pins", "first", "second", Check}, {"Set-Cookie", "a=b", "a=c", Check}, {"Set-Cookie2", "a=b", "a=c", Check},
	{"X-Frame-Options", "deny", "sameorigin", Check}, {"X-XSS-Protection", "1", "1; mode=block", Check}, {"Link", "</a>; rel=preload", "</b>; rel=preload", Required},
	{"Content-Language", "de", "en", Check}, {"Last-Modified", "Wed, 01 Jan 2020 00:00:00 GMT", "Thu, 02 Jan 2020 00:00:00 GMT", Check},
	{"Allow", "GET", "GET, POST", Required}, {"Retry-After", "1", "2", Required}, {"Access-Control-Allow-Origin", "*", "https://a.test", Required},
}

// fields is which fields are stored with an answer (RFC 9111 section 3.1).
var fields = group("fields", append(fieldRows(),
	required("what Connection names is not stored", "9111 3.1", lasting.says("Connection: x-a, X-B\nX-A: 1\nX-B: 2\nX-C: 3"), get.hit().wants("X-C: 3\n!X-A\n!X-B")),
	required("what no-cache does not name is stored", "9111 3.1", lasting.says("X-Lines: 1\nX-Lines: 2"), get.hit().wants("X-Lines: 1, 2")),
	required("Content-Length is the body's", "9111 3.2", lasting.text("0123456789"), get.hit().wants("Content-Length: 10")),
	required("the order of lines of a name stays", "9110 5.3", lasting.says("Link: <a>\nLink: <b>\nLink: <c>"), get.hit().wants("Link: <a>, <b>, <c>")),
	required("an empty value stays", "9110 5.5", lasting.says("X-Empty: "), get.hit().wants("X-Empty: ")),
	required("Age of the origin is not sent beside ours", "9111 5.1", lasting.says("Age: 100"), get.hit().wants("Age > 99\nAge < 160")),
	required("Via and others of the path are the stored answer's", "9110 7.6.3", lasting.says("Via: 1.1 inner"), get.hit().wants("Via ~ inner")),
)...)

func fieldRows() (rows []Case) {
	for _, f := range storedFields {
		s := get.says(f.name + ": " + f.b)
		if f.name != "Cache-Control" {
			s = s.says("Cache-Control: max-age=3600")
		}
		level := Required
		if f.name == "Content-Range" { // which means nothing in a 200
			level = Check
		}
		rows = append(rows, Case{Name: f.name + " is stored", Section: "9111 3.1", Level: level, Steps: []Step{s, get.hit().wants(f.name + ": " + f.b)}})
	}
	for _, name := range []string{"Keep-Alive", "Proxy-Authenticate", "Proxy-Authentication-Info", "Proxy-Authorization", "Proxy-Connection", "TE", "Upgrade"} {
		rows = append(rows, required(name+" is not stored", "9111 3.1", lasting.says(name+": first"), get.hit().wants("!"+name+": first")))
	}
	return append(rows, required("Connection is not stored", "9111 3.1", lasting.says("Connection: x-first"), get.hit().wants("!Connection: x-first")),
		required("Transfer-Encoding is not stored", "9111 3.1", chunked(lasting), get.hit()))
}

// chunked is a step whose answer has no length.
func chunked(s Step) Step {
	s.Reply.Chunked = true
	return s
}

// freshening is what a 304 does to what is stored (RFC 9111 section 4.3.4).
var freshening = group("update", append(updateRows(),
	required("a field that the 304 leaves out stays", "9111 3.2", brief.says("Last-Modified: {-3000}\nDate: {-5}\nX-Test: a"), get.validated().says("Last-Modified: {-3000}").wants("X-Test: a")),
	required("a field that the 304 adds is there", "9111 3.2", brief.says(tagged), get.validated().says(tagged+"\nX-New: 1\nCache-Control: max-age=3600").wants("X-New: 1"), get.hit().wants("X-New: 1")),
	required("Content-Length of the 304 is not taken", "9111 3.2", brief.says(tagged).text("01234"), get.validated().says(tagged+"\nContent-Length: 10\nCache-Control: max-age=3600").shows("01234").wants("Content-Length: 5"),
		get.hit().shows("01234").wants("Content-Length: 5")),
	optimal("a 304 makes it fresh again", "9111 4.3.4", brief.says(tagged), get.validated().says(tagged+"\nCache-Control: max-age=3600"), get.hit().nth(1)),
	required("a 304 with a lifetime of its own that has passed", "9111 4.3.4", brief.says(tagged), get.validated().says(tagged+"\nCache-Control: max-age=0"), get.validated().says(tagged)),
	required("no-store in a 304: never again without asking", "9111 5.2.2.5", brief.says(tagged), get.validated().says(tagged+"\nCache-Control: no-store"), Step{Method: "GET", Reply: Reply{Fields: tagged, Validate: true}, Asks: 1}),
	required("private in a 304: never again without asking", "9111 5.2.2.7", brief.says(tagged), get.validated().says(tagged+"\nCache-Control: private, max-age=3600"), Step{Method: "GET", Reply: Reply{Fields: tagged, Validate: true}, Asks: 1}),
	check("a 304 with another tag is not of what is stored", "9111 4.3.4", brief.says(tagged), other304, get.hit().wants("ETag: \"other\"")),
	check("a 304 with another weak tag is not of what is stored", "9111 4.3.4", brief.says("ETag: W/\"abcd\""), other304, get.hit().wants("ETag: \"other\"")),
	required("Age begins anew", "9111 4.2.3", get.says("Cache-Control: max-age=1000\nAge: 1000\n"+tagged), get.validated().says(tagged+"\nCache-Control: max-age=3600"), get.hit().wants("Age < 60")),
	required("what Connection of a 304 names is not taken", "9111 3.1", brief.says(tagged), get.validated().says(tagged+"\nCache-Control: max-age=3600\nConnection: x-hop\nX-Hop: 1"), get.hit().wants("!X-Hop")),
	required("the date of a 304 is the stored one's", "9111 3.2", brief.says(tagged+"\nDate: {-100}"), get.validated().says(tagged+"\nCache-Control: max-age=3600\nDate: {-10}"), get.hit().wants("Date: {-10}")),
)...)

// other304 is an origin that has changed, and answers 304 with its new tag to the old one. It is asked again, without a condition.
var other304 = Step{Method: "GET", From: Upstream, Reply: Reply{Fields: "Cache-Control: max-age=3600\nETag: \"other\"", Validate: true}}

func updateRows() (rows []Case) {
	for _, f := range storedFields {
		if f.name == "ETag" { // another one says that the 304 is not of what is stored; see freshening
			continue
		}
		first := get.says("Cache-Control: max-age=1\n" + f.name + ": " + f.a)
		second304 := get.validated().says(f.name + ": " + f.b)
		third := get.hit()
		if f.name != "Cache-Control" {
			second304 = second304.says("Cache-Control: max-age=3600")
		} else {
			first.Reply.Fields = "Cache-Control: " + f.a
		}
		first, second304 = first.says(tagged), second304.says(tagged)
		name, value := f.name+" of a 304", f.b
		if f.name == "Content-Encoding" || f.name == "Content-Range" { // the stored body's, which the 304 has none of
			name, value = name+" is not taken", f.a
		}
		rows = append(rows, Case{Name: name, Section: "9111 3.2", Level: f.level,
			Steps: []Step{first.pause(second), second304.wants(f.name + ": " + value), third.wants(f.name + ": " + value)}})
	}
	return rows
}
