package edge_test

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"

	"skerry.dev/skerry/edge"
)

// TestCacheBudget: far more distinct answers than fit into a small budget leave what is in use below it at all times, and no answer wrong;
// what is asked for again and again stays, though the rest passes by.
func TestCacheBudget(t *testing.T) {
	const budget, pages, workers = 4 << 20, 3000 / memoryFactor, 8
	_, seed := soakLength(t, 0, 0)
	o := &numbered{}
	opt := edge.Options{}
	opt.Setting.CacheBytes = budget
	c := openCached(t, opt, fmt.Sprintf(cachedSpec, origin(t, o.ServeHTTP), patient))
	var over, most, hot, hits atomic.Int64
	var all sync.WaitGroup
	for w := range workers {
		all.Go(func() {
			rnd := rand.New(rand.NewPCG(seed, uint64(w)))
			client := []*http.Client{c.h1, c.h2}[w%2]
			for i := range pages / workers {
				size := []int{0, 100, 5000, 40_000, 300_000}[rnd.IntN(5)]
				c.marked(client, "/"+strconv.Itoa(w*pages+i)+"/"+strconv.Itoa(size), 0, 0)
				if i%8 == 0 {
					_, from := c.marked(client, "/front/2000", 0, 0)
					if hot.Add(1); from == "hit" {
						hits.Add(1)
					}
				}
				n := int64(c.total("skerry_cache_bytes"))
				if most.Store(max(most.Load(), n)); n > budget {
					over.Add(1)
				}
			}
		})
	}
	all.Wait()
	t.Logf("%d bytes in use at most, of %d; the front page came from the store %d of %d times", most.Load(), budget, hits.Load(), hot.Load())
	if over.Load() > 0 {
		t.Errorf("%d times more was in use than %d bytes", over.Load(), budget)
	}
	if most.Load() < budget/4 {
		t.Error("next to nothing was stored")
	}
	if hits.Load() < hot.Load()*3/4 {
		t.Error("what is asked for again and again did not stay")
	}
}
