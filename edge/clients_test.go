package edge_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"net"
	"net/http"
	"net/textproto"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"skerry.dev/skerry/edge"
	"skerry.dev/skerry/load/rival"
)

// toolPatience is how long a program may run. Nothing takes that long unless it is broken.
const toolPatience = 30 * time.Second

// shopSpec uses every stage. Its gap is the address of the origin.
const shopSpec = `apiVersion: skerry.dev/v1
kind: Entrypoint
metadata: {name: shop, owner: team-shop}
spec:
  hosts: [shop.test]
  limit: {perAddress: 10000/s, burst: 10000}
  headMax: 8KB
  bodyMax: 64KB
  trace: {sample: 0}
  cors: {origins: ["https://app.test"], methods: [GET, PUT], headers: [X-Token], expose: [X-Request-Id]}
  redirects: {file: moved.csv}
  errorPages: {404: {file: gone.html}}
  headers:
    request: {set: {X-Team: shop}, remove: [Cookie]}
    response: {set: {X-Served-By: edge}, remove: [Server]}
  service: http://%[1]s
  routes:
    - match: {prefix: /app}
      service: http://%[1]s
      rewrite: {prefix: /}
    - match: {prefix: /files}
      service: files
      rewrite: {prefix: /}
    - match: {prefix: /few}
      service: http://%[1]s
      limit: {perAddress: 1/m, burst: 2}
---
apiVersion: skerry.dev/v1
kind: Entrypoint
metadata: {name: load, owner: team-shop}
spec: {hosts: [localhost], limit: off, service: "http://%[1]s"}
---
apiVersion: skerry.dev/v1
kind: Service
metadata: {name: files, owner: team-shop}
spec: {directory: {path: site}}
`

const movedList = "from,to,status\n/old,/new,301\n/far,https://elsewhere.test/far,\n"

const gonePage = "<!doctype html><p>gone, see {request_id}</p>\n"

// shopPage is what the origin's /page.html holds: 20 KB of HTML.
var shopPage = strings.Repeat("<p>a lamp, a chair, a table</p>\n", 20<<10/32)

// originConf is an nginx that serves files, says what it was asked, and logs each request.
const originConf = `log_format asked '$request_method $request_uri';
access_log DIR/asked asked;
types { text/html html; }
default_type text/plain;
client_max_body_size 0;
server {
	listen ADDR;
	root DIR/www;
	location = /inspect {
		return 200 "$request_method $request_uri|$http_host|$http_x_team|$http_cookie|$http_x_forwarded_proto|$http_x_forwarded_for|$http_x_request_id|$http_traceparent|";
	}
	location /few { return 200 "few"; }
	location = /upload { return 200 "$request_method"; }
}
`

// nginxOrigin starts an nginx that serves www, and returns its folder and address.
func nginxOrigin(t *testing.T, www map[string]string) (dir, addr string) {
	t.Helper()
	dir = t.TempDir()
	addr, err := rival.FreeAddr()
	must(t, err)
	writeAll(t, filepath.Join(dir, "www"), www)
	conf := strings.NewReplacer("DIR", dir, "ADDR", addr).Replace(originConf)
	p, err := rival.Nginx(rival.Options{Dir: dir, Conf: conf, Ready: addr})
	must(t, err)
	t.Cleanup(p.Stop)
	return dir, addr
}

// shop is a site with shopSpec before an nginx, whose folder is origin.
func shop(t *testing.T, more map[string]string) (s *site, origin string) {
	t.Helper()
	origin, addr := nginxOrigin(t, map[string]string{"page.html": shopPage, "small": "small\n"})
	files := map[string]string{
		"specs/shop.yaml": fmt.Sprintf(shopSpec, addr), "specs/moved.csv": movedList, "specs/gone.html": gonePage,
		"web/site/digits.txt": "0123456789", "web/site/page.html": shopPage,
	}
	for name, text := range more {
		files[name] = text
	}
	return open(t, edge.Options{}, files), origin
}

// run runs a program and returns what it writes.
func run(t *testing.T, name string, args ...string) (out string, err error) {
	t.Helper()
	path, err := rival.Path(name)
	must(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), toolPatience)
	defer cancel()
	b, err := exec.CommandContext(ctx, path, args...).CombinedOutput()
	return string(b), err
}

// curled is what curl got.
type curled struct {
	status  int
	version string // 1.1 or 2
	head    http.Header
	body    string
}

// curl asks for a URL of the site with these arguments. The local CA is trusted, every host of the URL is at the site.
func (s *site) curl(url string, args ...string) (curled, error) {
	s.t.Helper()
	_, rest, _ := strings.Cut(url, "://")
	authority, _, _ := strings.Cut(rest, "/")
	head, body := filepath.Join(s.dir, "curl.head"), filepath.Join(s.dir, "curl.body")
	os.Remove(body) // an answer without a body leaves none
	all := append([]string{"-sS", "--cacert", s.root, "--resolve", authority + ":127.0.0.1", "-D", head, "-o", body, "-w", "%{http_code} %{http_version}"}, args...)
	out, err := run(s.t, "curl", append(all, url)...)
	if err != nil {
		return curled{}, fmt.Errorf("curl %q %s: %w: %s", args, url, err, out)
	}
	var c curled
	if _, err := fmt.Sscan(out, &c.status, &c.version); err != nil {
		return c, fmt.Errorf("curl %q %s says %q", args, url, out)
	}
	text, err := os.ReadFile(head)
	must(s.t, err)
	blocks := bytes.Split(bytes.TrimSpace(text), []byte("\r\n\r\n")) // that of the last answer counts
	_, fields, _ := bytes.Cut(blocks[len(blocks)-1], []byte("\r\n"))
	h, err := textproto.NewReader(bufio.NewReader(bytes.NewReader(append(fields, "\r\n\r\n"...)))).ReadMIMEHeader()
	if err != nil && len(fields) > 0 {
		return c, err
	}
	c.head = http.Header(h)
	if text, err := os.ReadFile(body); err == nil {
		c.body = string(text)
	}
	return c, nil
}

// expect is curl with what must come of it: the status, and fields as "Name: value", where "Name:" alone means that there
// is none and "Name: ~x" that x matches.
func (s *site) expect(url string, args []string, status int, body string, fields ...string) curled {
	s.t.Helper()
	c, err := s.curl(url, args...)
	if err != nil {
		s.t.Error(err)
		return c
	}
	if c.status != status || body != "*" && c.body != body {
		s.t.Errorf("%.60q %s: got %d %.300q, want %d %.300q", args, url, c.status, c.body, status, body)
	}
	for _, f := range fields {
		name, want, _ := strings.Cut(f, ":")
		want = strings.TrimSpace(want)
		got := strings.Join(c.head.Values(name), ", ")
		pattern, is := strings.CutPrefix(want, "~")
		if is && !regexp.MustCompile("^"+pattern+"$").MatchString(got) || !is && got != want {
			s.t.Errorf("%.60q %s: %s is %q, want %q", args, url, name, got, want)
		}
	}
	return c
}

const (
	anyID      = `X-Request-Id: ~[0-9a-f]{32}`
	noHSTS     = "Strict-Transport-Security:"
	servedBy   = "X-Served-By: edge"
	corsOfPage = "Access-Control-Allow-Origin: https://app.test"
)

// TestCurl: curl on HTTP/1.1 and on HTTP/2, through every stage, to a real nginx and a directory.
func TestCurl(t *testing.T) {
	needs(t, "nginx", "curl")
	for flag, version := range map[string]string{"--http1.1": "1.1", "--http2": "2"} {
		t.Run(version, func(t *testing.T) {
			s, origin := shop(t, nil)
			f := func(path string, args []string, status int, body string, fields ...string) curled {
				t.Helper()
				c := s.expect(s.url("https", "shop.test", path), append([]string{flag}, args...), status, body, fields...)
				if c.version != version {
					t.Errorf("%s: HTTP/%s, want %s", path, c.version, version)
				}
				return c
			}
			html := []string{"-H", "Accept: text/html"}
			f("/page.html", nil, 200, shopPage, servedBy, anyID, noHSTS, "Server:", "Content-Encoding:", "X-Content-Type-Options: nosniff",
				"X-Frame-Options: SAMEORIGIN", "Content-Length: "+strconv.Itoa(len(shopPage)))
			f("/page.html", []string{"--compressed"}, 200, shopPage, "Content-Encoding: ~br|zstd", "Vary: Accept-Encoding, Origin", "Etag: ~W/.*")
			f("/page.html", []string{"-I", "-H", "Accept-Encoding: gzip"}, 200, "*", "Content-Encoding: gzip", "Vary: Accept-Encoding, Origin")
			c := f("/app/inspect?a=b%20c", []string{"-b", "a=b", "-H", "X-Team: evil", "-H", "X-Forwarded-For: 6.6.6.6"}, 200, "*", anyID)
			if want := regexp.MustCompile(`^GET /inspect\?a=b%20c\|shop\.test:\d+\|shop\|\|https\|127\.0\.0\.1\|([0-9a-f]{32})\|00-([0-9a-f]{32})-[0-9a-f]{16}-0\d\|$`); !want.MatchString(c.body) {
				t.Errorf("the origin was asked %q, want %s", c.body, want)
			} else if m := want.FindStringSubmatch(c.body); m[1] != c.head.Get("X-Request-Id") || m[2] != m[1] {
				t.Errorf("the origin got id %s and trace %s, the client %s", m[1], m[2], c.head.Get("X-Request-Id"))
			}
			f("/files/digits.txt", []string{"-r", "2-4"}, 206, "234", "Content-Range: bytes 2-4/10", servedBy, "Accept-Ranges: bytes")
			f("/files/page.html", []string{"--compressed"}, 200, shopPage, "Content-Encoding: ~br|zstd", servedBy)
			c = f("/files/none", html, 404, "*", "Content-Type: text/html; charset=utf-8", anyID)
			if want := strings.Replace(gonePage, "{request_id}", c.head.Get("X-Request-Id"), 1); c.body != want {
				t.Errorf("own error page: got %q, want %q", c.body, want)
			}
			f("/files/none", nil, 404, "*", "Content-Type: application/problem+json", servedBy)
			f("/old?x=1", nil, 301, "", "Location: /new?x=1", servedBy)
			f("/far", nil, 308, "", "Location: https://elsewhere.test/far")

			// CORS: a preflight is the edge's own, errors can be read by the page, other pages get nothing.
			ask := []string{"-X", "OPTIONS", "-H", "Access-Control-Request-Method: PUT", "-H", "Access-Control-Request-Headers: x-token"}
			f("/preflight", append(ask, "-H", "Origin: https://app.test"), 204, "", corsOfPage, "Access-Control-Allow-Methods: ~.*PUT.*",
				"Access-Control-Allow-Headers: x-token", "Access-Control-Max-Age: 600", "Vary: ~.*Origin.*")
			f("/preflight", append(ask, "-H", "Origin: https://evil.test"), 204, "", "Access-Control-Allow-Origin:", "Access-Control-Allow-Methods:")
			f("/small", []string{"-H", "Origin: https://app.test"}, 200, "small\n", corsOfPage, "Access-Control-Expose-Headers: x-request-id")

			// Limits.
			f("/few", nil, 200, "few")
			f("/few", nil, 200, "few")
			f("/few", []string{"-H", "Origin: https://app.test"}, 429, "*", "Retry-After: ~[1-6]?[0-9]", `Ratelimit-Policy: "per-address";q=2;w=120`,
				`Ratelimit: ~"per-address";r=0;t=\d+`, corsOfPage, anyID)
			half := strings.Repeat("x", 5<<10)
			f("/small", []string{"-H", "X-A: " + half, "-H", "X-B: " + half}, 431, "*", anyID, servedBy) // headMax
			f("/small", []string{"-H", "X-A: " + half + half}, 431, "*", "X-Served-By:")                 // refused by the parser, for every host
			big := filepath.Join(s.dir, "big")
			must(t, os.WriteFile(big, bytes.Repeat([]byte("x"), 65<<10), 0o644))
			f("/upload?large", []string{"--data-binary", "@" + big}, 413, "*", anyID)
			must(t, os.Truncate(big, 64<<10))
			f("/upload?fits", []string{"-H", "Content-Type: application/octet-stream", "--data-binary", "@" + big}, 200, "POST")

			// A connection is for the hosts of its certificate.
			f("/small", []string{"-H", "Host: localhost"}, 421, "*")
			var asked []byte
			times := func(path string) int {
				return strings.Count(strings.ReplaceAll("\n"+string(asked), "\n", "\n\n"), "\n"+path+"\n")
			}
			wanted := map[string]int{"GET /few": 2, "POST /upload?large": 0, "POST /upload?fits": 1, "OPTIONS /preflight": 0, "GET /small": 1}
			become(t, "nginx, which logs what it has answered, has logged all", func() bool {
				var err error
				asked, err = os.ReadFile(filepath.Join(origin, "asked"))
				must(t, err)
				for path, want := range wanted {
					if times(path) < want {
						return false
					}
				}
				return true
			})
			for path, want := range wanted {
				if got := times(path); got != want {
					t.Errorf("the origin was asked %d times for %s, want %d:\n%s", got, path, want, asked)
				}
			}
		})
	}
}

// TestCurlPlain: plain HTTP is sent to HTTPS, with method and body; a name that is not served gets no certificate.
func TestCurlPlain(t *testing.T) {
	needs(t, "nginx", "curl")
	s, _ := shop(t, nil)
	plain, secure := s.url("http", "shop.test", "/upload?x=1"), s.url("https", "shop.test", "/upload?x=1")
	s.expect(plain, []string{"-d", "a=b"}, 308, "", "Location: "+secure, noHSTS, servedBy)
	for _, claim := range []string{"X-Forwarded-Proto: https", "Forwarded: proto=https", "X-Forwarded-Port: 443"} { // a stranger's word is nothing
		s.expect(plain, []string{"-H", claim}, 308, "", "Location: "+secure)
	}
	_, port, _ := net.SplitHostPort(s.https)
	c := s.expect(plain, []string{"-L", "-d", "a=b", "--resolve", "shop.test:" + port + ":127.0.0.1"}, 200, "POST")
	if c.version != "2" {
		t.Errorf("HTTP/%s after the redirect, want 2", c.version)
	}
	s.expect(s.url("http", "nobody.test", "/"), nil, 404, "*", "Content-Type: application/problem+json")
	if _, err := s.curl(s.url("https", "nobody.test", "/")); err == nil || !strings.Contains(err.Error(), "unrecognized name") {
		t.Errorf("a name that is not served: %v, want the alert unrecognized_name", err)
	}
}
