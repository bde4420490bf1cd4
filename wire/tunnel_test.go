package wire

import (
	"bytes"
	"errors"
	"io"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"skerry.dev/skerry/exchange"
)

// babbler is an end from which there is always more, or nothing at all.
type babbler struct {
	silent bool
	first  []byte // what it says once; nil: says
	says   []byte
	broken chan struct{}
	breaks sync.Once
	heard  []byte
}

func newBabbler(says string) *babbler {
	return &babbler{says: []byte(says), silent: says == "", broken: make(chan struct{})}
}

func (b *babbler) Receive(time.Time) ([]byte, error) {
	if b.silent {
		return nil, io.EOF
	}
	select {
	case <-b.broken:
		return nil, errors.New("broken")
	case <-time.After(time.Millisecond): // who is never waited for does not see a deadline
		if first := b.first; first != nil {
			b.first = nil
			return first, nil
		}
		return b.says, nil
	}
}

func (b *babbler) Send(view []byte, _ time.Duration) error {
	b.heard = append(b.heard, view...)
	return nil
}

func (b *babbler) End()   {}
func (b *babbler) Wake()  {}
func (b *babbler) Break() { b.breaks.Do(func() { close(b.broken) }) }

// TestTunnelOfABabblerEnds: an end that always has more keeps a tunnel neither beyond its age nor beyond the end of the other.
func TestTunnelOfABabblerEnds(t *testing.T) {
	f := func(name, origin string, age, want time.Duration, err error) {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				began := time.Now()
				var over time.Time
				if age > 0 {
					over = began.Add(age)
				}
				var tunnels Tunnels
				client, origin := newBabbler("\x82\x80abcd"), newBabbler(origin)
				go func() {
					time.Sleep(time.Minute)
					client.Break()
				}()
				_, _, got := tunnels.Join(client, origin, time.Hour, over)
				if lasted := time.Since(began); lasted < want || lasted > want+time.Second || got != err {
					t.Errorf("it ended after %v with %v; want %v, %v", lasted, got, want, err)
				}
				time.Sleep(time.Minute)
			})
		})
	}
	f("the other has ended", "", 0, halfOpen, nil)
	f("age", "\x82\x00", 5*time.Second, 5*time.Second, ErrAge)
}

// TestBusyTunnelParts: an origin whose pieces never end where a frame ends is parted from behind one all the same.
func TestBusyTunnelParts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var tunnels Tunnels
		client, origin := newBabbler("\x82\x80abcd"), newBabbler("lo\x82\x05hello\x82\x05hel")
		origin.first = origin.says[9:]
		go func() {
			time.Sleep(time.Second + time.Millisecond/2)
			tunnels.Part()
			time.Sleep(time.Minute)
			client.Break()
		}()
		_, down, err := tunnels.Join(client, origin, time.Hour, time.Time{})
		heard, ok := bytes.CutSuffix(client.heard, closeRestart)
		var f frames
		if f.see(heard); err != errParted || !ok || !f.between() || int64(len(heard)) != down {
			t.Errorf("it ended with %v, %d bytes are said to have gone, heard were %d, %q at the end", err, down, len(heard), heard[max(0, len(heard)-20):])
		}
		time.Sleep(time.Minute)
	})
}

var _ exchange.Tunnel = (*babbler)(nil)
