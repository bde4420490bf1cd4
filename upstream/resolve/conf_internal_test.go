package resolve

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"skerry.dev/skerry/meter"
)

// TestParseConf: resolv.conf is read as the C library reads it.
func TestParseConf(t *testing.T) {
	f := func(text, want string) {
		t.Helper()
		c := parseConf(text, "node1.corp.test")
		got := fmt.Sprint(c.servers, c.search, " ndots ", c.ndots, " ", c.attempts, "x", c.timeout)
		if c.rotate {
			got += " rotate"
		}
		if c.stream {
			got += " tcp"
		}
		if !c.named {
			got += " assumed"
		}
		if got != want {
			t.Errorf("%q:\n got %s\nwant %s", text, got, want)
		}
	}
	f("", "[127.0.0.1:53] [corp.test.] ndots 1 2x5s assumed")
	f("nameserver 10.0.0.53\n", "[10.0.0.53:53] [corp.test.] ndots 1 2x5s")
	f("nameserver 10.0.0.53\nnameserver fe80::1%eth0\nnameserver bad\nnameserver\nnameserver ::1\nnameserver 10.0.0.4",
		"[10.0.0.53:53 [fe80::1%eth0]:53 [::1]:53] [corp.test.] ndots 1 2x5s")
	f("#nameserver 10.0.0.53\n; nameserver 10.0.0.53\n nameserver 10.0.0.1 # here\r\n", "[10.0.0.1:53] [corp.test.] ndots 1 2x5s")
	f("search A.test b.test. ba..d\ndomain c.test d.test", "[127.0.0.1:53] [c.test.] ndots 1 2x5s assumed")
	f("domain c.test\nsearch A.test b.test. ba..d", "[127.0.0.1:53] [a.test. b.test.] ndots 1 2x5s assumed")
	f("search .", "[127.0.0.1:53] [] ndots 1 2x5s assumed")
	f("options ndots:5 timeout:2 attempts:1 rotate use-vc edns0 x:y", "[127.0.0.1:53] [corp.test.] ndots 5 1x2s rotate tcp assumed")
	f("options ndots:99 timeout:99 attempts:99\noptions ndots:", "[127.0.0.1:53] [corp.test.] ndots 15 5x30s assumed")
	f("options ndots:-1 timeout:0 attempts:-3", "[127.0.0.1:53] [corp.test.] ndots 0 1x1s assumed")
	f("search"+strings.Repeat(" a.test", 99), "[127.0.0.1:53] ["+strings.TrimSpace(strings.Repeat("a.test. ", searchMax))+"] ndots 1 2x5s assumed")
}

// TestNames: what a host may mean.
func TestNames(t *testing.T) {
	f := func(ndots int, host, want string) {
		t.Helper()
		c := conf{ndots: ndots, search: []string{"one.test.", "two.test."}}
		if got := strings.Join(c.names(host), " "); got != want {
			t.Errorf("%s: got %s, want %s", host, got, want)
		}
	}
	f(1, "a", "a.one.test. a.two.test. a.")
	f(1, "a.", "a.")
	f(1, "a.b", "a.b.")
	f(2, "a.b", "a.b.one.test. a.b.two.test. a.b.")
	f(0, "a", "a.")
	long := strings.Repeat("a.", 124) + "a"
	f(15, strings.Repeat("a.", 3)+"a", "a.a.a.a.one.test. a.a.a.a.two.test. a.a.a.a.")
	c := conf{ndots: 200, search: []string{"one.test."}}
	if got := c.names(long); len(got) != 1 {
		t.Errorf("a name too long for the search list is asked for as %v", got)
	}
}

// TestAssumed: without a resolv.conf this machine is asked, and an event says so; with one that appears, its servers.
func TestAssumed(t *testing.T) {
	set := meter.NewSet()
	path := filepath.Join(t.TempDir(), "resolv.conf")
	r, err := New(Options{Conf: path, Hosts: path, Meters: set})
	if err != nil {
		t.Fatal(err)
	}
	f := func(want string) {
		t.Helper()
		if c, _ := r.system.now(); fmt.Sprint(c.servers) != want {
			t.Errorf("%v, want %s", c.servers, want)
		}
	}
	f("[127.0.0.1:53]")
	if e := set.Events().Since(0); len(e) != 1 || !strings.Contains(e[0].Text, path) || !strings.Contains(e[0].Text, "127.0.0.1:53") {
		t.Errorf("events %v", e)
	}
	put(t, path, "nameserver 10.0.0.1\n")
	f("[10.0.0.1:53]")
	put(t, path, "")
	f("[10.0.0.1:53]")
	put(t, path, "nameserver 10.0.0.2\n")
	f("[10.0.0.2:53]")
	put(t, path, "nameserver 10.0.0.3\n"+strings.Repeat("#", confBytesMax))
	f("[10.0.0.3:53]")
	if e := set.Events().Since(1); len(e) != 1 || !strings.Contains(e[0].Text, "64 KB") {
		t.Errorf("events %v", e)
	}
}
