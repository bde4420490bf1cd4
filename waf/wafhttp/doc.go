// Package wafhttp puts the firewall in front of any http.Handler: the OWASP Core Rule Set, and rules of one's own.
//
// It owns what lies between net/http and the engine: which fields the rules see, holding a request's body, taking off its
// Content-Encoding, and the answer to what is refused.
//
// It promises that nothing of a request reaches the next handler before its verdict, but for bodies of types that were allowed
// to pass uninspected, and that the handler reads what was inspected: one length, one coding, no trailers. Answers are not
// touched: the ResponseWriter is handed on as it came. Memory of held bodies has one bound for all requests together.
//
// It refuses to look at responses, so rules of the phases 3 to 5 are not run. What net/http has answered itself, or repaired,
// before a handler sees the request cannot be judged: README.md has the list.
package wafhttp
