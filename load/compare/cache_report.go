package main

import (
	"fmt"
	"strings"
)

// cacheMarkdown is the section about caches.
func (r report) cacheMarkdown() string {
	var b strings.Builder
	fmt.Fprintf(&b, "### Answers from a cache\n\nAs above, but all answers come from the peer's cache. Every peer has an origin of its own, which says `Cache-Control: public, max-age=3600` and counts: "+
		"it is asked before the first sample, and a sample in which it is asked again has failed. %d connections of HTTP/1.1, or 16 of HTTP/2; TLS and HTTP/2 are not Varnish's. "+
		"Caddy, net/http and h2o have no cache.\n", r.options.conns)
	for _, row := range r.cache {
		row.table(&b)
	}
	b.WriteString("\nSkerry has `cache: {mode: standard}` in the profile `plain`, with its probe for leaks running, whose requests to the origin are paid and no misses; it keeps objects in memory, as HAProxy and Varnish do. nginx's `proxy_cache` keeps them in files, which are in the " +
		"kernel's memory here, and in `open_file_cache`; each row has the cheaper `sendfile`, off for 1 KB and on for 100 KB. HAProxy has one thread; Varnish has one pool of threads, " +
		"all on the same processor, and the time of its manager counts as well.\n")
	b.WriteString("\nNobody logs: nginx has `access_log off`, HAProxy no `log` line, Skerry no log event. Varnish's log is memory that other programs read, and its records of hits are masked " +
		"(`vsl_mask`).\n")
	b.WriteString("\n" + r.footer())
	return b.String()
}
