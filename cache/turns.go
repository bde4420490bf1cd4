package cache

import (
	"encoding/json"
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"strconv"
	"time"
)

// turnsName is the file that keeps, beside what is on disk, which rules of storing each route has had.
const turnsName = "rules.json"

// turned is what that file says of a route.
type turned struct {
	Rules string `json:"rules"`
	Turns int64  `json:"turns"`
}

// everyRoute is the label under which the file says what turn every route has at least. No route is called so.
const everyRoute = ""

// loadTurns reads the file. What cannot be read, or is missing where something is stored, means that nothing is known: then no key of
// before is found any more, whichever route it is of and whenever that is there again.
func (k *Keeper) loadTurns(dir string) {
	k.turnsFile = filepath.Join(dir, turnsName)
	k.known = k.readTurns(k.turnsFile, k.diskStats().Bytes == 0)
}

// peekTurns reads the file of another process, which may be about to change it.
func (k *Keeper) peekTurns(dir string) {
	k.read = k.readTurns(filepath.Join(dir, turnsName), true)
	k.known = maps.Clone(k.read)
}

// joinTurns takes over the file of the process before, when that has let it go. Routes of which it says the same as at start have had the
// turns that this process has given them. Those of others are beyond all that either has given: both may have stored under the last ones.
func (k *Keeper) joinTurns(dir string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.turnsFile = filepath.Join(dir, turnsName)
	now := k.readTurns(k.turnsFile, k.diskStats().Bytes == 0)
	every := now[everyRoute]
	for label, r := range k.routes {
		if every != k.read[everyRoute] || now[label] != k.read[label] {
			r.turns = max(r.turns, now[label].Turns, every.Turns) + 1
			r.setTurn()
		}
	}
	for label, t := range now {
		if k.routes[label] == nil && t != k.read[label] {
			k.known[label] = turned{Turns: max(t.Turns, k.known[label].Turns) + 1}
		}
	}
	if delete(k.known, everyRoute); every != (turned{}) {
		k.known[everyRoute] = every
	}
	k.read = nil
	k.saveTurns()
}

// readTurns reads the file; empty: nothing is stored, so that it may be missing.
func (k *Keeper) readTurns(name string, empty bool) map[string]turned {
	known := map[string]turned{}
	b, err := os.ReadFile(name)
	switch {
	case err == nil:
		if err = json.Unmarshal(b, &known); err == nil && known == nil {
			err = errors.New("it says null")
		}
	case errors.Is(err, fs.ErrNotExist) && empty:
		err = nil
	}
	if err != nil {
		k.meters.Events().Add("cache_rules", name+" cannot be read, so nothing that was stored before is used: "+err.Error())
		return map[string]turned{everyRoute: {Turns: time.Now().UnixMicro()}} // beyond every turn that there was
	}
	return known
}

// saveTurns writes the file anew. If it cannot be written the next start forgets what is on disk.
func (k *Keeper) saveTurns() {
	if k.turnsFile == "" {
		return
	}
	for label, r := range k.routes {
		k.known[label] = turned{r.rules, r.turns}
	}
	b, err := json.Marshal(k.known)
	if err == nil {
		err = os.WriteFile(k.turnsFile+".new", b, 0o600)
	}
	if err == nil {
		err = os.Rename(k.turnsFile+".new", k.turnsFile)
	}
	if err != nil {
		k.meters.Events().Add("cache_rules", "write "+k.turnsFile+": "+err.Error())
		_ = os.WriteFile(k.turnsFile, []byte("?"), 0o600) // what it says is not true any more; if even this fails, the event has said so
	}
}

// useTurns notes the rules of the plan in force. A route that it does not have has none, also one that only a process before has had.
func (k *Keeper) useTurns(stages map[string]*Stage) {
	changed := false
	for label, r := range k.routes {
		rules := ""
		if s := stages[label]; s != nil {
			rules = string(s.rest)
		}
		changed = r.use(rules) || changed
	}
	for label, t := range k.known {
		if k.routes[label] == nil && t.Rules != "" {
			k.known[label], changed = turned{Turns: t.Turns + 1}, true
		}
	}
	if changed {
		k.saveTurns()
	}
}

// begin gives a route the turn that its rules had when the process before ended.
func (r *route) begin(known turned, from int64) {
	r.rules, r.turns = known.Rules, max(known.Turns, from)
	r.setTurn()
}

// use notes which rules are in force, and reports whether they have changed. What was stored under others is not found any more, also
// when they come back: meanwhile nobody has made it invalid.
func (r *route) use(rules string) (changed bool) {
	if r.rules == rules {
		return false
	}
	if r.rules != "" || r.turns > 0 {
		r.turns++
		r.setTurn()
	}
	r.rules = rules
	return true
}

func (r *route) setTurn() {
	if r.turns > 0 {
		suffix := strconv.AppendInt([]byte{' '}, r.turns, 10)
		r.turned.Store(&suffix)
	}
}

// turn is what tells keys of the rules in force from those of the same rules before they had changed.
func (r *route) turn() []byte {
	if t := r.turned.Load(); t != nil {
		return *t
	}
	return nil
}
