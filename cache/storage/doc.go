// Package storage keeps answers in memory, up to a budget of bytes, and obeys purges.
//
// It owns Store and Object. An object is immutable and compact: one piece of memory for key, signature, groups, head and a
// small body. Which objects stay is decided by S3-FIFO: what is asked for once passes through a tenth of the budget and is
// gone, what is asked for again stays, and a hit writes nothing that other processors read. Below memory there may be another
// store (Below), which gets what memory gets, and is asked for what memory lacks. It may come late, when memory is in use: it is told
// first what it must not find any more.
//
// It promises that no key answers for another one; that the memory of all objects, with what it costs to keep them, stays in
// the budget; that from the return of Purge and Remove on nobody finds what they met, however long the memory takes to be
// swept; and that an answer that was asked for before a purge is not stored after it. It knows keys only as far as purges need
// it (see Store.Find), and nothing of HTTP's rules: when an object may be served is freshness's, and cache's to ask.
package storage
