package transform

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
