// Package mirror sends copies of requests to a second service, so that one can see how it copes with real ones before
// anybody depends on it. The client gets nothing of the copy: neither its answer, nor its faults, nor its time, but for
// the wait for a request body.
//
// It owns Stage, which copies, and Keeper, which bounds the copies of a process and outlives plans. A copy is a request
// like the original as the stages before made it, Cookie and Authorization included: the second service must be trusted
// like the first. It also says "X-Skerry-Mirror: 1", a field that no client can send. Its answer is read up to a limit
// and thrown away.
//
// It promises that a copy is sent once or not at all, keeps nothing of the original's memory, and has an end: after
// timeMax, or with Keeper.Close. Of exchange.Facts it writes Origin.Mirror.
//
// # What is not copied
//
// Upgrades, requests that wait for 100 Continue, and bodies of unknown size or more than bodyMax. A body that is copied
// is there as a whole before the service is asked; what does not fit the protocol's buffer (16 KB) costs its size in memory.
//
// # Metrics
//
//	skerry_mirrored_total{service,outcome}   requests chosen to be copied: "answered": the copy got a response head;
//	                                         "failed": it got none, or its body broke off; "dropped_busy": too many copies
//	                                         were in flight; "dropped_body": the body is not one that is copied
//
// Why copies fail or panic is told by an event of kind "mirror", once a minute at most.
package mirror
