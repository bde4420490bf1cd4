package main

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"
)

// idleRow is a row about the memory of connections that do nothing.
type idleRow struct {
	row
	atMost, aim int64 // bytes per connection
}

var idleRows = []idleRow{
	{row: row{key: "idle", title: "an idle keep-alive connection, plain", path: "/1k", workers: 1}, atMost: 8 << 10, aim: 2 << 10},
	{row: row{key: "idletls", title: "an idle keep-alive connection, TLS 1.3", path: "/1k", workers: 1, secure: true}, atMost: 20 << 10, aim: 12 << 10},
}

const (
	// idleConns is how many connections are held: the client needs as many descriptors.
	idleConns = 10_000
	// idleSettle is how long they idle before memory is looked at.
	idleSettle = 5 * time.Second
)

// idleResult is what connections of a peer cost, in bytes each.
type idleResult struct {
	peer   string
	bytes  int64
	failed string
}

// measureIdle opens connections to one peer after the other; each makes one request first, because that is what a
// keep-alive connection is.
func (b *bench) measureIdle(r idleRow) ([]idleResult, error) {
	dir, origin, stop, err := b.prepare(r.row)
	if err != nil {
		return nil, err
	}
	defer stop()
	var results []idleResult
	for _, p := range b.peers {
		if !p.takesPart(r.row) {
			continue
		}
		if p.name == "haproxy" {
			continue // it wants 2.5 descriptors for each, which are more than a process may have here
		}
		run, err := b.startPeer(p, r.row, dir, origin)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", p.name, err)
		}
		result := idleOf(run)
		run.proc.Stop()
		results = append(results, result)
		fmt.Printf("  %-8s %.1f KB %s\n", p.name, float64(result.bytes)/1024, result.failed)
	}
	return results, nil
}

func idleOf(p *running) (result idleResult) {
	result.peer = p.name
	fail := func(err error) idleResult {
		result.failed = err.Error()
		return result
	}
	warm, err := holdConns(p.url, 10) // what a first request makes once
	if err != nil {
		return fail(err)
	}
	defer closeAll(warm)
	before, err := p.proc.RSS()
	if err != nil {
		return fail(err)
	}
	held, err := holdConns(p.url, idleConns)
	defer closeAll(held)
	if err != nil {
		return fail(err)
	}
	time.Sleep(idleSettle)
	after, err := p.proc.RSS()
	if err != nil {
		return fail(err)
	}
	result.bytes = (after - before) / idleConns
	return result
}

// holdConns opens n connections, a few at once, and makes one request on each.
func holdConns(url string, n int) ([]net.Conn, error) {
	secure := strings.HasPrefix(url, "https://")
	_, rest, _ := strings.Cut(url, "://")
	addr, path, _ := strings.Cut(rest, "/")
	conns := make([]net.Conn, n)
	errs := make(chan error, 16)
	var wg sync.WaitGroup
	for w := range cap(errs) {
		wg.Go(func() {
			for i := w; i < n; i += cap(errs) {
				c, err := holdConn(addr, "/"+path, secure)
				if err != nil {
					errs <- fmt.Errorf("connection %d: %w", i, err)
					return
				}
				conns[i] = c
			}
		})
	}
	wg.Wait()
	select {
	case err := <-errs:
		return conns, err
	default:
		return conns, nil
	}
}

func holdConn(addr, path string, secure bool) (net.Conn, error) {
	c, err := net.DialTimeout("tcp", addr, 10*time.Second)
	if err != nil {
		return nil, err
	}
	if secure {
		c = tls.Client(c, &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"http/1.1"}})
	}
	if err := c.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		return c, err
	}
	if _, err := fmt.Fprintf(c, "GET %s HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", path); err != nil {
		return c, err
	}
	a, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		return c, err
	}
	if _, err := io.Copy(io.Discard, a.Body); err != nil || a.StatusCode != 200 {
		return c, fmt.Errorf("status %d, %w", a.StatusCode, err)
	}
	return c, nil
}

func closeAll(conns []net.Conn) {
	for _, c := range conns {
		if c != nil {
			c.Close()
		}
	}
}
