package exchangetest

import (
	"fmt"
	"sync"
	"testing"

	"skerry.dev/skerry/exchange"
)

// A Ledger keeps the books of one stage: every exchange it enters it must leave exactly once, and every body it opens
// must be closed. Its methods may be called by many goroutines at once.
type Ledger struct {
	mu     sync.Mutex
	open   map[*exchange.Exchange]bool
	bodies int
	wrong  []string
	ran    int
}

// Enter notes that Request was called.
func (l *Ledger) Enter(x *exchange.Exchange) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.open == nil {
		l.open = map[*exchange.Exchange]bool{}
	}
	if l.open[x] {
		l.wrong = append(l.wrong, "Request was called twice for one exchange")
	}
	l.open[x] = true
	l.ran++
}

// Leave notes that Done was called.
func (l *Ledger) Leave(x *exchange.Exchange) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.open[x] {
		l.wrong = append(l.wrong, "Done was called twice, or without Request")
	}
	delete(l.open, x)
}

func (l *Ledger) body(n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.bodies += n
}

func (l *Ledger) fail(format string, args ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.wrong = append(l.wrong, fmt.Sprintf(format, args...))
}

// Check reports what is not in order after want exchanges; the exchanges must be over.
func (l *Ledger) Check(t testing.TB, name string, want int) {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, w := range l.wrong {
		t.Errorf("%s: %s", name, w)
	}
	if n := len(l.open); n > 0 {
		t.Errorf("%s: Done was not called for %d exchanges", name, n)
	}
	if l.bodies != 0 {
		t.Errorf("%s: %d bodies were not closed", name, l.bodies)
	}
	if l.ran != want {
		t.Errorf("%s: ran %d times, want %d", name, l.ran, want)
	}
}
