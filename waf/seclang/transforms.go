package seclang

import (
	"strings"

	"skerry.dev/skerry/waf/transform"
)

// transforms finds a transformation by its name in lower case. t:none is not one: it forgets those before it.
var transforms = map[string]transform.ID{
	"base64decode":       transform.Base64Decode,
	"base64decodeext":    transform.Base64DecodeExt,
	"base64encode":       transform.Base64Encode,
	"cmdline":            transform.CmdLine,
	"compresswhitespace": transform.CompressWhitespace,
	"cssdecode":          transform.CSSDecode,
	"escapeseqdecode":    transform.EscapeSeqDecode,
	"hexdecode":          transform.HexDecode,
	"hexencode":          transform.HexEncode,
	"htmlentitydecode":   transform.HTMLEntityDecode,
	"jsdecode":           transform.JSDecode,
	"length":             transform.Length,
	"lowercase":          transform.Lowercase,
	"md5":                transform.MD5,
	"normalisepath":      transform.NormalizePath,
	"normalisepathwin":   transform.NormalizePathWin,
	"normalizepath":      transform.NormalizePath,
	"normalizepathwin":   transform.NormalizePathWin,
	"removecomments":     transform.RemoveComments,
	"removecommentschar": transform.RemoveCommentsChar,
	"removenulls":        transform.RemoveNulls,
	"removewhitespace":   transform.RemoveWhitespace,
	"replacecomments":    transform.ReplaceComments,
	"replacenulls":       transform.ReplaceNulls,
	"sha1":               transform.SHA1,
	"sqlhexdecode":       transform.SQLHexDecode,
	"trim":               transform.Trim,
	"trimleft":           transform.TrimLeft,
	"trimright":          transform.TrimRight,
	"uppercase":          transform.Uppercase,
	"urldecode":          transform.URLDecode,
	"urldecodeuni":       transform.URLDecodeUni,
	"urlencode":          transform.URLEncode,
	"utf8tounicode":      transform.UTF8ToUnicode,
}

// transformsRefused are transformations that ModSecurity knows and Skerry does not offer, with the reason.
var transformsRefused = map[string]string{
	"parityeven7bit": "no protocol of today has parity bits",
	"parityodd7bit":  "no protocol of today has parity bits",
	"parityzero7bit": "no protocol of today has parity bits",
}

func applyTransform(p *parser, b *builder, a action) {
	name := strings.ToLower(a.value.s)
	if name == "none" {
		b.transforms = nil
		return
	}
	id, ok := transforms[name]
	switch why, refused := transformsRefused[name]; {
	case ok:
		b.transforms = append(b.transforms, id)
	case refused:
		p.wrong(a.value.pos(), "the transformation "+a.value.s+" is not offered: "+why, "")
	default:
		p.wrong(a.value.pos(), "unknown transformation "+quote(a.value.s), meant(a.value.s, keys(transforms)))
	}
}
