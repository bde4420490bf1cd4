package edge_test

import (
	"testing"

	"golang.org/x/net/http2"

	"skerry.dev/skerry/edge"
)

// TestH2DrainAnswers: answers to the PING of a drain that there is not are idle frames like others.
func TestH2DrainAnswers(t *testing.T) {
	e, g, _ := openH2(t, edge.Options{})
	defer e.Drain()
	g.run(t, idle("answers to the PING of a drain", func(a *h2Attacker, _ int) { _ = a.WritePing(true, [8]byte([]byte("skerry\x00d"))) }))
}

// TestH2SettingsWalk: thousands of windows in one SETTINGS frame cost no more than one: with the race detector this takes minutes if
// each of them walks over all streams.
func TestH2SettingsWalk(t *testing.T) {
	e, g, _ := openH2(t, edge.Options{})
	defer e.Drain()
	g.run(t, idle("SETTINGS with the window of many streams", func(a *h2Attacker, i int) {
		if i == 0 {
			for range 90 {
				a.ask(false, "PUT", "/", "content-type", octets)
			}
		}
		settings := make([]http2.Setting, 2000)
		for k := range settings {
			settings[k] = http2.Setting{ID: http2.SettingInitialWindowSize, Val: uint32(k)}
		}
		_ = a.WriteSettings(settings...)
	}))
}

// TestH2Estimates: clients of gRPC send a PING and open the connection's window for every answer, to learn how much fits into the
// connection (grpc-go's bdpEstimator). That is no flood, however many calls they make.
func TestH2Estimates(t *testing.T) {
	e, g, _ := openH2(t, edge.Options{})
	defer e.Drain()
	a, err := g.dial(false, http2.ClientPreface)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { a.conn.Close(); <-a.over }()
	const calls = 4000
	a.times(calls, func(i int) {
		a.ask(true, "GET", "/here")
		if i%20 == 19 {
			a.await(i + 1)
			for range 20 {
				_ = a.WriteWindowUpdate(0, uint32(len("hello")))
				_ = a.WritePing(false, [8]byte{2, 4, 16, 16, 9, 14, 7, 7})
			}
		}
	})
	a.await(calls)
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.status["200"] != calls || a.goAway != nil {
		t.Errorf("got %v, GOAWAY %v", a.status, a.goAway)
	}
}
