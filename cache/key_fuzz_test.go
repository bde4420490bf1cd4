package cache_test

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"

	"skerry.dev/skerry/cache"
	"skerry.dev/skerry/exchange"
	"skerry.dev/skerry/spec"
)

// asking is what a key is made of, as a fuzzer writes it. Values are those that a protocol lets through: without controls.
type asking struct {
	https              bool
	port               uint16
	host, path, query  string
	field, value, more string
	cookies            string
}

// exchange is the request, in the form in which a protocol hands it over.
func (a *asking) exchange() *exchange.Exchange {
	x := exchange.Acquire()
	r := &x.Req
	r.Method, r.MethodName = exchange.MethodGet, []byte("GET")
	r.Host, r.Port, r.Path, r.RawPath = []byte(a.host), a.port, []byte(a.path), []byte(a.path)
	if a.query != "" {
		r.Query = []byte(a.query)
	}
	r.Fields.AddNamed([]byte(a.field), []byte(a.value))
	if a.more != "" {
		r.Fields.AddNamed([]byte("x-site"), []byte(a.more))
	}
	if a.cookies != "" {
		r.Fields.Add(exchange.NameCookie, []byte(a.cookies))
	}
	r.Sent = append(r.Sent, r.Fields...)
	x.Facts.Client.HTTPS = a.https
	return x
}

// model is what must be the same for two requests to have one key, in as many words.
func (a *asking) model() string {
	port := a.port
	if port == 443 && a.https || port == 80 && !a.https {
		port = 0
	}
	var params []string
	for p := range strings.SplitSeq(a.query, "&") {
		name, _, _ := strings.Cut(p, "=")
		decoded, err := url.QueryUnescape(name)
		if err == nil && (strings.HasPrefix(decoded, "utm_") || decoded == "gclid") {
			continue
		}
		params = append(params, p)
	}
	name := func(p string) string { n, _, _ := strings.Cut(p, "="); return n }
	slices.SortStableFunc(params, func(p, q string) int { return strings.Compare(name(p), name(q)) })
	if len(params) == 1 && params[0] == "" {
		params = nil
	}
	var sites, cookies []string
	if strings.EqualFold(a.field, "x-site") {
		sites = append(sites, a.value)
	}
	if a.more != "" {
		sites = append(sites, a.more)
	}
	for pair := range strings.SplitSeq(a.cookies, ";") {
		pair = strings.Trim(pair, " \t")
		if n, _, _ := strings.Cut(pair, "="); n == "lang" {
			cookies = append(cookies, pair)
		}
	}
	return fmt.Sprintf("%v %q %d %q %q %q %q", a.https, a.host, port, a.path, params, sites, cookies)
}

// clean makes text of a fuzzer one that a protocol lets through.
func clean(s string, not string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || strings.ContainsRune(not, r) {
			return -1
		}
		return r
	}, s)
}

// FuzzKeys: two requests have one key if and only if the model says that they are alike.
func FuzzKeys(f *testing.F) {
	f.Add(true, uint16(0), "a", "/a", "a=1&b=2", "X-Site", "v", "", "lang=en", false, uint16(443), "a", "/a", "b=2&a=1", "x-site", "v", "", "lang=en; _ga=1")
	f.Add(true, uint16(443), "a", "/", "", "X-Site", "ab", "", "", true, uint16(0), "a", "/", "utm_a=1", "X-Site", "a", "b", "")
	f.Add(false, uint16(80), "a", "/b", "c&gclid", "Accept", "x", "", "", false, uint16(8080), "a:80", "/b", "c", "accept", "x", "", "_ga")
	f.Add(true, uint16(0), "ab", "/c", "", "Accept", "", "", "lang", true, uint16(0), "a", "/bc", "", "X-Site", "", "", "lang;lang")
	f.Add(true, uint16(0), "a", "/", "&&a", "Accept", "", "", "", true, uint16(0), "a", "/", "%zz=1&%75tm_x", "X-Site", "", "lang", "")
	p := open(f, with(func(c *spec.Cache) { c.Key.Headers, c.Key.Cookies = []string{"x-site"}, []string{"lang"} }))
	f.Fuzz(func(t *testing.T, https1 bool, port1 uint16, host1, path1, query1, field1, value1, more1, cookies1 string,
		https2 bool, port2 uint16, host2, path2, query2, field2, value2, more2, cookies2 string) {
		one := asking{https1, port1, clean(host1, "/?# "), "/" + clean(path1, "?# "), clean(query1, "# "), clean(field1, ": "), clean(value1, ""), clean(more1, ""), clean(cookies1, "")}
		two := asking{https2, port2, clean(host2, "/?# "), "/" + clean(path2, "?# "), clean(query2, "# "), clean(field2, ": "), clean(value2, ""), clean(more2, ""), clean(cookies2, "")}
		a, b := one.key(p.stage), two.key(p.stage)
		if a == "" || b == "" {
			return // too long, or an overriding field
		}
		if same := one.model() == two.model(); (a == b) != same {
			t.Errorf("one key %v, want %v:\n%s\n%s\n%q\n%q", a == b, same, one.model(), two.model(), a, b)
		}
		again := one.key(p.stage)
		if a != again {
			t.Errorf("two keys for one request:\n%q\n%q", a, again)
		}
	})
}

// key is the key, empty if there is none.
func (a *asking) key(s *cache.Stage) string {
	x := a.exchange()
	defer x.Release()
	k, why, _ := cache.KeyOf(s, x)
	if why != "" {
		return ""
	}
	return string(k)
}
