package edge_test

import (
	"io"
	"net/http"
	"testing"

	"golang.org/x/net/http2"

	"skerry.dev/skerry/edge"
)

// TestH2SmallReads: Go's client opens its windows for every 4 KB that is read. That is no flood, however fast it reads.
func TestH2SmallReads(t *testing.T) {
	e, g, _ := openH2(t, edge.Options{})
	defer e.Drain()
	tr := &http2.Transport{TLSClientConfig: g.tls}
	defer tr.CloseIdleConnections()
	c := http.Client{Transport: tr}
	piece := make([]byte, 4<<10)
	for i := range 8 {
		q, err := http.NewRequest(http.MethodGet, "https://"+g.addr+"/large", nil)
		if err != nil {
			t.Fatal(err)
		}
		q.Host = "shop.test"
		r, err := c.Do(q)
		if err != nil {
			t.Fatalf("answer %d: %v", i, err)
		}
		n := 0
		for err == nil {
			var k int
			k, err = io.ReadFull(r.Body, piece)
			n += k
		}
		r.Body.Close()
		if err != io.EOF || n != large {
			t.Fatalf("answer %d: got %d bytes, %v", i, n, err)
		}
	}
	if n := g.defended("window_updates"); n != 0 {
		t.Errorf("%d connections were taken for a flood", n)
	}
}
