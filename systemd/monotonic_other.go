//go:build !linux

package systemd

// monotonic has no meaning where there is no systemd.
func monotonic() int64 { return 0 }
