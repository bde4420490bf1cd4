// Package transform has the transformations of SecLang: decoders and normalisers that a value goes through before an
// operator sees it.
//
// Each knows for which bytes it does nothing and which bytes can come out of it, so that an engine can tell without running it.
package transform
