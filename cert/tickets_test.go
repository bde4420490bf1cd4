package cert_test

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"io"
	"net"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"skerry.dev/skerry/cert"
	"skerry.dev/skerry/spec"
)

const ticketSecret = "a secret of more than thirty-two bytes\n"

// node is one of several that serve the same host.
type node struct {
	t      testing.TB
	keeper *cert.Keeper
	store  *cert.Store
	spec   spec.Spec
}

func newNode(t testing.TB, data, secrets string, secret spec.Ref) *node {
	n := &node{t: t}
	var err error
	n.keeper, err = cert.NewKeeper(cert.Options{Data: data, Secrets: spec.Secrets{Dir: secrets}, TicketSecret: secret})
	if err != nil {
		t.Fatal(err)
	}
	n.spec.Entrypoints = []*spec.Entrypoint{{Hosts: []string{"a.example.com", "b.example.com"}}}
	n.store = cert.NewStore(n.keeper)
	n.take()
	return n
}

// take is a reload.
func (n *node) take() {
	n.t.Helper()
	table, problems := n.keeper.Table(&n.spec)
	if len(problems) > 0 {
		n.t.Fatal(problems)
	}
	n.store.Use(table)
}

// resumes reports whether a client's session went on at this node.
func (n *node) resumes(name string, version uint16, sessions tls.ClientSessionCache) bool {
	n.t.Helper()
	a, b := net.Pipe()
	defer a.Close()
	var session *cert.Session
	var serving sync.WaitGroup
	serving.Go(func() {
		defer b.Close()
		c := tls.Server(&cert.Socket{Conn: b}, n.store.Config())
		session, _ = n.store.Finish(c, c.Handshake())
		_, _ = io.WriteString(c, "hello")
		c.Close()
	})
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(n.keeper.Root())
	c := tls.Client(a, &tls.Config{ServerName: name, RootCAs: pool, InsecureSkipVerify: true, ClientSessionCache: sessions, MinVersion: version, MaxVersion: version})
	text, err := io.ReadAll(c) // the ticket of TLS 1.3 comes before it
	c.Close()
	serving.Wait()
	if err != nil || string(text) != "hello" || session == nil {
		n.t.Fatalf("%q, %v", text, err)
	}
	return session.Resumed
}

func secretsWith(t testing.TB, text string) (dir string) {
	dir = t.TempDir()
	writeSecret(t, dir, text)
	return dir
}

func writeSecret(t testing.TB, dir, text string) {
	t.Helper()
	if err := os.WriteFile(dir+"/tickets", []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestTicketsShared: nodes with one secret go on with each other's sessions, for as long as keys are accepted; keys change with the clock.
func TestTicketsShared(t *testing.T) {
	secrets, others := secretsWith(t, ticketSecret), secretsWith(t, "another secret of thirty-two bytes or more")
	t.Setenv("SKERRY_SECRET_TICKETS", strings.TrimSpace(ticketSecret))
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		synctest.Test(t, func(t *testing.T) {
			one, two := newNode(t, "", secrets, "file:tickets"), newNode(t, "", "", "env:SKERRY_SECRET_TICKETS")
			stranger, alone := newNode(t, "", others, "file:tickets"), newNode(t, "", "", "")
			f := func(why string, at *node, name string, kept *tls.ClientSessionState, want bool) {
				t.Helper()
				if got := at.resumes(name, version, &oneSession{kept}); got != want {
					t.Errorf("%x: %s: resumed %v", version, why, got)
				}
			}
			first := &oneSession{}
			one.resumes("a.example.com", version, first)
			kept := first.kept
			if kept == nil {
				t.Fatal("no ticket")
			}
			f("the same node", one, "a.example.com", kept, true)
			f("a node with the same secret", two, "a.example.com", kept, true)
			f("under another name", two, "b.example.com", kept, false)
			f("a node with another secret", stranger, "a.example.com", kept, false)
			f("a node without one", alone, "a.example.com", kept, false)
			time.Sleep(24 * time.Hour)
			f("two periods later", two, "a.example.com", kept, true)
			next := &oneSession{}
			two.resumes("a.example.com", version, next)
			f("a new key, the other node", one, "a.example.com", next.kept, true)
			time.Sleep(12 * time.Hour)
			f("three periods later", one, "a.example.com", kept, false)
			f("one period later", one, "a.example.com", next.kept, true)
		})
	}
}

// TestTicketsOfAClockAhead: a ticket sealed by a node that is in the next period already.
func TestTicketsOfAClockAhead(t *testing.T) {
	secrets := secretsWith(t, ticketSecret)
	kept := make(chan *tls.ClientSessionState, 1)
	sealed := func(after time.Duration) {
		synctest.Test(t, func(t *testing.T) {
			time.Sleep(after)
			one := &oneSession{}
			newNode(t, "", secrets, "file:tickets").resumes("a.example.com", tls.VersionTLS12, one)
			kept <- one.kept
		})
	}
	opened := func(want bool) {
		t.Helper()
		synctest.Test(t, func(t *testing.T) {
			time.Sleep(12*time.Hour - time.Minute)
			one := &oneSession{<-kept}
			if got := newNode(t, "", secrets, "file:tickets").resumes("a.example.com", tls.VersionTLS12, one); got != want {
				t.Errorf("resumed %v", got)
			}
		})
	}
	sealed(12*time.Hour + time.Minute)
	opened(true)
	sealed(24*time.Hour + time.Minute)
	opened(false)
}

// TestTicketSecretRenewed: another secret is taken up by a reload, and what the old one sealed is accepted until the end of the next period.
func TestTicketSecretRenewed(t *testing.T) {
	secrets := secretsWith(t, ticketSecret)
	synctest.Test(t, func(t *testing.T) {
		one := newNode(t, "", secrets, "file:tickets")
		old := &oneSession{}
		one.resumes("a.example.com", tls.VersionTLS13, old)
		writeSecret(t, secrets, strings.Repeat("n", 40))
		table, _ := one.keeper.Table(&one.spec)
		if c := one.keeper.Changed(table); len(c) != 0 {
			t.Errorf("changed: %v", c)
		}
		if c := one.keeper.Changed(one.store.Table()); len(c) != 1 || c[0] != "file:tickets" {
			t.Errorf("changed: %v", c)
		}
		one.take()
		fresh := newNode(t, "", secrets, "file:tickets")
		next := &oneSession{}
		f := func(why string, at *node, kept *tls.ClientSessionState, want bool) {
			t.Helper()
			if got := at.resumes("a.example.com", tls.VersionTLS13, &oneSession{kept}); got != want {
				t.Errorf("%s: resumed %v", why, got)
			}
		}
		f("what the old secret sealed", one, old.kept, true)
		f("where the old one was never known", fresh, old.kept, false)
		one.resumes("a.example.com", tls.VersionTLS13, next)
		f("what the new one sealed", fresh, next.kept, true)
		one.take() // the same once more forgets nothing
		time.Sleep(12 * time.Hour)
		f("a period later", one, old.kept, true)
		time.Sleep(12 * time.Hour)
		f("two periods later", one, old.kept, false)
		f("the new one then", one, next.kept, true)
	})
}

// TestTicketSecretProblems: a secret that cannot be used stops a table, and no message holds any of it.
func TestTicketSecretProblems(t *testing.T) {
	f := func(ref spec.Ref, text, want string) {
		t.Helper()
		k, err := cert.NewKeeper(cert.Options{Secrets: spec.Secrets{Dir: secretsWith(t, text)}, TicketSecret: ref})
		if err != nil {
			t.Fatal(err)
		}
		_, problems := k.Table(&spec.Spec{})
		if len(problems) != 1 || !strings.Contains(problems[0].Text, want) || strings.Contains(problems[0].String(), "s3cret") {
			t.Errorf("%s: %v", ref, problems)
		}
	}
	f("file:tickets", "s3cret\n", "--ticket-secret file:tickets: it has 6 bytes, at least 32 are needed")
	f("file:none", "s3cret", "--ticket-secret: file:none: no such file")
	f("s3cret", "", "--ticket-secret: the reference is neither")
}

// serveAsProcess is the other process of TestTicketsBetweenProcesses: it serves on a port that it prints, until its input ends.
func serveAsProcess() int {
	t := new(testing.T)
	n := newNode(t, os.Getenv("CERT_TEST_DATA"), "", "env:SKERRY_SECRET_TICKETS")
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 1
	}
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		l.Close()
	}()
	_, _ = os.Stdout.WriteString(l.Addr().String() + "\n")
	for {
		c, err := l.Accept()
		if err != nil {
			return 0
		}
		s := tls.Server(&cert.Socket{Conn: c}, n.store.Config())
		if _, r := n.store.Finish(s, s.Handshake()); r == cert.OK {
			_, _ = io.WriteString(s, "hello")
		}
		s.Close()
	}
}

// TestTicketsBetweenProcesses: two processes that share nothing but the secret (and the local CA, so that the client trusts both).
func TestTicketsBetweenProcesses(t *testing.T) {
	data := t.TempDir()
	newNode(t, data, "", "") // makes the local CA
	root, err := os.ReadFile(data + "/local-ca/ca.pem")
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(root)
	start := func(secret string) (addr string) {
		c := exec.Command(os.Args[0])
		c.Env = append(os.Environ(), "CERT_TEST_DATA="+data, "SKERRY_SECRET_TICKETS="+secret)
		in, err := c.StdinPipe()
		if err != nil {
			t.Fatal(err)
		}
		out, err := c.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			in.Close()
			if err := c.Wait(); err != nil {
				t.Error(err)
			}
		})
		addr, err = bufio.NewReader(out).ReadString('\n')
		if err != nil {
			t.Fatal(err)
		}
		return strings.TrimSpace(addr)
	}
	one, two, stranger := start(ticketSecret), start(ticketSecret), start(strings.Repeat("x", 32))
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		sessions := &oneSession{}
		f := func(addr string, want bool) {
			t.Helper()
			c, err := tls.Dial("tcp", addr, &tls.Config{ServerName: "a.example.com", RootCAs: pool, ClientSessionCache: sessions, MinVersion: version, MaxVersion: version})
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			_, err = io.ReadAll(c)
			if got := c.ConnectionState().DidResume; err != nil || got != want {
				t.Errorf("%x: resumed %v, %v", version, got, err)
			}
		}
		f(one, false)
		f(two, true)
		f(one, true)
		f(stranger, false)
	}
}
