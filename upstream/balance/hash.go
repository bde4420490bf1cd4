package balance

import (
	"encoding/binary"
	"net/netip"
)

// The constants of FNV-1a.
const (
	hashBasis = 14695981039346656037
	hashPrime = 1099511628211
)

// Hash is the hash of a key for Ask.Key: the same in every process and release, so that all nodes of a fleet send a key
// to the same endpoint. Who chooses keys can choose an endpoint by it; it is no secret.
func Hash(key []byte) uint64 {
	h := uint64(hashBasis) ^ uint64(len(key))
	for ; len(key) >= 8; key = key[8:] {
		h = step(h, binary.LittleEndian.Uint64(key))
	}
	var rest uint64
	for i, c := range key {
		rest |= uint64(c) << (8 * i)
	}
	return mix(step(h, rest))
}

// HashAddr is Hash of an address; an IPv4 address that is written as IPv6 is the same, a zone makes no difference.
func HashAddr(a netip.Addr) uint64 {
	b := a.As16()
	return mix(step(step(hashBasis, binary.LittleEndian.Uint64(b[:8])), binary.LittleEndian.Uint64(b[8:])))
}

// step is FNV-1a by eight bytes at a time, with the high half brought down in between.
func step(h, word uint64) uint64 {
	h = (h ^ word) * hashPrime
	return h ^ h>>32
}

// mix is the finalizer of MurmurHash3: every bit of the result depends on every bit of h.
func mix(h uint64) uint64 {
	h ^= h >> 33
	h *= 0xff51afd7ed558ccd
	h ^= h >> 33
	h *= 0xc4ceb9fe1a85ec53
	return h ^ h>>33
}
