package cli_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// versions is the origin of what the cache stores: each name has a version, which its answers say, and which a POST makes a newer one.
type versions struct {
	mu    sync.Mutex
	now   map[string]int
	asked map[string]int
}

func (v *versions) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	v.mu.Lock()
	if r.Method == "POST" {
		v.now[r.URL.Path]++
	} else {
		v.asked[r.URL.Path]++
	}
	text := "version " + strconv.Itoa(v.now[r.URL.Path])
	v.mu.Unlock()
	w.Header().Set("Cache-Control", "public, max-age=3600")
	w.Header().Set("CDN-Cache-Control", "max-age=3600, stale-while-revalidate=3600, stale-if-error=3600")
	if w.Header().Set("ETag", strconv.Quote(text)); r.Header.Get("If-None-Match") == strconv.Quote(text) {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	io.WriteString(w, text)
}

// bump makes a newer version without telling anybody.
func (v *versions) bump(path string) int {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.now[path]++
	return v.now[path]
}

// gets is how often a path was asked for.
func (v *versions) gets(path string) int {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.asked[path]
}

// visitor is one connection of HTTP/1.1, to whichever process accepts it.
type visitor struct {
	net.Conn
	in *bufio.Reader
}

func (r *row) visit() *visitor {
	r.t.Helper()
	c, err := net.Dial("tcp", r.addrs["http"])
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { c.Close() })
	return &visitor{c, bufio.NewReader(c)}
}

// ask sends a request and returns the version that its answer says, and its Cache-Status.
func (v *visitor) ask(method, path string) (version int, status string, closes bool, err error) {
	if _, err = fmt.Fprintf(v, "%s %s HTTP/1.1\r\nHost: shop.test\r\nContent-Length: 0\r\n\r\n", method, path); err != nil {
		return 0, "", false, err
	}
	resp, err := http.ReadResponse(v.in, nil)
	if err != nil {
		return 0, "", false, err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != 200 {
		return 0, "", false, fmt.Errorf("%s %s: %s: %s, %v", method, path, resp.Status, b, err)
	}
	version, err = strconv.Atoi(strings.TrimPrefix(string(b), "version "))
	return version, resp.Header.Get("Cache-Status"), resp.Close, err
}

// says asks for a path and compares the version, and a part of its Cache-Status.
func (v *visitor) says(t *testing.T, method, path string, want int, status string) {
	t.Helper()
	version, got, _, err := v.ask(method, path)
	if err != nil || version != want || !strings.Contains(got, status) {
		t.Errorf("%s %s: version %d, Cache-Status %q, %v; want %d, %q", method, path, version, got, err, want, status)
	}
}

// purge purges a path by the admin address, and returns the status of the answer with its text.
func (r *row) purge(c *http.Client, path string) (status int, text string, err error) {
	body, _ := json.Marshal(map[string]any{"kind": "url", "host": "shop.test", "value": path})
	resp, err := c.Post("http://"+r.addrs["admin"]+"/api/v1/cache/purges", "application/json", bytes.NewReader(body))
	if err != nil {
		return 0, "", err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	return resp.StatusCode, string(b), err
}

// purged purges a path behind the test's back.
func (r *row) purged(c *http.Client, path string) <-chan string {
	answer := make(chan string, 1)
	go func() {
		status, text, err := r.purge(c, path)
		answer <- fmt.Sprint(status, " ", err, " ", text)
	}()
	return answer
}

// operator is a client of the admin address; one that is not kept asks over a new connection each time.
func (r *row) operator(kept bool) *http.Client {
	t := &http.Transport{DisableKeepAlives: !kept}
	r.t.Cleanup(t.CloseIdleConnections)
	return &http.Client{Transport: t, Timeout: patience}
}

// still checks that nothing has come of a purge yet.
func still(t *testing.T, answer <-chan string) {
	t.Helper()
	select {
	case text := <-answer:
		t.Fatalf("a purge while two processes are there: %s", text)
	default:
	}
}

var diskArgs = []string{"--http", "127.0.0.1:0", "--cache-disk", "16MB"}

// TestReplaceKeepsDisk: what lies on disk is there after a replacement and after a restart, without what was made out of date meanwhile.
func TestReplaceKeepsDisk(t *testing.T) {
	r := newRow(t)
	r.start("", nil, append(diskArgs, "--upgrade-trial", "3s")...) // what is asked on trial must be answered on trial
	c := r.visit()
	for _, path := range []string{"/v/kept", "/v/posted", "/v/anew"} {
		c.says(t, "GET", path, 0, "stored")
	}
	c.Close()
	for range 3 {
		r.signal(syscall.SIGUSR2)
		old := r.newest
		r.newest, _ = strconv.Atoi(r.await(`replace ready: process (\d+) serves`)[0])
		c = r.visit()
		v := r.versions.bump("/v/anew")
		c.says(t, "GET", "/v/anew", v, "stored") // its memory is empty
		c.says(t, "POST", "/v/posted", r.versions.now["/v/posted"]+1, "fwd=method")
		r.await(fmt.Sprintf(`process %d is replaced by process %d;`, old, r.newest))
		r.awaitAll(fmt.Sprintf(`data taken: process %d has`, r.newest), 1)
		r.await(`was read: \d+ objects`)
		c.says(t, "GET", "/v/anew", v, "hit")
		c.says(t, "GET", "/v/kept", 0, "hit")
		c.says(t, "GET", "/v/posted", r.versions.now["/v/posted"], "stored")
		c.Close()
	}
	if n := r.versions.gets("/v/kept"); n != 1 {
		t.Errorf("the origin was asked %d times for what is on disk", n)
	}
	v := r.versions.bump("/v/posted")
	if status, text, err := r.purge(r.operator(false), "/v/posted"); status != 200 {
		t.Errorf("a purge: %d, %v: %s", status, err, text)
	}
	r.signal(syscall.SIGKILL)
	r.free()
	r.start("", nil, append(diskArgs, "--upgrade-trial", "500ms")...)
	for by := time.Now().Add(patience); ; time.Sleep(5 * time.Millisecond) {
		if _, text, err := get("http://" + r.addrs["admin"] + "/api/v1/events"); err == nil && strings.Contains(text, "was read: ") {
			break
		} else if time.Now().After(by) {
			t.Fatalf("the disk is not read: %s, %v", text, err)
		}
	}
	c = r.visit()
	c.says(t, "GET", "/v/kept", 0, "hit")
	c.says(t, "GET", "/v/posted", v, "stored")
}

// TestPurgeOnTrial: while two processes are there neither acknowledges a purge, and the old one asks the origin for everything.
func TestPurgeOnTrial(t *testing.T) {
	r := newRow(t)
	r.start("", nil, append(diskArgs, "--upgrade-trial", "1h")...) // it ends by a kill
	kept := r.operator(true)
	old := r.visit()
	old.says(t, "GET", "/v/a", 0, "stored")
	old.says(t, "GET", "/v/b", 0, "stored")
	old.says(t, "GET", "/v/a", 0, "hit")
	if status, text, err := r.purge(kept, "/v/none"); status != 200 {
		t.Errorf("%d, %v: %s", status, err, text)
	}

	r.signal(syscall.SIGUSR2)
	pid, _ := strconv.Atoi(r.await(`replace ready: process (\d+) serves`)[0])
	byOld, byNew := r.purged(kept, "/v/a"), r.purged(r.operator(false), "/v/b")
	old.says(t, "GET", "/v/a", 0, "fwd=bypass; detail=replaced")
	next := r.visit()
	next.says(t, "GET", "/v/b", 0, "stored")
	next.says(t, "POST", "/v/b", 1, "fwd=method")
	a := r.versions.bump("/v/a")
	old.says(t, "GET", "/v/b", 1, "detail=replaced")
	r.awaitShown("/debug/pprof/goroutine?debug=1", ".(*gate).enter") // it has come, before the kill
	still(t, byOld)
	still(t, byNew)
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	if text := <-byNew; !strings.HasPrefix(text, "0 ") {
		t.Errorf("who had asked the new process, which died, hears: %s", text)
	}
	if text := <-byOld; !strings.HasPrefix(text, "200 ") {
		t.Errorf("who had asked the old process, which goes on, hears: %s", text)
	}
	r.await(`replace failed: `)
	old.says(t, "GET", "/v/a", a, "stored")
	old.says(t, "GET", "/v/b", 1, "fwd=stale")
	old.says(t, "GET", "/v/b", 1, "hit")
}

// TestPurgeAcknowledged: a purge of a process on trial is acknowledged when that has taken over, and then no process answers what it met.
func TestPurgeAcknowledged(t *testing.T) {
	r := newRow(t)
	r.start("", nil, append(diskArgs, "--upgrade-trial", "5s")...) // purges must come and wait on trial
	kept := r.operator(true)
	old := r.visit()
	old.says(t, "GET", "/v/a", 0, "stored")
	old.says(t, "GET", "/v/b", 0, "stored")
	if status, text, err := r.purge(kept, "/v/none"); status != 200 {
		t.Errorf("%d, %v: %s", status, err, text)
	}
	ctx, leave := context.WithCancel(t.Context())
	r.signal(syscall.SIGUSR2)
	before := r.newest
	r.newest, _ = strconv.Atoi(r.await(`replace ready: process (\d+) serves`)[0])
	byOld := r.purged(kept, "/v/a")
	v := r.versions.bump("/v/b")
	body := strings.NewReader(`{"kind":"url","host":"shop.test","value":"/v/kept"}`)
	left, _ := http.NewRequestWithContext(ctx, "POST", "http://"+r.addrs["admin"]+"/api/v1/cache/purges", body)
	left.Header.Set("Content-Type", "application/json")
	gone := make(chan error, 1)
	go func() {
		_, err := r.operator(false).Do(left)
		gone <- err
	}()
	byNew := r.purged(r.operator(false), "/v/b")
	leave()
	if err := <-gone; err == nil {
		t.Error("who leaves gets an answer")
	}
	if text := <-byNew; !strings.HasPrefix(text, "200 ") || !strings.Contains(r.text(0), fmt.Sprintf("process %d is replaced by process %d;", before, r.newest)) {
		t.Errorf("who asked the new process hears, when the old one had not gone, or: %s", text)
	}
	old.says(t, "GET", "/v/b", v, "detail=replaced")
	next := r.visit()
	next.says(t, "GET", "/v/b", v, "stored")
	if text := <-byOld; !strings.HasPrefix(text, "503 ") || !strings.Contains(text, fmt.Sprintf("nothing was done: process %d has replaced this one", r.newest)) {
		t.Errorf("who asked the old process hears: %s", text)
	}
	r.awaitAll(fmt.Sprintf(`data taken: process %d has`, r.newest), 1)
	list, _, err := get("http://" + r.addrs["admin"] + "/api/v1/cache/purges")
	if err != nil || list != 200 {
		t.Errorf("purges: %d, %v", list, err)
	}
}

// TestPostWhileReplaced: a POST on a connection that the old process has is known to the new one, on trial and behind it.
func TestPostWhileReplaced(t *testing.T) {
	r := newRow(t)
	r.start("", nil, append(diskArgs, "--upgrade-trial", "1s")...)
	onTrial, later := r.visit(), r.visit()
	onTrial.says(t, "GET", "/v/a", 0, "stored")
	later.says(t, "GET", "/v/a", 0, "hit")
	r.signal(syscall.SIGUSR2)
	before := r.newest
	r.newest, _ = strconv.Atoi(r.await(`replace ready: process (\d+) serves`)[0])
	next := r.visit()
	posted := func(old *visitor, version int) {
		t.Helper()
		next.says(t, "GET", "/v/a", version-1, "")
		next.says(t, "GET", "/v/a", version-1, "hit")
		old.says(t, "POST", "/v/a", version, "fwd=method")
		for by := time.Now().Add(patience); ; time.Sleep(time.Millisecond) {
			if got, _, _, err := next.ask("GET", "/v/a"); err != nil || time.Now().After(by) {
				t.Fatalf("version %d, %v, want %d", got, err, version)
			} else if got == version {
				return
			}
		}
	}
	posted(onTrial, 1)
	r.await(fmt.Sprintf(`process %d is replaced by process %d;`, before, r.newest))
	r.awaitAll(fmt.Sprintf(`data taken: process %d has`, r.newest), 1)
	posted(later, 2)
}

// TestPostToOldest: the newest of three processes forgets what requests to the first one make out of date, whether the second one lives or not.
func TestPostToOldest(t *testing.T) {
	r := newRow(t)
	r.start("", nil, append(diskArgs, "--upgrade-trial", "100ms")...)
	var oldest []*visitor
	for n := range 8 {
		oldest = append(oldest, r.visit())
		oldest[n].says(t, "GET", fmt.Sprint("/v/", n), 0, "stored")
	}
	r.replace()
	for n := range oldest {
		r.visit().says(t, "GET", fmt.Sprint("/v/", n), 0, "hit")
	}
	second := r.replace()
	next := r.visit()
	for n, old := range oldest {
		path := fmt.Sprint("/v/", n)
		if next.says(t, "GET", path, 0, "hit"); n == len(oldest)/2 {
			if err := syscall.Kill(second, syscall.SIGTERM); err != nil {
				t.Fatal(err)
			}
			r.await(`stopped: `)
		}
		old.says(t, "POST", path, 1, "fwd=method")
		for by := time.Now().Add(patience); ; time.Sleep(time.Millisecond) {
			if got, _, _, err := next.ask("GET", path); err != nil || time.Now().After(by) {
				t.Fatalf("%s: version %d, %v", path, got, err)
			} else if got == 1 {
				break
			}
		}
	}
	next.says(t, "GET", "/v/last", 0, "stored")
	next.says(t, "GET", "/v/last", 0, "hit")
	r.await(`stopped: `) // both have told all by then: nothing is in doubt
	next.says(t, "GET", "/v/last", 0, "hit")
}

// TestReplacedIsKilled: what a replaced process had still to tell when it was killed may be lost, so all that is stored is validated.
func TestReplacedIsKilled(t *testing.T) {
	r := newRow(t)
	r.start("", nil, append(diskArgs, "--upgrade-trial", "100ms")...)
	r.visit().says(t, "GET", "/v/a", 0, "stored")
	old := r.replace()
	next := r.visit()
	next.says(t, "GET", "/v/a", 0, "hit")
	if err := syscall.Kill(old, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	for by := time.Now().Add(patience); ; time.Sleep(time.Millisecond) {
		_, status, _, err := next.ask("GET", "/v/a")
		if err != nil || time.Now().After(by) {
			t.Fatalf("Cache-Status %q, %v", status, err)
		}
		if strings.Contains(status, "fwd=stale") {
			break
		}
	}
	next.says(t, "GET", "/v/a", 0, "hit")
}

// TestReplaceBrokenDisk: where the directory of the cache cannot be opened the new process goes on without, and nothing that it does not know
// of comes back later.
func TestReplaceBrokenDisk(t *testing.T) {
	r := newRow(t)
	r.start("", nil, append(diskArgs, "--upgrade-trial", "500ms")...)
	c := r.visit()
	c.says(t, "GET", "/v/a", 0, "stored")
	c.Close()
	lock := filepath.Join(r.dir, "data", "cache", "lock")
	err := os.Remove(lock)
	if err == nil {
		err = os.Mkdir(lock, 0o700)
	}
	if err != nil {
		t.Fatal(err)
	}
	r.signal(syscall.SIGUSR2)
	r.newest, _ = strconv.Atoi(r.await(`replace ready: process (\d+) serves`)[0])
	r.await(`cache disk: answers are kept in memory only until the next start: --cache-disk: cache directory data/cache: `)
	r.await(`data taken: `)
	v := r.versions.bump("/v/a")
	if status, text, err := r.purge(r.operator(false), "/v/a"); status != 200 {
		t.Errorf("a purge: %d, %v: %s", status, err, text)
	}
	c = r.visit()
	c.says(t, "GET", "/v/a", v, "stored")
	c.says(t, "GET", "/v/a", v, "hit")
	r.signal(syscall.SIGTERM)
	r.await(`stopped: `)
	err = os.Remove(lock)
	if err == nil {
		err = os.WriteFile(lock, nil, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	r.free()
	r.start("", nil, diskArgs...)
	v = r.versions.bump("/v/a")
	c = r.visit()
	c.says(t, "GET", "/v/a", v, "stored")
}

// TestSoakReplaceCache: the process is replaced again and again while versions change and are purged. Nobody gets a version older than a purge
// that was acknowledged before they asked. SKERRY_SOAK=1: 30 times instead of 3.
func TestSoakReplaceCache(t *testing.T) {
	times := 3
	if os.Getenv("SKERRY_SOAK") != "" {
		times = 30
	}
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	r := newRow(t)
	r.start("", nil, append(diskArgs, "--upgrade-trial", "300ms", "--cache-memory", "2MB")...)
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	o := oracle{row: r, ctx: ctx}
	for i := range 8 {
		o.running.Go(func() { o.ask(rand.New(rand.NewPCG(seed, uint64(i))), 5*time.Millisecond) })
	}
	for i := range 4 { // connections on which something comes now and then: the old process keeps them for a while
		o.running.Go(func() { o.ask(rand.New(rand.NewPCG(seed, uint64(10+i))), 200*time.Millisecond) })
	}
	for i := range 2 {
		o.running.Go(func() { o.purge(rand.New(rand.NewPCG(seed, uint64(20+i))), r.operator(i == 0)) })
	}
	for range times {
		r.replace()
		for done := o.purges.Load(); o.purges.Load() < done+5; time.Sleep(5 * time.Millisecond) {
			if ctx.Err() != nil {
				t.Fatal("no purge is acknowledged any more")
			}
		}
	}
	stop()
	o.running.Wait()
	o.faults.check(t)
	t.Logf("%d answers, %d from the store, %d purges acknowledged, %d not", o.answers.Load(), o.hits.Load(), o.purges.Load(), o.refused.Load())
	if o.hits.Load() == 0 || o.purges.Load() == 0 {
		t.Error("no hits, or no purges: the test is none")
	}
	r.signal(syscall.SIGTERM)
	r.await(`stopped: `)
}

// oracle knows the least version that an answer may have.
type oracle struct {
	row                            *row
	ctx                            context.Context
	running                        sync.WaitGroup
	least                          [20]atomic.Int64
	answers, hits, purges, refused atomic.Int64
	faults                         faults
}

// ask asks for names, over one connection as long as it stays.
func (o *oracle) ask(rnd *rand.Rand, every time.Duration) {
	var c *visitor
	for ; o.ctx.Err() == nil; time.Sleep(every) {
		if c == nil {
			conn, err := net.Dial("tcp", o.row.addrs["http"])
			if err != nil {
				o.faults.add(err)
				continue
			}
			c = &visitor{conn, bufio.NewReader(conn)}
		}
		n := rnd.IntN(len(o.least))
		least := o.least[n].Load()
		version, status, closes, err := c.ask("GET", "/v/"+strconv.Itoa(n))
		o.answers.Add(1)
		if strings.Contains(status, "hit") {
			o.hits.Add(1)
		}
		if err == nil && int64(version) < least {
			err = fmt.Errorf("/v/%d: version %d (%s), though a purge of all before %d was acknowledged", n, version, status, least)
		}
		if err != nil {
			o.faults.add(err)
		}
		if closes || err != nil {
			c.Close()
			c = nil
		}
	}
	if c != nil {
		c.Close()
	}
}

// purge makes newer versions, and purges the old ones.
func (o *oracle) purge(rnd *rand.Rand, c *http.Client) {
	for ; o.ctx.Err() == nil; time.Sleep(10 * time.Millisecond) {
		n := rnd.IntN(len(o.least))
		path := "/v/" + strconv.Itoa(n)
		version := int64(o.row.versions.bump(path))
		if status, _, err := o.row.purge(c, path); err != nil || status != 200 {
			o.refused.Add(1)
			continue
		}
		o.purges.Add(1)
		for old := o.least[n].Load(); old < version && !o.least[n].CompareAndSwap(old, version); old = o.least[n].Load() {
		}
	}
}
