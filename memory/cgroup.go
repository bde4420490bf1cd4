package memory

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strconv"
	"strings"
)

// mount is where a hierarchy of cgroups is seen.
type mount struct {
	point string   // without the slash at its beginning
	root  string   // the cgroup that is seen there
	files []string // with limits of memory, in each cgroup
}

// cgroupLimits are all limits of the process's cgroups of either version, and of those above them that can be seen.
func cgroupLimits(root fs.FS) ([]Limit, error) {
	own, err := ownCgroups(root)
	if err != nil || len(own) == 0 {
		return nil, err
	}
	mounts, err := cgroupMounts(root)
	if err != nil {
		return nil, err
	}
	var all []Limit
	for version, m := range mounts {
		name, ok := own[version]
		if !ok {
			continue
		}
		for dir := path.Join(m.point, below(m.root, name)); ; dir = path.Dir(dir) {
			found, err := limitsOf(root, dir, m.files)
			if err != nil {
				return nil, err
			}
			all = append(all, found...)
			if dir == m.point || dir == "." {
				break
			}
		}
	}
	return all, nil
}

// The versions of cgroups. Both may be there: version 1 has the memory then.
const (
	cgroup1 = 1
	cgroup2 = 2
)

// ownCgroups are the names of the process's cgroups for memory, by version; none where the system knows no cgroups.
func ownCgroups(root fs.FS) (map[int]string, error) {
	text, err := fs.ReadFile(root, "proc/self/cgroup")
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	own := map[int]string{}
	for line := range strings.Lines(string(text)) { // "4:memory:/a/b", of version 2 "0::/a/b"
		parts := strings.SplitN(strings.TrimSuffix(line, "\n"), ":", 3)
		switch {
		case len(parts) < 3:
		case parts[0] == "0" && parts[1] == "":
			own[cgroup2] = parts[2]
		case has(parts[1], "memory"):
			own[cgroup1] = parts[2]
		}
	}
	return own, nil
}

// cgroupMounts are the places where hierarchies with memory are seen, by version (proc(5), mountinfo).
func cgroupMounts(root fs.FS) (map[int]mount, error) {
	text, err := fs.ReadFile(root, "proc/self/mountinfo")
	if err != nil {
		return nil, err
	}
	mounts := map[int]mount{}
	for line := range strings.Lines(string(text)) {
		before, after, _ := strings.Cut(line, " - ")
		left, right := strings.Fields(before), strings.Fields(after)
		if len(left) < 5 || len(right) < 3 {
			continue
		}
		m := mount{root: plain(left[3]), point: strings.TrimPrefix(path.Clean(plain(left[4])), "/")}
		version := 0
		switch {
		case right[0] == "cgroup2":
			version, m.files = cgroup2, []string{"memory.max", "memory.high"}
		case right[0] == "cgroup" && has(right[2], "memory"):
			version, m.files = cgroup1, []string{"memory.limit_in_bytes"}
		}
		if _, seen := mounts[version]; version != 0 && !seen {
			mounts[version] = m
		}
	}
	return mounts, nil
}

// has reports whether a word is in a list with commas.
func has(list, word string) bool {
	for w := range strings.SplitSeq(list, ",") {
		if w == word {
			return true
		}
	}
	return false
}

// plain takes mountinfo's octal escapes off a path.
func plain(s string) string {
	return strings.NewReplacer(`\040`, " ", `\011`, "\t", `\012`, "\n", `\134`, `\`).Replace(s)
}

// below is the way to a cgroup from the one that a mount shows; nothing, if it lies elsewhere: in a container the mount shows the
// container's own one.
func below(top, name string) string {
	rest, ok := strings.CutPrefix(name, strings.TrimSuffix(top, "/"))
	if !ok || rest != "" && rest[0] != '/' || has(strings.ReplaceAll(name, "/", ","), "..") {
		return ""
	}
	return rest
}

// limitsOf are the limits that stand in the files of one cgroup.
func limitsOf(root fs.FS, dir string, files []string) (all []Limit, err error) {
	for _, file := range files {
		name := path.Join(dir, file)
		data, err := fs.ReadFile(root, name)
		if errors.Is(err, fs.ErrNotExist) {
			continue // the root has none; nor has one without the controller
		}
		if err != nil {
			return nil, err
		}
		text := strings.TrimSpace(string(data))
		if text == "max" {
			continue
		}
		n, err := strconv.ParseUint(text, 10, 64)
		if err != nil {
			return nil, fmt.Errorf("/%s says %q", name, text)
		}
		if n < unlimitedBytes {
			all = append(all, Limit{Bytes: int64(n), From: file + " of /" + dir})
		}
	}
	return all, nil
}
