package cache

import (
	"fmt"
	"strings"

	"skerry.dev/skerry/cache/disk"
	"skerry.dev/skerry/cache/storage"
	"skerry.dev/skerry/fault"
)

// This file is what a cache does while its process is replaced. The two share nothing but the directory, which one of them has at a time,
// and either answers unsafe requests that make out of date what the other has stored. So the old one tells the new one of them, and gives nothing from its store any
// more from when the new one begins to serve, and has it validated if that one fails. The new one begins with an empty store, and has the
// directory below it when the old one has let go.

// Lend has another process serve: requests pass, nothing that is stored is given, and nothing more is asked for. Fills in flight go on, and
// may be stored. What unsafe requests to this process make out of date is told, for the other one to Obey. Retire or TakeBack follows.
func (k *Keeper) Lend(tell func(what []byte)) {
	k.tell.Store(&tell)
	if k.late.Dir != "" && k.disk.Load() == nil { // it is lent by a process before this one, and has not heard what was removed here
		k.told(storage.Purge{Kind: storage.PurgeAll})
	}
	k.lent.Store(true)
	k.fills.forget(nil)
	if d := k.disk.Load(); d != nil {
		d.Lend()
	}
}

// TakeBack ends Lend: the other process is gone, and nobody knows what it made out of date. What is stored is stale, and is given to nobody
// before the origin has said that it still holds.
func (k *Keeper) TakeBack() {
	k.tell.Store(nil)
	k.Doubt()
	if d := k.disk.Load(); d != nil {
		if err := d.Own(nil); err != nil {
			k.meters.Events().Add("cache_disk", err.Error())
		}
	}
	k.lent.Store(false)
}

// Doubt has everything that is stored now validated before it is given.
func (k *Keeper) Doubt() {
	if err := k.Obey(TellAll()); err != nil {
		panic("BUG: a purge of everything is refused: " + err.Error())
	}
}

// told tells the process that serves what it must forget.
func (k *Keeper) told(p storage.Purge) {
	if tell := k.tell.Load(); tell != nil {
		soft := ""
		if p.Soft {
			soft = "soft"
		}
		(*tell)([]byte(strings.Join([]string{string(p.Kind), p.Host, p.Value, soft}, told)))
	}
}

const told = "\x00" // between the parts of what is told: it stands in no key

// TellAll is what tells a process that more is out of date than could be told.
func TellAll() []byte {
	return []byte(strings.Join([]string{string(storage.PurgeAll), "", "", "soft"}, told))
}

// Obey forgets what another process has told. An error: that says nothing sensible.
func (k *Keeper) Obey(what []byte) error {
	parts := strings.Split(string(what), told)
	if len(parts) != 4 {
		return fault.New(fault.Internal, fmt.Sprintf("the process before tells of something to forget, in %d parts instead of 4", len(parts)))
	}
	p, err := k.purge(storage.Purge{Kind: storage.PurgeKind(parts[0]), Host: parts[1], Value: parts[2], Soft: parts[3] != ""})
	if err == nil && p.Kind == storage.PurgeAll {
		for old := k.doubted.Load(); old < p.Number && !k.doubted.CompareAndSwap(old, p.Number); old = k.doubted.Load() {
		}
	}
	return err
}

// Retire ends the use of the store for good, after Lend: its memory is given back, and its directory belongs to the next process when Retire
// returns. What is being read or fetched goes on to its end.
func (k *Keeper) Retire() {
	k.mu.Lock()
	k.retired = true
	k.turnsFile = ""
	k.store.SetBudget(0)
	k.mu.Unlock()
	k.closeDisk()
}

// SetBudget changes how many bytes of memory the store may have, and gives back at once what is too much.
func (k *Keeper) SetBudget(bytes int64) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if !k.retired {
		k.store.SetBudget(bytes)
	}
}

// Begin has the keeper do by itself what stages ask for, where Options.Late had it wait.
func (k *Keeper) Begin() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.begun = true
	k.begin()
}

// Attach opens the store below that Options.Late has promised, which the process before has let go, and puts it below what is stored
// meanwhile: nothing older comes back, and nothing that was purged or made out of date. An error: there is none, the cache goes on in
// memory, and the next process begins with an empty one. So it is if stop is closed before that is done: nobody waits for a slow disk.
func (k *Keeper) Attach(stop <-chan struct{}) error {
	o := &k.late
	if o.Dir == "" {
		return nil
	}
	d, err := disk.Open(o.Dir, disk.Options{Bytes: o.DiskBytes, Meters: k.meters, Lent: true, Older: k.store.First()})
	if err != nil {
		return fmt.Errorf("--cache-disk: %w", err)
	}
	k.disk.Store(d)
	k.joinTurns(o.Dir)
	whole, told := k.store.Attach(stop, d, func() { d.CatchUp(stop) })
	if !told {
		return fmt.Errorf("--cache-disk: this process ends before it has told %s what was stored and purged meanwhile", o.Dir)
	}
	if !whole {
		k.meters.Events().Add("cache_disk", o.Dir+" begins empty: more was stored or purged than is kept before the process before has let it go")
	}
	if err := d.Own(stop); err != nil {
		k.meters.Events().Add("cache_disk", err.Error())
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	select {
	case <-k.quit:
	default:
		k.running.Go(func() { k.store.Hand(k.quit, func() { d.CatchUp(k.quit) }) })
	}
	return nil
}

// closeDisk lets the directory go.
func (k *Keeper) closeDisk() {
	if d := k.disk.Load(); d != nil {
		if err := d.Close(); err != nil {
			k.meters.Events().Add("cache_disk", err.Error())
		}
	}
}

// doubts reports whether an object must not be given before the origin has said that it holds, whatever its terms allow: nobody knows whether it
// was out of date when it was softened. Of what an earlier process has softened nobody knows why.
func (k *Keeper) doubts(o *storage.Object) bool { return o.Softened() && o.Number() < k.doubted.Load() }

// afterFailure reports whether an object may be given since the origin failed.
func (k *Keeper) afterFailure(o *storage.Object, l *look) bool {
	return o.Terms().AfterFailure(l.now, &l.asked) && !k.doubts(o)
}
