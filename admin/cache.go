package admin

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"

	"skerry.dev/skerry/fault"
)

// Cache is what the API below /api/v1/cache asks and does. Every callback is needed. What they return is written as
// JSON; an error is answered with the status of its fault.Kind, 503 for one that an edge without a plan returns.
type Cache struct {
	Stats  func() (any, error)
	Misses func(n int) (any, error)                       // the most frequent ones
	Why    func(url string, fields []string) (any, error) // fields are "Name: value" each
	// Purge is in force on return; by is who asked. ctx ends when they leave.
	Purge    func(ctx context.Context, p CachePurge, by string) (any, error)
	Purges   func(after uint64) (any, error)                                 // the log
	Progress func(number uint64) (any, error)                                // of one purge
	Resume   func(ctx context.Context, route string, by string) (any, error) // after a leak
}

// CachePurge is the body of a POST to /api/v1/cache/purges.
type CachePurge struct {
	Kind       string // url, prefix, group, all
	Host       string // perhaps with a port, and http:// or https:// before it
	Value      string // path and query, the beginning of a path, or the name of a group
	Soft       bool   // stale instead of gone
	Everything bool   // with kind all and no host: every host
}

// The paths that a POST changes something at.
const (
	purgesPath = "/api/v1/cache/purges"
	resumePath = "/api/v1/cache/resume"
)

// posts reports whether POST is answered at a path.
func posts(path string) bool { return path == purgesPath || path == resumePath }

// allowed are the methods of a path, for Allow.
func allowed(path string) string {
	switch path {
	case purgesPath:
		return "GET, HEAD, POST"
	case resumePath:
		return "POST"
	}
	return "GET, HEAD"
}

// serve adds the API's paths.
func (c *Cache) serve(mux *http.ServeMux) {
	mux.HandleFunc("/api/v1/cache", func(w http.ResponseWriter, _ *http.Request) { respond(w)(c.Stats()) })
	mux.HandleFunc("/api/v1/cache/misses", c.misses)
	mux.HandleFunc("/api/v1/cache/why", func(w http.ResponseWriter, r *http.Request) {
		q := r.URL.Query()
		if len(q["url"]) != 1 || len(q["header"]) > headersMax {
			refuse(w, http.StatusBadRequest, fmt.Sprintf("one url= is needed, and at most %d header= of the form Name:value are taken", headersMax))
			return
		}
		respond(w)(c.Why(q.Get("url"), q["header"]))
	})
	mux.HandleFunc(purgesPath, func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			c.purge(w, r)
			return
		}
		if after, ok := number(w, "after", r.URL.Query().Get("after")); ok {
			respond(w)(c.Purges(after))
		}
	})
	mux.HandleFunc(purgesPath+"/{number}", func(w http.ResponseWriter, r *http.Request) {
		if n, ok := number(w, "the purge", r.PathValue("number")); ok {
			respond(w)(c.Progress(n))
		}
	})
	mux.HandleFunc(resumePath, c.resume)
}

func (c *Cache) misses(w http.ResponseWriter, r *http.Request) {
	n := missesDefault
	if text := r.URL.Query().Get("n"); text != "" {
		var err error
		if n, err = strconv.Atoi(text); err != nil || n < 1 {
			refuse(w, http.StatusBadRequest, "n must be a whole number from 1")
			return
		}
	}
	respond(w)(c.Misses(n))
}

func (c *Cache) purge(w http.ResponseWriter, r *http.Request) {
	var p CachePurge
	err := readObject(w, r, []member{
		{"kind", &p.Kind}, {"host", &p.Host}, {"value", &p.Value}, {"soft", &p.Soft}, {"everything", &p.Everything},
	})
	if err == nil && p.Kind == "" {
		err = errors.New(`the body names no "kind": url, prefix, group or all`)
	}
	if err != nil {
		refuseBody(w, err)
		return
	}
	respond(w)(c.Purge(r.Context(), p, r.RemoteAddr))
}

func (c *Cache) resume(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", allowed(resumePath))
		refuse(w, http.StatusMethodNotAllowed, resumePath+" only answers POST")
		return
	}
	var route string
	err := readObject(w, r, []member{{"route", &route}})
	if err == nil && route == "" {
		err = errors.New(`the body names no "route": ENTRYPOINT/ROUTE`)
	}
	if err != nil {
		refuseBody(w, err)
		return
	}
	respond(w)(c.Resume(r.Context(), route, r.RemoteAddr))
}

// number reads a number of a purge; empty is 0. It answers what is none.
func number(w http.ResponseWriter, what, text string) (n uint64, ok bool) {
	if text == "" {
		return 0, true
	}
	n, err := strconv.ParseUint(text, 10, 63)
	if err != nil {
		refuse(w, http.StatusBadRequest, what+" must be the number of a purge, a whole number from 0")
		return 0, false
	}
	return n, true
}

// respond returns what answers with a value or an error.
func respond(w http.ResponseWriter) func(v any, err error) {
	return func(v any, err error) {
		if err == nil {
			answer(w, v)
			return
		}
		text := err.Error()
		var f *fault.Error
		if errors.As(err, &f) {
			text = f.Text
		}
		refuse(w, fault.Of(err).Status(), text)
	}
}

// refuseBody says what is wrong with a body.
func refuseBody(w http.ResponseWriter, err error) {
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		refuse(w, http.StatusRequestEntityTooLarge, fmt.Sprintf("the body has more than %d bytes", large.Limit))
	case errors.Is(err, io.ErrUnexpectedEOF):
		refuse(w, http.StatusBadRequest, "the body is not whole")
	default:
		refuse(w, http.StatusBadRequest, err.Error())
	}
}
