package ftw_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"skerry.dev/skerry/waf/waftest"
)

// startPatience is how long an edge may take to say where it listens: a program of rules is built, on a busy machine.
const startPatience = 30 * time.Second

// edge serves the backend behind the edge, built from this tree and run as users run it.
func edge(t *testing.T) (addr net.Addr, events io.Reader) {
	t.Helper()
	origin := httptest.NewServer(waftest.Backend())
	t.Cleanup(origin.Close)
	return startEdge(t, spec(t, origin.URL))
}

// spec writes a spec that detects at paranoia 4 with the limits that the tests suppose, for every host that they name.
func spec(t *testing.T, origin string) (file string) {
	t.Helper()
	dir := t.TempDir()
	setup := strings.Replace(waftest.TestSetup, "ctl:ruleEngine=DetectionOnly,", "", 1) // the mode says it
	text := fmt.Sprintf(`apiVersion: skerry.dev/v1
kind: Entrypoint
metadata: {name: crs, owner: waf}
spec:
  hosts: [%s]
  profile: plain
  log: on
  requestID: on
  errors: problem
  service: %s
  waf:
    mode: detect
    paranoia: 4
    responses: on
    logValues: on
    cpuMax: 10s
    allow:
      methods: [GET, HEAD, POST, OPTIONS]
      contentTypes: [application/x-www-form-urlencoded, multipart/form-data, text/xml, application/xml, application/soap+xml, application/json]
      charsets: [utf-8, iso-8859-1, iso-8859-15, windows-1252]
    rules: [setup.conf]
`, strings.Join(hosts(t), ", "), origin)
	for name, text := range map[string]string{"spec.yaml": text, "setup.conf": setup} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return filepath.Join(dir, "spec.yaml")
}

// hosts returns the hosts of the tests, in quotes, that a spec may name; those of malformed fields are for the parser.
func hosts(t *testing.T) (names []string) {
	t.Helper()
	for _, tt := range waftest.Tests(t) {
		for _, s := range tt.Stages {
			host := waftest.ParseRequest(s.Raw()).Header("Host")
			if name, _, err := net.SplitHostPort(host); err == nil {
				host = name
			}
			if host = strings.Trim(host, "[]"); host != "" && !strings.Contains(host, "%") {
				names = append(names, fmt.Sprintf("%q", host))
			}
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// startEdge builds the edge and starts it on the spec. Its events are what it writes to standard output. It ends with the
// test.
func startEdge(t *testing.T, spec string) (addr net.Addr, events io.Reader) {
	t.Helper()
	bin := filepath.Join(t.TempDir(), "skerry")
	build := exec.Command("go", "build", "-o", bin, ".")
	build.Dir = "../.."
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	cmd := exec.Command(bin, "run", spec, "--http", "127.0.0.1:0", "--admin", "", "--drain-delay", "0s", "--log", "-",
		"--origin-allow", "127.0.0.0/8", "--connections-per-address", "1000")
	events, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	says, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill() // it may have ended; what it had to say has been read
		cmd.Wait()
	})
	return listening(t, says), events
}

// listening waits until the edge has said where it listens, and reads on, so that it can go on talking.
func listening(t *testing.T, says io.Reader) net.Addr {
	t.Helper()
	where := make(chan string, 1)
	said := make(chan string, 1)
	go func() {
		var all strings.Builder
		for s := bufio.NewScanner(says); s.Scan(); {
			all.WriteString(s.Text() + "\n")
			if a, ok := strings.CutPrefix(s.Text(), "skerry: http on "); ok {
				where <- a
			}
		}
		said <- all.String()
	}()
	select {
	case a := <-where:
		addr, err := net.ResolveTCPAddr("tcp", a)
		if err != nil {
			t.Fatal(err)
		}
		return addr
	case all := <-said:
		t.Fatalf("the edge ended:\n%s", all)
	case <-time.After(startPatience):
		t.Fatalf("the edge has not said where it listens within %v", startPatience)
	}
	return nil
}
