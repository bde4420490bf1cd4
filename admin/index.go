package admin

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"html/template"
	"net/http"
	"slices"

	"skerry.dev/skerry/meter"
)

//go:embed index.html
var indexHTML string

var indexPage = template.Must(template.New("index").Parse(indexHTML))

// link is one line of the index page.
type link struct{ Path, Says string }

var links = []struct {
	Title string
	Links []link
}{
	{"State", []link{
		{"/livez", "the process answers"},
		{"/readyz", "it should get traffic; 503 with the reason if not"},
		{"/api/v1/plan", "the plan in force"},
		{"/api/v1/cache", "the cache; below it misses, why?url=… and purges"},
		{"/api/v1/events", "what happened beside the traffic: the last 256, rare kinds longer; ?since=SEQ for later ones"},
		{"/api/v1/version", "what is running"},
	}},
	{"Numbers", []link{{"/metrics", "Prometheus text format"}}},
	{"Profiles", []link{
		{"/debug/pprof/", "all profiles of the Go runtime"},
		{"/debug/pprof/goroutine?debug=1", "what every goroutine does"},
		{"/debug/pprof/heap", "memory in use, for go tool pprof"},
		{"/debug/pprof/profile?seconds=10", "CPU for ten seconds, for go tool pprof"},
	}},
}

// index writes the page that lists the others.
func index(w http.ResponseWriter, o Options) {
	ready, reason := o.ready()
	version, err := json.Marshal(o.Version)
	if err != nil || o.Version == nil {
		version = nil
	}
	var page bytes.Buffer
	err = indexPage.Execute(&page, map[string]any{
		"Ready": ready, "Reason": reason, "Version": string(version), "Sections": links, "Events": latest(o.Set.Events().Since(0)),
	})
	if err != nil {
		refuse(w, http.StatusInternalServerError, "BUG: the index page: "+err.Error())
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Write(page.Bytes())
}

// latest are the events that the page shows: the newest that there is room for, of one kind a few only, oldest first.
func latest(events []meter.Event) (shown []meter.Event) {
	kinds := map[string]int{}
	for _, e := range slices.Backward(events) {
		if kinds[e.Kind]++; kinds[e.Kind] <= eventsOfKindShown && len(shown) < eventsShown {
			shown = append(shown, e)
		}
	}
	slices.Reverse(shown)
	return shown
}
