package client_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"skerry.dev/skerry/client"
)

// serve starts a server and returns its address.
func serve(t *testing.T, h http.HandlerFunc) string {
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return strings.TrimPrefix(s.URL, "http://")
}

func open(t *testing.T, addr string) *client.Client {
	t.Helper()
	c, err := client.New(addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// TestCalls: what is asked, how, and what is made of the answer.
func TestCalls(t *testing.T) {
	var asked, answer string
	c := open(t, serve(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		asked = r.Method + " " + r.RequestURI + " " + r.Header.Get("Content-Type") + " " + string(body)
		io.WriteString(w, answer)
	}))
	ctx := context.Background()
	f := func(call func() error, reply, want string) {
		t.Helper()
		answer = reply
		if err := call(); err != nil || asked != want {
			t.Errorf("asked %q (%v), want %q", asked, err, want)
		}
	}
	f(func() error {
		s, err := c.CacheStats(ctx)
		if s.HitRatio != 0.5 || s.Requests["hit"] != 3 || s.Routes[0].Route != "a/b" {
			t.Errorf("%+v", s)
		}
		return err
	}, `{"requests":{"hit":3},"hitRatio":0.5,"routes":[{"route":"a/b"}],"newer":1}`, "GET /api/v1/cache  ")
	f(func() error {
		list, err := c.CacheMisses(ctx, 3)
		if len(list) != 1 || list[0].Why != "vary" {
			t.Errorf("%+v", list)
		}
		return err
	}, `{"misses":[{"url":"u","count":2,"why":"vary"}]}`, "GET /api/v1/cache/misses?n=3  ")
	f(func() error {
		y, err := c.CacheWhy(ctx, "http://a/?b&c#d", []string{"A: 1", "B: 2"})
		if y.Outcome != "hit" {
			t.Errorf("%+v", y)
		}
		return err
	}, `{"outcome":"hit"}`, "GET /api/v1/cache/why?header=A%3A+1&header=B%3A+2&url=http%3A%2F%2Fa%2F%3Fb%26c%23d  ")
	f(func() error {
		done, err := c.PurgeCache(ctx, client.CachePurge{Kind: "group", Value: "a\"b", Soft: true})
		if done.Number != 7 || done.Purges[0].Value != "v" {
			t.Errorf("%+v", done)
		}
		return err
	}, `{"number":7,"purges":[{"number":7,"value":"v"}]}`, `POST /api/v1/cache/purges application/json {"kind":"group","value":"a\"b","soft":true}`)
	f(func() error { _, err := c.CachePurges(ctx, 9); return err }, `{}`, "GET /api/v1/cache/purges?after=9  ")
	f(func() error { _, err := c.WaitForPurge(ctx, 9); return err }, `{"done":true}`, "GET /api/v1/cache/purges/9  ")
	f(func() error { _, err := c.ResumeCache(ctx, "a/b"); return err }, `{}`, `POST /api/v1/cache/resume application/json {"route":"a/b"}`)
}

// TestWait: it asks until the sweep is over.
func TestWait(t *testing.T) {
	n := 0
	c := open(t, serve(t, func(w http.ResponseWriter, _ *http.Request) {
		if n++; n < 3 {
			io.WriteString(w, `{"done":false}`)
			return
		}
		io.WriteString(w, `{"done":true,"removed":5}`)
	}))
	p, err := c.WaitForPurge(context.Background(), 1)
	if err != nil || p.Removed != 5 || n != 3 {
		t.Errorf("%+v, %v after %d questions", p, err, n)
	}
	n = -1 << 20
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := c.WaitForPurge(ctx, 1); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

// TestProblems: what is no answer is an error that says what it is.
func TestProblems(t *testing.T) {
	status, kind, body := 0, "", ""
	c := open(t, serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", kind)
		w.Header().Set("Location", "http://"+r.Host+"/elsewhere")
		w.WriteHeader(status)
		io.WriteString(w, body)
	}))
	f := func(s int, k, b, want string) {
		t.Helper()
		status, kind, body = s, k, b
		if _, err := c.CacheStats(context.Background()); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%d %s %.40q: %v, want %q", s, k, b, err, want)
		}
	}
	f(400, "application/problem+json", `{"detail":"no such kind","status":200}`, "no such kind")
	f(503, "text/html", `<h1>`, "the admin address answered 503")
	f(302, "text/plain", ``, "the admin address answered 302")
	f(200, "application/json", `[]`, "is not what this version understands")
	f(200, "application/json", `{"objects":`, "is not what this version understands")
	f(200, "application/json", strings.Repeat(" ", 33<<20), "more than 33554432 bytes")
	if _, err := client.New("127.0.0.1"); err == nil {
		t.Error("an address without a port is taken")
	}
	gone := open(t, "127.0.0.1:1")
	if _, err := gone.CacheStats(context.Background()); err == nil || !strings.Contains(err.Error(), "ask the admin address") {
		t.Error(err)
	}
}
