package represent

import (
	"bytes"
	"time"

	"skerry.dev/skerry/exchange"
)

// DateBytes is the length of a date as AppendDate writes it.
const DateBytes = len(dateLayout)

// dateLayout is the preferred form of a date, IMF-fixdate (RFC 9110 section 5.6.7).
const dateLayout = "Mon, 02 Jan 2006 15:04:05 GMT"

// AppendDate appends a date in its preferred form, which is DateBytes long for the years 0 to 9999.
func AppendDate(to []byte, t time.Time) []byte { return t.UTC().AppendFormat(to, dateLayout) }

// The three forms of a date: 0 stands for a digit, _ for a digit or a space, a for any byte. That of RFC 850 is without
// its day of the week.
const (
	formFixed   = "aaa, 00 aaa 0000 00:00:00 GMT"
	formASCTime = "aaa aaa _0 00:00:00 0000"
	formRFC850  = "00-aaa-00 00:00:00 GMT"
)

// ParseDate reads a date in any of the three forms of RFC 9110 section 5.6.7, strictly but for the case of names; it is not
// looked at whether the day of the week is the right one. A year of two digits is one of now's century, or of the one before
// if that would be more than 50 years after now. It does not allocate.
func ParseDate(b []byte, now time.Time) (t time.Time, ok bool) {
	switch {
	case fits(b, formFixed):
		return newDate(b[:3], number(b[12:16]), b[8:11], b[5:7], b[17:25])
	case fits(b, formASCTime):
		return newDate(b[:3], number(b[20:24]), b[4:7], b[8:10], b[11:19])
	}
	weekday, rest, _ := bytes.Cut(b, []byte(", "))
	if !fits(rest, formRFC850) || len(weekday) == 3 {
		return t, false
	}
	year := now.UTC().Year()/100*100 + number(rest[7:9])
	t, ok = newDate(weekday, year, rest[3:6], rest[:2], rest[10:18])
	if ok && t.After(now.AddDate(50, 0, 0)) {
		return newDate(weekday, year-100, rest[3:6], rest[:2], rest[10:18])
	}
	return t, ok
}

// fits reports whether b is of a form.
func fits(b []byte, form string) bool {
	if len(b) != len(form) {
		return false
	}
	for i, c := range b {
		digit := '0' <= c && c <= '9'
		switch form[i] {
		case 'a':
		case '0':
			if !digit {
				return false
			}
		case '_':
			if !digit && c != ' ' {
				return false
			}
		default:
			if c != form[i] {
				return false
			}
		}
	}
	return true
}

// number reads digits; a space in front counts as none.
func number(b []byte) (n int) {
	for _, c := range b {
		n = n*10 + int(c&0xf)
	}
	return n
}

// newDate puts a date together; the clock is in the form 00:00:00, and a leap second is the second after it. There is no
// date if a name is not known, the month has no such day or the clock no such time.
func newDate(weekday []byte, year int, month, day, clock []byte) (t time.Time, ok bool) {
	m, d := time.January, number(day)
	for m <= time.December && !exchange.EqualFold(month, months[m-1]) {
		m++
	}
	hour, minute, second := number(clock[:2]), number(clock[3:5]), number(clock[6:])
	if m > time.December || hour > 23 || minute > 59 || second > 60 || !isWeekday(weekday) {
		return t, false
	}
	if t = time.Date(year, m, d, hour, minute, 0, 0, time.UTC); t.Day() != d {
		return time.Time{}, false
	}
	return t.Add(time.Duration(second) * time.Second), true
}

// isWeekday reports whether b is the name of a day, or its first three letters.
func isWeekday(b []byte) bool {
	for _, name := range weekdays {
		if exchange.EqualFold(b, name) || exchange.EqualFold(b, name[:3]) {
			return true
		}
	}
	return false
}

var months = [...][]byte{
	[]byte("Jan"), []byte("Feb"), []byte("Mar"), []byte("Apr"), []byte("May"), []byte("Jun"),
	[]byte("Jul"), []byte("Aug"), []byte("Sep"), []byte("Oct"), []byte("Nov"), []byte("Dec"),
}

var weekdays = [...][]byte{
	[]byte("Sunday"), []byte("Monday"), []byte("Tuesday"), []byte("Wednesday"), []byte("Thursday"), []byte("Friday"), []byte("Saturday"),
}
