// Package lint says what is wrong with a template of CloudFormation and what the schema cannot say: what names something
// that is not there, what CloudFront or AWS WAF would refuse when the stack is deployed, and what they would take and not
// do.
//
// It owns the catalogue of these mistakes: each has an id that never changes, what it means, a remedy and a witness. It judges
// templates of anybody, each alone or all of an account together: a value that one stack exports is seen through where another imports
// it. A value that is known only when the stack is deployed is never a finding.
//
// It refuses to know the compiler: what it finds in our own templates is the compiler's mistake, or the spec's.
package lint
