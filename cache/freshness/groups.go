package freshness

import (
	"bytes"

	"skerry.dev/skerry/exchange"
)

// Groups calls add for each group a response is in: Cache-Groups (RFC 9875 section 2), Surrogate-Key (words between spaces) and Cache-Tag
// (between commas), which are one set of names, case and all. A name may come twice; it is valid until add returns. Not ok: more
// or longer names than the limits allow, so that a purge might miss the answer; Judge refuses it.
func Groups(f exchange.Fields, add func(group []byte)) (ok bool) {
	c := collector{add: add, room: groupsMax}
	c.list(f, exchange.NameCacheGroups)
	for i := range f {
		switch f[i].ID {
		case exchange.NameSurrogateKey:
			c.split(f[i].Value, " \t")
		case exchange.NameCacheTag:
			c.split(f[i].Value, ",")
		}
	}
	return !c.over
}

// GroupInvalidations calls add for each group of Cache-Group-Invalidation (RFC 9875 section 3), which counts in answers to unsafe
// methods only. A name is valid until add returns. Not ok: as for Groups; the names within the limits were given to add.
func GroupInvalidations(f exchange.Fields, add func(group []byte)) (ok bool) {
	c := collector{add: add, room: groupsMax}
	c.list(f, exchange.NameCacheGroupInvalidation)
	return !c.over
}

// collector counts what it hands over.
type collector struct {
	add  func([]byte)
	room int
	over bool
}

func (c *collector) one(group []byte) {
	if c.room == 0 || len(group) > groupBytesMax {
		c.over = true
		return
	}
	c.room--
	c.add(group)
}

// split takes names out of a field that is no structured one; empty ones are left out.
func (c *collector) split(list []byte, at string) {
	for len(list) > 0 {
		end := bytes.IndexAny(list, at)
		if end < 0 {
			end = len(list)
		}
		if group := exchange.TrimOWS(list[:end]); len(group) > 0 {
			c.one(group)
		}
		list = list[min(end+1, len(list)):]
	}
}

// list takes names out of a List of Strings, if the field is valid as a whole: of the right form, and strings only.
func (c *collector) list(f exchange.Fields, id exchange.NameID) {
	check := structured{fields: f, id: id}
	for check.more() {
		if check.member().kind != kindString {
			return
		}
	}
	if !check.valid() {
		return
	}
	for p := (structured{fields: f, id: id}); p.more(); {
		v := p.member()
		if v.escaped {
			v.text = unescaped(v.text)
		}
		c.one(v.text)
	}
}

// unescaped is a string without the backslashes that stand before quotes and backslashes.
func unescaped(b []byte) []byte {
	plain := make([]byte, 0, len(b))
	for i := 0; i < len(b); i++ {
		if b[i] == '\\' {
			i++
		}
		plain = append(plain, b[i])
	}
	return plain
}
