package spec

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// words is a shape of text. check returns what is wrong with it and how to mend that, or two empty strings; extra goes
// into the schema.
func words(check func(string) (bad, fix string), extra map[string]any) shape[string] {
	return leaf[string]{
		read: func(l *log, n *node) (string, bool) {
			if !isText(l, n) {
				return "", false
			}
			bad, fix := check(n.text)
			if bad != "" {
				l.refuse(n.at, fix, "%s", bad)
			}
			return n.text, bad == ""
		},
		write: func(s string) any { return s },
		describe: func(*describer) map[string]any {
			s := map[string]any{"type": "string"}
			for k, v := range extra {
				s[k] = v
			}
			return s
		},
	}.shape()
}

// isText refuses everything but text. A number is not text: 1.10 would become 1.1 on the way through JSON.
func isText(l *log, n *node) bool {
	if n.kind == textNode {
		return true
	}
	fix := ""
	if n.kind == numberNode || n.kind == boolNode {
		fix = fmt.Sprintf(`put it in quotes: "%s"`, clip(n.text))
	}
	l.refuse(n.at, fix, "text is needed, this is %s", n.what())
	return false
}

// oneOf is text out of a few words. Where off is one of them, false is the same word; where a word looks like a number, it
// need not stand in quotes.
func oneOf[T ~string](allowed ...T) shape[T] {
	names := make([]string, len(allowed))
	for i, a := range allowed {
		names[i] = string(a)
	}
	return leaf[T]{
		read: func(l *log, n *node) (T, bool) {
			text := n.text
			if on, word := switchOf(n); word && !bool(on) {
				text = "off"
			}
			for _, a := range allowed {
				if text == string(a) && n.kind != listNode && n.kind != mapNode {
					return a, true
				}
			}
			fix := ""
			if k := nearest(n.text, names); k != "" && n.kind == textNode {
				fix = fmt.Sprintf("did you mean %q?", k)
			}
			l.refuse(n.at, fix, "one of %s is needed, this is %s", strings.Join(names, ", "), n.what())
			return "", false
		},
		write:    func(v T) any { return string(v) },
		describe: func(*describer) map[string]any { return oneOfInSchema(names) },
	}.shape()
}

func oneOfInSchema(names []string) map[string]any {
	all := make([]any, 0, len(names)+1)
	for _, name := range names {
		all = append(all, name)
		if v, err := strconv.ParseFloat(name, 64); err == nil {
			all = append(all, v)
		} else if name == "off" {
			all = append(all, false)
		}
	}
	if len(all) == len(names) {
		return map[string]any{"type": "string", "enum": names}
	}
	return map[string]any{"enum": all}
}

// onOff is a switch.
var onOff = leaf[Switch]{
	read: func(l *log, n *node) (Switch, bool) {
		if on, word := switchOf(n); word {
			return on, true
		}
		l.refuse(n.at, "", "on or off is needed, this is %s", n.what())
		return false, false
	},
	write: func(s Switch) any {
		if s {
			return "on"
		}
		return "off"
	},
	describe: func(*describer) map[string]any {
		return map[string]any{"enum": []any{"on", "off", true, false}}
	},
}.shape()

// whole is a whole number between two bounds.
func whole(from, to int) shape[int] {
	return leaf[int]{
		read: func(l *log, n *node) (int, bool) {
			v, err := strconv.Atoi(n.text)
			if n.kind != numberNode || err != nil || v < from || v > to {
				l.refuse(n.at, "", "a whole number from %d to %d is needed, this is %s", from, to, n.what())
				return 0, false
			}
			return v, true
		},
		write: func(v int) any { return v },
		describe: func(*describer) map[string]any {
			return map[string]any{"type": "integer", "minimum": from, "maximum": to}
		},
	}.shape()
}

// numberOf is a whole number out of a few.
func numberOf(allowed ...int) shape[int] {
	return leaf[int]{
		read: func(l *log, n *node) (int, bool) {
			v, err := strconv.Atoi(n.text)
			for _, a := range allowed {
				if n.kind == numberNode && err == nil && v == a {
					return v, true
				}
			}
			l.refuse(n.at, "", "one of %s is needed, this is %s", strings.Trim(fmt.Sprint(allowed), "[]"), n.what())
			return 0, false
		},
		write:    func(v int) any { return v },
		describe: func(*describer) map[string]any { return map[string]any{"enum": allowed} },
	}.shape()
}

// units of durations, the longest first.
var units = []struct {
	name string
	unit time.Duration
}{{"d", 24 * time.Hour}, {"h", time.Hour}, {"m", time.Minute}, {"s", time.Second}, {"ms", time.Millisecond}}

// duration is a time between two bounds, with units.
func duration(from, to time.Duration) shape[time.Duration] {
	return leaf[time.Duration]{
		read: func(l *log, n *node) (time.Duration, bool) {
			v, ok := parseDuration(n.text)
			switch {
			case n.kind == numberNode:
				l.refuse(n.at, fmt.Sprintf("write %ss for seconds", n.text), "a duration needs a unit, this is %s", n.what())
			case n.kind != textNode || !ok:
				l.refuse(n.at, "units are ms, s, m, h and d: 500ms, 30s, 1m30s", "a duration is needed, this is %s", n.what())
			case v < from || v > to:
				l.refuse(n.at, "", "a duration from %s to %s is needed, this is %s", writeDuration(from), writeDuration(to), n.text)
			default:
				return v, true
			}
			return 0, false
		},
		write: func(v time.Duration) any { return writeDuration(v) },
		describe: func(*describer) map[string]any {
			return map[string]any{"type": "string", "pattern": "^([0-9]+(ms|s|m|h|d))+$"}
		},
	}.shape()
}

// parseDuration reads 30s, 1m30s, 2d; unlike time.ParseDuration it knows days and neither signs nor fractions.
func parseDuration(s string) (total time.Duration, ok bool) {
	for s != "" {
		digits := 0
		for digits < len(s) && s[digits] >= '0' && s[digits] <= '9' {
			digits++
		}
		letters := digits
		for letters < len(s) && s[letters] >= 'a' && s[letters] <= 'z' {
			letters++
		}
		count, err := strconv.ParseInt(s[:digits], 10, 32)
		unit := unitOf(s[digits:letters])
		if err != nil || unit == 0 || time.Duration(count) > (math.MaxInt64-total)/unit {
			return 0, false
		}
		total += time.Duration(count) * unit
		s, ok = s[letters:], true
	}
	return total, ok
}

func unitOf(name string) time.Duration {
	for _, u := range units {
		if u.name == name {
			return u.unit
		}
	}
	return 0
}

func writeDuration(d time.Duration) string {
	if d == 0 {
		return "0s"
	}
	var b strings.Builder
	for _, u := range units {
		if count := d / u.unit; count > 0 {
			fmt.Fprintf(&b, "%d%s", count, u.name)
			d -= count * u.unit
		}
	}
	return b.String()
}
