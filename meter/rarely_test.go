package meter_test

import (
	"testing"
	"time"

	"skerry.dev/skerry/meter"
)

func TestRarely(t *testing.T) {
	var r meter.Rarely
	now := time.Unix(1_000_000, 0)
	f := func(after time.Duration, want bool) {
		t.Helper()
		if got := r.Due(now.Add(after), time.Minute); got != want {
			t.Errorf("after %v: %v, want %v", after, got, want)
		}
	}
	f(0, true)
	f(time.Second, false)
	f(time.Minute-1, false)
	f(time.Minute, true)
	f(time.Minute+time.Second, false)
}
