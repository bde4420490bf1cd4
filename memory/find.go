package memory

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"
)

// Limit is what the process may use.
type Limit struct {
	Bytes int64
	From  string // who says so, for people: "--memory", "memory.max of /sys/fs/cgroup/a", …
}

// Find returns the limit of this process; said is what --memory says in bytes, 0 if it says nothing. Otherwise it is the smallest
// limit of the process's cgroup and those above it, or three quarters of the machine's memory if that is less. It fails if
// --memory is more than those allow, and if a limit is there that cannot be read.
func Find(said int64) (Limit, error) { return FindIn(os.DirFS("/"), said) }

// FindIn is Find on another file system, with proc and cgroups below its root.
func FindIn(root fs.FS, said int64) (Limit, error) {
	bounds, err := cgroupLimits(root)
	if err == nil {
		var m Limit
		if m, err = machine(root); m.Bytes > 0 {
			bounds = append(bounds, m)
		}
	}
	if said > 0 {
		for _, b := range bounds { // whatever could be read
			if said > b.Bytes {
				return Limit{}, fmt.Errorf("--memory %s is more than the %s of %s", Text(said), Text(b.Bytes), b.From)
			}
		}
		return Limit{Bytes: said, From: "--memory"}, nil
	}
	if err != nil {
		return Limit{}, fmt.Errorf("how much memory there is: %w; --memory can say it", err)
	}
	least := Limit{Bytes: unknownBytes, From: "a guess, since neither --memory nor the system says any"}
	for i, b := range bounds {
		if b.From == machineName {
			b.Bytes, b.From = b.Bytes/1000*machineShare, "three quarters of "+machineName
		}
		if i == 0 || b.Bytes < least.Bytes {
			least = b
		}
	}
	return least, nil
}

// machineName is where a Limit comes from that the machine's memory is.
const machineName = "the machine's memory"

// machine is the memory of the machine; no bytes if the system does not say.
func machine(root fs.FS) (Limit, error) {
	const name = "proc/meminfo"
	text, err := fs.ReadFile(root, name)
	if errors.Is(err, fs.ErrNotExist) {
		return Limit{}, nil
	}
	if err != nil {
		return Limit{}, err
	}
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, "MemTotal:"); ok {
			kb, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(rest), " kB"), 10, 64)
			if err != nil || kb <= 0 || kb > unlimitedBytes>>10 {
				return Limit{}, fmt.Errorf("/%s: MemTotal is %q", name, strings.TrimSpace(rest))
			}
			return Limit{Bytes: kb << 10, From: machineName}, nil
		}
	}
	return Limit{}, fmt.Errorf("/%s has no MemTotal", name)
}
