package wafhttp_test

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"

	"skerry.dev/skerry/waf/wafhttp"
)

// The firewall in front of a handler, with one exclusion, and a log of what it refuses.
func Example() {
	firewall, err := wafhttp.New(wafhttp.Options{
		Exclude: []wafhttp.Exclude{
			{Rule: "tag:attack-sqli", Target: "ARGS:q", Path: "/search", Reason: "people search for SQL"},
		},
		Report: func(r *http.Request, res wafhttp.Result) {
			slog.DebugContext(r.Context(), "firewall", "id", res.ID, "verdict", res.Verdict.String(), "score", res.Score, "matches", res.Matches)
		},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /search", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "results for %q", r.FormValue("q"))
	})
	server := httptest.NewServer(firewall.Middleware(mux))
	defer server.Close()

	for _, query := range []string{"?q=tea", "?q=1'+or+'1'='1", "?page=1'+or+'1'='1"} {
		resp, err := server.Client().Get(server.URL + "/search" + query)
		if err != nil {
			fmt.Println(err)
			return
		}
		resp.Body.Close()
		fmt.Println(resp.StatusCode)
	}
	// Output:
	// 200
	// 200
	// 403
}
