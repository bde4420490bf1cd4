package edge_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"skerry.dev/skerry/edge"
	"skerry.dev/skerry/fault"
	"skerry.dev/skerry/load/rival"
	"skerry.dev/skerry/spec"
)

// fleet is 2,000 entrypoints of five routes; body is what the first one answers.
func fleet(body string) []spec.File {
	var b strings.Builder
	for i := range 2000 {
		if i > 0 {
			body = "same"
		}
		fmt.Fprintf(&b, "apiVersion: skerry.dev/v1\nkind: Entrypoint\nmetadata: {name: e%d, owner: team}\nspec:\n  hosts: [e%d.example]\n"+
			"  service: http://127.0.0.1:%d\n  routes:\n  - {name: r, match: {path: /x}, respond: {body: %s}}\n"+
			"  - {name: s, match: {prefix: /s}, service: 'http://127.0.0.1:9001'}\n"+
			"  - {name: t, match: {path: '/t/{id}'}, service: 'http://127.0.0.1:9002'}\n"+
			"  - {name: u, match: {prefix: /u}, redirect: {to: https://u.example/}}\n---\n", i, i, 9000+i%100, body)
	}
	return []spec.File{{Name: "fleet.yaml", Data: []byte(b.String())}}
}

func take(b *testing.B, e *edge.Edge, files []spec.File) {
	s, problems := spec.Parse(files)
	if len(problems) == 0 {
		problems = e.Activate(s)
	}
	if len(problems) > 0 {
		b.Fatal(fault.Problems(problems))
	}
}

// BenchmarkColdStart2000 is from files in memory to a plan in force, 2,000 entrypoints of five routes.
func BenchmarkColdStart2000(b *testing.B) {
	files := fleet("one")
	for b.Loop() {
		e := newEdge(b, edge.Options{})
		take(b, e, files)
		e.Hurry()
		e.Drain()
	}
}

// BenchmarkReload2000 is the same for a running edge and one changed entrypoint.
func BenchmarkReload2000(b *testing.B) {
	one, two := fleet("one"), fleet("two")
	e := newEdge(b, edge.Options{})
	take(b, e, one)
	for i := 0; b.Loop(); i++ {
		take(b, e, [][]spec.File{two, one}[i%2])
	}
	e.Hurry()
	e.Drain()
}

// BenchmarkReferenceNginx2000 is `nginx -t` of as many servers and locations.
func BenchmarkReferenceNginx2000(b *testing.B) {
	if why := rival.Missing("nginx"); why != "" {
		b.Skip(why)
	}
	nginx, err := rival.Path("nginx")
	if err != nil {
		b.Fatal(err)
	}
	dir := b.TempDir()
	var conf strings.Builder
	fmt.Fprintf(&conf, "pid %s/pid; error_log stderr crit; events {} http { access_log off; server_names_hash_max_size 8192; client_body_temp_path %s/b; "+
		"proxy_temp_path %s/p; fastcgi_temp_path %s/f; uwsgi_temp_path %s/u; scgi_temp_path %s/s;\n", dir, dir, dir, dir, dir, dir)
	for i := range 2000 {
		fmt.Fprintf(&conf, "server { listen 127.0.0.1:1; server_name e%d.example; location / { proxy_pass http://127.0.0.1:%d; } location = /x { return 200 x; } "+
			"location /s { proxy_pass http://127.0.0.1:9001; } location ~ ^/t/[^/]+$ { proxy_pass http://127.0.0.1:9002; } location /u { return 308 https://u.example/; } }\n", i, 9000+i%100)
	}
	conf.WriteString("}\n")
	file := filepath.Join(dir, "nginx.conf")
	if err := os.WriteFile(file, []byte(conf.String()), 0o600); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if out, err := exec.Command(nginx, "-t", "-q", "-c", file, "-p", dir).CombinedOutput(); err != nil && !strings.Contains(string(out), "bind()") {
			b.Fatalf("%v: %s", err, out)
		}
	}
}
