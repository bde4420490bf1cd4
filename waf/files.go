package waf

import (
	"io"
	"io/fs"
	"path"
	"strings"
	"time"

	"skerry.dev/skerry/spec"
)

// files are the rules of a spec as a file system: what seclang reads phrase files from.
type files []spec.WAFRules

// Open returns a file by the name that the spec has for it.
func (f files) Open(name string) (fs.File, error) {
	for i := range f {
		if path.Clean(f[i].File) == name {
			return &file{name: name, size: int64(len(f[i].Text)), Reader: strings.NewReader(f[i].Text)}, nil
		}
	}
	return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
}

type file struct {
	io.Reader
	name string
	size int64
}

func (f *file) Stat() (fs.FileInfo, error) { return f, nil }
func (f *file) Close() error               { return nil }
func (f *file) Name() string               { return path.Base(f.name) }
func (f *file) Size() int64                { return f.size }
func (f *file) Mode() fs.FileMode          { return 0o444 }
func (f *file) ModTime() time.Time         { return time.Time{} }
func (f *file) IsDir() bool                { return false }
func (f *file) Sys() any                   { return nil }
