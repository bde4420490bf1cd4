package cert_test

import (
	"crypto"
	"encoding/json"
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"

	"github.com/caddyserver/certmagic"

	"skerry.dev/skerry/cert"
)

const (
	http01    = "http-01"
	tlsALPN01 = "tls-alpn-01"
)

// challengeText is what a storage has of a challenge.
func challengeText(kind, name string) []byte {
	text, _ := json.Marshal(map[string]any{"type": kind, "token": "token-1", "keyAuthorization": "token-1.thumb", "identifier": map[string]string{"type": "dns", "value": name}})
	return text
}

// put writes a file below a storage.
func put(t testing.TB, dir, key string, text []byte) {
	t.Helper()
	name := filepath.Join(dir, key)
	err := os.MkdirAll(filepath.Dir(name), 0o700)
	if err == nil {
		err = os.WriteFile(name, text, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// FuzzChallenge asks for challenges by hosts and paths of strangers: nothing but the one that is under way is ever answered, and whatever
// is asked for lies in one file of the challenges' folder.
func FuzzChallenge(f *testing.F) {
	const prefix = cert.ChallengePath
	for _, c := range [][2]string{
		{"a.skerry.dev", prefix + "token-1"}, {"A.skerry.dev", prefix + "token-1"}, {"a.skerry.dev.", prefix + "token-1"}, {"a.skerry.dev", prefix + "../../x"},
		{"../../accounts/x.dev", prefix + "token-1"}, {"..%2f..", prefix + "%2e%2e/"}, {"a/b.skerry.dev", prefix}, {"..a..skerry..dev", prefix + "token-1"},
		{"\x00.dev", prefix + "\x00"}, {"*.skerry.dev", prefix + "token-1"}, {"wildcard_.skerry.dev", prefix + "token-1"}, {strings.Repeat("a.", 200) + "dev", prefix},
		{"K.skerry.dev", prefix + "token-1"}, {" a.skerry.dev", prefix + "token-1"}, {"http-01/a.skerry.dev", prefix + "token-1"},
	} {
		f.Add(c[0], c[1])
	}
	dir := f.TempDir()
	put(f, dir, "challenges/http-01/a.skerry.dev.json", challengeText(http01, "a.skerry.dev"))
	put(f, dir, "accounts/a.skerry.dev.json", challengeText(http01, "a.skerry.dev"))
	put(f, dir, "a.skerry.dev.json", challengeText(http01, "a.skerry.dev"))
	w := acmeWorld(f, cert.ACME{Dir: dir})
	f.Fuzz(func(t *testing.T, host, asked string) {
		answer, ok := w.keeper.Challenge([]byte(host), []byte(asked))
		if want := host == "a.skerry.dev" && asked == prefix+"token-1"; ok != want || ok && answer != "token-1.thumb" {
			t.Errorf("%q %q: %q, %v", host, asked, answer, ok)
		}
		for _, kind := range []string{http01, tlsALPN01} {
			if file := cert.ChallengeFile(kind, host); path.Dir(file) != "challenges/"+kind || !filepath.IsLocal(file) || path.Clean(file) != file {
				t.Errorf("%q lies at %q", host, file)
			}
		}
	})
}

// FuzzChallengeRecord has a storage say of a challenge whatever it likes: nothing of it but what was meant for this kind and name is used.
func FuzzChallengeRecord(f *testing.F) {
	for _, text := range []string{"", "{}", "null", "[]", `{"type":7}`, `{"type":"http-01","identifier":null}`, `{"type":"tls-alpn-01","identifier":{"type":"dns","value":"a.skerry.dev"},"keyAuthorization":"\u0000"}`,
		strings.Repeat("[", 10_000), string(challengeText(http01, "a.skerry.dev")), string(challengeText(tlsALPN01, "a.skerry.dev")), string(challengeText(http01, "b.skerry.dev")), string(challengeText("dns-01", "a.skerry.dev"))} {
		f.Add([]byte(text))
	}
	dir := f.TempDir()
	w := acmeWorld(f, cert.ACME{Dir: dir})
	f.Fuzz(func(t *testing.T, text []byte) {
		for _, kind := range []string{http01, tlsALPN01} {
			put(t, dir, cert.ChallengeFile(kind, "a.skerry.dev"), text)
			var said struct {
				Type, KeyAuthorization string
				Identifier             struct{ Value string }
			}
			readable := json.Unmarshal(text, &said) == nil
			if w.keeper.Found(kind, "a.skerry.dev") && (!readable || said.Type != kind || said.Identifier.Value != "a.skerry.dev" || said.KeyAuthorization == "") {
				t.Errorf("%s: found in %q", kind, text)
			}
		}
	})
}

// FuzzStored has a storage hold any bytes for a certificate, its key and what is known of it: they are used if they make a whole,
// for that name.
func FuzzStored(f *testing.F) {
	root := newCA(f, nil, "root")
	good, other := root.server(f, "a.skerry.dev"), root.server(f, "b.skerry.dev")
	meta := []byte(`{"ca":"` + nowhere + `","ordered":"2026-01-02T03:04:05Z"}`)
	f.Add(certPEM(good, root), keyPEM(f, good), meta)
	f.Add(certPEM(good, root), keyPEM(f, other), meta)
	f.Add(certPEM(other, root), keyPEM(f, other), meta)
	f.Add(certPEM(root, good), keyPEM(f, good), meta)
	f.Add(certPEM(good, root)[:300], keyPEM(f, good), meta)
	f.Add(certPEM(good), keyPEM(f, good)[:60], []byte(`{"ordered":"9999-12-31T23:59:59Z"}`))
	f.Add([]byte("-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n"), []byte("-----BEGIN PRIVATE KEY-----\n-----END PRIVATE KEY-----\n"), []byte("null"))
	f.Add([]byte{}, []byte{}, []byte{})
	dir, keys := f.TempDir(), certmagic.StorageKeys
	w := acmeWorld(f, cert.ACME{Dir: dir})
	f.Fuzz(func(t *testing.T, chain, key, meta []byte) {
		put(t, dir, keys.SiteCert(folder, "a.skerry.dev"), chain)
		put(t, dir, keys.SitePrivateKey(folder, "a.skerry.dev"), key)
		put(t, dir, keys.SiteMeta(folder, "a.skerry.dev"), meta)
		pair, ok := w.keeper.Stored("a.skerry.dev")
		if !ok {
			return
		}
		if err := pair.Leaf.VerifyHostname("a.skerry.dev"); err != nil {
			t.Error(err)
		}
		if key, ok := pair.PrivateKey.(crypto.Signer); !ok || !key.Public().(interface{ Equal(crypto.PublicKey) bool }).Equal(pair.Leaf.PublicKey) {
			t.Error("the key is another's")
		}
	})
}
