package admin

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/pprof"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"skerry.dev/skerry/meter"
)

// Options is what the admin page shows. Set is required; a nil callback makes its page say that there is nothing.
type Options struct {
	Set     *meter.Set
	Ready   func() (ready bool, reason string) // reason is shown when not ready; nil: always ready
	Plan    func() any                         // the plan in force, as something encoding/json can write; nil: none yet
	Version any                                // likewise
	Cache   *Cache                             // nil: there is none
}

// New returns the admin handler. It expects to be run by Serve, which tells it the listen hosts; under another server
// it accepts IP literals and localhost as Host, nothing else.
func New(o Options) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/{$}", func(w http.ResponseWriter, _ *http.Request) { index(w, o) })
	mux.HandleFunc("/livez", func(w http.ResponseWriter, _ *http.Request) { text(w, http.StatusOK, "ok") })
	mux.HandleFunc("/readyz", func(w http.ResponseWriter, _ *http.Request) {
		if ready, reason := o.ready(); !ready {
			text(w, http.StatusServiceUnavailable, "not ready: "+reason)
			return
		}
		text(w, http.StatusOK, "ready")
	})
	mux.Handle("/metrics", metricsHandler(o.Set))
	mux.HandleFunc("/api/v1/plan", func(w http.ResponseWriter, _ *http.Request) {
		var plan any
		if o.Plan != nil {
			plan = o.Plan()
		}
		if plan == nil {
			refuse(w, http.StatusServiceUnavailable, "no plan is in force yet")
			return
		}
		answer(w, plan)
	})
	mux.HandleFunc("/api/v1/version", func(w http.ResponseWriter, _ *http.Request) { answer(w, o.Version) })
	if o.Cache != nil {
		o.Cache.serve(mux)
	}
	mux.HandleFunc("/api/v1/events", func(w http.ResponseWriter, r *http.Request) { events(w, r, o.Set.Events()) })
	// Index also serves the named profiles below it: heap, goroutine, mutex, …
	mux.HandleFunc("/debug/pprof/", bounded(pprof.Index))
	mux.HandleFunc("/debug/pprof/cmdline", pprof.Cmdline)
	mux.HandleFunc("/debug/pprof/profile", bounded(pprof.Profile))
	mux.HandleFunc("/debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("/debug/pprof/trace", bounded(pprof.Trace))
	return guard(mux)
}

func (o Options) ready() (bool, string) {
	if o.Ready == nil {
		return true, ""
	}
	return o.Ready()
}

// bounded limits ?seconds=, which is how long a profile keeps the profiler to itself.
func bounded(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if s := r.URL.Query().Get("seconds"); s != "" {
			if n, err := strconv.ParseFloat(s, 64); err != nil || !(n > 0 && n <= profileSecondsMax) {
				refuse(w, http.StatusBadRequest, fmt.Sprintf("seconds must be a number from 1 to %d", profileSecondsMax))
				return
			}
		}
		next(w, r)
	}
}

// guard refuses what a browser could be tricked into sending, and marks every answer as nothing to keep or to embed.
func guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Cache-Control", "no-store")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'")
		post := r.Method == http.MethodPost && posts(r.URL.Path)
		switch {
		case r.Method != http.MethodGet && r.Method != http.MethodHead && !post:
			h.Set("Allow", allowed(r.URL.Path))
			refuse(w, http.StatusMethodNotAllowed, "the admin address only answers GET and HEAD, and POST where there is something to change")
		case !hostAllowed(r):
			refuse(w, http.StatusForbidden, "the Host is neither an IP address, nor localhost, nor a host of --admin; "+
				"name it in --admin if it is meant to be used")
		case r.Header.Get("Sec-Fetch-Site") == "cross-site" && r.Header.Get("Sec-Fetch-Dest") != "document":
			// An image on some page must not start a CPU profile; a link in a runbook may.
			refuse(w, http.StatusForbidden, "another site's page made this request")
		default:
			if post {
				if status, why := forged(r); status != 0 {
					refuse(w, status, why)
					return
				}
			}
			next.ServeHTTP(w, r)
		}
	})
}

// hostsKey is the context key of the set of listen hosts that Serve adds.
type hostsKey struct{}

// hostAllowed is the defence against DNS rebinding: a name that an attacker's DNS can point here is refused. A request
// without Host is HTTP/1.0, which no browser sends and health checkers do.
func hostAllowed(r *http.Request) bool {
	if r.Host == "" {
		return true
	}
	host := hostOf(r.Host)
	if host == "localhost" {
		return true
	}
	if _, err := netip.ParseAddr(host); err == nil {
		return true
	}
	hosts, _ := r.Context().Value(hostsKey{}).(map[string]bool)
	return hosts[host]
}

// hostOf is the host of host[:port] in lower case, without brackets and trailing dot.
func hostOf(hostport string) string {
	host := hostport
	if h, _, err := net.SplitHostPort(hostport); err == nil {
		host = h
	}
	if strings.HasPrefix(host, "[") && strings.HasSuffix(host, "]") {
		host = host[1 : len(host)-1]
	}
	return strings.ToLower(strings.TrimSuffix(host, "."))
}

// event is a meter.Event as the API shows it.
type event struct {
	Seq  uint64    `json:"seq"`
	Time time.Time `json:"time"`
	Kind string    `json:"kind"`
	Text string    `json:"text"`
}

// events answers with what is kept after ?since=, oldest first; next is the since of the next question. A seq that is missing is of
// an event that has given way (meter.Events).
func events(w http.ResponseWriter, r *http.Request, kept *meter.Events) {
	var since uint64
	if s := r.URL.Query().Get("since"); s != "" {
		n, err := strconv.ParseUint(s, 10, 63)
		if err != nil {
			refuse(w, http.StatusBadRequest, "since must be the seq of an event, a whole number from 0")
			return
		}
		since = n
	}
	out := struct {
		Events []event `json:"events"`
		Next   uint64  `json:"next"`
	}{Events: []event{}, Next: since}
	for _, e := range kept.Since(since) {
		out.Events = append(out.Events, event{e.Seq, e.Time.UTC(), e.Kind, e.Text})
		out.Next = e.Seq
	}
	answer(w, out)
}

// text answers with one line.
func text(w http.ResponseWriter, status int, line string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	w.Write([]byte(line + "\n"))
}

// answer writes v as JSON. It is marshalled first, so that a value that cannot be is an error and not half an answer.
func answer(w http.ResponseWriter, v any) {
	body, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		refuse(w, http.StatusInternalServerError, "BUG: this cannot be written as JSON: "+err.Error())
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Write(append(body, '\n'))
}

// refuse answers with problem details (RFC 9457).
func refuse(w http.ResponseWriter, status int, detail string) {
	body, _ := json.Marshal(struct { // strings and a number: never an error
		Title  string `json:"title"`
		Status int    `json:"status"`
		Detail string `json:"detail"`
	}{http.StatusText(status), status, detail})
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(status)
	w.Write(append(body, '\n'))
}
