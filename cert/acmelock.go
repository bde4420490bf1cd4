package cert

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/caddyserver/certmagic"
)

// lock waits for the lock of a name, which no two processes have at once, and keeps it until unlock. Who has it touches its file every
// lockBeat; who waits takes over what nobody has touched for lockDead, by the waiter's own clock: neither clocks that differ nor one that
// is set matter. CertMagic's own locks go by the time in the file, and the one who had it last may keep alive what a killed process has.
func (s *store) lock(ctx context.Context, name string) (unlock func(), err error) {
	l := &fileLock{path: s.lockFile(name), holder: rand.Text()}
	if err := os.MkdirAll(filepath.Dir(l.path), 0o700); err != nil {
		return nil, err
	}
	var seen watched
	for {
		err := l.take()
		if err == nil {
			return l.keep(), nil
		}
		if !errors.Is(err, fs.ErrExist) {
			return nil, err
		}
		if past := seen.unchanged(l.path, time.Now()); past >= lockDead && l.evict(seen.holder, past >= 2*lockDead) {
			continue
		}
		select {
		case <-time.After(lockLook):
		case <-ctx.Done():
			return nil, fmt.Errorf("somebody has had %s for too long: %w", l.path, ctx.Err())
		}
	}
}

func (s *store) lockFile(name string) string {
	return s.files.Filename("locks/" + certmagic.StorageKeys.Safe(name) + ".lock")
}

// fileLock is a lock that this process wants, or has.
type fileLock struct {
	path   string
	holder string // what the file says; nobody else's says the same
}

// take makes the file; who comes between its two steps sees one that says nothing yet, and looks again.
func (l *fileLock) take() error {
	f, err := os.OpenFile(l.path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = f.WriteString(l.holder)
	if err = errors.Join(err, f.Close()); err != nil {
		_ = os.Remove(l.path)
		return fmt.Errorf("%s: %v", l.path, err)
	}
	return nil
}

// keep touches the file until it is let go.
func (l *fileLock) keep() (unlock func()) {
	end := make(chan struct{})
	var beating sync.WaitGroup
	beating.Go(func() {
		beat := time.NewTicker(lockBeat)
		defer beat.Stop()
		for {
			select {
			case <-end:
				return
			case <-beat.C:
			}
			if l.mine() {
				_ = os.Chtimes(l.path, time.Time{}, time.Now())
			}
		}
	})
	return func() {
		close(end)
		beating.Wait()
		if l.mine() {
			_ = os.Remove(l.path) // one that stays is dead in some seconds
		}
	}
}

// mine reports whether the lock was not taken over, from a process that had stood still.
func (l *fileLock) mine() bool {
	text, err := os.ReadFile(l.path)
	return err == nil && string(text) == l.holder
}

// evict removes the lock of a holder who is dead, and reports whether nobody else is about to. Of several waiters one does it, who has made
// a mark for that holder, and has then looked whose lock it is: who stood still since it looked last must not touch, not for a moment, the
// lock of whoever took over meanwhile. overdue says that who has made the mark may be dead too.
func (l *fileLock) evict(holder string, overdue bool) (done bool) {
	h := fnv.New64a()
	_, _ = io.WriteString(h, holder) // which may say anything
	mark := fmt.Sprintf("%s.%x", l.path, h.Sum(nil))
	if overdue {
		_ = os.Remove(mark)
	}
	f, err := os.OpenFile(mark, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return false
	}
	_ = f.Close()
	if text, err := os.ReadFile(l.path); err == nil && string(text) == holder {
		_ = os.Remove(l.path)
	}
	_ = os.Remove(mark)
	return true
}

// watched is what a waiter has seen of somebody's lock.
type watched struct {
	holder  string
	touched time.Time
	since   time.Time // when it was first seen so
}

// unchanged returns for how long the file has been the same.
func (w *watched) unchanged(path string, now time.Time) time.Duration {
	info, err := os.Stat(path)
	if err != nil {
		return 0 // it is gone, or will be told of by whoever takes it
	}
	text, _ := os.ReadFile(path)
	if holder := string(text); w.since.IsZero() || holder != w.holder || !info.ModTime().Equal(w.touched) {
		*w = watched{holder, info.ModTime(), now}
	}
	return now.Sub(w.since)
}

// lockedFiles are the files for CertMagic to tidy up, under a lock of ours.
type lockedFiles struct {
	*certmagic.FileStorage
	store  *store
	unlock func()
	needed []string // folders of names, sorted: what lies there stays
}

// Load reads a file. What is none, a pipe perhaps, is not opened: nothing would end before somebody writes into it, Close neither.
func (f *lockedFiles) Load(_ context.Context, key string) ([]byte, error) { return f.store.load(key) }

// Delete removes a file, but for those of names that are needed: what has ended by a clock that is wrong may be good by the right one.
func (f *lockedFiles) Delete(ctx context.Context, key string) error {
	if _, needed := slices.BinarySearch(f.needed, path.Base(path.Dir(key))); needed {
		return nil
	}
	return f.FileStorage.Delete(ctx, key)
}

// Lock waits for the one lock that is asked for. It is not had by a clock that is far from that of the storage, which several processes
// share: what has ended for this one may be in force for the others.
func (f *lockedFiles) Lock(ctx context.Context, name string) error {
	unlock, err := f.store.lock(ctx, name)
	if err != nil {
		return err
	}
	info, err := os.Stat(f.store.lockFile(name)) // it was written a moment ago
	if err == nil && time.Since(info.ModTime()).Abs() > tidyEvery {
		err = fmt.Errorf("by the clock of its disk it is %s: is the clock right?", info.ModTime().UTC().Format(time.RFC3339))
	}
	if err != nil {
		unlock()
		return err
	}
	f.unlock = unlock
	return nil
}

// Unlock lets it go.
func (f *lockedFiles) Unlock(context.Context, string) error {
	f.unlock()
	return nil
}
