package waf

import (
	"fmt"
	"os"
	"slices"
	"sync"
	"sync/atomic"
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
	dir  string // of --crs; empty: the embedded release
	held atomic.Int64
	set  *meter.Set

	mu       sync.Mutex
	rules    *Rules
	policies map[string]weak.Pointer[policy]

	shadow  *shadow
	judged  [verdicts]*meter.Counter
	matched map[string]*meter.Counter // by family
}

// policy is a compiled policy with what the stage needs beside it.
type policy struct {
	engine    *engine.Policy
	reference *engine.Policy // for the shadow; nil: none
	spec      *spec.WAF
	types     []string // content types that are allowed
	limits    body.Limits
	shadow    uint64 // a request is compared if a random number is below it
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
}

// NewKeeper returns a keeper. Rules are read when the first policy is made.
func NewKeeper(o Options) *Keeper {
	k := &Keeper{dir: o.Dir, set: o.Meters, policies: map[string]weak.Pointer[policy]{}, matched: map[string]*meter.Counter{}}
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

// Close ends the shadow; a second call does nothing. No stage may run any more.
func (k *Keeper) Close() {
	if k.shadow != nil {
		k.shadow.close()
	}
}

// load is the rules as they are now.
func (k *Keeper) load() (*Rules, error) {
	if k.dir == "" {
		return Embedded()
	}
	root, err := os.OpenRoot(k.dir)
	if err != nil {
		return nil, fmt.Errorf("the directory of rules (--crs): %w", err)
	}
	defer root.Close()
	r, err := LoadDir(root.FS(), k.rules)
	if err != nil {
		return nil, fmt.Errorf("the directory of rules (--crs %s): %w", k.dir, err)
	}
	return r, nil
}

// policy is the compiled form of w, shared with all that say the same.
func (k *Keeper) policy(w *spec.WAF) (*policy, []fault.Problem) {
	k.mu.Lock()
	defer k.mu.Unlock()
	rules, err := k.load()
	if err != nil {
		return nil, []fault.Problem{{Text: err.Error()}}
	}
	if rules != k.rules {
		k.rules, k.policies = rules, map[string]weak.Pointer[policy]{}
	}
	key := keyOf(w)
	if p := k.policies[key].Value(); p != nil {
		return p, nil
	}
	p := &policy{spec: w, types: w.Allow.ContentTypes, limits: limits(w), shadow: uint64(w.Shadow * (1 << 63) * 2)}
	var problems []fault.Problem
	if p.engine, problems = Compile(w, rules, bool(w.LogValues)); len(problems) > 0 {
		return nil, problems
	}
	if w.Shadow > 0 && w.Engine != spec.WAFReference {
		plain := *w
		plain.Engine = spec.WAFReference
		if p.reference, problems = Compile(&plain, rules, false); len(problems) > 0 {
			return nil, problems
		}
	}
	k.policies[key] = weak.Make(p)
	return p, nil
}

// hold takes memory for held bodies, and reports whether there was any.
func (k *Keeper) hold(n int) bool {
	if k.held.Add(int64(n)) > heldBytesMax {
		k.held.Add(-int64(n))
		return false
	}
	return true
}

func (k *Keeper) release(n int) { k.held.Add(-int64(n)) }

// keyOf is the same for policies that say the same, wherever they stand.
func keyOf(w *spec.WAF) string {
	c := *w
	c.Exclude = slices.Clone(w.Exclude)
	for i := range c.Exclude {
		c.Exclude[i].At, c.Exclude[i].Reason = spec.Pos{}, ""
	}
	return fmt.Sprintf("%+v", c)
}
