package client

import (
	"context"
	"net/url"
	"strconv"
	"time"
)

// CacheStats are counts of a cache since its process began, but for what is there now.
type CacheStats struct {
	Requests      map[string]uint64 `json:"requests"` // by outcome: hit, stale, revalidated, miss, pass
	HitRatio      float64           `json:"hitRatio"` // 0 to 1: answered without asking the origin
	SavedBytes    uint64            `json:"savedBytes"`
	Objects       int64             `json:"objects"` // in memory now
	Bytes         int64             `json:"bytes"`
	ReservedBytes int64             `json:"reservedBytes"`
	BudgetBytes   int64             `json:"budgetBytes"`
	Evictions     uint64            `json:"evictions"`
	Purges        uint64            `json:"purges"`
	Swept         uint64            `json:"swept"`
	Disk          *CacheDisk        `json:"disk,omitempty"`
	Routes        []CacheRoute      `json:"routes"` // the busiest first
}

// CacheDisk is the store below memory.
type CacheDisk struct {
	Objects  int64 `json:"objects"`
	Bytes    int64 `json:"bytes"`
	Degraded bool  `json:"degraded"`
}

// CacheRoute is what is counted of a route.
type CacheRoute struct {
	Route      string            `json:"route"`
	Mode       string            `json:"mode"` // private, standard, off
	Requests   map[string]uint64 `json:"requests"`
	HitRatio   float64           `json:"hitRatio"`
	SavedBytes uint64            `json:"savedBytes"`
	Leak       *CacheLeak        `json:"leak,omitempty"` // why it bypasses the cache
}

// CacheLeak is an answer of one identity that another got.
type CacheLeak struct {
	URL  string    `json:"url"`
	Text string    `json:"text"`
	Time time.Time `json:"time"`
}

// CacheMiss is an address that the store could not answer.
type CacheMiss struct {
	URL   string `json:"url"`
	Count uint64 `json:"count"`
	Extra uint64 `json:"countMayBeLessBy,omitempty"`
	Why   string `json:"why"`
}

// CacheWhy is what the cache knows of an address.
type CacheWhy struct {
	URL     string         `json:"url"`
	Route   string         `json:"route,omitempty"`
	Mode    string         `json:"mode"`
	Outcome string         `json:"outcome"` // hit, stale, validate, miss, pass, none
	Why     string         `json:"why,omitempty"`
	Says    string         `json:"says"`
	Key     []CacheKeyPart `json:"key,omitempty"`
	Stored  []CacheStored  `json:"stored,omitempty"`
	Last    *CacheMiss     `json:"last,omitempty"`
	Marked  bool           `json:"marked"`
	Leak    *CacheLeak     `json:"leak,omitempty"`
}

// CacheKeyPart is a part of a key.
type CacheKeyPart struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// CacheStored is a stored answer.
type CacheStored struct {
	Fits       bool     `json:"fits"`
	Status     int      `json:"status"`
	AgeSeconds float64  `json:"ageSeconds"`
	TTLSeconds float64  `json:"ttlSeconds"`
	BodyBytes  int64    `json:"bodyBytes"`
	On         string   `json:"on"`
	Vary       string   `json:"vary,omitempty"`
	Coding     string   `json:"contentEncoding,omitempty"`
	ETag       string   `json:"etag,omitempty"`
	Groups     []string `json:"groups,omitempty"`
	Softened   bool     `json:"softened"`
	Shareable  bool     `json:"shareable"`
	Purge      uint64   `json:"purge"`
}

// CachePurge asks for a purge.
type CachePurge struct {
	Kind       string `json:"kind"` // url, prefix, group, all
	Host       string `json:"host,omitempty"`
	Value      string `json:"value,omitempty"`
	Soft       bool   `json:"soft,omitempty"`
	Everything bool   `json:"everything,omitempty"` // with kind all and no host
}

// CachePurged is a purge in force.
type CachePurged struct {
	Number uint64    `json:"number"`
	Time   time.Time `json:"time"`
	Kind   string    `json:"kind"`
	Host   string    `json:"host,omitempty"`
	Value  string    `json:"value,omitempty"`
	Soft   bool      `json:"soft"`
}

// CachePurgedList is the answer to a CachePurge: several where the routes of a host write a URL in different ways.
type CachePurgedList struct {
	Number uint64        `json:"number"` // of the last one
	Purges []CachePurged `json:"purges"`
}

// CacheLog is a page of the log of purges.
type CacheLog struct {
	Purges []CachePurged `json:"purges"`
	Next   uint64        `json:"next"` // what to ask for those after
	More   bool          `json:"more"`
}

// CacheProgress is how far the memory of what a purge met has been freed.
type CacheProgress struct {
	Number  uint64 `json:"number"`
	Objects int64  `json:"objects"`
	Looked  int64  `json:"looked"`
	Removed int64  `json:"removed"`
	Done    bool   `json:"done"`
}

// CacheResumed is the answer to ResumeCache.
type CacheResumed struct {
	Route   string     `json:"route"`
	Resumed bool       `json:"resumed"` // false: it was using the cache
	Leak    *CacheLeak `json:"leak"`    // why it did not
}

// CacheStats asks for the counts.
func (c *Client) CacheStats(ctx context.Context) (s CacheStats, err error) {
	err = c.get(ctx, "cache", nil, &s)
	return s, err
}

// CacheMisses asks for the n addresses that the store could not answer most often.
func (c *Client) CacheMisses(ctx context.Context, n int) ([]CacheMiss, error) {
	var out struct {
		Misses []CacheMiss `json:"misses"`
	}
	err := c.get(ctx, "cache/misses", url.Values{"n": {strconv.Itoa(n)}}, &out)
	return out.Misses, err
}

// CacheWhy asks what the cache knows of a URL, and what a GET for it with these fields, "Name: value" each, would get.
func (c *Client) CacheWhy(ctx context.Context, address string, fields []string) (w CacheWhy, err error) {
	err = c.get(ctx, "cache/why", url.Values{"url": {address}, "header": fields}, &w)
	return w, err
}

// PurgeCache purges. The purge is in force when it returns.
func (c *Client) PurgeCache(ctx context.Context, p CachePurge) (done CachePurgedList, err error) {
	err = c.post(ctx, "cache/purges", p, &done)
	return done, err
}

// CachePurges asks for the log behind a number.
func (c *Client) CachePurges(ctx context.Context, after uint64) (l CacheLog, err error) {
	err = c.get(ctx, "cache/purges", url.Values{"after": {strconv.FormatUint(after, 10)}}, &l)
	return l, err
}

// CacheProgress asks how far a purge's sweep is.
func (c *Client) CacheProgress(ctx context.Context, number uint64) (p CacheProgress, err error) {
	err = c.get(ctx, "cache/purges/"+strconv.FormatUint(number, 10), nil, &p)
	return p, err
}

// WaitForPurge waits until the memory of what a purge met is free.
func (c *Client) WaitForPurge(ctx context.Context, number uint64) (CacheProgress, error) {
	tick := time.NewTicker(followPause)
	defer tick.Stop()
	for {
		p, err := c.CacheProgress(ctx, number)
		if err != nil || p.Done {
			return p, err
		}
		select {
		case <-ctx.Done():
			return p, ctx.Err()
		case <-tick.C:
		}
	}
}

// ResumeCache lets a route, "entrypoint/route", use the cache again after a leak.
func (c *Client) ResumeCache(ctx context.Context, route string) (r CacheResumed, err error) {
	err = c.post(ctx, "cache/resume", struct {
		Route string `json:"route"`
	}{route}, &r)
	return r, err
}
