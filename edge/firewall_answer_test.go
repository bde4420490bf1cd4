package edge_test

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"skerry.dev/skerry/edge"
)

const leak = "<b>Warning</b>: mysql_fetch_array(): supplied argument is not a valid MySQL result resource in <b>/var/www/a.php</b> on line <b>3</b>"

// TestFirewallAnswers: with responses: on an answer that leaks is refused and others pass as they are; without it none is held.
func TestFirewallAnswers(t *testing.T) {
	answers := map[string]struct{ media, coding, body string }{
		"leak":    {"text/html", "", "<html>" + leak},
		"gzipped": {"text/html", "gzip", gzipped(t, "<html>"+leak)},
		"large":   {"text/html", "", strings.Repeat("words ", 50<<10) + leak},
		"binary":  {"image/png", "", leak},
		"damaged": {"text/html", "gzip", "no gzip"},
		"plain":   {"text/html", "", strings.Repeat("words ", 10<<10)},
		"empty":   {"text/html", "", ""},
	}
	handler := func(rw http.ResponseWriter, r *http.Request) {
		a := answers[strings.Trim(r.URL.Path, "/")]
		rw.Header().Set("Content-Type", a.media)
		if a.coding != "" {
			rw.Header().Set("Content-Encoding", a.coding)
		}
		if r.URL.RawQuery == "chunks" {
			rw.Header().Set("Trailer", "X-Sum")
			rw.(http.Flusher).Flush()
		} else {
			rw.Header().Set("Content-Length", fmt.Sprint(len(a.body)))
		}
		io.WriteString(rw, a.body)
		if r.URL.RawQuery == "chunks" {
			rw.Header().Set("X-Sum", "12")
		}
	}
	for _, responses := range []string{"on", "off"} {
		w := wall(t, edge.Options{}, handler, "  compress: off\n  waf: {responses: "+responses+"}\n")
		c := w.dial()
		for name, a := range answers {
			for _, query := range []string{"", "?chunks"} {
				want := 200
				if responses == "on" && (name == "leak" || name == "gzipped") {
					want = 502
				}
				resp, body, err := c.do(get("/"+name+query, "TE: trailers", "Connection: TE"))
				must(t, err)
				if resp.StatusCode != want || want == 200 && body != a.body || want != 200 && strings.Contains(body, "mysql") {
					t.Errorf("responses %s, %s%s: status %d, want %d; %d bytes", responses, name, query, resp.StatusCode, want, len(body))
				}
				if want == 200 && query != "" && resp.Trailer.Get("X-Sum") != "12" {
					t.Errorf("responses %s, %s: trailers %v", responses, name, resp.Trailer)
				}
				if want == 200 && query == "" && resp.ContentLength != int64(len(a.body)) {
					t.Errorf("responses %s, %s: length %d", responses, name, resp.ContentLength)
				}
			}
		}
		if status, body := w.h2("HEAD", "/plain", "", nil); status != 200 || body != "" {
			t.Errorf("HEAD: %d, %d bytes", status, len(body))
		}
		w.until("nothing is held", func() bool { return w.heldBytes() == 0 })
		events := w.walledEvents()
		if e := events["/leak"]; responses == "on" && (e.WAF.Of != "answer" || e.Fault != "response_blocked" || strings.Contains(e.text, "mysql")) {
			t.Errorf("the event: %s", e.text)
		}
	}
}

// TestFirewallAnswerStreams: the first event of a stream arrives before the second is sent, whether or not answers are judged.
func TestFirewallAnswerStreams(t *testing.T) {
	for _, responses := range []string{"on", "off"} {
		next := make(chan struct{})
		w := wall(t, edge.Options{}, func(rw http.ResponseWriter, r *http.Request) {
			rw.Header().Set("Content-Type", "text/event-stream")
			for n := range 3 {
				fmt.Fprintf(rw, "data: %d\n\n", n)
				rw.(http.Flusher).Flush()
				<-next
			}
		}, "  waf: {responses: "+responses+"}\n")
		for way := range 3 {
			req, err := http.NewRequestWithContext(t.Context(), "GET", w.urls[way]+"/", nil)
			must(t, err)
			req.Host = "shop.test"
			req.Header.Set("Accept", "text/event-stream")
			resp, err := w.clients[way].Do(req)
			must(t, err)
			lines := bufio.NewReader(resp.Body)
			for n := range 3 {
				line, err := lines.ReadString('\n')
				if err != nil || line != fmt.Sprintf("data: %d\n", n) {
					t.Fatalf("responses %s, way %d: %q %v", responses, way, line, err)
				}
				_, err = lines.ReadString('\n')
				must(t, err)
				next <- struct{}{}
			}
			resp.Body.Close()
		}
	}
}

// TestFirewallTells: the log event has rules, names of variables and the score, and nothing of what matched; metrics count by family.
// The query stands in the event as the client sent it, but for the values of secret names, as without a firewall.
func TestFirewallTells(t *testing.T) {
	const payload = "zq7payload'or 1=1--"
	w := wall(t, edge.Options{}, echoBody, "")
	coded := strings.NewReplacer("'", "%27", " ", "%20", "=", "%3D").Replace(payload)
	w.raw(get("/query?q=" + coded + "&password=" + coded))
	w.raw(get("/name?" + coded + "=1"))
	w.raw(get("/header", "X-Note: "+payload, "Cookie: a="+payload))
	w.raw(post("/form", formType, "comment="+coded))
	w.raw(post("/json", jsonType, `{"user":{"`+payload+`":["`+payload+`"]}}`))
	w.raw(post("/form-name", formType, coded+"="+coded))
	if n := w.total("skerry_firewall_matches_total", "family", "sqli"); n < 5 {
		t.Errorf("%v matches of the family sqli", n)
	}
	if n := w.total("skerry_firewall_requests_total", "verdict", "refused"); n < 5 {
		t.Errorf("%v requests refused", n)
	}
	if n := w.total("skerry_firewall_matches_total", "family", "xss"); n != 0 {
		t.Errorf("%v matches of the family xss", n)
	}
	for path, e := range w.walledEvents() {
		if e.WAF.Verdict != "refused" || e.WAF.Mode != "block" || e.WAF.Score < 5 || len(e.WAF.Rules) == 0 || e.Fault != "blocked" {
			t.Errorf("%s: %s", path, e.text)
		}
		text := e.text
		switch path {
		case "/query":
			if !strings.Contains(e.Query, "q=zq7payload%27") || strings.Contains(e.Query, "password=zq7") {
				t.Errorf("the query in the log: %s", e.Query)
			}
			text = strings.Replace(text, "q="+coded, "", 1)
		case "/name":
			text = strings.Replace(text, coded, "", 1)
		}
		if strings.Contains(text, "zq7payload") {
			t.Errorf("%s: what matched is in the log: %s", path, e.text)
		}
		if want := map[string]string{"/form": "ARGS:comment", "/json": "ARGS:*", "/query": "ARGS:q", "/name": "ARGS_NAMES:*"}[path]; !strings.Contains(e.text, want) {
			t.Errorf("%s: no %s in %s", path, want, e.text)
		}
	}
}

// TestFirewallLogsValues: where the policy says so, the event has what matched.
func TestFirewallLogsValues(t *testing.T) {
	w := wall(t, edge.Options{}, echoBody, "  waf: {logValues: on}\n")
	w.raw(get("/?" + sqliQuery))
	if e := w.walledEvents()["/"]; !strings.Contains(e.text, "SQL") || !strings.Contains(e.text, "UNION SELECT") {
		t.Errorf("the event: %s", e.text)
	}
}
