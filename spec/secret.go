package spec

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
)

// SecretPrefix is what the names of environment variables that a spec may refer to begin with.
const SecretPrefix = "SKERRY_SECRET_"

// Secrets resolves references to secrets. The zero value knows only environment variables.
type Secrets struct {
	Dir string // of --secrets: file references resolve below it, and links out of it do not; empty: none resolves
}

// Read returns what a reference stands for. Its errors never hold any of it.
func (s Secrets) Read(r Ref) ([]byte, error) {
	scheme, name, _ := strings.Cut(string(r), ":")
	switch {
	case scheme == "env" && strings.HasPrefix(name, SecretPrefix):
		v, ok := os.LookupEnv(name)
		if !ok || v == "" {
			return nil, fmt.Errorf("%s: the environment has no such variable", r)
		}
		return []byte(v), nil
	case scheme == "file" && s.Dir == "":
		return nil, fmt.Errorf("%s: file references need --secrets DIR", r)
	case scheme == "file":
		return s.readFile(r, name)
	}
	return nil, fmt.Errorf("the reference is neither file:NAME nor env:%s…", SecretPrefix) // it may be the secret itself
}

func (s Secrets) readFile(r Ref, name string) ([]byte, error) {
	root, err := os.OpenRoot(s.Dir)
	if err != nil {
		return nil, fmt.Errorf("--secrets: %w", err)
	}
	defer root.Close()
	// Before it is opened: opening a pipe would wait for who writes into it.
	if info, err := root.Stat(name); err == nil && !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s: it is no file", r)
	}
	f, err := root.Open(name)
	if err != nil {
		return nil, fmt.Errorf("%s: %s below the directory of --secrets", r, reason(err))
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, secretBytesMax+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("%s: %s", r, reason(err))
	case len(data) > secretBytesMax:
		return nil, fmt.Errorf("%s: it has more than %d bytes", r, secretBytesMax)
	case len(data) == 0:
		return nil, errors.New(string(r) + ": it is empty")
	}
	return data, nil
}
