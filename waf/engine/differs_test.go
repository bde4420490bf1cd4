package engine_test

import (
	"os"
	"regexp"
	"strings"
	"sync"
	"testing"
)

// differsFile lists the differences from Coraza that stand. A line is class, request, difference and reason, with " | " between:
// request is a regular expression that the request's name matches as a whole, difference one that is found in what differs.
const differsFile = "../testdata/differs"

// differs are the lines of differsFile, and how often each was needed.
type differs struct {
	lines []differ
	mu    sync.Mutex
	used  map[string]int // by class
}

type differ struct {
	class            string
	request, differs *regexp.Regexp
}

// readDiffers reads the file; a line that says less than it must fails the test.
func readDiffers(t testing.TB) *differs {
	t.Helper()
	text, err := os.ReadFile(differsFile)
	if err != nil {
		t.Fatal(err)
	}
	d := &differs{used: map[string]int{}}
	for i, line := range strings.Split(string(text), "\n") {
		if line == "" || line[0] == '#' {
			continue
		}
		f := strings.Split(line, " | ")
		if len(f) != 4 || len(f[3]) < 20 {
			t.Fatalf("%s:%d: want class | request | difference | reason, and a reason of some words", differsFile, i+1)
		}
		request, err := regexp.Compile("^(?:" + strings.TrimSpace(f[1]) + ")$")
		if err != nil {
			t.Fatalf("%s:%d: %v", differsFile, i+1, err)
		}
		what, err := regexp.Compile(strings.TrimSpace(f[2]))
		if err != nil {
			t.Fatalf("%s:%d: %v", differsFile, i+1, err)
		}
		d.lines = append(d.lines, differ{class: strings.TrimSpace(f[0]), request: request, differs: what})
	}
	return d
}

// stands reports whether a difference is listed.
func (d *differs) stands(request, difference string) bool {
	for i := range d.lines {
		if l := &d.lines[i]; l.request.MatchString(request) && l.differs.MatchString(difference) {
			d.mu.Lock()
			d.used[l.class]++
			d.mu.Unlock()
			return true
		}
	}
	return false
}

// idle lists the classes that nothing needed, but for those that occur by chance.
func (d *differs) idle() (classes []string) {
	for i := range d.lines {
		if class := d.lines[i].class; d.used[class] == 0 && !strings.HasSuffix(class, "?") {
			classes = append(classes, class)
		}
	}
	return classes
}
