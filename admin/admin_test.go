package admin_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"go.uber.org/goleak"

	"skerry.dev/skerry/admin"
	"skerry.dev/skerry/meter"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// start serves o on a free port and returns its URL and a client that keeps no connection.
func start(t *testing.T, o admin.Options) (url string, client *http.Client) {
	t.Helper()
	if o.Set == nil {
		o.Set = meter.NewSet()
	}
	s, err := admin.Serve([]string{"127.0.0.1:0"}, nil, admin.New(o))
	if err != nil {
		t.Fatal(err)
	}
	client = &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return "http://" + s.Addrs()[0], client
}

// get asks for one path; edit changes the request, and may be nil.
func get(t *testing.T, client *http.Client, url string, edit func(*http.Request)) (*http.Response, string) {
	t.Helper()
	r, err := http.NewRequest("GET", url, nil)
	if err != nil {
		t.Fatal(err)
	}
	if edit != nil {
		edit(r)
	}
	resp, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, string(body)
}

func TestPages(t *testing.T) {
	set := meter.NewSet()
	set.Events().Add("health", "cart: <b>10.0.0.5</b> is down")
	ready := true
	url, client := start(t, admin.Options{
		Set:     set,
		Ready:   func() (bool, string) { return ready, "draining" },
		Plan:    func() any { return map[string]int{"entrypoints": 2} },
		Version: map[string]string{"version": "1.2.3"},
	})
	f := func(path string, status int, kind, contains string) {
		t.Helper()
		resp, body := get(t, client, url+path, nil)
		if resp.StatusCode != status || !strings.HasPrefix(resp.Header.Get("Content-Type"), kind) || !strings.Contains(body, contains) {
			t.Errorf("%s: %d %s %q, want %d %s with %q", path, resp.StatusCode, resp.Header.Get("Content-Type"), body, status, kind, contains)
		}
		if resp.Header.Get("Access-Control-Allow-Origin") != "" || resp.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s: header %v", path, resp.Header)
		}
	}
	f("/livez", 200, "text/plain", "ok\n")
	f("/readyz", 200, "text/plain", "ready\n")
	f("/metrics", 200, "text/plain", "go_goroutines ")
	f("/metrics", 200, "text/plain", "process_cpu_seconds_total ")
	f("/api/v1/plan", 200, "application/json", `"entrypoints": 2`)
	f("/api/v1/version", 200, "application/json", `"version": "1.2.3"`)
	f("/api/v1/events", 200, "application/json", `"kind": "health"`)
	f("/api/v1/events?since=x", 400, "application/problem+json", "since")
	f("/debug/pprof/", 200, "text/html", "goroutine")
	f("/debug/pprof/goroutine?debug=1", 200, "text/plain", "goroutine profile")
	f("/debug/pprof/heap", 200, "application/octet-stream", "")
	f("/debug/pprof/cmdline", 200, "text/plain", "")
	f("/debug/pprof/symbol", 200, "text/plain", "num_symbols")
	f("/debug/pprof/trace?seconds=0.01", 200, "application/octet-stream", "")
	f("/debug/pprof/profile?seconds=301", 400, "application/problem+json", "300")
	f("/debug/pprof/profile?seconds=NaN", 400, "application/problem+json", "300")
	f("/debug/vars", 404, "text/plain", "")
	f("/", 200, "text/html", `<a href="/metrics">`)
	f("/", 200, "text/html", `&lt;b&gt;10.0.0.5`)
	f("/", 200, "text/html", `class="state"`)
	ready = false
	f("/readyz", 503, "text/plain", "not ready: draining\n")
	f("/livez", 200, "text/plain", "ok\n")
	f("/", 200, "text/html", `not ready: draining`)
}

func TestNothingToShow(t *testing.T) {
	url, client := start(t, admin.Options{Plan: func() any { return nil }})
	f := func(path string, status int, body string) {
		t.Helper()
		if resp, got := get(t, client, url+path, nil); resp.StatusCode != status || !strings.Contains(got, body) {
			t.Errorf("%s: %d %q", path, resp.StatusCode, got)
		}
	}
	f("/api/v1/plan", 503, "no plan")
	f("/readyz", 200, "ready")
	f("/api/v1/events?since=99", 200, `"events": []`)
	f("/", 200, "Skerry admin")
	url, client = start(t, admin.Options{Plan: func() any { return func() {} }})
	f("/api/v1/plan", 500, "BUG")
}

func TestEventsGoOnWhereTheLastAnswerEnded(t *testing.T) {
	set := meter.NewSet()
	for range 300 {
		set.Events().Add("reload", "again")
	}
	url, client := start(t, admin.Options{Set: set})
	f := func(since string, first, last, next uint64) {
		t.Helper()
		var got struct {
			Events []struct {
				Seq        uint64
				Time       time.Time
				Kind, Text string
			}
			Next uint64
		}
		_, body := get(t, client, url+"/api/v1/events?since="+since, nil)
		if err := json.Unmarshal([]byte(body), &got); err != nil {
			t.Fatal(err)
		}
		if got.Next != next || len(got.Events) != int(last-first+1) {
			t.Fatalf("since %s: %d events, next %d", since, len(got.Events), got.Next)
		}
		if len(got.Events) > 0 && (got.Events[0].Seq != first || got.Events[0].Kind != "reload" || got.Events[0].Time.IsZero()) {
			t.Errorf("since %s: first is %+v", since, got.Events[0])
		}
	}
	f("", 45, 300, 300) // 256 are kept
	f("298", 299, 300, 300)
	f("300", 301, 300, 300)
}

// TestLatestEvents: the page shows ten events, and no flood of one kind hides what else has happened.
func TestLatestEvents(t *testing.T) {
	set := meter.NewSet()
	url, client := start(t, admin.Options{Set: set})
	f := func(want ...string) {
		t.Helper()
		_, body := get(t, client, url+"/", nil)
		var got []string
		for _, m := range regexp.MustCompile(`<b>(\w+)</b> (\w+)`).FindAllStringSubmatch(body, -1) {
			got = append(got, m[1]+" "+m[2])
		}
		if !slices.Equal(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	set.Events().Add("activated", "first")
	for i := range 1000 {
		set.Events().Add("issued", fmt.Sprint(i))
	}
	f("activated first", "issued 997", "issued 998", "issued 999")
	for i := range 4 {
		for _, kind := range []string{"a", "b", "c"} {
			set.Events().Add(kind, fmt.Sprint(i))
		}
	}
	f("issued 999", "a 1", "b 1", "c 1", "a 2", "b 2", "c 2", "a 3", "b 3", "c 3")
}

func TestWhoMayAsk(t *testing.T) {
	url, client := start(t, admin.Options{})
	f := func(status int, edit func(*http.Request)) {
		t.Helper()
		if resp, body := get(t, client, url+"/livez", edit); resp.StatusCode != status {
			t.Errorf("%d %q, want %d", resp.StatusCode, body, status)
		}
	}
	host := func(h string) func(*http.Request) { return func(r *http.Request) { r.Host = h } }
	f(200, host("127.0.0.1"))
	f(200, host("127.0.0.1:9901"))
	f(200, host("10.1.2.3:80"))
	f(200, host("[::1]:9901"))
	f(200, host("[::1]"))
	f(200, host("localhost"))
	f(200, host("LOCALHOST.:9901"))
	f(403, host("evil.example"))
	f(403, host("evil.example:9901"))
	f(403, host("127.0.0.1.evil.example"))
	f(403, host("localhost.evil.example"))
	f(403, host("2130706433")) // 127.0.0.1 to some resolvers
	for _, m := range []string{"POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE"} {
		f(405, func(r *http.Request) { r.Method = m })
	}
	f(200, func(r *http.Request) { r.Method = "HEAD" })
	site := func(site, dest string) func(*http.Request) {
		return func(r *http.Request) {
			r.Header.Set("Sec-Fetch-Site", site)
			r.Header.Set("Sec-Fetch-Dest", dest)
		}
	}
	f(200, site("same-origin", "image"))
	f(200, site("none", "document"))
	f(200, site("cross-site", "document"))
	f(403, site("cross-site", "image"))
}

func TestHealthCheckWithoutHost(t *testing.T) {
	url, _ := start(t, admin.Options{})
	c, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	io.WriteString(c, "GET /livez HTTP/1.0\r\n\r\n")
	if got, _ := io.ReadAll(c); !strings.HasPrefix(string(got), "HTTP/1.0 200 ") {
		t.Errorf("got %q", got)
	}
}

func TestSeveralAddresses(t *testing.T) {
	s, err := admin.Serve([]string{"127.0.0.1:0", "localhost:0"}, nil, admin.New(admin.Options{Set: meter.NewSet()}))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	for _, addr := range s.Addrs() {
		if resp, _ := get(t, client, "http://"+addr+"/livez", nil); resp.StatusCode != 200 {
			t.Errorf("%s: %d", addr, resp.StatusCode)
		}
	}
	if len(s.Addrs()) != 2 {
		t.Errorf("addresses %v", s.Addrs())
	}
}

func TestServeRefusesWhatItCannotListenOn(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	f := func(want string, addrs ...string) {
		t.Helper()
		s, err := admin.Serve(addrs, nil, http.NotFoundHandler())
		if err == nil {
			s.Close()
		}
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "--admin") {
			t.Errorf("%v: %v", addrs, err)
		}
	}
	f("address already in use", "127.0.0.1:0", taken.Addr().String())
	f("missing port", "127.0.0.1")
}

func TestCloseCutsOffWhatTakesTooLong(t *testing.T) {
	began, ended := make(chan struct{}), make(chan struct{})
	s, err := admin.Serve([]string{"127.0.0.1:0"}, nil, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		close(began)
		<-r.Context().Done()
		close(ended)
	}))
	if err != nil {
		t.Fatal(err)
	}
	c, err := net.Dial("tcp", s.Addrs()[0])
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	io.WriteString(c, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
	<-began
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	<-ended
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

func TestMetrics(t *testing.T) {
	set := meter.NewSet()
	set.Counter("skerry_requests_total", "Requests.", "entrypoint", "shop", "class", "2xx").Add(3)
	set.Counter("skerry_requests_total", "Requests.", "entrypoint", "a\"\\\n\xff", "class", "5xx").Add(1)
	set.Gauge("skerry_connections", "Open.").Set(-2)
	set.Func("skerry_uptime_seconds", "Up.", func() float64 { return 1.5 })
	h := set.Histogram("skerry_request_duration_seconds", "Took.", "route", "default")
	h.Observe(time.Millisecond)
	h.Observe(3 * time.Millisecond)
	h.Observe(time.Minute)
	set.Counter("not a metric name", "Bad.", "a b", "c")
	set.Gauge("go_goroutines", "Clashes with the runtime's.")
	url, client := start(t, admin.Options{Set: set})
	resp, body := get(t, client, url+"/metrics", nil)
	if resp.StatusCode != 200 {
		t.Fatalf("%d %s", resp.StatusCode, body)
	}
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(strings.NewReader(body))
	if err != nil {
		t.Fatalf("%v in\n%s", err, body)
	}
	f := func(name, kind, want string) {
		t.Helper()
		family := families[name]
		if family == nil || family.GetType().String() != kind {
			t.Errorf("%s is %v", name, family)
			return
		}
		var lines []string
		for line := range strings.Lines(body) {
			if strings.HasPrefix(line, name) {
				lines = append(lines, line)
			}
		}
		if diff := cmp.Diff(want, strings.Join(lines, "")); diff != "" {
			t.Errorf("%s: -want +got:\n%s", name, diff)
		}
	}
	f("skerry_requests_total", "COUNTER", "skerry_requests_total{class=\"2xx\",entrypoint=\"shop\"} 3\n"+
		"skerry_requests_total{class=\"5xx\",entrypoint=\"a\\\"\\\\\\n\ufffd\"} 1\n")
	f("skerry_connections", "GAUGE", "skerry_connections -2\n")
	f("skerry_uptime_seconds", "GAUGE", "skerry_uptime_seconds 1.5\n")
	f("skerry_request_duration_seconds", "HISTOGRAM", `skerry_request_duration_seconds_bucket{route="default",le="0.001"} 1
skerry_request_duration_seconds_bucket{route="default",le="0.002"} 1
skerry_request_duration_seconds_bucket{route="default",le="0.005"} 2
skerry_request_duration_seconds_bucket{route="default",le="0.01"} 2
skerry_request_duration_seconds_bucket{route="default",le="0.025"} 2
skerry_request_duration_seconds_bucket{route="default",le="0.05"} 2
skerry_request_duration_seconds_bucket{route="default",le="0.1"} 2
skerry_request_duration_seconds_bucket{route="default",le="0.25"} 2
skerry_request_duration_seconds_bucket{route="default",le="0.5"} 2
skerry_request_duration_seconds_bucket{route="default",le="1"} 2
skerry_request_duration_seconds_bucket{route="default",le="2.5"} 2
skerry_request_duration_seconds_bucket{route="default",le="5"} 2
skerry_request_duration_seconds_bucket{route="default",le="10"} 2
skerry_request_duration_seconds_bucket{route="default",le="30"} 2
skerry_request_duration_seconds_bucket{route="default",le="+Inf"} 3
skerry_request_duration_seconds_sum{route="default"} 60.004
skerry_request_duration_seconds_count{route="default"} 3
`)
}

// BenchmarkScrape is one scrape of 1,000 used routes.
func BenchmarkScrape(b *testing.B) {
	set := meter.NewSet()
	for i := range 1000 {
		route := "route-" + string(rune('a'+i%26)) + string(rune('a'+i/26%26)) + string(rune('a'+i/676))
		set.Histogram("skerry_request_duration_seconds", "Took.", "route", route).Observe(time.Second)
		set.Counter("skerry_requests_total", "Requests.", "route", route, "class", "2xx").Inc()
		set.Counter("skerry_requests_total", "Requests.", "route", route, "class", "4xx").Inc()
		set.Counter("skerry_response_bytes_total", "Bytes.", "route", route).Inc()
	}
	h := admin.New(admin.Options{Set: set})
	r := httptest.NewRequest("GET", "http://localhost/metrics", nil)
	b.ReportAllocs()
	for b.Loop() {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code != 200 {
			b.Fatal(w.Code)
		}
	}
}

func TestConnectionsBeyondTheLimitAreClosed(t *testing.T) {
	url, client := start(t, admin.Options{})
	var open []net.Conn
	for range 256 {
		c, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		open = append(open, c)
	}
	one, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer one.Close()
	if got, err := io.ReadAll(one); len(got) != 0 || err != nil {
		t.Errorf("connection 257 got %q, %v", got, err)
	}
	io.WriteString(open[0], "GET /livez HTTP/1.0\r\n\r\n")
	if got, _ := io.ReadAll(open[0]); !strings.HasPrefix(string(got), "HTTP/1.0 200 ") {
		t.Errorf("an open connection got %q", got)
	}
	// There is room again, once the server has seen them go.
	for _, c := range open {
		c.Close()
	}
	for {
		resp, err := client.Get(url + "/livez")
		if err == nil {
			resp.Body.Close()
			return
		}
		time.Sleep(time.Millisecond)
	}
}
