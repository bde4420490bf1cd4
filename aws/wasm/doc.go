// Command wasm is the compiler for hosts of WebAssembly (GOOS=wasip1): one request as JSON on standard input, one answer as JSON on
// standard output. The package for the CDK runs it, so that there is one compiler only.
//
// It promises the bytes of the native compiler, and asks its host for nothing but these two streams. A failure of the compiler itself is a
// line on standard error and exit code 1; what is wrong with documents is in the answer.
package main
