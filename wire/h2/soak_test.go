package h2_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/net/http2"

	"skerry.dev/skerry/exchange"
)

// soak is how many streams TestSoakStreams opens. With SKERRY_SOAK set it goes on for SKERRY_SOAK_TIME (5 min), from the seed
// SKERRY_SOAK_SEED.
const soak = 20_000

// TestSoakStreams: 20,000 streams over four connections of x/net's client: uploads, downloads, requests that are given up at any
// moment, answers before the body was read. Whoever gets an answer gets the right one: nothing of a stream's memory is another's.
func TestSoakStreams(t *testing.T) {
	seed := rand.Uint64()
	if given, err := strconv.ParseUint(os.Getenv("SKERRY_SOAK_SEED"), 10, 64); err == nil {
		seed = given
	}
	t.Logf("SKERRY_SOAK_SEED=%d", seed)
	var until time.Time
	if os.Getenv("SKERRY_SOAK") != "" {
		d, err := time.ParseDuration(os.Getenv("SKERRY_SOAK_TIME"))
		if err != nil {
			d = 5 * time.Minute
		}
		until = time.Now().Add(d)
	}
	r := serve(t, answer(mirror))
	var opened, answered, given atomic.Int64
	var clients sync.WaitGroup
	for n := range uint64(4) {
		transport := &http2.Transport{AllowHTTP: true}
		raw, err := r.Client()
		if err != nil {
			t.Fatal(err)
		}
		c, err := transport.NewClientConn(raw)
		if err != nil {
			t.Fatal(err)
		}
		defer raw.Close()
		for m := range uint64(12) {
			random := rand.New(rand.NewPCG(seed, n<<32+m))
			clients.Go(func() {
				for opened.Add(1) <= soak || time.Now().Before(until) {
					err := one200(c, random)
					switch {
					case err == nil:
						answered.Add(1)
					case errors.Is(err, errGivenUp):
						given.Add(1)
					default:
						t.Error(err)
						return
					}
				}
			})
		}
	}
	clients.Wait()
	t.Logf("%d answered, %d given up", answered.Load(), given.Load())
	if answered.Load() < soak/2 || given.Load() == 0 {
		t.Errorf("%d were answered, %d given up", answered.Load(), given.Load())
	}
	if n := len(r.panicked); n > 0 {
		t.Errorf("%d panics: %s", n, <-r.panicked)
	}
}

var errGivenUp = errors.New("the request was given up")

// mirror sends the request's body back as it comes, or so many bytes, or answers without reading it.
func mirror(x *exchange.Exchange) exchange.Verdict {
	x.Answer(200)
	x.Resp.Fields.AddNamed([]byte("X-Path"), bytes.Clone(x.Req.Path))
	switch string(x.Req.Query) {
	case "early":
	case "back":
		if x.Req.Body != nil {
			x.Resp.Body = unsized{x.Req.Body}
		}
	default:
		n, _ := strconv.Atoi(string(x.Req.Query))
		x.Resp.Body = exchange.NewBytes(bytes.Repeat(x.Req.Path[len(x.Req.Path)-1:], n))
	}
	return exchange.Respond
}

// unsized is a body that keeps its size to itself.
type unsized struct{ exchange.Body }

func (unsized) Size() int64 { return -1 }

// one200 sends one request at random and holds the answer against it.
func one200(c *http2.ClientConn, random *rand.Rand) error {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	mark := byte('a' + random.IntN(26))
	n := random.IntN(1 << random.IntN(17))
	var body io.Reader
	var want []byte
	query := strconv.Itoa(n)
	switch random.IntN(4) {
	case 0:
		query, want = "back", bytes.Repeat([]byte{mark}, n)
		body = bytes.NewReader(want)
		if random.IntN(2) == 0 {
			body = io.NopCloser(body) // of unknown length
		}
	case 1:
		query, body = "early", bytes.NewReader(bytes.Repeat([]byte{mark}, n))
	default:
		want = bytes.Repeat([]byte{mark}, n)
	}
	leaves := random.IntN(50) == 0 // rarely: most requests are meant
	if leaves {
		after := time.Duration(random.IntN(500)) * time.Microsecond
		defer time.AfterFunc(after, cancel).Stop()
	}
	req, err := http.NewRequestWithContext(ctx, "POST", "http://a/"+string(mark)+"?"+query, body)
	if err != nil {
		return err
	}
	resp, err := c.RoundTrip(req)
	if err != nil {
		return given(leaves, err)
	}
	defer resp.Body.Close()
	got, err := io.ReadAll(resp.Body)
	switch {
	case err != nil:
		return given(leaves, err)
	case resp.StatusCode != 200 || resp.Header.Get("X-Path") != "/"+string(mark):
		return errors.New(resp.Status + " for " + resp.Header.Get("X-Path") + ", want " + string(mark))
	case !bytes.Equal(got, want):
		return errors.New(query + ": " + strconv.Itoa(len(got)) + " bytes are not the " + strconv.Itoa(len(want)) + " of " + string(mark))
	}
	return nil
}

func given(leaves bool, err error) error {
	if leaves && (errors.Is(err, context.Canceled) || errors.Is(err, net.ErrClosed)) {
		return errGivenUp
	}
	return err
}
