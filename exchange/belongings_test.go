package exchange_test

import (
	"slices"
	"testing"

	"skerry.dev/skerry/exchange"
)

// kept notes who has left.
type kept struct {
	name string
	left *[]string
}

func (k kept) Leave() { *k.left = append(*k.left, k.name) }

// TestBelongings: each owner finds its own, the last first; they leave beyond the bound, the first first, and at the end; nothing
// comes after that.
func TestBelongings(t *testing.T) {
	var left []string
	var c, empty exchange.Conn
	if c.Take("a") != nil {
		t.Error("something was there")
	}
	for _, name := range []string{"a1", "b1", "a2"} {
		if !c.Keep(name[:1], kept{name, &left}) {
			t.Errorf("%s was not kept", name)
		}
	}
	f := func(owner, want string) {
		t.Helper()
		got := ""
		if b := c.Take(owner); b != nil {
			got = b.(kept).name
		}
		if got != want {
			t.Errorf("%s took %q, want %q", owner, got, want)
		}
	}
	f("a", "a2")
	f("a", "a1")
	f("a", "")
	f("c", "")
	for range 16 {
		c.Keep("a", kept{"a", &left})
	}
	if !slices.Equal(left, []string{"b1"}) {
		t.Errorf("%q left", left)
	}
	f("b", "")
	f("a", "a")
	c.End()
	if len(left) != 16 {
		t.Errorf("%q left", left)
	}
	f("a", "")
	empty.End()
	empty.End()
	for _, c := range []*exchange.Conn{&c, &empty} {
		if c.Keep("a", kept{"late", &left}) {
			t.Error("something was kept behind the end")
		}
	}
	if slices.Contains(left, "late") {
		t.Errorf("%q left", left)
	}
	if n := testing.AllocsPerRun(100, func() { empty.Take("a"); empty.End() }); n > 0 {
		t.Errorf("the end of a connection without any takes %v allocations", n)
	}
}
