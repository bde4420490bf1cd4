// Package cdk has no Go code but tests: it is the npm package @skerry/cdk, in TypeScript, beside the compiler that it runs as WebAssembly.
// The tests here write spec.ts, the types of the spec, from its JSON Schema, and fail where it is out of date.
package cdk
