package h1_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"io"
	"math/big"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"skerry.dev/skerry/exchange"
	"skerry.dev/skerry/fault"
	"skerry.dev/skerry/wire/transport"
	"skerry.dev/skerry/wire/wiretest"
)

// ended collects how exchanges ended.
type ended struct {
	kind    fault.Kind
	bytesIn int64
	sent    int64
}

// with is a Start whose proxy is changed before it serves, and whose exchanges are told to over.
func with(over chan<- ended, change func(p *proxy)) wiretest.Start {
	return func(t testing.TB, o wiretest.Origin) wiretest.Proxy {
		p := newProxy(o.Dial)
		change(p)
		p.after = func(x *exchange.Exchange) {
			e := ended{bytesIn: x.Facts.Entry.BytesIn, sent: x.Resp.Sent}
			if x.Cause != nil {
				e.kind = fault.Of(x.Cause)
			}
			over <- e
		}
		return listen(t, p)
	}
}

const (
	// brief ends a wait of a peer that takes nothing, which cannot come too soon.
	brief = 80 * time.Millisecond
	// pause ends a wait behind bytes that must have gone through before: long, for a machine that does much else.
	pause = 3 * time.Second
)

// TestSplice: what goes through the kernel keeps to the same deadlines, counts the same and blames the same side.
func TestSplice(t *testing.T) {
	body := strings.Repeat("0123456789abcdef", 200<<10/16)
	head := "HTTP/1.1 200 OK\r\nContent-Length: 204800\r\n\r\n"
	post := "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 204800\r\n\r\n"
	f := func(name string, want ended, change func(p *proxy), script ...wiretest.Step) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			over := make(chan ended, 8)
			wiretest.NewRig(t, with(over, change)).Play(script...)
			got := <-over
			if got.kind != want.kind || want.bytesIn >= 0 && got.bytesIn != want.bytesIn || want.sent >= 0 && got.sent != want.sent {
				t.Errorf("ended as %s with %d in, %d out; want %s, %d, %d", got.kind.Name(), got.bytesIn, got.sent, want.kind.Name(), want.bytesIn, want.sent)
			}
		})
	}
	none := func(*proxy) {}
	f("an upload is counted", ended{0, 204800, 2}, none, wiretest.SendAside(post+body), arrives(post+body), answer(ok), gets(ok))
	f("a download is counted", ended{0, 0, 204800}, none, send(get), arrives(get), wiretest.AnswerAside(head+body), gets(head+body))
	f("an origin that stalls", ended{fault.OriginStalled, 0, 100000}, func(p *proxy) { p.patience = pause },
		send(get), arrives(get), wiretest.AnswerAside(head+body[:100000]), gets(head+body[:100000]), clientClosed(), originClosed())
	f("a client that stalls within its body", ended{fault.SlowClient, 100000, 0}, func(p *proxy) { p.server.Timeouts.Body = pause },
		wiretest.SendAside(post+body[:100000]), arrives(post+body[:100000]), gets(edge(408)), clientClosed(), originClosed())
	f("an origin that breaks off", ended{fault.OriginIncomplete, 0, 100000}, none,
		send(get), arrives(get), wiretest.Answer(head+body[:100000]), wiretest.OriginHangsUp(), gets(head+body[:100000]), clientClosed())
	f("a client that stops reading", ended{fault.ClientGone, 0, -1}, func(p *proxy) { p.server.Timeouts.Write = brief },
		send(get), arrives(get), wiretest.AnswerAside(strings.Replace(head, "204800", "104857600", 1)+strings.Repeat(body, 100)), wiretest.OriginCut(), wiretest.ClientHangsUp())
	f("the next request is not taken for the rest of a lost body", ended{0, -1, 0}, none,
		wiretest.SendAside(strings.Replace(post, "204800", "10485760", 1)+strings.Repeat(body, 50)), arrives(strings.Replace(post, "204800", "10485760", 1)+body),
		answer("HTTP/1.1 413 Content Too Large\r\nContent-Length: 0\r\n\r\n"), wiretest.OriginHangsUp(),
		gets("HTTP/1.1 413 Content Too Large\r\nContent-Length: 0\r\n\r\n"), clientClosed())
}

// TestWriteDeadline: a client that takes nothing holds a connection for Timeouts.Write.
func TestWriteDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		head := "HTTP/1.1 200 OK\r\nContent-Length: 20000\r\n\r\n"
		wiretest.NewPipeRig(t, startPipes).Play(send(get), arrives(get), wiretest.AnswerAside(head+strings.Repeat("a", 20000)), wiretest.OriginCut(), at(60*time.Second))
	})
}

// TestServerDrain: idle connections end at once, busy ones after their exchange, and Wait returns then.
func TestServerDrain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var p *proxy
		drain := wiretest.Do("drain", func() error { p.server.Drain(); return nil })
		rig := wiretest.NewPipeRig(t, func(t testing.TB, o wiretest.Origin) wiretest.Proxy { p = newProxy(o.Dial); return p })
		idle, err := p.Client()
		if err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		rig.Play(send(get), arrives(get), drain, at(0), answer(ok), gets(strings.Replace(ok, "\r\n\r\n", "\r\nConnection: close\r\n\r\n", 1)), clientClosed(), at(0))
		if _, err := idle.Read(make([]byte, 1)); err != io.EOF {
			t.Errorf("an idle connection reads %v after Drain, want io.EOF", err)
		}
		p.server.Wait()
	})
}

// TestDrainRace: a request that comes at the same moment as a Drain is served whole or not at all, its body included.
func TestDrainRace(t *testing.T) {
	for range 200 {
		near, far := net.Pipe()
		p := newProxy(nil, echo{})
		done := make(chan struct{})
		go func() { defer close(done); p.server.Serve(far, nil) }()
		drained := make(chan struct{})
		go func() { defer close(drained); p.server.Drain() }()
		sent := make(chan error, 1)
		go func() {
			_, err := io.WriteString(near, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n")
			if err == nil {
				_, err = io.WriteString(near, "hello")
			}
			sent <- err
		}()
		got, _ := io.ReadAll(near)
		near.Close()
		<-sent
		<-done
		<-drained
		if len(got) > 0 && !strings.HasSuffix(string(got), "\r\n\r\nhello") {
			t.Fatalf("a request during Drain got %q", got)
		}
	}
}

// echo answers with the request's body.
type echo struct{}

func (echo) Name() string { return "echo" }

func (echo) Request(x *exchange.Exchange) exchange.Verdict {
	x.Answer(200)
	if x.Req.Body == nil {
		return exchange.Respond
	}
	var all []byte
	for {
		view, err := x.Req.Body.Next()
		all = append(all, view...)
		if err == io.EOF {
			x.Resp.Body = x.InMemory(all)
			return exchange.Respond
		}
		if err != nil {
			return x.Fail(err)
		}
	}
}

// TestTLSWriteAfterIdle: a write deadline that an earlier write left behind must not end a TLS connection, which would
// stay broken for good.
func TestTLSWriteAfterIdle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		near, far := net.Pipe()
		server := tls.Server(far, &tls.Config{Certificates: []tls.Certificate{selfSigned(t)}})
		client := transport.New(tls.Client(near, &tls.Config{InsecureSkipVerify: true}))
		go func() { _, _ = io.Copy(server, server) }()
		for range 3 {
			if _, err := client.Write([]byte("ping"), nil, nil, time.Minute); err != nil {
				t.Fatal(err)
			}
			b := make([]byte, 10)
			if n, err := client.Read(b, time.Now().Add(time.Minute)); err != nil || string(b[:n]) != "ping" {
				t.Fatalf("got %q, %v", b[:n], err)
			}
			<-time.After(2 * time.Minute)
		}
		near.Close()
		far.Close()
	})
}

func selfSigned(t *testing.T) tls.Certificate {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}
