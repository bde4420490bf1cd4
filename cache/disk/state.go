package disk

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// The names in the directory.
const (
	lockName   = "lock"
	stateName  = "state"
	logSuffix  = ".log"  // segments
	bodySuffix = ".body" // bodies
)

// state is what the next process must know before it believes a file. Nothing is synced while traffic runs, so a machine that
// stops may have lost any of the last writes, a removal among them, whose object would come back. So: files are believed if they
// were closed, which syncs them, or if the machine has not been started anew since. Otherwise, and while removals that cannot be
// written are owed, when there is no state at all, they are not.
//
// While a process is being replaced the new one removes what its clients have made out of date, and cannot write that here yet. Meanwhile,
// and until it has, the files are lent: the new one may believe them, and nobody else.
type state struct {
	run  uint64 // counts processes
	boot string // the machine's boot; "": not known
	how  string
}

// How a process has left the directory, or has it.
const (
	stateOpen   = "open"
	stateClosed = "closed"
	stateLent   = "lent"
)

func (s state) text() string {
	return fmt.Sprintf("skerry cache disk %d run %d boot %s %s end\n", version, s.run, s.boot, s.how)
}

// believed reports whether the files that this state stands beside are whole.
func (s state) believed(boot string) bool {
	return s.how == stateClosed || s.how == stateOpen && s.boot != "" && s.boot == boot
}

func parseState(text string) (state, bool) {
	var s state
	var v int
	f := strings.Split(strings.TrimSuffix(text, "\n"), " ")
	if len(f) != 10 || f[9] != "end" || strings.Join(f[:3], " ") != "skerry cache disk" {
		return state{}, false
	}
	if _, err := fmt.Sscanf(f[3]+" "+f[5], "%d %d", &v, &s.run); err != nil || v != version || s.run >= runMax {
		return state{}, false
	}
	s.boot, s.how = f[7], f[8]
	return s, s.how == stateOpen || s.how == stateClosed || s.how == stateLent
}

// readState returns what stands in the directory; not ok: nothing that can be believed.
func readState(dir string) (s state, ok bool, err error) {
	b, err := os.ReadFile(filepath.Join(dir, stateName))
	if errors.Is(err, fs.ErrNotExist) {
		return state{}, false, nil
	}
	if err != nil {
		return state{}, false, err
	}
	s, ok = parseState(string(b))
	return s, ok, nil
}

// writeState replaces the state, and returns when it would survive the machine. One that is lent stays so.
func (d *Disk) writeState(how string) error {
	d.stating.Lock()
	defer d.stating.Unlock()
	d.mu.RLock()
	if d.lent {
		how = stateLent
	}
	d.mu.RUnlock()
	return d.putState(state{run: d.run, boot: d.system.boot, how: how})
}

// dropState removes the state: the next process begins with nothing.
func (d *Disk) dropState() {
	d.stating.Lock()
	defer d.stating.Unlock()
	os.Remove(filepath.Join(d.dir, stateName))
}

// putState writes it. With stating.
func (d *Disk) putState(s state) error {
	name := filepath.Join(d.dir, stateName)
	f, err := os.OpenFile(name+".new", os.O_WRONLY|os.O_CREATE|os.O_TRUNC, fileMode)
	if err != nil {
		return err
	}
	_, err = f.WriteString(s.text())
	if err = errors.Join(err, d.system.sync(f), f.Close()); err != nil {
		return err
	}
	if err = os.Rename(name+".new", name); err != nil {
		return err
	}
	return d.syncDir()
}

func (d *Disk) syncDir() error {
	f, err := os.Open(d.dir)
	if err != nil {
		return err
	}
	return errors.Join(d.system.sync(f), f.Close())
}

// bootID names the time since the machine was started; "" where nothing does.
func bootID() string {
	b, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(b))
}
