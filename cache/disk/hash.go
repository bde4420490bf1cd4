package disk

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"strings"

	"skerry.dev/skerry/cache/storage"
)

// id is what the index knows of a key: hashes of its URL without the scheme, which is what purges of URLs need, and of the whole.
// They are cut from SHA-256 and not from something quicker, because they must be the same after a restart, and nobody may be able
// to choose a URL that has the hash of another's. They decide what is forgotten, and where to look; what is served is compared
// byte by byte.
type id struct {
	url uint64
	key uint32
}

// parts are the parts of a key that purges know; what is not there is empty.
type parts struct{ scheme, host, path, query []byte }

func split(key []byte) (p parts) {
	p.scheme, key, _ = bytes.Cut(key, nul)
	p.host, key, _ = bytes.Cut(key, nul)
	p.path, key, _ = bytes.Cut(key, nul)
	p.query, _, _ = bytes.Cut(key, nul)
	return p
}

var nul = []byte{0}

// secure reports whether the scheme is https.
func (p *parts) secure() bool { return string(p.scheme) == "https" }

// hashKey returns what the index knows of a key.
func hashKey(key []byte) id {
	p := split(key)
	url := key[min(len(p.scheme)+1, len(key)):]
	return id{hash(url[:min(len(url), len(p.host)+1+len(p.path)+1+len(p.query))]), uint32(hash(key))}
}

// hashURL returns the same hash of the URL that a purge names.
func hashURL(p *storage.Purge) uint64 {
	_, host := schemeOf(p)
	path, query, _ := strings.Cut(p.Value, "?")
	return hash([]byte(host + "\x00" + path + "\x00" + query))
}

// scheme is which keys of a URL a purge is for.
type scheme uint8

const (
	schemeAny scheme = iota
	schemePlain
	schemeSecure
)

// schemeOf takes a purge's host apart.
func schemeOf(p *storage.Purge) (scheme, string) {
	if host, ok := strings.CutPrefix(p.Host, "https://"); ok {
		return schemeSecure, host
	}
	if host, ok := strings.CutPrefix(p.Host, "http://"); ok {
		return schemePlain, host
	}
	return schemeAny, p.Host
}

func schemeFor(secure bool) scheme {
	if secure {
		return schemeSecure
	}
	return schemePlain
}

// meets reports whether a purge of this scheme is for objects of that one.
func (s scheme) meets(of scheme) bool { return s == schemeAny || s == of }

func hash(b []byte) uint64 {
	sum := sha256.Sum256(b)
	return binary.LittleEndian.Uint64(sum[:])
}

// cutQuery takes the value of a purge of a URL apart.
func cutQuery(value []byte) (path, query []byte) {
	path, query, _ = bytes.Cut(value, question)
	return path, query
}

var question = []byte{'?'}
