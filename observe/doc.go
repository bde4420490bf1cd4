// Package observe tells what happened: one JSON log event per exchange, the metrics of each route, and spans of the sampled
// exchanges.
//
// It owns the form of the event and of the span, their bounded buffers and the goroutines that write and send them, and the
// names of the route metrics. It promises that telemetry never blocks traffic: Log.Exchange and Tracer.Exchange copy and
// return; a slow or dead sink costs lines and spans, which are counted (skerry_log_dropped_total, skerry_spans_dropped_total),
// never an exchange and never memory. It allocates nothing per exchange.
//
// It refuses to know HTTP servers (admin has those), and to filter, except for one thing: what the parameters of a URL hold
// whose names look secret is never written (see below).
//
// # The event of an exchange
//
// One line, one JSON object, these names in this order. They are stable: a name may be added, never changed. A field is
// left out where the third column says so. A value that was cut ends with "…".
//
//	time           when the exchange began, RFC 3339 in UTC with milliseconds   always
//	id             the request id, 32 hexadecimal digits                        if it has one
//	client         who asked, seen through trusted proxies, without port        if there is a client
//	peer           the address of the connection's other end                    only if that is not the client
//	balancer       whose PROXY header said for whom the connection is          if it began with one
//	proto          "h1" or "h2"                                                 if there is a client
//	tls            the version, "1.3"                                           if the connection is encrypted
//	tls_curve      the key exchange, "X25519MLKEM768"                           if the handshake had one
//	tls_client     who the client is by its certificate, cut to 256 bytes       if it showed one that was found good
//	tls_client_serial its serial number, hexadecimal, cut to 40 digits          if it showed one that was found good
//	sni            the host that the handshake named                            only if host is another
//	entrypoint     its name                                                     if one matched
//	owner          who owns the entrypoint                                      if it says
//	route          the route's name in the entrypoint                           if one matched
//	method         as sent, cut to 64 bytes                                     if it was parsed
//	host           normal form                                                  if it was parsed
//	path           normal form, cut to 2 KB                                     if it was parsed
//	query          as sent but for secrets, cut to 2 KB                         if not empty
//	target         as sent but for secrets, cut to 256 bytes                    only if host or path was not parsed
//	status         of the answer; 0: the client got none                        always
//	bytes_in       bytes of the request body                                    always
//	bytes_out      bytes of the response body                                   always
//	tunnel         "websocket": the bytes are those that went through it         if the exchange became one
//	encoding       the coding that the edge put on the body                     if it did
//	ms             the whole exchange, milliseconds                             always
//	limit          the limit that refused the request                           if one did
//	waf            what the firewall found: mode, verdict (passed,           if rules matched, or a body
//	               detected, refused), score, limit, inspected, rules with   was not looked at
//	               their ids and the names of the variables that matched
//	cache          where the answer came from: hit, stale, revalidated,          if the route has a cache
//	               miss, pass
//	cache_why      why it passed, or was not stored: see package cache          if it did, or was not
//	cache_stored   true: the answer was stored                                  if it was
//	cache_collapsed true: it waited for what another request had asked for      if it did
//	cache_age_s    how old what was stored was, seconds                         if it came from the store
//	service        the service that was chosen                                  if one was
//	endpoint       the address of its endpoint that was asked last              if one was
//	locality       "region/zone" of that endpoint                               if it is known
//	picked         why that endpoint, beyond the algorithm: see below           if there is such a reason
//	class          the priority of the request                                  if the service has concurrency or a breaker
//	queued_ms      how long it waited for a place among them                    if it did
//	tries          how often the request was sent, or tried to                  if the origin was asked
//	reused         whether the last try went over a kept connection             if the origin was asked
//	retried        why the tries after the first were made: see below           if there were any
//	refused        why no further try, or none at all, was made: see below      if one was wanted
//	hedge          "won" or "lost": whether the second endpoint was first       if the first was slow and a second was asked
//	first_byte_ms  from the beginning to the origin's response head             if it answered
//	edge_ms        of that, until the last try's request had been sent whole    if it had been
//	origin_ms      of that, what the origin took from then on                   if it answered, and edge_ms is there
//	origin_status  the status of the origin's answer                            if it answered
//	grpc_status    the number of its grpc-status, from trailers or head         if it had one
//	mirror         the service that a copy was sent to                          if one was
//	fault          the kind of the first thing that failed, see package fault   if something did
//	side           whose fault it is: "edge", "client", "origin"                if something did
//	error          what was tried, the limit and its setting, cut to 512 bytes  if something did
//	stack          where it panicked, cut to 4 KB                               only for the fault "panic"
//	user_agent     as sent, cut to 256 bytes                                    if not empty
//	referer        as sent but for secrets, cut to 256 bytes                    if not empty
//
// tls_client is the certificate's subject as RFC 4514 writes it, "CN=billing,O=Example"; of a certificate whose subject has no common
// name, the first URI, host, mail or IP address of its subjectAltName, "URI:spiffe://example.org/billing", if it has one. It is left out
// for a certificate with neither. Whoever a trusted proxy in front has seen is not in it.
//
// edge_ms is what the edge's own stages took, the client with its body, the wait for a place, earlier tries, and the connection; the
// origin cannot have worked on the whole request before. An answer that comes while the request is still being sent, as with streams
// of gRPC, has neither edge_ms nor origin_ms. No answer, but edge_ms: the rest of ms is the wait for it. A call of gRPC whose answer broke
// off has no grpc_status: fault says why. One that the edge ended behind a message has 14, and fault too.
//
// A fault with a status below 500 means that a stage answered in its place, or that the client caused it.
//
// # How a service was asked
//
// The values of picked and retried are words joined by commas; refused is one word.
//
//	picked   sticky          by the client's cookie
//	         failover        the endpoint of the client's cookie was not to be had
//	         panic           health was ignored: too few endpoints were usable
//	         spill           from a farther locality than the nearest, by its health or load
//	retried  connect         no connection could be made
//	         died            a kept connection died before the first byte of a response
//	         broken          a new one did
//	         invalid         what came was no valid response
//	         timeout         there was no response head in time
//	         status          the status is one of retry.statuses
//	         hedge           the first endpoint was slow
//	refused  budget          the service's retryBudget was used up
//	         tries           retry.tries had been made
//	         no_endpoint     no endpoint was left that had not been asked
//	         not_repeatable  the request may not be sent twice
//	         breaker         the service's breaker is open
//	         queue_full      no place among the service's open requests, and none in the queue
//	         queue_time      it waited for a place for queueTime in vain
//	         whole_timeout   timeouts.whole had passed
//
// # Secrets in URLs
//
// In query, target and referer, "…" stands in place of the values of parameters that are called auth, authorization, code,
// credentials, jwt, key, otp, pass, passphrase, pin, pwd, session, sid or sig, or whose names end with accesskey, apikey,
// credential, passwd, password, privatekey, secret, secretkey, sessid, sessionid, signature or token. Case, percent-codes and
// everything but letters and digits do not count: apiKey, api_key and user[api%2Dkey] are the same. What is a secret
// under another name, in the path, or inside of a percent-coded URL in a parameter, is written; a route whose URLs carry such
// says "log: off".
//
// # The event of something beside the traffic
//
//	time           as above
//	kind           "event"; the event of an exchange has no kind
//	event          what happened: "reload", "health", "traces", …
//	seq            its number in this process, as in /api/v1/events
//	text           what happened, in words, cut to 2 KB
package observe
