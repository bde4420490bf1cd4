package represent_test

import (
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"skerry.dev/skerry/exchange/exchangetest"
)

// TestLikeServeContent compares random conditional and range requests with net/http. Intended differences:
//   - a malformed Range, or one whose ranges overlap, gets the whole; net/http says 416 to the first, and sends
//     overlapping parts as long as they are not longer than the whole;
//   - a Range of a HEAD is ignored (RFC 9110 section 14.2); net/http answers 206;
//   - a field that must be there once and is there twice is ignored; net/http takes the first;
//   - a list of tags ends where a comma is missing; net/http reads on;
//   - the range -0 cannot be satisfied; net/http sends a 206 with the Content-Range "bytes 10-9/10";
//   - any Range of nothing is ignored; net/http sends a 206 with "bytes 0--1/0" to a suffix;
//   - a 416 has the tag of what it is about.
//
// The first and the empty one are computed here, the tag of a 416 is not looked at; the others are not asked for. Beyond
// sixteen ranges nothing is compared.
func TestLikeServeContent(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Log("seed", seed)
	rnd := rand.New(rand.NewPCG(seed, 1))
	for n := range 4000 {
		content := digits
		if rnd.IntN(20) == 0 {
			content = ""
		}
		fields, ranges := randomFields(rnd)
		method := "GET"
		if ranges == "" && rnd.IntN(4) == 0 {
			method = "HEAD"
		}
		got := ask(t, newPage(content), method+" / HTTP/1.1\nHost: a\n"+lines(fields))
		want := oracle(t, content, method, fields)
		if a, b := short(t, got), short(t, want); a != b && !(ranges != "" && intended(ranges, int64(len(content))) && got.Status == 200) {
			t.Fatalf("seed %d, request %d: %s of %q, %q:\n%s\nnet/http:\n%s", seed, n, method, content, fields, a, b)
		}
	}
}

// randomFields returns the fields of a request, and its Range for itself.
func randomFields(rnd *rand.Rand) (fields []string, ranges string) {
	dates := []string{lastModified, "Sun, 01 Jun 2025 10:20:29 GMT", "Sun, 01 Jun 2025 10:20:31 GMT", "Sunday, 01-Jun-25 10:20:30 GMT", "Sun Jun  1 10:20:29 2025", "Mon, 02 Jun 2025", "0", ""}
	tags := []string{tag, "W/" + tag, `"x"`, `W/"x"`, "*", `"x", ` + tag, tag + `, "x"`, `"`, "x", `W/"x", W/` + tag}
	pick := func(from []string) string { return from[rnd.IntN(len(from))] }
	maybe := func(name string, from []string) {
		if rnd.IntN(3) == 0 {
			fields = append(fields, name+": "+pick(from))
		}
	}
	maybe("If-Match", tags)
	maybe("If-Unmodified-Since", dates)
	maybe("If-None-Match", tags)
	maybe("If-Modified-Since", dates)
	if rnd.IntN(2) == 0 {
		var list []string
		for range 1 + rnd.IntN(3) {
			list = append(list, pick([]string{"0-0", "1-2", "3-", "-2", "9-9", "5-20", "10-", "-20", "4-3", "x", "", "99999999999999999-", "0-9"}))
		}
		ranges = pick([]string{"bytes=", "bytes=", "bytes=", "bytes= ", "lines=", "bytes"}) + strings.Join(list, pick([]string{",", ", "}))
		fields = append(fields, "Range: "+ranges)
		maybe("If-Range", append(dates[:7:7], tags[:4]...))
	}
	rnd.Shuffle(len(fields), func(i, j int) { fields[i], fields[j] = fields[j], fields[i] })
	return fields, ranges
}

// oracle is the answer of net/http.
func oracle(t *testing.T, content, method string, fields []string) *exchangetest.Recorder {
	request := httptest.NewRequest(method, "/", nil)
	for _, line := range fields {
		name, value, _ := strings.Cut(line, ": ")
		request.Header.Add(name, value)
	}
	w := httptest.NewRecorder()
	w.Header().Set("ETag", tag)
	w.Header().Set("Content-Type", textType)
	http.ServeContent(w, request, "", date, strings.NewReader(content))
	r := &exchangetest.Recorder{Status: w.Code, Body: w.Body.String(), Length: -1}
	for _, name := range []string{"Content-Type", "Content-Range", "ETag", "Last-Modified"} {
		if value := w.Header().Get(name); value != "" {
			r.Head += name + ": " + value + "\n"
		}
	}
	if length := w.Header().Get("Content-Length"); method == "HEAD" && length != "" {
		var err error
		r.Length, err = strconv.ParseInt(length, 10, 64)
		must(t, err)
	}
	return r
}

// short is what must be the same: status and tag, of a success everything.
func short(t *testing.T, r *exchangetest.Recorder) string {
	out := strconv.Itoa(r.Status) + " "
	if r.Status != 416 {
		out += field(r, "ETag") + " "
	}
	switch r.Status {
	case 200:
		out += field(r, "Content-Type") + " " + field(r, "Last-Modified") + " " + r.Body + " " + strconv.FormatInt(r.Length, 10)
	case 206:
		out += parts(t, r)
	case 416:
		out += field(r, "Content-Range")
	}
	return out
}

// intended reports whether the whole is the answer to a Range by choice, by the plainest reading.
func intended(ranges string, size int64) bool {
	list, ok := strings.CutPrefix(ranges, "bytes=")
	if !ok || size == 0 {
		return true
	}
	var covered [10]bool
	some := false
	for one := range strings.SplitSeq(list, ",") {
		one = strings.Trim(one, " ")
		if one == "" {
			continue
		}
		some = true
		first, last, ok := strings.Cut(one, "-")
		a, err1 := strconv.ParseInt(first, 10, 64)
		b, err2 := strconv.ParseInt(last, 10, 64)
		switch {
		case !ok, first == "" && err2 != nil, first != "" && err1 != nil, last != "" && err2 != nil, first != "" && last != "" && b < a:
			return true
		case first == "":
			a, b = max(size-b, 0), size-1
		case last == "":
			b = size - 1
		}
		for i := a; i <= min(b, size-1); i++ {
			if covered[i] {
				return true
			}
			covered[i] = true
		}
	}
	return !some
}
