package adopt

import (
	"skerry.dev/skerry/spec"
)

// use is an entrypoint whose distribution has a web ACL.
type use struct {
	acl        *resource
	entrypoint string           // its name
	routes     []spec.PathMatch // of its routes, whatever their order
}

// protection is what a web ACL says of one entrypoint.
type protection struct {
	policy []said // fields of the entrypoint itself
	routes []routeProtection
}

// routeProtection is what holds for one route and not for the others. A path that no route has yet needs a route of its own,
// which is like another one in all else.
type routeProtection struct {
	like   int            // in the routes of the use; -1: none takes the path, the route is like the rest
	path   spec.PathMatch // of the new route; the zero value: the route itself is meant
	policy []said
}

// said is a field of a document with its value: a string, an int, a []string, a []said for an object, a [][]said for a list of
// objects. Switches are the words "on" and "off".
type said struct {
	name  string
	value any
}
