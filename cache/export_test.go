package cache

import (
	"bytes"

	"skerry.dev/skerry/cache/freshness"
	"skerry.dev/skerry/cache/storage"
	"skerry.dev/skerry/exchange"
)

// The limits that tests go up to.
const (
	WindowBytes       = windowBytes
	PrivateBytes      = privateBytes
	MarkTime          = markTime
	MarksMax          = marksMax
	MissesMax         = missesMax
	InterimMax        = interimMax
	RangeAheadMax     = rangeAheadMax
	KeyBytesMax       = keyBytesMax
	ParametersMax     = parametersMax
	CookiesMax        = cookiesMax
	QueryBodyBytesMax = queryBodyBytesMax
	GoneAfter         = goneAfter
	BehindGrace       = behindGrace
	CloseGrace        = closeGrace
	PurgesPage        = purgesPage
)

// PurgeOf purges what a keeper has.
func PurgeOf(k *Keeper, p storage.Purge) error {
	_, err := k.purge(p)
	return err
}

// OpenFills is how many fills may be joined.
func OpenFills(k *Keeper) int {
	k.fills.mu.Lock()
	defer k.fills.mu.Unlock()
	return len(k.fills.open)
}

// Marks is how many keys are marked.
func Marks(k *Keeper) int {
	k.marks.mu.Lock()
	defer k.marks.mu.Unlock()
	return len(k.marks.until)
}

// Mark marks a key.
func Mark(k *Keeper, key string) { k.marks.add([]byte(key)) }

// Missed counts a miss of an address.
func Missed(k *Keeper, key, why string) { k.misses.note([]byte(key), why) }

// TopMisses are the addresses with most misses.
func TopMisses(k *Keeper, n int) []Miss { return k.misses.top(n) }

// Tasks is how much a keeper does by itself.
func Tasks(k *Keeper) int {
	k.mu.Lock()
	defer k.mu.Unlock()
	return len(k.tasks)
}

// LeakOf is the leak of the stage's route, nil for none.
func LeakOf(s *Stage) *Leak { return s.route.leak.Load() }

// KeyOf is what the stage makes of a request: its key, or why it has none; and why its answer is not stored, empty if it may be.
func KeyOf(s *Stage, x *exchange.Exchange) (key []byte, why, stores string) {
	c := calls.Get().(*call)
	x.Facts.Cache.Held = c
	defer s.Done(x)
	if why = s.read(x, &c.look, c); why != "" {
		s.pass(x, why)
	}
	return bytes.Clone(c.look.key), why, c.look.stores
}

// Reasons are the words for each reason.
var Reasons = reasons

// FreshnessReasons are those of package freshness that an answer of a route can have.
var FreshnessReasons = []string{
	string(freshness.ReasonStatus), string(freshness.ReasonNoStore), string(freshness.ReasonPrivate), string(freshness.ReasonAuthorization),
	string(freshness.ReasonSetCookie), string(freshness.ReasonVary), string(freshness.ReasonGroups), string(freshness.ReasonNoFreshness),
	string(freshness.ReasonStale),
}
