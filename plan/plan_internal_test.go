package plan

import (
	"strings"
	"testing"
)

// TestOrder: the order that is compiled in holds, and a wrong one is refused with the names of the stages at fault.
func TestOrder(t *testing.T) {
	if err := checkOrder(order); err != nil {
		t.Fatal(err)
	}
	f := func(want string, rows ...row) {
		t.Helper()
		err := checkOrder(rows)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want an error with %q", err, want)
		}
	}
	giver := row{name: "giver", gives: []fact{"F"}, why: "x"}
	needer := row{name: "needer", needs: []fact{"F"}, why: "x"}
	if err := checkOrder([]row{giver, needer}); err != nil {
		t.Errorf("a giver before a needer: %v", err)
	}
	f("stage needer needs F, which no stage before it gives", needer, giver)
	f("stages giver and again both give F", giver, row{name: "again", gives: []fact{"F"}, why: "x"})
	f("stage mute has no reason", row{name: "mute"})
	for i := range order {
		for j := i + 1; j < len(order); j++ {
			if order[i].name == order[j].name {
				t.Errorf("two rows are named %s", order[i].name)
			}
		}
	}
}
