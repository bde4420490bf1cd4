package mirror_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"skerry.dev/skerry/exchange/exchangetest"
	"skerry.dev/skerry/wire/h1"
)

// TestOnTheWire: bodies of a real connection reach both services in one piece each, and the connection goes on.
func TestOnTheWire(t *testing.T) {
	r := newRig(t, everything, exchangetest.Say(200, "shadow"))
	client, server := net.Pipe()
	h := h1.Server{Handler: r.path.Run}
	served := make(chan struct{})
	go func() { defer close(served); h.Serve(server, nil) }()
	answers := bufio.NewReader(client)
	var want []string
	// f posts a body and says in how many pieces the service and the copy get it; 0: there is no copy.
	f := func(body string, chunked bool, pieces, copied int) {
		t.Helper()
		head, data := fmt.Sprintf("Content-Length: %d\r\n\r\n", len(body)), body
		size := len(body)
		if chunked {
			head, data, size = "Transfer-Encoding: chunked\r\n\r\n", fmt.Sprintf("%x\r\n%s\r\n0\r\n\r\n", len(body), body), -1
		}
		sent := make(chan error, 1)
		go func() {
			_, err := io.WriteString(client, "POST / HTTP/1.1\r\nHost: a\r\n"+head+data)
			sent <- err
		}()
		a, err := http.ReadResponse(answers, nil)
		if err != nil {
			t.Fatal(err)
		}
		if text, err := io.ReadAll(a.Body); string(text) != "real" || err != nil || a.StatusCode != 200 {
			t.Errorf("the answer is %d %q (%v)", a.StatusCode, text, err)
		}
		if err := <-sent; err != nil {
			t.Error(err)
		}
		r.mu.Lock()
		if got, is := r.took[len(r.took)-1], fmt.Sprintf("POST /\nHost: a\n\n%d in %d: %s", size, pieces, body); got != is {
			t.Errorf("the service got %.60q, want %.60q", got, is)
		}
		r.mu.Unlock()
		if copied > 0 {
			want = append(want, fmt.Sprintf("POST /\nHost: a\nX-Skerry-Mirror: 1\n\n%d in %d: %s", size, copied, body))
		}
	}
	f("small", false, 1, 1)
	f(strings.Repeat("x", 10_000), false, 1, 1)
	f(strings.Repeat("y", 60_000), false, 1, 1) // more than the connection's buffer
	f("chunks", true, 1, 0)
	f("small again", false, 1, 1)
	client.Close()
	<-served
	copies, _ := r.got()
	if len(copies) != len(want) {
		t.Fatalf("%d copies, want %d; %s", len(copies), len(want), r.counts())
	}
	got := strings.Join(copies, "\x00")
	for _, w := range want { // copies run beside each other
		if !strings.Contains("\x00"+got+"\x00", "\x00"+w+"\x00") {
			t.Errorf("there is no copy %.80q", w)
		}
	}
	if got := r.counts(); got != "answered 4, dropped_body 1" {
		t.Error(got)
	}
}
