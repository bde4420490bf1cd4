package h1_test

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"skerry.dev/skerry/exchange"
	"skerry.dev/skerry/exchange/exchangetest"
	"skerry.dev/skerry/wire/h1"
)

// TestWitnesses runs the five witness stages between sockets, the client's side read by net/http.
func TestWitnesses(t *testing.T) { exchangetest.Witnesses(t, serveWitness) }

func serveWitness(t *testing.T, path *exchange.Path, request string) exchangetest.Result {
	t.Helper()
	complete := false
	server := h1.Server{Handler: func(x *exchange.Exchange) bool {
		complete = path.Run(x)
		return complete
	}}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	client, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	c, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan struct{})
	go func() { defer close(served); server.Serve(c, nil) }()
	head, body, _ := strings.Cut(request, "\n\n")
	head = strings.ReplaceAll(strings.TrimSuffix(head, "\n"), "\n", "\r\n") + "\r\n\r\n"
	if _, err := io.WriteString(client, head+body); err != nil {
		t.Fatal(err)
	}
	var got exchangetest.Result
	answer, err := http.ReadResponse(bufio.NewReader(client), nil)
	if err == nil {
		var all []byte
		all, err = io.ReadAll(answer.Body)
		got.Status, got.Body = answer.StatusCode, string(all)
	}
	client.Close()
	<-served // the exchange is released then
	got.Complete = complete && err == nil
	return got
}
