package edge_test

import (
	"bytes"
	"fmt"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"skerry.dev/skerry/edge"
)

// spoofSpec has a limit of two requests an hour on every route: whom a request counts for shows after the second. Its gap
// is the origin.
const spoofSpec = `apiVersion: skerry.dev/v1
kind: Entrypoint
metadata: {name: shop, owner: team-shop}
spec:
  hosts: [shop.test]
  limit: {perAddress: 2/h, burst: 2}
  service: "%[1]s"
  routes:
    - {match: {prefix: /both}, service: "%[1]s", forwarded: both, limit: off}
    - {match: {prefix: /none}, service: "%[1]s", forwarded: remove, limit: off}
    - {match: {prefix: /free}, service: "%[1]s", limit: off}
    - {match: {prefix: /strict}, service: "%[1]s", limit: off, headers: {request: {remove: [X-Client-IP, True-Client-IP, CF-Connecting-IP]}}}
`

// lie is the address that a client claims to have, in every test.
const lie = "203.0.113.66"

// claims are fields in which a client may claim to be somebody else, or to have come another way.
var claims = []string{
	"X-Forwarded-For: " + lie, "X-Forwarded-For: " + lie + ", 127.0.0.1", "x-forwarded-for: " + lie, "X-Forwarded-For:\t" + lie + " ", "X-Forwarded-For: " + lie + "\r\nX-Forwarded-For: 127.0.0.1",
	"Forwarded: for=" + lie, `Forwarded: for="` + lie + `:80";proto=https;host=evil.test`, "Forwarded: for=127.0.0.1, for=" + lie,
	"X-Real-IP: " + lie, "X-Forwarded-Proto: https", "X-Forwarded-Host: evil.test", "X-Forwarded-Port: 444",
	"X_Forwarded_For: " + lie, "X-Forwarded_For: " + lie, "X_Real_IP: " + lie,
	"X-Client-IP: " + lie, "True-Client-IP: " + lie, "CF-Connecting-IP: " + lie, "X-Cluster-Client-IP: " + lie, "Client-IP: " + lie,
	"X-Forwarded-Prefix: /evil", "x-forwarded-scheme: https", "X-Forwarded-Ssl: on", "X-Forwarded-User: root", "X-Forwarded-Client-Cert: Subject=root", "X-Forwarded_Server: evil.test",
	"Client-Cert: :MTIz:", "client-cert-chain: :MTIz:, :NDU2:", "Client_Cert: :MTIz:", "Client-Cert_Chain: :MTIz:",
	"X-Forwarded-For: ::1", "X-Forwarded-For: unknown", "X-Forwarded-For: " + strings.Repeat("10.0.0.1, ", 100) + lie,
}

// told are the fields of the forwarding family, and of RFC 9440, that the edge owns.
var told = []string{"X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host", "X-Forwarded-Port", "Forwarded", "X-Real-Ip", "Client-Cert", "Client-Cert-Chain"}

// spoofed is an edge without HTTPS before an origin that keeps what it was told.
type spoofed struct {
	t    *testing.T
	edge *edge.Edge
	addr string
	url  string       // of the origin
	log  bytes.Buffer // complete after the drain
	seen chan http.Header
}

func openSpoofed(t *testing.T, opt edge.Options) *spoofed {
	s := &spoofed{t: t, seen: make(chan http.Header, 1)}
	s.url = origin(t, func(_ http.ResponseWriter, r *http.Request) { s.seen <- r.Header })
	opt.Log, opt.DrainTimeout = &s.log, 5*time.Second
	s.edge, s.addr = start(t, opt, fmt.Sprintf(spoofSpec, s.url))
	t.Cleanup(func() { s.edge.Drain() })
	return s
}

// ask sends one request with these field lines on a connection of its own, and returns the status and, if the origin was
// asked, what it was told.
func (s *spoofed) ask(path string, lines ...string) (status int, header http.Header) {
	s.t.Helper()
	c, err := dial(s.addr)
	must(s.t, err)
	defer c.conn.Close()
	lines = append([]string{"GET " + path + " HTTP/1.1", "Host: shop.test"}, lines...)
	r, _, err := c.do(strings.Join(lines, "\r\n") + "\r\n\r\n")
	must(s.t, err)
	select {
	case header = <-s.seen:
	default:
	}
	return r.StatusCode, header
}

// asked is what the fields of the family say, by name.
func asked(h http.Header) string {
	var all []string
	for _, name := range told {
		for _, v := range h.Values(name) {
			all = append(all, name+": "+v)
		}
	}
	return strings.Join(all, "; ")
}

// TestSpoofedOrigin: whatever a stranger claims, the origin is told what the edge knows, and nothing else.
func TestSpoofedOrigin(t *testing.T) {
	s := openSpoofed(t, edge.Options{})
	const set = "X-Forwarded-For: 127.0.0.1; X-Forwarded-Proto: http; X-Forwarded-Host: shop.test"
	for _, claim := range claims {
		f := func(path, want string) {
			t.Helper()
			status, h := s.ask(path, claim)
			if got := asked(h); status != 200 || got != want {
				t.Errorf("%.60q, %s: status %d, the origin was told %q, want %q", claim, path, status, got, want)
			}
			for name := range h {
				if strings.ContainsRune(name, '_') {
					t.Errorf("%.60q: the origin got %s, which a CGI-like one takes for a field of the edge's", claim, name)
				}
				if strings.HasPrefix(name, "X-Forwarded-") && !slices.Contains(told, name) {
					t.Errorf("%.60q: the origin got %s, which belongs to the edge's family", claim, name)
				}
			}
		}
		f("/free", set)
		f("/both", set+"; Forwarded: for=127.0.0.1;host=shop.test;proto=http")
		f("/none", "")
	}
	// Names that belong to somebody else's edge (X-Client-IP, True-Client-IP, CF-Connecting-IP and so on) mean nothing to
	// this one: it neither reads them, which TestSpoofedKeys shows, nor sets them, nor takes them away, since there is no
	// end to such names and an origin may use them for its own ends. A service that believes one must have it removed.
	for _, name := range []string{"X-Client-IP", "True-Client-IP", "CF-Connecting-IP"} {
		if _, h := s.ask("/free", name+": "+lie); h.Get(name) != lie {
			t.Errorf("%s: the origin got %q, want it as sent", name, h.Get(name))
		}
		if _, h := s.ask("/strict", name+": "+lie); h.Values(name) != nil {
			t.Errorf("%s: the origin got %q where it is removed", name, h.Values(name))
		}
	}
}

// TestSpoofedKeys: no claim of a stranger moves the address that a request is counted and logged for.
func TestSpoofedKeys(t *testing.T) {
	s := openSpoofed(t, edge.Options{})
	for i, claim := range claims {
		want := 429
		if i < 2 {
			want = 200
		}
		if status, _ := s.ask(fmt.Sprintf("/%d", i), claim); status != want {
			t.Errorf("request %d, %.60q: status %d, want %d", i+1, claim, status, want)
		}
	}
	s.edge.Drain()
	for i, claim := range claims {
		s.logged(fmt.Sprintf("/%d", i), claim, "127.0.0.1")
	}
	if strings.Contains(s.log.String(), lie) {
		t.Errorf("the log has %s in it:\n%s", lie, s.log.String())
	}
}

// logged checks the line of a path: its client, and its peer, which is left out if it is the client.
func (s *spoofed) logged(path, what, client string) {
	s.t.Helper()
	want := `"client":"` + client + `","peer":"127.0.0.1","proto"`
	if client == "127.0.0.1" {
		want = `"client":"127.0.0.1","proto"`
	}
	for line := range strings.Lines(s.log.String()) {
		if !strings.Contains(line, `"path":"`+path+`"`) {
			continue
		}
		if !strings.Contains(line, want) {
			s.t.Errorf("%.60q: no %s in %s", what, want, line)
		}
		return
	}
	s.t.Errorf("no line for %s", path)
}

// TestSpoofedShare: no claim of a stranger moves the client to another of two services.
func TestSpoofedShare(t *testing.T) {
	s := openSpoofed(t, edge.Options{})
	other := origin(t, func(_ http.ResponseWriter, r *http.Request) { s.seen <- http.Header{"X-Other": {"yes"}} })
	if problems := s.edge.Activate(parse(t, fmt.Sprintf(shareSpec, s.url, other))); len(problems) > 0 {
		t.Fatal(problems)
	}
	_, first := s.ask("/")
	for _, claim := range claims {
		if status, h := s.ask("/", claim); status != 200 || h.Get("X-Other") != first.Get("X-Other") {
			t.Errorf("%.60q: status %d, from another service than without it", claim, status)
		}
	}
}

// shareSpec splits clients evenly; its gaps are two origins.
const shareSpec = `apiVersion: skerry.dev/v1
kind: Entrypoint
metadata: {name: shop, owner: team-shop}
spec:
  hosts: [shop.test]
  limit: off
  routes:
    - {name: all, services: [{service: "%s", weight: 1}, {service: "%s", weight: 1}]}
`

// TestSpoofedThroughProxy: behind a trusted proxy the rightmost address that is no proxy counts. What stands to its left
// was written by the client, and changes nothing.
func TestSpoofedThroughProxy(t *testing.T) {
	for from, say := range map[string]func(addrs ...string) string{
		"x-forwarded-for": func(addrs ...string) string { return "X-Forwarded-For: " + strings.Join(addrs, ", ") },
		"forwarded":       func(addrs ...string) string { return "Forwarded: for=" + strings.Join(addrs, ", for=") },
	} {
		t.Run(from, func(t *testing.T) {
			opt := edge.Options{}
			opt.Setting.Env.Trusted = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
			opt.Setting.Env.ClientFrom = from
			s := openSpoofed(t, opt)
			var paths, clients []string
			f := func(want int, client string, lines ...string) {
				t.Helper()
				path := fmt.Sprintf("/%d", len(paths))
				status, h := s.ask(path, lines...)
				if status != want {
					t.Errorf("%q: status %d, want %d", lines, status, want)
				}
				if got := h.Get("X-Forwarded-For"); status == 200 && !strings.HasPrefix(got, client) {
					t.Errorf("%q: the origin was told %q, want %s first", lines, got, client)
				}
				paths, clients = append(paths, path), append(clients, client)
			}
			const one, two = "198.51.100.1", "198.51.100.2"
			f(200, one, say(one))
			f(200, one, say(lie, one))
			f(429, one, say("10.9.9.9", one))         // another left part: still the same client
			f(429, one, say(lie, one, "127.0.0.9"))   // through a second trusted proxy
			f(429, one, say(lie), say(one))           // two fields are one list
			f(429, one, say("unknown", one))          // nothing readable to the left
			f(429, one, say(one), "X-Real-IP: "+lie)  // not the field that the proxy writes
			f(429, one, say(one), "Client-IP: "+lie)  //
			f(200, two, say(one, two))                // another client, though the left part names the first
			f(200, "127.0.0.1", "X-Real-IP: "+lie)    // the proxy itself asks
			f(200, "127.0.0.1", say(lie, "nonsense")) // what the proxy wrote is no address: it is believed no further
			f(429, "127.0.0.1", "CF-Connecting-IP: "+lie)
			other := "Forwarded: for=" + lie
			if from == "forwarded" {
				other = "X-Forwarded-For: " + lie
			}
			f(429, one, say(one), other) // the other family is not read
			f(429, "127.0.0.1", other)
			s.edge.Drain()
			for i, path := range paths {
				s.logged(path, path, clients[i])
			}
			if strings.Contains(s.log.String(), lie) {
				t.Errorf("the log has %s in it:\n%s", lie, s.log.String())
			}
		})
	}
}
