package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// socketMessage is what goes back and forth: 1 KB.
var socketMessage = bytes.Repeat([]byte("0123456789abcdef"), 64)

// serveEcho is an origin that accepts every WebSocket and sends back what comes.
func serveEcho(addr string) error {
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return err
	}
	defer l.Close()
	for {
		conn, err := l.Accept()
		if err != nil {
			return err
		}
		go echo(conn)
	}
}

// echo serves one connection until it ends.
func echo(conn net.Conn) {
	defer conn.Close()
	s := socket{conn: conn, in: bufio.NewReaderSize(conn, socketBytesMax), masked: true}
	q, err := http.ReadRequest(s.in)
	if err != nil {
		return
	}
	if !strings.EqualFold(q.Header.Get("Upgrade"), "websocket") {
		io.WriteString(conn, "HTTP/1.1 426 Upgrade Required\r\nUpgrade: websocket\r\nConnection: upgrade\r\nContent-Length: 0\r\n\r\n")
		return
	}
	_, err = fmt.Fprintf(conn, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n\r\n",
		acceptKey(q.Header.Get("Sec-Websocket-Key")))
	for err == nil {
		var payload []byte
		if payload, err = s.read(); err != nil {
			return
		}
		s.out = appendFrame(s.out[:0], payload, nil)
		_, err = conn.Write(s.out)
	}
}

// dialSocket opens a WebSocket over HTTP/1.1; everything on it must be over until the deadline.
func dialSocket(url string, deadline time.Time) (*socket, error) {
	const key = "c2tlcnJ5IGNvbXBhcmUgIQ=="
	addr, path, _ := strings.Cut(strings.TrimPrefix(url, "http://"), "/")
	conn, err := net.DialTimeout("tcp", addr, socketPatience)
	if err != nil {
		return nil, err
	}
	s := &socket{conn: conn, in: bufio.NewReaderSize(conn, socketBytesMax)}
	fail := func(err error) (*socket, error) {
		conn.Close()
		return nil, err
	}
	if err := conn.SetDeadline(deadline); err != nil {
		return fail(err)
	}
	if _, err := fmt.Fprintf(conn, "GET /%s HTTP/1.1\r\nHost: %s\r\nUser-Agent: compare\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"+
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: %s\r\n\r\n", path, addr, key); err != nil {
		return fail(err)
	}
	a, err := http.ReadResponse(s.in, nil)
	if err != nil {
		return fail(err)
	}
	if got := a.Header.Get("Sec-Websocket-Accept"); a.StatusCode != http.StatusSwitchingProtocols || got != acceptKey(key) {
		return fail(fmt.Errorf("answer %s with key %q, want 101 with %q", a.Status, got, acceptKey(key)))
	}
	s.out = appendFrame(nil, socketMessage, &[4]byte{0xa5, 0x17, 0x3c, 0xe9})
	return s, nil
}

// roundTrip sends the message and awaits its echo.
func (s *socket) roundTrip() error {
	if _, err := s.conn.Write(s.out); err != nil {
		return err
	}
	back, err := s.read()
	if err != nil {
		return err
	}
	if !bytes.Equal(back, socketMessage) {
		return fmt.Errorf("an echo of %d bytes that is not what was sent", len(back))
	}
	return nil
}

// probeSocket makes one round trip.
func probeSocket(url string) error {
	s, err := dialSocket(url, time.Now().Add(socketPatience))
	if err != nil {
		return err
	}
	defer s.conn.Close()
	return s.roundTrip()
}

// loadSockets opens connections, then sends a message on each as soon as the last one is back, and prints what parseSockets reads.
func loadSockets(w io.Writer, url string, conns, seconds int) error {
	sockets := make([]*socket, conns)
	deadline := time.Now().Add(time.Duration(seconds)*time.Second + 2*socketPatience)
	for i := range sockets {
		s, err := dialSocket(url, deadline)
		if err != nil {
			return fmt.Errorf("connection %d: %w", i, err)
		}
		defer s.conn.Close()
		sockets[i] = s
	}
	var over atomic.Bool
	var done atomic.Int64
	failures := make(chan error, conns)
	start := time.Now()
	timer := time.AfterFunc(time.Duration(seconds)*time.Second, func() { over.Store(true) })
	defer timer.Stop()
	var wg sync.WaitGroup
	for _, s := range sockets {
		wg.Go(func() {
			n := int64(0)
			defer func() { done.Add(n) }()
			for ; !over.Load(); n++ {
				if err := s.roundTrip(); err != nil {
					failures <- err
					return
				}
			}
		})
	}
	wg.Wait()
	fmt.Fprintf(w, "round trips: %d done, %d failed, %.1f a second\n", done.Load(), len(failures), float64(done.Load())/time.Since(start).Seconds())
	if len(failures) > 0 {
		fmt.Fprintf(w, "first failure: %v\n", <-failures)
	}
	return nil
}
