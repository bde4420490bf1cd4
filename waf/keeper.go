package waf

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"time"
	"weak"

	"skerry.dev/skerry/fault"
	"skerry.dev/skerry/meter"
	"skerry.dev/skerry/spec"
	"skerry.dev/skerry/waf/body"
	"skerry.dev/skerry/waf/crs"
	"skerry.dev/skerry/waf/engine"
)

// Keeper has what outlives plans: the rules, the policies made of them, the memory of held bodies, the shadow. Entrypoints that
// want the same share one policy.
type Keeper struct {
	tables  int64  // bytes that those of the rules' patterns may take; 0: the default
	dir     string // of --crs; empty: the embedded release
	held    atomic.Int64
	most    int64        // that may be held, in bytes
	errHeld *fault.Error // beyond it

	mu       sync.Mutex
	rules    *Rules
	loaded   loaded
	policies map[key]weak.Pointer[policy]

	shadow  *shadow
	judged  [verdicts]*meter.Counter
	matched map[string]*meter.Counter // by family
}

// loaded is what became of the last look at the directory of rules.
type loaded struct {
	mark     string // of the files that were read; see markOf
	problems []fault.Problem
}

// key is the same for policies that say the same.
type key [sha256.Size]byte

// policy is a compiled policy with what the stage needs beside it.
type policy struct {
	engine *engine.Policy
	spec   *spec.WAF
	rules  *Rules
	types  []string // content types that are allowed
	limits body.Limits
	values bool   // the log event has what matched
	shadow uint64 // a request is compared if a random number is not above it; 0: none is

	reference *engine.Policy // made by the shadow when it first needs it
	refused   bool           // it could not be made
}

// slow is the policy on the reference engine, nil if there is none. It is the shadow's alone to ask.
func (p *policy) slow() *engine.Policy {
	if p.reference == nil && !p.refused {
		plain := *p.spec
		plain.Engine, plain.CPUMax = spec.WAFReference, 0
		slow, problems := Compile(&plain, p.rules, false)
		p.reference, p.refused = slow, len(problems) > 0
	}
	return p.reference
}

type verdict uint8

const (
	verdictRefused verdict = iota
	verdictDetected
	verdictLimit
	verdicts
)

var verdictNames = [verdicts]string{"refused", "detected", "limit"}

// Options say what a keeper is for.
type Options struct {
	Dir    string // with another release of the Core Rule Set (--crs); empty: the embedded one
	Meters *meter.Set
	Idle   bool // nothing runs: the plan is only looked at

	HeldBytes int64 // that all held bodies may take together; 0: 256 MB
}

// NewKeeper returns a keeper. Rules are read when the first policy is made.
func NewKeeper(o Options) *Keeper {
	k := &Keeper{dir: o.Dir, policies: map[key]weak.Pointer[policy]{}, matched: map[string]*meter.Counter{}}
	k.Bound(o.HeldBytes, 0)
	for v := range verdicts {
		k.judged[v] = o.Meters.Counter("skerry_firewall_requests_total", "Requests that the firewall did not let pass as they were.", "verdict", verdictNames[v])
	}
	for _, family := range crs.Families() {
		k.matched[family] = o.Meters.Counter("skerry_firewall_matches_total", "Rules that matched a request and log, by what they look for.", "family", family)
	}
	o.Meters.Func("skerry_firewall_held_bytes", "Memory of request bodies that are held for the firewall.", func() float64 { return float64(k.held.Load()) })
	if !o.Idle {
		k.shadow = newShadow(o.Meters)
	}
	return k
}

// Bound sets how much all held bodies may take together, in bytes; 0: 256 MB; and the same of the tables of the rules' patterns; 0: 32 MB.
// Nothing may be held yet, and no policy made.
func (k *Keeper) Bound(heldBytes, tablesBytes int64) {
	k.tables = tablesBytes
	if k.most = heldBytes; k.most == 0 {
		k.most = heldBytesMax
	}
	k.errHeld = fault.New(fault.Overloaded,
		fmt.Sprintf("the firewall holds as many request bodies as the edge has memory for: %d bytes in all (--memory)", k.most))
}

// Close ends the shadow; a second call does nothing. No stage may run any more.
func (k *Keeper) Close() {
	if k.shadow != nil {
		k.shadow.close()
	}
}

// load is the rules as they are now.
func (k *Keeper) load() (*Rules, []fault.Problem) {
	if k.dir == "" {
		r, err := Embedded()
		return r, k.problems(err)
	}
	root, err := os.OpenRoot(k.dir)
	if err != nil {
		return nil, k.problems(err)
	}
	defer root.Close() // read only
	mark, last, err := markOf(root.FS())
	if err != nil {
		return nil, k.problems(err)
	}
	if mark == k.loaded.mark && time.Since(last) > settledAfter {
		return k.rules, k.loaded.problems // every entrypoint of a plan asks
	}
	r, err := LoadDir(root.FS(), k.rules)
	k.loaded = loaded{mark, k.problems(err)}
	if err != nil {
		return nil, k.loaded.problems
	}
	return r, nil
}

// problems are what is wrong with the rules, by the files' paths.
func (k *Keeper) problems(err error) []fault.Problem {
	if err == nil {
		return nil
	}
	var list fault.Problems
	if !errors.As(err, &list) {
		return []fault.Problem{{Text: "the directory of rules (--crs " + k.dir + "): " + err.Error()}}
	}
	list = slices.Clone(list)
	for i := range list {
		list[i].File = filepath.Join(k.dir, list[i].File)
	}
	return list
}

// policy is the compiled form of w, shared with all that say the same.
func (k *Keeper) policy(w *spec.WAF) (*policy, []fault.Problem) {
	k.mu.Lock()
	defer k.mu.Unlock()
	rules, problems := k.load()
	if len(problems) > 0 {
		return nil, problems
	}
	if rules != k.rules {
		rules.program.Bound(k.tables)
		k.rules = rules
		clear(k.policies)
	}
	id := keyOf(w)
	if p := k.policies[id].Value(); p != nil {
		return p, nil
	}
	p := &policy{spec: w, rules: rules, types: w.Allow.ContentTypes, limits: limits(w), values: bool(w.LogValues)}
	if p.engine, problems = Compile(w, rules, bool(w.LogValues)); len(problems) > 0 {
		return nil, problems
	}
	if w.Engine != spec.WAFReference {
		p.shadow = thresholdOf(w.Shadow)
	}
	k.forget()
	k.policies[id] = weak.Make(p)
	return p, nil
}

// forget drops the policies that no plan has any more, once in a while.
func (k *Keeper) forget() {
	if n := len(k.policies); n < forgetFrom || n&(n-1) != 0 {
		return
	}
	maps.DeleteFunc(k.policies, func(_ key, p weak.Pointer[policy]) bool { return p.Value() == nil })
}

// thresholdOf is the number that as large a share of all random numbers are not above.
func thresholdOf(share float64) uint64 {
	if share >= 1 {
		return math.MaxUint64
	}
	return uint64(share * (1 << 64))
}

// hold takes memory for held bodies, and reports whether there was any.
func (k *Keeper) hold(n int) bool {
	if k.held.Add(int64(n)) > k.most {
		k.held.Add(-int64(n))
		return false
	}
	return true
}

func (k *Keeper) release(n int) { k.held.Add(-int64(n)) }

// keyOf is the same for policies that say the same, wherever they stand. %#v quotes every text: no two policies look alike.
func keyOf(w *spec.WAF) key {
	c := *w
	c.Exclude = slices.Clone(w.Exclude)
	for i := range c.Exclude {
		c.Exclude[i].At, c.Exclude[i].Reason = spec.Pos{}, ""
	}
	return sha256.Sum256(fmt.Appendf(nil, "%#v", c))
}
