package compress

import (
	"bytes"

	"skerry.dev/skerry/exchange"
)

// class is what a media type means to this folder.
type class uint8

const (
	unlisted class = iota // not compressed: packed already, or nobody knows
	content               // compressed; may hold what is meant for one person only
	asset                 // compressed; what any page may embed, so its size tells nothing that its bytes would not
)

// listed are the media types that become smaller, beside text/* and those that end in +json, +xml or +yaml.
// text/event-stream is not one of them: a stream of small events would hold an encoder for as long as it is open, and
// the size of each event, flushed by itself, says more about its text than the size of a page does.
var listed = map[string]class{
	"text/event-stream": unlisted,
	"text/css":          asset,
	"text/javascript":   asset,

	"application/javascript":        asset,
	"application/x-javascript":      asset,
	"application/ecmascript":        asset,
	"application/wasm":              asset,
	"application/vnd.ms-fontobject": asset,
	"font/collection":               asset,
	"font/otf":                      asset,
	"font/ttf":                      asset,
	"image/bmp":                     asset,
	"image/vnd.microsoft.icon":      asset,
	"image/x-icon":                  asset,

	"application/json":              content,
	"application/json-seq":          content,
	"application/jsonl":             content,
	"application/x-ndjson":          content,
	"application/xml":               content,
	"application/xml-dtd":           content,
	"application/yaml":              content,
	"application/x-yaml":            content,
	"application/toml":              content,
	"application/graphql":           content,
	"application/sql":               content,
	"application/rtf":               content,
	"application/vnd.apple.mpegurl": content,
	"application/x-mpegurl":         content,
	"model/obj":                     content,
}

// classOf looks a Content-Type up; parameters do not matter, nor does case.
func classOf(contentType []byte) class {
	kind, _, _ := bytes.Cut(contentType, semicolon)
	kind = exchange.TrimOWS(kind)
	var room [typeBytesMax]byte
	if len(kind) > len(room) {
		return unlisted
	}
	name := room[:len(kind)]
	for i, c := range kind {
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		name[i] = c
	}
	if c, ok := listed[string(name)]; ok {
		return c
	}
	if bytes.HasPrefix(name, textPrefix) {
		return content
	}
	if i := bytes.LastIndexByte(name, '+'); i > 0 {
		switch string(name[i:]) {
		case "+json", "+xml", "+yaml":
			return content
		}
	}
	return unlisted
}

var textPrefix = []byte("text/")
