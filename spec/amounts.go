package spec

import (
	"fmt"
	"math"
	"net/netip"
	"strconv"
	"strings"
	"time"
)

// This file has the shapes of amounts that carry their unit: sizes, rates, shares, and ranges of addresses.

// sizeUnits of sizes, the largest first.
var sizeUnits = []struct {
	name string
	unit Size
}{{"GB", 1 << 30}, {"MB", 1 << 20}, {"KB", 1 << 10}}

// size is a number of bytes between two bounds: 512, 64KB, 10MB.
func size(from, to Size) shape[Size] {
	return leaf[Size]{
		read: func(l *log, n *node) (Size, bool) {
			v, ok := parseSize(n.text)
			switch {
			case n.kind != textNode && n.kind != numberNode || !ok:
				l.refuse(n.at, "write a whole number of bytes, or one with a unit: 512, 64KB, 10MB, 1GB", "a size is needed, this is %s", n.what())
			case v < from || v > to:
				l.refuse(n.at, "", "a size from %v to %v is needed, this is %s", writeSize(from), writeSize(to), n.text)
			default:
				return v, true
			}
			return 0, false
		},
		write: writeSize,
		describe: func(*describer) map[string]any {
			return map[string]any{"type": []string{"string", "integer"}, "pattern": "^[0-9]+(KB|MB|GB)?$", "minimum": 0}
		},
	}.shape()
}

func parseSize(s string) (Size, bool) {
	unit := Size(1)
	for _, u := range sizeUnits {
		if digits, has := strings.CutSuffix(s, u.name); has {
			s, unit = digits, u.unit
			break
		}
	}
	count, ok := digitsOf(s)
	if !ok || count > math.MaxInt64/int64(unit) {
		return 0, false
	}
	return Size(count) * unit, true
}

// digitsOf reads a whole number without sign, of at most 18 digits.
func digitsOf(s string) (int64, bool) {
	if s == "" || len(s) > 18 {
		return 0, false
	}
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return 0, false
		}
	}
	v, err := strconv.ParseInt(s, 10, 64)
	return v, err == nil
}

func writeSize(s Size) any {
	for _, u := range sizeUnits {
		if s > 0 && s%u.unit == 0 {
			return strconv.FormatInt(int64(s/u.unit), 10) + u.name
		}
	}
	return int(s)
}

// rateUnits are the spans that a rate counts in.
var rateUnits = []struct {
	name string
	per  time.Duration
}{{"s", time.Second}, {"m", time.Minute}, {"h", time.Hour}}

// rate is a number of events in a second, a minute or an hour: 300/s.
var rate = leaf[Rate]{
	read: func(l *log, n *node) (Rate, bool) {
		r, ok := parseRate(n.text)
		switch {
		case n.kind != textNode || !ok:
			l.refuse(n.at, "write requests per second, minute or hour: 300/s, 600/m, 1000/h", "a rate is needed, this is %s", n.what())
		case r.Count < 1 || r.Count > rateMax:
			l.refuse(n.at, "to have no limit, write `limit: off`", "a rate from 1 to %d is needed, this is %s", rateMax, clip(n.text))
		default:
			return r, true
		}
		return Rate{}, false
	},
	write: func(r Rate) any {
		for _, u := range rateUnits {
			if u.per == r.Per {
				return strconv.Itoa(r.Count) + "/" + u.name
			}
		}
		panic("BUG: spec: a rate per " + r.Per.String())
	},
	describe: func(*describer) map[string]any {
		return map[string]any{"type": "string", "pattern": "^[0-9]+/[smh]$"}
	},
}.shape()

func parseRate(s string) (Rate, bool) {
	digits, unit, _ := strings.Cut(s, "/")
	count, ok := digitsOf(digits)
	for _, u := range rateUnits {
		if u.name == unit && ok {
			return Rate{Count: int(count), Per: u.per}, true
		}
	}
	return Rate{}, false
}

// share is a number from 0 to 1.
var share = leaf[float64]{
	read: func(l *log, n *node) (float64, bool) {
		v, err := strconv.ParseFloat(n.text, 64)
		if n.kind != numberNode || err != nil || !(v >= 0 && v <= 1) || strings.Trim(n.text, "0123456789.eE+-") != "" {
			l.refuse(n.at, "write 0.01 for one in a hundred", "a number from 0 to 1 is needed, this is %s", n.what())
			return 0, false
		}
		return math.Round(v*shareParts) / shareParts, true
	},
	write: func(v float64) any { return v },
	describe: func(*describer) map[string]any {
		return map[string]any{"type": "number", "minimum": 0, "maximum": 1}
	},
}.shape()

// shareAbove0 is a share where 0 would mean off, which is a word of its own.
var shareAbove0 = leaf[float64]{
	read: func(l *log, n *node) (float64, bool) {
		v, ok := share.read(l, n)
		if ok && v == 0 {
			l.refuse(n.at, "to have none, write off in place of the mapping", "a number above 0, up to 1, is needed, this is %s", n.what())
			return 0, false
		}
		return v, ok
	},
	write: share.write,
	describe: func(*describer) map[string]any {
		return map[string]any{"type": "number", "exclusiveMinimum": 0, "maximum": 1}
	},
}.shape()

// wholeSeconds is a duration for a place where only seconds can stand.
func wholeSeconds(from, to time.Duration) shape[time.Duration] {
	return duration(from, to).then(func(l *log, n *node, v *time.Duration) bool {
		if *v%time.Second != 0 {
			l.refuse(n.at, "", "a duration in whole seconds is needed, this is %s", n.text)
			*v = 0
			return false
		}
		return true
	})
}

// addressRange is a network in CIDR notation, or one address.
var addressRange = leaf[netip.Prefix]{
	read: func(l *log, n *node) (netip.Prefix, bool) {
		if !isText(l, n) {
			return netip.Prefix{}, false
		}
		p, bad, fix := parseRange(n.text)
		if bad != "" {
			l.refuse(n.at, fix, "%s", bad)
		}
		return p, bad == ""
	},
	write: func(p netip.Prefix) any {
		if p.IsSingleIP() {
			return p.Addr().String()
		}
		return p.String()
	},
	describe: func(*describer) map[string]any {
		return map[string]any{"type": "string", "pattern": "^[0-9a-fA-F:.]+(/[0-9]+)?$"}
	},
}.shape()

func parseRange(s string) (p netip.Prefix, bad, fix string) {
	a, err := netip.ParseAddr(s)
	if err == nil && a.Zone() == "" {
		p = netip.PrefixFrom(a, a.BitLen())
	} else if p, err = netip.ParsePrefix(s); err != nil {
		return p, fmt.Sprintf("%q is neither an address nor a network", clip(s)), "write 192.0.2.7, 192.0.2.0/24 or 2001:db8::/32"
	}
	switch {
	case p.Addr().Is4In6():
		return p, fmt.Sprintf("%q is an IPv4 address inside IPv6", clip(s)), "write it as IPv4: " + p.Addr().Unmap().String()
	case p != p.Masked():
		return p, fmt.Sprintf("%q has bits beyond its length", clip(s)), "write " + p.Masked().String() + ", or the address alone"
	}
	return p, "", ""
}
