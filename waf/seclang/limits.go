package seclang

// What may be read. Beyond a limit there is a problem that names it, and no Set.
const (
	fileBytesMax    = 4 << 20  // bytes of one file of rules; the largest of CRS 4 has 150 KB
	setBytesMax     = 64 << 20 // bytes of all files of rules of one Set, each as often as it is included; CRS 4 has 500 KB
	dataBytesMax    = 16 << 20 // bytes of one file of phrases or prefixes; the largest of CRS 4 has 70 KB
	filesMax        = 1024     // files of rules in one Set; a plugin brings three
	includeDepthMax = 16       // files that include each other; a cycle is told apart before
	rulesMax        = 20_000   // rules and links of chains in one Set; CRS 4 has 700, the commercial sets some thousands
	editsMax        = 20_000   // SecRuleRemoveBy… and SecRuleUpdate… in one Set; CRS 4 has 55
	chainMax        = 64       // links of one chain; CRS 4 has 4
	patternBytesMax = 64 << 10 // bytes of one regular expression; the longest of CRS 4 has 12 KB
	phrasesMax      = 1 << 20  // phrases and prefixes in one Set; CRS 4 has 6,000, lists of addresses grow larger
	problemsMax     = 200      // problems that are listed; the rest is the same mistake again, or not a file of rules
)
