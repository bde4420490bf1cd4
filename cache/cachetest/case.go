package cachetest

import "time"

// Level is how much a case weighs.
type Level uint8

// The levels.
const (
	Required Level = iota // a MUST of the section named, or what would hand one client another's answer
	Optimal               // nobody is harmed without it, but a cache is there for it
	Check                 // the section leaves a choice; the row says which is ours
)

var levelNames = [...]string{"required", "optimal", "check"}

// String is the level's name.
func (l Level) String() string { return levelNames[l] }

// Route is the kind of route that a case is played on.
type Route uint8

// The routes. Target says what each must be.
const (
	Standard Route = iota // a plain shared cache (RFC 9111) that does what responses say
	Private               // who asks decides first; see Target
	Tuned                 // private, with times for answers that say nothing
	routes
)

var routeNames = [...]string{"standard", "private", "tuned"}

// String is the route's name.
func (r Route) String() string { return routeNames[r] }

// Case is one row: steps, one after the other, on URLs that no other case has.
type Case struct {
	Name    string // unique: the group, and what is so
	Section string // RFC and section
	Level   Level
	Route   Route
	Steps   []Step
}

// tells reports whether the case is about Cache-Status, which not every cache says.
func (c *Case) tells() bool {
	for i := range c.Steps {
		if c.Steps[i].Tells != "" {
			return true
		}
	}
	return false
}

// many reports whether several clients ask at the same moment.
func (c *Case) many() bool {
	for i := range c.Steps {
		if c.Steps[i].Crowd > 1 {
			return true
		}
	}
	return false
}

// purges reports whether a step purges a group, for which the target must offer a way.
func (c *Case) purges() bool {
	for i := range c.Steps {
		if c.Steps[i].Purge != "" {
			return true
		}
	}
	return false
}

// From is where an answer must come from.
type From uint8

// The sources.
const (
	Anywhere    From = iota // not looked at
	Store                   // the origin was not asked, or only behind the answer (Step.Behind)
	Upstream                // the origin's answer to this very request
	Revalidated             // the store's answer, after the origin answered 304 to a request with a condition
	Nowhere                 // the cache's own words: neither the store nor the origin has a part in them
	Failed                  // what the proxy says when its origin fails: 5xx of its own, or no answer at all
)

// Step is one request of a client, what the origin answers if it is asked meanwhile, and what must come of it. In Send, Wants,
// Asked, Path and in the fields of a Reply, {+60}, {-60} and {0} are HTTP dates relative to the case's start, {850 …} and
// {ansi …} the same in the obsolete forms, {path} is the path of the case and {url} its URL, {id} a word that no other case has.
type Step struct {
	// What the client does.
	Method string
	Path   string // behind the case's own path, with its query
	Other  bool   // asks under another host of the same route
	Send   string // fields, a line each
	Body   string
	Crowd  int           // so many clients at the same moment; 0 is one
	Pause  time.Duration // afterwards
	Purge  string        // instead of a request: this group is purged, by Target.Purge

	Reply Reply

	// What must come of it.
	From   From
	Status int    // 0: that of the answer it comes from
	Text   string // the body; empty: that of the answer it comes from
	Wants  string // fields of the answer: "Name: value", "Name", "!Name", "Name > 30", "Name < 30", "Name ~ part"
	Asked  string // fields of the origin's last request, in the same form, and ":method: GET"
	Tells  string // parts of the cache's member of Cache-Status, separated by blanks; with ! in front: that are not there
	Told   string // interim responses: "103 Link: x", a line each; "none"
	Asks   int    // how often a crowd makes the origin be asked; 0 is not looked at
	Behind bool   // the origin must be asked meanwhile, although the answer does not wait for it
	Nth    int    // the answer must be the origin's n-th of this case, counted from 1
	Again  bool   // repeat until it holds
}

// Reply is what the origin answers while its step is under way. Its body, where Body is empty, is one that no other answer has.
type Reply struct {
	Status   int    // 0 is 200
	Fields   string // a line each. A Date of now is added where none is given, "Date:" leaves it out
	Body     string
	Interim  []string // heads before the final one: "103\nLink: x"
	Trailers string   // fields behind the body, which is then chunked
	Chunked  bool     // without a length
	Validate bool     // a request with If-None-Match or If-Modified-Since gets a 304 with these fields
	Hold     bool     // for heldFor
	HangUp   bool     // closes instead of answering
	Cut      bool     // closes in the middle of the body
	Empty    bool     // no body
}
