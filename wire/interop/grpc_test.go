package interop_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/interop"
	testgrpc "google.golang.org/grpc/interop/grpc_testing"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/orca"

	"skerry.dev/skerry/plan"
)

// This file has what the tests of gRPC share: servers and clients of grpc-go, and the certificates of origins.

// originName is the name in the certificates of origins.
const originName = "origin.test"

// originTLS is what a service says of origins that authority made certificates for.
const originTLS = "  tls: {serverName: " + originName + ", ca: file:origins.pem}\n"

// authority is a CA that origins have their certificates from.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newAuthority(t testing.TB) *authority {
	t.Helper()
	key := newKey(t)
	ca := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true}
	return &authority{certificate(t, ca, ca, key, key), key}
}

func newKey(t testing.TB) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func certificate(t testing.TB, c, by *x509.Certificate, key, byKey *ecdsa.PrivateKey) *x509.Certificate {
	t.Helper()
	der, err := x509.CreateCertificate(rand.Reader, c, by, &key.PublicKey, byKey)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return parsed
}

// server is what an origin needs for TLS.
func (a *authority) server(t testing.TB) *tls.Config {
	t.Helper()
	key := newKey(t)
	c := certificate(t, &x509.Certificate{SerialNumber: big.NewInt(2), NotAfter: a.cert.NotAfter, DNSNames: []string{originName}}, a.cert, key, a.key)
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{c.Raw}, PrivateKey: key}}}
}

// client trusts the origins.
func (a *authority) client() *tls.Config {
	roots := x509.NewCertPool()
	roots.AddCert(a.cert)
	return &tls.Config{RootCAs: roots}
}

// setting has the CA among the secrets of an edge.
func (a *authority) setting(t testing.TB) (set plan.Setting) {
	t.Helper()
	set.Secrets.Dir = t.TempDir()
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.cert.Raw})
	if err := os.WriteFile(filepath.Join(set.Secrets.Dir, "origins.pem"), text, 0o600); err != nil {
		t.Fatal(err)
	}
	return set
}

// interopServer serves grpc-go's side of the interoperability tests until the test ends; tls nil: with prior knowledge.
func interopServer(t testing.TB, tls *tls.Config) (addr string) {
	t.Helper()
	return serveGRPC(t, tls, interop.NewTestServer(), orca.CallMetricsServerOption(nil), grpc.ChainStreamInterceptor(awaitCancel))
}

// awaitCancel keeps a call with the metadata of cancel_after_begin open until it is cancelled: where the server was faster than
// the client's own cancel, the case would get an answer that it does not want, once in some thousand times.
func awaitCancel(srv any, stream grpc.ServerStream, _ *grpc.StreamServerInfo, handler grpc.StreamHandler) error {
	err := handler(srv, stream)
	if len(metadata.ValueFromIncomingContext(stream.Context(), "key1")) > 0 {
		<-stream.Context().Done()
	}
	return err
}

// serveGRPC serves a test service until the test ends, and then ends at once.
func serveGRPC(t testing.TB, tls *tls.Config, s testgrpc.TestServiceServer, options ...grpc.ServerOption) (addr string) {
	t.Helper()
	addr, _ = serverOf(t, tls, s, options...)
	return addr
}

// serverOf is serveGRPC for who wants the server, too.
func serverOf(t testing.TB, tls *tls.Config, s testgrpc.TestServiceServer, options ...grpc.ServerOption) (addr string, server *grpc.Server) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if tls != nil {
		options = append(options, grpc.Creds(credentials.NewTLS(tls)))
	}
	server = grpc.NewServer(options...)
	testgrpc.RegisterTestServiceServer(server, s)
	var serving sync.WaitGroup
	serving.Go(func() {
		if err := server.Serve(l); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(func() {
		server.Stop()
		serving.Wait()
	})
	return l.Addr().String(), server
}

// target is where a client connects to, and what for.
type target struct {
	addr, host string
	tls        *tls.Config   // nil: HTTP/2 with prior knowledge
	conns      *atomic.Int64 // connections made; nil: nobody counts
}

// dial returns a client, which ends with the test.
func (to target) dial(t testing.TB, options ...grpc.DialOption) *grpc.ClientConn {
	t.Helper()
	creds := insecure.NewCredentials()
	if to.tls != nil {
		c := to.tls.Clone()
		c.ServerName = to.host
		creds = credentials.NewTLS(c)
	}
	options = append(options, grpc.WithTransportCredentials(creds), grpc.WithAuthority(to.host),
		grpc.WithContextDialer(func(ctx context.Context, addr string) (net.Conn, error) {
			if to.conns != nil {
				to.conns.Add(1)
			}
			return new(net.Dialer).DialContext(ctx, "tcp", addr)
		}))
	cc, err := grpc.NewClient("passthrough:"+to.addr, options...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cc.Close() })
	return cc
}
