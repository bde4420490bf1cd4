package wafhttp

import (
	"strings"
	"unicode/utf8"

	"skerry.dev/skerry/waf/engine"
	"skerry.dev/skerry/waf/seclang"
)

// Result is what the firewall made of one request.
type Result struct {
	ID      string  // the request's id: what a refused client is told
	Verdict Verdict // what became of it
	Status  int     // of the answer, also of one that Detect or Pass kept back; 0: there was no reason for one
	Reason  string  // "rules", or what could not be inspected or was beyond a limit, with the option that governs it; empty without Status
	Rule    int     // the rule that decided; 0: none did
	Score   int     // the anomaly score when it was judged
	Body    Body
	Matches []Match // of rules that log, in the order in which they matched, 100 at most
}

// Verdict is what became of a request.
type Verdict uint8

// The verdicts.
const (
	Passed   Verdict = iota // nothing would have refused it
	Detected                // it went on because of Detect, or of Pass
	Refused
)

// String is the verdict as a log says it: "passed", "detected", "refused".
func (v Verdict) String() string { return [...]string{"passed", "detected", "refused"}[v] }

// Body is how much of a request's body was inspected.
type Body uint8

// The values of Body.
const (
	BodyNone        Body = iota // there was none, or the request was refused before
	BodyWhole                   // all of it
	BodyPart                    // its beginning: it is beyond a limit, and OnLimit or Mode lets it pass
	BodyUninspected             // nothing of it: its type has no processor, or Mode or OnLimit let it pass
)

// String is the value as a log says it: "none", "whole", "part", "uninspected".
func (b Body) String() string { return [...]string{"none", "whole", "part", "uninspected"}[b] }

// Match is that a rule matched one value.
type Match struct {
	Rule    int
	Var     string // the variable and its key, "ARGS:q"; the key as sent, cut to 100 bytes
	Message string // of the rule; its macros expanded only with Options.ShowValues
	Value   string // as the rule saw it, cut to 200 bytes; only with Options.ShowValues
	Bytes   int    // its length
}

// Refusal is what an answer to a refused request is made of.
type Refusal struct {
	Status   int
	ID       string // the request's id: all that the client is told
	Location string // of a redirect that a rule of one's own asks for; empty: none
}

// matches copies what the transaction found, for it ends before the request does.
func matches(t *engine.Transaction, show bool) (out []Match) {
	message := ""
	t.Matches(func(m engine.Match) bool {
		if !m.Logged || m.Var == seclang.VarTX {
			return true // rules that add up the score say nothing about the request
		}
		found := Match{Rule: m.Rule, Var: shorten(m.Name(), nameBytesMax), Bytes: len(m.Value)}
		switch {
		case show:
			found.Value = shorten(string(m.Value), valueBytesMax)
			if len(m.Msg) > 0 {
				message = shorten(string(m.Msg), valueBytesMax)
			}
		case m.Link == 0:
			message = plain(m.Source.Msg)
		}
		found.Message = message // the first of a rule's matches has it
		out = append(out, found)
		return len(out) < matchesMax
	})
	return out
}

// plain is a message without its macros, which may hold what a client sent.
func plain(t seclang.Text) string {
	var b strings.Builder
	for _, p := range t {
		if p.Var == seclang.VarNone {
			b.WriteString(p.Literal)
		} else {
			b.WriteString("…")
		}
	}
	return b.String()
}

// shorten cuts a text, not within a character.
func shorten(s string, most int) string {
	if len(s) <= most {
		return strings.Clone(s)
	}
	n := most
	for n > most-utf8.UTFMax && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n] + "…"
}
