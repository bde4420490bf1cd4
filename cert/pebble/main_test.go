package pebble_test

import (
	"bufio"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"net/netip"
	"os"
	"os/exec"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"skerry.dev/skerry/cert"
	"skerry.dev/skerry/cli"
	"skerry.dev/skerry/edge"
	"skerry.dev/skerry/fault"
	"skerry.dev/skerry/plan"
	"skerry.dev/skerry/spec"
)

// childEnv is set in the process of an edge of its own.
const childEnv = "SKERRY_PEBBLE_CHILD"

func TestMain(m *testing.M) {
	if _, ok := os.LookupEnv(runEnv); ok {
		os.Exit(cli.Main(os.Args[1:]))
	}
	if text, ok := os.LookupEnv(childEnv); ok {
		if err := child(text); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	rand.Reader = longSerials{rand.Reader}
	// Pebble checks at once, and takes every nonce, unless a test says otherwise.
	for name, value := range map[string]string{"PEBBLE_VA_NOSLEEP": "1", "PEBBLE_WFE_NONCEREJECT": "0", "PEBBLE_AUTHZREUSE": "0"} {
		if err := os.Setenv(name, value); err != nil {
			panic(err)
		}
	}
	goleak.VerifyTestMain(m,
		goleak.IgnoreAnyFunction("github.com/letsencrypt/pebble/v2/va.VAImpl.processTasks")) // Pebble's has no end
}

// longSerials gives Pebble serial numbers of eight bytes. It does not find a certificate again, when it is to be replaced, whose number has
// seven and begins with a set bit: DER has a zero byte before it, and Pebble's table has not. One of 256 was such.
type longSerials struct{ io.Reader }

func (l longSerials) Read(p []byte) (int, error) {
	n, err := l.Reader.Read(p)
	if n == 8 && len(p) == 8 {
		p[0] |= 0x40
	}
	return n, err
}

// node is how an edge is started, in this process or in another one.
type node struct {
	HTTP, HTTPS, Data string
	CAs               []string
	Roots             string // PEM
	Hosts             []string
	Allow             []string
	Ask               string
	DNS               string // the server that takes updates
	bindings          map[string]cert.Binding
	profiles          map[string]string
}

func (n *node) options() edge.Options {
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM([]byte(n.Roots))
	opt := edge.Options{DrainTimeout: patience, Setting: plan.Setting{Data: n.Data, ACME: &cert.ACME{
		Email: "edge@skerry-tests.net", CAs: n.CAs, Roots: roots, Dir: n.Data + "/acme", Allow: n.Allow, Ask: n.Ask, Bindings: n.bindings, Profiles: n.profiles}}}
	if n.DNS != "" {
		updates, err := cert.NewUpdates(n.DNS, []byte("edge:c2tlcnJ5IHRlc3RzIGtlZXAgbm8gc2VjcmV0cw=="))
		if err != nil {
			panic(err)
		}
		opt.Setting.ACME.DNS, opt.Setting.ACME.Resolvers = updates, []netip.AddrPort{netip.MustParseAddrPort(n.DNS)}
	}
	if n.HTTP != "" {
		opt.HTTP = []string{n.HTTP}
	}
	if n.HTTPS != "" {
		opt.HTTPS = []string{n.HTTPS}
	}
	return opt
}

// start runs an edge whose entrypoint sends plain HTTP to HTTPS and answers "here".
func (n *node) start() (*edge.Edge, error) {
	opt := n.options()
	e, err := edge.New(opt)
	if err != nil {
		return nil, err
	}
	text := "apiVersion: skerry.dev/v1\nkind: Entrypoint\nmetadata: {name: site, owner: tests}\nspec:\n  hosts: [\"" + strings.Join(n.Hosts, "\", \"") +
		"\"]\n  redirect: https\n  routes:\n  - {name: all, respond: {body: here}}\n"
	s, problems := spec.Parse([]spec.File{{Name: "spec.yaml", Data: []byte(text)}})
	if len(problems) == 0 {
		problems = e.Activate(s)
	}
	if len(problems) > 0 {
		return nil, fault.Problems(problems)
	}
	return e, e.Start()
}

// child runs an edge until standard input ends.
func child(text string) error {
	var n node
	if err := json.Unmarshal([]byte(text), &n); err != nil {
		return err
	}
	e, err := n.start()
	if err != nil {
		return err
	}
	fmt.Println("ready")
	_, _ = io.Copy(io.Discard, os.Stdin)
	e.Hurry()
	e.Drain()
	return nil
}

// elsewhere runs a node in a process of its own until the test ends, or kills it.
func (n *node) elsewhere(t *testing.T) (kill func()) {
	t.Helper()
	text, err := json.Marshal(n)
	must(t, err)
	cmd := exec.Command(os.Args[0])
	cmd.Env, cmd.Stderr = append(os.Environ(), childEnv+"="+string(text)), os.Stderr
	in, err := cmd.StdinPipe()
	must(t, err)
	out, err := cmd.StdoutPipe()
	must(t, err)
	must(t, cmd.Start())
	killed := false
	t.Cleanup(func() {
		if killed {
			return
		}
		in.Close()
		if err := cmd.Wait(); err != nil {
			t.Errorf("the other process: %v", err)
		}
	})
	if line, err := bufio.NewReader(out).ReadString('\n'); err != nil || line != "ready\n" {
		t.Fatalf("the other process said %q, %v", line, err)
	}
	return func() {
		killed = true
		must(t, cmd.Process.Kill())
		_ = cmd.Wait() // it does nothing more
	}
}

// here runs a node in this process until the test ends.
func (n *node) here(t *testing.T) *edge.Edge {
	t.Helper()
	e, err := n.start()
	must(t, err)
	t.Cleanup(func() {
		e.Hurry()
		e.Drain()
	})
	return e
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
