//go:build !race

// The race detector has memory of its own, several times the program's.

package cli_test

import (
	"bufio"
	"context"
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
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// stormAnswers is how many are to be served in the storm, and how many refused: on a busy machine it lasts longer.
const stormAnswers = 50

// stormed is an edge in a process of its own that is to live with little memory.
type stormed struct {
	t      *testing.T
	cmd    *exec.Cmd
	http   string
	admin  string
	status [600]atomic.Int64 // answers, by their status
	broken atomic.Int64      // connections that ended without one
}

// stormSpec is a service without a limit by address, since all clients are here.
const stormSpec = `apiVersion: skerry.dev/v1
kind: Entrypoint
metadata: {name: shop}
spec:
  hosts: [shop.test]
  redirect: off
  limit: off
  waf: {bodyBytesMax: 4MB, allow: {methods: [GET, POST]}}
  service: %s
`

// startStormed starts skerry run with little memory.
func startStormed(t *testing.T, origin, limit string) *stormed {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "shop.yaml"), fmt.Appendf(nil, stormSpec, origin), 0o600); err != nil {
		t.Fatal(err)
	}
	s := &stormed{t: t, cmd: exec.Command("skerry", "run", "shop.yaml", "--http", "127.0.0.1:0", "--admin", "127.0.0.1:0", "--memory", limit,
		"--connections-per-address", "1000", "--log", "", "--drain-delay", "0s", "--drain-timeout", "1s")}
	s.cmd.Dir = dir
	stderr, err := s.cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(stderr)
	for s.admin == "" && lines.Scan() {
		t.Log(lines.Text())
		if addr, ok := strings.CutPrefix(lines.Text(), "skerry: http on "); ok {
			s.http = addr
		}
		if url, ok := strings.CutPrefix(lines.Text(), "skerry: admin on "); ok {
			s.admin = url
		}
	}
	said := make(chan struct{})
	go func() {
		defer close(said)
		for lines.Scan() {
			t.Log(lines.Text())
		}
	}()
	t.Cleanup(func() {
		_ = s.cmd.Process.Signal(syscall.SIGTERM)
		<-said
		if err := s.cmd.Wait(); err != nil {
			t.Errorf("the edge ended with %v", err)
		}
	})
	if s.admin == "" {
		t.Fatal("the edge does not start")
	}
	return s
}

// resident is the memory of the edge's process that no file backs, in bytes.
func (s *stormed) resident() int64 {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.cmd.Process.Pid))
	if err != nil {
		s.t.Fatal(err)
	}
	found := regexp.MustCompile(`RssAnon:\s*(\d+) kB`).FindSubmatch(status)
	if found == nil {
		s.t.Fatalf("no RssAnon in %s", status)
	}
	kb, _ := strconv.ParseInt(string(found[1]), 10, 64)
	return kb << 10
}

// upload sends one request with a body that never ends before its client gives up, and takes the answer.
func (s *stormed) upload(ctx context.Context, kind string, r *rand.Rand) {
	d := net.Dialer{Timeout: 5 * time.Second}
	c, err := d.DialContext(ctx, "tcp", s.http)
	if err != nil {
		return
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(5 * time.Second))
	defer context.AfterFunc(ctx, func() { c.Close() })()
	size := 100_000 + r.IntN(3<<20)
	fmt.Fprintf(c, "POST /upload HTTP/1.1\r\nHost: shop.test\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n", kind, size)
	sent := make(chan struct{})
	go func() {
		defer close(sent)
		piece := []byte("a=" + strings.Repeat("word", 4<<10) + "&")
		for left := size; left > 0; left -= len(piece) {
			if _, err := c.Write(piece[:min(left, len(piece))]); err != nil {
				return
			}
		}
	}()
	resp, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		if ctx.Err() == nil {
			s.broken.Add(1)
		}
	} else {
		s.status[resp.StatusCode].Add(1)
		_, _ = io.Copy(io.Discard, resp.Body) // how it ends is told by the status
		resp.Body.Close()
	}
	c.Close()
	<-sent
}

// idle holds a connection that says half a head, again and again.
func (s *stormed) idle(ctx context.Context) {
	for ctx.Err() == nil {
		c, err := net.DialTimeout("tcp", s.http, 5*time.Second)
		if err != nil {
			continue
		}
		stop := context.AfterFunc(ctx, func() { c.Close() })
		_, _ = io.WriteString(c, "GET / HTTP/1.1\r\nHost: shop.te")
		_, _ = io.Copy(io.Discard, c) // until it is closed
		stop()
		c.Close()
		select {
		case <-ctx.Done():
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// TestMemoryStorm: an edge that may have little memory stays below it, whatever clients upload and however many there are, says 503
// where there is no room, and serves as before when they are gone.
func TestMemoryStorm(t *testing.T) {
	t.Run("128MB", func(t *testing.T) { storm(t, "128MB", 128<<20) })
	t.Run("64MB", func(t *testing.T) { storm(t, "64MB", 64<<20) })
}

func storm(t *testing.T, text string, limit int64) {
	if _, err := os.Stat("/proc/self/status"); err != nil {
		t.Skip("only /proc says what a process has: " + err.Error())
	}
	slow := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			select { // it takes nothing for a while
			case <-time.After(200 * time.Millisecond):
			case <-r.Context().Done():
			}
			_, _ = io.Copy(io.Discard, r.Body) // the client may have gone
		}
		_, _ = io.WriteString(w, "done")
	}))
	defer slow.Close()
	s := startStormed(t, slow.URL, text)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d; before the storm %d MB", seed, s.resident()>>20)
	var wg sync.WaitGroup
	for i := range 200 {
		kind := []string{"application/x-www-form-urlencoded", "application/octet-stream"}[i%2]
		r := rand.New(rand.NewPCG(seed, uint64(i)))
		wg.Go(func() {
			for ctx.Err() == nil {
				s.upload(ctx, kind, r)
			}
		})
	}
	for range 300 {
		wg.Go(func() { s.idle(ctx) })
	}
	most := int64(0)
	enough := func() bool { return min(s.status[200].Load(), s.status[503].Load()) >= stormAnswers }
	for began := time.Now(); time.Since(began) < patience && (time.Since(began) < 2*time.Second || !enough()); time.Sleep(20 * time.Millisecond) {
		most = max(most, s.resident())
	}
	cancel()
	wg.Wait()
	t.Logf("at most %d MB; %d answers of 200, %d of 503, %d broken off", most>>20, s.status[200].Load(), s.status[503].Load(), s.broken.Load())
	if most > limit {
		t.Errorf("%d bytes are resident, more than the limit", most)
	}
	if !enough() {
		t.Errorf("fewer than %d were refused, or served", stormAnswers)
	}
	c := &http.Client{Timeout: 5 * time.Second}
	for good, give := 0, time.Now().Add(patience); good < 10; {
		req, err := http.NewRequest("GET", "http://"+s.http+"/", nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Host = "shop.test"
		resp, err := c.Do(req)
		if good++; err != nil || resp.StatusCode != 200 {
			good = 0
		}
		if err == nil {
			resp.Body.Close()
		}
		if time.Now().After(give) {
			t.Fatalf("after the storm: %v", err)
		}
	}
	c.CloseIdleConnections()
	t.Logf("after the storm %d MB", s.resident()>>20)
}
