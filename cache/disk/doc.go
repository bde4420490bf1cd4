// Package disk is the store below memory: it keeps answers in files of one directory, within a budget of bytes, and has them still after
// a restart.
//
// A log of segments takes every object in order, with the removals and purges that met older ones; a body that is too large for it has
// a file of its own. One goroutine writes the log, fed by a bounded queue; nothing is synced while traffic runs. The index in memory
// knows hashes only: what is served is read, its checksum and key compared, and then held against the purges. Full means that the
// oldest segment goes; what was asked for in it is written once more.
//
// It promises that what it returns is, byte for byte, one object that was put, and that no removal or purge met it since: also after the
// process was killed, for those that are with the operating system (Keep waits for that, Remove does not), after the machine
// stopped, and with files that were damaged. It serves nobody rather than the wrong thing, and waits for the disk only to read.
//
// # The log
//
// Each record has a header with a checksum of its own, so that one pass over the headers finds everything. At start the segments are read
// newest first, and each segment's removals are in force before its objects are: whatever could have met an object stands behind it in
// the log, so it is known when the object is. That needs a log without holes. Each segment says how long the one before it was; if one
// is missing, shorter than that, or has a header that does not fit, then that segment and all older ones are removed, since a
// removal may have been lost. Only the last segment of a process that was killed may end in the middle of a record: what was not
// written entirely was not promised. Nothing looks for records behind a broken one: a body that somebody sent could look like them.
//
// A removal need not be remembered longer than what it removed. Both lie in one order and leave in this order: when the segment of a
// purge goes, all that it can have met is gone. For that, what waits in the queue is held against the purges when it is written, and
// whatever else leaves the index, because it could not be read, or there are too many of its URL, is removed in the log too.
//
// A machine that stops loses the last writes. So the files are believed after a restart only if they were closed, which syncs them, or
// the machine has been running since (its boot id is the same); where the system has no boot id, only if they were closed. While
// the disk cannot be written, removals cannot be recorded, and a process that begins then begins with nothing.
//
// While a process is replaced, the new one removes what it cannot write here yet. The directory is lent then (Lend): until the new one has
// opened it as that and told it all (Own), a process that begins otherwise begins with nothing. What earlier processes left is older than
// what the new one removed, by a number that it names (Options.Older): their clocks need not agree.
package disk
