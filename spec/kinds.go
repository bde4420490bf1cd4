package spec

import (
	"fmt"
	"slices"
)

// documents is everything that was read, as written.
type documents struct {
	entrypoints  []entrypointDoc
	services     []serviceDoc
	profiles     []profileDoc
	certificates []certificateDoc
	aws          []awsDoc
}

// A kind is a row of the table of kinds: what stands in the spec of a document, and where the document goes.
type kind struct {
	name, doc string
	describe  func(*describer) map[string]any
	read      func(l *log, n *node, m metaDoc, into *documents)
}

var (
	metadataShape    = metadata.shape()
	entrypointShape  = entrypointSpec.shape()
	serviceShape     = serviceSpec.shape()
	profileShape     = profileSpec.shape()
	certificateShape = certificateSpec.shape()
	awsShape         = awsSpec.shape()
)

var kinds = []kind{
	{"Entrypoint", entrypointSpec.doc, entrypointShape.describe, func(l *log, n *node, m metaDoc, into *documents) {
		if d, ok := entrypointShape.read(l, n); ok {
			d.meta, d.at = m, m.name.At
			into.entrypoints = append(into.entrypoints, d)
		}
	}},
	{"Service", serviceSpec.doc, serviceShape.describe, func(l *log, n *node, m metaDoc, into *documents) {
		if d, ok := serviceShape.read(l, n); ok {
			d.meta, d.at = m, m.name.At
			into.services = append(into.services, d)
		}
	}},
	{"Profile", profileSpec.doc, profileShape.describe, func(l *log, n *node, m metaDoc, into *documents) {
		if d, ok := profileShape.read(l, n); ok {
			d.meta, d.at = m, m.name.At
			into.profiles = append(into.profiles, d)
		}
	}},
	{"Certificate", certificateSpec.doc, certificateShape.describe, func(l *log, n *node, m metaDoc, into *documents) {
		if d, ok := certificateShape.read(l, n); ok {
			d.meta, d.at = m, m.name.At
			into.certificates = append(into.certificates, d)
		}
	}},
	{"AWS", awsSpec.doc, awsShape.describe, func(l *log, n *node, m metaDoc, into *documents) {
		if d, ok := awsShape.read(l, n); ok {
			if d.meta, d.at = m, m.name.At; d.at.Line == 0 {
				d.at = n.at
			}
			into.aws = append(into.aws, d)
		}
	}},
}

// envelope is what every document has, in the order in which it is formatted.
var envelope = []struct{ name, doc string }{
	{"apiVersion", "Always " + APIVersion + "."},
	{"kind", "What the document describes."},
	{"metadata", "What the document is and whose."},
	{"spec", "What the document says; its fields depend on the kind."},
}

func envelopeNames() []string {
	names := make([]string, len(envelope))
	for i, e := range envelope {
		names[i] = e.name
	}
	return names
}

func kindNames() []string {
	names := make([]string, len(kinds))
	for i, k := range kinds {
		names[i] = k.name
	}
	return names
}

// kindOf returns the row of a kind, or nil.
func kindOf(name string) *kind {
	for i := range kinds {
		if kinds[i].name == name {
			return &kinds[i]
		}
	}
	return nil
}

// document reads one document. Without a known kind its spec is not looked at: every field would be a problem.
func (into *documents) document(l *log, n *node) {
	if !mapping(l, n, "a document") {
		return
	}
	names := envelopeNames()
	there := map[string]bool{}
	for _, e := range n.entries {
		there[e.key.text] = true
		if known := slices.Contains(names, e.key.text); !known {
			l.refuse(e.key.at, instead(e.key.text, "field", names), "unknown field %q in a document", clip(e.key.text))
			there[nearest(e.key.text, names)] = true
		} else if e.value.kind == nullNode {
			l.refuse(e.key.at, "give it one, or remove the line", "%q has no value", e.key.text)
		}
	}
	for _, e := range envelope {
		if !there[e.name] {
			l.refuse(n.at, "add it: "+e.doc, "a document needs %q", e.name)
		}
	}
	k := checkKind(l, n)
	if k == nil {
		return
	}
	var m metaDoc
	if v := n.get("metadata"); v != nil && v.kind != nullNode {
		m, _ = metadataShape.read(l, v)
	}
	if v := n.get("spec"); v != nil && v.kind != nullNode {
		k.read(l, v, m, into)
	}
}

// checkKind returns the row of the document's kind, nil if it must not be read further.
func checkKind(l *log, n *node) *kind {
	version, name := n.get("apiVersion"), n.get("kind")
	if version != nil && version.kind != nullNode && (version.kind != textNode || version.text != APIVersion) {
		l.refuse(version.at, "write "+APIVersion, "unknown apiVersion: this is %s", version.what())
	}
	if name == nil || name.kind == nullNode {
		return nil
	}
	k := kindOf(name.text)
	if name.kind != textNode || k == nil {
		l.refuse(name.at, instead(name.text, "kind", kindNames()), "unknown kind: this is %s", name.what())
		return nil
	}
	return k
}

func (m metaDoc) model() Meta {
	out := Meta{Name: m.name.V, Owner: m.owner.V}
	for _, p := range values(m.labels.V) {
		if out.Labels == nil {
			out.Labels = map[string]string{}
		}
		out.Labels[p.Name] = p.Value
	}
	return out
}

func metaDocOf(m Meta) metaDoc {
	d := metaDoc{name: said(m.Name), owner: saidText(m.Owner)}
	if len(m.Labels) > 0 {
		d.labels = said(pairs(m.Labels))
	}
	return d
}

// pairs are the entries of a map; writing sorts them.
func pairs(m map[string]string) []val[Pair] {
	var out []val[Pair]
	for name, value := range m {
		out = append(out, said(Pair{name, value}))
	}
	return out
}

// twice is the fix for a name that two documents of a kind have.
func twice(kind, name string, first Pos) string {
	return fmt.Sprintf("rename one of them; the other %s %q is at %s", kind, name, first)
}
