package cachetest

// groups is answers that are made invalid together: RFC 9875, and the fields by which others name them.
var groups = group("groups",
	optimal("an unsafe request makes a group invalid", "9875 3", lasting.at("/a").says(`Cache-Groups: "{id}"`), post.at("/b").says(`Cache-Group-Invalidation: "{id}"`), get.at("/a").miss()),
	optimal("one of several groups", "9875 2", lasting.at("/a").says(`Cache-Groups: "x{id}", "{id}"`), post.at("/b").says(`Cache-Group-Invalidation: "y{id}", "{id}"`), get.at("/a").miss()),
	optimal("every member", "9875 3", lasting.at("/a").says(`Cache-Groups: "{id}"`), lasting.at("/c").says(`Cache-Groups: "{id}"`), post.at("/b").says(`Cache-Group-Invalidation: "{id}"`), get.at("/a").miss(), get.at("/c").miss()),
	required("another group stays", "9875 3", lasting.at("/a").says(`Cache-Groups: "{id}"`), post.at("/b").says(`Cache-Group-Invalidation: "other-{id}"`), get.at("/a").hit()),
	required("names are compared byte for byte", "9875 2", lasting.at("/a").says(`Cache-Groups: "{id}x"`), post.at("/b").says(`Cache-Group-Invalidation: "{id}X"`), get.at("/a").hit()),
	required("what a safe request gets makes nothing invalid", "9875 3", lasting.at("/a").says(`Cache-Groups: "{id}"`), get.at("/b").says(`Cache-Group-Invalidation: "{id}"`), get.at("/a").hit()),
	required("what a failed request gets makes nothing invalid", "9875 3", lasting.at("/a").says(`Cache-Groups: "{id}"`), post.at("/b").code(500).says(`Cache-Group-Invalidation: "{id}"`), get.at("/a").hit()),
	required("a list that cannot be read names no group", "9875 3", lasting.at("/a").says(`Cache-Groups: "{id}"`), post.at("/b").says(`Cache-Group-Invalidation: "{id}", &`), get.at("/a").hit()),
	required("a token is no name", "9875 2", lasting.at("/a").says(`Cache-Groups: "{id}"`), post.at("/b").says(`Cache-Group-Invalidation: {id}`), get.at("/a").hit()),
	required("another host's group of the same name stays", "9875 2.1", lasting.at("/a").says(`Cache-Groups: "{id}"`), post.at("/b").elsewhere().says(`Cache-Group-Invalidation: "{id}"`), get.at("/a").hit()),
	optimal("it works for answers in a group and stale ones", "9875 3", get.at("/a").says("Cache-Control: max-age=60, stale-while-revalidate=600\nAge: 100\nCache-Groups: \"{id}\""), post.at("/b").says(`Cache-Group-Invalidation: "{id}"`), get.at("/a").miss()),
	optimal("purged by Cache-Groups", "9875 2", lasting.says(`Cache-Groups: "{id}"`), Step{Purge: "{id}"}, get.miss()),
	optimal("purged by Surrogate-Key", "9875 2", lasting.says("Surrogate-Key: a {id} b"), Step{Purge: "{id}"}, get.miss()),
	optimal("purged by Cache-Tag", "9875 2", lasting.says("Cache-Tag: a, {id},b"), Step{Purge: "{id}"}, get.miss()),
	required("a purge leaves others", "9875 2", lasting.says("Surrogate-Key: a{id}"), Step{Purge: "{id}"}, get.hit()),
)

// keys is which requests ask for the same (RFC 9111 section 2).
var keys = group("key",
	required("another path", "9111 2", lasting.at("/a"), get.at("/b").miss()),
	required("another query", "9111 2", lasting.at("?test=1"), get.at("?test=2").miss()),
	optimal("the same query", "9111 2", lasting.at("?test=1"), get.at("?test=1").hit()),
	required("a query where there was none", "9111 2", lasting, get.at("?test=1").miss()),
	required("another host", "9111 2", lasting, get.elsewhere().miss()),
	required("a path in other case", "9110 4.2.3", lasting.at("/a"), get.at("/A").miss()),
	required("a slash at the end", "3986 6.2.2", lasting.at("/a"), get.at("/a/").miss()),
	required("two slashes", "3986 6.2.2", lasting.at("/a/b"), get.at("/a//b").miss()),
	required("an encoded slash", "3986 2.2", lasting.at("/a/b"), get.at("/a%2Fb").miss()),
	required("an encoded question mark", "3986 2.2", lasting.at("/a?b=1"), get.at("/a%3Fb=1").miss()),
	required("parameters of a path", "3986 3.3", lasting.at("/a"), get.at("/a;b=1").miss()),
	optimal("an unreserved byte, encoded", "3986 6.2.2.2", lasting.at("/~a"), get.at("/%7Ea").hit()),
	optimal("codes in small letters", "3986 6.2.2.1", lasting.at("/%C3%A4"), get.at("/%c3%a4").hit()),
	optimal("dot segments", "3986 6.2.2.3", lasting.at("/a/c"), get.at("/a/./b/../c").hit()),
	check("parameters in another order", "9111 2", lasting.at("?b=2&a=1"), get.at("?a=1&b=2").hit()),
	required("one parameter twice, in another order", "9111 2", lasting.at("?a=1&a=2"), get.at("?a=2&a=1").miss()),
	required("a value that looks like another parameter", "9111 2", lasting.at("?a=1%26b=2"), get.at("?a=1&b=2").miss()),
	required("an empty value and none", "9111 2", lasting.at("?a="), get.at("?a").miss()),
	check("X-Forwarded-Host of a client", "9111 2", lasting.sends("X-Forwarded-Host: evil.invalid").asked("!X-Forwarded-Host: evil.invalid")),
	required("X-HTTP-Method-Override of a client", "9110 9.1", lasting, get.sends("X-HTTP-Method-Override: DELETE"), get.hit()),
	required("a field that was not compared does not change the stored one", "9111 4.1", lasting, get.sends("X-Evil: 1").hit(), get.hit().nth(1)),
)

// collapsing is many who ask for the same at the same moment.
var collapsing = group("collapsing",
	optimal("a crowd asks the origin once", "9111 4", crowd(holding(lasting), 30, 1)),
	optimal("a crowd with variants asks once for each", "9111 4.1", crowd(holding(varies("X-Foo", "X-Foo: 1")), 10, 1), crowd(holding(varies("X-Foo", "X-Foo: 2")), 10, 0), get.sends("X-Foo: 1").hit(), get.sends("X-Foo: 2").hit()),
	optimal("a crowd of a stale answer validates once", "9111 4.3", brief.says(tagged), crowd(holding(lasting.says(tagged).validated()), 10, 1)),
	required("what says no-store goes to nobody else", "9111 5.2.2.5", crowd(holding(get.says("Cache-Control: no-store").miss()), 10, 10)),
	required("what says private goes to nobody else", "9111 5.2.2.7", crowd(holding(get.says("Cache-Control: private, max-age=3600").miss()), 10, 10)),
	check("what says nothing goes to nobody else", "9111 4", crowd(holding(get.miss()), 10, 10)),
	required("POST goes on each time", "9110 9.2.2", crowd(holding(post.says("Cache-Control: max-age=3600").miss()), 5, 5)),
	required("requests with Authorization do not wait for each other's answers", "9111 3.5", crowd(holding(lasting.sends("Authorization: Basic YTpi").miss()), 5, 5)),
	optimal("a large answer to a crowd", "9111 4", crowd(holding(lasting.text(everyBytes(4000))), 10, 1)),
	required("an answer that breaks off, to a crowd", "9111 3.3", crowd(cut(holding(lasting.text(everyBytes(100)))).miss(), 1, 0), get.miss()),
)

func everyBytes(n int) string {
	b := make([]byte, 0, n*256)
	for range n {
		b = append(b, everyByte()...)
	}
	return string(b)
}

// telling is Cache-Status (RFC 9211).
var telling = group("cache-status",
	check("a first request", "9211 2.2", lasting.miss().tells("fwd=uri-miss stored !hit")),
	check("a hit", "9211 2.1", lasting, get.hit().tells("hit ttl= !fwd=")),
	check("what may not be stored", "9211 2.5", get.says("Cache-Control: no-store").miss().tells("fwd=uri-miss !stored")),
	check("another variant", "9211 2.2", varies("X-Foo", "X-Foo: 1"), varies("X-Foo", "X-Foo: 2").miss().tells("fwd=vary-miss stored")),
	check("a stale one, validated", "9211 2.3", brief.says(tagged), get.validated().tells("fwd=stale fwd-status=304 !hit")),
	check("a stale one, replaced", "9211 2.2", brief, lasting.miss().tells("fwd=stale stored")),
	check("a request that wants it anew", "9211 2.2", lasting, get.sends("Cache-Control: no-cache").miss().tells("fwd=request")),
	check("another method", "9211 2.2", post.miss().tells("fwd=method")),
	check("one of a crowd", "9211 2.6", crowd(holding(lasting), 1, 1), get.hit().tells("hit !collapsed")),
	check("a stale one, meanwhile", "9211 2.4", get.says("Cache-Control: max-age=60, stale-while-revalidate=3600\nAge: 100"), get.behind().tells("hit ttl=")),
	check("behind what caches in front of the origin say", "9211 2", lasting.says("Cache-Status: inner; hit; ttl=5").wants("Cache-Status ~ inner").tells("fwd=uri-miss"), get.hit().wants("Cache-Status ~ inner").tells("hit")),
)
