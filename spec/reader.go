package spec

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"slices"

	"skerry.dev/skerry/fault"
)

// Reader parses one revision of the same files after the other, and resolves again only what has changed: an entrypoint that says the
// same, at the same place, under the same profiles and to the same services, is the very same Entrypoint as in the last spec. What it
// returns is otherwise what Parse returns for the same files. The zero Reader has read nothing yet. It is not for several goroutines at
// once, and nobody may change a spec that it returned.
type Reader struct {
	files   map[string]*readFile
	common  []*readFile // those with documents that entrypoints hang on
	base    *resolver   // when these were resolved
	entries map[*entrypointDoc]*keptEntry
	inline  map[string]*Service
}

// readFile is what was read from a file.
type readFile struct {
	data   []byte
	beside []File // that its text may name
	docs   documents
}

// keptEntry is an entrypoint as it was resolved, with the services that it asked for.
type keptEntry struct {
	entry *Entrypoint
	asked []askedService
}

type askedService struct {
	ref val[target]
	got *Service
}

// Parse reads and resolves the documents of files, as the function does.
func (k *Reader) Parse(files []File) (*Spec, []fault.Problem) {
	l := &log{beside: besides(files)}
	was, list := k.files, []*readFile(nil)
	k.files = map[string]*readFile{}
	for _, f := range files {
		if !isBeside(f.Name) {
			before := l.count()
			r := was[f.Name].again(f, l)
			if list = append(list, r); l.count() == before {
				k.files[f.Name] = r
			}
		}
	}
	s := k.resolve(list, l)
	if len(l.problems) > 0 {
		k.common, k.base, k.entries, k.inline = nil, nil, nil, nil
		return nil, l.sorted()
	}
	s.write()
	sum := sha256.Sum256(Canonical(s))
	s.Hash = "sha256:" + hex.EncodeToString(sum[:])
	return s, nil
}

// again reads a file, unless it is the one that was read.
func (r *readFile) again(f File, l *log) *readFile {
	var beside []File
	for _, name := range mentioned(f.Data) {
		beside = append(beside, l.beside[besidePath(f.Name, name)])
	}
	if r != nil && bytes.Equal(r.data, f.Data) && slices.EqualFunc(r.beside, beside, func(a, b File) bool {
		return a.Name == b.Name && bytes.Equal(a.Data, b.Data)
	}) {
		return r
	}
	now := &readFile{data: f.Data, beside: beside}
	for _, n := range parseFile(f, l) {
		now.docs.document(l, n)
	}
	return now
}

// resolve resolves the documents of files.
func (k *Reader) resolve(files []*readFile, l *log) *Spec {
	var common []*readFile
	var docs documents
	for _, f := range files {
		if d := &f.docs; len(d.services)+len(d.profiles)+len(d.certificates)+len(d.aws) > 0 {
			common = append(common, f)
			docs.services, docs.profiles = append(docs.services, d.services...), append(docs.profiles, d.profiles...)
			docs.certificates, docs.aws = append(docs.certificates, d.certificates...), append(docs.aws, d.aws...)
		}
	}
	if k.base == nil || !slices.Equal(common, k.common) {
		k.common, k.base, k.entries = common, newResolver(l), nil
		k.base.common(&docs)
	}
	r := k.base.over(l)
	r.inline = k.inline
	entries := map[*entrypointDoc]*keptEntry{}
	seen := map[string]Pos{}
	for _, f := range files {
		for i := range f.docs.entrypoints {
			if d := &f.docs.entrypoints[i]; r.unique("Entrypoint", d.meta.name, seen) {
				entries[d] = r.keep(d, k.entries[d])
			}
		}
	}
	k.entries, k.inline = entries, map[string]*Service{}
	for _, s := range r.spec.Services {
		if s.Inline {
			k.inline[s.Meta.Name] = s
		}
	}
	return r.sorted()
}

// over is a resolver of entrypoints after one of what they hang on, which stays as it is.
func (r *resolver) over(l *log) *resolver {
	s, next := *r.spec, *r
	s.Services, s.Profiles, s.Certificates = slices.Clone(s.Services), slices.Clone(s.Profiles), slices.Clone(s.Certificates)
	next.log, next.spec, next.services, next.hosts = l, &s, maps.Clone(r.services), map[string]Pos{}
	return &next
}

// keep resolves an entrypoint, or takes it as it was.
func (r *resolver) keep(d *entrypointDoc, was *keptEntry) *keptEntry {
	if was != nil && r.holds(d, was) {
		for _, host := range d.hosts.V {
			r.hosts[foldHost(host.V)] = host.At
		}
		r.spec.Entrypoints = append(r.spec.Entrypoints, was.entry)
		return was
	}
	r.asked = nil
	r.entrypoint(d)
	return &keptEntry{r.spec.Entrypoints[len(r.spec.Entrypoints)-1], r.asked}
}

// holds is whether nothing around an entrypoint has changed: its hosts are nobody else's, and the services that it names are the same.
func (r *resolver) holds(d *entrypointDoc, was *keptEntry) bool {
	for _, host := range d.hosts.V {
		if _, taken := r.hosts[foldHost(host.V)]; taken {
			return false
		}
	}
	for _, a := range was.asked {
		if r.service(a.ref) != a.got {
			return false
		}
	}
	return true
}
