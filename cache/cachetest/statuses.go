package cachetest

import "fmt"

// statuses is which answers may be stored at all (RFC 9111 section 3).
var statuses = group("status", append(statusRows(),
	required("one that is unknown says must-understand", "9111 5.2.2.3", get.says("Cache-Control: max-age=3600, no-store, must-understand").code(599), get.miss()),
	optimal("one that is known says must-understand", "9111 5.2.2.3", get.says("Cache-Control: max-age=3600, no-store, must-understand"), get.hit()),
	required("must-understand alone forbids the unknown", "9111 5.2.2.3", get.says("Cache-Control: max-age=3600, must-understand").code(599), get.miss()),
	optimal("a 404 that says max-age", "9110 15.5.5", lasting.code(404), get.hit().status(404)),
	required("a 401 that says nothing", "9110 15.1", get.code(401), get.miss()),
	required("a 429 that says nothing", "6585 4", get.code(429), get.miss()),
	required("a 500 that says nothing", "9110 15.1", get.code(500), get.miss()),
	required("a 500 does not take the place of a fresh 200", "9111 4", lasting, get.code(500).hit().status(200)),
)...)

func statusRows() (rows []Case) {
	for _, status := range []int{200, 203, 204, 299, 301, 302, 303, 307, 308, 400, 404, 410, 499, 500, 502, 503, 504, 599} {
		rows = append(rows,
			optimal(fmt.Sprintf("%d, fresh", status), "9111 3", lasting.code(status), get.code(status).hit()),
			required(fmt.Sprintf("%d, stale", status), "9111 4.2", get.says("Expires: {-5000}\nLast-Modified: {-100000}\nDate: {0}").code(status), get.code(status).miss()))
	}
	return rows
}

// methods is what the method has to do with it.
var methods = group("method",
	optimal("POST whose answer is for GET", "9110 9.3.3", post.says("Cache-Control: max-age=3600\nContent-Location: {path}"), get.hit()),
	required("POST is not answered from GET", "9110 9.3.3", lasting, post.miss().asked(":method: POST\n:body: abc")),
	required("POST is not answered from POST", "9110 9.3.3", post.says("Cache-Control: max-age=3600"), post.miss()),
	required("GET is not answered from POST", "9110 9.3.3", post.says("Cache-Control: max-age=3600"), get.miss()),
	required("PUT is not answered from GET", "9110 9.3.4", lasting, Step{Method: "PUT", Body: "abc"}.miss().asked(":method: PUT")),
	required("OPTIONS is not answered from GET", "9110 9.3.7", lasting, Step{Method: "OPTIONS"}.miss().asked(":method: OPTIONS")),
	required("OPTIONS is not stored", "9110 9.3.7", Step{Method: "OPTIONS"}.says("Cache-Control: max-age=3600"), Step{Method: "OPTIONS"}.miss()),
	required("an unknown method is not stored", "9110 9.2.3", Step{Method: "FETCH"}.says("Cache-Control: max-age=3600"), Step{Method: "FETCH"}.miss()),
	required("a method in other case is another one", "9110 9.1", lasting, Step{Method: "get", Status: -1}.wants("!Age")),
	check("GET with a body goes to the origin", "9110 9.3.1", lasting, get.with("abc").sends("Content-Type: text/plain").miss()),
	required("GET with a body is not stored", "9110 9.3.1", lasting.with("abc").sends("Content-Type: text/plain"), get.miss()),

	optimal("QUERY with the same body", "10008 2.7", query.says("Cache-Control: max-age=3600"), query.hit()),
	required("QUERY with another body", "10008 2.7", query.says("Cache-Control: max-age=3600"), query.with("abd").miss()),
	required("QUERY with a body of another type", "10008 2.7", query.says("Cache-Control: max-age=3600"), Step{Method: "QUERY", Body: "abc", Send: "Content-Type: text/html"}.miss()),
	required("QUERY with a body in another coding", "10008 2.7", query.says("Cache-Control: max-age=3600"), query.sends("Content-Encoding: x-rot").miss()),
	required("GET is not answered from QUERY", "10008 2.7", query.says("Cache-Control: max-age=3600"), get.miss()),
	required("QUERY is not answered from GET", "10008 2.7", lasting, query.miss()),
	required("QUERY goes on with its body", "10008 2", query.miss().asked(":method: QUERY\n:body: abc\nContent-Type: text/plain")),
	optimal("QUERY with a method's own query", "10008 2.7", query.at("?a=1").says("Cache-Control: max-age=3600"), query.at("?a=2").miss(), query.at("?a=1").hit()),
	optimal("QUERY is safe: it makes nothing invalid", "9111 4.4", lasting, query.miss(), get.hit()),
	optimal("QUERY with a condition", "9110 13.1.2", query.says("Cache-Control: max-age=3600\n"+tagged), query.sends(`If-None-Match: "abcd"`).hit().status(304)),
)

// unsafe are methods that may change what they are asked for.
var unsafe = []string{"POST", "PUT", "DELETE", "PATCH", "M-SEARCH"}

// invalidation is what a successful unsafe request makes of stored answers (RFC 9111 section 4.4).
var invalidation = group("invalidation", append(invalidationRows(),
	required("a redirect is a success", "9111 4.4", lasting, post.code(303).says("Location: /elsewhere"), get.miss()),
	optimal("a client's own error is none", "9111 4.4", lasting, post.code(404), get.hit()),
	optimal("OPTIONS and TRACE make nothing invalid", "9111 4.4", lasting, Step{Method: "OPTIONS"}, get.hit()),
	required("every variant is gone", "9111 4.4", varies("X-Foo", "X-Foo: 1"), varies("X-Foo", "X-Foo: 2"), post, get.sends("X-Foo: 1").miss(), get.sends("X-Foo: 2").miss()),
	optimal("other paths stay", "9111 4.4", lasting, lasting.at("/b"), post.at("/b"), get.hit()),
	optimal("other queries stay", "9111 4.4", lasting.at("?a=1"), post.at("?a=2"), get.at("?a=1").hit()),
	required("Location of another host is not believed", "9111 4.4", lasting, post.at("/other").says("Location: http://elsewhere.invalid{path}"), get.hit()),
	required("Content-Location of another host is not believed", "9111 4.4", lasting, post.at("/other").says("Content-Location: http://elsewhere.invalid{path}"), get.hit()),
	required("Location of the same host in full", "9111 4.4", lasting, post.at("/other").says("Location: {url}"), get.miss()),
	optimal("another host's answer stays", "9111 4.4", lasting, post.elsewhere(), get.hit()),
	required("an answer asked for before and stored behind it", "9111 4.4", lasting, post, lasting.miss(), get.hit().nth(3)),
)...)

func invalidationRows() (rows []Case) {
	for _, method := range unsafe {
		change := Step{Method: method, Body: "abc"}
		rows = append(rows,
			required(method, "9111 4.4", lasting, change, get.miss()),
			optimal(method+" that fails", "9111 4.4", lasting, change.code(500), get.hit()),
			check(method+" with Location", "9111 4.4", lasting.at("/target"), change.says("Location: {path}/target"), get.at("/target").miss()),
			check(method+" with Content-Location", "9111 4.4", lasting.at("/target"), change.says("Content-Location: {path}/target"), get.at("/target").miss()))
	}
	return rows
}
