// Package admission says whether a request may go to a service at all.
//
// It owns Gate, which bounds the open requests of one service on this node, with a limit that is fixed or found from the
// service's latency, and a queue by class before it; Breaker, which refuses at once while a service fails; and Budget, which
// bounds the tries beyond the first. Each stands alone, belongs to one service, and outlives plans with it.
//
// It promises that no place is lost or given twice, whoever leaves, waits or gives up at the same time; that no
// request goes before a waiter of a better class; and that whatever it keeps is bounded.
//
// It starts no goroutine, dials nothing and sends nothing: it counts, waits and says why not.
package admission
