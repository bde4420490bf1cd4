package freshness

import (
	"time"

	"skerry.dev/skerry/exchange"
)

// targeted reads CDN-Cache-Control (RFC 9213), a Dictionary. Not ok: there is none, it is empty, or it is invalid, and then Cache-Control
// counts (section 2.2).
//
// A span that is not an integer makes the whole field invalid; a negative one is 0. What forbids something does so with any value but
// false, what allows something only with true.
func targeted(f exchange.Fields) (d Directives, ok bool) {
	if f.Get(exchange.NameCDNCacheControl) == nil {
		return d, false
	}
	t := target{d: unsaid()}
	p := structured{fields: f, id: exchange.NameCDNCacheControl}
	for p.more() {
		t.read(p.entry())
	}
	if !p.valid() || p.members == 0 || t.wrong {
		return d, false
	}
	t.qualify(t.noCache, SaidNoCache, SaidNoCacheFields)
	t.qualify(t.private, SaidPrivate, SaidPrivateFields)
	t.d.Said |= SaidTargeted
	return t.d, true
}

// target is a field being read. The last of several members with one key holds, so lists of names wait for the end.
type target struct {
	d                Directives
	noCache, private item
	wrong            bool // a span of another type
}

func (t *target) read(key []byte, v item) {
	switch string(key) {
	case "max-age":
		t.span(&t.d.MaxAge, v, SaidMaxAge)
	case "s-maxage":
		t.span(&t.d.SMaxAge, v, SaidSMaxAge)
	case "stale-while-revalidate":
		t.span(&t.d.WhileRevalidate, v, 0)
	case "stale-if-error":
		t.span(&t.d.IfError, v, 0)
	case "no-cache":
		t.flag(SaidNoCache, v.kind != kindFalse)
		t.noCache = v
	case "private":
		t.flag(SaidPrivate, v.kind != kindFalse)
		t.private = v
	case "no-store":
		t.flag(SaidNoStore, v.kind != kindFalse)
	case "must-revalidate":
		t.flag(SaidMustRevalidate, v.kind != kindFalse)
	case "proxy-revalidate":
		t.flag(SaidProxyRevalidate, v.kind != kindFalse)
	case "no-transform":
		t.flag(SaidNoTransform, v.kind != kindFalse)
	case "public":
		t.flag(SaidPublic, v.kind == kindTrue)
	case "must-understand":
		t.flag(SaidMustUnderstand, v.kind == kindTrue)
	case "immutable":
		t.flag(SaidImmutable, v.kind == kindTrue)
	}
}

func (t *target) flag(bit Set, on bool) {
	t.d.Said &^= bit
	if on {
		t.d.Said |= bit
	}
}

func (t *target) span(of *time.Duration, v item, bit Set) {
	t.wrong = t.wrong || v.kind != kindInteger
	*of = time.Duration(min(max(v.integer, 0), int64(longest/time.Second))) * time.Second
	t.d.Said |= bit
}

// qualify narrows no-cache or private to the fields that it names.
func (t *target) qualify(v item, whole, fields Set) {
	if t.d.Said.Has(whole) && v.kind == kindString && !v.escaped {
		t.d.Said &^= whole
		t.d.qualify(v.text, whole, fields)
	}
}
