package spec_test

import (
	"testing"

	goyaml "github.com/goccy/go-yaml"
	"go.uber.org/goleak"
)

func leaks(m *testing.M) { goleak.VerifyTestMain(m) }

func goccy(data []byte, into any) error { return goyaml.Unmarshal(data, into) }
