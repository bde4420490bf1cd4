package cli_test

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
)

// TestReplaceEverySocket: sockets of every kind, several of each, of both families, for both families at once, behind a balancer, and
// from systemd, stay the same ones through two replacements, and all of them serve.
func TestReplaceEverySocket(t *testing.T) {
	r := newRow(t)
	given, givenAddr := shortQueue(t, 8)
	givenAdmin, adminAddr := shortQueue(t, 8)
	args := []string{"--upgrade-trial", "0s", "--trusted-proxies", "127.0.0.0/8", "--trusted-proxies", "::1/128", "--proxy-protocol", "localhost:0",
		"--http", givenAddr, "--admin", adminAddr, "--admin", "[::1]:0", "--h2c", "localhost:0"}
	for _, flag := range []string{"--http", "--https", "--h2c"} {
		args = append(args, flag, "127.0.0.1:0", flag, "127.0.0.1:0", flag, "[::1]:0", flag, ":0")
	}
	const lines = 4 + 3*4 + 1 // and --admin of start
	r.start(`LISTEN_PID=$$ LISTEN_FDS=2 exec "$0" "$@"`, []*os.File{given, givenAdmin}, args...)
	line := regexp.MustCompile(`(?m)^skerry: (https?|h2c|admin) on (?:http://)?([^/\s]+)/?$`)
	var first string
	for processes := range 3 {
		if processes > 0 {
			r.replace()
		}
		r.awaitAll(line.String(), lines*(processes+1))
		all := line.FindAllStringSubmatch(r.text(0), -1)[lines*processes:]
		var kinds, addrs []string
		for _, m := range all {
			kinds, addrs = append(kinds, m[1]), append(addrs, m[2])
		}
		if got := fmt.Sprint(kinds, addrs); processes == 0 {
			first = got
		} else if got != first {
			t.Errorf("process %d listens on\n%s\nthe first one on\n%s", processes, got, first)
		}
		proxied := slices.Index(kinds, "h2c") // the flag for it stands before the others
		for i, addr := range addrs {
			for _, at := range bothFamilies(addr) {
				if err := r.serves(kinds[i], at, i == proxied); err != nil {
					t.Errorf("process %d, %s on %s: %v", processes, kinds[i], at, err)
				}
			}
		}
	}
	if strings.Contains(r.text(0), "no flag says what for") {
		t.Error("a socket was closed")
	}
}

// bothFamilies are the addresses at which one can be reached.
func bothFamilies(addr string) []string {
	if port, ok := strings.CutPrefix(addr, "[::]:"); ok {
		return []string{"127.0.0.1:" + port, "[::1]:" + port}
	}
	return []string{addr}
}

// serves sends a request by HTTP/1.1 over a connection of its own.
func (r *row) serves(kind, addr string, proxied bool) error {
	c, err := net.Dial("tcp", addr)
	if err != nil {
		return err
	}
	defer c.Close()
	if proxied {
		if _, err := io.WriteString(c, "PROXY TCP4 203.0.113.7 198.51.100.1 4444 443\r\n"); err != nil {
			return err
		}
	}
	host, path, want := "shop.test", "/x", "answer to /x"
	if kind == "admin" {
		host, path, want = "localhost", "/readyz", "ready"
	}
	if kind == "https" {
		c = tls.Client(c, &tls.Config{ServerName: "shop.test", InsecureSkipVerify: true})
	}
	if _, err := fmt.Fprintf(c, "GET %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n", path, host); err != nil {
		return err
	}
	b, err := io.ReadAll(c)
	if err == nil && (!strings.HasPrefix(string(b), "HTTP/1.1 200 ") || !strings.Contains(string(b), want)) {
		err = fmt.Errorf("it got %q", b)
	}
	return err
}

// TestReplaceOldDies: when the old process is killed while the new one is on trial the new one is the service: it serves, takes --data, and
// can be replaced itself.
func TestReplaceOldDies(t *testing.T) {
	r := newRow(t)
	r.start("", nil, "--http", "127.0.0.1:0", "--upgrade-trial", "1h")
	r.signal(syscall.SIGUSR2)
	pid := r.await(`replace ready: process (\d+) serves`)[0]
	r.signal(syscall.SIGKILL)
	r.await(`data taken: process ` + pid + ` has`)
	r.awaitAll(`retired ended: process \d+, which was replaced, has ended; skerry_retired_processes is 0`, 1)
	if err := r.get("/x"); err != nil {
		t.Error(err)
	}
	if _, err := fmt.Sscan(pid, &r.newest); err != nil {
		t.Fatal(err)
	}
	r.signal(syscall.SIGUSR2)
	r.await(`replace ready: process (\d+) serves`)
	r.signal(syscall.SIGTERM)
	r.await(`stopped: every connection ended by itself`)
	if err := r.get("/x"); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("behind the end of all: %v", err)
	}
}
