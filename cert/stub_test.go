package cert_test

import (
	"cmp"
	"crypto"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"skerry.dev/skerry/cert"
)

// stub is a CA that checks nothing, inside of the process, so that its slowness costs no time. cert/pebble has a real one.
type stub struct {
	t    *testing.T
	root *made
	at   string // where its directory is, without the last part

	mu         sync.Mutex
	stuck      bool                   // orders are never done
	mute       bool                   // nothing is answered
	issued     map[string][]byte      // by name
	life       time.Duration          // of certificates; 0: 90 days
	retryAfter string                 // said where there were too many
	looks      []time.Time            // when it was asked how long certificates are to be kept
	orders     []time.Time            // when each was made
	noAccount  bool                   // accounts are refused by their number
	tooMany    bool                   // orders are refused by their number
	refuses    func(name string) bool // the same, for some names
}

func newStub(t *testing.T, root *made) *stub {
	return &stub{t: t, root: root, at: strings.TrimSuffix(nowhere, "/dir"), issued: map[string][]byte{}}
}

// RoundTrip answers a request to the CA.
func (s *stub) RoundTrip(r *http.Request) (*http.Response, error) {
	s.mu.Lock()
	mute := s.mute
	s.mu.Unlock()
	if mute {
		<-r.Context().Done()
		return nil, r.Context().Err()
	}
	w := httptest.NewRecorder()
	w.Header().Set("Replay-Nonce", "bm9uY2U")
	w.Header().Set("Content-Type", "application/json")
	s.mu.Lock()
	s.answer(w, r)
	s.mu.Unlock()
	return w.Result(), nil
}

func (s *stub) answer(w http.ResponseWriter, r *http.Request) {
	var signed struct{ Payload string }
	if r.Body != nil {
		_ = json.NewDecoder(r.Body).Decode(&signed)
	}
	payload, _ := base64.RawURLEncoding.DecodeString(signed.Payload)
	at := s.at
	order := func(status, name string) {
		w.Header().Set("Location", at+"/order/"+name)
		if status == "ready" {
			w.WriteHeader(http.StatusCreated)
		}
		fmt.Fprintf(w, `{"status":%q,"identifiers":[{"type":"dns","value":%q}],"finalize":"%s/finalize/%s","certificate":"%s/certificate/%s"}`, status, name, at, name, at, name)
	}
	if strings.HasPrefix(r.URL.Path, "/info/") {
		s.looks = append(s.looks, time.Now())
		fmt.Fprintf(w, `{"suggestedWindow":{"start":%q,"end":%q}}`, time.Now().AddDate(0, 0, 50).Format(time.RFC3339), time.Now().AddDate(0, 0, 51).Format(time.RFC3339))
		return
	}
	what, name, _ := strings.Cut(r.URL.Path[1:], "/")
	switch what {
	case "dir":
		fmt.Fprintf(w, `{"newNonce":"%s/nonce","newAccount":"%s/account","newOrder":"%s/order","renewalInfo":"%s/info"}`, at, at, at, at)
	case "account":
		if s.noAccount {
			s.refuse(w)
			return
		}
		w.Header().Set("Location", at+"/account/1")
		w.WriteHeader(http.StatusCreated)
		io.WriteString(w, `{"status":"valid"}`)
	case "order":
		if name != "" {
			if s.stuck {
				order("processing", name)
			} else {
				order("valid", name)
			}
			return
		}
		s.orders = append(s.orders, time.Now())
		var asked struct{ Identifiers []struct{ Value string } }
		_ = json.Unmarshal(payload, &asked)
		if name = asked.Identifiers[0].Value; s.tooMany || s.refuses != nil && s.refuses(name) {
			s.refuse(w)
			return
		}
		order("ready", name)
	case "finalize":
		var asked struct{ CSR string }
		_ = json.Unmarshal(payload, &asked)
		der, _ := base64.RawURLEncoding.DecodeString(asked.CSR)
		csr, err := x509.ParseCertificateRequest(der)
		if err != nil {
			s.t.Error(err)
			return
		}
		s.issued[name] = s.sign(csr)
		order("processing", name)
	case "certificate":
		w.Header().Set("Content-Type", "application/pem-certificate-chain")
		w.Write(s.issued[name])
	}
}

// refuse says that there were too many.
func (s *stub) refuse(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "application/problem+json")
	w.Header().Set("Retry-After", cmp.Or(s.retryAfter, "1800"))
	w.WriteHeader(http.StatusTooManyRequests)
	io.WriteString(w, `{"type":"urn:ietf:params:acme:error:rateLimited","status":429}`)
}

func (s *stub) sign(csr *x509.CertificateRequest) []byte {
	c := issue(s.t, s.root, publicKey{csr.PublicKey}, func(c *x509.Certificate) {
		nameIt(c, csr.DNSNames...)
		c.NotBefore, c.NotAfter = time.Now().Add(-time.Hour), time.Now().AddDate(0, 0, 90)
		if s.life > 0 {
			c.NotBefore, c.NotAfter = time.Now(), time.Now().Add(s.life)
		}
	})
	return certPEM(c)
}

// TestSlowCA has a CA that never has an order done, then one that answers nothing: each try ends after five minutes or sooner, each wait
// is twice the one before, and when the CA is well again there is a certificate.
func TestSlowCA(t *testing.T) {
	root, dir := newCA(t, nil, "root"), t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		ca := newStub(t, root)
		ca.stuck = true
		w := acmeWorld(t, cert.ACME{Dir: dir})
		w.keeper.AskBy(ca)
		defer w.keeper.Close()
		w.hosts(nil, "a.skerry.dev")
		cert.NewStore(w.keeper).Use(w.table())
		begun := time.Now()
		w.keeper.Start()
		failed := func(n int, least, most time.Duration) string {
			t.Helper()
			for {
				var all []string
				for _, e := range w.meters.Events().Since(0) {
					if e.Kind == "certificate_failed" {
						all = append(all, e.Text)
					}
				}
				if len(all) == n {
					if took := time.Since(begun); took < least || took > most {
						t.Errorf("failure %d came after %v, want %v to %v", n, took, least, most)
					}
					return all[n-1]
				}
				if time.Since(begun) > most {
					t.Fatalf("after %v there are %d failures, want %d", time.Since(begun), len(all), n)
				}
				time.Sleep(time.Second)
			}
		}
		if text := failed(1, 4*time.Minute, 6*time.Minute); !strings.Contains(text, "failure 1, again in 1m0s") {
			t.Errorf("the event says %q", text)
		}
		ca.set(func() { ca.stuck, ca.mute = false, true })
		if text := failed(2, 6*time.Minute, 14*time.Minute); !strings.Contains(text, "failure 2, again in 2m0s") {
			t.Errorf("the event says %q", text)
		}
		ca.set(func() { ca.mute = false })
		for time.Since(begun) < time.Hour && w.meters.Counter("skerry_acme_orders_total", "", "result", "issued").Value() == 0 {
			time.Sleep(time.Second)
		}
		if shown, _, _ := w.table().Host("a.skerry.dev"); len(shown) != 1 || shown[0].Certificate != "acme/a.skerry.dev" {
			t.Errorf("in the end there is %+v", shown)
		}
		if took := time.Since(begun); took > 20*time.Minute {
			t.Errorf("it took %v", took)
		}
	})
}

func (s *stub) set(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f()
}

// asked is how many orders it was asked for.
func (s *stub) asked() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.orders)
}

// publicKey is the half of a key that a CA has.
type publicKey struct{ crypto.PublicKey }

// Public is it.
func (k publicKey) Public() crypto.PublicKey { return k.PublicKey }

// Sign is the other half's.
func (publicKey) Sign(io.Reader, []byte, crypto.SignerOpts) ([]byte, error) {
	return nil, errors.New("no private key")
}
