package listen_test

import (
	"bytes"
	"crypto/tls"
	"net"
	"os"
	"strings"
	"testing"

	"skerry.dev/skerry/cert"
	"skerry.dev/skerry/listen"
	"skerry.dev/skerry/spec"
)

// held keeps what a client writes in its second flight until there is something behind it.
type held struct {
	net.Conn
	writes int
	hold   bytes.Buffer
}

func (h *held) Write(b []byte) (int, error) {
	if h.writes++; h.writes == 1 {
		return h.Conn.Write(b)
	}
	return h.hold.Write(b)
}

// TestAlertArrives: a client of TLS 1.3 is through with its handshake before its certificate is looked at, and its request comes with it. It
// still hears why it was refused, instead of a reset.
func TestAlertArrives(t *testing.T) {
	p := newPort(t, listen.Options{}, "shop.example.com")
	root, err := os.ReadFile(p.rootFile)
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("SKERRY_SECRET_CLIENTS", string(root))
	policy := spec.TLS{ClientCertificates: spec.ClientAuthRequired, ClientCA: "env:SKERRY_SECRET_CLIENTS"}
	table, problems := p.keeper.Table(&spec.Spec{Entrypoints: []*spec.Entrypoint{{Hosts: []string{"shop.example.com"}, Policy: spec.Policy{TLS: &policy}}}})
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	p.store.Use(table)
	c, err := net.Dial("tcp", p.tls)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	h := &held{Conn: c}
	client := tls.Client(h, &tls.Config{ServerName: "shop.example.com", InsecureSkipVerify: true, MinVersion: tls.VersionTLS13})
	if err := client.Handshake(); err != nil {
		t.Fatal(err)
	}
	if _, err := client.Write(make([]byte, 32<<10)); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Write(h.hold.Bytes()); err != nil {
		t.Fatal(err)
	}
	p.await(cert.ClientCertificate)
	if _, err := client.Read(make([]byte, 1)); err == nil || !strings.Contains(err.Error(), "certificate required") {
		t.Errorf("the client hears %v", err)
	}
	c.(*net.TCPConn).CloseWrite()
	if n, err := c.Read(make([]byte, 1)); n != 0 || err == nil || err.Error() != "EOF" {
		t.Errorf("the connection ends with %v", err)
	}
	p.awaitOpen(0, 0)
}
