// Package exchange is one request and its response in flight, and the path they take.
//
// It owns Exchange, its Request, Response, Fields and Body; Stage, Responder and Finisher, the three hooks of a step;
// Path, which runs the steps in order and fences their panics; the one normal form of host and path (normal.go); and
// the interned header names (names.txt, from which names_gen.go is generated).
//
// It promises that Done runs exactly once for every stage that ran, whatever happens, and that running a path does not
// allocate. It knows neither plans nor protocols nor sockets, so a stage is tested without any.
package exchange
