package waf

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"sync"
	"time"

	"skerry.dev/skerry/fault"
	"skerry.dev/skerry/waf/crs"
	"skerry.dev/skerry/waf/engine"
	"skerry.dev/skerry/waf/seclang"
)

// Rules is a release of the Core Rule Set, made ready. All entrypoints share it.
type Rules struct {
	program     *engine.Program
	set         *seclang.Set
	version     string
	sum         [sha256.Size]byte // of the files; zero: embedded
	tags        map[string]tagged
	headers     []string // restricted ones
	headersMore []string // from paranoia 2
	extensions  []string
}

// Embedded is the release in the binary, made ready when it is first asked for.
func Embedded() (*Rules, error) { return embedded() }

var embedded = sync.OnceValues(func() (*Rules, error) {
	set, err := crs.Load()
	if err != nil {
		return nil, err
	}
	r, problems := newRules(set)
	if len(problems) > 0 {
		return nil, fault.Problems(problems)
	}
	return r, nil
})

// Program is the rules as the engine has them.
func (r *Rules) Program() *engine.Program { return r.program }

// Set is the rules as they were read.
func (r *Rules) Set() *seclang.Set { return r.set }

// Version is the release, "4.25.0".
func (r *Rules) Version() string { return r.version }

func newRules(set *seclang.Set) (*Rules, []fault.Problem) {
	program, problems := engine.New(set)
	if len(problems) > 0 {
		return nil, problems
	}
	r := &Rules{program: program, set: set, version: crs.Version(set), tags: map[string]tagged{}}
	for _, item := range set.Items {
		if item.Rule == nil {
			continue
		}
		for _, tag := range item.Rule.Tags {
			r.tags[tag] |= taggedBy(item.Rule.ID)
		}
		for _, a := range item.Rule.Actions {
			if a.Set != nil {
				r.restriction(a.Set)
			}
		}
	}
	return r, nil
}

// restriction keeps the lists that the rules themselves set where nobody else does: /name/ /name/ or .ext/ .ext/.
func (r *Rules) restriction(s *seclang.SetVar) {
	name, fixed := s.Name.Fixed()
	value, plain := s.Value.Fixed()
	if !fixed || !plain {
		return
	}
	list := strings.FieldsFunc(value, func(c rune) bool { return c == ' ' || c == '/' })
	switch strings.ToLower(name) {
	case "restricted_headers_basic":
		r.headers = list
	case "restricted_headers_extended":
		r.headersMore = list
	case "restricted_extensions":
		r.extensions = list
	}
}

// has reports whether any rule's id is in a range.
func (r *Rules) has(ids seclang.Range) bool {
	for _, item := range r.set.Items {
		if item.Rule != nil && ids.First <= item.Rule.ID && item.Rule.ID <= ids.Last {
			return true
		}
	}
	return false
}

// LoadDir makes a release in a directory ready: that which old is of, if nothing in it has changed.
func LoadDir(dir fs.FS, old *Rules) (*Rules, error) {
	sum, err := sumOf(dir)
	if err != nil {
		return nil, err
	}
	if old != nil && old.sum == sum {
		return old, nil
	}
	set, problems := crs.LoadDir(dir)
	if len(problems) > 0 {
		return nil, fault.Problems(problems)
	}
	r, problems := newRules(set)
	if len(problems) > 0 {
		return nil, fault.Problems(problems)
	}
	r.sum = sum
	return r, nil
}

var errRulesLarge = errors.New("the directory of rules (--crs) has more than 32 MB of .conf and .data files")

// sumOf is a hash of the names and contents of all files of rules in a directory.
func sumOf(dir fs.FS) (sum [sha256.Size]byte, err error) {
	h, total := sha256.New(), 0
	err = eachFile(dir, func(name string) error {
		b, err := fs.ReadFile(dir, name)
		if total += len(b); total > rulesBytesMax {
			return errRulesLarge
		}
		fmt.Fprintf(h, "%q %d\n", name, len(b))
		h.Write(b)
		return err
	})
	return [sha256.Size]byte(h.Sum(nil)), err
}

// markOf says when the files of rules in a directory were changed last, and how many bytes each has: as long as it is the same,
// and settled, so are they.
func markOf(dir fs.FS) (mark string, last time.Time, err error) {
	var b strings.Builder
	b.WriteString("files:\n") // no mark is empty
	err = eachFile(dir, func(name string) error {
		info, err := fs.Stat(dir, name) // of what a link names: a ConfigMap's files are links
		if err != nil {
			return err
		}
		fmt.Fprintf(&b, "%q %d %d\n", name, info.Size(), info.ModTime().UnixNano())
		if info.ModTime().After(last) {
			last = info.ModTime()
		}
		return nil
	})
	return b.String(), last, err
}

// eachFile calls f with the files of rules in a directory, hidden ones left out.
func eachFile(dir fs.FS, f func(name string) error) error {
	return fs.WalkDir(dir, ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case name != "." && strings.HasPrefix(d.Name(), "."):
			if d.IsDir() {
				return fs.SkipDir
			}
			return nil
		case d.IsDir() || !strings.HasSuffix(name, ".conf") && !strings.HasSuffix(name, ".data") && !strings.HasSuffix(name, ".example"):
			return nil
		}
		return f(name)
	})
}
