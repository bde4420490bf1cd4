package seclang

import (
	"strings"

	"skerry.dev/skerry/waf/transform"
)

// transformsRefused are transformations that ModSecurity knows and Skerry does not offer, with the reason.
var transformsRefused = map[string]string{
	"parityeven7bit": "no protocol of today has parity bits",
	"parityodd7bit":  "no protocol of today has parity bits",
	"parityzero7bit": "no protocol of today has parity bits",
}

func applyTransform(p *parser, b *builder, a action) {
	name := strings.ToLower(a.value.s)
	if name == "none" {
		b.transforms = nil
		return
	}
	id, ok := transform.Lookup(name)
	switch why, refused := transformsRefused[name]; {
	case ok:
		b.transforms = append(b.transforms, id)
	case refused:
		p.wrong(a.value.pos(), "the transformation "+a.value.s+" is not offered: "+why, "")
	default:
		p.wrong(a.value.pos(), "unknown transformation "+quote(a.value.s), meant(a.value.s, transformNames()))
	}
}

// transformNames are the names that t: takes.
func transformNames() []string {
	names := []string{"none"}
	for id := range transform.Count {
		if id != transform.None {
			names = append(names, id.String())
		}
	}
	return names
}
