package edge_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// What TestCacheChild is told by its parent: the cache's directory, and the origin.
const (
	killedDir    = "SKERRY_CACHE_CHILD"
	killedOrigin = "SKERRY_CACHE_CHILD_ORIGIN"
)

// TestCacheChild is the edge that TestSoakCacheKill runs as a process of its own: it serves until its input ends, or until it is killed. By
// itself it does nothing.
func TestCacheChild(t *testing.T) {
	dir := os.Getenv(killedDir)
	if dir == "" {
		return
	}
	opt := onDisk(dir)
	opt.Setting.CacheBytes, opt.Setting.CacheDiskBytes = 4<<20, 64<<20 // so that much comes from the disk, and leaves it
	opt.HTTPS, opt.Log = []string{"127.0.0.1:0"}, io.Discard
	e, _ := start(t, opt, fmt.Sprintf(cachedSpec, os.Getenv(killedOrigin), patient))
	_, secure := e.Addrs()
	fmt.Println("serving", secure[0])
	_, _ = io.Copy(io.Discard, os.Stdin) // it ends with the parent
	e.Hurry()
	e.Drain()
}

// killing is a campaign of edges that are killed one after the other on the same directory.
type killing struct {
	t       *testing.T
	dir     string
	origin  *numbered
	url     string
	hits    atomic.Int64
	wholes  atomic.Int64
	broken  atomic.Int64
	old     atomic.Int64 // hits of what an edge before had stored
	started uint64       // answers of the origin before this edge
	wrong   atomic.Int64
}

// life is one edge from its start to its end.
type life struct {
	*killing
	cmd     *exec.Cmd
	stdin   io.Closer
	clients [2]*http.Client // by protocol
}

// begin starts an edge and waits until it serves.
func (k *killing) begin() *life {
	l := &life{killing: k}
	self, err := os.Executable()
	must(k.t, err)
	l.cmd = exec.Command(self, "-test.run=^TestCacheChild$", "-test.timeout=1h")
	l.cmd.Env = append(os.Environ(), killedDir+"="+k.dir, killedOrigin+"="+k.url)
	l.cmd.Stderr = os.Stderr
	l.stdin, err = l.cmd.StdinPipe()
	must(k.t, err)
	out, err := l.cmd.StdoutPipe()
	must(k.t, err)
	must(k.t, l.cmd.Start())
	r := bufio.NewReader(out)
	line, err := r.ReadString('\n')
	parts := strings.Fields(line)
	if err != nil || len(parts) != 2 || parts[0] != "serving" {
		rest, _ := io.ReadAll(r)
		k.t.Fatalf("the child says %q, %v %s", line, err, rest)
	}
	go func() { _, _ = io.Copy(io.Discard, r) }() // ends with the child
	for i, protocol := range []string{"http/1.1", "h2"} {
		tr := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true, NextProtos: []string{protocol}}, MaxIdleConnsPerHost: 16, DisableCompression: true,
			Protocols: new(http.Protocols)}
		tr.Protocols.SetHTTP1(i == 0)
		tr.Protocols.SetHTTP2(i == 1)
		tr.DialContext = func(ctx context.Context, network, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, parts[1])
		}
		l.clients[i] = &http.Client{Transport: tr, Timeout: 3 * waiting}
	}
	l.started = uint64(k.origin.asked.Load())
	return l
}

// end kills the edge, or lets it end by itself.
func (l *life) end(kill bool) {
	if kill {
		_ = l.cmd.Process.Kill() // it runs
	} else {
		l.stdin.Close()
	}
	_ = l.cmd.Wait()
	for _, c := range l.clients {
		c.CloseIdleConnections()
	}
}

// load asks for pages until ctx ends or the edge does not answer any more.
func (l *life) load(ctx context.Context, rnd *rand.Rand) {
	for ctx.Err() == nil {
		size := []int{100, 3000, 30_000, 400_000, 2_000_000}[rnd.IntN(5)]
		path := fmt.Sprintf("/%d/%d", rnd.IntN([]int{10, 1000}[rnd.IntN(2)]), size) // some again and again, and more than the disk holds
		from, to := 0, size
		q, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://shop.test"+path, nil)
		if err != nil {
			l.t.Error(err)
			return
		}
		if rnd.IntN(5) == 0 {
			from = rnd.IntN(size)
			to = from + 1 + rnd.IntN(size-from)
			q.Header.Set("Range", fmt.Sprintf("bytes=%d-%d", from, to-1))
		}
		l.one(l.clients[rnd.IntN(2)], q, from, to)
	}
}

// one sends a request and judges what comes.
func (l *life) one(by *http.Client, q *http.Request, from, to int) {
	path := q.URL.Path
	r, err := by.Do(q)
	if err != nil {
		l.broken.Add(1)
		return
	}
	defer r.Body.Close()
	b, err := io.ReadAll(r.Body)
	g := served{r.StatusCode, r.Header, string(b), err}
	m, bad := readMark(g.header.Get("X-Mark"))
	if g.status == http.StatusBadGateway || g.status == http.StatusRequestedRangeNotSatisfiable {
		return
	}
	body := m.body()
	if g.status == http.StatusPartialContent {
		body = body[min(from, len(body)):min(to, len(body))]
	}
	switch {
	case bad != nil, m.uri != path, len(g.body) > len(body), g.body != body[:len(g.body)], g.err == nil && g.body != body:
		if l.wrong.Add(1) <= 5 {
			l.t.Errorf("%s, %d to %d: wrong bytes: %v, %v, %s", path, from, to, bad, &g, brief(g.body))
		}
	case g.err != nil:
		l.broken.Add(1)
	default:
		l.wholes.Add(1)
		if g.from() == "hit" {
			if l.hits.Add(1); m.n <= l.started {
				l.old.Add(1)
			}
		}
	}
}

// TestSoakCacheKill kills an edge at random moments under load, and starts another on its directory, five times, or for as long as the soak
// takes: no byte that anybody gets is wrong or of another answer, and what was stored before is found again.
func TestSoakCacheKill(t *testing.T) {
	length, seed := soakLength(t, 0, 10*time.Minute)
	rnd := rand.New(rand.NewPCG(seed, 0))
	k := &killing{t: t, dir: filepath.Join(t.TempDir(), "cache"), origin: &numbered{}}
	k.url = origin(t, k.origin.ServeHTTP)
	began, lives := time.Now(), 0
	// More than five where the machine is so slow that they had no time to store anything.
	for lives < 5 || time.Since(began) < length || k.old.Load() == 0 && lives < 20 {
		l, whole := k.begin(), k.wholes.Load()
		ctx, stop := context.WithCancel(t.Context())
		var all sync.WaitGroup
		for i := range 8 {
			all.Go(func() { l.load(ctx, rand.New(rand.NewPCG(seed, uint64(lives*100+i+1)))) })
		}
		time.Sleep(time.Duration(100+rnd.IntN(400)) * time.Millisecond)
		become(t, "a whole answer", func() bool { return k.wholes.Load() > whole })
		kill := lives%4 != 3
		if !kill {
			stop()
			all.Wait()
		}
		l.end(kill)
		stop()
		all.Wait()
		lives++
	}
	t.Logf("%d edges: %d whole answers, %d from the store, %d of them from an edge before; %d broke off; the origin was asked %d times",
		lives, k.wholes.Load(), k.hits.Load(), k.old.Load(), k.broken.Load(), k.origin.asked.Load())
	if k.old.Load() == 0 {
		t.Error("nothing survived")
	}
}
