package crs

import (
	"maps"
	"slices"
)

// families are what the rules of a file are about, by the thousand of their ids.
var families = map[int]string{
	900: "setup",
	901: "setup",
	905: "exception",
	911: "method",
	912: "dos",
	913: "scanner",
	920: "protocol",
	921: "protocol",
	922: "multipart",
	930: "lfi",
	931: "rfi",
	932: "rce",
	933: "php",
	934: "generic",
	941: "xss",
	942: "sqli",
	943: "session-fixation",
	944: "java",
	949: "score",
	950: "response-leak",
	951: "response-sql",
	952: "response-java",
	953: "response-php",
	954: "response-iis",
	955: "response-web-shell",
	956: "response-ruby",
	959: "response-score",
	980: "correlation",
	999: "exception",
}

// Family is what the rule of that id looks for, as one word for metrics and people: "sqli", "xss", "rce", "response-sql". Rules of CRS's
// plugins (9,500,000 to 9,999,999) are "plugin", all others "custom".
func Family(id int) string {
	switch f, ok := families[id/1000]; {
	case ok:
		return f
	case id >= 9_500_000 && id < 10_000_000:
		return "plugin"
	}
	return "custom"
}

// Families are all words that Family says.
func Families() []string {
	seen := map[string]bool{"plugin": true, "custom": true}
	for _, f := range families {
		seen[f] = true
	}
	return slices.Sorted(maps.Keys(seen))
}
