package admin_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"skerry.dev/skerry/admin"
	"skerry.dev/skerry/fault"
)

// said is a cache that answers with what it was asked.
func said() *admin.Cache {
	say := func(format string, args ...any) (any, error) { return fmt.Sprintf(format, args...), nil }
	return &admin.Cache{
		Stats:  func() (any, error) { return say("stats") },
		Misses: func(n int) (any, error) { return say("misses %d", n) },
		Why: func(url string, fields []string) (any, error) {
			if url == "http://nobody/" {
				return nil, fault.New(fault.NoRoute, "nobody has this host")
			}
			return say("why %s %q", url, fields)
		},
		Purge: func(_ context.Context, p admin.CachePurge, by string) (any, error) {
			host, _, _ := strings.Cut(by, ":")
			return say("purge %+v by %s", p, host)
		},
		Purges:   func(after uint64) (any, error) { return say("purges after %d", after) },
		Progress: func(n uint64) (any, error) { return say("progress %d", n) },
		Resume: func(_ context.Context, route, _ string) (any, error) {
			if route == "broken" {
				return nil, errors.New("something else")
			}
			return say("resume %s", route)
		},
	}
}

func TestCachePages(t *testing.T) {
	url, client := start(t, admin.Options{Cache: said()})
	f := func(path string, status int, contains string) {
		t.Helper()
		if resp, body := get(t, client, url+path, nil); resp.StatusCode != status || !strings.Contains(body, contains) {
			t.Errorf("%s: %d %s, want %d with %q", path, resp.StatusCode, body, status, contains)
		}
	}
	f("/api/v1/cache", 200, `"stats"`)
	f("/api/v1/cache/misses", 200, `"misses 20"`)
	f("/api/v1/cache/misses?n=3", 200, `"misses 3"`)
	f("/api/v1/cache/misses?n=0", 400, "whole number from 1")
	f("/api/v1/cache/misses?n=-1", 400, "whole number from 1")
	f("/api/v1/cache/why?url=http://a/%3Fx&header=A:1&header=B:2", 200, `why http://a/?x [\"A:1\" \"B:2\"]`)
	f("/api/v1/cache/why", 400, "one url= is needed")
	f("/api/v1/cache/why?url=a&url=b", 400, "one url= is needed")
	f("/api/v1/cache/why?url=a"+strings.Repeat("&header=a:b", 65), 400, "at most 64 header=")
	f("/api/v1/cache/why?url=http://nobody/", fault.NoRoute.Status(), "nobody has this host")
	f("/api/v1/cache/purges", 200, `"purges after 0"`)
	f("/api/v1/cache/purges?after=7", 200, `"purges after 7"`)
	f("/api/v1/cache/purges?after=x", 400, "after must be")
	f("/api/v1/cache/purges/12", 200, `"progress 12"`)
	f("/api/v1/cache/purges/x", 400, "must be the number of a purge")
	f("/api/v1/cache/resume", 405, "only answers POST")

	url, client = start(t, admin.Options{})
	f("/api/v1/cache", 404, "")
}

// poster sends a POST that is right but for what edit changes.
func poster(t *testing.T, client *http.Client, url string) func(body string, edit func(*http.Request)) (*http.Response, string) {
	return func(body string, edit func(*http.Request)) (*http.Response, string) {
		t.Helper()
		return get(t, client, url, func(r *http.Request) {
			r.Method, r.Body, r.ContentLength = "POST", io.NopCloser(strings.NewReader(body)), int64(len(body))
			r.Header.Set("Content-Type", "application/json")
			if edit != nil {
				edit(r)
			}
		})
	}
}

// TestNoForeignPageChangesAnything: what a browser may be made to send is refused, whatever it says.
func TestNoForeignPageChangesAnything(t *testing.T) {
	url, client := start(t, admin.Options{Cache: said()})
	const good = `{"kind":"url","host":"a","value":"/"}`
	f := func(edit func(*http.Request), status int) {
		t.Helper()
		resp, body := poster(t, client, url+"/api/v1/cache/purges")(good, edit)
		if resp.StatusCode != status || status != 200 && strings.Contains(body, "purge {") {
			t.Errorf("%d %s, want %d", resp.StatusCode, body, status)
		}
		for name := range resp.Header {
			if strings.HasPrefix(name, "Access-Control-") {
				t.Errorf("the answer has %s", name)
			}
		}
	}
	set := func(name, value string) func(*http.Request) {
		return func(r *http.Request) { r.Header.Set(name, value) }
	}
	f(nil, 200)
	f(set("Content-Type", "application/json; charset=utf-8"), 200)
	for _, form := range []string{"text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=a", "", "application/json, text/plain", "text/plain; application/json"} {
		f(set("Content-Type", form), 415)
	}
	f(func(r *http.Request) { r.Header.Del("Content-Type") }, 415)
	f(func(r *http.Request) { r.Header["Content-Type"] = []string{"application/json", "text/plain"} }, 415)
	for _, site := range []string{"cross-site", "same-site", "elsewhere"} {
		f(set("Sec-Fetch-Site", site), 403)
	}
	f(func(r *http.Request) {
		r.Header.Set("Sec-Fetch-Site", "cross-site")
		r.Header.Set("Sec-Fetch-Dest", "document")
	}, 403)
	f(set("Sec-Fetch-Site", "same-origin"), 200)
	f(set("Sec-Fetch-Site", "none"), 200)
	for _, origin := range []string{"null", "http://evil.test", "https://127.0.0.1", "http://127.0.0.1:1", strings.Replace(url, "http:", "https:", 1), url + ".evil.test"} {
		f(set("Origin", origin), 403)
	}
	f(set("Origin", url), 200)
	f(func(r *http.Request) { r.Host = "rebound.test" }, 403)
	for _, method := range []string{"PUT", "PATCH", "DELETE", "OPTIONS"} {
		f(func(r *http.Request) { r.Method = method }, 405)
	}
	for _, path := range []string{"/api/v1/cache", "/api/v1/cache/misses", "/api/v1/cache/purges/1", "/api/v1/plan", "/metrics", "/", "/debug/pprof/symbol", "/api/v1/cache/purges/"} {
		if resp, _ := poster(t, client, url+path)(good, nil); resp.StatusCode != 405 || resp.Header.Get("Allow") != "GET, HEAD" {
			t.Errorf("POST %s: %d", path, resp.StatusCode)
		}
	}
}

// TestPurgeBody: an object with the members that are known, each once and of its type, and nothing else.
func TestPurgeBody(t *testing.T) {
	url, client := start(t, admin.Options{Cache: said()})
	f := func(body string, status int, contains string) {
		t.Helper()
		if resp, got := poster(t, client, url+"/api/v1/cache/purges")(body, nil); resp.StatusCode != status || !strings.Contains(got, contains) {
			t.Errorf("%.80q: %d %s, want %d with %q", body, resp.StatusCode, got, status, contains)
		}
	}
	f(`{"kind":"group","value":"a\u0062","soft":true}`, 200, `purge {Kind:group Host: Value:ab Soft:true Everything:false} by 127.0.0.1`)
	f(` {"kind":"all","everything":true} `+"\n", 200, `Everything:true`)
	f(`{"kind":"url","hots":"a","Value":"b"}`, 400, `the body has \"hots\", \"Value\", which is none of kind, host, value, soft, everything`)
	f(`{"kind":"url","kind":"all"}`, 400, `the body has \"kind\" twice`)
	f(`{"kind":"url","soft":"yes"}`, 400, `\"soft\" must be true or false`)
	f(`{"kind":7}`, 400, `\"kind\" must be a string`)
	f(`{"kind":null}`, 400, `\"kind\" must be a string`)
	f(`{"kind":"url","soft":null}`, 400, `\"soft\" must be true or false`)
	f(`{}`, 400, `names no \"kind\"`)
	f(``, 400, `no JSON object`)
	f(`[]`, 400, `no JSON object`)
	f(`null`, 400, `no JSON object`)
	f(`{"kind":"all"`, 400, `no JSON`)
	f(`{"kind":"all",}`, 400, `no JSON`)
	f(`{"kind":"all"}{}`, 400, `goes on behind`)
	f(`{"kind":"all"} x`, 400, `goes on behind`)
	f("{\"kind\":\"\xff\"}", 400, `not UTF-8`)
	f(`{"kind":"url","value":"/`+strings.Repeat("a", 128<<10)+`"}`, 413, `more than 131072 bytes`)
	var many strings.Builder
	for i := range 40 {
		fmt.Fprintf(&many, `"m%d":1,`, i)
	}
	f(`{`+many.String()+`"kind":"all"}`, 400, `more than 32 members`)

	resume := poster(t, client, url+"/api/v1/cache/resume")
	for body, want := range map[string]string{`{"route":"a/b"}`: "resume a/b", `{}`: `names no \"route\"`, `{"route":"broken"}`: `"status":500`, `{"route":"a","kind":"b"}`: "none of route"} {
		if _, got := resume(body, nil); !strings.Contains(got, want) {
			t.Errorf("%s: %s", body, got)
		}
	}
}
