package handover

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// lockName is the file in a directory that its process holds.
const lockName = "process.lock"

// ErrHeld is what an error of Take is when another process has the directory.
var ErrHeld = errors.New("another process has the directory")

// Lock is a directory that belongs to this process: until Release, or the process ends, however that happens.
type Lock struct{ file *os.File }

// Take locks a directory, which it makes if need be. It does not wait: an error that is ErrHeld names the process that has it.
func Take(dir string) (*Lock, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	name := filepath.Join(dir, lockName)
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	if err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err == nil {
		pid := strconv.Itoa(os.Getpid()) + "\n"
		if err = f.Truncate(0); err == nil {
			_, err = f.WriteAt([]byte(pid), 0)
		}
		if err == nil {
			return &Lock{f}, nil
		}
	}
	defer f.Close()
	if !errors.Is(err, syscall.EWOULDBLOCK) {
		return nil, fmt.Errorf("lock %s: %w", name, err)
	}
	b := make([]byte, pidBytesMax)
	n, _ := f.ReadAt(b, 0) // the number is for people
	holder := strings.TrimSpace(string(b[:n]))
	if holder == "" {
		holder = "unknown"
	}
	return nil, fmt.Errorf("%w: process %s holds %s; give each process a directory of its own, or send that one SIGUSR2 to have it replaced",
		ErrHeld, holder, name)
}

// Release gives the directory back. The file stays: removing it would let two processes lock two files of one name.
func (l *Lock) Release() error {
	if l == nil {
		return nil
	}
	return l.file.Close()
}
