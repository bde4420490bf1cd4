package main

import (
	"compress/gzip"
	"io"
	"os"
	"testing"
)

// Budgets of the module, in bytes. It is shipped and read compressed; plain it is what node has to compile. Where it grows beyond one of
// them, look for what is newly linked, and for generic code that is made once for each type.
const (
	shippedBytesMax = 10 << 20
	plainBytesMax   = 20 << 20
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
