package memory_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/fstest"

	"skerry.dev/skerry/memory"
)

// Mounts and cgroups as systems show them.
const (
	mount2    = "31 23 0:28 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw,nsdelegate\n"
	mount1    = "35 31 0:32 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory\n36 31 0:33 / /sys/fs/cgroup/cpu rw shared:9 - cgroup cgroup rw,cpu,cpuacct\n"
	hybrid    = mount1 + "38 31 0:35 / /sys/fs/cgroup/unified rw shared:4 - cgroup2 cgroup2 rw\n"
	unlimited = "9223372036854771712\n"
)

// system is a root directory with these files; a name and its content follow each other.
func system(pairs ...string) fstest.MapFS {
	fs := fstest.MapFS{"proc/meminfo": {Data: []byte("MemTotal:        8388608 kB\nMemFree:  100 kB\n")}}
	for i := 0; i < len(pairs); i += 2 {
		if pairs[i+1] == "" {
			delete(fs, pairs[i])
			continue
		}
		fs[pairs[i]] = &fstest.MapFile{Data: []byte(pairs[i+1])}
	}
	return fs
}

// TestFind: the smallest limit that is there counts, and says where it stands.
func TestFind(t *testing.T) {
	f := func(name string, fs fstest.MapFS, said int64, want string) {
		t.Helper()
		l, err := memory.FindIn(fs, said)
		got := fmt.Sprintf("%s, %s", memory.Text(l.Bytes), l.From)
		if err != nil {
			got = "error: " + err.Error()
		}
		if got != want {
			t.Errorf("%s:\ngot  %s\nwant %s", name, got, want)
		}
	}
	const cgroup, mountinfo = "proc/self/cgroup", "proc/self/mountinfo"
	const threeQuarters = "6GB, three quarters of the machine's memory"
	f("no cgroups", system(), 0, threeQuarters)
	f("nothing at all", system("proc/meminfo", ""), 0, "1GB, a guess, since neither --memory nor the system says any")
	f("nothing but the flag", system("proc/meminfo", ""), 2<<30, "2GB, --memory")
	f("the flag", system(), 100<<20, "100MB, --memory")
	f("more than the machine has", system(), 9<<30, "error: --memory 9GB is more than the 8GB of the machine's memory")

	v2 := func(pairs ...string) fstest.MapFS {
		return system(append([]string{cgroup, "0::/edge.slice/skerry.service\n", mountinfo, mount2}, pairs...)...)
	}
	const own, above = "sys/fs/cgroup/edge.slice/skerry.service/", "sys/fs/cgroup/edge.slice/"
	f("v2, none", v2(own+"memory.max", "max\n", own+"memory.high", "max\n"), 0, threeQuarters)
	f("v2, max", v2(own+"memory.max", "536870912\n", own+"memory.high", "max\n"), 0, "512MB, memory.max of /sys/fs/cgroup/edge.slice/skerry.service")
	f("v2, high", v2(own+"memory.max", "536870912\n", own+"memory.high", "402653184\n"), 0, "384MB, memory.high of /sys/fs/cgroup/edge.slice/skerry.service")
	f("v2, above", v2(own+"memory.max", "536870912\n", above+"memory.max", "268435456\n"), 0, "256MB, memory.max of /sys/fs/cgroup/edge.slice")
	f("v2, more than the machine has", v2(own+"memory.max", "99999999999\n"), 0, threeQuarters)
	f("v2, less by the flag", v2(own+"memory.max", "536870912\n"), 256<<20, "256MB, --memory")
	f("v2, more by the flag", v2(own+"memory.max", "536870912\n"), 1<<30, "error: --memory 1GB is more than the 512MB of memory.max of /sys/fs/cgroup/edge.slice/skerry.service")
	f("v2, broken", v2(own+"memory.max", "lots\n"), 0, `error: how much memory there is: /`+own+`memory.max says "lots"; --memory can say it`)
	f("v2, broken, but the flag says it", v2(own+"memory.max", "lots\n"), 1<<30, "1GB, --memory")
	f("v2, of a container", system(cgroup, "0::/\n", mountinfo, mount2, "sys/fs/cgroup/memory.max", "134217728\n"), 0, "128MB, memory.max of /sys/fs/cgroup")
	f("v2, seen from inside", system(cgroup, "0::/../../other\n", mountinfo, mount2, "sys/fs/cgroup/memory.max", "134217728\n"), 0, "128MB, memory.max of /sys/fs/cgroup")
	f("v2, with a space", system(cgroup, "0::/a b\n", mountinfo, strings.Replace(mount2, "/sys/fs/cgroup", `/sys/fs/c\040g`, 1), "sys/fs/c g/a b/memory.max", "134217728\n"), 0,
		"128MB, memory.max of /sys/fs/c g/a b")

	v1 := "9:name=systemd:/\n4:memory:/docker/ab\n1:cpu,cpuacct:/docker/ab\n0::/\n"
	f("v1", system(cgroup, v1, mountinfo, hybrid, "sys/fs/cgroup/memory/docker/ab/memory.limit_in_bytes", "67108864\n",
		"sys/fs/cgroup/memory/memory.limit_in_bytes", unlimited), 0, "64MB, memory.limit_in_bytes of /sys/fs/cgroup/memory/docker/ab")
	f("v1, none", system(cgroup, v1, mountinfo, hybrid, "sys/fs/cgroup/memory/docker/ab/memory.limit_in_bytes", unlimited), 0, threeQuarters)
	f("v1, above", system(cgroup, v1, mountinfo, mount1, "sys/fs/cgroup/memory/docker/ab/memory.limit_in_bytes", unlimited,
		"sys/fs/cgroup/memory/docker/memory.limit_in_bytes", "67108864"), 0, "64MB, memory.limit_in_bytes of /sys/fs/cgroup/memory/docker")
	inside := strings.Replace(mount1, "0:32 / /", "0:32 /docker/ab /", 1)
	f("v1, the mount shows the container's own", system(cgroup, v1, mountinfo, inside, "sys/fs/cgroup/memory/memory.limit_in_bytes", "67108864\n"), 0,
		"64MB, memory.limit_in_bytes of /sys/fs/cgroup/memory")
	f("v1, a name that begins alike", system(cgroup, strings.ReplaceAll(v1, "ab", "abc"), mountinfo, inside,
		"sys/fs/cgroup/memory/memory.limit_in_bytes", "67108864\n", "sys/fs/cgroup/memory/c/memory.limit_in_bytes", "1\n"), 0,
		"64MB, memory.limit_in_bytes of /sys/fs/cgroup/memory")
	f("the version whose controller is memory's counts", system(cgroup, v1, mountinfo, hybrid, "sys/fs/cgroup/unified/cgroup.procs", "1\n",
		"sys/fs/cgroup/memory/docker/ab/memory.limit_in_bytes", "67108864\n"), 0, "64MB, memory.limit_in_bytes of /sys/fs/cgroup/memory/docker/ab")
	f("lines that are none", system(cgroup, "x\n\n", mountinfo, "x - y\n"), 0, threeQuarters)
	f("a machine without a number", system("proc/meminfo", "MemTotal: many kB\n"), 0, `error: how much memory there is: /proc/meminfo: MemTotal is "many kB"; --memory can say it`)
}

// TestFindHere: this system is one that is understood.
func TestFindHere(t *testing.T) {
	if l, err := memory.Find(0); err != nil || l.Bytes < 64<<20 {
		t.Errorf("%+v, %v", l, err)
	}
}

// TestSizes: what is read, and how it is written.
func TestSizes(t *testing.T) {
	f := func(text string, want int64, written string) {
		t.Helper()
		n, err := memory.ParseSize(text)
		if (err != nil) != (want < 0) || err == nil && (n != want || memory.Text(n) != written) {
			t.Errorf("%q: %d %q, %v", text, n, memory.Text(n), err)
		}
	}
	f("0", 0, "0")
	f("512", 512, "512")
	f("64KB", 64<<10, "64KB")
	f("1536KB", 1536<<10, "1.5MB")
	f("100MB", 100<<20, "100MB")
	f("2GB", 2<<30, "2GB")
	f("3000MB", 3000<<20, "2.9GB")
	f("1TB", 1<<40, "1TB")
	f("7TB", 7<<40, "7TB")
	for _, bad := range []string{"", "MB", "-1", "1.5GB", "1 GB", "1gb", "1GiB", "+1", "9223372036854775808", "8388608TB", "1MBMB", "0x10"} {
		f(bad, -1, "")
	}
}
