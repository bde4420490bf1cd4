package main

import (
	"compress/gzip"
	"io"
	"os"
	"testing"
)

// Budgets of the module, in bytes, a twentieth above what it has. It is shipped and read compressed; plain it is what node has to
// compile. Where it grows beyond one of them, look for what is newly linked, and for generic code: slices.SortFunc is made once for each
// type of struct, sort.Slice once; what is generic over pointers alone is one for all of them.
const (
	shippedBytesMax = 3 << 20
	plainBytesMax   = 13_400_000
)

func size(t *testing.T, path string) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var shipped counter
	z := gzip.NewWriter(&shipped)
	plain, err := io.Copy(z, f)
	if err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	t.Logf("%d bytes, %d compressed", plain, shipped)
	if plain > plainBytesMax || shipped > shippedBytesMax {
		t.Errorf("the module has %d bytes, %d compressed; at most %d and %d", plain, shipped, plainBytesMax, shippedBytesMax)
	}
}

type counter int64

func (c *counter) Write(p []byte) (int, error) {
	*c += counter(len(p))
	return len(p), nil
}
