// Package waftest is what tests of the firewall share.
//
// It owns the regression tests of the Core Rule Set as data (Tests), requests as bytes and as parts (Request), mutations of
// them (Mutate), a corpus of requests that no firewall should mind (Benign, in testdata/benign), and Coraza as the oracle
// (NewCoraza).
//
// It promises that everything is the same in every run: tests and corpus have an order, mutations come from the random
// source they are given, and the oracle judges one request at a time. The bytes of a test are those that go-ftw sends; the
// module waf/ftw compares each of them.
//
// It refuses to judge: what a difference between two engines means is for the test to say.
package waftest
