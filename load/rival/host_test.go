package rival_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"skerry.dev/skerry/load/rival"
)

func TestSection(t *testing.T) {
	const begin, end = "<!-- a -->", "<!-- /a -->"
	path := filepath.Join(t.TempDir(), "docs", "a.md")
	for _, section := range []string{"first", "second"} {
		if err := rival.Section(path, begin, end, "# A\n"+begin+end+"\n", section); err != nil {
			t.Fatal(err)
		}
		text, _ := os.ReadFile(path)
		if !strings.Contains(string(text), begin+"\n"+section+"\n"+end+"\n") {
			t.Errorf("%s is not in\n%s", section, text)
		}
		os.WriteFile(path, append(text, "kept\n"...), 0o644)
	}
	text, _ := os.ReadFile(path)
	if strings.Contains(string(text), "first") || strings.Count(string(text), "kept") != 2 || !strings.HasPrefix(string(text), "# A\n") {
		t.Errorf("rewritten file:\n%s", text)
	}
	os.WriteFile(path, []byte("no marks"), 0o644)
	if err := rival.Section(path, begin, end, "", "x"); err == nil {
		t.Error("a file without marks was rewritten")
	}
}

func TestVersion(t *testing.T) {
	if v := rival.Version("sh", "-c", "echo nginx version: 7; echo more"); v != "7" {
		t.Errorf("version %q, want 7", v)
	}
	if v := rival.Version("no-such-program"); v != "" {
		t.Errorf("version %q of nothing", v)
	}
	if v := rival.Version("sh", "-c", "exit 1"); v != "unknown version" {
		t.Errorf("version %q of a program that fails", v)
	}
}

func TestMachine(t *testing.T) {
	if m := rival.Machine(); !strings.Contains(m, "processors") {
		t.Errorf("machine %q", m)
	}
	if l := rival.LoadAverage(); l == "" {
		t.Error("no load average")
	}
}
