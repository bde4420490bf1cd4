package cli

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"

	"github.com/spf13/cobra"

	"skerry.dev/skerry/edge"
	"skerry.dev/skerry/memory"
	"skerry.dev/skerry/plan"
)

// memoryFlags say how much memory there is, and what of it the cache gets.
type memoryFlags struct {
	limit sizeFlag
	cache sizeFlag
	disk  sizeFlag
}

func (m *memoryFlags) add(cmd *cobra.Command) {
	f := cmd.Flags()
	f.Var(&m.limit, "memory", "what the process may use, such as 512MB; if left out, what its cgroup allows, or three quarters of the machine's")
	f.Var(&m.cache, "cache-memory", "what of it the cache gets; if left out, about 30 %")
	f.Var(&m.disk, "cache-disk", "how much the cache may keep in a directory below --data; if left out, nothing")
}

// check refuses what makes no sense whatever there is.
func (m *memoryFlags) check(data string) error {
	if m.disk.bytes > 0 && data == "" {
		return errors.New("--cache-disk needs --data: the cache is a directory below it")
	}
	return nil
}

// cacheDirName is the cache's directory below --data.
const cacheDirName = "cache"

// divide finds the limit, divides it, gives everybody their shares and says so. Numbers in opt that are not 0 were said by flags.
func (m *memoryFlags) divide(p *process, set *plan.Setting, opt *edge.Options) error {
	limit, err := memory.Find(m.limit.bytes)
	if err != nil {
		return err
	}
	shares, lowered, err := memory.Divide(limit, memory.Wishes{
		Cache:       memory.Wish{Most: m.cache.bytes, Said: m.cache.bytes > 0},
		Connections: wish(opt.Conns, edge.DefaultConnections()),
		Exchanges:   wish(opt.Exchanges, edge.DefaultExchanges()),
	})
	if err != nil {
		return err
	}
	opt.Memory = shares
	set.CacheBytes = shares.Cache
	if m.disk.bytes > 0 {
		set.CacheDiskBytes, set.CacheDir = m.disk.bytes, filepath.Join(set.Data, cacheDirName)
	}
	p.say("memory: %s (%s): %s", memory.Text(limit.Bytes), limit.From, shares.String())
	if len(lowered) > 0 {
		p.say("memory: lowered to fit: %s", strings.Join(lowered, ", "))
	}
	collect(p, &shares)
	return nil
}

// wish is a number of a flag, or what is wanted without it.
func wish(said int, otherwise int64) memory.Wish {
	if said > 0 {
		return memory.Wish{Most: int64(said), Said: true}
	}
	return memory.Wish{Most: otherwise}
}

// collect tells the Go runtime when to collect: often, since exchanges allocate next to nothing, so that it costs next to nothing,
// and a process that holds many connections is a quarter smaller; and as often as it must near the limit. What the environment
// says of either stays.
func collect(p *process, shares *memory.Shares) {
	if v := os.Getenv("GOGC"); v == "" {
		debug.SetGCPercent(gcPercent)
	} else {
		p.say("memory: GOGC=%s is set, and stays", v)
	}
	if v := os.Getenv("GOMEMLIMIT"); v == "" {
		debug.SetMemoryLimit(shares.Collector)
	} else {
		p.say("memory: GOMEMLIMIT=%s is set, and stays; it would be %s", v, memory.Text(shares.Collector))
	}
}

// sizeFlag is a flag with a number of bytes; 0: it was not given.
type sizeFlag struct{ bytes int64 }

// String, Set and Type make it a pflag.Value.
func (s *sizeFlag) String() string {
	if s.bytes == 0 {
		return ""
	}
	return memory.Text(s.bytes)
}

// Set reads it; 0 is no size.
func (s *sizeFlag) Set(text string) error {
	n, err := memory.ParseSize(text)
	if err == nil && n == 0 {
		err = fmt.Errorf("%q is no memory at all", text)
	}
	s.bytes = n
	return err
}

// Type is what help calls it.
func (s *sizeFlag) Type() string { return "SIZE" }
