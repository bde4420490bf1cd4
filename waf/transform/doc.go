// Package transform has the transformations of SecLang: decoders and normalisers that a value goes through before an
// operator sees it.
//
// Each knows for which bytes it does nothing and which bytes can come out of it, so that an engine can tell without running it.
// Results are those of Coraza 3.8.1, except where it would lose an attack: the list stands below. Nothing here allocates
// beyond the room for its result, fails, or takes more than linear time.
//
// # Where results differ from Coraza's
//
//   - lowercase, uppercase and removeWhitespace keep bytes that are not UTF-8; Coraza replaces each by U+FFFD, after which
//     a pattern of bytes (rule 941310's \xBC) finds nothing.
//   - removeWhitespace removes a byte 0xA0 that is not part of a character, as compressWhitespace and ModSecurity do: it is
//     a space to databases that speak Latin-1.
//   - utf8toUnicode keeps bytes that are not UTF-8, as ModSecurity does (0xA0 again; Coraza writes %ufffd), and decodes
//     overlong forms: C0 BC is %u003c, as it is to a lenient decoder behind us.
//   - normalizePath and normalizePathWin give "/" for the root; Coraza gives "//" when the value ends with a slash.
//   - sqlHexDecode, which Coraza lacks, is ModSecurity's.
package transform
