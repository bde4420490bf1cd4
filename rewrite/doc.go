// Package rewrite is what the edge changes and answers by itself.
//
// It owns these. Client, the first stage of every path: who asks, seen through trusted proxies. Stage, the second: plain
// HTTP goes to HTTPS, preflights of other origins' pages and maintenance are answered, methods and upgrades that the route
// does not allow refused, what a client claims about itself replaced by what the edge knows (X-Forwarded-*, Forwarded,
// request id, trace context), header fields edited in both directions, HSTS, CORS and Server-Timing set. Moved: canonical
// host and bulk redirects. Redirect and Respond, the stages of routes without a service. Out, right before a service: host
// and path for it, and its Location back. Render, which turns a fault into problem details (RFC 9457) or HTML with
// Proxy-Status (RFC 9209); NewRenderer, the same with own pages.
//
// It promises that no field of a stranger moves Facts.Client, that a Location never leaves the host its template names,
// that nothing it makes has a line break in a field, and that clients read no internals: the text of a fault goes to the
// log only. No stage of it allocates; an own error page larger than Scratch does.
//
// Of exchange.Facts it writes Client, RequestID and Trace and nothing else.
package rewrite
