package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"syscall"
	"time"

	"skerry.dev/skerry/load/origin"
)

// client makes requests to one address over kept connections. Unlike net/http's it never sends a request twice by itself: what it
// reports is what the proxy did.
type client struct {
	addr string

	mu   sync.Mutex
	idle []*link // the one used last is last
}

// link is a connection.
type link struct {
	net.Conn
	r *bufio.Reader
}

// answer is what a request came to; status 0 if there was no whole answer.
type answer struct {
	status   int
	endpoint string // that made it; empty: the proxy itself
}

// do makes a request and waits for its answer until the deadline.
func (c *client) do(k kind, id string, deadline time.Time) (answer, error) {
	l, err := c.take(deadline)
	if err != nil {
		return answer{}, err
	}
	l.SetDeadline(deadline)
	a, keep, err := l.exchange(k, id)
	if err != nil || !keep {
		l.Close()
		return a, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.idle = append(c.idle, l)
	return a, nil
}

func (c *client) take(deadline time.Time) (*link, error) {
	for {
		l := c.pop()
		if l == nil {
			break
		}
		if l.quiet() {
			return l, nil
		}
		l.Close()
	}
	d := net.Dialer{Deadline: deadline}
	conn, err := d.Dial("tcp", c.addr)
	if err != nil {
		return nil, err
	}
	return &link{conn, bufio.NewReader(conn)}, nil
}

func (c *client) pop() *link {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := len(c.idle) - 1
	if n < 0 {
		return nil
	}
	l := c.idle[n]
	c.idle = c.idle[:n]
	return l
}

// close closes the kept connections; no request may be open.
func (c *client) close() {
	for l := c.pop(); l != nil; l = c.pop() {
		l.Close()
	}
}

// quiet reports whether a kept connection is open and nothing has come that nobody asked for.
func (l *link) quiet() bool {
	raw, err := l.Conn.(*net.TCPConn).SyscallConn()
	if err != nil {
		return false
	}
	var got error
	err = raw.Read(func(fd uintptr) bool {
		_, _, got = syscall.Recvfrom(int(fd), make([]byte, 1), syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
		return true
	})
	return err == nil && errors.Is(got, syscall.EAGAIN)
}

// exchange sends a request and reads its answer to the end.
func (l *link) exchange(k kind, id string) (a answer, keep bool, err error) {
	body := ""
	if k.method == http.MethodPost {
		body = "content of an order"
	}
	_, err = fmt.Fprintf(l, "%s %s HTTP/1.1\r\nHost: edge.test\r\nUser-Agent: %s\r\n%s: %s\r\nContent-Length: %d\r\n\r\n%s",
		k.method, k.path, k.agent, origin.IDField, id, len(body), body)
	if err != nil {
		return a, false, err
	}
	resp, err := http.ReadResponse(l.r, &http.Request{Method: k.method})
	if err != nil {
		return a, false, err
	}
	defer resp.Body.Close()
	n, err := io.Copy(io.Discard, io.LimitReader(resp.Body, answerBytesMax+1))
	if err != nil {
		return a, false, err
	}
	if n > answerBytesMax {
		return a, false, fmt.Errorf("an answer of more than %d bytes", answerBytesMax)
	}
	return answer{resp.StatusCode, resp.Header.Get(origin.EndpointField)}, !resp.Close, nil
}
