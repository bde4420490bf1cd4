package static

import (
	"os"
	"strconv"
	"syscall"
	"time"

	"skerry.dev/skerry/exchange"
	"skerry.dev/skerry/fault"
	"skerry.dev/skerry/represent"
)

// file is an open regular file, and what an answer says of it. It is never changed.
type file struct {
	open       *os.File
	entry      *entry    // that it belongs to
	descriptor uintptr   // of open
	size       int64     // bytes
	date       time.Time // of the last change, as the file system has it
	changed    uint64    // see func changed

	kind         *mediaType
	coding       *coding   // nil: none
	modified     time.Time // date, or zero if that is a placeholder
	settled      time.Time // from then on the validators are strong
	tag          []byte    // ETag in its weak form, nil: none. The strong form is without W/
	lastModified []byte    // nil: none
}

// coding is a content coding that files are kept in beside the original.
type coding struct {
	name   []byte // of Content-Encoding
	suffix string // of the file's name
	member exchange.Coding
}

// codings are those of precompressed files, best first.
var codings = [...]coding{
	{[]byte("br"), ".br", exchange.CodingBr}, {[]byte("zstd"), ".zst", exchange.CodingZstd}, {[]byte("gzip"), ".gz", exchange.CodingGzip},
}

// openFile opens a regular file, which the caller closes.
func openFile(root *os.Root, name string, kind *mediaType, c *coding) (*file, *fault.Error) {
	if c != nil {
		name += c.suffix
	}
	// O_NONBLOCK: opening a FIFO does not wait for who writes into it. It is seen to be one, and closed.
	open, err := root.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, refusal(err)
	}
	info, err := open.Stat()
	switch {
	case err != nil:
		open.Close()
		return nil, refusal(err)
	case info.IsDir():
		open.Close()
		return nil, errDirectory
	case !info.Mode().IsRegular():
		open.Close()
		return nil, errSpecial
	}
	f := &file{open: open, descriptor: open.Fd(), size: info.Size(), date: info.ModTime(), kind: kind, coding: c}
	f.describe(info)
	return f, nil
}

// describe makes the validators. The tag (RFC 9110 section 8.8.3) is of size, date and coding: every edge with a copy of
// the directory makes the same one, as long as the copies keep their dates. That is why the inode is no part of it. But if
// the date is a placeholder, it tells nothing: then the time of the inode's change and its number stand for it, and edges
// differ, which costs a client of two of them a 304 now and then.
func (f *file) describe(info os.FileInfo) {
	var inode uint64
	f.changed, inode = changed(info)
	stamp := uint64(f.date.UnixNano())
	if f.date.Before(placeholderBefore) {
		stamp = f.changed
		if stamp == 0 {
			return
		}
	} else {
		f.modified, inode = f.date, 0
		f.lastModified = represent.AppendDate(nil, f.date)
	}
	f.settled = time.Unix(0, int64(stamp)).Add(settleTime)
	tag := strconv.AppendUint(append([]byte(nil), `W/"`...), uint64(f.size), 16)
	tag = strconv.AppendUint(append(tag, '-'), stamp, 16)
	if inode != 0 {
		tag = strconv.AppendUint(append(tag, '-'), inode, 16)
	}
	if f.coding != nil {
		tag = append(append(tag, '-'), f.coding.name...)
	}
	f.tag = append(tag, '"')
}
