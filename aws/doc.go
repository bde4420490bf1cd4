// Package aws is the door to the target CloudFront with AWS WAF: it compiles a spec, judges the result, and writes it down for
// CloudFormation, Terraform or the CDK; it judges templates of anybody; and it compares two of them.
//
// It promises that what it writes is the same for the same spec, and that nothing is written where a finding is an error. It knows
// neither credentials nor the live state of an account: nothing here talks to AWS. It is what the WebAssembly in the CDK package has, so
// it stays free of what makes that large.
package aws
