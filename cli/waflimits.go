package cli

const (
	// targetsInRow is how many targets of a rule stand in one row of a table. Beyond it they are counted; JSON has all.
	targetsInRow = 4
	// requestFileMax is the largest file of a request, in bytes: as the largest body that any firewall holds. Beyond it: a problem.
	requestFileMax = 17 << 20
	// valueShownMax is how much of a value is shown, in bytes. Beyond it: its beginning, and how long it is.
	valueShownMax = 120
	// ownRuleID is the first id of rules that are proposed: below 100,000 ids are for a site's own rules.
	ownRuleID = 10001
	// ownRulesEnd is where ids of a site's own rules end.
	ownRulesEnd = 100_000
	// logLineMax is the longest line of a log, in bytes; events have about 10 KB at most. Beyond it the line is skipped.
	logLineMax = 1 << 20
	// eventsMax is how many events with matches are looked at together. Each takes some hundred bytes. Beyond it the rest is not
	// read, and that is said.
	eventsMax = 500_000
	// pathsMerged is how many different paths below one directory are taken for values of one parameter: /items/1 and /items/2
	// become /items/*.
	pathsMerged = 4
	// placesMerged is at how many paths a cookie or a field must match for the exclusion to be for every path: it is sent everywhere.
	placesMerged = 4
	// clientsLeast is how many clients a false positive has at least, unless --clients says otherwise: one client may be an attacker.
	clientsLeast = 2
)
