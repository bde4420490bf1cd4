package transform

import (
	"strings"

	"skerry.dev/skerry/waf/match"
)

// ID is a transformation.
type ID uint8

// The transformations, in the order of their names.
const (
	None ID = iota
	Base64Decode
	Base64DecodeExt
	Base64Encode
	CmdLine
	CompressWhitespace
	CSSDecode
	EscapeSeqDecode
	HexDecode
	HexEncode
	HTMLEntityDecode
	JSDecode
	Length
	Lowercase
	MD5
	NormalizePath
	NormalizePathWin
	RemoveComments
	RemoveCommentsChar
	RemoveNulls
	RemoveWhitespace
	ReplaceComments
	ReplaceNulls
	SHA1
	SQLHexDecode
	Trim
	TrimLeft
	TrimRight
	Uppercase
	URLDecode
	URLDecodeUni
	URLEncode
	UTF8ToUnicode
	Count // how many there are
)

// kind is what there is to know about a transformation.
type kind struct {
	name     string
	folds    bool
	append   func(dst, in []byte) []byte
	changed  func(in []byte) bool
	max      func(n int) int
	identity func(m match.Mask) bool
	output   func(m match.Mask) match.Mask // asked only where identity is false
}

// kinds are the transformations, by ID.
var kinds = [Count]kind{
	None:               {"none", true, appendSame, never, same, always, nothingNew},
	Base64Decode:       {"base64Decode", false, appendBase64, notEmpty, decoded64, empty, outputBase64},
	Base64DecodeExt:    {"base64DecodeExt", false, appendBase64Ext, notEmpty, decoded64, empty, outputBase64Ext},
	Base64Encode:       {"base64Encode", false, appendBase64Encode, notEmpty, encoded64, empty, outputBase64Encode},
	CmdLine:            {"cmdLine", true, appendCmdLine, changedCmdLine, same, without(cmdLineMask | match.MaskLetters), outputCmdLine},
	CompressWhitespace: {"compressWhitespace", true, appendCompressed, changedCompressed, same, without(spaceMask | match.MaskHigh), outputCompressed},
	CSSDecode:          {"cssDecode", false, appendCSS, hasBackslash, threeHalves, without(backslash), outputCSS},
	EscapeSeqDecode:    {"escapeSeqDecode", false, appendEscapeSeq, hasEscape, same, without(backslash), outputEscapeSeq},
	HexDecode:          {"hexDecode", false, appendHexDecode, isHex, same, without(hexMask), anything},
	HexEncode:          {"hexEncode", false, appendHexEncode, notEmpty, twice, empty, outputHexEncode},
	HTMLEntityDecode:   {"htmlEntityDecode", false, appendEntities, changedEntities, sixFifths, identityEntities, outputEntities},
	JSDecode:           {"jsDecode", false, appendJS, hasEscape, same, without(backslash), outputJS},
	Length:             {"length", true, appendLength, changedLength, digits, neverFor, outputLength},
	Lowercase:          {"lowercase", true, appendLower, changedLower, threeHalves, without(match.MaskLetters | match.MaskHigh), outputLower},
	MD5:                {"md5", false, appendMD5, changedMD5, maxMD5, neverFor, anything},
	NormalizePath:      {"normalizePath", true, appendPath, changedPath, same, without(maskOf("/.")), nothingNew},
	NormalizePathWin:   {"normalizePathWin", true, appendPathWin, changedPathWin, same, without(maskOf(`/.\: `)), outputPathWin},
	RemoveComments:     {"removeComments", true, appendNoComments, hasComment, same, identityComments, outputNoComments},
	RemoveCommentsChar: {"removeCommentsChar", true, appendNoCommentsChar, hasCommentChar, same, identityComments, outputNoCommentsChar},
	RemoveNulls:        {"removeNulls", true, appendNoNulls, hasNull, same, without(match.MaskNUL), outputNoNulls},
	RemoveWhitespace:   {"removeWhitespace", true, appendNoSpace, changedNoSpace, same, without(spaceMask | match.MaskHigh), outputNoSpace},
	ReplaceComments:    {"replaceComments", true, appendReplacedComments, hasCComment, same, identityCComments, outputReplacedComments},
	ReplaceNulls:       {"replaceNulls", true, appendReplacedNulls, hasNull, same, without(match.MaskNUL), outputReplacedNulls},
	SHA1:               {"sha1", false, appendSHA1, changedSHA1, maxSHA1, neverFor, anything},
	SQLHexDecode:       {"sqlHexDecode", false, appendSQLHex, changedSQLHex, same, identitySQLHex, anything},
	Trim:               {"trim", true, appendTrim, changedTrim, same, without(spaceMask), nothingNew},
	TrimLeft:           {"trimLeft", true, appendTrimLeft, changedTrimLeft, same, without(spaceMask), nothingNew},
	TrimRight:          {"trimRight", true, appendTrimRight, changedTrimRight, same, without(spaceMask), nothingNew},
	Uppercase:          {"uppercase", false, appendUpper, changedUpper, threeHalves, without(match.MaskLetters | match.MaskHigh), outputUpper},
	URLDecode:          {"urlDecode", false, appendURLDecode, changedURLDecode, same, identityURL, outputURL},
	URLDecodeUni:       {"urlDecodeUni", false, appendURLDecodeUni, changedURLDecodeUni, same, identityURL, outputURL},
	URLEncode:          {"urlEncode", true, appendURLEncode, changedURLEncode, thrice, without(^urlKeptMask), outputURLEncode},
	UTF8ToUnicode:      {"utf8toUnicode", true, appendUnicode, changedUnicode, thrice, without(match.MaskHigh), outputUnicode},
}

// Lookup finds a transformation by its name in SecLang, in any case. normalisePath and normalisePathWin are aliases.
func Lookup(name string) (ID, bool) {
	name = strings.Replace(strings.ToLower(name), "normalisepath", "normalizepath", 1)
	for id := range Count {
		if strings.ToLower(kinds[id].name) == name {
			return id, true
		}
	}
	return None, false
}

// String is the transformation's name as SecLang's manual spells it.
func (id ID) String() string { return kinds[id].name }

// Append appends what the transformation makes of in. It neither changes nor keeps in, which must not overlap the room
// behind dst. None appends in itself, and so does a decoder that refuses its input (hexDecode of what is not hexadecimal).
// With room for Max more bytes in dst nothing is allocated.
func (id ID) Append(dst, in []byte) []byte { return kinds[id].append(dst, in) }

// Max is the most bytes that Append appends for a value of n bytes.
func (id ID) Max(n int) int { return kinds[id].max(n) }

// Changed reports whether Append would give anything but in. It is exact, and stops at the first byte that tells.
func (id ID) Changed(in []byte) bool { return kinds[id].changed(in) }

// Identity reports whether Append gives back every value whose classes are in m. It says no only if one of those values
// is changed.
func (id ID) Identity(m match.Mask) bool { return kinds[id].identity(m) }

// Output is a set of classes that holds those of all results for values whose classes are in m.
func (id ID) Output(m match.Mask) match.Mask {
	if kinds[id].identity(m) {
		return m
	}
	return kinds[id].output(m)
}

// Folds reports whether the transformation and ASCII lower case commute: id(lower(x)) is lower(id(x)) for every x. An
// engine may then match without regard to case behind the transformation instead of lowering before it.
func (id ID) Folds() bool { return kinds[id].folds }

// Lowers reports whether Append gives the ASCII lower case of every value whose classes are in m, and nothing else: to a
// matcher without regard to case it is the identity. Lowercase does so without MaskHigh (it knows Unicode, as Coraza's does),
// CmdLine where only letters are to change.
func (id ID) Lowers(m match.Mask) bool {
	switch id {
	case Lowercase:
		return m&match.MaskHigh == 0
	case CmdLine:
		return m&cmdLineMask == 0
	}
	return id.Identity(m) && m&match.MaskLetters == 0
}
