package rewrite

import (
	"fmt"
	"maps"
	"slices"

	"skerry.dev/skerry/exchange"
	"skerry.dev/skerry/fault"
	"skerry.dev/skerry/spec"
)

// edits are compiled spec.Edits: removal first, then each field set, then those that are missing.
type edits struct {
	removes  bool
	remove   [4]uint64 // a bit for each exchange.NameID
	unknown  []field   // to remove, without a number
	set      []field
	defaults []field
}

// field is a header field with its name looked up.
type field struct {
	id          exchange.NameID
	name, value []byte
}

func newEdits(where string, e *spec.Edits) (out edits, problems []fault.Problem) {
	if e == nil {
		return out, nil
	}
	check := func(name, value string) {
		if text, fix := badField(name, value); text != "" {
			problems = append(problems, fault.Problem{Text: where + ": " + text, Fix: fix})
		}
	}
	for _, name := range e.Remove {
		check(name, "")
		f := newField(name, "")
		if out.removes = true; f.id == exchange.NameOther {
			out.unknown = append(out.unknown, f)
		} else {
			out.remove[f.id/64] |= 1 << (f.id % 64)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(e.Set)) { // sorted: the same spec always sends the same bytes
		check(name, e.Set[name])
		out.set = append(out.set, newField(name, e.Set[name]))
	}
	for _, name := range slices.Sorted(maps.Keys(e.Default)) {
		check(name, e.Default[name])
		out.defaults = append(out.defaults, newField(name, e.Default[name]))
	}
	return out, problems
}

func newField(name, value string) field {
	f := field{exchange.Intern([]byte(name)), []byte(name), []byte(value)}
	if f.id != exchange.NameOther {
		f.name = f.id.Bytes()
	}
	return f
}

// badField says why a field cannot be edited.
func badField(name, value string) (text, fix string) {
	if name == "" {
		return "a field has no name", ""
	}
	for _, c := range []byte(name) {
		if !tokenByte[c] {
			return fmt.Sprintf("%q is not a field name: it has the byte %q", name, c), "use letters, digits and '-'"
		}
	}
	for _, c := range []byte(value) {
		if c < ' ' && c != '\t' || c == 0x7f {
			return fmt.Sprintf("the value of %s has the control character %q", name, c), "write it in one line"
		}
	}
	switch id := exchange.Intern([]byte(name)); {
	case id == exchange.NameHost:
		return "Host cannot be edited", "set `host` of the service"
	case id.HopByHop():
		return fmt.Sprintf("%s cannot be edited: the edge frames each message anew", id), "leave it out"
	}
	return "", ""
}

// tokenBytes are the bytes of a field name (RFC 9110 section 5.6.2).
const tokenBytes = "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

var tokenByte = func() (t [256]bool) {
	for _, c := range []byte(tokenBytes) {
		t[c] = true
	}
	return
}()

func (e *edits) apply(f *exchange.Fields) {
	if e.removes {
		e.removeFrom(f)
	}
	for i := range e.set {
		f.SetNamed(e.set[i].id, e.set[i].name, e.set[i].value)
	}
	for i := range e.defaults {
		if d := &e.defaults[i]; !has(*f, d) {
			*f = append(*f, exchange.Field{ID: d.id, Name: d.name, Value: d.value})
		}
	}
}

// removeFrom looks at each field once, however many are to be removed.
func (e *edits) removeFrom(fields *exchange.Fields) {
	list := *fields
	kept := 0
	for i := range list {
		if e.removed(&list[i]) {
			continue
		}
		if kept != i {
			list[kept] = list[i]
		}
		kept++
	}
	*fields = list[:kept]
}

func (e *edits) removed(f *exchange.Field) bool {
	if f.ID != exchange.NameOther {
		return e.remove[f.ID/64]&(1<<(f.ID%64)) != 0
	}
	for i := range e.unknown {
		if exchange.EqualFold(f.Name, e.unknown[i].name) {
			return true
		}
	}
	return false
}

// has reports whether there is a field of this name, be it empty.
func has(list exchange.Fields, f *field) bool {
	for i := range list {
		if list[i].ID == f.id && (f.id != exchange.NameOther || exchange.EqualFold(list[i].Name, f.name)) {
			return true
		}
	}
	return false
}
