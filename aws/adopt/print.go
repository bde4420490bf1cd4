package adopt

import (
	"encoding/json"
	"fmt"
	"strings"
)

// String is the row in one line: place, verdict, pointer, value, what it became, and why.
func (r Row) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s %s", r.At, r.Verdict, r.place())
	if r.Value != "" {
		b.WriteString(" " + r.Value)
	}
	if r.Became != "" {
		b.WriteString(" -> " + r.Became)
	}
	if r.Rule != nil {
		fmt.Fprintf(&b, " [%s]", r.Rule.ID)
	}
	if r.Text != "" {
		b.WriteString(": " + r.Text)
	}
	if r.Allowed {
		b.WriteString("; allowed")
	}
	return b.String()
}

// place is the pointer; a file that is one value has an empty one.
func (r Row) place() string {
	place := oneLine(r.Pointer)
	if place == "" {
		place = "/"
	}
	if r.Below {
		place += "/…"
	}
	return place
}

// MarshalJSON writes a row for other programs.
func (r Row) MarshalJSON() ([]byte, error) {
	out := struct {
		Verdict  string `json:"verdict"`
		At       string `json:"at"`
		Pointer  string `json:"pointer"`
		Below    bool   `json:"below,omitempty"`
		Resource string `json:"resource,omitempty"`
		Value    string `json:"value,omitempty"`
		Became   string `json:"became,omitempty"`
		Rule     string `json:"rule,omitempty"`
		Text     string `json:"text,omitempty"`
		Allowed  bool   `json:"allowed,omitempty"`
	}{
		Verdict: r.Verdict.String(), At: r.At.String(), Pointer: r.Pointer, Below: r.Below, Resource: r.Resource, Value: r.Value,
		Became: r.Became, Text: r.Text, Allowed: r.Allowed,
	}
	if r.Rule != nil {
		out.Rule = r.Rule.ID
	}
	return json.Marshal(out)
}

// Counts are how many rows have each verdict, in the order of the verdicts.
func Counts(rows []Row) [3]int {
	var n [3]int
	for i := range rows {
		n[rows[i].Verdict]++
	}
	return n
}
