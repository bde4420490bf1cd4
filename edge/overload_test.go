package edge_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"skerry.dev/skerry/edge"
	"skerry.dev/skerry/meter"
)

// TestExchanges: beyond the limit on open exchanges, of both protocols together, requests get 503 at once and no origin
// hears of them; the ones in flight end well, and then there is room again.
func TestExchanges(t *testing.T) {
	const most = 3
	there, release := make(chan string, 16), make(chan struct{})
	url := origin(t, func(w http.ResponseWriter, r *http.Request) {
		there <- r.URL.Path
		<-release
		_, _ = io.WriteString(w, "done")
	})
	var log bytes.Buffer // complete after the drain
	set := meter.NewSet()
	e, addr := start(t, edge.Options{HTTPS: []string{"127.0.0.1:0"}, Meters: set, Exchanges: most, Log: &log, DrainTimeout: 10 * time.Second}, floodSpec(url))
	_, https := e.Addrs()
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(e.Root())
	h2 := &http.Transport{ForceAttemptHTTP2: true, TLSClientConfig: &tls.Config{RootCAs: roots, ServerName: "shop.test"}}
	defer h2.CloseIdleConnections()
	h1 := new(http.Transport)
	defer h1.CloseIdleConnections()
	ask := func(tr *http.Transport, url string, proto int) (status int, body string) {
		ctx, cancel := context.WithTimeout(t.Context(), behindPatience) // one is held while others are asked
		defer cancel()
		req, err := http.NewRequestWithContext(ctx, "GET", url, nil)
		if err != nil {
			t.Error(err)
			return
		}
		req.Host = "shop.test"
		resp, err := tr.RoundTrip(req)
		if err != nil {
			t.Error(err)
			return
		}
		defer resp.Body.Close()
		b, err := io.ReadAll(resp.Body)
		if err != nil || resp.ProtoMajor != proto || resp.StatusCode == 503 && resp.Header.Get("Retry-After") == "" {
			t.Errorf("%s, %v, Retry-After %q, %v", resp.Proto, resp.Status, resp.Header.Get("Retry-After"), err)
		}
		return resp.StatusCode, string(b)
	}
	plain, secure := "http://"+addr, "https://"+https[0].String()
	var open sync.WaitGroup
	hold := func(tr *http.Transport, url string, proto int) {
		open.Go(func() {
			if status, body := ask(tr, url, proto); status != 200 || body != "done" {
				t.Errorf("a request within the limit got %d %q", status, body)
			}
		})
		<-there
	}
	hold(h2, secure+"/held/1", 2) // each another: one that could have the answer to the one before would wait for it
	hold(h2, secure+"/held/2", 2)
	hold(h1, plain+"/held/3", 1)
	for range 2 {
		if status, body := ask(h2, secure+"/over", 2); status != 503 || !strings.Contains(body, "overloaded") {
			t.Errorf("over HTTP/2 beyond the limit: %d %q", status, body)
		}
		if status, body := ask(h1, plain+"/over", 1); status != 503 || !strings.Contains(body, "overloaded") {
			t.Errorf("over HTTP/1.1 beyond the limit: %d %q", status, body)
		}
	}
	close(release)
	open.Wait()
	awaitMost(t, "exchanges that are counted as open", 0, func() int { return int(set.Gauge("skerry_exchanges_open", "").Value()) })
	for range 2 * most {
		if status, _ := ask(h2, secure+"/again", 2); status != 200 {
			t.Errorf("after the others: %d", status)
		}
		if path := <-there; path != "/again" {
			t.Errorf("the origin was asked for %s", path)
		}
	}
	e.Drain()
	if n := set.Counter("skerry_overload_total", "").Value(); n != 4 {
		t.Errorf("%d refused requests are counted, not 4", n)
	}
	if want := fmt.Sprintf("%d requests were open already, the most there may be (--max-exchanges)", most); strings.Count(log.String(), want) != 4 {
		t.Errorf("the log does not say 4 times that %s:\n%s", want, log.String())
	}
}
