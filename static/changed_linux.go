package static

import (
	"os"
	"syscall"
)

// changed is when the inode last changed, in nanoseconds, and its number: what tells two contents of a name apart whatever
// their dates say. Zeros say that nothing does.
func changed(info os.FileInfo) (nanoseconds, inode uint64) {
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return 0, 0
	}
	return uint64(st.Ctim.Nano()), st.Ino
}

// unchanged reports whether an open file is still what it was when it was opened, and still has a name.
func (f *file) unchanged() bool {
	var st syscall.Stat_t
	if err := syscall.Fstat(int(f.descriptor), &st); err != nil {
		return false
	}
	return st.Nlink > 0 && st.Size == f.size && uint64(st.Ctim.Nano()) == f.changed
}
