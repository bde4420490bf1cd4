package main

import (
	"bytes"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// origin starts the origin of gRPC and returns its address.
func origin(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go answerGRPC(conn)
		}
	}()
	return l.Addr().String()
}

// TestOriginGRPC calls the origin with the standard library's client: many at once, more than a first window has room for, and a call
// that is not the one it knows.
func TestOriginGRPC(t *testing.T) {
	transport := &http.Transport{Protocols: new(http.Protocols)}
	transport.Protocols.SetUnencryptedHTTP2(true)
	defer transport.CloseIdleConnections()
	url := "http://" + origin(t) + grpcPath
	call := func(body, wantBody, wantStatus string) {
		q, err := http.NewRequest(http.MethodPost, url, strings.NewReader(body))
		if err != nil {
			t.Error(err)
			return
		}
		a, err := (&http.Client{Transport: transport, Timeout: 20 * time.Second}).Do(q)
		if err != nil {
			t.Error(err)
			return
		}
		defer a.Body.Close()
		got, err := io.ReadAll(a.Body)
		status := a.Trailer.Get("Grpc-Status") + a.Header.Get("Grpc-Status")
		if err != nil || a.StatusCode != 200 || a.Header.Get("Content-Type") != "application/grpc" || string(got) != wantBody || status != wantStatus {
			t.Errorf("%s, %d bytes, grpc-status %q, %v, want 200, %d bytes, %q", a.Status, len(got), status, err, len(wantBody), wantStatus)
		}
	}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 250 {
				call(grpcFrame, grpcFrame, "0")
			}
		})
	}
	wg.Wait()
	call("", "", "13")
	for range grpcRefill/windowFirst + 1 {
		call(strings.Repeat("x", windowFirst), "", "13")
	}
	call(grpcFrame, grpcFrame, "0")
}

// TestOriginWindow has a client that widens its window late: until then it gets what it has room for, and not more.
func TestOriginWindow(t *testing.T) {
	conn, err := net.Dial("tcp", origin(t))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	const fit = windowFirst / 105
	var block bytes.Buffer
	hpack.NewEncoder(&block).WriteField(hpack.HeaderField{Name: ":method", Value: "POST"})
	io.WriteString(conn, h2Preface)
	framer := http2.NewFramer(conn, conn)
	framer.WriteSettings()
	for i := range uint32(fit + 2) {
		framer.WriteHeaders(http2.HeadersFrameParam{StreamID: 2*i + 1, BlockFragment: block.Bytes(), EndHeaders: true})
		framer.WriteData(2*i+1, true, []byte(grpcFrame))
	}
	framer.WriteRSTStream(2*fit+1, http2.ErrCodeCancel)
	framer.WritePing(false, [8]byte{1})
	answers := 0
	var last uint32
	until := func(over func(f http2.Frame) bool) {
		t.Helper()
		for {
			f, err := framer.ReadFrame()
			if err != nil {
				t.Fatal(err)
			}
			if d, ok := f.(*http2.DataFrame); ok {
				answers++
				last = d.StreamID
			}
			if over(f) {
				return
			}
		}
	}
	until(func(f http2.Frame) bool { return f.Header().Type == http2.FramePing })
	if answers != fit {
		t.Fatalf("%d answers in a window of %d bytes, want %d", answers, windowFirst, fit)
	}
	framer.WriteWindowUpdate(0, 1000)
	until(func(f http2.Frame) bool { h, ok := f.(*http2.HeadersFrame); return ok && h.StreamEnded() })
	if answers != fit+1 || last != 2*(fit+1)+1 {
		t.Errorf("%d answers, the last on stream %d, want %d and %d: the call between was taken back", answers, last, fit+1, 2*(fit+1)+1)
	}
}

// TestOriginRefuses closes connections that no answer fits into.
func TestOriginRefuses(t *testing.T) {
	f := func(wire string) {
		t.Helper()
		conn, err := net.Dial("tcp", origin(t))
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		conn.SetDeadline(time.Now().Add(20 * time.Second))
		io.WriteString(conn, wire)
		if _, err := io.Copy(io.Discard, conn); err != nil && !strings.Contains(err.Error(), "reset") {
			t.Errorf("%q: %v, want an end", wire, err)
		}
	}
	f("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
	f(h2Preface + "\x00\x00\x06\x04\x00\x00\x00\x00\x00" + "\x00\x04\x00\x00\x00\x68") // a window of 104
	f(h2Preface + "\x00\x40\x01\x00\x00\x00\x00\x00\x01")                              // a frame of 16,385
	f(h2Preface + "\x00\x00\x02\x08\x00\x00\x00\x00\x00ab")
}
