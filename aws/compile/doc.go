// Package compile turns a spec into what it is on AWS: distributions of CloudFront with their policies and functions, web ACLs of
// AWS WAF, and the certificates, records and logs beside them.
//
// It owns the passes, whose order stands in Run, and what is said about every difference between the two platforms. It promises that
// the same spec gives the same deployment, whatever the order of its documents; that a thing keeps its logical id while its content
// changes (or, where it is shared, while its content stays); and that where AWS cannot do what protects, the safer of the things
// that it can do is taken. It never talks to AWS.
package compile
