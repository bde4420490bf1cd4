package cli_test

import (
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// TestTicketSecret has two edges with a secret in common: a client goes on at one with the session that it began at the other, whose local
// CA it does not even trust. The secret is replaced at one, then at the other; what the old one sealed stays good, what cannot be a secret
// changes nothing.
func TestTicketSecret(t *testing.T) {
	secrets := t.TempDir()
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(secrets, "tickets"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("the first secret of more than thirty-two bytes\n")
	a, b := newRow(t), newRow(t)
	for _, r := range []*row{a, b} {
		r.start("", nil, "--https", "127.0.0.1:0", "--secrets", secrets, "--ticket-secret", "file:tickets")
	}
	roots := a.trusting().RootCAs
	versions := []uint16{tls.VersionTLS12, tls.VersionTLS13}
	begin := func() (all []*tls.Config) {
		t.Helper()
		for _, version := range versions {
			c := &tls.Config{ServerName: "shop.test", RootCAs: roots, MinVersion: version, MaxVersion: version, ClientSessionCache: tls.NewLRUClientSessionCache(1)}
			if resumed, err := visit(a, c); err != nil || resumed {
				t.Fatalf("%s: the first visit: resumed %v, %v", tls.VersionName(version), resumed, err)
			}
			all = append(all, c)
		}
		return all
	}
	goOn := func(what string, all []*tls.Config, want bool) {
		t.Helper()
		for i, c := range all {
			if resumed, err := visit(b, c); resumed != want || want != (err == nil) {
				t.Errorf("%s, %s: at the other edge resumed %v, %v, want %v", what, tls.VersionName(versions[i]), resumed, err, want)
			}
		}
	}
	goOn("one secret", begin(), true)

	old := begin()
	write("the second secret of more than thirty-two bytes\n")
	a.signal(syscall.SIGHUP)
	a.await(`certificates changed: .*file:tickets`)
	a.awaitShown("/metrics", "\nskerry_plan_activations_total 2\n") // it is said before it is done
	goOn("of a secret that the other has not yet", begin(), false)
	b.signal(syscall.SIGHUP)
	b.await(`certificates changed: .*file:tickets`)
	b.awaitShown("/metrics", "\nskerry_plan_activations_total 2\n")
	goOn("of the old secret", old, true)
	goOn("of the new secret", begin(), true)

	sealed := begin()
	write("short")
	b.signal(syscall.SIGHUP)
	b.await(`--ticket-secret file:tickets: it has 5 bytes, at least 32 are needed`)
	goOn("after a secret that is none", sealed, true)
	cmd := exec.Command(a.program, "run", "shop.yaml", "--admin", "127.0.0.1:0", "--https", "127.0.0.1:0", "--secrets", secrets, "--ticket-secret", "file:tickets")
	cmd.Dir, cmd.Env = a.dir, append(os.Environ(), "PATH="+a.dir+string(os.PathListSeparator)+os.Getenv("PATH"))
	if text, err := cmd.CombinedOutput(); err == nil || !strings.Contains(string(text), "--ticket-secret file:tickets: it has 5 bytes, at least 32 are needed") {
		t.Errorf("a start with it: %v\n%s", err, text)
	}
}

// visit sends one request over HTTPS, so that a ticket that comes behind the handshake is read.
func visit(r *row, config *tls.Config) (resumed bool, err error) {
	c, err := tls.Dial("tcp", r.addrs["https"], config)
	if err != nil {
		return false, err
	}
	defer c.Close()
	fmt.Fprintf(c, "GET /it HTTP/1.1\r\nHost: shop.test\r\nConnection: close\r\n\r\n")
	text, err := io.ReadAll(c)
	if err == nil && !strings.HasPrefix(string(text), fmt.Sprintf("HTTP/1.1 %d ", http.StatusOK)) {
		err = fmt.Errorf("it got %q", text)
	}
	return c.ConnectionState().DidResume, err
}
