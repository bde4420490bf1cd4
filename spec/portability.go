package spec

import (
	_ "embed"
	"fmt"
	"iter"
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync"

	"skerry.dev/skerry/fault"
)

// Fit is how well a platform does what a field says.
type Fit uint8

// The fits.
const (
	FitExact       Fit = iota // the same behaviour
	FitApproximate            // a behaviour that differs
	FitNone                   // nothing there does it
)

// String is the word that portability.yaml has.
func (f Fit) String() string { return [...]string{"exact", "approximate", "none"}[f] }

// Difference is what a field becomes on CloudFront with AWS WAF.
type Difference struct {
	Fit    Fit
	ID     string // of the difference, one for many fields; what Portability.Allow names. Empty: exact
	Reason string // how it differs, or why there is nothing; one or two sentences. Empty: exact
}

// Differences goes over every field of a spec, by its name: "waf.paranoia" is a field of the object waf, "Policy.limit" one that
// Entrypoint, route and Profile share. FieldOf has the names of values in force.
func Differences() iter.Seq2[string, Difference] {
	return func(yield func(string, Difference) bool) {
		all := differences().fields
		for _, name := range slices.Sorted(maps.Keys(all)) {
			if !yield(name, all[name]) {
				return
			}
		}
	}
}

// DifferenceOf is the difference of a field; false: there is no such field.
func DifferenceOf(field string) (Difference, bool) {
	d, ok := differences().fields[field]
	return d, ok
}

// DifferenceReason says how what an id stands for differs; empty: no field has the id.
func DifferenceReason(id string) string { return differences().reasons[id] }

// FieldOf is the field of the value at the path of a Source, in a document of a kind: in an Entrypoint "spec.cache.key.query" is
// "cache key.query", and "spec.headers.request.set.X-A" is "edits.set". A route has the paths of its Entrypoint. Empty: nothing
// of the path is a field.
func FieldOf(kind, path string) (field string) {
	d := described()
	object := kind
	path, _ = strings.CutPrefix(path, "spec.")
	for name := range strings.SplitSeq(path, ".") {
		def, _ := d.defs[object].(map[string]any)
		props, _ := def["properties"].(map[string]any)
		inside, ok := props[name].(map[string]any)
		if !ok {
			return field // the name of an entry, or a part of it
		}
		field = d.owners[object+"."+name]
		object = objectIn(inside)
	}
	return field
}

//go:embed portability.yaml
var portabilityFile []byte

// differenceTable is portability.yaml. It is made once and never changed.
type differenceTable struct {
	fields  map[string]Difference
	reasons map[string]string
}

var differences = sync.OnceValue(func() *differenceTable {
	t := &differenceTable{fields: map[string]Difference{}, reasons: map[string]string{}}
	l := &log{}
	docs := parseFile(File{"portability.yaml", portabilityFile}, l)
	if len(l.problems) > 0 || len(docs) != 1 || docs[0].get("reasons") == nil || docs[0].get("fields") == nil {
		panic("BUG: spec: portability.yaml: " + fault.Problems(l.problems).Error())
	}
	for _, e := range docs[0].get("reasons").entries {
		t.reasons[e.key.text] = e.value.text
	}
	for _, e := range docs[0].get("fields").entries {
		t.fields[e.key.text] = t.difference(e.key.text, e.value.get("aws"))
	}
	return t
})

// difference reads "exact", "approximate: ID" or "none: ID".
func (t *differenceTable) difference(field string, says *node) Difference {
	if says != nil {
		word, id, _ := strings.Cut(says.text, ": ")
		for _, fit := range []Fit{FitExact, FitApproximate, FitNone} {
			if word == fit.String() && (fit == FitExact) == (id == "") && (id == "" || t.reasons[id] != "") {
				return Difference{fit, id, t.reasons[id]}
			}
		}
	}
	panic("BUG: spec: portability.yaml: " + field + " is none of exact, approximate: ID, none: ID with the reason of that ID")
}

type portabilityDoc struct{ allow val[[]val[string]] }

var portability = object[portabilityDoc]{
	name: "portability", doc: "What of a difference between platforms is accepted; the edge itself has none.",
	fields: []field[*portabilityDoc]{
		row("allow", func(d *portabilityDoc) *val[[]val[string]] { return &d.allow }, differenceIDs,
			"Ids of differences that are accepted, as `skerry aws lint` prints them.").needed(),
	},
}

var portabilityShape = portability.shape()

// differenceIDs is a set of ids, each with a source of its own: one that means nothing is shown at its place. Whether there is
// such an id is for the compiler to say, which has more of them than portability.yaml.
var differenceIDs = listOf(words(differenceID, map[string]any{"pattern": differenceIDPattern, "maxLength": nameBytesMax}), allowedMax).
	filled(func(ids *[]val[string], path string, f *filler) {
		for _, id := range *ids {
			f.note(path, id.V, id.At)
		}
	})

const differenceIDPattern = "^[a-z][a-z0-9]*(-[a-z0-9]+)*$"

var isDifferenceID = regexp.MustCompile(differenceIDPattern).MatchString

func differenceID(s string) (bad, fix string) {
	if len(s) > nameBytesMax || !isDifferenceID(s) {
		return fmt.Sprintf("%q is not the id of a difference", clip(s)), "it has a-z, 0-9 and, between them, -: origin-dns"
	}
	return "", ""
}

// setOf is a list as a set: sorted, each value once.
func setOf(vs []val[string]) []string {
	all := values(vs)
	slices.Sort(all)
	return slices.Compact(all)
}

// setDocOf is a set as a document says it; an empty one not at all.
func setDocOf(set []string) (d val[[]val[string]]) {
	for _, s := range set {
		d.Set = true
		d.V = append(d.V, said(s))
	}
	return d
}

// model is what an entrypoint accepts, and the source of each id.
func (d portabilityDoc) model() (Portability, []Source) {
	var f filler
	portabilityShape.fill(&d, "spec.portability", &f)
	return Portability{Allow: setOf(d.allow.V)}, f.sources
}

func portabilityDocOf(p Portability) val[portabilityDoc] {
	if len(p.Allow) == 0 {
		return val[portabilityDoc]{}
	}
	return said(portabilityDoc{setDocOf(p.Allow)})
}
