package cert

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// The files of the local CA below the data directory.
const (
	caFolder   = "local-ca"
	caCertFile = "ca.pem"
	caKeyFile  = "ca.key"
)

// authority is the local CA: one root, whose key stays the same for good. A successor of the root has the same name and
// key, so that clients which trust the old one take leaves of both.
type authority struct {
	dir  string // "": in memory
	mu   sync.Mutex
	root *root // nil: none was made yet
}

type root struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	pem  []byte
}

func (a *authority) certPath() string { return filepath.Join(a.dir, caCertFile) }
func (a *authority) keyPath() string  { return filepath.Join(a.dir, caKeyFile) }

// load takes up what an earlier process left. It makes nothing.
func (a *authority) load() error {
	if a.dir == "" {
		return nil
	}
	text, err := os.ReadFile(a.certPath())
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("local CA: %w", err)
	}
	key, err := a.readKey()
	if err != nil {
		return fmt.Errorf("local CA: %w", err)
	}
	block, _ := pem.Decode(text)
	if block == nil || block.Type != "CERTIFICATE" {
		return a.broken("it holds no certificate in PEM")
	}
	cert, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return a.broken(err.Error())
	}
	if !key.PublicKey.Equal(cert.PublicKey) {
		return a.broken("its key is not the one in " + a.keyPath())
	}
	if !cert.IsCA {
		return a.broken("it is not a CA's")
	}
	a.root = &root{cert: cert, key: key, pem: text}
	return nil
}

func (a *authority) broken(what string) error {
	return fmt.Errorf("local CA: %s: %s. Remove it to have it made again from the key; clients that trust the old one must trust the new one", a.certPath(), what)
}

// ready returns the root; it makes one if there is none, and a successor if it ends soon.
func (a *authority) ready(now time.Time) (*root, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.root != nil && now.Before(a.root.cert.NotAfter.Add(-rootRenewBefore)) {
		return a.root, nil
	}
	next, err := a.successor(now)
	if err != nil {
		if a.root != nil && now.Before(a.root.cert.NotAfter) {
			return a.root, nil // it still holds; the next handshake tries again
		}
		return nil, fmt.Errorf("local CA: %w", err)
	}
	a.root = next
	return next, nil
}

func (a *authority) successor(now time.Time) (*root, error) {
	var name pkix.Name
	key, err := a.key()
	if err != nil {
		return nil, err
	}
	if a.root != nil {
		name = a.root.cert.Subject
	} else {
		tag := make([]byte, 4) // two roots in one trust store must not have one name
		_, _ = rand.Read(tag)
		name = pkix.Name{CommonName: "Skerry local CA " + hex.EncodeToString(tag)}
	}
	template := &x509.Certificate{
		SerialNumber:          serial(),
		Subject:               name,
		NotBefore:             now.Add(-backdate),
		NotAfter:              now.Add(rootValidity),
		KeyUsage:              x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
		BasicConstraintsValid: true,
		IsCA:                  true,
		MaxPathLenZero:        true,
	}
	cert, err := sign(template, template, key, key)
	if err != nil {
		return nil, err
	}
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert.Raw})
	if a.dir != "" {
		if err := replace(a.certPath(), text, 0o644); err != nil {
			return nil, err
		}
	}
	return &root{cert: cert, key: key, pem: text}, nil
}

// key returns the key there is, or makes one.
func (a *authority) key() (*ecdsa.PrivateKey, error) {
	if a.root != nil {
		return a.root.key, nil
	}
	if a.dir == "" {
		return ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	}
	if key, err := a.readKey(); !errors.Is(err, fs.ErrNotExist) {
		return key, err // a process that ended between the two files left it
	}
	if err := os.MkdirAll(a.dir, 0o700); err != nil {
		return nil, err
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	err = create(a.keyPath(), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), 0o600)
	if errors.Is(err, fs.ErrExist) {
		return a.readKey() // another process was faster
	}
	return key, err
}

func (a *authority) readKey() (*ecdsa.PrivateKey, error) {
	info, err := os.Stat(a.keyPath())
	if err == nil && info.Mode().Perm()&0o077 != 0 {
		// Who reads it can pose as any host towards those who trust the CA.
		err = os.Chmod(a.keyPath(), 0o600)
	}
	if err != nil {
		return nil, err
	}
	text, err := os.ReadFile(a.keyPath())
	if err != nil {
		return nil, err
	}
	block, _ := pem.Decode(text)
	if block == nil || block.Type != "PRIVATE KEY" {
		return nil, fmt.Errorf("%s holds no key in PEM (PKCS #8). Put it back, or remove the folder to begin anew", a.keyPath())
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	key, ok := parsed.(*ecdsa.PrivateKey)
	if err != nil || !ok {
		return nil, fmt.Errorf("%s holds no ECDSA key. Put it back, or remove the folder to begin anew", a.keyPath())
	}
	return key, nil
}

// issue makes a leaf for one host: a name, "*." and a name, or an IP literal as hosts are written.
func (a *authority) issue(host string, now time.Time) (*leaf, error) {
	root, err := a.ready(now)
	if err != nil {
		return nil, err
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		SerialNumber: serial(),
		NotBefore:    now.Add(-backdate),
		NotAfter:     earlier(now.Add(leafValidity), root.cert.NotAfter),
		KeyUsage:     x509.KeyUsageDigitalSignature,
		ExtKeyUsage:  []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	if ip, ok := addressOf(host); ok {
		template.IPAddresses = []net.IP{ip.AsSlice()}
	} else {
		template.DNSNames = []string{host}
	}
	cert, err := sign(template, root.cert, key, root.key)
	if err != nil {
		return nil, fmt.Errorf("local CA: certificate for %s: %w", host, err)
	}
	l := newLeaf("", tls.Certificate{Certificate: [][]byte{cert.Raw}, PrivateKey: key, Leaf: cert})
	l.renew = earlier(now.Add(leafRenewAfter), cert.NotAfter)
	return l, nil
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

func sign(template, parent *x509.Certificate, key, by *ecdsa.PrivateKey) (*x509.Certificate, error) {
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, by)
	if err != nil {
		return nil, err
	}
	return x509.ParseCertificate(der)
}

// serial has 127 random bits (RFC 5280 section 4.1.2.2 allows 159).
func serial() *big.Int {
	b := make([]byte, 16)
	_, _ = rand.Read(b) // never fails
	b[0] &= 0x7f
	return new(big.Int).SetBytes(b)
}

// replace writes a file so that a reader sees the old content or the new one.
func replace(path string, data []byte, mode fs.FileMode) error {
	temp, err := written(path, data, mode)
	if err != nil {
		return err
	}
	defer os.Remove(temp)
	return os.Rename(temp, path)
}

// create is replace for a file that must not exist yet.
func create(path string, data []byte, mode fs.FileMode) error {
	temp, err := written(path, data, mode)
	if err != nil {
		return err
	}
	defer os.Remove(temp)
	return os.Link(temp, path)
}

// written puts the data into a file beside path, on the disk and not only on its way there.
func written(path string, data []byte, mode fs.FileMode) (temp string, err error) {
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*") // mode 0600
	if err != nil {
		return "", err
	}
	defer f.Close()
	_, err = f.ReadFrom(bytes.NewReader(data))
	if err == nil {
		err = f.Sync()
	}
	if err == nil {
		err = f.Chmod(mode)
	}
	if err != nil {
		os.Remove(f.Name())
		return "", err
	}
	return f.Name(), nil
}
