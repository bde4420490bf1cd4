package freshness_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"skerry.dev/skerry/cache/freshness"
	"skerry.dev/skerry/exchange"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// came is when answers come in these tests; now is what Date says then.
var came = time.Date(2026, 3, 1, 12, 0, 0, 500e6, time.UTC)

const now = "Date: Sun, 01 Mar 2026 12:00:00 GMT\n"

// at is an HTTP date so many seconds from came.
func at(seconds int) string {
	return came.Add(time.Duration(seconds) * time.Second).Format("Mon, 02 Jan 2006 15:04:05 GMT")
}

// fields reads lines of a head; white space around values goes, as on the wire.
func fields(text string) (f exchange.Fields) {
	for line := range strings.Lines(text) {
		name, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), ":")
		f.AddNamed([]byte(name), exchange.TrimOWS([]byte(value)))
	}
	return f
}

// text is fields, written.
func text(f exchange.Fields) string {
	var b strings.Builder
	for i := range f {
		fmt.Fprintf(&b, "%s: %s\n", f[i].Name, f[i].Value)
	}
	return b.String()
}

// arrival is a 200 to a GET that was sent at the instant at which it came.
func arrival(response string) *freshness.Arrival {
	return &freshness.Arrival{Method: exchange.MethodGet, Status: 200, Response: fields(response), Asked: came, Came: came}
}

var bitNames = [...]string{"public", "private", "private-fields", "no-store", "no-cache", "no-cache-fields", "must-revalidate",
	"proxy-revalidate", "must-understand", "no-transform", "immutable", "max-age", "s-maxage", "expires", "targeted"}

// bits are the names of what was said.
func bits(s freshness.Set) string {
	var names []string
	for i, name := range bitNames {
		if s&(1<<i) != 0 {
			names = append(names, name)
		}
	}
	return strings.Join(names, " ")
}

// spans are the spans that were said, as "name=seconds".
func spans(named ...any) string {
	var all []string
	for i := 0; i < len(named); i += 2 {
		if d := named[i+1].(time.Duration); d >= 0 {
			s := fmt.Sprint(int64(d / time.Second))
			if d == freshness.Longest {
				s = "longest"
			}
			all = append(all, fmt.Sprintf("%s=%s", named[i], s))
		}
	}
	return strings.Join(all, " ")
}
