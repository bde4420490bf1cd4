package cachetest

import "strconv"

// freshness is how long an answer may be used, as Cache-Control says it.
var freshness = group("freshness",
	drops(Check, "an answer that says nothing", "9111 4.2.2", ""),
	keeps(Optimal, "max-age", "9111 5.2.2.1", "Cache-Control: max-age=3600"),
	required("max-age has passed", "9111 4.2", brief, get.miss()),
	drops(Required, "max-age=0", "9111 5.2.2.1", "Cache-Control: max-age=0"),
	keeps(Optimal, "max-age of 2^31-1", "9111 1.2.2", "Cache-Control: max-age=2147483647"),
	keeps(Optimal, "max-age of 2^31", "9111 1.2.2", "Cache-Control: max-age=2147483648"),
	keeps(Optimal, "max-age of 2^31+1", "9111 1.2.2", "Cache-Control: max-age=2147483649"),
	keeps(Optimal, "max-age beyond 32 bits", "9111 1.2.2", "Cache-Control: max-age=99999999999"),
	keeps(Optimal, "max-age beyond 64 bits", "9111 1.2.2", "Cache-Control: max-age=99999999999999999999999"),
	drops(Required, "Age beyond max-age", "9111 4.2.3", "Cache-Control: max-age=3600\nAge: 7200"),
	drops(Required, "Age as long as max-age", "9111 4.2", "Cache-Control: max-age=3600\nAge: 3600"),
	keeps(Optimal, "Age below max-age", "9111 4.2.3", "Cache-Control: max-age=3600\nAge: 1800"),
	expires(Required, "Age counts with the time in the store", "9111 4.2.3", "Cache-Control: max-age=3600\nAge: 3599"),
	drops(Check, "a Date longer ago than max-age", "9111 4.2.3", "Cache-Control: max-age=3600\nDate: {-7200}"),
	keeps(Optimal, "a Date in the future", "9111 4.2.3", "Cache-Control: max-age=3600\nDate: {+7200}"),
	keeps(Optimal, "no Date", "9110 6.6.1", "Cache-Control: max-age=3600\nDate:"),
	keeps(Optimal, "max-age before an Expires in the past", "9111 5.3", "Cache-Control: max-age=3600\nExpires: {-7200}\nDate: {0}"),
	keeps(Optimal, "max-age before an Expires that is no date", "9111 5.3", "Cache-Control: max-age=3600\nExpires: 0\nDate: {0}"),
	drops(Required, "max-age=0 before an Expires in the future", "9111 5.3", "Expires: {+3600}\nCache-Control: max-age=0\nDate: {0}"),
	keeps(Optimal, "beside an unknown directive", "9111 5.2.3", "Cache-Control: unheard-of, max-age=3600"),
	keeps(Optimal, "beside an unknown directive with an argument", "9111 5.2.3", "Cache-Control: unheard-of=\"a, b\", max-age=3600"),
	keeps(Optimal, "directives in other case", "9111 5.2", "Cache-Control: mAx-AgE=3600"),
	drops(Required, "a negative max-age", "9111 1.2.2", "Cache-Control: max-age=-3600"),
	keeps(Optimal, "s-maxage", "9111 5.2.2.10", "Cache-Control: s-maxage=3600"),
	expires(Required, "a short s-maxage behind a long max-age", "9111 5.2.2.10", "Cache-Control: max-age=3600, s-maxage=1"),
	expires(Required, "a short s-maxage before a long max-age", "9111 5.2.2.10", "Cache-Control: s-maxage=1, max-age=3600"),
	expires(Required, "a short s-maxage on a line of its own", "9111 5.2.2.10", "Cache-Control: max-age=3600\nCache-Control: s-maxage=1"),
	drops(Required, "s-maxage=0 beside max-age", "9111 5.2.2.10", "Cache-Control: max-age=3600, s-maxage=0"),
	lasts(Optimal, "a long s-maxage behind a short max-age", "9111 5.2.2.10", "Cache-Control: max-age=1, s-maxage=3600"),
	keeps(Optimal, "s-maxage before max-age=0 and an Expires in the past", "9111 4.2.1", "Expires: {-10}\nCache-Control: max-age=0, s-maxage=3600"),
	drops(Required, "an s-maxage that cannot be read beside max-age", "9111 4.2.1", "Cache-Control: max-age=3600, s-maxage=x"),
)

// parsing is what Cache-Control may look like.
var parsing = group("parsing",
	expires(Check, "two max-age, the second shorter", "9111 4.2.1", "Cache-Control: max-age=1800, max-age=1"),
	expires(Check, "two max-age on two lines, the second shorter", "9111 4.2.1", "Cache-Control: max-age=1800\nCache-Control: max-age=1"),
	expires(Check, "two max-age, the first shorter", "9111 4.2.1", "Cache-Control: max-age=1, max-age=1800"),
	expires(Check, "two max-age on two lines, the first shorter", "9111 4.2.1", "Cache-Control: max-age=1\nCache-Control: max-age=1800"),
	keeps(Check, "the same max-age twice", "9111 4.2.1", "Cache-Control: max-age=1800, max-age=1800"),
	keeps(Check, "a quoted max-age", "9111 5.2", `Cache-Control: max-age="3600"`),
	expires(Required, "max-age in the quotes of another directive, before", "9111 5.2", `Cache-Control: other="max-age=3600", max-age=1`),
	expires(Required, "max-age in the quotes of another directive, behind", "9111 5.2", `Cache-Control: max-age=1, other="max-age=3600"`),
	keeps(Optimal, "no-store in the quotes of another directive", "9111 5.2", `Cache-Control: max-age=3600, other="a, no-store"`),
	drops(Required, "no-store behind a quoted pair", "9110 5.6.4", `Cache-Control: max-age=3600, other="a\", b", no-store`),
	drops(Check, "a blank before the equals sign", "9110 5.6.1", "Cache-Control: max-age =3600"),
	drops(Check, "a blank behind the equals sign", "9110 5.6.1", "Cache-Control: max-age= 3600"),
	keeps(Required, "zeros in front", "9111 1.2.2", "Cache-Control: max-age=003600"),
	drops(Required, "single quotes", "9111 1.2.2", "Cache-Control: max-age='3600'"),
	drops(Check, "a fraction of nothing", "9111 1.2.2", "Cache-Control: max-age=3600.0"),
	drops(Check, "a fraction", "9111 1.2.2", "Cache-Control: max-age=3600.5"),
	drops(Check, "a letter in front", "9111 1.2.2", "Cache-Control: max-age=a3600"),
	drops(Check, "a letter behind", "9111 1.2.2", "Cache-Control: max-age=3600a"),
	drops(Check, "a sign", "9111 1.2.2", "Cache-Control: max-age=+3600"),
	drops(Check, "no argument", "9111 1.2.2", "Cache-Control: max-age"),
	drops(Check, "an empty argument", "9111 1.2.2", "Cache-Control: max-age="),
	keeps(Optimal, "empty members", "9110 5.6.1.2", "Cache-Control: , ,max-age=3600,,"),
	keeps(Optimal, "tabs for blanks", "9110 5.6.1", "Cache-Control: public,\t max-age=3600\t"),
	drops(Required, "no-store among empty members", "9110 5.6.1.2", "Cache-Control: max-age=3600,,no-store"),
	drops(Required, "no-store on a line of its own", "9111 5.2.2.5", "Cache-Control: max-age=3600\nCache-Control: no-store"),
	drops(Check, "no-store with an argument", "9111 5.2", "Cache-Control: max-age=3600, no-store=1"),
	drops(Check, "no-store behind an open quote", "9111 5.2", `Cache-Control: max-age=3600, other="a, no-store`),
	drops(Check, "a semicolon for the comma", "9111 5.2", "Cache-Control: max-age=3600; no-store"),
	keeps(Optimal, "a directive whose name only begins with no-store", "9111 5.2.3", "Cache-Control: max-age=3600, no-stores"),
)

// ages is what Age may look like. Of what is not a number of seconds nothing is taken; of a list, the first.
var ages = group("age", append(ageValues(),
	required("every answer from the store has one", "9111 5.1", lasting.pause(second), get.hit().wants("Age > 0\nAge < 60")),
	required("it counts on from that of the origin", "9111 5.1", lasting.says("Age: 30").pause(second), get.hit().wants("Age > 30\nAge < 90")),
	required("it counts on where Expires says how long", "9111 5.1", get.says("Expires: {+86400}\nDate: {0}\nAge: 30").pause(second), get.hit().wants("Age > 30\nAge < 90")),
	required("it counts from a Date long ago", "9111 4.2.3", lasting.says("Date: {-1000}"), get.hit().wants("Age > 999\nAge < 1060")),
	required("it is the larger of Age and Date's", "9111 4.2.3", lasting.says("Date: {-1000}\nAge: 500"), get.hit().wants("Age > 999\nAge < 1060")),
	required("the larger, the other way round", "9111 4.2.3", lasting.says("Date: {-500}\nAge: 1000"), get.hit().wants("Age > 999\nAge < 1060")),
	required("a Date in the future makes none", "9111 4.2.3", lasting.says("Date: {+1000}"), get.hit().wants("Age < 60")),
	required("the origin's own passes through", "9111 5.1", get.says("Cache-Control: no-store\nAge: 77").miss().wants("Age: 77")),
	required("Date stays the origin's", "9110 6.6.1", lasting.says("Date: {-60}"), get.hit().wants("Date: {-60}")),
	required("Date stays the origin's beside Expires", "9110 6.6.1", get.says("Expires: {+86400}\nDate: {-60}"), get.hit().wants("Date: {-60}")),
	check("Expires stays the origin's", "9111 5.3", get.says("Expires: {+86400}\nDate: {0}"), get.hit().wants("Expires: {+86400}")),
	check("an answer that took long says so or not", "9111 4.2.3", holding(lasting).miss()),
)...)

// ageValues is a row for each way to write Age.
func ageValues() (rows []Case) {
	for _, v := range []struct {
		value string
		fresh bool
		level Level
	}{
		{"abc", true, Required}, {"-7200", true, Required}, {"7200.0", true, Required}, {"", true, Check}, {"+7200", true, Check},
		{"2147483647", false, Required}, {"2147483648", false, Required}, {"2147483649", false, Required}, {"99999999999999999999", false, Required},
		{"7200, 0", false, Required}, {"0, 7200", true, Required}, {"0, 0", true, Required},
		{"7200\nAge: 0", false, Required}, {"0\nAge: 7200", true, Required}, {"0\nAge: 0", true, Required}, {"1800\nAge: 1800", true, Required},
		{"7200;foo=bar", true, Check}, {"7200;foo=111", true, Check},
	} {
		row, is := drops, "is stale"
		if v.fresh {
			row, is = keeps, "is fresh"
		}
		rows = append(rows, row(v.level, strconv.Quote(v.value)+" "+is, "9111 5.1", "Cache-Control: max-age=3600\nAge: "+v.value))
	}
	return rows
}

// holding is a step whose origin takes its time.
func holding(s Step) Step {
	s.Reply.Hold = true
	return s
}
