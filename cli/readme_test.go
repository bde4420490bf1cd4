package cli_test

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"skerry.dev/skerry/load/rival"
	"skerry.dev/skerry/spec"
)

// elided stands in the README for what it leaves out.
const elided = "…"

// readme is the README at work: a yaml block whose first line is "# NAME.yaml" is a file, and in a console block the
// lines after a "$ command" are what it prints. Numbers and hashes may differ, and a line of "…" stands for any lines.
type readme struct {
	t     *testing.T
	dir   string
	to    *strings.Replacer // the README's addresses → free ones
	from  *strings.Replacer // and back
	edge  *exec.Cmd
	ended chan struct{}
}

// TestReadme runs every command of the README and compares what it prints. SKERRY_UPDATE=1 rewrites the README.
func TestReadme(t *testing.T) {
	const file = "../README.md"
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for _, program := range []string{"curl", "openssl", "sh"} {
		if why := rival.Missing(program); why != "" {
			t.Skip(why)
		}
	}
	r := &readme{t: t, dir: t.TempDir()}
	var pairs, back []string
	for _, port := range []string{"8080", "8443", "9901", "9000"} {
		if _, err := net.DialTimeout("tcp", "127.0.0.1:9000", time.Second); port == "9000" && err != nil {
			continue // nothing listens there, as the README says
		}
		addr, err := rival.FreeAddr()
		if err != nil {
			t.Fatal(err)
		}
		_, free, _ := net.SplitHostPort(addr)                                             // FreeAddr gives addresses
		pairs, back = append(pairs, ":"+port, ":"+free), append(back, ":"+free, ":"+port) // redirects name a port of another host
	}
	r.to, r.from = strings.NewReplacer(pairs...), strings.NewReplacer(back...)
	defer r.stop()
	got := r.play(string(text))
	if os.Getenv("SKERRY_UPDATE") != "" {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// play goes through the README and returns it with what the commands printed this time.
func (r *readme) play(text string) string {
	var out strings.Builder
	lines := strings.SplitAfter(text, "\n")
	for i := 0; i < len(lines); {
		out.WriteString(lines[i])
		fence := strings.TrimSpace(lines[i])
		i++
		if fence != "```yaml" && fence != "```console" {
			continue
		}
		start := i
		for i < len(lines) && strings.TrimSpace(lines[i]) != "```" {
			i++
		}
		block := strings.Join(lines[start:i], "")
		if fence == "```yaml" {
			r.write(block)
		} else {
			block = r.console(block)
		}
		out.WriteString(block)
		out.WriteString(lines[i])
		i++
	}
	return out.String()
}

func (r *readme) write(block string) {
	first, rest, _ := strings.Cut(block, "\n")
	name, ok := strings.CutPrefix(first, "# ")
	if !ok || !strings.HasSuffix(name, ".yaml") {
		return
	}
	if err := os.WriteFile(filepath.Join(r.dir, name), []byte(r.to.Replace(rest)), 0o644); err != nil {
		r.t.Fatal(err)
	}
}

// console runs the commands of a block.
func (r *readme) console(block string) string {
	var out strings.Builder
	parts := strings.Split("\n"+block, "\n$ ")
	for _, p := range parts[1:] {
		command, want, _ := strings.Cut(p, "\n")
		want = strings.TrimSpace(want)
		got := ""
		for by := time.Now().Add(patience); ; time.Sleep(100 * time.Millisecond) {
			got = strings.TrimSpace(r.from.Replace(r.run(r.to.Replace(command))))
			got = lineEnd.ReplaceAllString(got, "\n")
			// The log is a moment behind the traffic: a look at it is tried again, a request is not.
			look := strings.HasPrefix(command, "grep ")
			if !look || matches(want, got) && (want != elided || got != "") || time.Now().After(by) {
				break
			}
		}
		if !matches(want, got) {
			r.t.Errorf("$ %s\nprints\n%s\nand not\n%s", command, got, want)
		} else if want != elided {
			got = want // it still says so, with other ids
		}
		fmt.Fprintf(&out, "$ %s\n", command)
		if got != "" {
			out.WriteString(got + "\n")
		}
	}
	return out.String()
}

// run runs a command in a shell; one that ends with & is an edge that is waited for, and goes on.
func (r *readme) run(command string) string {
	background := strings.HasSuffix(command, " &")
	switch {
	case strings.HasPrefix(command, "go run . "):
		return r.run(strings.Replace(command, "go run .", "skerry", 1))
	case command == "go build -o skerry .":
		return "" // this test has a binary already
	case background:
		return r.start(strings.TrimSuffix(command, " &"))
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "sh", "-c", command)
	cmd.Dir = r.dir
	out, _ := cmd.CombinedOutput() // that it fails is part of what the README shows
	return string(out)
}

func (r *readme) start(command string) string {
	args := strings.Fields(command)
	r.edge = exec.Command(args[0], args[1:]...)
	r.edge.Dir = r.dir
	name := filepath.Join(r.dir, "edge.err")
	f, err := os.Create(name)
	if err != nil {
		r.t.Fatal(err)
	}
	defer f.Close()
	r.edge.Stderr = f
	if err := r.edge.Start(); err != nil {
		r.t.Fatal(err)
	}
	r.ended = make(chan struct{})
	go func() {
		r.edge.Wait() // stop asks for no more than that
		close(r.ended)
	}()
	for by := time.Now().Add(patience); time.Now().Before(by); time.Sleep(10 * time.Millisecond) {
		text, err := os.ReadFile(name)
		if err == nil && bytes.Contains(text, []byte("skerry: admin on")) {
			return string(text)
		}
	}
	r.t.Fatalf("%s says nothing", command)
	return ""
}

func (r *readme) stop() {
	if r.edge != nil && r.ended != nil {
		r.edge.Process.Signal(syscall.SIGKILL)
		<-r.ended
	}
}

// varying is what may differ between two runs: hashes and ids, dates, ports, what counts time or traffic, which of two
// endpoints it was.
var varying = regexp.MustCompile(strings.Join([]string{
	`curl/[0-9.]+`, `skerry (devel|v\d)\S* .*`, `[0-9a-f]{32,64}`, `127\.0\.0\.1:\d+`, `(?i:date): .*`, `\d{4}-\d\d-\d\dT[0-9:.]+Z`, `\d+\.\d+`, `\d+ (requests?|bytes?|2xx)`, `\d{4,}`,
	`shop-[12]`, `ttl=\d+`, `skerry-demo-\d+`, `/tmp\S*/`, ` {2,}`,
}, "|"))

// lineEnd is the end of a line, with white space that a README should not have.
var lineEnd = regexp.MustCompile(`[ \t\r]*\n`)

// matches compares what a command printed with what the README says.
func matches(want, got string) bool {
	plain := func(s string) string { return varying.ReplaceAllString(s, "#") }
	pattern := strings.ReplaceAll(regexp.QuoteMeta(plain(want)), elided, `[\s\S]*`)
	return regexp.MustCompile(`^` + pattern + `$`).MatchString(plain(got))
}

// TestReadmeProfiles holds the table of profiles in the README against what explain would say.
func TestReadmeProfiles(t *testing.T) {
	text, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(text), "## What a profile brings")
	_, table, _ = strings.Cut(table, "\n| |")
	table, _, _ = strings.Cut(table, "\n\n")
	lines := strings.Split(table, "\n")
	profiles := cells(lines[0])
	short := strings.NewReplacer("{}", "", "{", "", "}", "", "[]", "any", "[", "", "]", "", "perAddress: ", "", "burst: ", "burst ", "sample: ", "",
		"maxAge: ", "", ", includeSubDomains: off, preload: off", "", " {identified: off}", "")
	rows := 0
	for i, profile := range profiles {
		doc := "apiVersion: skerry.dev/v1\nkind: Entrypoint\nmetadata: {name: a}\nspec: {hosts: [a.test], profile: " + profile + ", service: http://127.0.0.1:9000}\n"
		s, problems := spec.Parse([]spec.File{{Name: "a.yaml", Data: []byte(doc)}})
		if len(problems) > 0 {
			t.Fatal(problems)
		}
		inForce := map[string]string{}
		for _, source := range s.Entrypoints[0].Routes[0].Sources {
			inForce[strings.TrimPrefix(source.Path, "spec.")] = short.Replace(source.Value)
		}
		for _, line := range lines[2:] {
			row := cells(strings.TrimPrefix(line, "|"))
			field := strings.Split(row[0], "`")[1]
			if got := row[i+1]; got != inForce[field] {
				t.Errorf("profile %s: %s is %q in the README, in force is %q", profile, field, got, inForce[field])
			}
			rows++
		}
	}
	if len(profiles) != 6 || rows < 6*9 {
		t.Errorf("the table has %d profiles and %d values", len(profiles), rows)
	}
}

// TestDocsServices holds the table of services in docs/services.md against what explain would say, where a field is left out and where
// it is only switched on.
func TestDocsServices(t *testing.T) {
	text, err := os.ReadFile("../docs/services.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(text), "| of a service | in force |")
	table, _, _ = strings.Cut(table, "\n\n")
	left := inForce(t, "")
	on := inForce(t, ", health: {}, concurrency: {adaptive: on}, breaker: on")
	short := strings.NewReplacer("{", "", "}", "")
	rows := 0
	for _, line := range strings.Split(table, "\n")[2:] {
		row := cells(strings.TrimPrefix(line, "|"))
		_, field, ok := strings.Cut(row[0], "`")
		if !ok { // a heading
			continue
		}
		field = strings.TrimSuffix(field, "`")
		want := cmp.Or(short.Replace(left[field]), "off")
		if switched := short.Replace(on[field]); switched != short.Replace(left[field]) {
			want += "; on: " + strings.TrimPrefix(switched, "on ")
		}
		if row[1] != want {
			t.Errorf("%s is %q in docs/services.md, in force is %q", field, row[1], want)
		}
		rows++
	}
	if rows != 16 {
		t.Errorf("the table has %d rows", rows)
	}
}

// inForce are the values of a service that says no more than this, and of a route to it; those of a group are one value. A mirror,
// which explain shows in another place, is among them if something is said.
func inForce(t *testing.T, more string) map[string]string {
	doc := "apiVersion: skerry.dev/v1\nkind: Service\nmetadata: {name: a}\nspec: {endpoints: [https://a.internal], tls: {}" + more + "}\n---\n" +
		"apiVersion: skerry.dev/v1\nkind: Entrypoint\nmetadata: {name: a}\nspec: {hosts: [a.test], routes: [{service: a, mirror: {service: 'http://127.0.0.1:9400'}}]}\n"
	s, problems := spec.Parse([]spec.File{{Name: "a.yaml", Data: []byte(doc)}})
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	values := map[string]string{}
	if m := s.Entrypoints[0].Routes[0].Mirror; more != "" {
		values["mirror"] = fmt.Sprintf("share: %g, bodyMax: %dKB", m.Share, m.BodyMax>>10)
	}
	for _, source := range append(slices.Clone(s.Services[0].Sources), s.Entrypoints[0].Routes[0].Sources...) {
		group, field, grouped := strings.Cut(strings.TrimPrefix(source.Path, "spec."), ".")
		switch {
		case !grouped && values[group] == "": // a route has a tls too
			values[group] = source.Value
		case grouped && values[group] != "":
			values[group] += ", " + field + ": " + source.Value
		case grouped:
			values[group] = field + ": " + source.Value
		}
	}
	return values
}

// cells are those of a line of a table, without its first |.
func cells(line string) []string {
	parts := strings.Split(strings.TrimSuffix(strings.TrimSpace(line), "|"), "|")
	for i := range parts {
		parts[i] = strings.TrimSpace(parts[i])
	}
	return parts
}

// TestDocsCache holds the table of fields in docs/cache.md against what explain would say where nothing is said.
func TestDocsCache(t *testing.T) {
	text, err := os.ReadFile("../docs/cache.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(text), "| field | unless said otherwise |")
	table, _, _ = strings.Cut(table, "\n\n")
	doc := "apiVersion: skerry.dev/v1\nkind: Entrypoint\nmetadata: {name: a}\nspec: {hosts: [a.test], service: http://127.0.0.1:9000}\n"
	s, problems := spec.Parse([]spec.File{{Name: "a.yaml", Data: []byte(doc)}})
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	inForce := map[string]string{"key.query": ""} // it is explained only where it stands in the place of queryExcept
	for _, source := range s.Entrypoints[0].Routes[0].Sources {
		if name, ok := strings.CutPrefix(source.Path, "spec.cache."); ok {
			inForce[name] = strings.Trim(source.Value, "[]")
		}
	}
	for _, line := range strings.Split(table, "\n")[2:] {
		row := cells(strings.TrimPrefix(line, "|"))
		says, _, _ := strings.Cut(row[1], ";")
		for name := range strings.SplitSeq(row[0], ", ") {
			name = strings.Trim(name, "`")
			if want, ok := inForce[name]; !ok || says != want {
				t.Errorf("docs/cache.md: %s is %q, in force is %q", name, says, want)
			}
			delete(inForce, name)
		}
	}
	for name, value := range inForce {
		t.Errorf("docs/cache.md has no %s, which is %q", name, value)
	}
}
