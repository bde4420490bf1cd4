package compile

import (
	"net/netip"
	"net/url"
	"path"
	"regexp"
	"strings"
	"testing"

	"skerry.dev/skerry/aws/model"
	"skerry.dev/skerry/aws/schema"
)

// wafReq is what the evaluator of these tests knows of a request; its path is as sent.
type wafReq struct {
	method, path string
	headers      map[string]string // by names in lower case
	query        map[string]string
	from         netip.Addr
	bodyBytes    int64
	labels       map[string]bool
}

func wafText(v model.Value) string {
	s, _ := v.(model.Text)
	return string(s)
}

func wafInt(v model.Value) int64 {
	n, _ := v.(model.Int)
	return int64(n)
}

// wafFits is AWS WAF, as far as our statements need it, written by its documentation and not by the code under test.
func wafFits(t testing.TB, s *statement, r *wafReq) bool {
	switch {
	case s == nil:
		return true
	case s.AndStatement != nil:
		for _, of := range s.AndStatement.Statements {
			if !wafFits(t, of, r) {
				return false
			}
		}
		return true
	case s.OrStatement != nil:
		for _, of := range s.OrStatement.Statements {
			if wafFits(t, of, r) {
				return true
			}
		}
		return false
	case s.NotStatement != nil:
		return !wafFits(t, s.NotStatement.Statement, r)
	case s.LabelMatchStatement != nil:
		return r.labels[wafText(s.LabelMatchStatement.Key)]
	case s.IPSetReferenceStatement != nil:
		for _, a := range s.IPSetReferenceStatement.Arn.(model.Ref).Resource.Props.(*model.IPSet).Addresses {
			if netip.MustParsePrefix(wafText(a)).Contains(r.from) {
				return true
			}
		}
		return false
	case s.SizeConstraintStatement != nil:
		return fitsSize(t, s.SizeConstraintStatement, r)
	case s.ByteMatchStatement != nil:
		m := s.ByteMatchStatement
		value, there := wafPart(t, m.FieldToMatch, r)
		return there && wafCompare(wafText(m.PositionalConstraint), wafTransform(t, m.TextTransformations, value), wafText(m.SearchString))
	case s.RegexMatchStatement != nil:
		m := s.RegexMatchStatement
		value, there := wafPart(t, m.FieldToMatch, r)
		return there && regexp.MustCompile(wafText(m.RegexString)).MatchString(wafTransform(t, m.TextTransformations, value))
	case s.RegexPatternSetReferenceStatement != nil:
		m := s.RegexPatternSetReferenceStatement
		value, there := wafPart(t, m.FieldToMatch, r)
		for _, regex := range m.Arn.(model.Ref).Resource.Props.(*model.RegexPatternSet).RegularExpressionList {
			if there && regexp.MustCompile(wafText(regex)).MatchString(wafTransform(t, m.TextTransformations, value)) {
				return true
			}
		}
		return false
	}
	t.Fatalf("a statement that the test does not know: %+v", s)
	return false
}

func fitsSize(t testing.TB, m *model.WebACLSizeConstraintStatement, r *wafReq) bool {
	size, there := int64(0), true
	switch f := m.FieldToMatch; {
	case f.Body != nil:
		size = r.bodyBytes
	case f.Headers != nil:
		for name, value := range r.headers {
			size += int64(len(name) + len(value))
		}
	default:
		var value string
		value, there = wafPart(t, f, r)
		size = int64(len(value))
	}
	if wafText(m.ComparisonOperator) == "GE" {
		return there && size >= wafInt(m.Size)
	}
	return there && size > wafInt(m.Size)
}

func wafPart(t testing.TB, f *model.WebACLFieldToMatch, r *wafReq) (string, bool) {
	switch {
	case f.UriPath != nil:
		return r.path, true
	case f.Method != nil:
		return r.method, true
	case f.SingleHeader != nil:
		v, ok := r.headers[wafText(f.SingleHeader.Name)]
		return v, ok
	case f.SingleQueryArgument != nil:
		v, ok := r.query[wafText(f.SingleQueryArgument.Name)]
		return v, ok
	}
	t.Fatalf("a part of a request that the test does not know: %+v", f)
	return "", false
}

func wafCompare(how, value, search string) bool {
	switch how {
	case "EXACTLY":
		return value == search
	case "STARTS_WITH":
		return strings.HasPrefix(value, search)
	case "ENDS_WITH":
		return strings.HasSuffix(value, search)
	}
	return strings.Contains(value, search)
}

func wafTransform(t testing.TB, list []*model.WebACLTextTransformation, value string) string {
	for i, tr := range list {
		if wafInt(tr.Priority) != int64(i) {
			t.Fatalf("transformation %d has priority %v", i, tr.Priority)
		}
		switch kind := wafText(tr.Type); kind {
		case "NONE":
			if len(list) > 1 {
				t.Fatal("NONE does not stand alone")
			}
		case "LOWERCASE":
			value = strings.ToLower(value)
		case "URL_DECODE":
			if plain, err := url.PathUnescape(value); err == nil {
				value = plain
			}
		case "NORMALIZE_PATH":
			clean := path.Clean(value)
			if strings.HasSuffix(value, "/") && clean != "/" {
				clean += "/"
			}
			value = clean
		default:
			t.Fatalf("transformation %s", kind)
		}
	}
	return value
}

func addr(s string) netip.Addr { return netip.MustParseAddr(s) }

func managedGroup(t testing.TB, name string) *schema.ManagedGroup {
	t.Helper()
	g := schema.ManagedRules().Group(name)
	if g == nil {
		t.Fatalf("no group %s", name)
	}
	return g
}
