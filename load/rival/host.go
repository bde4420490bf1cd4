package rival

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"text/template"
)

// Machine describes where a measurement ran: processor, how many, kernel, Go.
func Machine() string {
	model := "unknown processor"
	if text, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		for l := range strings.Lines(string(text)) {
			if name, value, ok := strings.Cut(l, ":"); ok && strings.TrimSpace(name) == "model name" {
				model = strings.TrimSpace(value)
				break
			}
		}
	}
	kernel, _ := os.ReadFile("/proc/sys/kernel/osrelease")
	return fmt.Sprintf("%s, %d processors, %s %s, %s", model, runtime.NumCPU(), runtime.GOOS, strings.TrimSpace(string(kernel)), runtime.Version())
}

// LoadAverage is that of the last minute, or "unknown".
func LoadAverage() string {
	text, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return "unknown"
	}
	return strings.Fields(string(text))[0]
}

// Version is the first line that a program prints when asked with args for its version; empty if it is not installed.
func Version(program string, args ...string) string {
	path, err := Path(program)
	if err != nil {
		return ""
	}
	out, err := exec.Command(path, args...).CombinedOutput()
	if err != nil {
		return "unknown version"
	}
	line, _, _ := strings.Cut(strings.TrimSpace(string(out)), "\n")
	return strings.TrimPrefix(line, "nginx version: ")
}

// Build builds the Go program of the current folder, which must have a main.go, into dir/name.
func Build(ctx context.Context, dir, name string) (path string, err error) {
	if _, err := os.Stat("main.go"); err != nil {
		return "", fmt.Errorf("there is no main.go here: run it from the root of the repository, or name a binary")
	}
	path = filepath.Join(dir, name)
	if out, err := exec.CommandContext(ctx, "go", "build", "-o", path, ".").CombinedOutput(); err != nil {
		return "", fmt.Errorf("go build: %w\n%s", err, out)
	}
	return path, nil
}

// Section replaces what stands between two marks of a file, or makes the file from the text empty, which has them.
func Section(path, begin, end, empty, section string) error {
	text, err := os.ReadFile(path)
	if os.IsNotExist(err) {
		text, err = []byte(empty), os.MkdirAll(filepath.Dir(path), 0o755)
	}
	if err != nil {
		return err
	}
	head, rest, ok := strings.Cut(string(text), begin)
	_, tail, ended := strings.Cut(rest, end)
	if !ok || !ended {
		return fmt.Errorf("%s has no %s … %s: add the two lines where the section belongs", path, begin, end)
	}
	return os.WriteFile(path, []byte(head+begin+"\n"+strings.TrimSpace(section)+"\n"+end+tail), 0o644)
}

// Fill renders a template with values. The templates are the caller's own, so that an error is a bug.
func Fill(text string, values any) string {
	var b strings.Builder
	if err := template.Must(template.New("").Parse(text)).Execute(&b, values); err != nil {
		panic("BUG: " + err.Error())
	}
	return b.String()
}
