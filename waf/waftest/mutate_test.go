package waftest_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"skerry.dev/skerry/waf/waftest"
)

// TestMutate shows that mutations are the same for the same seed, leave the original alone, stay small, go everywhere, and
// leave enough of the attacks to be found.
func TestMutate(t *testing.T) {
	const seed = 5
	t.Logf("seed %d", seed)
	c := waftest.NewCoraza(t, waftest.Options{Paranoia: 4, Detect: true})
	rng, again := rand.New(rand.NewPCG(seed, 1)), rand.New(rand.NewPCG(seed, 1))
	all := waftest.Tests(t)
	kinds, judged, found := map[string]int{}, 0, 0
	for i := 0; i < len(all); i += 5 {
		r := waftest.ParseRequest(all[i].Raw())
		before := fmt.Sprint(r)
		m := waftest.Mutate(rng, r)
		if fmt.Sprint(r) != before {
			t.Fatalf("%s: Mutate has changed its argument", all[i].ID)
		}
		if other := waftest.Mutate(again, r); fmt.Sprint(m) != fmt.Sprint(other) {
			t.Fatalf("%s: the same source gives two requests:\n%q\n%q", all[i].ID, m.Raw(), other.Raw())
		}
		if len(m.Raw()) > len(all[i].Raw())+12*payloadBytesMax {
			t.Errorf("%s: %d bytes became %d", all[i].ID, len(all[i].Raw()), len(m.Raw()))
		}
		for _, h := range m.Headers {
			if strings.ContainsAny(h[1], "\r\n\x00") {
				t.Errorf("%s: the field %q cannot be sent", all[i].ID, h)
			}
		}
		kinds[m.Header("Content-Type")]++
		if i%50 == 0 {
			judged++
			if c.Judge(m).Score > 0 {
				found++
			}
		}
	}
	for _, ct := range []string{"", "application/json", "text/xml", "application/x-www-form-urlencoded", "multipart/form-data; boundary=----WebKitFormBoundaryx7Yq2"} {
		if kinds[ct] < 20 {
			t.Errorf("only %d of the mutations have the content type %q", kinds[ct], ct)
		}
	}
	if found*2 < judged {
		t.Errorf("Coraza finds %d of %d mutated attacks: too little is left of them", found, judged)
	}
}

// payloadBytesMax is the limit of the same name: what the payload may be before it is escaped, which may write 12 bytes for one.
const payloadBytesMax = 2048
