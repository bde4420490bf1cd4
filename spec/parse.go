package spec

import (
	"bytes"
	"path/filepath"
	"unicode/utf8"
)

// parseFile turns a file into the nodes of its documents. A document that cannot be parsed is a problem and hides no
// other one.
func parseFile(f File, l *log) []*node {
	data := bytes.TrimPrefix(f.Data, []byte("\ufeff"))
	if at, fix, bad := unreadable(f.Name, data); bad != "" {
		l.refuse(at, fix, "%s", bad)
		return nil
	}
	if isJSON(f.Name) {
		return parseJSON(f.Name, data, l)
	}
	return parseYAML(f.Name, data, l)
}

func isJSON(name string) bool { return filepath.Ext(name) == ".json" }

// unreadable finds what neither parser should see: they disagree about it, or pass it on.
func unreadable(name string, data []byte) (at Pos, fix, bad string) {
	at = Pos{File: name, Line: 1, Col: 1}
	if len(data) > fileBytesMax {
		return at, "split the file", "the file is larger than 16 MiB"
	}
	for i := 0; i < len(data); {
		r, size := utf8.DecodeRune(data[i:])
		switch {
		case r == utf8.RuneError && size == 1:
			return at, "save the file as UTF-8", "this is not UTF-8"
		case r == '\n':
			at.Line, at.Col = at.Line+1, 0
		case r == '\r' && (i+1 == len(data) || data[i+1] != '\n'):
			return at, "end lines with a line feed", "a carriage return stands alone here"
		case r < ' ' && r != '\t' && r != '\r', r == 0x7f, r >= 0x80 && r < 0xa0, r == 0x2028, r == 0x2029, r == '\ufeff':
			return at, `remove it, or write it as an escape in "double quotes"`, "a control character stands here"
		}
		at.Col++
		i += size
	}
	return at, "", ""
}
