package freshness_test

import (
	"fmt"
	"math/big"
	"testing"
	"time"

	"pgregory.net/rapid"

	"skerry.dev/skerry/cache/freshness"
)

// The model is RFC 9111 sections 4.2.1 and 4.2.3 and RFC 5861 as they are written, in integers without bound. Where the RFC lets
// seconds be as long as we can say (section 1.2.2), capped says how long that is.

func seconds(n int64) *big.Int { return new(big.Int).Mul(big.NewInt(n), big.NewInt(1e9)) }

func greater(a, b *big.Int) *big.Int {
	if a.Cmp(b) > 0 {
		return a
	}
	return b
}

func capped(a *big.Int) *big.Int {
	if most := seconds(1 << 31); a.Cmp(most) > 0 {
		return most
	}
	return a
}

// story is one response and one later request. -1 is: not said.
type story struct {
	date, age, maxAge, sMaxAge, expires, modified int64 // date, expires, modified: seconds from the second in which the head came
	hasDate, hasExpires, hasModified              bool
	revalidate, ifError                           int64
	must                                          bool
	delay, resident                               time.Duration
	askMaxAge, askMinFresh, askMaxStale           int64
}

func (s *story) response() string {
	text := "ETag: \"a\"\nCache-Control: x"
	add := func(name string, n int64) {
		if n >= 0 {
			text += fmt.Sprintf(", %s=%d", name, n)
		}
	}
	add("max-age", s.maxAge)
	add("s-maxage", s.sMaxAge)
	add("stale-while-revalidate", s.revalidate)
	add("stale-if-error", s.ifError)
	if s.must {
		text += ", must-revalidate"
	}
	if s.age >= 0 {
		text += fmt.Sprintf("\nAge: %d", s.age)
	}
	second := came.Truncate(time.Second)
	field := func(name string, has bool, from int64) {
		if has {
			at := second.Add(time.Duration(from) * time.Second)
			text += "\n" + name + ": " + at.Format("Mon, 02 Jan 2006 15:04:05 GMT")
		}
	}
	field("Date", s.hasDate, s.date)
	field("Expires", s.hasExpires, s.expires)
	field("Last-Modified", s.hasModified, s.modified)
	return text
}

func (s *story) request() string {
	text := "Cache-Control: x"
	for _, d := range []struct {
		name string
		n    int64
	}{{"max-age", s.askMaxAge}, {"min-fresh", s.askMinFresh}, {"max-stale", s.askMaxStale}} {
		if d.n >= 0 {
			text += fmt.Sprintf(", %s=%d", d.name, d.n)
		}
	}
	return text
}

// currentAge is section 4.2.3.
func (s *story) currentAge() *big.Int {
	ageValue := big.NewInt(0)
	if s.age >= 0 {
		ageValue = capped(seconds(s.age))
	}
	apparentAge := big.NewInt(0)
	if s.hasDate {
		apparentAge = capped(greater(big.NewInt(0), seconds(-s.date)))
	}
	responseDelay := big.NewInt(int64(s.delay))
	correctedAgeValue := new(big.Int).Add(ageValue, responseDelay)
	correctedInitialAge := capped(greater(apparentAge, correctedAgeValue))
	return capped(new(big.Int).Add(correctedInitialAge, big.NewInt(int64(s.resident))))
}

// freshnessLifetime is sections 4.2.1 and 4.2.2.
func (s *story) freshnessLifetime() *big.Int {
	dateValue := int64(0)
	if s.hasDate {
		dateValue = s.date
	}
	switch {
	case s.sMaxAge >= 0:
		return capped(seconds(s.sMaxAge))
	case s.maxAge >= 0:
		return capped(seconds(s.maxAge))
	case s.hasExpires:
		return capped(greater(big.NewInt(0), seconds(s.expires-dateValue)))
	case s.hasModified:
		tenth := new(big.Int).Div(capped(greater(big.NewInt(0), seconds(dateValue-s.modified))), big.NewInt(10))
		if day := seconds(86400); tenth.Cmp(day) > 0 {
			return day
		}
		return tenth
	}
	return big.NewInt(0)
}

// use is what may be done, and whether after a failure the answer may be served.
func (s *story) use() (use freshness.Use, failure bool) {
	age, lifetime := s.currentAge(), s.freshnessLifetime()
	fresh := lifetime.Cmp(age) > 0
	staleness := new(big.Int).Sub(age, lifetime)
	within := func(n int64) bool { return n > 0 && staleness.Cmp(capped(seconds(n))) <= 0 }
	prohibited := s.must || s.sMaxAge >= 0
	failure = fresh || !prohibited && (within(s.ifError) || within(s.revalidate) || within(s.askMaxStale))
	switch {
	case s.askMaxAge >= 0 && age.Cmp(capped(seconds(s.askMaxAge))) > 0:
		return freshness.UseValidate, failure
	case s.askMinFresh >= 0 && new(big.Int).Add(age, capped(seconds(s.askMinFresh))).Cmp(lifetime) > 0:
		return freshness.UseValidate, failure
	case fresh:
		return freshness.UseFresh, failure
	case prohibited, s.askMaxAge >= 0 && s.askMaxStale < 0:
		return freshness.UseValidate, failure
	case s.askMaxStale >= 0 && within(s.askMaxStale), s.askMaxStale < 0 && within(s.revalidate):
		return freshness.UseStale, failure
	}
	return freshness.UseValidate, failure
}

// TestModel compares the arithmetic with the model; rapid prints the seed of a failure.
func TestModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		span := func(name string) int64 {
			return rapid.OneOf(rapid.Just(int64(-1)), rapid.Int64Range(0, 30), rapid.Int64Range(0, 1e6), rapid.Int64Range(1<<31-3, 1<<31+3), rapid.Int64Range(0, 1<<62)).Draw(t, name)
		}
		offset := func(name string) int64 {
			return rapid.OneOf(rapid.Int64Range(-30, 30), rapid.Int64Range(-1e6, 1e6), rapid.Int64Range(-6e9, 6e9)).Draw(t, name)
		}
		wait := func(name string, most int64) time.Duration {
			return time.Duration(rapid.OneOf(rapid.Just(int64(0)), rapid.Int64Range(0, 40e9), rapid.Int64Range(0, most)).Draw(t, name))
		}
		s := story{
			date: offset("date"), hasDate: rapid.Bool().Draw(t, "has date"), age: span("age"), maxAge: span("max-age"), sMaxAge: span("s-maxage"),
			expires: offset("expires"), hasExpires: rapid.Bool().Draw(t, "has expires"),
			modified: offset("last-modified"), hasModified: rapid.Bool().Draw(t, "has last-modified"),
			revalidate: span("stale-while-revalidate"), ifError: span("stale-if-error"), must: rapid.Bool().Draw(t, "must-revalidate"),
			delay: wait("delay", 1<<60), resident: wait("resident", 1<<62),
			askMaxAge: span("ask max-age"), askMinFresh: span("ask min-fresh"), askMaxStale: span("ask max-stale"),
		}
		a := arrival(s.response())
		a.Asked = came.Add(-s.delay)
		terms, reason := freshness.Judge(a, &standard)
		if reason != freshness.ReasonNone {
			t.Fatal(reason)
		}
		at := came.Add(s.resident)
		if got, want := int64(terms.Age(at)), s.currentAge().Int64(); got != want {
			t.Fatalf("%s\nage %d, want %d", s.response(), got, want)
		}
		if got, want := terms.Lifetime, s.freshnessLifetime().Int64(); got != want {
			t.Fatalf("%s\nlifetime %d, want %d", s.response(), got, want)
		}
		asked := freshness.RequestDirectives(fields(s.request()))
		use, failure := s.use()
		if got := terms.Use(at, &asked); got != use {
			t.Fatalf("%s\n%s\nuse %d, want %d", s.response(), s.request(), got, use)
		}
		if got := terms.AfterFailure(at, &asked); got != failure {
			t.Fatalf("%s\n%s\nafter failure %v", s.response(), s.request(), got)
		}
	})
}
