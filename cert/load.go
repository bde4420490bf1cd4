package cert

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"slices"
	"strings"

	"skerry.dev/skerry/fault"
	"skerry.dev/skerry/spec"
)

// flaw is what is wrong with a chain, a key or a bundle, and how to mend it. It never holds any of a key.
type flaw struct{ text, fix string }

func (f *flaw) problem(at spec.Pos, of string) fault.Problem {
	return fault.Problem{File: at.File, Line: at.Line, Col: at.Col, Text: of + ": " + f.text, Fix: f.fix}
}

// sums are the SHA-256 of what references stood for.
type sums map[spec.Ref][sha256.Size]byte

// read resolves a reference and remembers what it stood for.
func (k *Keeper) read(r spec.Ref, seen sums) ([]byte, error) {
	text, err := k.opt.Secrets.Read(r)
	if err == nil {
		seen[r] = sha256.Sum256(text)
	}
	return text, err
}

// Changed returns the references of a table, in order, that stand for something else now: a certificate was renewed, say,
// and another Table is due. A reference that cannot be read has not changed.
func (k *Keeper) Changed(t *Table) []spec.Ref {
	var changed []spec.Ref
	for r, sum := range t.sums {
		if text, err := k.opt.Secrets.Read(r); err == nil && sha256.Sum256(text) != sum {
			changed = append(changed, r)
		}
	}
	slices.Sort(changed)
	return changed
}

// load reads a Certificate document's chain and key.
func (k *Keeper) load(c *spec.Certificate, seen sums) (*leaf, *flaw) {
	chainText, err := k.read(c.Chain, seen)
	if err != nil {
		return nil, &flaw{"chain " + err.Error(), ""}
	}
	keyText, err := k.read(c.Key, seen)
	if err != nil {
		return nil, &flaw{"key " + err.Error(), ""}
	}
	chain, f := parseCertificates(chainText, "chain "+string(c.Chain), chainMax)
	if f == nil {
		f = checkChain(chain, "chain "+string(c.Chain))
	}
	if f != nil {
		return nil, f
	}
	pair, f := pairOf(chain, keyText, c)
	if f != nil {
		return nil, f
	}
	l := newLeaf(c.Meta.Name, pair)
	l.at, l.issuers = c.At, chain[1:]
	if len(l.exact)+len(l.below) == 0 {
		return nil, &flaw{fmt.Sprintf("chain %s: the certificate names no host", c.Chain), "have it issued with DNS names or IP addresses (subjectAltName); the common name does not count (RFC 9110 section 4.3.4)"}
	}
	return l, nil
}

// parseCertificates reads every certificate of a PEM text; other blocks, such as a key in the same file, are passed over.
func parseCertificates(text []byte, what string, most int) ([]*x509.Certificate, *flaw) {
	var certs []*x509.Certificate
	begun := bytes.Count(text, []byte("-----BEGIN CERTIFICATE-----"))
	for rest := text; ; {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		if block.Type != "CERTIFICATE" {
			continue
		}
		if len(certs) == most {
			return nil, &flaw{fmt.Sprintf("%s: it has more than %d certificates, the limit", what, most), ""}
		}
		cert, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, &flaw{fmt.Sprintf("%s: certificate %d does not parse: %v", what, len(certs)+1, err), ""}
		}
		certs = append(certs, cert)
	}
	switch {
	case begun > len(certs):
		return nil, &flaw{fmt.Sprintf("%s: %d certificates begin, only %d are whole", what, begun, len(certs)), "is the file cut off, or a line of it changed?"}
	case len(certs) == 0:
		return nil, &flaw{what + ": it holds no certificate", "it must be PEM, with -----BEGIN CERTIFICATE-----"}
	}
	return certs, nil
}

// checkChain wants the leaf first, each certificate issued by the next, and none with a weak key or signature.
func checkChain(chain []*x509.Certificate, what string) *flaw {
	for i, c := range chain {
		if weak := weakness(c); weak != "" {
			return &flaw{fmt.Sprintf("%s: certificate %d (%s) has %s", what, i+1, c.Subject, weak), "have it issued anew, with ECDSA P-256 or RSA of 2048 bits and SHA-256"}
		}
		if i == 0 {
			continue
		}
		if err := chain[i-1].CheckSignatureFrom(c); err != nil {
			return &flaw{
				fmt.Sprintf("%s: certificate %d (%s) did not issue certificate %d (%s)", what, i+1, c.Subject, i, chain[i-1].Subject),
				"the leaf comes first, then each issuer in turn",
			}
		}
	}
	first := chain[0]
	serves := len(first.ExtKeyUsage)+len(first.UnknownExtKeyUsage) == 0 ||
		slices.Contains(first.ExtKeyUsage, x509.ExtKeyUsageServerAuth) || slices.Contains(first.ExtKeyUsage, x509.ExtKeyUsageAny)
	if !serves || first.KeyUsage != 0 && first.KeyUsage&x509.KeyUsageDigitalSignature == 0 {
		return &flaw{fmt.Sprintf("%s: the certificate of %s may not be used by a server", what, first.Subject), "have it issued for server authentication, with digital signatures allowed"}
	}
	return nil
}

// weakness says what of a certificate clients refuse, or should. A root's signature on itself protects nothing.
func weakness(c *x509.Certificate) string {
	switch key := c.PublicKey.(type) {
	case *rsa.PublicKey:
		if n := key.N.BitLen(); n < rsaBitsMin {
			return fmt.Sprintf("an RSA key of %d bits, at least %d are needed", n, rsaBitsMin)
		}
	case *ecdsa.PublicKey:
		if n := key.Curve.Params().BitSize; n < ecBitsMin {
			return fmt.Sprintf("a key on a curve of %d bits, at least %d are needed", n, ecBitsMin)
		}
	}
	if bytes.Equal(c.RawIssuer, c.RawSubject) {
		return ""
	}
	if weakSignature(c.SignatureAlgorithm) {
		return "a signature by " + c.SignatureAlgorithm.String()
	}
	return ""
}

func weakSignature(a x509.SignatureAlgorithm) bool {
	switch a {
	case x509.MD2WithRSA, x509.MD5WithRSA, x509.SHA1WithRSA, x509.DSAWithSHA1, x509.ECDSAWithSHA1, x509.UnknownSignatureAlgorithm:
		return true
	}
	return false
}

// pairOf puts a chain and its key together.
func pairOf(chain []*x509.Certificate, keyText []byte, c *spec.Certificate) (tls.Certificate, *flaw) {
	for i, cert := range chain {
		pair, err := tls.X509KeyPair(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert.Raw}), keyText)
		switch {
		case err == nil && i > 0:
			return pair, &flaw{fmt.Sprintf("key %s: it is the key of certificate %d of the chain", c.Key, i+1), "put the leaf first"}
		case err == nil:
			pair.Certificate = nil
			for _, cert := range chain {
				pair.Certificate = append(pair.Certificate, cert.Raw)
			}
			return pair, nil
		case !strings.Contains(err.Error(), "does not match"):
			return pair, keyFlaw(keyText, c, err)
		}
	}
	return tls.Certificate{}, &flaw{fmt.Sprintf("key %s: it is not the key of the certificate in %s", c.Key, c.Chain), "was only one of the two replaced?"}
}

func keyFlaw(text []byte, c *spec.Certificate, err error) *flaw {
	what := "key " + string(c.Key) + ": "
	switch block, _ := pem.Decode(text); {
	case block == nil:
		return &flaw{what + "it holds no key", "it must be PEM, with -----BEGIN PRIVATE KEY-----"}
	case bytes.Contains(text, []byte("ENCRYPTED")):
		return &flaw{what + "it is encrypted with a passphrase", "store it without one; the directory of --secrets is what protects it"}
	}
	return &flaw{what + strings.TrimPrefix(err.Error(), "tls: "), ""}
}

// bundle reads the CAs that client certificates are checked against.
func (k *Keeper) bundle(ref spec.Ref, seen sums) ([]*x509.Certificate, error) {
	text, err := k.read(ref, seen)
	if err != nil {
		return nil, err
	}
	certs, f := parseCertificates(text, string(ref), bundleMax)
	if f != nil {
		return nil, errors.New(f.text)
	}
	for i, c := range certs {
		if weak := weakness(c); weak != "" {
			return nil, fmt.Errorf("%s: certificate %d (%s) has %s", ref, i+1, c.Subject, weak)
		}
		if !c.IsCA {
			return nil, fmt.Errorf("%s: certificate %d (%s) is not a CA's", ref, i+1, c.Subject)
		}
	}
	return certs, nil
}
