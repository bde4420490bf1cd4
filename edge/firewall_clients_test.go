package edge_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"skerry.dev/skerry/edge"
)

// TestFirewallProfiles: what programs and browsers send in the ordinary course passes the profiles in block mode.
func TestFirewallProfiles(t *testing.T) {
	type sent struct {
		way                       int
		method, path, media, body string
		fields                    []string
	}
	const frame = "\x00\x00\x00\x00\x02\x08\x01"
	rest := []sent{
		{0, "GET", "/v1/carts/42?fields=id,items&page[size]=10", "", "", nil},
		{1, "GET", "/v1/carts/42", "", "", []string{"Authorization: Bearer eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiI0MiJ9.sflKxwRJSMeKKF2QT4fwpMeJf36POk6yJV_adQssw5c"}},
		{2, "PUT", "/v1/carts/42", jsonType, `{"items":[{"sku":"A-1","count":2}],"note":"ring twice, please"}`, nil},
		{0, "PATCH", "/v1/carts/42", "application/merge-patch+json", `{"note":null}`, []string{`If-Match: "33a64df5"`}},
		{2, "PATCH", "/v1/carts/42", "application/json-patch+json", `[{"op":"replace","path":"/note","value":"x"}]`, nil},
		{1, "DELETE", "/v1/carts/42", "", "", nil},
		{0, "QUERY", "/v1/carts", jsonType, `{"where":{"total":{"gt":100}}}`, nil},
		{2, "OPTIONS", "/v1/carts", "", "", []string{"Origin: https://app.shop.test", "Access-Control-Request-Method: PUT"}},
		{0, "POST", "/graphql", jsonType, `{"query":"query Cart($id: ID!) { cart(id: $id) { items { sku } } }","variables":{"id":"42"}}`, nil},
		{2, "POST", "/shop.Cart/Get", "application/grpc", frame, []string{"Te: trailers", "Grpc-Timeout: 5S", "Grpc-Accept-Encoding: gzip"}},
		{2, "POST", "/shop.Cart/Get", "application/grpc+proto", frame, []string{"Te: trailers"}},
		{0, "POST", "/upload", "application/octet-stream", "\x00\x01\x02\xff", nil},
	}
	pages := []sent{
		{0, "POST", "/beacon", "text/plain;charset=UTF-8", `{"event":"leave","url":"https://shop.test/cart?step=2","ms":1234}`, []string{"Origin: https://shop.test", "Sec-Fetch-Mode: no-cors"}},
		{2, "POST", "/beacon", "text/plain;charset=UTF-8", "leave 1234", nil},
		{2, "POST", "/csp", "application/csp-report", `{"csp-report":{"document-uri":"https://shop.test/","referrer":"","violated-directive":"script-src-elem",` +
			`"effective-directive":"script-src-elem","original-policy":"default-src 'self'; report-uri /csp","blocked-uri":"inline","status-code":200}}`, nil},
		{1, "POST", "/reports", "application/reports+json", `[{"type":"deprecation","age":10,"url":"https://shop.test/","user_agent":"Mozilla/5.0","body":{"id":"websql"}}]`, nil},
		{0, "POST", "/login", formType, "user=ann%40example.com&next=%2Fcart", nil},
		{2, "POST", "/events", jsonType, `{"a":"b"}`, []string{"Expect: 100-continue"}},
	}
	f := func(profile string, list []sent) {
		t.Helper()
		w := wall(t, edge.Options{}, func(rw http.ResponseWriter, r *http.Request) {
			io.Copy(io.Discard, r.Body)
			rw.WriteHeader(http.StatusAccepted)
		}, "  profile: "+profile+"\n")
		for _, s := range list {
			var body io.Reader
			if s.body != "" {
				body = strings.NewReader(s.body)
			}
			req, err := http.NewRequestWithContext(t.Context(), s.method, w.urls[s.way]+s.path, body)
			must(t, err)
			req.Host = "shop.test"
			req.Header.Set("User-Agent", "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36")
			req.Header.Set("Accept", "*/*")
			if s.media != "" {
				req.Header.Set("Content-Type", s.media)
			}
			for _, line := range s.fields {
				name, value, _ := strings.Cut(line, ": ")
				req.Header.Set(name, value)
			}
			resp, err := w.clients[s.way].Do(req)
			must(t, err)
			resp.Body.Close()
			if resp.StatusCode != http.StatusAccepted {
				t.Errorf("%s: %s %s %s: status %d", profile, s.method, s.path, s.media, resp.StatusCode)
			}
		}
		for path, e := range w.walledEvents() {
			if len(e.WAF.Rules) > 0 {
				t.Errorf("%s: %s: %s", profile, path, e.text)
			}
		}
	}
	f("api", rest)
	f("partner-api", rest)
	f("website", pages)
	f("api", pages)
}

// TestFirewallReplays: a held body is sent to the next endpoint as it was to the first.
func TestFirewallReplays(t *testing.T) {
	var tries atomic.Int32
	var first atomic.Value
	dies := func(rw http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		if tries.Add(1) == 1 {
			first.Store(string(body))
			panic(http.ErrAbortHandler) // the connection dies without an answer
		}
		if string(body) != first.Load() {
			fmt.Fprintf(rw, "another body, of %d bytes", len(body))
			return
		}
		io.WriteString(rw, "the same")
	}
	w := wall(t, edge.Options{}, dies, "")
	const service = "---\napiVersion: skerry.dev/v1\nkind: Service\nmetadata: {name: app, owner: team-shop}\nspec:\n  endpoints: [%s, %s]\n"
	says := "  methods: [GET, PUT]\n  retry: {tries: 3}\n" + fmt.Sprintf(service, w.url, origin(t, dies))
	if problems := w.edge.Activate(parse(t, fmt.Sprintf(walledSpec, "app", says))); len(problems) > 0 {
		t.Fatal(problems)
	}
	for name, request := range map[string]string{
		"length": post("/", jsonType, filled(jsonType, 100<<10, false)), "chunks": postChunked("/", jsonType, filled(jsonType, 90<<10, false), 1000),
		"small": post("/", jsonType, `{"a":1}`),
	} {
		tries.Store(0)
		status, _, body := w.raw(strings.Replace(request, "POST", "PUT", 1))
		if status != 200 || body != "the same" || tries.Load() != 2 {
			t.Errorf("%s: status %d after %d tries: %.200s", name, status, tries.Load(), body)
		}
	}
	w.until("nothing is held", func() bool { return w.heldBytes() == 0 })
}

// TestFirewallRoutesAtOnce: routes with different exclusions, asked at once, keep to their own.
func TestFirewallRoutesAtOnce(t *testing.T) {
	const routes = 8
	says := "  routes:\n"
	url := origin(t, echoRelease)
	for n := range routes {
		says += fmt.Sprintf("    - {match: {prefix: /r%d}, service: %s, waf: {exclude: [{rule: \"942000-942999\", target: \"ARGS:q%d\"}, {rule: \"941000-941999\", path: /r%d/x}]}}\n", n, url, n, n)
	}
	w := wall(t, edge.Options{}, echoBody, says)
	var busy sync.WaitGroup
	for client := range 4 {
		busy.Go(func() {
			c, err := dial(w.addr)
			if err != nil {
				t.Error(err)
				return
			}
			defer c.conn.Close()
			for i := range 60 {
				n := (i + client) % routes
				other := (n + 1 + i%(routes-1)) % routes
				for query, want := range map[string]int{
					fmt.Sprintf("/r%d/y?q%d%s", n, n, sqliQuery[1:]): 200, fmt.Sprintf("/r%d/y?q%d%s", n, other, sqliQuery[1:]): 403,
					fmt.Sprintf("/r%d/x?a=%%3Cscript%%3Ealert(1)%%3C/script%%3E", n): 200, fmt.Sprintf("/r%d/y?a=%%3Cscript%%3Ealert(1)%%3C/script%%3E", n): 403,
				} {
					resp, _, err := c.do(get(query))
					if err != nil || resp.StatusCode != want {
						t.Errorf("%s: %v %v, want %d", query, resp, err, want)
						return
					}
				}
			}
		})
	}
	busy.Wait()
}
