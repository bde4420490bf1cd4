package storage_test

import (
	"cmp"
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"skerry.dev/skerry/cache/storage"
)

// model is a store as one would write it down: a list of what was put, and of what was purged.
type model struct {
	stored []*stored // oldest first
	purges []storage.Purge
}

type stored struct {
	scheme, host, path, query, signature, group string
	number                                      uint64
	body                                        string
	soft                                        bool
}

func (v *stored) key() []byte {
	return []byte(strings.Join([]string{v.scheme, v.host, v.path, v.query, "GET"}, "\x00"))
}

func (v *stored) meets(p *storage.Purge) bool {
	if p.Host != "" && p.Host != v.host && p.Host != v.scheme+"://"+v.host {
		return false
	}
	target := v.path
	if v.query != "" {
		target += "?" + v.query
	}
	switch p.Kind {
	case storage.PurgeURL:
		return p.Value == target
	case storage.PurgePrefix:
		return strings.HasPrefix(v.path, p.Value)
	case storage.PurgeGroup:
		return p.Value == v.group
	}
	return true
}

// refuses reports whether a purge came after the fill began.
func (m *model) refuses(v *stored) bool {
	for i := range m.purges {
		if p := &m.purges[i]; p.Number > v.number && v.meets(p) {
			return true
		}
	}
	return false
}

func (m *model) drop(gone func(v *stored) bool) (n int) {
	left := m.stored[:0:0]
	for _, v := range m.stored {
		if !gone(v) {
			left = append(left, v)
		}
	}
	n = len(m.stored) - len(left)
	m.stored = left
	return n
}

// find is what may be found of a key, newest first.
func (m *model) find(key []byte) (list string) {
	for i := len(m.stored) - 1; i >= 0; i-- {
		if v := m.stored[i]; string(v.key()) == string(key) {
			list += fmt.Sprintf("%s %v, ", v.body, v.soft)
		}
	}
	return list
}

// What is stored is made of these.
var (
	schemes = []string{"http", "https"}
	hosts   = []string{"a", "b"}
	paths   = []string{"/", "/x", "/xy", "/z"}
	queries = []string{"", "q"}
	groups  = []string{"", "g", "h"}
)

func drawStored(t *rapid.T) *stored {
	one := func(what string, of []string) string { return rapid.SampledFrom(of).Draw(t, what) }
	return &stored{
		scheme: one("scheme", schemes), host: one("host", hosts), path: one("path", paths), query: one("query", queries),
		signature: one("signature", []string{"", "s", "t"}), group: one("group", groups),
	}
}

func (v *stored) draft() *storage.Draft {
	d := &storage.Draft{Key: v.key(), Signature: []byte(v.signature), Body: [][]byte{[]byte(v.body)}, Number: v.number}
	if v.group != "" {
		d.Groups = [][]byte{[]byte(v.group)}
	}
	return d
}

// newExact returns a store that refuses nothing but what a purge met: one store in fourteen has two of these names at one mark.
func newExact() *storage.Store {
	var all []*storage.Draft
	for i := range len(schemes) * len(hosts) * len(paths) * len(queries) * len(groups) {
		one := func(of []string) string {
			v := of[i%len(of)]
			i /= len(of)
			return v
		}
		v := stored{scheme: one(schemes), host: one(hosts), path: one(paths), query: one(queries), group: one(groups)}
		all = append(all, v.draft())
	}
	return apart(storage.Options{Bytes: 1 << 20}, all...)
}

// TestModel does things in any order and compares what may be found.
func TestModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := newExact()
		defer s.Close()
		m := &model{}
		past := []uint64{s.Number()}
		count := 0
		t.Repeat(map[string]func(*rapid.T){
			"put": func(t *rapid.T) {
				v := drawStored(t)
				count++
				v.number, v.body = rapid.SampledFrom(past).Draw(t, "number"), fmt.Sprint(count)
				refused := m.refuses(v)
				if got := s.Put(v.draft()) == nil; got != refused {
					t.Fatalf("%+v: refused: %v, want %v", v, got, refused)
				}
				if !refused {
					m.drop(func(o *stored) bool { return string(o.key()) == string(v.key()) && o.signature == v.signature })
					m.stored = append(m.stored, v)
				}
			},
			"purge": func(t *rapid.T) {
				v := drawStored(t)
				p := storage.Purge{
					Kind: rapid.SampledFrom([]storage.PurgeKind{storage.PurgeURL, storage.PurgePrefix, storage.PurgeGroup, storage.PurgeAll}).Draw(t, "kind"),
					Host: rapid.SampledFrom([]string{"", v.host, v.scheme + "://" + v.host}).Draw(t, "of"), Soft: rapid.Bool().Draw(t, "soft"),
				}
				switch p.Kind {
				case storage.PurgeURL:
					if p.Value = v.path; v.query != "" {
						p.Value += "?" + v.query
					}
				case storage.PurgePrefix:
					p.Value = v.path
				case storage.PurgeGroup:
					p.Value = cmp.Or(v.group, "g")
				}
				p, err := s.Purge(p)
				if err != nil {
					t.Fatal(err)
				}
				m.purges = append(m.purges, p)
				past = append(past, s.Number())
				m.drop(func(v *stored) bool {
					met := v.number < p.Number && v.meets(&p)
					v.soft = v.soft || met && p.Soft
					return met && !p.Soft
				})
			},
			"remove": func(t *rapid.T) {
				v := drawStored(t)
				had := m.drop(func(o *stored) bool { return string(o.key()) == string(v.key()) }) > 0
				if got := s.Remove(v.key()); had && !got {
					t.Fatalf("%q: nothing removed", v.key())
				}
				past = []uint64{s.Number()} // fills that began before: TestRemoveRefusesFills
			},
			"": func(t *rapid.T) {
				for _, scheme := range []string{"http", "https"} {
					for _, target := range []string{"/", "/?q", "/x", "/x?q", "/xy", "/xy?q", "/z", "/z?q"} {
						for _, host := range []string{"a", "b"} {
							k, got := key(scheme+" "+host+" "+target), ""
							for o := s.Find(k); o != nil; o = s.Next(o) {
								got += fmt.Sprintf("%s %v, ", o.Whole(), o.Softened())
							}
							if want := m.find(k); got != want {
								t.Fatalf("%s %s %s: found %q, want %q", scheme, host, target, got, want)
							}
						}
					}
				}
			},
		})
	})
}
