package body_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"skerry.dev/skerry/waf/body"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// media is what a Content-Type says, which must be one.
func media(t testing.TB, contentType string) body.Media {
	t.Helper()
	m, err := body.Classify([]byte(contentType), new(body.Memory))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// parse takes a body apart by the default limits.
func parse(t testing.TB, contentType, text string) (*body.Parsed, error) {
	t.Helper()
	p := new(body.Parsed)
	err := p.Parse(media(t, contentType), []byte(text), body.DefaultLimits(), new(body.Memory))
	return p, err
}

// lines is a list of pairs as text, one name=value a line.
func lines(pairs []body.Pair) string {
	var b strings.Builder
	for _, p := range pairs {
		fmt.Fprintf(&b, "%s=%s\n", p.Name, p.Value)
	}
	return b.String()
}

// flat is the same with semicolons, for tables.
func flat(pairs []body.Pair) string {
	return strings.TrimSuffix(strings.ReplaceAll(lines(pairs), "\n", "; "), "; ")
}

// reason is why something was refused, "ok" if it was not.
func reason(t testing.TB, err error) string {
	t.Helper()
	if err == nil {
		return "ok"
	}
	var e *body.Error
	if !errors.As(err, &e) {
		t.Fatalf("%T is not *body.Error: %v", err, err)
	}
	if e.In == "" || e.What == "" || e.At < 0 || (e.Reason == body.Limit) != (e.Max > 0) {
		t.Fatalf("an error that does not say enough: %#v", e)
	}
	return e.Reason.String()
}
