// Package seclang reads SecLang, the language of ModSecurity and of the OWASP Core Rule Set, into typed rules.
//
// Nothing is ignored: a directive, variable, operator, transformation or action that is not known here is a problem with
// file:line:column, and so is one that is known and not offered. What comes out needs no more parsing: macros are split,
// SecDefaultAction is folded into the rules, phrase files are read, patterns are known to compile.
package seclang
