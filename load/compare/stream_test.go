package main

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// TestFrame reads what comes on a WebSocket, and what may not.
func TestFrame(t *testing.T) {
	f := func(wire string, masked bool, want, fault string) {
		t.Helper()
		s := socket{in: bufio.NewReaderSize(strings.NewReader(wire), socketBytesMax), masked: masked}
		got, err := s.read()
		switch {
		case fault != "":
			if err == nil || !strings.Contains(err.Error(), fault) {
				t.Errorf("%q: error %v, want one with %q", wire[:2], err, fault)
			}
		case err != nil || string(got) != want:
			t.Errorf("%q: got %q, %v, want %q", wire[:2], got, err, want)
		}
	}
	long := strings.Repeat("0123456789", 30)
	f("\x82\x02hi", false, "hi", "")
	f("\x82\x00", false, "", "")
	f("\x82\x7e\x01\x2c"+long, false, long, "")
	f("\x82\x82\x01\x02\x03\x04ik", true, "hi", "")
	f(string(appendFrame(nil, []byte(long), &[4]byte{9, 8, 7, 6})), true, long, "")
	f("\x82\x02h", false, "", "EOF")
	f("\x82\x02hi", true, "", "masked: true")
	f("\x82\x82\x01\x02\x03\x04ik", false, "", "masked: false")
	f("\x88\x00", false, "", "want a whole binary message") // close
	f("\x02\x02hi", false, "", "want a whole binary message")
	f("\x82\x7f\x00\x00\x00\x00\x00\x00\x01\x00", false, "", "longer than")
	f("\x82\x7e\xff\xff"+strings.Repeat(long, 300), false, "", "buffer full")
}

// TestAcceptKey is the example of RFC 6455 section 1.3.
func TestAcceptKey(t *testing.T) {
	if got := acceptKey("dGhlIHNhbXBsZSBub25jZQ=="); got != "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" {
		t.Errorf("got %q", got)
	}
}

// TestEcho sends messages to the origin of WebSockets without a proxy between.
func TestEcho(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go echo(conn)
		}
	}()
	url := "http://" + l.Addr().String() + "/echo"
	if err := probeSocket(url); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := loadSockets(&out, url, 3, 0); err != nil {
		t.Fatal(err)
	}
	if got := parseSockets(out.String()); !strings.HasPrefix(out.String(), "round trips: ") || strings.Contains(got.failed, "connections") {
		t.Errorf("printed %q", out.String())
	}
}

// TestLoadNotices has a server that changes an echo, and one that hangs up.
func TestLoadNotices(t *testing.T) {
	f := func(answer func(s *socket), want string) {
		t.Helper()
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
			w.Header().Set("Upgrade", "websocket")
			w.Header().Set("Connection", "Upgrade")
			w.Header().Set("Sec-WebSocket-Accept", acceptKey(q.Header.Get("Sec-Websocket-Key")))
			w.WriteHeader(http.StatusSwitchingProtocols)
			conn, _, err := http.NewResponseController(w).Hijack()
			if err != nil {
				return
			}
			defer conn.Close()
			answer(&socket{conn: conn, in: bufio.NewReaderSize(conn, socketBytesMax), masked: true})
		}))
		defer server.Close()
		var out bytes.Buffer
		if err := loadSockets(&out, server.URL+"/", 2, 5); err != nil {
			t.Fatal(err)
		}
		if got := parseSockets(out.String()); !strings.HasPrefix(got.failed, "2 connections failed: ") || !strings.Contains(got.failed, want) {
			t.Errorf("printed %q, want failures with %q", out.String(), want)
		}
	}
	f(func(s *socket) {
		payload, _ := s.read()
		payload[7] = '!'
		s.conn.Write(appendFrame(nil, payload, nil))
		s.read()
	}, "not what was sent")
	f(func(s *socket) { s.read() }, "EOF")
}

// TestProbeGRPC asks a server that does well, and some that fail as proxies do: with a status of 200.
func TestProbeGRPC(t *testing.T) {
	f := func(handler http.HandlerFunc, want string) {
		t.Helper()
		server := httptest.NewUnstartedServer(handler)
		server.EnableHTTP2 = true
		server.StartTLS()
		defer server.Close()
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		err := probeGRPC(ctx, server.URL+grpcPath)
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
	f(func(w http.ResponseWriter, _ *http.Request) {
		io.WriteString(w, grpcFrame)
		w.Header().Set(http.TrailerPrefix+"Grpc-Status", "0")
	}, "")
	f(func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Grpc-Status", "14") }, `grpc-status ""`)
	f(func(w http.ResponseWriter, _ *http.Request) {
		io.WriteString(w, grpcFrame)
		w.Header().Set(http.TrailerPrefix+"Grpc-Status", "8")
		w.Header().Set(http.TrailerPrefix+"Grpc-Message", "too many")
	}, `grpc-status "8" (too many)`)
	f(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) }, "answer 502")
}

// TestReportStreams has a row with budgets to several peers, one that is absent, and calls that were not counted.
func TestReportStreams(t *testing.T) {
	of := func(peer string, micros, calls float64, by string) result {
		return result{peer: peer, samples: []sample{{user: micros}}, calls: calls, callsBy: by}
	}
	r := rowResult{rows[4], []result{of("skerry", 9, 2.61, "perf"), of("nginx", 10, 4.2, "strace"), of("haproxy", 8, 0, ""), {peer: "h2o", absent: "it is ill"}}}
	if r.key != "h2" {
		t.Fatalf("row %s, want h2", r.key)
	}
	r.results[2].noCalls = "perf: nobody may"
	var b strings.Builder
	r.table(&b)
	for _, want := range []string{
		"| 2.61 |", "| 4.20 (strace) |", "| n/a |", "at most 0.90 × nginx, aim 0.70. Measured 0.90: met.", "And: at most 1.00 × haproxy. Measured 1.12: **missed**.",
		"And: aim 1.00 × h2o. Not judged", "System calls: aim 2.5 a request. Measured 2.61: aim not reached.", "Left out: h2o, because it is ill.",
		"System calls of haproxy were not counted: perf: nobody may.",
	} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("report lacks %q:\n%s", want, b.String())
		}
	}
}
