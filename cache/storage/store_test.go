package storage_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"skerry.dev/skerry/cache/freshness"
	"skerry.dev/skerry/cache/storage"
	"skerry.dev/skerry/exchange"
	"skerry.dev/skerry/meter"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// open returns a store that is closed with the test.
func open(t testing.TB, budget int64, below storage.Below) *storage.Store {
	s := storage.New(storage.Options{Bytes: budget, Below: below, Meters: meter.NewSet()})
	t.Cleanup(s.Close)
	return s
}

// apart returns a store, to be closed, in which all that drafts and purges of them name has marks of its own: where two share one, by the
// store's random seed, a purge or a removal of the one refuses the other for nothing, which a store may do.
func apart(o storage.Options, drafts ...*storage.Draft) *storage.Store {
	for {
		s := storage.New(o)
		if s.MarksApart(drafts) {
			return s
		}
		s.Close()
	}
}

// key is the key of a GET: "https shop.example /a?b".
func key(url string) []byte {
	scheme, rest, _ := strings.Cut(url, " ")
	host, target, _ := strings.Cut(rest, " ")
	path, query, _ := strings.Cut(target, "?")
	return []byte(strings.Join([]string{scheme, host, path, query, "GET"}, "\x00"))
}

func page(n int) []byte { return key(fmt.Sprintf("https shop.example /page/%d", n)) }

// fields are written "Name: value", one in a line.
func fields(text string) (f exchange.Fields) {
	for line := range strings.Lines(text) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), ": ")
		f.AddNamed([]byte(name), []byte(value))
	}
	return f
}

func text(f exchange.Fields) string {
	var b strings.Builder
	for i := range f {
		fmt.Fprintf(&b, "%s: %s\n", f[i].Name, f[i].Value)
	}
	return b.String()
}

// draft is an answer to be stored now.
func draft(s *storage.Store, key []byte, body string) *storage.Draft {
	return &storage.Draft{Key: key, Status: 200, Body: [][]byte{[]byte(body)}, Number: s.Number()}
}

// body reads the body of an object in steps.
func body(t testing.TB, o *storage.Object) string {
	t.Helper()
	var out []byte
	buf := make([]byte, 1000)
	for {
		b, err := o.View(int64(len(out)), buf)
		if err != nil {
			t.Fatal(err)
		}
		if len(b) == 0 {
			break
		}
		out = append(out, b...)
	}
	if int64(len(out)) != o.Size() {
		t.Fatalf("%d bytes of a body of %d", len(out), o.Size())
	}
	return string(out)
}

func TestObjectSaysWhatWasPut(t *testing.T) {
	s := open(t, 64<<20, nil)
	large := make([]byte, 300<<10)
	for i := range large {
		large[i] = byte(i >> 8)
	}
	f := func(what string, d storage.Draft, whole bool) {
		t.Helper()
		d.Number = s.Number()
		want := ""
		for _, p := range d.Body {
			want += string(p)
		}
		head, trailers := text(d.Head), text(d.Trailers)
		o := s.Put(&d)
		if o == nil {
			t.Fatalf("%s: not stored", what)
		}
		if found := s.Find(d.Key); found != o {
			t.Errorf("%s: found %p, put %p", what, found, o)
		}
		var h, tr exchange.Fields
		o.Head(&h)
		o.Trailers(&tr)
		if text(h) != head || text(tr) != trailers {
			t.Errorf("%s: head and trailers\n%s\n%s, want\n%s\n%s", what, text(h), text(tr), head, trailers)
		}
		for i := range h {
			if h[i].ID != d.Head[i].ID {
				t.Errorf("%s: field %s has another number", what, h[i].Name)
			}
		}
		var groups [][]byte
		o.Groups(func(g []byte) bool { groups = append(groups, g); return true })
		if fmt.Sprintf("%q", groups) != fmt.Sprintf("%q", d.Groups) {
			t.Errorf("%s: groups %q, want %q", what, groups, d.Groups)
		}
		if !bytes.Equal(o.Key(), d.Key) || !bytes.Equal(o.Signature(), d.Signature) || o.Status() != d.Status || *o.Terms() != d.Terms || o.Number() != d.Number {
			t.Errorf("%s: key, signature, status, terms or number differ", what)
		}
		if got := body(t, o); got != want {
			t.Errorf("%s: another body", what)
		}
		if w := o.Whole(); (w != nil) != whole || whole && string(w) != want {
			t.Errorf("%s: whole: %v, want %v", what, w != nil, whole)
		}
	}
	long := strings.Repeat("x", 300)
	f("nothing", storage.Draft{Key: []byte("k"), Status: 204}, true)
	f("small", storage.Draft{
		Key: page(1), Signature: []byte("accept-encoding: br"), Groups: [][]byte{[]byte("a"), []byte(long)}, Status: 404,
		Terms: freshness.Terms{Born: 1, Lifetime: 2, WhileRevalidate: 3, IfError: 4, Said: freshness.SaidPublic, Flags: freshness.FlagValidator},
		Head:  fields("Content-Type: text/html\nX-Own: " + long + "\nX-Empty: \nETag: \"1\""), Trailers: fields("X-Sum: 1"), Body: [][]byte{[]byte("ab"), nil, []byte("c")},
	}, true)
	f("as large as is joined", storage.Draft{Key: page(2), Status: 200, Body: [][]byte{large[:40<<10], large[40<<10 : 64<<10]}}, true)
	f("pieces", storage.Draft{Key: page(3), Status: 200, Body: [][]byte{large[:1], large[1 : 200<<10], nil, large[200<<10:]}}, false)
	f("one large piece", storage.Draft{Key: page(4), Status: 200, Body: [][]byte{large}}, true)
	f("a long key", storage.Draft{Key: append(page(5), bytes.Repeat([]byte{1}, 60<<10)...), Status: 200}, true)
}

func TestLimits(t *testing.T) {
	s := open(t, 1<<20, nil)
	f := func(what string, d *storage.Draft, want bool) {
		t.Helper()
		if d.Number = s.Number(); (s.Put(d) != nil) != want {
			t.Errorf("%s: stored: %v", what, !want)
		}
	}
	f("the largest body", &storage.Draft{Key: page(1), Body: [][]byte{make([]byte, 100<<10)}}, true)
	f("larger than an eighth of the budget", &storage.Draft{Key: page(2), Body: [][]byte{make([]byte, 129<<10)}}, false)
	f("a key of 64 KB", &storage.Draft{Key: make([]byte, 64<<10)}, false)
	s.SetBudget(1 << 30)
	f("a head of 4 MB", &storage.Draft{Key: page(3), Signature: make([]byte, 4<<20)}, false)
	f("with room", &storage.Draft{Key: page(2), Body: [][]byte{make([]byte, 129<<10)}}, true)
}

func TestVariants(t *testing.T) {
	s := open(t, 1<<20, nil)
	put := func(signature, body string) *storage.Object {
		d := draft(s, page(1), body)
		d.Signature = []byte(signature)
		return s.Put(d)
	}
	all := func() (list string) {
		for o := s.Find(page(1)); o != nil; o = s.Next(o) {
			list += string(o.Whole()) + " "
		}
		return list
	}
	a := put("a", "a1")
	put("b", "b1")
	if got := all(); got != "b1 a1 " {
		t.Errorf("newest first: %q", got)
	}
	put("a", "a2")
	if got := all(); got != "a2 b1 " {
		t.Errorf("the same signature: %q", got)
	}
	if s.Next(a) != nil {
		t.Error("what was the oldest when it was replaced has an older one")
	}
	for i := range 16 {
		put(fmt.Sprint(i), fmt.Sprint(i))
	}
	if got := all(); got != "15 14 13 12 11 10 9 8 7 6 5 4 3 2 1 0 " {
		t.Errorf("sixteen: %q", got)
	}
	second := s.Next(s.Find(page(1)))
	s.Drop(second)
	s.Drop(second)
	if got := all(); got != "15 13 12 11 10 9 8 7 6 5 4 3 2 1 0 " {
		t.Errorf("one dropped: %q", got)
	}
	if o := s.Next(second); string(o.Whole()) != "13" {
		t.Errorf("after the dropped one: %q", o.Whole())
	}
	if !s.Remove(page(1)) || s.Remove(page(1)) || all() != "" {
		t.Error("removed: something is left")
	}
	if st := s.Stats(); st.Objects != 0 || st.Bytes != 0 {
		t.Errorf("counted: %+v", st)
	}
}

func TestRefresh(t *testing.T) {
	s := apart(storage.Options{Bytes: 64 << 20}, &storage.Draft{Key: page(1), Groups: [][]byte{[]byte("g"), []byte("h")}})
	t.Cleanup(s.Close)
	large := strings.Repeat("0123456789", 20<<10)
	f := func(what, content string, between func(o *storage.Object), want bool) {
		t.Helper()
		d := draft(s, page(1), content)
		d.Signature, d.Groups, d.Head, d.Trailers = []byte("sig"), [][]byte{[]byte("g")}, fields("ETag: \"1\""), fields("X-T: 1")
		old := s.Put(d)
		n := s.Number()
		between(old)
		o := s.Refresh(old, freshness.Terms{Lifetime: 7}, fields("ETag: \"2\""), n)
		if (o != nil) != want {
			t.Fatalf("%s: refreshed: %v", what, o != nil)
		}
		if o == nil {
			return
		}
		var head exchange.Fields
		o.Head(&head)
		if text(head) != "ETag: \"2\"\n" || o.Terms().Lifetime != 7 || body(t, o) != content || string(o.Signature()) != "sig" || o.Softened() {
			t.Errorf("%s: refreshed wrongly: %s", what, text(head))
		}
		if s.Find(page(1)) != o || s.Next(o) != nil {
			t.Errorf("%s: not in the place of the old one", what)
		}
	}
	purge := func(p storage.Purge) func(*storage.Object) {
		return func(*storage.Object) { mustPurge(t, s, p) }
	}
	f("small", "body", func(*storage.Object) {}, true)
	f("large", large, func(*storage.Object) {}, true)
	f("evicted", "body", func(o *storage.Object) { s.Drop(o) }, true)
	f("purged", "body", purge(storage.Purge{Kind: storage.PurgeGroup, Value: "g"}), false)
	f("purged softly while it was asked for", "body", purge(storage.Purge{Kind: storage.PurgeGroup, Value: "g", Soft: true}), false)
	f("another purged", "body", purge(storage.Purge{Kind: storage.PurgeGroup, Value: "h"}), true)
	f("removed", "body", func(o *storage.Object) { s.Remove(o.Key()) }, false)
	f("replaced", "body", func(o *storage.Object) {
		d := draft(s, page(1), "other")
		d.Signature = []byte("sig")
		s.Put(d)
	}, false)

	old := s.Put(draft(s, page(2), "body"))
	mustPurge(t, s, storage.Purge{Kind: storage.PurgeAll, Soft: true})
	if o := s.Find(page(2)); o != old || !o.Softened() {
		t.Fatal("not softened")
	}
	if o := s.Refresh(old, freshness.Terms{}, nil, s.Number()); o == nil || o.Softened() {
		t.Error("softened before the origin was asked: not refreshed")
	}
	old = s.Put(draft(s, page(3), "body"))
	mustPurge(t, s, storage.Purge{Kind: storage.PurgeAll})
	if s.Refresh(old, freshness.Terms{}, nil, s.Number()) != nil {
		t.Error("purged before the origin was asked: refreshed")
	}
}

func mustPurge(t testing.TB, s *storage.Store, p storage.Purge) storage.Purge {
	t.Helper()
	p, err := s.Purge(p)
	if err != nil {
		t.Fatal(err)
	}
	return p
}
