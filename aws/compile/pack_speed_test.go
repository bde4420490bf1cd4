package compile

import (
	"fmt"
	"testing"

	"skerry.dev/skerry/aws/model"
	"skerry.dev/skerry/spec"
)

// BenchmarkPack500x10 is the packer and what follows it, for 500 entrypoints with ten behaviours.
func BenchmarkPack500x10(b *testing.B) {
	for _, packing := range []spec.AWSPacking{spec.PackingDedicated, spec.PackingShared, spec.PackingTenants} {
		b.Run(string(packing), func(b *testing.B) {
			for b.Loop() {
				b.StopTimer()
				made := newBench(b, packing, nil)
				for i := range 500 {
					s := made.add(fmt.Sprintf("s%03d", i), kind{cache: i % 5, acl: i % 4, origin: fmt.Sprintf("o%d.internal.example.net", i%250)})
					for len(s.behaviors) < 10 {
						s.behaviors = append([]*behavior{{pattern: "/x", routes: s.behaviors[0].routes, props: clone(s.behaviors[0].props)}}, s.behaviors...)
					}
				}
				b.StartTimer()
				made.deployed()
			}
		})
	}
}

func clone(p *model.DistributionCacheBehavior) *model.DistributionCacheBehavior {
	made := *p
	return &made
}
