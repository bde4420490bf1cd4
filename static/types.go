package static

// A mediaType is what a file of one extension is.
type mediaType struct {
	name   []byte
	packed bool // compressed by its nature: nobody looks for a smaller copy
}

// typeOf is the media type of a name. Content is never looked at: what a file is must not depend on what somebody
// uploaded into it.
func typeOf(name []byte) *mediaType {
	ext := extension(name)
	if len(ext) == 0 || len(ext) > extensionBytesMax {
		return &unknownType
	}
	var small [extensionBytesMax]byte
	for i, c := range ext {
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		small[i] = c
	}
	if t := types[string(small[:len(ext)])]; t != nil {
		return t
	}
	return &unknownType
}

var unknownType = mediaType{name: []byte("application/octet-stream")}

// types are the types of the web, by extension, as IANA registers them.
var types = func() map[string]*mediaType {
	all := map[string]*mediaType{}
	for ext, name := range map[string]string{
		"html": "text/html; charset=utf-8", "htm": "text/html; charset=utf-8", "xhtml": "application/xhtml+xml",
		"css": "text/css; charset=utf-8", "js": "text/javascript; charset=utf-8", "mjs": "text/javascript; charset=utf-8",
		"json": "application/json", "map": "application/json", "jsonld": "application/ld+json", "geojson": "application/geo+json",
		"webmanifest": "application/manifest+json", "wasm": "application/wasm", "xml": "text/xml; charset=utf-8",
		"rss": "application/rss+xml", "atom": "application/atom+xml", "xsl": "application/xslt+xml",
		"txt": "text/plain; charset=utf-8", "log": "text/plain; charset=utf-8", "md": "text/markdown; charset=utf-8",
		"csv": "text/csv; charset=utf-8", "tsv": "text/tab-separated-values; charset=utf-8", "ics": "text/calendar; charset=utf-8",
		"vcf": "text/vcard; charset=utf-8", "vtt": "text/vtt; charset=utf-8", "yaml": "application/yaml", "yml": "application/yaml",
		"svg": "image/svg+xml", "ico": "image/vnd.microsoft.icon", "bmp": "image/bmp", "ttf": "font/ttf", "otf": "font/otf",
		"eot": "application/vnd.ms-fontobject", "pdf": "application/pdf", "rtf": "application/rtf", "tar": "application/x-tar",
		"gltf": "model/gltf+json", "glb": "model/gltf-binary", "m3u8": "application/vnd.apple.mpegurl", "mpd": "application/dash+xml",
		"wav": "audio/wav", "sql": "application/sql", "pem": "application/x-pem-file", "tiff": "image/tiff", "tif": "image/tiff",
	} {
		all[ext] = &mediaType{name: []byte(name)}
	}
	for ext, name := range map[string]string{
		"png": "image/png", "jpg": "image/jpeg", "jpeg": "image/jpeg", "gif": "image/gif", "webp": "image/webp", "avif": "image/avif",
		"heic": "image/heic", "jxl": "image/jxl", "woff": "font/woff", "woff2": "font/woff2",
		"mp3": "audio/mpeg", "m4a": "audio/mp4", "aac": "audio/aac", "oga": "audio/ogg", "ogg": "audio/ogg", "opus": "audio/ogg",
		"flac": "audio/flac", "weba": "audio/webm", "mp4": "video/mp4", "m4v": "video/mp4", "m4s": "video/iso.segment",
		"webm": "video/webm", "ogv": "video/ogg", "mov": "video/quicktime", "ts": "video/mp2t", "mkv": "video/matroska",
		"zip": "application/zip", "gz": "application/gzip", "tgz": "application/gzip", "bz2": "application/x-bzip2",
		"xz": "application/x-xz", "zst": "application/zstd", "7z": "application/x-7z-compressed", "br": "application/octet-stream",
		"epub": "application/epub+zip", "jar": "application/java-archive", "apk": "application/vnd.android.package-archive",
		"docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
		"xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
		"pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
		"odt":  "application/vnd.oasis.opendocument.text", "ods": "application/vnd.oasis.opendocument.spreadsheet",
	} {
		all[ext] = &mediaType{name: []byte(name), packed: true}
	}
	return all
}()
