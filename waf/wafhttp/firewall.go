package wafhttp

import (
	"crypto/rand"
	"io"
	"net/http"
	"net/netip"
	"sync"
	"sync/atomic"

	"skerry.dev/skerry/waf/body"
	"skerry.dev/skerry/waf/engine"
)

// A Firewall judges requests. It never changes, and any number of handlers and goroutines share it.
type Firewall struct {
	options Options
	policy  *engine.Policy
	held    atomic.Int64 // bytes of bodies
	pool    sync.Pool    // of *scratch
}

// scratch is memory that a request has until its verdict.
type scratch struct {
	mem   body.Memory
	names []string
}

// New makes a firewall. The first one in a process takes some tenths of a second, for the rules are compiled then; those that
// follow share them. The error is a fault.Problems: it names what is wrong with the options, or the file, line and column in a rule.
func New(o Options) (*Firewall, error) {
	o, err := o.filled()
	if err != nil {
		return nil, err
	}
	f := &Firewall{options: o}
	f.pool.New = func() any { return &scratch{} }
	if f.options.Client == nil {
		f.options.Client = remoteAddr
	}
	if f.options.RequestID == nil {
		f.options.RequestID = func(*http.Request) string { return rand.Text() }
	}
	if f.options.Answer == nil {
		f.options.Answer = answer
	}
	if o.Mode == Off {
		return f, nil
	}
	if f.policy, err = compile(&f.options); err != nil {
		return nil, err
	}
	return f, nil
}

func remoteAddr(r *http.Request) netip.AddrPort {
	addr, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.AddrPort{} // rules then see no address
	}
	return addr
}

// Middleware returns a handler that shows each request to the rules and hands it to next if it passes. It belongs outside of
// whatever reads bodies, rewrites requests or takes a coding off. next gets a copy of the request: without trailers, and if the body was held
// with a Body in memory that is valid until next returns and beyond, a ContentLength, and no Content-Encoding.
func (f *Firewall) Middleware(next http.Handler) http.Handler {
	if f.options.Mode == Off {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		i := &inspection{f: f, in: r}
		defer i.release() // a body counts for as long as the handler may read it
		i.judge()
		if i.tell(); i.refusal.Status == 0 {
			next.ServeHTTP(w, i.request())
			return
		}
		if i.drop && dropped(w) {
			return
		}
		f.options.Answer(w, r, i.refusal)
	})
}

// Held is how many bytes the bodies of all requests hold now.
func (f *Firewall) Held() int64 { return f.held.Load() }

// take counts memory for a body, and reports whether there is any.
func (f *Firewall) take(n int64) bool {
	if f.held.Add(n) > f.options.HeldBytesMax {
		f.held.Add(-n)
		return false
	}
	return true
}

// answer writes what a refused client gets to know.
func answer(w http.ResponseWriter, r *http.Request, x Refusal) {
	h := w.Header()
	h.Set("Content-Type", "text/plain; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	if x.Location != "" {
		h.Set("Location", x.Location)
	}
	if x.Status == http.StatusServiceUnavailable {
		h.Set("Retry-After", retryAfterSeconds)
	}
	w.WriteHeader(x.Status)
	if r.Method != http.MethodHead {
		_, _ = io.WriteString(w, http.StatusText(x.Status)+"\nrequest id: "+x.ID+"\n") // a client that has left is not told
	}
}

// dropped closes the connection without an answer, as a rule of one's own may ask for. HTTP/2 has one connection for many requests: there
// it is an answer.
func dropped(w http.ResponseWriter) bool {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return false
	}
	_ = conn.Close() // nobody waits for it
	return true
}
