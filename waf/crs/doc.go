// Package crs has the OWASP Core Rule Set 4: the release in the Go module coraza-coreruleset, which is in the binary, and
// any other 4.x from a directory.
//
// It reads the files through seclang, in the order that CRS documents, and turns a policy into the TX variables
// that crs-setup.conf would set. It changes no rule: what a site wants otherwise are exclusions, which the engine applies.
package crs
