package ftw_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"

	corazahttp "github.com/corazawaf/coraza/v3/http"
	"github.com/corazawaf/coraza/v3/types"

	"skerry.dev/skerry/waf/waftest"
)

// coraza serves the backend behind Coraza, with ids and events like those of the edge: it shows that the harness is right, on
// an engine that is known to pass.
func coraza(t *testing.T) (addr net.Addr, events io.Reader) {
	t.Helper()
	waf := waftest.Options{Detect: true, Before: waftest.TestSetup, Matched: matched}.NewWAF(t)
	judged := corazahttp.WrapHandler(waf, waftest.Backend())
	events, w := io.Pipe()
	var mu sync.Mutex // of w, so that lines stay whole
	var last atomic.Uint64
	s := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		e := &event{ID: fmt.Sprintf("%032x", last.Add(1)), Path: r.URL.Path, WAF: &wafEvent{}}
		rw.Header().Set("X-Request-Id", e.ID)
		judged.ServeHTTP(rw, r.WithContext(context.WithValue(r.Context(), eventKey{}, e)))
		mu.Lock()
		defer mu.Unlock()
		if err := json.NewEncoder(w).Encode(e); err != nil {
			t.Error(err)
		}
	}))
	t.Cleanup(func() { w.Close() })
	t.Cleanup(s.Close)
	return s.Listener.Addr(), events
}

type eventKey struct{}

// matched adds a match to the event of its exchange, which Coraza finds by the request's context.
func matched(m types.MatchedRule) {
	e := m.(interface{ Context() context.Context }).Context().Value(eventKey{}).(*event)
	r := ruleEvent{ID: m.Rule().ID(), Msg: m.Message(), Data: m.Data()}
	for _, d := range m.MatchedDatas() {
		r.Vars = append(r.Vars, d.Variable().Name()+":"+d.Key())
	}
	e.WAF.Rules = append(e.WAF.Rules, r)
}
