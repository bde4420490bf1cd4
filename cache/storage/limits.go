package storage

import "time"

// Sizes of objects.
const (
	// keyBytesMax is the longest key, in bytes: its length takes two of them in each object. A longer one is not stored.
	keyBytesMax = 1<<16 - 1
	// metaBytesMax bounds key, signature, groups, head and trailers of an object together, in bytes. More is not stored.
	metaBytesMax = 4 << 20
	// joinBytesMax is the largest body that is copied behind its head, so that both are one piece of memory. Larger ones stay in the
	// pieces that they came in.
	joinBytesMax = 64 << 10
	// pieceSlack says which pieces of a body are copied to give back the room behind them: more of it than 1/8 of what is in them.
	pieceSlack = 8
	// variantsMax is how many variants a key has. Beyond it the oldest is dropped: what varies more is cached badly in any case.
	variantsMax = 16
)

// What an object takes beside its data, in bytes; TestOverhead measures it.
const (
	// objectBytes is the object itself (144), its share of the buckets (8 to 10) and of the ghosts (4 to 8).
	objectBytes = 160
	// restBytes is the description of a body that is not joined to its head.
	restBytes = 112
	// pieceBytes is each of its pieces: a slice and an offset.
	pieceBytes = 32
)

// How the budget is shared.
const (
	// smallShare is the small queue's share of the budget, 1/10: what S3-FIFO's authors found best over thousands of traces.
	smallShare = 10
	// objectShare bounds an object in memory to 1/8 of the budget: one answer must not drive out most of the others. Beyond it
	// Put refuses.
	objectShare = 8
	// belowShare is the same where there is a store below, which is the better place for what is large.
	belowShare = 32
	// reserveShare bounds the fills in progress to 1/2 of the budget. Beyond it Reserve refuses.
	reserveShare = 2
	// evictSteps bounds the objects that are looked at under the policy's lock at a time: some 20 µs. Who needs more room takes
	// the lock again.
	evictSteps = 256
	// evictMax is how many objects are evicted at a time, between two looks at the policy.
	evictMax = 64
	// roundMax is how many objects in a row go round the main queue since they were asked for. The next one is evicted though it
	// was: where everything is asked for, looking for more would not find it.
	roundMax = 64
	// ghostsMin and ghostsMax bound the ghosts, of 4 bytes each. With more objects than that they reach back less far.
	ghostsMin = 1 << 10
	ghostsMax = 1 << 24
)

// The index.
const (
	// shardBits is how many bits of a hash choose the shard: 256 of them, so that even 64 processors seldom wait for each other.
	shardBits = 8
)

// Purges.
const (
	// purgeBytesMax is the longest host and value of a purge together, in bytes: longer than any key that cache makes. Beyond
	// it: an error.
	purgeBytesMax = 16 << 10
	// logMax and logBytesMax bound the purges that Purges and Progress know, by number and by bytes of text. Older ones are
	// forgotten.
	logMax      = 16 << 10
	logBytesMax = 4 << 20
	// marksBits says how many marks there are (2 to its power, 8 bytes each): when something that has this hash was last purged or
	// removed. Puts are held against them, so that no purge is forgotten as long as any fill may last. Two that share a mark refuse
	// an answer for nothing: with 1,000 purges a second and fills of 100 ms, one in 650.
	marksBits = 16
	// urlsBits is the same for what tells, while a purge is not swept, that an object's URL is none of those purged lately: 128 KB.
	// With 2,500 purges of URLs in a sweep, one object in seven gets a second look.
	urlsBits = 14
	// prefixesMax is how many purges that need a look at each key (prefixes, all) Puts are held against one by one. Beyond it fills
	// that began before the older half are refused whatever they are.
	prefixesMax = 256
	// listMax and batchMax bound the purges, of prefixes and of others, that wait for one sweep. Beyond it Purge waits until
	// the next one begins.
	listMax  = 256
	batchMax = 64 << 10
	// sweepLooks bounds the objects that a sweep looks at under a shard's lock: some 20 µs if all of them go, 50 µs if each is
	// in many groups.
	sweepLooks = 64
	// sweepPause is how many times as long as a sweep took the sweeper rests after it, so that a storm of purges costs a quarter of
	// one processor.
	sweepPause = 3
	// sweepRestMax bounds that rest, and with it how long memory that nobody can find any more stays in use.
	sweepRestMax = 5 * time.Second
)

// What a store below must be told that comes late.
const (
	// lateKeysMax and lateBytesMax bound the keys that were stored or removed before it comes: twelve thousand new ones a second while the
	// process before is on its way out. Beyond either all that it has is purged.
	lateKeysMax  = 1 << 17
	lateBytesMax = 32 << 20
	// latePurgesMax is the same for purges, each of which is waited for.
	latePurgesMax = 4 << 10
	// lateStep and handStep are how many keys it is told, and objects it is given, before it may catch up.
	lateStep = 4 << 10
	handStep = 1 << 10
)
