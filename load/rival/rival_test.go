package rival_test

import (
	"io"
	"net/http"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"skerry.dev/skerry/load/rival"
)

func addr(t *testing.T) string {
	t.Helper()
	a, err := rival.FreeAddr()
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// TestServers starts each server with a fixed answer, asks it, and stops it.
func TestServers(t *testing.T) {
	f := func(name string, start func(rival.Options) (*rival.Proc, error), conf string) {
		t.Run(name, func(t *testing.T) {
			if why := rival.Missing(name); why != "" {
				t.Skip(why)
			}
			a := addr(t)
			_, port, _ := strings.Cut(a, ":")
			p, err := start(rival.Options{Dir: t.TempDir(), Conf: strings.NewReplacer("ADDR", a, "PORT", port).Replace(conf), Ready: a})
			if err != nil {
				t.Fatal(err)
			}
			defer p.Stop()
			resp, err := http.Get("http://" + a + "/")
			if err != nil {
				t.Fatal(err)
			}
			body, _ := io.ReadAll(resp.Body)
			resp.Body.Close()
			if resp.StatusCode != 200 || string(body) != "hello" {
				t.Errorf("answer %d %q, want 200 hello", resp.StatusCode, body)
			}
			http.DefaultClient.CloseIdleConnections() // some end only after their last connection
			p.Stop()
			select {
			case <-p.Ended():
			default:
				t.Error("still running after Stop")
			}
			if left := p.Pids(); len(left) > 0 {
				t.Errorf("processes %v left after Stop", left)
			}
		})
	}
	f("nginx", rival.Nginx, `access_log off; server { listen ADDR; location / { return 200 "hello"; } }`)
	f("haproxy", rival.HAProxy, `
defaults
	mode http
	timeout client 5s
frontend f
	bind ADDR
	http-request return status 200 content-type text/plain string hello
`)
	f("caddy", rival.Caddy, "{\n\tadmin off\n}\nhttp://ADDR {\n\trespond hello\n}\n")
	f("h2o", rival.H2O, `
listen: {host: 127.0.0.1, port: PORT}
hosts:
  default:
    paths:
      /:
        mruby.handler: |
          Proc.new { |env| [200, {}, ["hello"]] }
`)
	f("varnishd", rival.Varnish, `vcl 4.1;
backend none none;
sub vcl_recv { return (synth(200)); }
sub vcl_synth { set resp.body = "hello"; return (deliver); }
`)
}

// TestVarnishEndsWithItsParent kills what was started, as the kernel does when this process dies, and expects its child to end.
func TestVarnishEndsWithItsParent(t *testing.T) {
	if why := rival.Missing("varnishd"); why != "" {
		t.Skip(why)
	}
	p, err := rival.Varnish(rival.Options{Dir: t.TempDir(), Conf: "vcl 4.1;\nbackend none none;\n", Ready: addr(t)})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Stop()
	await := func(what string, ok func(pids []int) bool) {
		t.Helper()
		for limit := time.Now().Add(20 * time.Second); !ok(p.Pids()); time.Sleep(20 * time.Millisecond) {
			if time.Now().After(limit) {
				t.Fatalf("processes %v, want %s", p.Pids(), what)
			}
		}
	}
	await("two", func(pids []int) bool { return len(pids) == 2 })
	if err := syscall.Kill(p.Pid(), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	await("none", func(pids []int) bool { return len(pids) == 0 })
}

// TestStartSaysWhy checks that a program that refuses its configuration is an error with its own words.
func TestStartSaysWhy(t *testing.T) {
	f := func(name string, start func(rival.Options) (*rival.Proc, error)) {
		t.Run(name, func(t *testing.T) {
			if why := rival.Missing(name); why != "" {
				t.Skip(why)
			}
			_, err := start(rival.Options{Dir: t.TempDir(), Conf: "nonsense;", Ready: addr(t)})
			if err == nil || !strings.Contains(err.Error(), "nonsense") {
				t.Errorf("error %v, want one that quotes the directive", err)
			}
		})
	}
	f("nginx", rival.Nginx)
	f("varnishd", rival.Varnish)
}

func TestMissing(t *testing.T) {
	if why := rival.Missing("sh", "no-such-program"); !strings.Contains(why, "no-such-program is not installed") {
		t.Errorf("Missing = %q", why)
	}
	if why := rival.Missing("sh"); why != "" {
		t.Errorf("Missing(sh) = %q", why)
	}
}

// TestCPU checks that the time of a forked child is counted.
func TestCPU(t *testing.T) {
	if _, err := os.Stat("/proc/self/stat"); err != nil {
		t.Skip("processor time is read from /proc: ", err)
	}
	p, err := rival.Start(rival.Options{Dir: t.TempDir()}, "sh", "-c", "(while :; do :; done) & wait")
	if err != nil {
		t.Fatal(err)
	}
	defer p.Stop()
	for limit := time.Now().Add(10 * time.Second); time.Now().Before(limit); time.Sleep(20 * time.Millisecond) {
		used, err := p.CPU()
		if err != nil {
			t.Fatal(err)
		}
		if used.Total() >= 50*time.Millisecond {
			return
		}
	}
	t.Error("a busy child used no 50 ms in 10 s")
}
