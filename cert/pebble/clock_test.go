package pebble_test

import (
	"crypto/tls"
	"crypto/x509"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"skerry.dev/skerry/cert"
	"skerry.dev/skerry/fault"
	"skerry.dev/skerry/meter"
	"skerry.dev/skerry/spec"
)

// clocked is a keeper of certificates with a clock that jumps, behind a port for HTTPS.
type clocked struct {
	t      *testing.T
	ahead  atomic.Int64
	meters *meter.Set
	keeper *cert.Keeper
	store  *cert.Store
	spec   *spec.Spec
}

// newClocked opens the port that Pebble asks with TLS-ALPN-01.
func newClocked(t *testing.T, r *rig) *clocked {
	c := &clocked{t: t, meters: meter.NewSet(), spec: &spec.Spec{Entrypoints: []*spec.Entrypoint{{Meta: spec.Meta{Name: "site"}, Hosts: []string{host}}}}}
	opt := r.node.options().Setting
	opt.ACME.TLS = true
	k, err := cert.NewKeeper(cert.Options{Data: opt.Data, Meters: c.meters, Now: c.now, ACME: opt.ACME})
	must(t, err)
	c.keeper, c.store = k, cert.NewStore(k)
	l, err := net.Listen("tcp", r.node.HTTPS)
	must(t, err)
	var running sync.WaitGroup
	running.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			running.Go(func() {
				defer conn.Close()
				server := tls.Server(&cert.Socket{Conn: conn}, c.store.Config())
				_ = conn.SetDeadline(time.Now().Add(patience))
				_, _ = c.store.Finish(server, server.Handshake())
			})
		}
	})
	t.Cleanup(func() {
		k.Close()
		l.Close()
		running.Wait()
	})
	c.look()
	k.Start()
	return c
}

func (c *clocked) now() time.Time { return time.Now().Add(time.Duration(c.ahead.Load())) }

// look puts the table in force again, as a reload does: it is looked at once which names are due.
func (c *clocked) look() {
	c.t.Helper()
	table, problems := c.keeper.Table(c.spec)
	if len(problems) > 0 {
		c.t.Fatal(fault.Problems(problems))
	}
	c.store.Use(table)
}

func (c *clocked) jump(d time.Duration) {
	c.ahead.Add(int64(d))
	c.look()
}

func (c *clocked) events(kind string) (all []string) {
	for _, e := range c.meters.Events().Since(0) {
		if e.Kind == kind {
			all = append(all, e.Text)
		}
	}
	return all
}

const day = 24 * time.Hour

// TestRenewal jumps past the time of renewal: the next certificate is in force without a reload. While Pebble is away the old one stays,
// it is told so, and when Pebble is back the next try succeeds.
func TestRenewal(t *testing.T) {
	prompt(t)
	r := newRig(t)
	c := newClocked(t, r)
	first := r.pebble.shown(t, r.node.HTTPS, host, nil)
	c.jump(31 * day) // not yet
	c.jump(31 * day)
	second := r.pebble.shown(t, r.node.HTTPS, host, first)
	waitFor(t, func() bool { return len(c.events("certificate_renewed")) == 1 })
	r.ordered(t, 2)

	r.pebble.stop()
	c.jump(2 * time.Hour)
	waitFor(t, func() bool { return len(c.events("certificate_failed")) == 1 })
	if text := c.events("certificate_failed")[0]; !strings.Contains(text, host) || !strings.Contains(text, r.pebble.url) || !strings.Contains(text, "the old one stays") {
		t.Errorf("the event says %q", text)
	}
	if now := r.pebble.shown(t, r.node.HTTPS, host, nil); !now.Equal(second) {
		t.Error("the old certificate did not stay")
	}
	r.pebble.start()
	c.jump(2 * time.Minute) // the first wait is over
	third := r.pebble.shown(t, r.node.HTTPS, host, second)
	r.ordered(t, 3)
	if got := c.meters.Gauge("skerry_certificate_expiry_timestamp_seconds", "", "certificate", "acme/"+host).Value(); got != third.NotAfter.Unix() {
		t.Errorf("the gauge says %d, the certificate ends at %d", got, third.NotAfter.Unix())
	}
}

// TestStorageFails has a storage that does not take what is written: the CA is not asked for what could not be kept. When the storage
// fails after that, what was issued is in force, and what is there stays whole.
func TestStorageFails(t *testing.T) {
	prompt(t)
	r := newRig(t)
	c := newClocked(t, r)
	first := r.pebble.shown(t, r.node.HTTPS, host, nil)
	waitFor(t, func() bool { return len(c.events("certificate_issued")) == 1 })
	base := strings.TrimSuffix(certificates(t, r.node.Data)[0], ".crt")
	fails := func(blocked string, jump time.Duration, event, text string, orders int) {
		t.Helper()
		must(t, os.MkdirAll(filepath.Join(blocked, "in the way"), 0o700))
		c.jump(jump)
		waitFor(t, func() bool { return len(c.events(event)) == 1 })
		must(t, os.RemoveAll(blocked))
		if got := c.events(event)[0]; !strings.Contains(got, text) {
			t.Errorf("the event says %q", got)
		}
		r.ordered(t, orders)
		pair, err := tls.LoadX509KeyPair(base+".crt", base+".key")
		must(t, err)
		if !pair.Leaf.Equal(first) {
			t.Error("the storage has another certificate")
		}
	}
	fails(base+".key.next", 62*day, "certificate_failed", "keeping it in --data: ", 1)
	fails(base+".crt.next", 2*time.Minute, "certificate_storage", "in force in this process alone", 2)
	r.pebble.shown(t, r.node.HTTPS, host, first)
}

// TestRenewalInfo has the CA ask for an early renewal.
func TestRenewalInfo(t *testing.T) {
	prompt(t)
	r := newRig(t)
	c := newClocked(t, r)
	first := r.pebble.shown(t, r.node.HTTPS, host, nil)
	waitFor(t, func() bool { return len(c.events("certificate_issued")) == 1 })
	r.pebble.wantsRenewed(t, first)
	c.jump(7 * time.Hour)
	r.pebble.shown(t, r.node.HTTPS, host, first)
	r.ordered(t, 2)
}

// TestAnotherPebble has a CA that was made anew, and knows neither the account nor what it issued.
func TestAnotherPebble(t *testing.T) {
	prompt(t)
	r := newRig(t)
	c := newClocked(t, r)
	first := r.pebble.shown(t, r.node.HTTPS, host, nil)
	waitFor(t, func() bool { return len(c.events("certificate_issued")) == 1 })
	r.pebble.stop()
	_, port, err := net.SplitHostPort(r.node.HTTPS)
	must(t, err)
	r.pebble.begin(r.zone, 1, portNumber(t, port))
	c.jump(61 * day)
	if next := r.pebble.shown(t, r.node.HTTPS, host, first); next.Equal((*x509.Certificate)(nil)) {
		t.Error("nothing was shown")
	}
	r.ordered(t, 2)
}
