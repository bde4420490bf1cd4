package cli_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/coder/websocket"
)

// replaceDoc is what the edges of these tests serve; the gap is the origin.
const replaceDoc = `apiVersion: skerry.dev/v1
kind: Entrypoint
metadata: {name: shop}
spec:
  hosts: [shop.test]
  limit: off
  redirect: off
  websocket: on
  bodyMax: 100MB
  service: http://%s
`

// row is a row of processes that replace each other, and its origin. The newest is the one that is signalled.
type row struct {
	t        *testing.T
	dir      string
	program  string // the path at which every process of the row is started
	ticks    chan string
	slow     chan struct{} // closed: what is below /slow/ answers
	within   chan struct{} // one for each request that is below /slow/
	versions versions      // what is below /v/
	newest   int
	read     int // of the log, so far
	addrs    map[string]string
}

// newRow makes the directory, the program and the origin; start is next.
func newRow(t *testing.T) *row {
	r := &row{t: t, dir: t.TempDir(), ticks: make(chan string), slow: make(chan struct{}), within: make(chan struct{}, 1000), addrs: map[string]string{},
		versions: versions{now: map[string]int{}, asked: map[string]int{}}}
	found, err := exec.LookPath("skerry")
	if err != nil {
		t.Fatal(err)
	}
	r.program = filepath.Join(r.dir, "skerry")
	if os.Link(found, r.program) != nil {
		data, err := os.ReadFile(found)
		if err == nil {
			err = os.WriteFile(r.program, data, 0o755)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	origin := httptest.NewServer(r)
	t.Cleanup(origin.Close)
	doc := fmt.Sprintf(replaceDoc, origin.Listener.Addr())
	if err := os.WriteFile(filepath.Join(r.dir, "shop.yaml"), []byte(doc), 0o644); err != nil {
		t.Fatal(err)
	}
	return r
}

// ServeHTTP is the origin.
func (r *row) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	switch path := req.URL.Path; {
	case path == "/chat":
		c, err := websocket.Accept(w, req, &websocket.AcceptOptions{InsecureSkipVerify: true})
		if err != nil {
			return
		}
		for {
			kind, b, err := c.Read(context.Background())
			if err != nil || c.Write(context.Background(), kind, b) != nil {
				return
			}
		}
	case path == "/ticks":
		flush := http.NewResponseController(w)
		for flush.Flush() == nil {
			select {
			case text := <-r.ticks:
				io.WriteString(w, text)
			case <-req.Context().Done():
				return
			}
		}
	case strings.HasPrefix(path, "/half/"):
		body := large()
		w.Write(body[:len(body)/2]) // who does not get it says so
		http.NewResponseController(w).Flush()
		r.within <- struct{}{}
		<-r.slow
		w.Write(body[len(body)/2:])
	case strings.HasPrefix(path, "/v/"):
		r.versions.ServeHTTP(w, req)
	case req.Method == "POST":
		sum := sha256.New()
		if _, err := io.Copy(sum, req.Body); err == nil {
			fmt.Fprintf(w, "answer to %s: %x", req.URL.Path, sum.Sum(nil))
		}
	case strings.HasPrefix(path, "/slow/"):
		r.within <- struct{}{}
		<-r.slow
		fallthrough
	default:
		io.WriteString(w, "answer to "+req.URL.Path)
	}
}

// large is a body that does not fit into any buffer on its way.
var large = sync.OnceValue(func() []byte {
	b := make([]byte, 4<<20)
	rand.NewChaCha8([32]byte{}).Read(b)
	return b
})

// start starts the first process; with a shell in front of it if there is one, which must exec the program with "$@".
func (r *row) start(shell string, files []*os.File, args ...string) {
	r.t.Helper()
	args = append([]string{"run", "shop.yaml", "--admin", "127.0.0.1:0", "--log", "", "--data", "data", "--drain-delay", "0s"}, args...)
	cmd := exec.Command(r.program, args...)
	if shell != "" {
		cmd = exec.Command("sh", append([]string{"-c", shell, r.program}, args...)...)
	}
	errs, err := os.Create(filepath.Join(r.dir, "err"))
	if err != nil {
		r.t.Fatal(err)
	}
	defer errs.Close()
	all, alive, err := os.Pipe() // every process of the row has the one end, so that the other tells when none is left
	if err != nil {
		r.t.Fatal(err)
	}
	defer alive.Close()
	r.read = 0
	cmd.Dir, cmd.Stdout, cmd.Stderr, cmd.ExtraFiles = r.dir, alive, errs, files
	// The fixture calls itself skerry, without the path at which it was started.
	cmd.Env = append(os.Environ(), "PATH="+r.dir+string(os.PathListSeparator)+os.Getenv("PATH"))
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		all.Close()
		r.t.Fatal(err)
	}
	r.newest = cmd.Process.Pid
	r.t.Cleanup(func() {
		syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) // the group: every process of the row
		cmd.Wait()                                      // its outcome is known
		all.SetReadDeadline(time.Now().Add(patience))
		if _, err := io.Copy(io.Discard, all); err != nil { // what goes on may write to a directory that is being removed
			r.t.Errorf("not every process of the row has ended: %v", err)
		}
		all.Close()
		if r.t.Failed() {
			text, _ := os.ReadFile(filepath.Join(r.dir, "err"))
			r.t.Logf("standard error:\n%s", text)
		}
	})
	r.await(`admin on http://`)
	for _, m := range regexp.MustCompile(`(?m)^skerry: (https?|admin|h2c) on (?:http://)?([0-9.:]+)`).FindAllStringSubmatch(r.text(0), -1) {
		r.addrs[m[1]] = m[2]
	}
}

func (r *row) text(from int) string {
	b, err := os.ReadFile(filepath.Join(r.dir, "err"))
	if err != nil {
		r.t.Fatal(err)
	}
	return string(b[min(from, len(b)):])
}

// await waits for a match in what is written from the last one on, and returns its groups.
func (r *row) await(pattern string) []string {
	r.t.Helper()
	re := regexp.MustCompile(pattern)
	for by := time.Now().Add(patience); ; time.Sleep(5 * time.Millisecond) {
		text := r.text(r.read)
		if m := re.FindStringSubmatchIndex(text); m != nil {
			r.read += m[1]
			var groups []string
			for i := 2; i < len(m); i += 2 {
				groups = append(groups, text[m[i]:m[i+1]])
			}
			return groups
		}
		if time.Now().After(by) {
			r.t.Fatalf("after %v: no match of %q", patience, pattern)
		}
	}
}

// free waits until no process has the directories.
func (r *row) free() {
	r.t.Helper()
	for _, name := range []string{"process.lock", "cache/lock"} {
		f, err := os.Open(filepath.Join(r.dir, "data", name))
		if err == nil {
			defer f.Close()
			err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX)
		}
		if err != nil {
			r.t.Fatal(err)
		}
	}
}

func (r *row) signal(s syscall.Signal) {
	r.t.Helper()
	if err := syscall.Kill(r.newest, s); err != nil {
		r.t.Fatal(err)
	}
}

// replace has the newest process replaced and returns its number.
func (r *row) replace() (old int) {
	r.t.Helper()
	r.signal(syscall.SIGUSR2)
	old = r.newest
	r.newest, _ = strconv.Atoi(r.await(fmt.Sprintf(`process %d is replaced by process (\d+);`, old))[0])
	r.awaitAll(fmt.Sprintf(`data taken: process %d has`, r.newest), 1)
	return old
}

// awaitAll waits until so many matches are in all that was written.
func (r *row) awaitAll(pattern string, n int) {
	r.t.Helper()
	re := regexp.MustCompile(pattern)
	for by := time.Now().Add(patience); len(re.FindAllString(r.text(0), -1)) < n; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(by) {
			r.t.Fatalf("after %v: no %d matches of %q", patience, n, pattern)
		}
	}
}

// awaitRetired waits until the newest process says that so many of those before it are still there.
func (r *row) awaitRetired(n int) {
	r.t.Helper()
	r.awaitShown("/metrics", fmt.Sprintf("\nskerry_retired_processes %d\n", n))
}

// awaitShown waits until a page of the admin address, of the process that accepts, has something.
func (r *row) awaitShown(page, what string) {
	r.t.Helper()
	for by := time.Now().Add(patience); ; time.Sleep(5 * time.Millisecond) {
		_, text, err := get("http://" + r.addrs["admin"] + page)
		if err == nil && strings.Contains(text, what) {
			return
		}
		if time.Now().After(by) {
			r.t.Fatalf("after %v: %s does not show %q (%v)", patience, page, what, err)
		}
	}
}

// install puts another program in the place of the one at the row's path, and returns what puts it back.
func (r *row) install(script string) (restore func()) {
	r.t.Helper()
	kept := r.program + ".kept"
	err := os.Rename(r.program, kept)
	if err == nil {
		err = os.WriteFile(r.program, []byte("#!/bin/sh\n"+script+"\n"), 0o755)
	}
	if err != nil {
		r.t.Fatal(err)
	}
	return func() {
		if err := errors.Join(os.RemoveAll(r.program), os.Rename(kept, r.program)); err != nil {
			r.t.Fatal(err)
		}
	}
}

// trusting is how clients do TLS with the row.
func (r *row) trusting() *tls.Config {
	r.t.Helper()
	resp, err := tls.Dial("tcp", r.addrs["https"], &tls.Config{ServerName: "shop.test", InsecureSkipVerify: true}) // has the root made
	if err != nil {
		r.t.Fatal(err)
	}
	resp.Close()
	text, err := os.ReadFile(filepath.Join(r.dir, "data", "local-ca", "ca.pem"))
	if err != nil {
		r.t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(text)
	return &tls.Config{ServerName: "shop.test", RootCAs: pool}
}

// get sends one request over a connection of its own.
func (r *row) get(path string) error {
	c, err := net.Dial("tcp", r.addrs["http"])
	if err != nil {
		return err
	}
	defer c.Close()
	fmt.Fprintf(c, "GET %s HTTP/1.1\r\nHost: shop.test\r\nConnection: close\r\n\r\n", path)
	b, err := io.ReadAll(c)
	if err == nil && (!bytes.HasPrefix(b, []byte("HTTP/1.1 200 ")) || !bytes.HasSuffix(b, []byte("answer to "+path))) {
		err = fmt.Errorf("it got %q", b)
	}
	return err
}

// chat opens a WebSocket.
func (r *row) chat() *websocket.Conn {
	r.t.Helper()
	c, _, err := websocket.Dial(r.t.Context(), "ws://"+r.addrs["http"]+"/chat", &websocket.DialOptions{Host: "shop.test"})
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { c.CloseNow() })
	r.echo(c, "first")
	return c
}

func (r *row) echo(c *websocket.Conn, text string) {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(r.t.Context(), patience)
	defer cancel()
	if err := c.Write(ctx, websocket.MessageText, []byte(text)); err != nil {
		r.t.Fatal(err)
	}
	if _, b, err := c.Read(ctx); err != nil || string(b) != text {
		r.t.Fatalf("the echo of %q is %q, %v", text, b, err)
	}
}

// faults are the requests that failed.
type faults struct {
	mu    sync.Mutex
	count int
	first []string
}

func (f *faults) add(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.count++; f.count <= 5 {
		f.first = append(f.first, err.Error())
	}
}

func (f *faults) check(t *testing.T) {
	t.Helper()
	if f.count > 0 {
		t.Errorf("%d requests failed, the first:\n%s", f.count, strings.Join(f.first, "\n"))
	}
}

// runSkerry runs a command to its end.
func runSkerry(dir string, args ...string) (out string, err error) {
	cmd := exec.Command("skerry", args...)
	cmd.Dir = dir
	b, err := cmd.CombinedOutput()
	return string(b), err
}
