package freshness

import (
	"time"

	"skerry.dev/skerry/exchange"
)

// Longest is the longest span there is.
const Longest = longest

// Date is date.
func Date(b []byte, now time.Time) (int64, bool) { return date(b, now) }

// InitialAge is initialAge.
func InitialAge(a *Arrival) time.Duration { return initialAge(a) }

// Normal is the normal form of the fields of a name, if it is not too long.
func Normal(request exchange.Fields, text []byte) (string, bool) {
	var w writer
	w.normal(request, name{exchange.Intern(text), text})
	return string(w.room[:w.used]), !w.over
}

// Dictionary reports whether a field is a Dictionary, and its keys in order.
func Dictionary(f exchange.Fields, id exchange.NameID) (keys []string, ok bool) {
	p := structured{fields: f, id: id}
	for p.more() {
		key, _ := p.entry()
		keys = append(keys, string(key))
	}
	return keys, p.valid()
}

// List reports whether a field is a List, and how many members it has.
func List(f exchange.Fields, id exchange.NameID) (members int, ok bool) {
	p := structured{fields: f, id: id}
	for p.more() {
		p.member()
	}
	return p.members, p.valid()
}
