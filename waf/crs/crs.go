package crs

import (
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"sync"

	coreruleset "github.com/corazawaf/coraza-coreruleset/v4"

	"skerry.dev/skerry/fault"
	"skerry.dev/skerry/waf/seclang"
)

// Files are the rules and phrase files of the embedded release, without folders.
func Files() fs.FS {
	f, err := fs.Sub(coreruleset.FS, "@owasp_crs")
	if err != nil {
		panic("BUG: the module of the Core Rule Set has no rules: " + err.Error())
	}
	return f
}

// Names are the files of rules of the embedded release, in the order in which they are read.
func Names() []string {
	names, err := fs.Glob(Files(), "*.conf")
	if err != nil || len(names) == 0 {
		panic(fmt.Sprintf("BUG: the module of the Core Rule Set has no rules: %v", err))
	}
	return names
}

// Load is the embedded release, parsed once; all callers share the Set and must not change it. The error is a fault.Problems, and a bug.
// What crs-setup.conf does is Setup's.
func Load() (*seclang.Set, error) { return embedded() }

var embedded = sync.OnceValues(func() (*seclang.Set, error) {
	set, problems := seclang.Parse(Files(), Names()...)
	if len(problems) > 0 {
		return nil, fault.Problems(problems)
	}
	return set, nil
})

// LoadDir reads another release of CRS 4 from the root of fsys: an unpacked release (rules/*.conf; crs-setup.conf or else its
// example; plugins/*-config.conf, *-before.conf and *-after.conf), or the files of rules alone, in one folder. Files are read in the
// order that CRS documents: setup, plugins' configuration, plugins before, rules, plugins after. The Set is nil if there are problems.
func LoadDir(fsys fs.FS) (*seclang.Set, []fault.Problem) {
	names, err := order(fsys)
	if err != nil {
		return nil, []fault.Problem{{Text: "the directory of the Core Rule Set cannot be read: " + err.Error()}}
	}
	if len(names) == 0 {
		return nil, []fault.Problem{{
			Text: "the directory of the Core Rule Set has no rules",
			Fix:  "name the folder of an unpacked release, in which rules/REQUEST-901-INITIALIZATION.conf is",
		}}
	}
	set, problems := seclang.Parse(fsys, names...)
	if len(problems) > 0 {
		return nil, problems
	}
	if v := Version(set); !strings.HasPrefix(v, "4.") {
		return nil, []fault.Problem{{
			File: names[len(names)-1],
			Text: fmt.Sprintf("these are not rules of CRS 4: SecComponentSignature is %q", set.Signature),
			Fix:  "other rules are named by the entrypoint's waf.rules",
		}}
	}
	return set, nil
}

// order lists the files of a directory as CRS documents it.
func order(fsys fs.FS) ([]string, error) {
	rules, err := fs.Glob(fsys, "rules/*.conf")
	if err != nil {
		return nil, err
	}
	if len(rules) == 0 {
		flat, err := fs.Glob(fsys, "*.conf")
		return slices.DeleteFunc(flat, func(n string) bool { return n == "crs-setup.conf" }), err
	}
	var names []string
	for _, setup := range []string{"crs-setup.conf", "crs-setup.conf.example"} {
		if _, err := fs.Stat(fsys, setup); err == nil {
			names = append(names, setup)
			break
		}
	}
	for _, pattern := range []string{"*-config.conf", "*-before.conf", "", "*-after.conf"} {
		if pattern == "" {
			names = append(names, rules...)
			continue
		}
		found, err := fs.Glob(fsys, path.Join("plugins", pattern))
		if err != nil {
			return nil, err
		}
		names = append(names, found...)
	}
	return names, nil
}

// Version is the release that a Set says it is, "4.25.0"; empty if it is none of CRS.
func Version(set *seclang.Set) string {
	v, ok := strings.CutPrefix(set.Signature, "OWASP_CRS/")
	if !ok {
		return ""
	}
	return v
}
