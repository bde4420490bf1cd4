package upstream

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"

	"skerry.dev/skerry/spec"
	"skerry.dev/skerry/upstream/peer"
)

// sums are the hashes of secrets by their references.
type sums map[spec.Ref][sha256.Size]byte

// read returns what a reference stands for, and remembers its hash.
func (m sums) read(r spec.Ref, from spec.Secrets) ([]byte, error) {
	text, err := from.Read(r)
	if err != nil {
		return nil, err
	}
	m[r] = sha256.Sum256(text)
	return text, nil
}

// changed returns the references that stand for something else now. One that cannot be read has not changed: what was
// read goes on being used.
func (m sums) changed(from spec.Secrets) []spec.Ref {
	var out []spec.Ref
	for r, sum := range m {
		if text, err := from.Read(r); err == nil && sha256.Sum256(text) != sum {
			out = append(out, r)
		}
	}
	slices.Sort(out)
	return out
}

// originTLS is what the https endpoints of a service have in common.
type originTLS struct {
	peer.TLS        // without ServerName, which may be the endpoint's
	sum      string // over the secrets in it
}

// readTLS reads the secrets of a service's tls.
func readTLS(s *spec.Service, from spec.Secrets, seen sums) (out originTLS, err error) {
	t := s.TLS
	out.MinVersion = t.MinVersion
	h := sha256.New()
	for _, part := range []struct {
		name string
		ref  spec.Ref
		into *[]byte
	}{{"ca", t.CA, &out.Roots}, {"certificate", t.Certificate, &out.Chain}, {"key", t.Key, &out.Key}} {
		if part.ref == "" {
			continue
		}
		if *part.into, err = seen.read(part.ref, from); err != nil {
			return out, fmt.Errorf("tls.%s: %w", part.name, err)
		}
		fmt.Fprintf(h, "%s %d ", part.name, len(*part.into))
		h.Write(*part.into)
	}
	out.sum = hex.EncodeToString(h.Sum(nil))
	return out, out.TLS.Check()
}

// serverName is the name that an endpoint's certificate must have.
func serverName(s *spec.Service, e *spec.Endpoint) string {
	switch {
	case s.TLS.ServerName != "":
		return s.TLS.ServerName
	case s.Host == spec.HostName:
		return s.HostName
	}
	return e.Host
}
