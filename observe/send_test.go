package observe_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/protobuf/encoding/protowire"

	"skerry.dev/skerry/meter"
	"skerry.dev/skerry/observe"
)

// trace gives n spans to the tracer.
func (tr *traced) trace(n int) {
	x := sampled()
	defer x.Release()
	for range n {
		tr.Exchange(x, x.Now)
	}
}

// refuse answers the first n requests with a status and a Retry-After.
func refuse(n, status int, after string) func(http.ResponseWriter, *http.Request, int) {
	return func(w http.ResponseWriter, _ *http.Request, nth int) {
		if nth <= n {
			w.Header().Set("Retry-After", after)
			w.WriteHeader(status)
		}
	}
}

func TestRefusedBatches(t *testing.T) {
	// f sends one span to a receiver that refuses the first n requests.
	f := func(n, status int, after string, want, told string, when ...time.Duration) {
		t.Helper()
		synctest.Test(t, func(t *testing.T) {
			tr := newTraced(t, refuse(n, status, after))
			tr.trace(1)
			time.Sleep(time.Hour)
			got := tr.to.all()
			if len(got) != len(when) {
				t.Fatalf("%d %s: requests %s, want %v", status, after, tr.to.times(), when)
			}
			slack := time.Duration(0) // chance makes the edge's own pauses longer, up to a quarter
			for i, at := range when {
				if got[i].at < at || got[i].at > at+slack {
					t.Errorf("%d %s: requests %s, want %v", status, after, tr.to.times(), when)
				}
				if after == "" || after == "soon" {
					slack = (at - when[0] + 1<<i*time.Second) / 4
				}
			}
			if got := counts(tr.set); got != want {
				t.Errorf("%d %s: %s, want %s", status, after, got, want)
			}
			if got := strings.Join(tr.events(), "; "); !strings.Contains(got, told) || (told == "") != (got == "") {
				t.Errorf("%d %s: told %q, want %q", status, after, got, told)
			}
			if err := tr.end(); err != nil {
				t.Error(err)
			}
		})
	}
	const s = time.Second
	const taken, lost = "1 exported, 0 full, 0 failed, 0 rejected", "0 exported, 0 full, 1 failed, 0 rejected"
	f(1, 503, "7", taken, "", 5*s, 12*s)
	f(2, 429, "3", taken, "", 5*s, 8*s, 11*s)
	f(1, 502, "Sat, 01 Jan 2000 00:00:10 GMT", taken, "", 5*s, 10*s) // a bubble begins at midnight
	f(1, 504, "", taken, "", 5*s, 6*s)
	f(1, 503, "soon", taken, "", 5*s, 6*s)
	f(3, 503, "", taken, "", 5*s, 6*s, 8*s, 12*s)
	// Beyond the budget.
	f(1, 503, "31", lost, "1 spans did not reach http://collector:4318/v1/traces: status 503", 5*s)
	f(9, 503, "10", lost, "status 503", 5*s, 15*s, 25*s, 35*s)
	// For good.
	f(1, 400, "7", lost, "status 400 Bad Request", 5*s)
	f(1, 401, "", lost, "status 401", 5*s)
	f(1, 500, "", lost, "status 500", 5*s)
	f(1, 307, "", lost, "status 307", 5*s)
}

// TestPauses: they grow from failure to failure, by chance a little more, and begin anew after a success.
func TestPauses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := newTraced(t, func(w http.ResponseWriter, _ *http.Request, nth int) {
			if nth != 4 && nth != 6 {
				w.WriteHeader(http.StatusServiceUnavailable)
			}
		})
		for range 2 {
			tr.trace(1)
			time.Sleep(time.Minute)
		}
		got := tr.to.all()
		if len(got) != 6 {
			t.Fatalf("requests %s, want 6", tr.to.times())
		}
		even := true
		for i, want := range []time.Duration{time.Second, 2 * time.Second, 4 * time.Second, 0, time.Second} {
			pause := got[i+1].at - got[i].at
			if want != 0 && (pause < want || pause > want*5/4) {
				t.Errorf("the pause after request %d was %v, want %v to a quarter more", i+1, pause, want)
			}
			even = even && pause%time.Second == 0
		}
		if even {
			t.Errorf("requests %s: a fleet would come back all at once", tr.to.times())
		}
		tr.end()
	})
}

func TestRetryAfterHoldsForTheNextBatch(t *testing.T) {
	f := func(after string) {
		t.Helper()
		synctest.Test(t, func(t *testing.T) {
			tr := newTraced(t, refuse(1, 429, after))
			tr.trace(1)
			time.Sleep(20 * time.Second)
			if got := counts(tr.set); got != "0 exported, 0 full, 1 failed, 0 rejected" {
				t.Errorf("%s, want the first given up", got)
			}
			tr.trace(2)
			time.Sleep(time.Hour)
			if got := tr.to.times(); got != "5s:1 5m5s:2" {
				t.Errorf("requests %s, want the second after five minutes", got)
			}
			if got := counts(tr.set); got != "2 exported, 0 full, 1 failed, 0 rejected" {
				t.Error(got)
			}
			tr.end()
		})
	}
	f("300")
	f("86400")
	f("99999999999999999999")
	f("Sun, 02 Jan 2000 00:00:00 GMT")
}

// TestHangingReceiver: it reads requests and never answers. That costs spans, neither time nor memory.
func TestHangingReceiver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := newTraced(t, func(_ http.ResponseWriter, r *http.Request, _ int) { <-r.Context().Done() })
		begin := time.Now()
		tr.trace(20_000)
		if took := time.Since(begin); took != 0 {
			t.Errorf("the exchanges waited %v", took)
		}
		synctest.Wait()
		tr.trace(20_000)
		// Eight batches wait, and one more was encoded and is with the receiver.
		if got := counts(tr.set); got != "0 exported, 35392 full, 0 failed, 0 rejected" && got != "0 exported, 35904 full, 0 failed, 0 rejected" {
			t.Errorf("%s, want all but eight or nine batches", got)
		}
		time.Sleep(100 * time.Second)
		if got := tr.events(); len(got) != 1 || got[0] != "traces: 512 spans did not reach http://collector:4318/v1/traces: no answer within 10s" {
			t.Errorf("told %q", got)
		}
		begin = time.Now()
		if err := tr.end(); err == nil || !strings.Contains(err.Error(), "spans that waited did not reach http://collector:4318/v1/traces") {
			t.Errorf("Close returned %v", err)
		}
		if took := time.Since(begin); took > 3*time.Second {
			t.Errorf("Close took %v", took)
		}
		sum := func(reason string) uint64 {
			return tr.set.Counter("skerry_spans_dropped_total", "", "reason", reason).Value()
		}
		if sum("full")+sum("failed") != 40_000 {
			t.Errorf("%s, want 40000 together", counts(tr.set))
		}
	})
}

func TestUnreachableReceiver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		set := meter.NewSet()
		var asked atomic.Int32
		var there atomic.Bool
		p := &pipes{conns: make(chan net.Conn), done: make(chan struct{})}
		server := &http.Server{Handler: &receiver{}}
		go server.Serve(p)
		defer server.Close()
		tr, err := observe.NewTracer(observe.TracerOptions{Endpoint: "http://collector?key=hunter2", Meters: set,
			Dial: func(ctx context.Context, network, addr string) (net.Conn, error) {
				if asked.Add(1); !there.Load() {
					return nil, errors.New("connection refused by " + addr)
				}
				return p.Dial(ctx, network, addr)
			}})
		if err != nil {
			t.Fatal(err)
		}
		x := sampled()
		defer x.Release()
		for range 3600 {
			tr.Exchange(x, x.Now)
			time.Sleep(time.Second)
		}
		if n := asked.Load(); n < 200 || n > 300 {
			t.Errorf("the receiver was asked %d times in an hour, want about every 15 seconds", n)
		}
		there.Store(true)
		time.Sleep(time.Minute)
		tr.Exchange(x, x.Now)
		time.Sleep(time.Minute)
		told := events(set)
		if len(told) != 2 || !strings.Contains(told[0], "connection refused by collector:80") || told[1] != "traces: http://collector/v1/traces takes spans again" {
			t.Errorf("told %q", told)
		}
		if strings.Contains(fmt.Sprint(told), "hunter2") {
			t.Error("an event shows the query of the endpoint")
		}
		if err := tr.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
}

func TestCloseSendsWhatWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := newTraced(t, nil)
		tr.trace(1000)
		if err := tr.end(); err != nil {
			t.Error(err)
		}
		tr.trace(5)
		if err := tr.Close(context.Background()); err != nil {
			t.Errorf("the second Close: %v", err)
		}
		if got := counts(tr.set); got != "1000 exported, 0 full, 5 failed, 0 rejected" || tr.to.times() != "0s:512 0s:488" {
			t.Error(got, tr.to.times())
		}
	})
}

func TestCloseIsBounded(t *testing.T) {
	f := func(ctx context.Context, answer func(http.ResponseWriter, *http.Request, int), pause, most time.Duration, requests int) {
		t.Helper()
		tr := newTraced(t, answer)
		tr.trace(1000)
		time.Sleep(pause)
		begin := time.Now()
		err := tr.Close(ctx)
		if took := time.Since(begin); took != most {
			t.Errorf("Close took %v, want %v", took, most)
		}
		if want := "traces: 1000 spans that waited did not reach http://collector:4318/v1/traces"; err == nil || err.Error() != want {
			t.Errorf("Close returned %v, want %s", err, want)
		}
		if n := len(tr.to.all()); n != requests {
			t.Errorf("requests %s, want %d", tr.to.times(), requests)
		}
		tr.end()
	}
	synctest.Test(t, func(t *testing.T) {
		hang := func(_ http.ResponseWriter, r *http.Request, _ int) { <-r.Context().Done() }
		soon, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		f(soon, hang, 0, time.Second, 1)
		f(context.Background(), hang, time.Second, 3*time.Second, 1)
		// A pause is cut short for one more attempt. What is left after a failure is not tried.
		f(context.Background(), refuse(9, 503, "20"), time.Second, 0, 2)
		late := func(w http.ResponseWriter, r *http.Request, nth int) { // it answers when Close waits
			time.Sleep(time.Millisecond)
			refuse(9, 503, "20")(w, r, nth)
		}
		f(context.Background(), late, 0, time.Millisecond, 1)
	})
}

func TestHeadersFollowNoRedirect(t *testing.T) {
	other := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { t.Errorf("redirected with %v", r.Header) }))
	defer other.Close()
	to := httptest.NewServer(http.RedirectHandler(other.URL, http.StatusTemporaryRedirect))
	defer to.Close()
	set := meter.NewSet()
	tr, err := observe.NewTracer(observe.TracerOptions{Endpoint: to.URL, Headers: map[string]string{"Authorization": "Bearer t0ken"}, Meters: set})
	if err != nil {
		t.Fatal(err)
	}
	x := sampled()
	defer x.Release()
	tr.Exchange(x, x.Now)
	if err := tr.Close(context.Background()); err == nil {
		t.Error("Close says that the span arrived")
	}
	if got := counts(set); got != "0 exported, 0 full, 1 failed, 0 rejected" {
		t.Error(got)
	}
}

// partial is an ExportTraceServiceResponse.
func partial(rejected uint64, message string) []byte {
	b := protowire.AppendVarint(protowire.AppendTag(nil, 1, protowire.VarintType), rejected)
	b = protowire.AppendString(protowire.AppendTag(b, 2, protowire.BytesType), message)
	return protowire.AppendBytes(protowire.AppendTag(nil, 1, protowire.BytesType), b)
}

func TestPartialSuccess(t *testing.T) {
	f := func(kind string, body []byte, want, told string) {
		t.Helper()
		synctest.Test(t, func(t *testing.T) {
			tr := newTraced(t, func(w http.ResponseWriter, _ *http.Request, nth int) {
				if nth == 1 {
					w.Header().Set("Content-Type", kind)
					w.Write(body)
				}
			})
			tr.trace(5)
			time.Sleep(time.Minute)
			if got := counts(tr.set); got != want {
				t.Errorf("%q: %s, want %s", body, got, want)
			}
			tr.trace(1)
			time.Sleep(time.Minute)
			if got := strings.Join(tr.events(), "; "); got != told {
				t.Errorf("%q: told %q, want %q", body, got, told)
			}
			tr.end()
		})
	}
	const form, all = "application/x-protobuf", "5 exported, 0 full, 0 failed, 0 rejected"
	const to, again = "traces: http://collector:4318/v1/traces ", "; traces: http://collector:4318/v1/traces takes spans again"
	f(form, partial(2, "too \"old\""), "3 exported, 0 full, 0 failed, 2 rejected", to+`rejected 2 of 5 spans: "too \"old\""`+again)
	f(form, partial(99, ""), "0 exported, 0 full, 0 failed, 5 rejected", to+`rejected 5 of 5 spans: ""`+again)
	f(form, partial(1<<63, ""), all, "") // negative
	f(form, partial(0, "a warning"), all, "")
	f(form, nil, all, "")
	f(form, []byte("\xff"), all, "")
	f("text/html", partial(2, ""), all, "")
	f(form, append(partial(2, strings.Repeat("a", 300)), make([]byte, 1<<20)...), "3 exported, 0 full, 0 failed, 2 rejected",
		to+`rejected 2 of 5 spans: "`+strings.Repeat("a", 256)+`"`+again)
}

func FuzzPartialSuccess(f *testing.F) {
	f.Add([]byte(nil))
	f.Add(partial(3, "too old"))
	f.Add(append(partial(1<<63, "\xff"), 0x1b, 0x1c, 0x0d, 1, 2, 3, 4)) // a group, a fixed32
	f.Fuzz(func(t *testing.T, answer []byte) {
		rejected, message, err := observe.PartialSuccess(answer)
		if len(message) > 256 {
			t.Errorf("a message of %d bytes", len(message))
		}
		if err != nil || rejected < 0 {
			return
		}
		// What was understood is understood again.
		n, m, err := observe.PartialSuccess(partial(uint64(rejected), message))
		if n != rejected || m != message || err != nil {
			t.Errorf("%d %q became %d %q %v", rejected, message, n, m, err)
		}
	})
}
