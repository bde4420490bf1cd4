package spec_test

import (
	"testing"

	"skerry.dev/skerry/spec"
)

func TestSix(t *testing.T) {
	s, ps := spec.Parse([]spec.File{{Name: "shop.yaml", Data: []byte(`apiVersion: skerry.dev/v1
kind: Entrypoint
metadata: {name: shop, owner: team-shop}
spec:
  hosts: [shop.example.com]
  service: http://127.0.0.1:9000
`)}})
	t.Log(ps)
	t.Log(string(spec.Canonical(s)), s.Hash)
	for _, x := range s.Entrypoints[0].Sources { t.Log(x) }
}
