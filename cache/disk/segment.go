package disk

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

const fileMode, dirMode fs.FileMode = 0o600, 0o700

// segment is one file of the log. Its fields belong to who holds the Disk's lock; file and number never change.
type segment struct {
	number uint64
	name   string
	file   *os.File
	begun  uint64   // the clock when it was begun
	size   int64    // how much of it is written
	weight int64    // of the bodies whose objects lie in it
	urls   []uint64 // of each object that was put in, to find its place
	slot   uint16   // places name it by this
	dead   bool     // it is leaving: nothing may enter
}

// read returns the record at an offset.
func (s *segment) read(off, length uint32) ([]byte, error) {
	b := make([]byte, length)
	if _, err := s.file.ReadAt(b, int64(off)); err != nil {
		if errors.Is(err, io.EOF) {
			return nil, errTorn
		}
		return nil, err
	}
	return b, nil
}

// system is what the disk asks the operating system for, where tests want it to fail.
type system struct {
	create func(name string) (*os.File, error)
	write  func(f *os.File, b []byte, off int64) (int, error)
	sync   func(f *os.File) error
	boot   string
}

func realSystem() system {
	return system{
		create: func(name string) (*os.File, error) {
			return os.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_EXCL, fileMode)
		},
		write: func(f *os.File, b []byte, off int64) (int, error) { return f.WriteAt(b, off) },
		sync:  func(f *os.File) error { return f.Sync() },
		boot:  bootID(),
	}
}

func segmentName(number uint64) string { return fmt.Sprintf("%016x%s", number, logSuffix) }

func bodyName(number uint64) string { return fmt.Sprintf("%016x%s", number, bodySuffix) }

// numbered returns the number in a file's name; not ok: it is not one of ours.
func numbered(name, suffix string) (uint64, bool) {
	digits, ok := strings.CutSuffix(name, suffix)
	if !ok || len(digits) != 16 {
		return 0, false
	}
	n, err := strconv.ParseUint(digits, 16, 64)
	return n, err == nil
}

// list returns the numbers of the files of one kind, in order.
func list(dir, suffix string) (numbers []uint64, err error) {
	d, err := os.Open(dir)
	if err != nil {
		return nil, err
	}
	defer d.Close()
	names, err := d.Readdirnames(-1)
	for _, name := range names {
		if n, ok := numbered(name, suffix); ok {
			numbers = append(numbers, n)
		}
	}
	slices.Sort(numbers)
	return numbers, err
}

// clear removes all segments and bodies.
func clear(dir string) error {
	return errors.Join(clearKind(dir, logSuffix), clearKind(dir, bodySuffix))
}

func clearKind(dir, suffix string) error {
	numbers, err := list(dir, suffix)
	for _, n := range numbers {
		err = errors.Join(err, os.Remove(filepath.Join(dir, fmt.Sprintf("%016x%s", n, suffix))))
	}
	return err
}
