package static

import (
	"os"
	"syscall"
)

// changed is what tells two contents of a name apart when its date is a placeholder: the time of the inode's last
// change in nanoseconds, and its number. Zeros say that nothing does. Other edges of a fleet have other ones, which costs
// a client of two edges a 304 now and then; that is why files with a date do without.
func changed(info os.FileInfo) (nanoseconds, inode uint64) {
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return 0, 0
	}
	return uint64(st.Ctim.Nano()), st.Ino
}
