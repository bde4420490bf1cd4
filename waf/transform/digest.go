package transform

import (
	"crypto/fips140"
	"crypto/md5"  //nolint:gosec // what rules name; nothing relies on it
	"crypto/sha1" //nolint:gosec // the same
)

// appendMD5 and appendSHA1 append the digest itself, not its hexadecimal form. Where FIPS 140-3 forbids them they keep the
// value, as Coraza does.
func appendMD5(dst, in []byte) []byte {
	if fips140.Enabled() {
		return append(dst, in...)
	}
	sum := md5.Sum(in)
	return append(dst, sum[:]...)
}

func appendSHA1(dst, in []byte) []byte {
	if fips140.Enabled() {
		return append(dst, in...)
	}
	sum := sha1.Sum(in)
	return append(dst, sum[:]...)
}

func changedMD5(in []byte) bool {
	return !fips140.Enabled() && (len(in) != md5.Size || md5.Sum(in) != [md5.Size]byte(in))
}

func changedSHA1(in []byte) bool {
	return !fips140.Enabled() && (len(in) != sha1.Size || sha1.Sum(in) != [sha1.Size]byte(in))
}

func maxMD5(n int) int  { return maxDigest(n, md5.Size) }
func maxSHA1(n int) int { return maxDigest(n, sha1.Size) }

func maxDigest(n, size int) int {
	if fips140.Enabled() {
		return n
	}
	return size
}
