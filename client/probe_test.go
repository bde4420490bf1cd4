package client_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"

	"skerry.dev/skerry/client"
)

// shop is a service behind a cache, both as they are told to be.
type shop struct {
	page   func(who string, r *http.Request) string
	stores func(who string) bool // whether the cache keeps an answer to this one
	keyed  bool                  // the cache tells who asks apart
	loose  bool                  // its key has no query
	cookie string                // that every answer sets
	status int

	mu   sync.Mutex
	kept map[string]string
}

func (s *shop) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	who := ""
	if c, err := r.Cookie("sid"); err == nil {
		who = c.Value
	}
	if c, err := r.Cookie("skerry_probe_session"); err == nil {
		who = c.Value
	}
	key := r.URL.Path
	if !s.loose {
		key = r.URL.RequestURI()
	}
	if s.keyed {
		key += who
	}
	if s.cookie != "" {
		w.Header().Set("Set-Cookie", s.cookie)
	}
	if body, ok := s.kept[key]; ok {
		w.Header().Set("Cache-Status", "other; fwd=miss, skerry; hit; ttl=3")
		io.WriteString(w, body)
		return
	}
	body := s.page(who, r)
	if s.stores(who) {
		s.kept[key] = body
	}
	if s.status != 0 {
		w.WriteHeader(s.status)
	}
	io.WriteString(w, body)
}

func TestProbe(t *testing.T) {
	every, nobody := func(string) bool { return true }, func(who string) bool { return who == "" }
	never := func(string) bool { return false }
	own := func(who string, r *http.Request) string { return "hello " + who + " at " + r.URL.RequestURI() }
	public := func(string, *http.Request) string { return "welcome" }
	visits := 0
	changing := func(who string, _ *http.Request) string {
		visits++
		return fmt.Sprintf("hello %s, visit %d", who, visits)
	}
	two := []client.Identity{{Name: "Cookie", Value: "sid=anna", Marker: "hello anna"}, {Name: "Cookie", Value: "sid=ben", Marker: "hello ben"}}
	plain := []client.Identity{{Name: "Cookie", Value: "sid=anna"}, {Name: "Cookie", Value: "sid=ben"}}
	f := func(name string, s *shop, who []client.Identity, leak, doubt string) {
		t.Helper()
		s.kept = map[string]string{}
		r, err := client.Probe(context.Background(), client.ProbeOptions{URL: "http://shop.test/account?x=1", Connect: serve(t, s.ServeHTTP), Identities: who})
		if err != nil || !strings.Contains(r.Leak, leak) || (leak == "") != (r.Leak == "") || !strings.Contains(r.Doubt, doubt) || (doubt == "") != (r.Doubt == "") {
			t.Errorf("%s: leak %q, doubt %q (%v), want %q and %q", name, r.Leak, r.Doubt, err, leak, doubt)
		}
	}
	f("right, with markers", &shop{page: own, stores: nobody}, two, "", "")
	f("no cache", &shop{page: own, stores: never}, two, "", "")
	f("no cache, without markers", &shop{page: own, stores: never}, plain, "", "")
	f("who asks is in the key", &shop{page: own, stores: every, keyed: true}, two, "", "")
	f("who asks is in the key, without markers", &shop{page: own, stores: every, keyed: true}, plain, "", "")
	f("a public page", &shop{page: public, stores: every}, plain, "", "")
	f("everything is stored", &shop{page: own, stores: every}, two, "the second identity got the first one's marker", "")
	f("everything is stored, without markers", &shop{page: own, stores: every}, plain, "the second identity got the first one's answer from a cache", "")
	f("only the second is stored", &shop{page: own, stores: func(who string) bool { return who == "ben" }}, two, "the first identity got the second one's marker", "")
	f("stored, and another one each time", &shop{page: changing, stores: every}, two, "the second identity got the first one's marker", "")
	f("stored, and another one each time, without markers", &shop{page: changing, stores: func(who string) bool { return true }, loose: true}, plain, "", "give a --marker")
	f("an answer that changes by itself, without markers", &shop{page: changing, stores: every}, plain, "", "is another one each time")
	f("a key without query", &shop{page: own, stores: every, loose: true}, plain, "", "whose key leaves out new query parameters")
	f("a cookie for everybody", &shop{page: public, stores: every, cookie: "sid=7"}, two, "sets a cookie, the same for everybody", "")
	f("identities that do not hold", &shop{page: public, stores: never, status: 403}, two, "", "got status 403 and 403")
	f("a session, right", &shop{page: own, stores: nobody}, nil, "", "")
	f("a session, stored", &shop{page: own, stores: every}, nil, "a request without a session got an answer that was made for one", "")
	f("a session, and an error", &shop{page: own, stores: never, status: 500}, nil, "", "status 500")

	for _, url := range []string{"", "shop.test/", "ftp://shop.test/", "http:///x", "http://127.0.0.1:1/"} {
		if _, err := client.Probe(context.Background(), client.ProbeOptions{URL: url}); err == nil {
			t.Errorf("%q is probed", url)
		}
	}
}
