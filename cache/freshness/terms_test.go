package freshness_test

import (
	"testing"
	"time"

	"skerry.dev/skerry/cache/freshness"
)

// terms are those of a response that came at the instant came.
func terms(t testing.TB, response string) *freshness.Terms {
	t.Helper()
	terms, reason := freshness.Judge(arrival(response), &standard)
	if reason != freshness.ReasonNone {
		t.Fatalf("%q: %s", response, reason)
	}
	return &terms
}

func TestUse(t *testing.T) {
	const fresh, stale, validate = freshness.UseFresh, freshness.UseStale, freshness.UseValidate
	const etag = "ETag: \"a\"\n"
	for _, row := range []struct {
		section  string
		response string
		after    time.Duration
		request  string
		use      freshness.Use
		failure  bool // may be served after one
	}{
		{"4.2", "Cache-Control: max-age=10", 9 * time.Second, "", fresh, true},
		{"4.2 fresh is: longer than its age", "Cache-Control: max-age=10", 10 * time.Second, "", validate, false},
		{"4.2 the clock went back", "Cache-Control: max-age=10", -time.Hour, "", fresh, true},
		{"5.2.2.4", etag + "Cache-Control: max-age=10, no-cache, stale-if-error=60", 0, "", validate, false},
		{"5.2.2.4 fields", "Cache-Control: max-age=10, no-cache=\"x\"", 0, "", fresh, true},
		{"RFC 5861 3", "Cache-Control: max-age=10, stale-while-revalidate=5", 12 * time.Second, "", stale, true},
		{"RFC 5861 3 up to", "Cache-Control: max-age=10, stale-while-revalidate=5", 15 * time.Second, "", stale, true},
		{"RFC 5861 3 no longer", "Cache-Control: max-age=10, stale-while-revalidate=5", 15*time.Second + 1, "", validate, false},
		{"RFC 5861 4", "Cache-Control: max-age=10, stale-if-error=5", 15 * time.Second, "", validate, true},
		{"RFC 5861 4 no longer", "Cache-Control: max-age=10, stale-if-error=5", 16 * time.Second, "", validate, false},
		{"RFC 5861 4 by the client", "Cache-Control: max-age=10", 15 * time.Second, "Cache-Control: stale-if-error=5", validate, true},
		{"RFC 5861 4 by the client no longer", "Cache-Control: max-age=10", 16 * time.Second, "Cache-Control: stale-if-error=5", validate, false},
		{"4.2.4", "Cache-Control: max-age=10, must-revalidate, stale-while-revalidate=60, stale-if-error=60", 12 * time.Second, "Cache-Control: max-stale, stale-if-error=60", validate, false},
		{"4.2.4", "Cache-Control: max-age=10, proxy-revalidate, stale-while-revalidate=60, stale-if-error=60", 12 * time.Second, "Cache-Control: max-stale, stale-if-error=60", validate, false},
		{"5.2.2.10", "Cache-Control: s-maxage=10, stale-while-revalidate=60, stale-if-error=60", 12 * time.Second, "Cache-Control: max-stale, stale-if-error=60", validate, false},
		{"5.2.2.2 fresh all the same", "Cache-Control: max-age=10, must-revalidate", 9 * time.Second, "", fresh, true},
		{"5.2.1.1", "Cache-Control: max-age=100", 10 * time.Second, "Cache-Control: max-age=10", fresh, true},
		{"5.2.1.1 older", "Cache-Control: max-age=100", 10*time.Second + 1, "Cache-Control: max-age=10", validate, true},
		{"5.2.1.1 reload", "Cache-Control: max-age=100", 1, "Cache-Control: max-age=0", validate, true},
		{"5.2.1.1 no stale answers", "Cache-Control: max-age=1, stale-while-revalidate=60", 2 * time.Second, "Cache-Control: max-age=60", validate, true},
		{"5.2.1.1 but with max-stale", "Cache-Control: max-age=1", 2 * time.Second, "Cache-Control: max-age=60, max-stale=1", stale, true},
		{"5.2.1.1 with Age", "Cache-Control: max-age=100\nAge: 50", 0, "Cache-Control: max-age=20", validate, true},
		{"5.2.1.2", "Cache-Control: max-age=10", 20 * time.Second, "Cache-Control: max-stale=10", stale, true},
		{"5.2.1.2 more", "Cache-Control: max-age=10", 21 * time.Second, "Cache-Control: max-stale=10", validate, false},
		{"5.2.1.2 any", "Cache-Control: max-age=10", 1e6 * time.Second, "Cache-Control: max-stale", stale, true},
		{"5.2.1.2 narrower than RFC 5861", "Cache-Control: max-age=10, stale-while-revalidate=60", 30 * time.Second, "Cache-Control: max-stale=10", validate, true},
		{"5.2.1.2 invalid", "Cache-Control: max-age=10", 11 * time.Second, "Cache-Control: max-stale=x", validate, false},
		{"5.2.1.3", "Cache-Control: max-age=10", 4 * time.Second, "Cache-Control: min-fresh=6", fresh, true},
		{"5.2.1.3 not fresh enough", "Cache-Control: max-age=10", 5 * time.Second, "Cache-Control: min-fresh=6", validate, true},
		{"5.2.1.3 no stale answers", "Cache-Control: max-age=1, stale-while-revalidate=60", 2 * time.Second, "Cache-Control: min-fresh=0", validate, true},
		{"5.2.1.4", "Cache-Control: max-age=10", 0, "Cache-Control: no-cache", validate, false},
		{"5.4", "Cache-Control: max-age=10", 0, "Pragma: no-cache", validate, false},
		{"a clock beyond reason", "Cache-Control: max-age=10", 200 * 365 * 24 * time.Hour, "", validate, false},
	} {
		terms, at := terms(t, row.response), came.Add(row.after)
		asked := freshness.RequestDirectives(fields(row.request))
		if got := terms.Use(at, &asked); got != row.use {
			t.Errorf("%s: %q for %q after %s: use %d, want %d", row.section, row.response, row.request, row.after, got, row.use)
		}
		if got := terms.AfterFailure(at, &asked); got != row.failure {
			t.Errorf("%s: %q for %q after %s: after failure %v", row.section, row.response, row.request, row.after, got)
		}
		if row.request == "" && (terms.Use(at, nil) != row.use || terms.AfterFailure(at, nil) != row.failure) {
			t.Errorf("%s: nil is not the same as nothing asked", row.section)
		}
	}
}

// TestBrokenTerms has terms that no response makes, as a damaged store might have them.
func TestBrokenTerms(t *testing.T) {
	const most, least = 1<<63 - 1, -1 << 63
	for _, broken := range []freshness.Terms{
		{Born: least, Lifetime: most}, {Born: most, Lifetime: most}, {Born: least, Lifetime: least}, {Lifetime: most, IfError: least, WhileRevalidate: least},
	} {
		for _, at := range []time.Time{{}, came, time.Unix(1<<40, 0), time.Unix(1<<62, 0), time.Unix(-1<<62, 0)} {
			age, left := broken.Age(at), broken.Left(at)
			if age < 0 || age > freshness.Longest || left > freshness.Longest || left < -freshness.Longest {
				t.Errorf("%+v at %v: age %v, left %v", broken, at, age, left)
			}
			broken.Use(at, nil)
			broken.AfterFailure(at, nil)
		}
	}
	far := time.Unix(1<<40, 0) // a clock that stands at its end must not keep anything fresh
	a := arrival("Cache-Control: max-age=60\nETag: \"a\"")
	a.Asked, a.Came = far, far
	if terms, _ := freshness.Judge(a, &standard); terms.Use(far.Add(time.Hour), nil) != freshness.UseValidate {
		t.Error("fresh in the year 36812")
	}
}

func TestShareable(t *testing.T) {
	f := func(response string, want bool) {
		t.Helper()
		if got := terms(t, response).Shareable(); got != want {
			t.Errorf("%q: %v", response, got)
		}
	}
	f("Cache-Control: max-age=60", false)
	f(now+"Expires: "+at(60), false)
	f("Cache-Control: max-age=60, public", true)
	f("Cache-Control: s-maxage=60", true)
	f("CDN-Cache-Control: max-age=60", true)
	f("Cache-Control: max-age=60, public\nSet-Cookie: a=b", false)
	f("Cache-Control: s-maxage=60\nVary: Accept, cookie", false)
	f("CDN-Cache-Control: max-age=60\nVary: Authorization", false)
	f("Cache-Control: max-age=60, public\nVary: Accept-Encoding", true)
}

func TestSoftened(t *testing.T) {
	later := came.Add(3 * time.Second)
	soft := terms(t, "Cache-Control: max-age=60").Softened(later)
	if got := soft.Use(later, nil); got != freshness.UseValidate {
		t.Errorf("use %d", got)
	}
	soft = terms(t, "Cache-Control: max-age=60, stale-while-revalidate=5").Softened(later)
	if got := soft.Use(later, nil); got != freshness.UseStale {
		t.Errorf("with stale-while-revalidate: use %d", got)
	}
	if got := soft.Use(later.Add(6*time.Second), nil); got != freshness.UseValidate {
		t.Errorf("with stale-while-revalidate, later: use %d", got)
	}
	stale := terms(t, "Cache-Control: max-age=1")
	if got := stale.Softened(later); got != *stale {
		t.Errorf("one that was stale: %+v, want %+v", got, *stale)
	}
}

func TestFailed(t *testing.T) {
	for status := range 600 {
		want := status == 500 || status == 502 || status == 503 || status == 504
		if freshness.Failed(status) != want {
			t.Errorf("%d: %v", status, !want)
		}
	}
}
