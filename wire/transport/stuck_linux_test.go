package transport_test

import (
	"crypto/tls"
	"errors"
	"io"
	"net/http/httptest"
	"syscall"
	"testing"
	"time"

	"skerry.dev/skerry/wire/transport"
)

// TestStuck: a peer that took no write in time is reset at Close, and so does not keep memory of the kernel's; one that took
// everything gets a clean end.
func TestStuck(t *testing.T) {
	s := httptest.NewUnstartedServer(nil)
	s.StartTLS()
	certificate := s.TLS.Certificates[0]
	s.Close()
	f := func(name string, raw, secure, stuck bool) {
		t.Helper()
		transport.UseRaw(raw)
		defer transport.UseRaw(true)
		near, far := sockets(t)
		defer far.Close()
		conn := transport.New(near)
		if secure {
			shaken := make(chan error, 1)
			client := tls.Client(far, &tls.Config{InsecureSkipVerify: true})
			go func() { shaken <- client.Handshake() }()
			server := tls.Server(transport.Under(near), &tls.Config{Certificates: []tls.Certificate{certificate}})
			if err := errors.Join(server.Handshake(), <-shaken); err != nil {
				t.Fatal(err)
			}
			conn = transport.New(server)
		}
		size, patience := 100, time.Minute
		if stuck {
			size, patience = 64<<20, 30*time.Millisecond
		}
		if _, err := conn.Write(make([]byte, size), nil, nil, patience); stuck != (err == transport.ErrTimeout) {
			t.Errorf("%s: the write ended with %v", name, err)
		}
		conn.Close()
		_, err := io.Copy(io.Discard, far)
		if stuck != errors.Is(err, syscall.ECONNRESET) || !stuck && err != nil {
			t.Errorf("%s: the peer's end is %v", name, err)
		}
	}
	for _, raw := range []bool{true, false} {
		for _, stuck := range []bool{true, false} {
			f("plain", raw, false, stuck)
			f("TLS", raw, true, stuck)
		}
	}
}
