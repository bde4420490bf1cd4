// Package observe tells what happened: one JSON log event per exchange, and the metrics of each route.
//
// It owns the form of the event, its bounded buffer and the goroutine that writes it, and the names of the route
// metrics. It promises that telemetry never blocks traffic: Log.Exchange formats, copies and returns; a slow or dead
// sink costs lines, which are counted in skerry_log_dropped_total, never an exchange. It allocates nothing per exchange.
//
// It refuses to know HTTP servers and exporters (admin has those), and to filter: what the query string or a Referer
// holds is logged as the client sent it, secrets in it included. A route whose URLs carry secrets says `log: off`.
//
// # The event of an exchange
//
// One line, one JSON object, these names in this order. They are stable: a name may be added, never changed. A field is
// left out where the third column says so. A value that was cut ends with "…".
//
//	time           when the exchange began, RFC 3339 in UTC with milliseconds   always
//	id             the request id, 32 hexadecimal digits                        if it has one
//	client         the peer's address without its port                          if there is a client
//	proto          "h1"                                                         if there is a client
//	entrypoint     its name                                                     if one matched
//	owner          who owns the entrypoint                                      if it says
//	route          the route's name in the entrypoint                           if one matched
//	method         as sent, cut to 64 bytes                                     if it was parsed
//	host           normal form                                                  if it was parsed
//	path           normal form, cut to 2 KB                                     if it was parsed
//	query          as sent, cut to 2 KB                                         if not empty
//	target         the request target as sent, cut to 256 bytes                 only if host or path was not parsed
//	status         of the answer; 0: the client got none                        always
//	bytes_in       bytes of the request body                                    always
//	bytes_out      bytes of the response body                                   always
//	ms             the whole exchange, milliseconds                             always
//	service        the service that was chosen                                  if one was
//	endpoint       the address of its endpoint that was asked last              if one was
//	tries          how often the request was sent, or tried to                  if the origin was asked
//	reused         whether the last try went over a kept connection             if the origin was asked
//	first_byte_ms  from the beginning to the origin's response head             if it answered
//	origin_status  the status of the origin's answer                            if it answered
//	fault          the kind of the first thing that failed, see package fault   if something did
//	side           whose fault it is: "edge", "client", "origin"                if something did
//	error          what was tried, the limit and its setting, cut to 512 bytes  if something did
//	stack          where it panicked, cut to 4 KB                               only for the fault "panic"
//	user_agent     as sent, cut to 256 bytes                                    if not empty
//	referer        as sent, cut to 256 bytes                                    if not empty
//
// A fault with a status below 500 means that a stage answered in its place, or that the client caused it.
//
// # The event of something beside the traffic
//
//	time           as above
//	kind           "event"; the event of an exchange has no kind
//	event          what happened: "reload", "health", …
//	seq            its number in this process, as in /api/v1/events
//	text           what happened, in words, cut to 2 KB
package observe
