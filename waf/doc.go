// Package waf is the firewall stage: it shows each request to the rules of the OWASP Core Rule Set and of the entrypoint, and
// refuses those that are attacks, or that cannot be looked at.
//
// A body of a type that can be taken apart is held until the verdict: nothing of it reaches an origin before, and what was
// inspected is what is forwarded. It stays in memory for retries and hedges.
package waf
