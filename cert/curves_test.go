package cert_test

import (
	"bytes"
	"crypto/tls"
	"fmt"
	"os/exec"
	"strings"
	"testing"

	"skerry.dev/skerry/cert"
	"skerry.dev/skerry/spec"
)

// openssl makes a connection with OpenSSL's client and returns what the server says of it, and all that the client printed.
func (s *site) openssl(name string, args ...string) (settled, string) {
	s.t.Helper()
	c := exec.CommandContext(s.t.Context(), "openssl", append([]string{"s_client", "-connect", s.addr, "-servername", name, "-ign_eof"}, args...)...)
	c.Stdin = bytes.NewReader(nil)
	c.Dir = s.dir
	out, _ := c.CombinedOutput() // its exit code says something else in each version
	got := <-s.ended
	if greeted := strings.Contains(string(out), "hello"); greeted != (got.result == cert.OK) {
		s.t.Errorf("openssl %s: the server says %v, the client:\n%s", args, got.result, out)
	}
	return got, string(out)
}

// TestCurves: which key exchange real clients get, and that those without any of the policy's are refused and counted.
func TestCurves(t *testing.T) {
	w := newWorld(t, "")
	w.hosts(nil, "all.example.com")
	w.hosts(&spec.TLS{Curves: []spec.Curve{spec.CurveP384, spec.CurveX25519}}, "two.example.com")
	w.hosts(&spec.TLS{MinVersion: "1.3", Curves: []spec.Curve{spec.CurveX25519MLKEM768}}, "hybrid.example.com")
	s := newSite(w)
	refused := uint64(0)
	check := func(who, name string, got settled, want spec.Curve) {
		t.Helper()
		if want == "" {
			refused++
			if got.result != cert.NoCurve {
				t.Errorf("%s at %s: %v", who, name, got.result)
			}
			return
		}
		if got.result != cert.OK || got.session.Curve != want {
			t.Errorf("%s at %s: %v %+v, want %s", who, name, got.result, got.session, want)
		}
	}
	goes := func(name string, want spec.Curve, version uint16, offers ...tls.CurveID) {
		t.Helper()
		config := s.trusting(name)
		config.CurvePreferences, config.MaxVersion = offers, version
		_, got, err := s.dial(config)
		if (err == nil) != (want != "") {
			t.Errorf("%s: %v", name, err)
		}
		check(fmt.Sprintf("crypto/tls with %v", offers), name, got, want)
	}
	goes("all.example.com", spec.CurveX25519MLKEM768, 0)
	goes("all.example.com", spec.CurveSecP256r1MLKEM768, 0, tls.SecP256r1MLKEM768, tls.CurveP256)
	goes("all.example.com", spec.CurveSecP384r1MLKEM1024, 0, tls.SecP384r1MLKEM1024)
	goes("all.example.com", spec.CurveX25519, 0, tls.CurveP256, tls.X25519)
	goes("all.example.com", spec.CurveX25519, tls.VersionTLS12)
	goes("two.example.com", spec.CurveX25519, 0)
	goes("two.example.com", spec.CurveP384, 0, tls.X25519MLKEM768, tls.CurveP384)
	goes("two.example.com", "", 0, tls.CurveP256, tls.CurveP521)
	goes("two.example.com", "", tls.VersionTLS12, tls.CurveP256)
	goes("hybrid.example.com", spec.CurveX25519MLKEM768, 0, tls.X25519, tls.X25519MLKEM768)
	goes("hybrid.example.com", "", 0, tls.X25519)

	f := func(name, groups string, want spec.Curve, args ...string) {
		t.Helper()
		got, _ := s.openssl(name, append(args, "-groups", groups)...)
		check("openssl with "+groups, name, got, want)
	}
	for _, version := range []string{"-tls1_2", "-tls1_3"} {
		f("all.example.com", "P-521:P-256", spec.CurveP521, version) // P-256 is for the certificate's key
		f("two.example.com", "P-384:P-256", spec.CurveP384, version)
		f("two.example.com", "P-256", "", version)
	}
	f("hybrid.example.com", "X25519:P-256", "", "-tls1_3")
	if n := w.result(cert.NoCurve); n != refused {
		t.Errorf("%d refused, %d counted", refused, n)
	}
}
