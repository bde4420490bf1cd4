package compile

import (
	"fmt"
	"regexp"
	"strings"
)

// This file is about the regular expressions of AWS WAF: those of PCRE, less groups that capture, look-around, back references,
// recursion, atomic groups and possessive quantifiers, see
// https://docs.aws.amazon.com/waf/latest/developerguide/waf-regex-pattern-support.html

// regexFlaw says why AWS WAF would refuse a regular expression, or might: what is let through is known to both PCRE and RE2, and means
// the same to both. Empty: nothing is wrong.
func regexFlaw(s string) string {
	if len(s) > regexBytesMax {
		return fmt.Sprintf("it has %d bytes, %d is the limit", len(s), regexBytesMax)
	}
	class, open := false, 0
	for i := 0; i < len(s); i++ {
		c, next := s[i], byte(0)
		if i+1 < len(s) {
			next = s[i+1]
		}
		switch {
		case c < ' ' || c > '~':
			return "it has a byte that is not printable ASCII"
		case c == '\\' && (next == 0 || strings.IndexByte(`dsw.*+?()|[]{}^$\/-"'`, next) < 0):
			return fmt.Sprintf(`%q is not among the escapes that are known`, s[i:min(i+2, len(s))])
		case c == '\\':
			i++
		case class:
			if class = c != ']'; c == '[' {
				return "there is a [ in a class"
			}
		case c == '[':
			class = true
		case c == '(' && !strings.HasPrefix(s[i:], "(?:"):
			return "it has a group that is not (?:"
		case c == '(':
			open++
			i += len("?:")
		case c == ')':
			if open--; open < 0 {
				return "it closes a group that is not open"
			}
		case c == '{' && !repeat.MatchString(s[i:]):
			return "it has a { that is no small number of times"
		case strings.IndexByte("*+?}", c) >= 0 && (next == '*' || next == '+' || next == '?' || next == '{'):
			return "it has a quantifier behind another"
		}
	}
	if class || open > 0 {
		return "it ends inside of a class or group"
	}
	return ""
}

// repeat is a bounded number of times; AWS WAF refuses large ones.
var repeat = regexp.MustCompile(`^\{[0-9]{1,2}(,[0-9]{0,2})?\}`)

// alternatives packs words into as few regular expressions as possible, each begin(?:a|b|c)end within the limit. Words are regular
// expressions; one that is too long by itself is left out, and returned.
func alternatives(begin string, words []string, end string) (regexes, tooLong []string) {
	room := regexBytesMax - len(begin) - len("(?:)") - len(end)
	var now []string
	used := 0
	flush := func() {
		if len(now) > 0 {
			regexes = append(regexes, begin+"(?:"+strings.Join(now, "|")+")"+end)
		}
		now, used = nil, 0
	}
	for _, w := range words {
		switch {
		case len(w) > room:
			tooLong = append(tooLong, w)
			continue
		case used > 0 && used+1+len(w) > room || len(now) == branchesMax:
			flush()
		}
		if used > 0 {
			used++
		}
		used += len(w)
		now = append(now, w)
	}
	flush()
	return regexes, tooLong
}

// moreThan are regular expressions, one of which matches each decimal number above n and nothing else.
func moreThan(n int64) []string {
	digits := fmt.Sprint(n)
	words := []string{fmt.Sprintf(`[1-9]\d{%d,}`, len(digits))}
	for i := range len(digits) {
		if digits[i] == '9' {
			continue
		}
		word := digits[:i] + fmt.Sprintf("[%c-9]", digits[i]+1)
		if digits[i] == '8' {
			word = digits[:i] + "9"
		}
		if rest := len(digits) - i - 1; rest > 0 {
			word += fmt.Sprintf(`\d{%d}`, rest)
		}
		words = append(words, word)
	}
	regexes, _ := alternatives("^0*", words, "$")
	return regexes
}
