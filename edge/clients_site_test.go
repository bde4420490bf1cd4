package edge_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"maps"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"skerry.dev/skerry/edge"
	"skerry.dev/skerry/fault"
	"skerry.dev/skerry/load/rival"
	"skerry.dev/skerry/meter"
)

// site is an edge with a listener for HTTP and one for HTTPS, whose spec is the files below dir/specs.
type site struct {
	t     *testing.T
	edge  *edge.Edge
	dir   string
	http  string // addresses
	https string
	root  string         // the file with the local CA's root
	roots *x509.CertPool // the same
	set   *meter.Set
	log   *syncedBuffer // complete after end
	ended func()        // drains, once
}

// A syncedBuffer is written by one goroutine and read by another.
type syncedBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *syncedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *syncedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

// needs skips a test whose programs are not installed; scripts/services installs them where everything must run.
func needs(t *testing.T, programs ...string) {
	t.Helper()
	if why := rival.Missing(programs...); why != "" {
		t.Skip(why)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// writeAll puts files below dir, by name, so that a file is no younger than its compressed copies; their folders are made.
func writeAll(t *testing.T, dir string, files map[string]string) {
	t.Helper()
	for _, name := range slices.Sorted(maps.Keys(files)) {
		text := files[name]
		name = filepath.Join(dir, filepath.FromSlash(name))
		must(t, os.MkdirAll(filepath.Dir(name), 0o755))
		must(t, os.WriteFile(name, []byte(text), 0o644))
	}
}

// open starts a site until the test ends, on a free port if opt names none for HTTPS. The names of files begin with specs/, secrets/ or web/: the documents, what is
// below --secrets and what is below --files.
func open(t *testing.T, opt edge.Options, files map[string]string) *site {
	t.Helper()
	s := &site{t: t, dir: t.TempDir(), log: &syncedBuffer{}, roots: x509.NewCertPool()}
	for _, dir := range []string{"specs", "secrets", "web"} {
		must(t, os.Mkdir(filepath.Join(s.dir, dir), 0o755))
	}
	writeAll(t, s.dir, files)
	if opt.HTTPS == nil {
		addr, err := rival.FreeAddr() // redirects need to know the port
		must(t, err)
		opt.HTTPS = []string{addr}
	}
	s.https = opt.HTTPS[0]
	if opt.Meters == nil {
		opt.Meters = meter.NewSet()
	}
	s.set = opt.Meters
	opt.HTTP, opt.Log = []string{"127.0.0.1:0"}, s.log
	opt.Setting.Files, opt.Setting.Secrets.Dir = filepath.Join(s.dir, "web"), filepath.Join(s.dir, "secrets")
	if opt.DrainTimeout == 0 {
		opt.DrainTimeout = 5 * time.Second
	}
	s.edge = newEdge(t, opt)
	s.ended = sync.OnceFunc(func() {
		s.edge.Hurry()
		s.edge.Drain()
	})
	t.Cleanup(s.ended)
	if _, problems := s.edge.Begin(&edge.Source{Paths: []string{filepath.Join(s.dir, "specs")}}); len(problems) > 0 {
		t.Fatal(fault.Problems(problems))
	}
	must(t, s.edge.Start())
	plain, _ := s.edge.Addrs()
	s.http, s.root = plain[0].String(), filepath.Join(s.dir, "root.pem")
	must(t, os.WriteFile(s.root, s.edge.Root(), 0o644))
	s.roots.AppendCertsFromPEM(s.edge.Root())
	return s
}

// url is an address of a host of the site; the path begins with a slash.
func (s *site) url(scheme, host, path string) string {
	addr := s.https
	if scheme == "http" {
		addr = s.http
	}
	_, port, _ := net.SplitHostPort(addr) // it is one of ours
	return scheme + "://" + net.JoinHostPort(host, port) + path
}

// client returns a client of Go's that finds every host at the site and speaks one protocol: http/1.1 or h2. It neither
// decodes bodies nor follows redirects.
func (s *site) client(protocol string) *http.Client {
	tr := &http.Transport{
		DisableCompression: true,
		TLSClientConfig:    &tls.Config{RootCAs: s.roots, NextProtos: []string{protocol}},
		Protocols:          new(http.Protocols),
	}
	tr.Protocols.SetHTTP1(protocol == "http/1.1")
	tr.Protocols.SetHTTP2(protocol == "h2")
	dialer := &net.Dialer{}
	by := map[string]string{}
	for _, addr := range []string{s.http, s.https} {
		_, port, _ := net.SplitHostPort(addr)
		by[port] = addr
	}
	tr.DialContext = func(ctx context.Context, network, addr string) (net.Conn, error) {
		_, port, _ := net.SplitHostPort(addr)
		return dialer.DialContext(ctx, network, by[port])
	}
	s.t.Cleanup(tr.CloseIdleConnections)
	return &http.Client{Transport: tr, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

// lastLine is the last log line of a request for a path, empty if there is none. The site must have ended.
func (s *site) lastLine(path string) (last string) {
	for line := range strings.Lines(s.log.String()) {
		if strings.Contains(line, `"path":"`+path+`"`) {
			last = line
		}
	}
	return last
}
