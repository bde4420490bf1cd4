package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"strings"
)

const (
	// grpcPath is the method that calls name; nobody looks at it.
	grpcPath = "/skerry.compare.Echo/Unary"
	// grpcFile is the file with their body, in the run's folder, because h2load wants one.
	grpcFile = "call.grpc"
)

// grpcFrame is the body of calls and answers: one message of 100 bytes behind its prefix, which is a byte that says "not compressed" and
// its length in four bytes.
var grpcFrame = "\x00\x00\x00\x00\x64" + strings.Repeat("m", 100)

// probeGRPC makes one call and looks at all of the answer, trailers included, which the load does not.
func probeGRPC(ctx context.Context, url string) error {
	ctx, cancel := context.WithTimeout(ctx, grpcPatience)
	defer cancel()
	transport := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, ForceAttemptHTTP2: true, DisableCompression: true}
	defer transport.CloseIdleConnections()
	q, err := http.NewRequestWithContext(ctx, http.MethodPost, url, strings.NewReader(grpcFrame))
	if err != nil {
		return err
	}
	q.Header.Set("Content-Type", "application/grpc")
	q.Header.Set("Te", "trailers")
	a, err := transport.RoundTrip(q)
	if err != nil {
		return err
	}
	defer a.Body.Close()
	body, err := io.ReadAll(a.Body)
	if err != nil {
		return err
	}
	status := a.Trailer.Get("Grpc-Status")
	if a.ProtoMajor != 2 || a.StatusCode != http.StatusOK || status != "0" || !bytes.Equal(body, []byte(grpcFrame)) {
		return fmt.Errorf("answer %d by %s, %d bytes, grpc-status %q (%s), want 200 by HTTP/2.0, %d bytes and 0",
			a.StatusCode, a.Proto, len(body), status, a.Trailer.Get("Grpc-Message"), len(grpcFrame))
	}
	return nil
}
