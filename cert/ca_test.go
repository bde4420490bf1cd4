package cert_test

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"skerry.dev/skerry/cert"
)

func parsePEM(t *testing.T, text []byte) *x509.Certificate {
	t.Helper()
	block, _ := pem.Decode(text)
	if block == nil {
		t.Fatalf("no PEM in %q", text)
	}
	c, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// verify checks a leaf for a host as a client would that trusts root.
func verify(t *testing.T, root []byte, der []byte, host string, now time.Time) error {
	t.Helper()
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(root)
	_, err = leaf.Verify(x509.VerifyOptions{Roots: pool, DNSName: host, CurrentTime: now})
	return err
}

// TestLocalCAIsKept: the root is made when it is first needed, its key readable by nobody else, and is the same for every
// later process.
func TestLocalCAIsKept(t *testing.T) {
	data := t.TempDir()
	first := newWorld(t, data)
	if _, err := os.Stat(filepath.Join(data, "local-ca")); err == nil || first.keeper.Root() != nil {
		t.Fatal("a local CA was made before anything needed it")
	}
	first.hosts(nil, "shop.example.com")
	first.table()
	root := first.keeper.Root()
	if file, err := os.ReadFile(first.keeper.RootFile()); err != nil || !bytes.Equal(file, root) {
		t.Fatalf("the root's file: %v", err)
	}
	key := filepath.Join(data, "local-ca", "ca.key")
	mode := func() os.FileMode {
		info, err := os.Stat(key)
		if err != nil {
			t.Fatal(err)
		}
		return info.Mode().Perm()
	}
	if mode() != 0o600 {
		t.Errorf("the key's mode is %v", mode())
	}
	if err := os.Chmod(key, 0o644); err != nil {
		t.Fatal(err)
	}
	second := newWorld(t, data)
	if mode() != 0o600 {
		t.Error("a key that everybody may read was left so")
	}
	second.hosts(nil, "shop.example.com")
	second.table()
	if !bytes.Equal(second.keeper.Root(), root) {
		t.Error("the second process made another root")
	}
	der, _, _, err := second.keeper.LocalLeaf("shop.example.com")
	if err != nil {
		t.Fatal(err)
	}
	if err := verify(t, root, der, "shop.example.com", time.Now()); err != nil {
		t.Error(err)
	}
	names, err := os.ReadDir(filepath.Join(data, "local-ca"))
	if err != nil || len(names) != 2 {
		t.Errorf("files left over: %v, %v", names, err)
	}
}

// TestLocalCATogether: processes that make the root at the same moment end up with one key.
func TestLocalCATogether(t *testing.T) {
	data := t.TempDir()
	var wg sync.WaitGroup
	keys := make([][]byte, 8)
	for i := range keys {
		w := newWorld(t, data)
		w.hosts(nil, "a.example.com")
		wg.Go(func() {
			if _, problems := w.keeper.Table(&w.spec); len(problems) > 0 {
				t.Error(problems)
				return
			}
			keys[i] = parsePEM(t, w.keeper.Root()).RawSubjectPublicKeyInfo
		})
	}
	wg.Wait()
	for _, k := range keys {
		if !bytes.Equal(k, keys[0]) {
			t.Fatal("two keys were made")
		}
	}
}

// TestLocalCARenews: a root about to end gets a successor of the same name and key, which those who trust the old one take.
func TestLocalCARenews(t *testing.T) {
	data := t.TempDir()
	w := newWorld(t, data)
	w.hosts(nil, "a.example.com")
	w.table()
	old := w.keeper.Root()
	w.ahead.Store(int64(cert.RootValidity - cert.RootRenewBefore - time.Hour))
	w.table()
	if !bytes.Equal(w.keeper.Root(), old) {
		t.Fatal("the root was renewed too early")
	}
	w.ahead.Store(int64(cert.RootValidity - cert.RootRenewBefore + time.Hour))
	der, _, _, err := w.keeper.LocalLeaf("a.example.com") // a running edge renews it too
	if err != nil {
		t.Fatal(err)
	}
	root := w.keeper.Root()
	before, after := parsePEM(t, old), parsePEM(t, root)
	if !after.NotAfter.After(before.NotAfter) || !bytes.Equal(before.RawSubject, after.RawSubject) {
		t.Errorf("renewed from %v (%v) to %v (%v)", before.NotAfter, before.Subject, after.NotAfter, after.Subject)
	}
	for _, trusted := range [][]byte{old, root} {
		if err := verify(t, trusted, der, "a.example.com", w.now()); err != nil {
			t.Error(err)
		}
	}
	if file, _ := os.ReadFile(w.keeper.RootFile()); !bytes.Equal(file, root) {
		t.Error("the renewed root is not in the file")
	}
}

// TestLocalCABroken: what is wrong with the files is said, with the file's name, and nothing is made anew over it.
func TestLocalCABroken(t *testing.T) {
	f := func(name string, spoil func(dir string), want string) {
		t.Helper()
		data := t.TempDir()
		w := newWorld(t, data)
		w.hosts(nil, "a.example.com")
		w.table()
		dir := filepath.Join(data, "local-ca")
		spoil(dir)
		_, err := cert.NewKeeper(cert.Options{Data: data})
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), dir) {
			t.Errorf("%s: got %v, want %q and the path", name, err, want)
		}
	}
	write := func(name, text string) func(string) {
		return func(dir string) {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	f("no certificate", write("ca.pem", "hello"), "holds no certificate")
	f("no key", func(dir string) { os.Remove(filepath.Join(dir, "ca.key")) }, "no such file")
	f("not a key", write("ca.key", "hello"), "holds no key")
	other := newCA(t, nil, "other")
	f("another key", write("ca.key", string(keyPEM(t, other))), "its key is not the one")
	f("another certificate", write("ca.pem", string(certPEM(other))), "its key is not the one")
}

// TestLocalCAUnwritable: a directory that cannot be written is a problem at the host that needs it, not a surprise in a
// handshake.
func TestLocalCAUnwritable(t *testing.T) {
	data := t.TempDir()
	if err := os.Symlink(filepath.Join(data, "gone"), filepath.Join(data, "local-ca")); err != nil {
		t.Fatal(err)
	}
	w := newWorld(t, data)
	w.hosts(nil, "a.example.com")
	_, problems := w.keeper.Table(&w.spec)
	if len(problems) != 1 || problems[0].Line != 101 || !strings.Contains(problems[0].String(), "a.example.com") || !strings.Contains(problems[0].String(), "--data") {
		t.Errorf("got %v", problems)
	}
	file := filepath.Join(data, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := cert.NewKeeper(cert.Options{Data: file}); err == nil || !strings.Contains(err.Error(), file) {
		t.Errorf("a file for a directory: %v", err)
	}
}

// TestLocalLeaves: for names, wildcards and addresses; kept until two thirds of their life are over.
func TestLocalLeaves(t *testing.T) {
	w := newWorld(t, "")
	w.hosts(nil, "a.example.com")
	w.table()
	f := func(host string, covered, not []string) {
		t.Helper()
		der, end, covers, err := w.keeper.LocalLeaf(host)
		if err != nil {
			t.Fatal(err)
		}
		if life := time.Until(end); life > cert.LeafValidity || life < cert.LeafValidity-time.Minute {
			t.Errorf("%s: it holds %v", host, life)
		}
		for _, name := range covered {
			if err := verify(t, w.keeper.Root(), der, name, time.Now()); err != nil || !covers([]byte(name)) {
				t.Errorf("%s does not cover %s: %v", host, name, err)
			}
		}
		for _, name := range not {
			if err := verify(t, w.keeper.Root(), der, name, time.Now()); err == nil || covers([]byte(name)) {
				t.Errorf("%s covers %s", host, name)
			}
		}
	}
	f("a.example.com", []string{"a.example.com"}, []string{"b.example.com", "example.com", "x.a.example.com"})
	f("*.example.com", []string{"a.example.com", "b.example.com"}, []string{"example.com", "a.b.example.com", "com"})
	f("localhost", []string{"localhost"}, []string{"a.localhost", "127.0.0.1"})
	f("127.0.0.1", []string{"127.0.0.1"}, []string{"127.0.0.2", "localhost"})
	f("[::1]", []string{"[::1]"}, []string{"[::2]", "127.0.0.1"})
	f(strings.Repeat("a", 63)+"."+strings.Repeat("b.", 90)+"example", []string{strings.Repeat("a", 63) + "." + strings.Repeat("b.", 90) + "example"}, nil)

	first, _, _, _ := w.keeper.LocalLeaf("a.example.com")
	w.ahead.Store(int64(cert.LeafRenewAfter - time.Minute))
	if again, _, _, _ := w.keeper.LocalLeaf("a.example.com"); !bytes.Equal(first, again) {
		t.Error("a leaf was issued again before its time")
	}
	w.ahead.Store(int64(cert.LeafRenewAfter + time.Minute))
	if again, _, _, _ := w.keeper.LocalLeaf("a.example.com"); bytes.Equal(first, again) {
		t.Error("a leaf was not issued again at two thirds of its life")
	}
}

// TestLocalLeavesTogether: many handshakes for one host get one leaf.
func TestLocalLeavesTogether(t *testing.T) {
	w := newWorld(t, "")
	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() {
			if _, _, _, err := w.keeper.LocalLeaf("a.example.com"); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if n := w.meters.Counter("skerry_local_certificates_issued_total", "").Value(); n != 1 {
		t.Errorf("%d leaves were issued", n)
	}
}

// TestLocalLeavesBounded: names that clients choose take no more than their share of memory.
func TestLocalLeavesBounded(t *testing.T) {
	w := newWorld(t, "")
	for i := range cert.LeavesMax + 20 {
		w.keeper.Slot(fmt.Sprintf("n%d.example.com", i))
	}
	if n := w.keeper.Leaves(); n != cert.LeavesMax {
		t.Errorf("%d leaves are kept, want %d", n, cert.LeavesMax)
	}
	if _, _, _, err := w.keeper.LocalLeaf("n0.example.com"); err != nil {
		t.Error(err)
	}
}
