package spec

import (
	"fmt"
	"strings"
	"time"
)

type balanceDoc struct {
	by        val[BalanceBy]
	key       val[BalanceKey]
	sticky    val[*Sticky]
	slowStart val[time.Duration]
	panic     val[float64]
	spill     val[int]
}

// defaultBalance is in force where nothing is said: it bears endpoints that differ, and costs the same for any number of them.
var defaultBalance = Balance{By: ByPowerOfTwo, Key: KeyAddress, Panic: 0.5, Spill: 100}

var balanceBy = oneOf(ByRoundRobin, ByLeastRequests, ByPowerOfTwo, ByMaglev)

var balance = worded(modelled(object[balanceDoc]{
	name: "balance", doc: "How endpoints are chosen: by an algorithm, among the nearest that are healthy.",
	fields: []field[*balanceDoc]{
		rowOr("by", func(b *balanceDoc) *val[BalanceBy] { return &b.by }, balanceBy, defaultBalance.By,
			"The algorithm: roundRobin, leastRequests (the fewest open ones), powerOfTwo (the better of two taken at random), or maglev (consistent hashing). All heed weights."),
		rowOr("key", func(b *balanceDoc) *val[BalanceKey] { return &b.key }, balanceKey, defaultBalance.Key,
			"What maglev hashes: address, header NAME or cookie NAME; a request without it goes by its address."),
		rowOr("sticky", func(b *balanceDoc) *val[*Sticky] { return &b.sticky }, sticky, nil,
			"Whether a cookie of the edge keeps a client on its endpoint for as long as that is there."),
		rowOr("slowStart", func(b *balanceDoc) *val[time.Duration] { return &b.slowStart }, orOff(duration(time.Second, time.Hour)), defaultBalance.SlowStart,
			"How long an endpoint that has come or come back takes to get its whole share."),
		rowOr("panic", func(b *balanceDoc) *val[float64] { return &b.panic }, share, defaultBalance.Panic,
			"The share of usable endpoints below which their health is ignored, so that the last few are not overrun; 0: never."),
		rowOr("spill", func(b *balanceDoc) *val[int] { return &b.spill }, orOff(whole(1, openMax)), defaultBalance.Spill,
			"How many open requests, for each unit of its weight, an endpoint has before a farther locality takes some."),
	},
	check: func(l *log, _ Pos, b *balanceDoc) {
		if b.key.given() && b.by.V != ByMaglev && (b.by.Set || !b.by.given()) {
			l.refuse(b.key.At, "write `by: maglev`, or remove it; to keep clients on their endpoint there is `sticky`", "only maglev has a key")
		}
	},
}.shape(), balanceModel, balanceDocOf), "by", balanceBy)

func balanceModel(d balanceDoc) Balance {
	return Balance{By: d.by.V, Key: d.key.V, Sticky: d.sticky.V, SlowStart: d.slowStart.V, Panic: d.panic.V, Spill: d.spill.V}
}

func balanceDocOf(b Balance) balanceDoc {
	return balanceDoc{
		by: said(b.By), key: saidIf(b.Key, b.By == ByMaglev), sticky: said(b.Sticky),
		slowStart: said(b.SlowStart), panic: said(b.Panic), spill: said(b.Spill),
	}
}

// balanceKey is address, header NAME or cookie NAME. Names of header fields are kept in lower case.
var balanceKey = leaf[BalanceKey]{
	read: func(l *log, n *node) (BalanceKey, bool) {
		if !isText(l, n) {
			return "", false
		}
		k, bad, fix := parseBalanceKey(n.text)
		if bad != "" {
			l.refuse(n.at, fix, "%s", bad)
		}
		return k, bad == ""
	},
	write: func(k BalanceKey) any { return string(k) },
	describe: func(*describer) map[string]any {
		return map[string]any{"type": "string", "pattern": "^(address|(header|cookie) [!#$%&'*+.^_`|~0-9A-Za-z-]+)$"}
	},
}.shape()

func parseBalanceKey(s string) (k BalanceKey, bad, fix string) {
	source, name := BalanceKey(s).Split()
	switch {
	case s == string(KeyAddress):
		return KeyAddress, "", ""
	case source == "header" && name != "":
		name = strings.ToLower(name)
		if bad, fix = fieldName(name); bad == "" {
			if _, own := ownFields[name]; own {
				bad, fix = fmt.Sprintf("the field %q is no key: it belongs to the connection or to the edge", name), "name a field that clients choose"
			}
		}
	case source == "cookie" && name != "":
		bad, fix = cookieName(name)
	default:
		bad, fix = fmt.Sprintf("%q is not what can be hashed", clip(s)), "write address, header NAME or cookie NAME"
	}
	return BalanceKey(source + " " + name), bad, fix
}

// cookieName checks the name of a cookie: RFC 6265 section 4.1.1.
func cookieName(s string) (bad, fix string) {
	if s == "" || len(s) > cookieNameBytesMax || strings.IndexFunc(s, notToken) >= 0 {
		return fmt.Sprintf("%q is not the name of a cookie", clip(s)), fmt.Sprintf("use 1 to %d letters, digits, - and _", cookieNameBytesMax)
	}
	return "", ""
}

// ownCookieName is cookieName for a cookie that the edge sets. A service may stand behind plain HTTP as well, where browsers
// throw away a cookie whose name promises Secure; some compare the prefix without case.
func ownCookieName(s string) (bad, fix string) {
	lower := strings.ToLower(s)
	for _, prefix := range []string{"__host-", "__secure-"} {
		if strings.HasPrefix(lower, prefix) {
			return fmt.Sprintf("browsers take a cookie named %q by HTTPS only, and this one is set for plain HTTP as well", clip(s)),
				"take a name without " + s[:len(prefix)]
		}
	}
	return cookieName(s)
}

type stickyDoc struct {
	cookie val[string]
	maxAge val[time.Duration]
}

var sticky = switched(modelled(object[stickyDoc]{
	name: "sticky", doc: "A cookie of the edge keeps a client on its endpoint; when that is gone, another one is chosen.",
	fields: []field[*stickyDoc]{
		row("cookie", func(s *stickyDoc) *val[string] { return &s.cookie },
			words(ownCookieName, map[string]any{"pattern": nameInSchema["pattern"], "maxLength": cookieNameBytesMax}), "The name of the cookie.").needed(),
		row("maxAge", func(s *stickyDoc) *val[time.Duration] { return &s.maxAge }, wholeSeconds(time.Second, cookieAgeMax),
			"How long browsers keep it, in whole seconds: until they close, if left out."),
	},
}.shape(),
	func(d stickyDoc) *Sticky { return &Sticky{d.cookie.V, d.maxAge.V} },
	func(s *Sticky) stickyDoc {
		return stickyDoc{said(s.Cookie), saidIf(s.MaxAge, s.MaxAge > 0)}
	},
), func(s *Sticky) bool { return s == nil }, false)

type ejectionDoc struct {
	failures val[int]
	time     val[time.Duration]
	share    val[float64]
}

var defaultEjection = Ejection{Failures: 5, Time: 30 * time.Second, Share: 0.5}

var ejection = switched(modelled(object[ejectionDoc]{
	name: "ejection", doc: "An endpoint is left out for a while when exchanges with it fail (outlier detection).",
	fields: []field[*ejectionDoc]{
		rowOr("failures", func(e *ejectionDoc) *val[int] { return &e.failures }, whole(1, 1000), defaultEjection.Failures,
			"How many in a row: no connection, no valid response in time, or a status of 500, 502, 503 or 504."),
		rowOr("time", func(e *ejectionDoc) *val[time.Duration] { return &e.time }, duration(time.Second, time.Hour), defaultEjection.Time,
			"How long it is left out, times the number of ejections in a row, five at most."),
		rowOr("share", func(e *ejectionDoc) *val[float64] { return &e.share }, share, defaultEjection.Share,
			"The share of the endpoints that may be left out at once, from 0 to 1; an only endpoint never is."),
	},
}.shape(),
	func(d ejectionDoc) Ejection { return Ejection{d.failures.V, d.time.V, d.share.V} },
	func(e Ejection) ejectionDoc { return ejectionDoc{said(e.Failures), said(e.Time), said(e.Share)} },
), func(e Ejection) bool { return e.Failures == 0 }, false, true)
