package storage

// Below is a store under memory. All methods may be called by many goroutines at once, and only Find and the Spools wait for
// I/O of more than a write to the operating system.
type Below interface {
	// Put takes an object in, soon: o may be kept until it is written. It may be dropped if too much waits. If o.Spool() is not
	// nil, its body lies there, either just appended by whoever filled it or, after a 304, found: then it is the same body with
	// another head. The variant with the same key and signature is replaced.
	Put(o *Object)
	// Find returns all variants of a key, newest first, each of them whole: Body for small ones, Spool for large ones. If there
	// are none it says so without I/O. It never returns what a Remove or a Keep that had returned before has met: an object with
	// a lower Number. What a soft purge met has Soft.
	Find(key []byte) []Draft
	// Remove forgets all variants of a key that have, or will be Put with, a lower number.
	Remove(key []byte, number uint64)
	// Begin makes room for a body; size -1: unknown. nil: there is none.
	Begin(size int64) Spool
	// Keep obeys a purge, also for what is Put later with a lower number, and remembers it over a restart as long as it has an
	// object that the purge may meet.
	Keep(p Purge)
}

// Spool is a body that lies below memory. One goroutine appends; any may read what was appended meanwhile.
type Spool interface {
	// Append adds to the end. p is with the operating system when it returns, and may be used again.
	Append(p []byte) error
	// ReadAt reads what was appended; of a found spool it is checked first. Unlike that of io.ReaderAt, an error means that the body
	// is broken; fewer bytes than asked for without an error, that it ends.
	ReadAt(p []byte, off int64) (int, error)
	// Size is how much was appended.
	Size() int64
	// Close gives the body up, unless it belongs to an object that was Put; of a found one it does nothing. Who reads it may go on.
	Close()
}
