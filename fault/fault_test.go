package fault_test

import (
	"errors"
	"fmt"
	"io"
	"regexp"
	"testing"

	"skerry.dev/skerry/fault"
)

// TestTable: every kind has a unique label, a status that fits its side, and a sentence for clients.
func TestTable(t *testing.T) {
	label := regexp.MustCompile(`^[a-z]+(_[a-z]+)*$`)
	seen := map[string]bool{}
	for _, k := range fault.Kinds() {
		if !label.MatchString(k.Name()) || seen[k.Name()] {
			t.Errorf("kind %d has no label of its own: %q", k, k.Name())
		}
		seen[k.Name()] = true
		if k.Title() == "" {
			t.Errorf("%s has nothing to say to a client", k.Name())
		}
		client := k.Status() >= 400 && k.Status() < 500
		// 501 and 505 are the client's doing with the status of a server.
		if want := k.Side() == fault.SideClient; client != want && k.Status() != 501 && k.Status() != 505 {
			t.Errorf("%s: side %s, status %d", k.Name(), k.Side(), k.Status())
		}
		if k.ProxyStatus() == "" && k != fault.ClientGone {
			t.Errorf("%s has no RFC 9209 type", k.Name())
		}
	}
}

// TestOf: the kind is found in an error, below others, and is Internal for foreign ones.
func TestOf(t *testing.T) {
	f := func(err error, want fault.Kind) {
		t.Helper()
		if got := fault.Of(err); got != want {
			t.Errorf("%v: got %s, want %s", err, got.Name(), want.Name())
		}
	}
	e := fault.Wrap(fault.OriginDNS, "look up a.example", io.EOF)
	f(e, fault.OriginDNS)
	f(fmt.Errorf("again: %w", e), fault.OriginDNS)
	f(io.EOF, fault.Internal)
	if !errors.Is(e, io.EOF) || e.Error() != "origin_dns: look up a.example: EOF" {
		t.Errorf("%v hides its cause", e)
	}
}

// TestProblem: a problem prints what it knows of its place, and problems are ordered by it.
func TestProblem(t *testing.T) {
	f := func(p fault.Problem, want string) {
		t.Helper()
		if got := p.String(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	f(fault.Problem{File: "a.yaml", Line: 3, Col: 7, Text: "x", Fix: "y"}, "a.yaml:3:7: x\n    fix: y")
	f(fault.Problem{File: "a.yaml", Text: "x"}, "a.yaml: x")
	f(fault.Problem{Text: "x"}, "x")
	ps := fault.Problems{{File: "b", Line: 1, Text: "3"}, {File: "a", Line: 2, Text: "2"}, {File: "a", Line: 1, Col: 9, Text: "1"}}
	fault.SortProblems(ps)
	if got, want := ps.Error(), "a:1:9: 1\na:2:0: 2\nb:1:0: 3"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
