package cache

import (
	"encoding/json"
	"errors"
	"io/fs"
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
	Turns int    `json:"turns"`
}

// loadTurns reads the file. What cannot be read means that nothing is known: then no key of before is found any more.
func (k *Keeper) loadTurns(dir string) {
	k.turnsFile = filepath.Join(dir, turnsName)
	b, err := os.ReadFile(k.turnsFile)
	known := map[string]turned{}
	if err == nil {
		err = json.Unmarshal(b, &known)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		k.meters.Events().Add("cache_rules", k.turnsFile+" cannot be read, so nothing that was stored before is used: "+err.Error())
		k.turnsFrom = int(time.Now().Unix())
	}
	k.known = known
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

// begin gives a route the turn that its rules had when the process before ended.
func (r *route) begin(known turned, from int) {
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
		suffix := strconv.AppendInt([]byte{' '}, int64(r.turns), 10)
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
