package spec

import (
	"bytes"
	"fmt"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// This file is about files beside documents: `file: moved.csv` names one below the directory of its document. They are read
// together with the documents (read.go), so that parsing needs no disk, and become part of the spec: its canonical form
// holds what is in them, and needs no file.

// isBeside says whether a file is no document, but one that documents may name.
func isBeside(name string) bool {
	switch filepath.Ext(name) {
	case ".csv", ".html", ".conf", ".data":
		return true
	}
	return false
}

// besides are the files that documents may name, by clean path.
func besides(files []File) map[string]File {
	var out map[string]File
	for _, f := range files {
		if isBeside(f.Name) {
			if out == nil {
				out = map[string]File{}
			}
			out[filepath.Clean(f.Name)] = f
		}
	}
	return out
}

// besidePath is the path of the file that a document calls name.
func besidePath(document, name string) string {
	return filepath.Join(filepath.Dir(document), filepath.FromSlash(name))
}

// besideName is the name of a file beside a document, with one of the endings. Its few characters need no escape in
// YAML or JSON: mentioned finds every such name in the text of a document.
func besideName(exts ...string) shape[string] {
	const class = "A-Za-z0-9._-"
	return words(func(s string) (bad, fix string) {
		if bad, fix = localFile(s); bad != "" {
			return bad, fix
		}
		switch {
		case !slices.Contains(exts, path.Ext(s)):
			return fmt.Sprintf("%q does not end in %s", clip(s), strings.Join(exts, " or ")), ""
		case strings.ContainsFunc(s, func(r rune) bool { return r >= 0x80 || !inFileName(byte(r)) }):
			return fmt.Sprintf("the file name %q has a character that cannot be in one", clip(s)), "use letters, digits and . _ -"
		case s[0] == '.' || strings.Contains(s, "/."):
			return fmt.Sprintf("%q is hidden", clip(s)), "rename it: what begins with a dot is not read"
		}
		return "", ""
	}, map[string]any{
		"pattern": "^[A-Za-z0-9_-][" + class + "]*(/[A-Za-z0-9_-][" + class + "]*)*\\.(" + strings.ReplaceAll(strings.Join(exts, "|"), ".", "") + ")$", "maxLength": textBytesMax,
	})
}

func inFileName(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte("._-/", c) >= 0
}

// mentioned are the names in the text of a document that may be those of files beside it, no more than filesMax.
func mentioned(data []byte) (names []string) {
	for _, ext := range []string{".csv", ".html", ".conf", ".data"} {
		for end := 0; len(names) < filesMax; {
			i := bytes.Index(data[end:], []byte(ext))
			if i < 0 {
				break
			}
			from := end + i
			end = from + len(ext)
			for from > 0 && inFileName(data[from-1]) {
				from--
			}
			name := string(data[from:end])
			if bad, _ := localFile(name); bad == "" && name[0] != '.' && !strings.Contains(name, "/.") {
				names = append(names, name)
			}
		}
	}
	return names
}

// readBeside finds the file that a document names. What is wrong with the file as a whole is a problem at its name.
func (l *log) readBeside(at Pos, name string) (f File, ok bool) {
	f, ok = l.beside[besidePath(at.File, name)]
	if !ok {
		l.refuse(at, "put it there, or write its path from the directory of this document", "there is no file %q beside this document", clip(name))
		return f, false
	}
	f.Data = bytes.TrimPrefix(f.Data, []byte("\ufeff"))
	if place, fix, bad := unreadable(f.Name, f.Data); bad != "" {
		l.refuse(place, fix, "%s", bad)
		return f, false
	}
	return f, true
}
