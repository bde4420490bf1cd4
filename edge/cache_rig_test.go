package edge_test

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"skerry.dev/skerry/edge"
	"skerry.dev/skerry/meter"
)

// This file is the bench of the tests of the cache: an edge with a cache, and clients that look where answers come from.

// cachedSpec is an entrypoint of the default profile, which has a cache; the gaps are its service, and what it says beside that with its indentation.
const cachedSpec = `apiVersion: skerry.dev/v1
kind: Entrypoint
metadata: {name: shop, owner: team-shop}
spec:
  hosts: [shop.test]
  limit: off
  redirect: off
  service: %s
%s`

// cached is a site with a cache, its metrics, what it told, and a client for each protocol, whose requests have the same keys.
type cached struct {
	*site
	set    *meter.Set
	h1, h2 *http.Client

	mu     sync.Mutex
	events []meter.Event
}

// openCached starts a site with one document until the test ends.
func openCached(t *testing.T, opt edge.Options, text string, secrets ...string) *cached {
	t.Helper()
	c := &cached{set: meter.NewSet()}
	opt.Meters, opt.Tell = c.set, func(e meter.Event) {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.events = append(c.events, e)
	}
	files := map[string]string{"specs/shop.yaml": text}
	for i := 0; i < len(secrets); i += 2 {
		files["secrets/"+secrets[i]] = secrets[i+1]
	}
	c.site = open(t, opt, files)
	c.h1, c.h2 = c.client("http/1.1"), c.client("h2")
	return c
}

// activate puts another document in force.
func (c *cached) activate(text string) {
	c.t.Helper()
	if problems := c.edge.Activate(parse(c.t, text)); len(problems) > 0 {
		c.t.Fatal(problems)
	}
}

// eventsOf are the texts of the events of a kind so far.
func (c *cached) eventsOf(kind string) (texts []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, e := range c.events {
		if e.Kind == kind {
			texts = append(texts, e.Text)
		}
	}
	return texts
}

// total adds up the series of a metric that have these labels, "name", "value", ….
func (c *cached) total(name string, labels ...string) float64 {
	return (&behind{set: c.set}).total(name, labels...)
}

// served is an answer that came whole, or why it did not.
type served struct {
	status int
	header http.Header
	body   string
	err    error
}

// from says where an answer came from by its Cache-Status: hit, stale, revalidated, stored, miss, or pass with the reason.
func (g *served) from() string {
	status := g.header.Get("Cache-Status")
	_, why, _ := strings.Cut(status, "detail=")
	switch {
	case strings.Contains(status, "ttl=-"):
		return "stale"
	case strings.Contains(status, "; hit"):
		return "hit"
	case strings.Contains(status, "fwd-status=304"):
		return "revalidated"
	case strings.Contains(status, "; stored"):
		return "stored"
	case strings.Contains(status, "fwd=bypass"), strings.Contains(status, "fwd=method"):
		return strings.TrimSpace("pass " + why)
	}
	return strings.TrimSpace("miss " + why)
}

func (g *served) String() string {
	return fmt.Sprintf("status %d, %d bytes, %v; %v", g.status, len(g.body), g.err, g.header)
}

// ask sends a request to the site's host by TLS, with fields written "Name: value".
func (c *cached) ask(by *http.Client, method, path string, fields ...string) served {
	ctx, cancel := context.WithTimeout(context.Background(), 3*waiting)
	defer cancel()
	return c.askIn(ctx, by, method, path, fields...)
}

// request is one for the site's host, without the port: keys have that in them, and the next edge has another one.
func (c *cached) request(ctx context.Context, method, path string) (*http.Request, error) {
	q, err := http.NewRequestWithContext(ctx, method, c.url("https", "shop.test", path), nil)
	if err == nil {
		q.Host = "shop.test"
	}
	return q, err
}

func (c *cached) askIn(ctx context.Context, by *http.Client, method, path string, fields ...string) served {
	q, err := c.request(ctx, method, path)
	if err != nil {
		return served{err: err}
	}
	for _, f := range fields {
		name, value, _ := strings.Cut(f, ": ")
		q.Header.Add(name, value)
	}
	r, err := by.Do(q)
	if err != nil {
		return served{err: err}
	}
	defer r.Body.Close()
	body, err := io.ReadAll(r.Body)
	return served{r.StatusCode, r.Header, string(body), err}
}

// want asks by GET and fails the test if the answer is another one, or from elsewhere; from may be empty.
func (c *cached) want(by *http.Client, path, from, body string, fields ...string) served {
	c.t.Helper()
	g := c.ask(by, http.MethodGet, path, fields...)
	if g.err != nil || g.body != body || from != "" && g.from() != from {
		c.t.Errorf("%s %v: %s, %v, want %s %s; the body is %s, want %s", path, fields, g.from(), &g, from, body, brief(g.body), brief(body))
	}
	return g
}

func brief(s string) string { return fmt.Sprintf("%q", s[:min(len(s), 80)]) }

// deadline is when something on a connection is given up.
func deadline() time.Time { return time.Now().Add(waiting) }

// become waits until something is true that nobody tells.
func become(t *testing.T, what string, is func() bool) {
	t.Helper()
	for give := time.Now().Add(waiting); !is(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(give) {
			t.Fatalf("not within %v: %s", waiting, what)
		}
	}
}

// mark is what an answer says of itself, in the field X-Mark and, over and over, in its body: so that no byte of another answer can
// pass for one of this.
type mark struct {
	n    uint64 // of the answer: the origin counts
	who  string // whom it was made for
	lang string // that was asked for
	uri  string // path and query as the origin saw it
	size int    // of the body
	once bool   // one client alone may ever see it
	all  bool   // it said that it is for everybody
	vary bool   // it varies by the language
}

const markForm = "n=%d for=%s lang=%s once=%t all=%t vary=%t size=%d uri=%s"

func (m *mark) String() string {
	return fmt.Sprintf(markForm, m.n, m.who, cmp.Or(m.lang, "-"), m.once, m.all, m.vary, m.size, m.uri)
}

func readMark(text string) (m mark, err error) {
	_, err = fmt.Sscanf(text, markForm, &m.n, &m.who, &m.lang, &m.once, &m.all, &m.vary, &m.size, &m.uri)
	if m.lang == "-" {
		m.lang = ""
	}
	return m, err
}

// body is the answer's body.
func (m *mark) body() string { return m.part(0, m.size) }

// part is what of it lies between two offsets.
func (m *mark) part(from, to int) string {
	line := m.String() + "\n"
	skip := from % len(line)
	return strings.Repeat(line, (skip+to-from)/len(line)+1)[skip : skip+to-from]
}
