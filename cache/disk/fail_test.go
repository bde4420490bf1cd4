package disk_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"skerry.dev/skerry/cache/disk"
	"skerry.dev/skerry/cache/storage"
	"skerry.dev/skerry/meter"
)

// failing is a system that fails when it is told to: a write after half of what it should write.
type failing struct {
	disk.System
	how atomic.Int32
}

const (
	works    int32 = iota
	full           // nothing can be written
	readOnly       // nor can files be made
)

func newFailing() *failing {
	f := &failing{System: unsynced()}
	real := f.System
	f.Create = func(name string) (*os.File, error) {
		if f.how.Load() == readOnly {
			return nil, syscall.EROFS
		}
		return real.Create(name)
	}
	f.Write = func(file *os.File, b []byte, off int64) (int, error) {
		if f.how.Load() != works {
			n, err := real.Write(file, b[:len(b)/2], off)
			return n, errors.Join(syscall.ENOSPC, err)
		}
		return real.Write(file, b, off)
	}
	return f
}

func told(m *meter.Set) (all []string) {
	for _, e := range m.Events().Since(0) {
		all = append(all, e.Text)
	}
	return all
}

// TestFails: a disk that is full, or read-only, is told once; what is there can be read, removals count at once, and when it can be
// written again all of them are in the log.
func TestFails(t *testing.T) {
	for _, how := range []int32{full, readOnly} {
		dir, m := t.TempDir(), newMaker(t)
		synctest.Test(t, func(t *testing.T) {
			sys, meters := newFailing(), meter.NewSet()
			d := openOn(t, dir, 16*mb, sys.System, meters)
			for i := range 10 {
				d.Put(m.object(page(i), 1, content(uint64(i), 1000), "g"))
			}
			d.Put(m.object(page(10), 1, content(10, disk.InlineMax+1)))
			d.Flush()
			sys.how.Store(how)
			spool := d.Begin(100)
			d.Put(m.object(page(1), 2, content(1, 1001)))
			d.Flush()
			synctest.Wait() // the disk is known to fail before the state goes
			if !d.Degraded() || d.Begin(5) != nil {
				t.Error("it goes on writing")
			}
			if spool != nil {
				if spool.Append(make([]byte, 100)) == nil {
					t.Error("a body is written to a full disk")
				}
				spool.Close()
			}
			d.Remove(page(2), 3)
			d.Keep(storage.Purge{Kind: storage.PurgeURL, Host: "a.example", Value: "/3", Number: 4})
			d.Keep(storage.Purge{Kind: storage.PurgeGroup, Value: "none", Number: 5})
			d.Put(m.object(page(4), 5, content(4, 1004)))
			got := show(d, page(0)) + "; " + show(d, page(1)) + show(d, page(2)) + show(d, page(3)) + show(d, page(4)) + "; " + show(d, page(10))
			if got != "1 1000; ; 1 262145" {
				t.Errorf("while it fails: %q", got)
			}
			if _, err := os.Stat(filepath.Join(dir, "state")); err == nil {
				t.Error("a process that begins now would believe the files")
			}
			time.Sleep(3 * disk.RetryPause)
			synctest.Wait() // the writer tries at the same instant
			if list := told(meters); !d.Degraded() || len(list) != 1 || !strings.Contains(list[0], dir) {
				t.Errorf("told: %q", list)
			}
			sys.how.Store(works)
			time.Sleep(2 * disk.RetryPause)
			synctest.Wait() // the writer tries at the same instant
			if list := told(meters); d.Degraded() || len(list) != 2 {
				t.Errorf("told: %q", list)
			}
			d.Put(m.object(page(5), 6, content(5, 1005)))
			d.Flush()
			if err := d.Close(); err != nil {
				t.Error(err)
			}
		})
		d := open(t, dir, 16*mb)
		got := show(d, page(0)) + "; " + show(d, page(1)) + show(d, page(2)) + show(d, page(3)) + show(d, page(4)) + "; " + show(d, page(5))
		if got != "1 1000; ; 6 1005" || show(d, page(10)) != "1 262145" {
			t.Errorf("the next process: %q", got)
		}
		if _, _, _, broken, _, _, _ := d.Counts(); broken > 0 {
			t.Errorf("%d records are damaged", broken)
		}
		d.Close()
	}
}

// TestEndsWhileItFails: the next process begins with nothing, because removals are missing.
func TestEndsWhileItFails(t *testing.T) {
	dir, m, sys := t.TempDir(), newMaker(t), newFailing()
	d := openOn(t, dir, 16*mb, sys.System, meter.NewSet())
	d.Put(m.object(page(1), 1, nil))
	d.Flush()
	sys.how.Store(full)
	d.Remove(page(1), 2)
	d.Flush()
	if err := d.Close(); err == nil {
		t.Error("Close says that all is well")
	}
	if d = open(t, dir, 16*mb); show(d, page(1)) != "" {
		t.Error("what was removed is back")
	}
}

// TestGivesUp: removals that can neither be written nor remembered empty the store, rather than getting lost.
func TestGivesUp(t *testing.T) {
	dir, m := t.TempDir(), newMaker(t)
	synctest.Test(t, func(t *testing.T) {
		sys, meters := newFailing(), meter.NewSet()
		d := openOn(t, dir, 64*mb, sys.System, meters)
		d.Put(m.object(page(1), 1, nil))
		d.Put(m.object(page(2), 1, content(2, disk.InlineMax+1)))
		d.Flush()
		sys.how.Store(full)
		d.Keep(storage.Purge{Kind: storage.PurgeGroup, Value: "x", Number: 2})
		d.Flush()
		for range disk.OwedMax {
			d.Keep(storage.Purge{Kind: storage.PurgeGroup, Value: "x", Number: 2})
		}
		if show(d, page(1))+show(d, page(2)) != "" {
			t.Error("found though a removal may be forgotten")
		}
		time.Sleep(2 * disk.RetryPause)
		synctest.Wait() // the writer tries at the same instant
		if n := len(files(t, dir)); n != 0 {
			t.Errorf("%d files are left", n)
		}
		sys.how.Store(works)
		time.Sleep(2 * disk.RetryPause)
		synctest.Wait() // the writer tries at the same instant
		d.Put(m.object(page(3), 3, nil))
		d.Flush()
		if objects, bodies, _, _, used := d.Counted(); show(d, page(3)) != "3 0" || objects != 1 || bodies != 0 || used != size(t, dir) {
			t.Errorf("afterwards: %d objects, %d bodies, %d bytes of %d; told %q", objects, bodies, used, size(t, dir), told(meters))
		}
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
	if d := open(t, dir, 64*mb); show(d, page(1))+show(d, page(2))+show(d, page(3)) != "3 0" {
		t.Error("the next process has something else")
	}
}
