package h2_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"skerry.dev/skerry/exchange"
	"skerry.dev/skerry/fault"
)

// TestBodyBytes: near the bound on bodies that nobody takes new requests with one get 503, beyond it those whose body goes on; what
// had come of them is still there. When all is taken, there is room again.
func TestBodyBytes(t *testing.T) {
	const piece = 16 << 10 // memory of a body that waits comes in these
	release, began := make(chan struct{}), make(chan struct{}, 8)
	r := newRig(t, func(x *exchange.Exchange) bool {
		if x.Fault != nil {
			x.Answer(fault.Of(x.Fault).Status())
			return x.Sink.Send(x) == nil
		}
		began <- struct{}{}
		<-release
		text, _, err := readAll(x.Req.Body)
		x.Answer(200)
		if err != nil {
			x.Answer(fault.Of(err).Status())
			if want := fmt.Sprintf("fill the memory there is for them: %d bytes in all (--memory)", 2*piece); !strings.Contains(err.Error(), want) {
				t.Errorf("the body ended with %q, which does not say %q", err, want)
			}
		}
		x.Resp.Fields.Add(exchange.NameETag, fmt.Appendf(nil, `"%d"`, len(text)))
		return x.Sink.Send(x) == nil
	})
	r.server.BodyBytes = 2 * piece
	c := r.pipeClient()
	goesOn, waits := c.Post(), c.Post()
	c.Data(goesOn, false, strings.Repeat("a", piece))
	c.Data(waits, false, strings.Repeat("b", piece/2))
	<-began
	<-began
	f := func(what string, id uint32, status, tag string) {
		t.Helper()
		a := c.Await(id)
		if got := a.Status; got != status || tag != "" && a.Field("etag") != tag {
			t.Errorf("%s: %s %s, want %s %s", what, got, a.Field("etag"), status, tag)
		}
	}
	f("a new one", c.Post(), "503", "")
	c.Data(goesOn, true, "more than there is room for")
	c.Data(waits, true, "")
	close(release)
	f("the one that goes on", goesOn, "503", fmt.Sprintf(`"%d"`, piece+len("more than there is room for")))
	f("the one that waits", waits, "200", fmt.Sprintf(`"%d"`, piece/2))
	for by := time.Now().Add(20 * time.Second); r.server.Bodies() > 0 && time.Now().Before(by); { // their memory comes back a moment behind their answers
		time.Sleep(time.Millisecond)
	}
	again := c.Post()
	c.Data(again, true, "x")
	f("a new one behind them", again, "200", `"1"`)
	if n := r.defended("memory"); n != 2 {
		t.Errorf("%d were counted, not 2", n)
	}
}
