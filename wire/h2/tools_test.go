package h2_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"io"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/http2"

	"skerry.dev/skerry/exchange"
)

// tool runs a program and returns what it says.
func tool(t *testing.T, in, name string, args ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Stdin = strings.NewReader(in)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s %v: %v\n%s", name, args, err, out)
	}
	return string(out)
}

// TestCurl is a GET, a POST and a HEAD of curl.
func TestCurl(t *testing.T) {
	r := serve(t, answer(echo))
	curl := func(in string, args ...string) string {
		return tool(t, in, "curl", append([]string{"-sS", "--http2-prior-knowledge", "-w", "%{http_version} %{http_code}", "-A", "", "-H", "Host: a", "http://" + r.l.Addr().String() + "/x"}, args...)...)
	}
	if got, want := curl(""), "GET /x\nHost: a\nAccept: */*\n2 200"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	body := strings.Repeat("0123456789", 20_000)
	if got := curl(body, "--data-binary", "@-"); !strings.HasSuffix(got, body+"2 200") || !strings.HasPrefix(got, "POST /x\n") {
		t.Errorf("got %.100q, %d bytes", got, len(got))
	}
	if got := curl("", "-I"); !strings.Contains(got, "HTTP/2 200") || !strings.Contains(got, "content-length: ") {
		t.Errorf("got %q", got)
	}
}

// TestH2load sends thousands of requests, with and without a body.
func TestH2load(t *testing.T) {
	r := serve(t, answer(echo))
	for _, args := range [][]string{{}, {"-d", "stream_test.go"}} {
		out := tool(t, "", "h2load", append(args, "-n2000", "-c10", "-m20", "http://"+r.l.Addr().String()+"/")...)
		if !strings.Contains(out, "2000 succeeded, 0 failed, 0 errored") {
			t.Errorf("h2load %v says\n%s", args, out)
		}
	}
}

// secure is a server on TLS and a pool that its client trusts.
func secure(t *testing.T, handler func(*exchange.Exchange) bool, info *exchange.TLS) (dial func(*tls.Config) (*tls.Conn, error), client *tls.Config) {
	t.Helper()
	ts := httptest.NewUnstartedServer(nil)
	ts.StartTLS()
	cert, client := ts.TLS.Certificates[0], ts.Client().Transport.(*http.Transport).TLSClientConfig.Clone()
	ts.Close()
	client.NextProtos, client.ServerName = []string{"h2"}, "example.com"
	r := newRig(t, handler)
	l, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{cert}, NextProtos: []string{"h2"}})
	if err != nil {
		t.Fatal(err)
	}
	r.l = l
	r.serving.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			r.serving.Go(func() {
				if c.(*tls.Conn).HandshakeContext(context.Background()) != nil {
					c.Close()
					return
				}
				r.server.Serve(c, info)
			})
		}
	})
	return func(conf *tls.Config) (*tls.Conn, error) { return tls.Dial("tcp", l.Addr().String(), conf) }, client
}

// TestTLS: Go's own client over TLS, with what the handshake settled in the exchange.
func TestTLS(t *testing.T) {
	info := &exchange.TLS{ServerName: "example.com"}
	path := exchange.NewPath(render, answer(func(x *exchange.Exchange) exchange.Verdict {
		if x.Conn.TLS != info || x.Conn.Protocol != "h2" || !x.Conn.Client.IsValid() || !x.Conn.Local.IsValid() {
			t.Errorf("the connection is %+v", x.Conn)
		}
		return echo(x)
	}))
	dial, conf := secure(t, path.Run, info)
	transport := &http2.Transport{TLSClientConfig: conf}
	defer transport.CloseIdleConnections()
	c, err := dial(conf)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	cc, err := transport.NewClientConn(c)
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range []int{0, 10, 16 << 10, 3 << 20} {
		body := bytes.Repeat([]byte("x"), n)
		req, _ := http.NewRequest("PUT", "https://example.com/y", io.NopCloser(bytes.NewReader(body)))
		resp, err := cc.RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil || resp.StatusCode != 200 || !bytes.HasPrefix(got, []byte("PUT /y\nHost: example.com\n")) || !bytes.HasSuffix(got, body) {
			t.Errorf("%d bytes: %v, %d bytes back, %v", n, resp.Status, len(got), err)
		}
	}
}
