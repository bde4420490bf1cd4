package static

import (
	"os"
	"syscall"
	"time"

	"skerry.dev/skerry/fault"
)

// file is a regular file and what is known of it.
type file struct {
	open     *os.File // nil: it was only looked at
	size     int64    // bytes
	modified time.Time
	stamp    uint64 // changes when the content does: nanoseconds of modified, or of the change of the inode
	inode    uint64 // 0 where modified is a time
}

// close lets go of a file that is not sent.
func (f *file) close() {
	if f.open != nil {
		f.open.Close()
		f.open = nil
	}
}

// file opens a regular file, or only looks at it. The caller closes it.
func (v *visit) file(name string) (file, *fault.Error) {
	if v.look {
		return v.stat(name)
	}
	// O_NONBLOCK: opening a FIFO does not wait for who writes into it. It is seen to be one, and closed.
	open, err := v.root.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return file{}, refusal(err)
	}
	info, err := open.Stat()
	if err != nil {
		open.Close()
		return file{}, refusal(err)
	}
	f, refused := regular(info)
	if refused != nil {
		open.Close()
		return file{}, refused
	}
	f.open = open
	return f, nil
}

// stat looks at a regular file without opening it.
func (v *visit) stat(name string) (file, *fault.Error) {
	info, err := v.root.Stat(name)
	if err != nil {
		return file{}, refusal(err)
	}
	return regular(info)
}

// regular refuses what is no regular file.
func regular(info os.FileInfo) (file, *fault.Error) {
	switch {
	case info.IsDir():
		return file{}, errDirectory
	case !info.Mode().IsRegular():
		return file{}, errSpecial
	}
	f := file{size: info.Size(), modified: info.ModTime()}
	f.stamp = uint64(f.modified.UnixNano())
	if f.modified.Before(placeholderBefore) {
		f.modified = time.Time{}
		f.stamp, f.inode = changed(info)
	}
	return f, nil
}
