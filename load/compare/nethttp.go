package main

import (
	"bufio"
	"encoding/json"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"sync"
	"time"
)

// serving is what the net/http peer does.
type serving struct {
	addr, origin string
	log          string // file; empty: none
	cert, key    string // files; empty: plain
	edits        bool
	h2c          bool   // HTTP/2 without TLS to the origin
	rules        string // file for Coraza; empty: no firewall
}

// serveNetHTTP is the peer that a Go program gets from the standard library, tuned: enough kept connections, pooled copy
// buffers, nothing added that the other peers do not add.
func serveNetHTTP(s serving) error {
	target := &url.URL{Scheme: "http", Host: s.origin}
	transport := &http.Transport{
		MaxIdleConns: 256, MaxIdleConnsPerHost: 256, IdleConnTimeout: time.Hour, DisableCompression: true,
		WriteBufferSize: 16 << 10, ReadBufferSize: 16 << 10,
	}
	if s.h2c {
		transport.Protocols = new(http.Protocols)
		transport.Protocols.SetUnencryptedHTTP2(true)
	}
	proxy := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(target)
			r.Out.Host = r.In.Host
			if s.edits {
				r.Out.Header.Set("X-A", "a")
				r.Out.Header.Set("X-B", "b")
				r.Out.Header.Del("X-C")
				r.Out.Header.Del("X-D")
			}
		},
		Transport:  transport,
		BufferPool: &buffers{sync.Pool{New: func() any { b := make([]byte, 32<<10); return &b }}},
	}
	var handler http.Handler = proxy
	if s.rules != "" {
		engine, err := newCoraza(ruleFiles{conf: s.rules}, nil)
		if err != nil {
			return err
		}
		handler = engine.wrap(handler)
	}
	if s.log != "" {
		l, err := openLog(s.log)
		if err != nil {
			return err
		}
		handler = l.wrap(handler)
	}
	server := &http.Server{Addr: s.addr, Handler: handler, ReadHeaderTimeout: time.Minute}
	if s.cert != "" {
		return server.ListenAndServeTLS(s.cert, s.key)
	}
	return server.ListenAndServe()
}

type buffers struct{ pool sync.Pool }

// Get returns a copy buffer.
func (b *buffers) Get() []byte { return *b.pool.Get().(*[]byte) }

// Put gives it back.
func (b *buffers) Put(buf []byte) { b.pool.Put(&buf) }

// accessLog is a buffered file of one JSON object a request.
type accessLog struct {
	mu sync.Mutex
	w  *bufio.Writer
}

func openLog(path string) (*accessLog, error) {
	f, err := os.Create(path)
	if err != nil {
		return nil, err
	}
	return &accessLog{w: bufio.NewWriterSize(f, 64<<10)}, nil
}

// line is the fields that every peer logs.
type line struct {
	Time      time.Time `json:"time"`
	Client    string    `json:"client"`
	Method    string    `json:"method"`
	Host      string    `json:"host"`
	Path      string    `json:"path"`
	Query     string    `json:"query"`
	Status    int       `json:"status"`
	BytesOut  int64     `json:"bytes_out"`
	Ms        float64   `json:"ms"`
	UserAgent string    `json:"user_agent"`
}

func (l *accessLog) wrap(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		start := time.Now()
		c := &counter{ResponseWriter: w}
		next.ServeHTTP(c, r)
		text, _ := json.Marshal(line{start, r.RemoteAddr, r.Method, r.Host, r.URL.Path, r.URL.RawQuery, c.status, c.n,
			float64(time.Since(start)) / float64(time.Millisecond), r.UserAgent()})
		l.mu.Lock()
		l.w.Write(append(text, '\n'))
		l.mu.Unlock()
	})
}

type counter struct {
	http.ResponseWriter
	status int
	n      int64
}

// WriteHeader remembers the status.
func (c *counter) WriteHeader(status int) {
	c.status = status
	c.ResponseWriter.WriteHeader(status)
}

// Write counts the bytes.
func (c *counter) Write(b []byte) (int, error) {
	n, err := c.ResponseWriter.Write(b)
	c.n += int64(n)
	return n, err
}

// Unwrap lets http.ResponseController reach the connection.
func (c *counter) Unwrap() http.ResponseWriter { return c.ResponseWriter }
