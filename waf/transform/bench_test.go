package transform_test

import (
	"strings"
	"testing"

	"skerry.dev/skerry/waf/match"
	"skerry.dev/skerry/waf/transform"
)

// benchValues are 4 KB values: what people send, and what makes each transformation work hardest.
var benchValues = []struct{ name, value string }{
	{"text", strings.Repeat("The quick brown Fox, it's said, jumps over the lazy dog; and 3 cats. ", 60)},
	{"form", strings.Repeat("name=J%C3%BCrgen+M&amp;path=/a/../b&q=%3Cb%3E\\u003c\\n/*x*/", 75)},
	{"latin", strings.Repeat("Über den Wolken muß die Freiheit wohl grenzenlos sein. Café, naïve. ", 60)},
	{"japanese", strings.Repeat("いろはにほへと ちりぬるを わかよたれそ つねならむ。", 55)},
	{"token", strings.Repeat("eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9", 115)},
	{"references", strings.Repeat("&abcdefgh&ltr", 315)},
	{"hostile", strings.Repeat(`%\&-/`, 820)},
}

func BenchmarkAppend(b *testing.B) {
	for id := range transform.Count {
		for _, v := range benchValues {
			b.Run(id.String()+"/"+v.name, func(b *testing.B) {
				in := []byte(v.value)
				dst := make([]byte, 0, id.Max(len(in)))
				b.SetBytes(int64(len(in)))
				for b.Loop() {
					id.Append(dst, in)
				}
			})
		}
	}
}

// BenchmarkPlan is what an engine asks once for each set of classes that it meets.
func BenchmarkPlan(b *testing.B) {
	m := match.MaskOf([]byte(benchValues[1].value))
	for b.Loop() {
		for id := range transform.Count {
			id.Identity(m)
			id.Output(m)
		}
	}
}

func BenchmarkBase64Len(b *testing.B) {
	for _, v := range benchValues {
		b.Run(v.name, func(b *testing.B) {
			in := []byte(v.value)
			for b.Loop() {
				transform.Base64Len(in)
			}
		})
	}
}
