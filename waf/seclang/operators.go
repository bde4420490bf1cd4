package seclang

import "strings"

// form is what an operator takes as its argument.
type form uint8

const (
	formNone    form = iota // nothing
	formText                // a string with macros
	formNumber              // a whole number, or macros that give one
	formPattern             // a regular expression
	formPhrases             // words
	formPhraseFiles
	formPrefixes // addresses and prefixes
	formPrefixFiles
	formBytes // numbers and ranges of bytes
)

// operators are the names of SecLang, by number, and what they take.
var operators = [opCount]struct {
	name string
	form form
}{
	OpBeginsWith:           {"beginsWith", formText},
	OpContains:             {"contains", formText},
	OpContainsWord:         {"containsWord", formText},
	OpDetectSQLi:           {"detectSQLi", formNone},
	OpDetectXSS:            {"detectXSS", formNone},
	OpEndsWith:             {"endsWith", formText},
	OpEq:                   {"eq", formNumber},
	OpGe:                   {"ge", formNumber},
	OpGt:                   {"gt", formNumber},
	OpIPMatch:              {"ipMatch", formPrefixes},
	OpIPMatchFromFile:      {"ipMatchFromFile", formPrefixFiles},
	OpLe:                   {"le", formNumber},
	OpLt:                   {"lt", formNumber},
	OpNoMatch:              {"noMatch", formNone},
	OpPm:                   {"pm", formPhrases},
	OpPmFromFile:           {"pmFromFile", formPhraseFiles},
	OpRx:                   {"rx", formPattern},
	OpStrEq:                {"streq", formText},
	OpStrMatch:             {"strmatch", formText},
	OpUnconditionalMatch:   {"unconditionalMatch", formNone},
	OpValidateByteRange:    {"validateByteRange", formBytes},
	OpValidateURLEncoding:  {"validateUrlEncoding", formNone},
	OpValidateUTF8Encoding: {"validateUtf8Encoding", formNone},
	OpWithin:               {"within", formText},
}

// operatorNumbers finds an operator by its name in lower case, or one of its other names.
var operatorNumbers = func() map[string]Op {
	m := map[string]Op{"pmf": OpPmFromFile, "ipmatchf": OpIPMatchFromFile}
	for o := OpNone + 1; o < opCount; o++ {
		m[strings.ToLower(operators[o].name)] = o
	}
	return m
}()

// operatorsRefused are operators that ModSecurity or Coraza know and Skerry does not offer, with the reason.
var operatorsRefused = map[string]string{
	"fuzzyhash":          "uploads are not written to files",
	"geolookup":          "there is no geography in the firewall",
	"gsblookup":          waits,
	"inspectfile":        "it runs a program for each request",
	"ipmatchfromdataset": "use @ipMatchFromFile",
	"pmfromdataset":      "use @pmFromFile",
	"rbl":                waits,
	"restpath":           "match the path with @rx",
	"rsub":               "it changes bodies",
	"validatedtd":        "XML is read without schemas",
	"validatehash":       "pages are not signed",
	"validatenid":        personal,
	"validateschema":     "XML is read without schemas",
	"verifycc":           personal,
	"verifycpf":          personal,
	"verifyssn":          personal,
	"verifysvnr":         personal,
}

const (
	waits    = "it asks another server while the request waits"
	personal = "finding personal numbers in traffic is not what a firewall's block is for"
)

// String is the name as SecLang spells it, without "@"; of OpNone it is empty.
func (o Op) String() string {
	if o >= opCount {
		return ""
	}
	return operators[o].name
}

// operatorNames are all of them, as SecLang spells them.
func operatorNames() []string {
	var names []string
	for o := OpNone + 1; o < opCount; o++ {
		names = append(names, o.String())
	}
	return names
}
