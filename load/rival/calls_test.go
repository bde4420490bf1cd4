package rival_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"skerry.dev/skerry/load/rival"
)

// TestCalls counts the calls of a program while another one runs: with what is installed, and with strace where perf may not.
func TestCalls(t *testing.T) {
	f := func(name, tool, path string) {
		t.Run(name, func(t *testing.T) {
			if why := rival.Missing(tool); why != "" {
				t.Skip(why)
			}
			t.Setenv("PATH", path)
			p, err := rival.Start(rival.Options{Dir: t.TempDir()}, "/bin/dd", "if=/dev/zero", "of=/dev/null", "bs=512")
			if err != nil {
				t.Fatal(err)
			}
			defer p.Stop()
			c, output, err := p.Calls(context.Background(), "/bin/sh", "-c", "sleep 0.3; echo done")
			if err != nil {
				if tool == "perf" || strings.Contains(err.Error(), "ptrace") {
					t.Skip("the kernel does not allow it: ", err)
				}
				t.Fatal(err)
			}
			if c.Count < 100 || c.By != tool || !strings.Contains(output, "done") {
				t.Errorf("%+v, output %q, want many calls by %s and the output", c, output, tool)
			}
		})
	}
	path := os.Getenv("PATH")
	f("perf", "perf", path)
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "perf"), []byte("#!/bin/sh\necho No permission >&2\nexit 255\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	f("perf refused", "strace", dir+":"+path)
}

// TestCallsSaysWhy checks that an error has the reasons of both tools.
func TestCallsSaysWhy(t *testing.T) {
	dir := t.TempDir()
	for _, tool := range []string{"perf", "strace"} {
		if err := os.WriteFile(filepath.Join(dir, tool), []byte("#!/bin/sh\necho "+tool+" may not >&2\nexit 1\n"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
	p, err := rival.Start(rival.Options{Dir: t.TempDir()}, "/bin/sleep", "60")
	if err != nil {
		t.Fatal(err)
	}
	defer p.Stop()
	_, _, err = p.Calls(context.Background(), "/bin/true")
	if err == nil || !strings.Contains(err.Error(), "perf may not") || !strings.Contains(err.Error(), "strace may not") {
		t.Errorf("error %v, want the words of both", err)
	}
}
