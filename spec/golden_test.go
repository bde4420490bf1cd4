package spec_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"skerry.dev/skerry/fault"
	"skerry.dev/skerry/spec"
)

var update = flag.Bool("update", false, "rewrite the wanted parts of testdata")

// TestGolden parses the files of each archive. The part named "problems" or "explain" is what must come of them.
func TestGolden(t *testing.T) {
	golden(t, "testdata/parse/*.txtar", func(files []spec.File) (part, got string) {
		s, problems := spec.Parse(files)
		if len(problems) > 0 {
			return "problems", fault.Problems(problems).Error() + "\n"
		}
		return "explain", explain(s)
	})
}

// TestFormatGolden formats the one file of each archive.
func TestFormatGolden(t *testing.T) {
	golden(t, "testdata/format/*.txtar", func(files []spec.File) (part, got string) {
		out, problems := spec.Format(files[0])
		if len(problems) > 0 {
			return "problems", fault.Problems(problems).Error() + "\n"
		}
		if again, problems := spec.Format(spec.File{Name: files[0].Name, Data: out}); string(again) != string(out) {
			t.Errorf("formatting twice changes it:\n%s\n%v", again, problems)
		}
		return "formatted", string(out)
	})
}

func golden(t *testing.T, pattern string, run func([]spec.File) (part, got string)) {
	paths, err := filepath.Glob(pattern)
	if err != nil || len(paths) == 0 {
		t.Fatalf("no archives: %v", err)
	}
	for _, path := range paths {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txtar"), func(t *testing.T) {
			a, err := txtar.ParseFile(path)
			if err != nil {
				t.Fatal(err)
			}
			var files []spec.File
			var want txtar.File
			for _, f := range a.Files {
				if filepath.Ext(f.Name) == "" {
					want = f
				} else {
					files = append(files, spec.File{Name: f.Name, Data: f.Data})
				}
			}
			part, got := run(files)
			if part == want.Name && got == string(want.Data) {
				return
			}
			if !*update {
				t.Fatalf("want %s:\n%s\ngot %s:\n%s", want.Name, want.Data, part, got)
			}
			kept := a.Files[:0]
			for _, f := range a.Files {
				if filepath.Ext(f.Name) != "" {
					kept = append(kept, f)
				}
			}
			a.Files = append(kept, txtar.File{Name: part, Data: []byte(got)})
			if err := os.WriteFile(path, txtar.Format(a), 0o644); err != nil {
				t.Fatal(err)
			}
		})
	}
}

// explain is everything a spec says, with the sources that differ from the default.
func explain(s *spec.Spec) string {
	var b strings.Builder
	var last []spec.Source
	for _, e := range s.Entrypoints {
		fmt.Fprintf(&b, "entrypoint %s at %s: %s, profile %s\n", e.Meta.Name, e.At, strings.Join(e.Hosts, " "), e.Profile)
		if e.CanonicalHost != "" {
			fmt.Fprintf(&b, "  canonical host %s\n", e.CanonicalHost)
		}
		if len(e.Portability.Allow) > 0 {
			fmt.Fprintf(&b, "  accepts %v\n", e.Portability.Allow)
			sources(&b, e.Sources[len(e.Sources)-len(e.Portability.Allow):])
		}
		for _, m := range e.Moved {
			fmt.Fprintf(&b, "  moved %s to %s with %d\n", m.From, m.To, m.Status)
		}
		for _, r := range e.Routes {
			fmt.Fprintf(&b, "  route %s at %s: %s\n    to %s\n", r.Name, r.At, matched(r.Match), destination(r.To))
			if w := r.Rewrite; w != nil {
				fmt.Fprintf(&b, "    with host %q, path %q, prefix %q\n", w.Host, w.Path, w.Prefix)
			}
			if m := r.Mirror; m != nil {
				fmt.Fprintf(&b, "    mirrored to %s, share %v, bodies up to %d\n", m.Service.Meta.Name, m.Share, m.BodyMax)
			}
			if last != nil && &last[0] == &r.Sources[0] {
				b.WriteString("    the same policy\n") // one list in memory
				continue
			}
			last = r.Sources
			sources(&b, r.Sources)
		}
	}
	for _, v := range s.Services {
		fmt.Fprintf(&b, "service %s at %s inline %v\n", v.Meta.Name, v.At, v.Inline)
		for _, e := range v.Endpoints {
			fmt.Fprintf(&b, "    %s at %s: host %s port %d tls %v address %v", e.URL(), e.At, e.Host, e.Port, e.TLS, e.Addr)
			if e.Weight != 1 || e.Region != "" {
				fmt.Fprintf(&b, " weight %d region %q zone %q", e.Weight, e.Region, e.Zone)
			}
			b.WriteString("\n")
		}
		if d := v.Directory; d != nil {
			fmt.Fprintf(&b, "    directory %s, index %s, fallback %q\n", d.Path, d.Index, d.Fallback)
		}
		if a := v.AWS; a != nil {
			fmt.Fprintf(&b, "    in AWS at %s: bucket %q in %q, load balancer %q, function %q, secret %q\n", a.At, a.Bucket, a.Region, a.LoadBalancer, a.Function, a.Secret)
		}
		sources(&b, v.Sources)
	}
	if a := s.AWS; a != nil {
		fmt.Fprintf(&b, "aws %s at %s: account %q, %s, price class %s, http3 %v, ipv6 %v, canary %s\n  zones %v\n  certificates %v\n  logs %q\n  firewall %v\n  quotas %v\n  allow %v\n",
			a.Meta.Name, a.At, a.Account, a.Packing, a.PriceClass, a.HTTP3, a.IPv6, a.Canary, a.Zones, a.Certificates, a.Logs, a.Firewall, a.Quotas, a.Allow)
		sources(&b, a.Sources)
	}
	for _, c := range s.Certificates {
		fmt.Fprintf(&b, "certificate %s at %s: %s, %s, default %v\n", c.Meta.Name, c.At, c.Chain, c.Key, c.Default)
	}
	for _, p := range s.Profiles {
		if !p.BuiltIn {
			fmt.Fprintf(&b, "profile %s at %s extends %q\n", p.Meta.Name, p.At, p.Extends)
		}
	}
	b.WriteString("canonical\n" + string(spec.Canonical(s)))
	return b.String()
}

func sources(b *strings.Builder, ss []spec.Source) {
	for _, s := range ss {
		if s.From != "default" {
			fmt.Fprintf(b, "    %s = %q (%s)\n", s.Path, s.Value, s.From)
		}
	}
}

func matched(m spec.Match) string {
	return fmt.Sprintf("%s %q methods %v headers %v query %v",
		[]string{"any", "prefix", "pattern", "exact"}[m.Path.Kind], m.Path.Path, m.Methods, m.Headers, m.Query)
}

func destination(d spec.Destination) string {
	switch {
	case d.Redirect != nil:
		return fmt.Sprintf("redirect %d %s", d.Redirect.Status, d.Redirect.To)
	case d.Respond != nil:
		return fmt.Sprintf("respond %d %q %q", d.Respond.Status, d.Respond.ContentType, d.Respond.Body)
	}
	var parts []string
	for _, w := range d.Services {
		parts = append(parts, fmt.Sprintf("%s*%d", w.Service.Meta.Name, w.Weight))
	}
	return strings.Join(parts, " + ")
}
