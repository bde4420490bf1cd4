package freshness

import (
	"time"

	"skerry.dev/skerry/exchange"
)

// date reads an HTTP date in any of its three forms (RFC 9110 section 5.6.7), the names in any case (RFC 9111 section 4.2). Years of
// two digits are at most fifty years ahead of now. The zone is GMT: any other makes it invalid (RFC 9111 section 5.3).
func date(b []byte, now time.Time) (unix int64, ok bool) {
	r := reader{rest: exchange.TrimOWS(b)}
	for i, name := range weekdays {
		if r.word(name) {
			return r.rfc850(now)
		}
		if r.word(weekdays[i][:3]) {
			if r.word(",") {
				return r.fixdate()
			}
			return r.asctime()
		}
	}
	return 0, false
}

// reader reads a date from left to right.
type reader struct {
	rest []byte
	bad  bool
}

// word takes a word, compared without case, if it comes next.
func (r *reader) word(w string) bool {
	if len(r.rest) < len(w) {
		return false
	}
	for i := range len(w) {
		if small(r.rest[i]) != small(w[i]) {
			return false
		}
	}
	r.rest = r.rest[len(w):]
	return true
}

func (r *reader) want(w string) { r.bad = !r.word(w) || r.bad }

// digits takes so many digits.
func (r *reader) digits(n int) (v int) {
	if len(r.rest) < n {
		r.bad = true
		return 0
	}
	for _, c := range r.rest[:n] {
		r.bad = r.bad || !isDigit(c)
		v = v*10 + int(c) - '0'
	}
	r.rest = r.rest[n:]
	return v
}

func (r *reader) month() time.Month {
	for i, m := range months {
		if r.word(m) {
			return time.Month(i + 1)
		}
	}
	r.bad = true
	return 0
}

// clock takes the time of day; a leap second is allowed.
func (r *reader) clock() (hour, minute, second int) {
	hour = r.digits(2)
	r.want(":")
	minute = r.digits(2)
	r.want(":")
	second = r.digits(2)
	r.bad = r.bad || hour > 23 || minute > 59 || second > 60
	return hour, minute, second
}

// fixdate reads "Sun, 06 Nov 1994 08:49:37 GMT" from behind the comma on.
func (r *reader) fixdate() (int64, bool) {
	r.want(" ")
	day := r.digits(2)
	r.want(" ")
	month := r.month()
	r.want(" ")
	year := r.digits(4)
	r.want(" ")
	hour, minute, second := r.clock()
	r.want(" GMT")
	return r.end(time.Date(year, month, day, hour, minute, second, 0, time.UTC), day)
}

// rfc850 reads "Sunday, 06-Nov-94 08:49:37 GMT" from behind the name of the day on.
func (r *reader) rfc850(now time.Time) (int64, bool) {
	r.want(", ")
	day := r.digits(2)
	r.want("-")
	month := r.month()
	r.want("-")
	year := r.digits(2)
	r.want(" ")
	hour, minute, second := r.clock()
	r.want(" GMT")
	latest := now.UTC().AddDate(50, 0, 0)
	year = latest.Year() - ((latest.Year()-year)%100+100)%100
	if time.Date(year, month, day, hour, minute, second, 0, time.UTC).After(latest) {
		year -= 100
	}
	return r.end(time.Date(year, month, day, hour, minute, second, 0, time.UTC), day)
}

// asctime reads "Sun Nov  6 08:49:37 1994" from behind the name of the day on.
func (r *reader) asctime() (int64, bool) {
	r.want(" ")
	month := r.month()
	r.want(" ")
	day := 0
	if r.word(" ") {
		day = r.digits(1)
	} else {
		day = r.digits(2)
	}
	r.want(" ")
	hour, minute, second := r.clock()
	r.want(" ")
	year := r.digits(4)
	return r.end(time.Date(year, month, day, hour, minute, second, 0, time.UTC), day)
}

// end is the date, if everything was read and the month has such a day.
func (r *reader) end(t time.Time, day int) (int64, bool) {
	leap := t.Day() != day && t.Add(-time.Second).Day() == day // 23:59:60
	if r.bad || len(r.rest) > 0 || day == 0 || t.Day() != day && !leap {
		return 0, false
	}
	return t.Unix(), true
}

var (
	weekdays = [...]string{"Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"}
	months   = [...]string{"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"}
)
