package cachetest_test

import (
	"net"
	"slices"
	"strings"
	"testing"

	"skerry.dev/skerry/cache/cachetest"
	"skerry.dev/skerry/load/rival"
)

// nginxCache is what the public suite runs nginx with, but that stale answers may be used where nothing else is said.
const nginxCache = `
	access_log off;
	proxy_cache_path DIR/cache levels=1:2 keys_zone=all:8m max_size=200m inactive=600m use_temp_path=off;
	server {
		listen LISTEN;
		location / {
			proxy_pass http://ORIGIN;
			proxy_set_header Host $host;
			proxy_cache all;
			proxy_cache_key $host$request_uri;
			proxy_cache_revalidate on;
			proxy_http_version 1.1;
			proxy_set_header Connection "";
		}
	}`

// varnishCache is Varnish as it comes, but that a request of a method unknown to it, which it hands through as bytes, does not hand
// through whatever follows on its connection.
const varnishCache = `vcl 4.1;
backend default { .host = "HOST"; .port = "PORT"; }
sub vcl_pipe { set bereq.http.Connection = "close"; }`

// TestRivals plays the standard mode against other caches and prints how they fare. They are not ours to judge: what is held is
// that each does what it is known for, so that a harness which measures something else is seen.
func TestRivals(t *testing.T) {
	t.Parallel()
	for _, r := range []struct {
		name, program string
		start         func(o rival.Options, origin string) (*rival.Proc, error)
		does, doesNot []string
	}{
		{"nginx", "nginx", func(o rival.Options, origin string) (*rival.Proc, error) {
			o.Conf = strings.NewReplacer("DIR", o.Dir, "LISTEN", o.Ready, "ORIGIN", origin).Replace(nginxCache)
			return rival.Nginx(o)
		}, []string{"freshness: max-age", "freshness: max-age has passed", "vary: another value", "response: no-store", "conditions: a tag", "status: 404, fresh", "expires: in the past"},
			[]string{"age: every answer from the store has one", "invalidation: POST", "freshness: Age beyond max-age", "update: a field that the 304 adds is there"}},
		{"Varnish", "varnishd", func(o rival.Options, origin string) (*rival.Proc, error) {
			host, port, err := net.SplitHostPort(origin)
			if err != nil {
				return nil, err
			}
			o.Conf = strings.NewReplacer("HOST", host, "PORT", port).Replace(varnishCache)
			o.Args = []string{"-p", "default_grace=0", "-p", "default_keep=60"} // stale answers only where something says so
			return rival.Varnish(o)
		}, []string{"freshness: max-age", "age: every answer from the store has one", "freshness: Age beyond max-age", "update: a field that the 304 adds is there", "ranges: first and last", "vary: another value"},
			[]string{"invalidation: POST", "request: no-cache", "conditions: a tag in the middle"}},
	} {
		t.Run(r.name, func(t *testing.T) {
			t.Parallel()
			if why := rival.Missing(r.program); why != "" {
				t.Skip(why)
			}
			o := newOrigin(t)
			addr, err := rival.FreeAddr()
			if err != nil {
				t.Fatal(err)
			}
			p, err := r.start(rival.Options{Dir: t.TempDir(), Ready: addr}, o.Addr())
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(p.Stop)
			target := cachetest.Target{Name: r.name, Origin: o, Client: client(t), Slow: true}
			target.Routes[cachetest.Standard] = "http://" + addr
			target.Others[cachetest.Standard] = "http://" + strings.Replace(addr, "127.0.0.1", "localhost", 1)
			// Neither passes interim responses on, and one waits for what follows them until nobody asks any more.
			cases := slices.DeleteFunc(slices.Clone(cachetest.Cases), func(c cachetest.Case) bool { return strings.HasPrefix(c.Name, "interim: ") })
			const seed = 1
			results := cachetest.Play(t.Context(), target, cases, seed)
			t.Logf("%s, seed %d: %s", r.name, seed, cachetest.Tally(results))
			errs := map[string]error{}
			for _, r := range results {
				errs[r.Case.Name] = r.Err
				if r.Err != nil && testing.Verbose() {
					t.Logf("%s (%s): %v", r.Case.Name, r.Case.Level, r.Err)
				}
			}
			for _, name := range r.does {
				if err, played := errs[name]; !played || err != nil {
					t.Errorf("%q must hold (played: %v): %v", name, played, err)
				}
			}
			for _, name := range r.doesNot {
				if err, played := errs[name]; !played || err == nil {
					t.Errorf("%q holds (played: %v), and is not known to", name, played)
				}
			}
		})
	}
}
