// Package waf is the firewall stage: it shows each request to the rules of the OWASP Core Rule Set and of the entrypoint, and
// refuses those that are attacks, or that cannot be looked at.
//
// A body of a type that can be taken apart is held until the verdict: nothing of it reaches an origin before, and what was
// inspected is what is forwarded, byte for byte, as it was sent. It stays in memory, of which all held bodies share a budget, until
// an answer begins, so that it serves retries. gRPC and bodies of other types that are allowed stream through, judged by their
// heads. What has two readings, or is of no type that is allowed, is refused before any rule is asked, also where limits are passed.
//
// Keeper is what outlives plans: the release of rules, policies that entrypoints share, the budget, and the shadow, which shows a
// share of the requests to the reference engine too, off the path. The log event names rules and variables; what matched is in it
// only where the policy logs values.
package waf
