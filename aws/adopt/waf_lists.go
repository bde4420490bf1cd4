package adopt

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"skerry.dev/skerry/aws/finding"
	"skerry.dev/skerry/aws/schema"
)

// This file reads the lists of the Core Rule Set back from the rules that the compiler makes of them: each is a regular
// expression around words, in statements of its own or in sets.

// The rules of the Core Rule Set that have lists.
const (
	crsTypes      = 920420
	crsExtensions = 920440
	crsHeaders    = 920450
	crsCharsets   = 920480
)

// The frames around words.
const (
	typeBegin, typeEnd           = `^(?:`, `)\s*(?:;|$)`
	charsetBegin, charsetEnd     = `;\s*charset\s*=\s*["']?(?:`, `)["']?\s*(?:;|$)`
	extensionBegin, extensionEnd = `\.(?:`, `)$`
	charsetThere                 = `charset\s*=`
	charsetTwice                 = `charset\s*=.*charset\s*=`
	typeRest                     = `[^;,\s/]*` // stands for the * of a type
)

// listRule is a rule of one of the lists.
func (w *webACL) listRule(r *wafRule, scope *expr, rest []*expr) bool {
	known := schema.ManagedRules()
	for _, list := range []struct {
		id         int
		field      string
		items      []string // nil: the rule is another one
		restricted []string // of which the rule refuses the items; nil: it allows them
	}{
		{crsTypes, "contentTypes", w.typeRule(rest), nil},
		{crsCharsets, "charsets", w.charsetRule(rest), nil},
		{crsExtensions, "extensions", w.extensionRule(rest), known.Extensions},
		{crsHeaders, "headers", headerRule(rest), known.Headers},
	} {
		if list.items == nil {
			continue
		}
		var rule *finding.Rule
		allow, text := list.items, ""
		if list.restricted != nil {
			allow = except(list.restricted, list.items)
			if own := except(list.items, list.restricted); len(own) > 0 {
				rule, text = &wafRules.narrow, fmt.Sprintf("the rule %s refuses %s, which the Core Rule Set does not", r.name, strings.Join(own, ", "))
			}
		}
		slices.Sort(allow)
		allow = slices.Compact(allow)
		if !sayable(said{"waf", []said{{"mode", "block"}, {"allow", []said{{list.field, allow}}}}}) {
			return false
		}
		w.taken(r, "waf.allow."+list.field, scope, rule, text, statusForbidden)
		w.add(r, scope, func(p *lanePolicy) {
			p.waf.lists[list.id] = allow
			p.waf.decides(r)
		})
		return true
	}
	return false
}

func except(list, but []string) []string {
	return slices.DeleteFunc(slices.Clone(list), func(s string) bool { return slices.Contains(but, s) })
}

// patterns are the regular expressions of which one has to match a header field, by its name in lower case, or the path, for "".
// steps are the transformations. false: the statement is another one.
func (w *webACL) patterns(e *expr, field string, steps []string) (list []string, ok bool) {
	kind, body := only(e.node)
	switch kind {
	case "OrStatement":
		for _, s := range body.Get("Statements").List() {
			part, ok := w.patterns(&expr{node: s}, field, steps)
			if !ok {
				return nil, false
			}
			list = append(list, part...)
		}
		return list, len(list) > 0
	case "RegexMatchStatement":
		list = []string{body.Get("RegexString").String()}
	case "RegexPatternSetReferenceStatement":
		set := w.f.target(body.Get("Arn"), "AWS::WAFv2::RegexPatternSet")
		if set == nil {
			return nil, false
		}
		for _, n := range set.Props.Get("RegularExpressionList").List() {
			list = append(list, n.String())
		}
	default:
		return nil, false
	}
	part, of := only(body.Get("FieldToMatch"))
	right := field == "" && part == "UriPath" || field != "" && part == "SingleHeader" && strings.EqualFold(of.Get("Name").String(), field)
	return list, right && len(list) > 0 && slices.Equal(transforms(body), steps)
}

// words are what stands between begin and end in each expression; nil: one of them is another one.
func words(list []string, begin, end string) (out []string) {
	for _, text := range list {
		inner, ok := strings.CutPrefix(text, begin)
		if inner, ok = cutSuffix(inner, end, ok); !ok {
			return nil
		}
		for _, word := range strings.Split(inner, "|") {
			plain, ok := unquoted(word)
			if !ok {
				return nil
			}
			out = append(out, plain)
		}
	}
	return out
}

func cutSuffix(s, suffix string, ok bool) (string, bool) {
	if !ok {
		return s, false
	}
	return strings.CutSuffix(s, suffix)
}

// unquoted is the text that an expression matches alone; a * is what a type may have. false: it matches more.
func unquoted(word string) (string, bool) {
	word = strings.ReplaceAll(word, typeRest, `\*`)
	var b strings.Builder
	for i := 0; i < len(word); i++ {
		if word[i] == '\\' && i+1 < len(word) {
			i++
		}
		b.WriteByte(word[i])
	}
	return b.String(), regexp.QuoteMeta(b.String()) == word
}

// types are the content types of a condition that fits some of them; nil: it is another one.
func (w *webACL) types(e *expr) []string {
	list, ok := w.patterns(e, "content-type", []string{"LOWERCASE"})
	if !ok {
		return nil
	}
	return words(list, typeBegin, typeEnd)
}

// typeRule has a Content-Type, and not one of some.
func (w *webACL) typeRule(rest []*expr) []string {
	if len(rest) != 2 || rest[1].op != opNot {
		return nil
	}
	_, body := only(rest[0].node)
	n, ok := beyond(rest[0], "SingleHeader")
	if !ok || n != 0 || !strings.EqualFold(body.Path("FieldToMatch", "SingleHeader", "Name").String(), "content-type") {
		return nil
	}
	return w.types(rest[1].of[0])
}

// charsetRule has a charset, and two or not one of some.
func (w *webACL) charsetRule(rest []*expr) []string {
	if len(rest) != 2 || rest[1].op != opAny || len(rest[1].of) != 2 || rest[1].of[1].op != opNot {
		return nil
	}
	lower := []string{"LOWERCASE"}
	for e, want := range map[*expr]string{rest[0]: charsetThere, rest[1].of[0]: charsetTwice} {
		if list, ok := w.patterns(e, "content-type", lower); !ok || len(list) != 1 || list[0] != want {
			return nil
		}
	}
	list, ok := w.patterns(rest[1].of[1].of[0], "content-type", lower)
	if !ok {
		return nil
	}
	return words(list, charsetBegin, charsetEnd)
}

// extensionRule has a path that ends with one of some.
func (w *webACL) extensionRule(rest []*expr) (out []string) {
	if len(rest) != 1 {
		return nil
	}
	list, ok := w.patterns(rest[0], "", []string{"URL_DECODE", "LOWERCASE"})
	if !ok {
		return nil
	}
	for _, word := range words(list, extensionBegin, extensionEnd) {
		out = append(out, "."+word)
	}
	return out
}

// headerRule has one of some fields.
func headerRule(rest []*expr) (out []string) {
	if len(rest) != 1 {
		return nil
	}
	of := rest[0].of
	if rest[0].op != opAny {
		of = rest
	}
	for _, e := range of {
		_, body := only(e.node)
		n, ok := beyond(e, "SingleHeader")
		if !ok || n != -1 {
			return nil
		}
		out = append(out, strings.ToLower(body.Path("FieldToMatch", "SingleHeader", "Name").String()))
	}
	return out
}
