package engine

import (
	"slices"
	"strings"

	"skerry.dev/skerry/waf/match"
	"skerry.dev/skerry/waf/seclang"
)

// class says which units look at a variable: at all of its keys but some.
type class struct {
	base  look // at a key that no rule names
	keyed map[string]look
}

// look is the units that look at a variable under a key.
type look struct {
	units  match.Bits
	id     uint32 // no two are the same
	recall bool   // what was found in a value is remembered: it comes again and is nobody's secret
}

// repeated are the fields whose values are the same in request after request of a client, and tell nothing that it would mind.
var repeated = [...]string{
	"accept", "accept-encoding", "accept-language", "cache-control", "connection", "content-type", "dnt", "host", "origin", "pragma", "priority",
	"sec-ch-ua", "sec-ch-ua-arch", "sec-ch-ua-bitness", "sec-ch-ua-full-version-list", "sec-ch-ua-mobile", "sec-ch-ua-model", "sec-ch-ua-platform",
	"sec-ch-ua-platform-version", "sec-fetch-dest", "sec-fetch-mode", "sec-fetch-site", "sec-fetch-user", "sec-gpc", "te", "upgrade-insecure-requests",
	"user-agent", "via", "x-forwarded-proto", "x-requested-with",
}

// recalls reports whether what is found in values of a variable under a key is remembered.
func recalls(v seclang.Variable, key string) bool {
	switch v {
	case seclang.VarRequestHeadersNames, seclang.VarRequestCookiesNames, seclang.VarArgsGetNames, seclang.VarArgsPostNames,
		seclang.VarRequestMethod, seclang.VarRequestProtocol:
		return true
	case seclang.VarRequestHeaders:
		return slices.Contains(repeated[:], key)
	}
	return false
}

// classesOf sorts the units by what they look at. Keys that patterns choose or leave out are the interpreter's to check.
func classesOf(units []unit) (out [seclang.VarCount]class) {
	keys := [seclang.VarCount]map[string]bool{}
	for i := range units {
		r := units[i].rule
		for _, list := range [][]target{r.targets, r.nots} {
			for j := range list {
				for _, v := range withParts(list[j].v) {
					if len(list[j].key) > 0 {
						if keys[v] == nil {
							keys[v] = map[string]bool{}
						}
						keys[v][string(list[j].key)] = true
					}
				}
			}
		}
	}
	for _, key := range repeated {
		if keys[seclang.VarRequestHeaders] != nil {
			keys[seclang.VarRequestHeaders][key] = true
		}
	}
	next := uint32(0)
	for i := range out {
		v, c := seclang.Variable(i), &out[i]
		c.base = lookAt(units, v, "", next)
		next++
		if len(keys[v]) == 0 {
			continue
		}
		c.keyed = map[string]look{}
		for key := range keys[v] {
			c.keyed[key] = lookAt(units, v, key, next)
			next++
		}
	}
	return out
}

func withParts(v seclang.Variable) []seclang.Variable {
	if p := parts(v); p != nil {
		return p
	}
	return []seclang.Variable{v}
}

// lookAt works out the units of one key; of the empty one, those of every key that has no entry.
func lookAt(units []unit, v seclang.Variable, key string, id uint32) look {
	l := look{units: match.NewBits(len(units)), id: id, recall: recalls(v, key)}
	for i := range units {
		if looksAt(units[i].rule, v, key) {
			l.units.Set(i)
		}
	}
	return l
}

// looksAt reports whether a rule may look at fields of a variable under a key. What is left out of a target names the target's
// own variable: ARGS|!ARGS_GET:a looks at a.
func looksAt(r *rule, v seclang.Variable, key string) bool {
	covers := func(g *target) bool { return len(g.key) == 0 || string(g.key) == key }
	for i := range r.targets {
		g := &r.targets[i]
		if g.of(v) && (g.re != nil || covers(g)) &&
			!slices.ContainsFunc(r.nots, func(n target) bool { return n.v == g.v && n.re == nil && covers(&n) }) {
			return true
		}
	}
	return false
}

// of is the units that look at a field.
func (c *class) of(key []byte) look {
	if c.keyed == nil {
		return c.base
	}
	var low [64]byte
	if len(key) > len(low) {
		if l, ok := c.keyed[strings.ToLower(string(key))]; ok {
			return l
		}
		return c.base
	}
	for i, b := range key {
		if 'A' <= b && b <= 'Z' {
			b += 'a' - 'A'
		}
		low[i] = b
	}
	if l, ok := c.keyed[string(low[:len(key)])]; ok {
		return l
	}
	return c.base
}
