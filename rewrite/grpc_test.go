package rewrite_test

import (
	"fmt"
	"math"
	"math/big"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"skerry.dev/skerry/exchange"
	"skerry.dev/skerry/exchange/exchangetest"
	"skerry.dev/skerry/fault"
	"skerry.dev/skerry/rewrite"
	"skerry.dev/skerry/spec"
)

const grpcCall = "POST /shop.Cart/Add HTTP/1.1\nHost: a\nContent-Type: application/grpc\nAccept: text/html\nTE: trailers\n"

// calling is a call over HTTP/2.
func calling(request string) *exchange.Exchange {
	x := exchangetest.Request(request)
	x.Conn.Protocol = "h2"
	return x
}

// Every fault is told to a call in its own form, whatever `errors` and Accept say, and counts as what it is afterwards.
func TestFaultsOfCalls(t *testing.T) {
	pages := []spec.ErrorPage{{Status: 404, HTML: "<p>gone"}}
	for _, k := range fault.Kinds() {
		x := calling(grpcCall)
		x.Facts.RequestID = [16]byte{0xab, 15: 1}
		x.Facts.Entry.Errors = string(spec.ErrorsHTML)
		s := stage(t, spec.Policy{RequestID: ptr(spec.Switch(true)), Headers: &spec.Headers{Response: &spec.Edits{Set: map[string]string{"X-Content-Type-Options": "nosniff"}}}})
		exchange.NewPath(rewrite.NewRenderer(&spec.Policy{ErrorPages: &pages}), rewrite.NewClient(&rewrite.Env{}), s,
			&exchangetest.Origin{Answer: exchangetest.Break(k)}).Run(x)
		r := exchangetest.Of(x)
		message, err := url.PathUnescape(field(r.Head, "Grpc-Message"))
		if want := k.Title() + " (request ab000000000000000000000000000001)"; message != want || err != nil {
			t.Errorf("%s: the message is %q (%v), want %q", k.Name(), message, err, want)
		}
		if r.Status != 200 || r.Body != "" || r.Length != -1 || r.Trailers != "" || field(r.Head, "Content-Type") != "application/grpc" ||
			field(r.Head, "Grpc-Status") == "0" || field(r.Head, "Cache-Control") != "no-store" || field(r.Head, "Content-Encoding") != "" ||
			field(r.Head, "X-Request-ID") == "" || field(r.Head, "X-Content-Type-Options") != "nosniff" ||
			(field(r.Head, "Proxy-Status") == "") != (k.ProxyStatus() == "") || (field(r.Head, "Retry-After") == "") != (k.Status() != 503) {
			t.Errorf("%s: got\n%s", k.Name(), r)
		}
		if x.Resp.Status != k.Status() || fault.Of(x.Cause) != k {
			t.Errorf("%s: status %d and cause %v are left for the log", k.Name(), x.Resp.Status, x.Cause)
		}
		x.Release()
	}
}

func TestCodesOfCalls(t *testing.T) {
	f := func(k fault.Kind, want string) {
		t.Helper()
		x := calling(grpcCall)
		defer x.Release()
		x.Fault = fault.New(k, "a test")
		rewrite.Render(x)
		if got := string(x.Resp.Fields.Get(exchange.NameGrpcStatus)); got != want {
			t.Errorf("%s: code %s, want %s", k.Name(), got, want)
		}
	}
	f(fault.Internal, "13")
	f(fault.BadRequest, "13")
	f(fault.BodyMalformed, "3")
	f(fault.Blocked, "7")
	f(fault.NoRoute, "12")
	f(fault.MethodNotAllowed, "12")
	f(fault.HeadTooLarge, "8")
	f(fault.BodyTooLarge, "8")
	f(fault.RateLimited, "8")
	f(fault.Misdirected, "9")
	f(fault.Draining, "14")
	f(fault.Overloaded, "14")
	f(fault.Maintenance, "14")
	f(fault.OriginNoneHealthy, "14")
	f(fault.OriginBusy, "14")
	f(fault.OriginRefused, "14")
	f(fault.OriginConnectTimeout, "14")
	f(fault.OriginClosed, "14")
	f(fault.OriginTimeout, "4")
	f(fault.OriginStalled, "4")
	f(fault.OriginProtocol, "13")
	f(fault.OriginCancelled, "1")
	f(fault.ClientGone, "1")
}

// What is a call, and what gets the form that `errors` says.
func TestCalls(t *testing.T) {
	over := "h2"
	f := func(request string, want bool) {
		t.Helper()
		x := exchangetest.Request(request)
		defer x.Release()
		x.Conn.Protocol = over
		exchange.NewPath(rewrite.Render, rewrite.NewClient(&rewrite.Env{}), &exchangetest.Origin{Answer: exchangetest.Break(fault.OriginBusy)}).Run(x)
		r := exchangetest.Of(x)
		if got := r.Status == 200; got != want || got != (field(r.Head, "Grpc-Status") == "14") || got != (r.Body == "") {
			t.Errorf("%q: got\n%s", request, r)
		}
		if x.Resp.Status != 503 {
			t.Errorf("%q: status %d is left for the log", request, x.Resp.Status)
		}
	}
	of := func(contentType string) string {
		return "POST / HTTP/1.1\nHost: a\nContent-Type: " + contentType + "\n"
	}
	f(of("application/grpc"), true)
	f(of("application/grpc+proto"), true)
	f(of("application/grpc+x-own"), true)
	f(of("Application/GRPC; charset=utf-8"), true)
	f(of("application/grpc ;a=b"), true)
	f(of("application/grpc-web"), false)
	f(of("application/grpc-web+proto"), false)
	f(of("application/grpc-web-text"), false)
	f(of("application/grpcx"), false)
	f(of("application/grp"), false)
	f(of("application/json"), false)
	f("POST / HTTP/1.1\nHost: a\n", false)
	f("GET / HTTP/1.1\nHost: a\nContent-Type: application/grpc\n", false)
	f("PUT / HTTP/1.1\nHost: a\nContent-Type: application/grpc\n", false)
	over = "h1"
	f(of("application/grpc"), false)
}

// fails503 refuses as a stage does that knows when to come again.
type fails503 string

func (fails503) Name() string { return "fails503" }
func (s fails503) Request(x *exchange.Exchange) exchange.Verdict {
	v := x.Fail(fault.New(fault.OriginBusy, "a test"))
	if s != "" {
		x.Resp.Fields.Set(exchange.NameRetryAfter, []byte(s))
	}
	return v
}

// Clients that call again by themselves wait as long as Retry-After says, where that is no guess, or do not.
func TestPushback(t *testing.T) {
	f := func(after, timeout, want string) {
		t.Helper()
		synctest.Test(t, func(t *testing.T) {
			x := calling(grpcCall + "Grpc-Timeout: " + timeout + "\n")
			defer x.Release()
			x.Now = time.Now()
			time.Sleep(2 * time.Second)
			exchange.NewPath(rewrite.Render, fails503(after)).Run(x)
			r := exchangetest.Of(x)
			if got := field(r.Head, "Grpc-Retry-Pushback-Ms"); got != want || field(r.Head, "Retry-After") == "" {
				t.Errorf("%s of %s: got %q, want %q, in\n%s", after, timeout, got, want, r)
			}
		})
	}
	f("3", "", "3000")
	f("30", "", "30000")
	f("31", "", "-1")
	f("300", "", "-1")
	f("3", "60S", "3000")
	f("3", "5S", "-1")
	f("3", "6S", "3000")
	f("3", "1S", "-1")
	f("0", "", "0")
	f("", "", "")
	f("Fri, 02 Jan 2026 00:00:00 GMT", "", "-1")
}

// A call that the origin has cancelled is late if its time was up, which the origin's clock may find a little earlier.
func TestCancelledOrLate(t *testing.T) {
	f := func(timeout string, after time.Duration, want string) {
		t.Helper()
		synctest.Test(t, func(t *testing.T) {
			x := calling(grpcCall + "Grpc-Timeout: " + timeout + "\n")
			defer x.Release()
			x.Now, x.Fault = time.Now(), fault.New(fault.OriginCancelled, "a test")
			time.Sleep(after)
			rewrite.Render(x)
			if got := string(x.Resp.Fields.Get(exchange.NameGrpcStatus)); got != want {
				t.Errorf("%s after %v: code %s, want %s", timeout, after, got, want)
			}
		})
	}
	f("10S", 10*time.Second, "4")
	f("10S", 9991*time.Millisecond, "4")
	f("10S", 9989*time.Millisecond, "1")
	f("100m", time.Second, "4")
	f("100m", time.Millisecond, "1")
	f("", time.Hour, "1")
	f("10", time.Hour, "1")
	f("99999999H", time.Hour, "1")
}

// No client of gRPC follows a redirect.
func TestPlainCalls(t *testing.T) {
	g := rig{env: rewrite.Env{HTTPSPort: 443}, plain: true, h2: true}
	_, client := g.run(t, grpcCall)
	if !strings.HasPrefix(client, "200\n") || field(client, "Grpc-Status") != "9" || field(client, "Grpc-Message") != "This host takes calls over TLS only." || field(client, "Location") != "" || !g.stopped {
		t.Errorf("got\n%s", client)
	}
	if got := g.answerLine(t, strings.Replace(grpcCall, "grpc", "grpc-web", 1)); got != "308 https://a/shop.Cart/Add" {
		t.Errorf("gRPC-Web: %s", got)
	}
	if g = (rig{env: rewrite.Env{HTTPSPort: 443}, h2: true}); g.answerLine(t, grpcCall) != "served" {
		t.Error("refused over TLS")
	}
	if g = (rig{env: rewrite.Env{HTTPSPort: 443}, plain: true, h2: true, policy: spec.Policy{Redirect: ptr(spec.PlainServed)}}); g.answerLine(t, grpcCall) != "served" {
		t.Error("refused where plain HTTP is served")
	}
}

func TestPercentEncoded(t *testing.T) {
	f := func(text, want string) {
		t.Helper()
		got := string(rewrite.PercentEncoded(text))
		if back, err := url.PathUnescape(got); got != want || back != text || err != nil {
			t.Errorf("got %q, want %q; back it is %q (%v)", got, want, back, err)
		}
	}
	f("", "")
	f("The service is busy. (again) ~+", "The service is busy. (again) ~+")
	f("100 %\r\n\x7fé", "100 %25%0D%0A%7F%C3%A9")
}

// FuzzTimeout compares with arithmetic that has no end.
func FuzzTimeout(f *testing.F) {
	for _, s := range []string{"", "S", "1S", "99999999H", "100000000n", "2562047H", "2562048H", "-1S", "+1S", "1s", "00000001u", "1 S", "007m"} {
		f.Add([]byte(s))
	}
	units := map[byte]int64{'H': 3600e9, 'M': 60e9, 'S': 1e9, 'm': 1e6, 'u': 1e3, 'n': 1}
	f.Fuzz(func(t *testing.T, v []byte) {
		got, ok := rewrite.ParseTimeout(v)
		var n int64
		var unit byte
		text := string(v)
		digits := strings.TrimRight(text, "HMSmun")
		wellFormed := len(digits) > 0 && len(digits) <= 8 && len(text) == len(digits)+1 && strings.Trim(digits, "0123456789") == ""
		if ok != wellFormed {
			t.Fatalf("%q: taken %v", v, ok)
		}
		if !ok {
			return
		}
		if _, err := fmt.Sscanf(text, "%d%c", &n, &unit); err != nil {
			t.Fatal(err)
		}
		want := new(big.Int).Mul(big.NewInt(n), big.NewInt(units[unit]))
		if !want.IsInt64() {
			want.SetInt64(math.MaxInt64)
		}
		if int64(got) != want.Int64() {
			t.Fatalf("%q: got %d, want %v", v, got, want)
		}
	})
}
