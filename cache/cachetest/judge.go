package cachetest

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// judge says what is wrong with the answers to a step; nil: nothing.
func (t *Target) judge(p *play, s *Step, got []answer) error {
	asks, before := p.during()
	numbers := map[int]bool{}
	for i := range got {
		n, err := t.judgeOne(p, s, &got[i], asks, before)
		if err != nil {
			return err
		}
		if s.From == Upstream && n > 0 && numbers[n] {
			return fmt.Errorf("answer %d went to two clients", n)
		}
		numbers[n] = true
	}
	if s.Asks > 0 && len(asks) != s.Asks {
		return fmt.Errorf("the origin was asked %d times, not %d", len(asks), s.Asks)
	}
	if s.Asked != "" {
		if len(asks) == 0 {
			return errors.New("the origin was not asked")
		}
		last := asks[len(asks)-1]
		if err := holdsFor(p.names.expand(s.Asked), last.fields()); err != nil {
			return fmt.Errorf("the origin was asked with %w", err)
		}
	}
	return nil
}

// fields is the request with its parts that are no fields under names that no field has.
func (a *ask) fields() http.Header {
	all := a.header.Clone()
	all[":method"], all[":path"], all["Host"] = []string{a.method}, []string{a.target}, []string{a.host}
	all[":body"] = []string{a.body}
	return all
}

// judgeOne is judge for one client; the number of the origin's answer that it got, 0 if it is none.
func (t *Target) judgeOne(p *play, s *Step, a *answer, asks []ask, before int) (int, error) {
	if s.From == Failed {
		if a.err == nil && (a.status < 500 || a.header.Get(numberField) != "") {
			return 0, fmt.Errorf("answered with %d, but nothing may be used in place of the origin, which fails", a.status)
		}
		return 0, nil
	}
	number, err := answerNumber(a)
	if err != nil {
		return 0, err
	}
	if s.Reply.Cut && s.From == Upstream {
		if a.err == nil && a.status < 500 {
			return 0, errors.New("an answer that broke off came as a whole one")
		}
		return number, nil
	}
	if a.status == 0 {
		return 0, fmt.Errorf("no answer: %w", a.err)
	}
	if a.err != nil {
		return 0, fmt.Errorf("the answer broke off: %w", a.err)
	}
	if err := source(s, a, number, asks, before); err != nil {
		return 0, err
	}
	if s.Nth > 0 && number != s.Nth {
		return 0, fmt.Errorf("answer %d of the origin, not %d", number, s.Nth)
	}
	if err := content(p, s, a, number); err != nil {
		return 0, err
	}
	if err := holdsFor(p.names.expand(s.Wants), a.header); err != nil {
		return 0, fmt.Errorf("answered with %w", err)
	}
	if err := told(p.names.expand(s.Told), a.interim); err != nil {
		return 0, err
	}
	return number, t.promises(s, a)
}

func answerNumber(a *answer) (int, error) {
	all := a.header[numberField]
	if len(all) == 0 {
		return 0, nil
	}
	n, err := strconv.Atoi(all[0])
	if err != nil || len(all) > 1 {
		return 0, fmt.Errorf("%s: %q is of two answers", numberField, all)
	}
	return n, nil
}

// source holds an answer to where it must come from. A 304, a 412 or a 416 made by a cache may have lost its number.
func source(s *Step, a *answer, number int, asks []ask, before int) error {
	asked, fromNow := len(asks) > 0, number > before
	switch s.From {
	case Store:
		if fromNow || !s.Behind && asked {
			return fmt.Errorf("came from the origin (%d, answer %d, which was asked %d times)", a.status, number, len(asks))
		}
	case Upstream:
		if number > 0 && !fromNow {
			return fmt.Errorf("came from the store (%d)", a.status)
		}
		if !asked {
			return fmt.Errorf("the origin was not asked (%d)", a.status)
		}
	case Revalidated:
		if !asked {
			return fmt.Errorf("came from the store unvalidated (%d)", a.status)
		}
		if asks[len(asks)-1].status != http.StatusNotModified {
			return errors.New("the origin was asked without a condition")
		}
		if fromNow {
			return errors.New("is not what was stored")
		}
	case Nowhere:
		if asked || number > 0 {
			return fmt.Errorf("is not the cache's own word (%d)", a.status)
		}
	}
	return nil
}

// content holds status and body to those of the answer that they belong to.
func content(p *play, s *Step, a *answer, number int) error {
	want := s.Status
	if number > 0 {
		said, err := p.numbered(number)
		if err != nil {
			return err
		}
		if want == 0 {
			want = said.status
		}
		if s.Text == "" && s.Method != http.MethodHead && a.status == said.status && a.body != said.said {
			return fmt.Errorf("answer %d has body %.80q, not %.80q", number, a.body, said.said)
		}
	}
	if want == 0 {
		want = http.StatusOK
	}
	if want > 0 && a.status != want {
		return fmt.Errorf("status %d, not %d", a.status, want)
	}
	if s.Text != "" && a.body != s.Text {
		return fmt.Errorf("body %.80q, not %.80q", a.body, s.Text)
	}
	if s.Method == http.MethodHead && a.body != "" {
		return errors.New("a body for HEAD")
	}
	return nil
}

// promises holds every answer to what the target promises for all of them.
func (t *Target) promises(s *Step, a *answer) error {
	if s.From == Store && t.Ages && a.status != http.StatusNotModified {
		ages := a.header["Age"]
		if len(ages) != 1 {
			return fmt.Errorf("from the store with Age %q", ages)
		}
		if n, err := strconv.ParseInt(ages[0], 10, 64); err != nil || n < 0 {
			return fmt.Errorf("from the store with Age %q", ages)
		}
	}
	if t.CacheStatus == "" {
		return nil
	}
	member := t.member(a)
	params := strings.Split(strings.ReplaceAll(member, " ", ""), ";")[1:]
	hit := slices.Contains(params, "hit")
	forwarded := slices.ContainsFunc(params, func(p string) bool { return strings.HasPrefix(p, "fwd=") })
	if s.From == Store && (!hit || forwarded) || (s.From == Upstream || s.From == Revalidated) && (hit || !forwarded) {
		return fmt.Errorf("Cache-Status %q does not say where the answer is from", member)
	}
	for part := range strings.FieldsSeq(s.Tells) {
		unwanted, not := strings.CutPrefix(part, "!")
		if not && hasParam(params, unwanted) || !not && !hasParam(params, part) {
			return fmt.Errorf("Cache-Status %q, and %q", member, part)
		}
	}
	return nil
}

// hasParam finds "hit", "fwd=miss", or, of "ttl=", any value.
func hasParam(params []string, part string) bool {
	return slices.ContainsFunc(params, func(p string) bool { return p == part || strings.HasSuffix(part, "=") && strings.HasPrefix(p, part) })
}

// member is what the target says of itself in Cache-Status, the last member of the list: it is the nearest to the client.
func (t *Target) member(a *answer) string {
	members := strings.Split(strings.Join(a.header["Cache-Status"], ","), ",")
	last := strings.TrimSpace(members[len(members)-1])
	if name, _, _ := strings.Cut(last, ";"); strings.TrimSpace(name) != t.CacheStatus {
		return ""
	}
	return last
}

// told holds interim responses to what a step wants of them.
func told(want string, interim []string) error {
	if want == "" {
		return nil
	}
	if want == "none" {
		want = ""
	}
	if got := strings.Join(interim, "\n"); got != want {
		return fmt.Errorf("interim responses %q, not %q", got, want)
	}
	return nil
}

// holdsFor says which line of a text does not hold for fields; see Step.
func holdsFor(text string, fields http.Header) error {
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		end := strings.IndexAny(line[min(1, len(line)):], ": ") + min(1, len(line))
		if end < 1 {
			end = len(line)
		}
		name, rest := line[:end], line[end:]
		plain := strings.TrimPrefix(name, "!")
		values, there := fields[plain]
		if !there {
			values, there = fields[http.CanonicalHeaderKey(plain)]
		}
		if !holds(strings.Join(values, ", "), there, name != plain, rest) {
			return fmt.Errorf("%s: %q, but the case wants %q", plain, values, line)
		}
	}
	return nil
}

// holds reports whether a field's value is as the rest of its line wants.
func holds(value string, there, unwanted bool, rest string) bool {
	switch {
	case unwanted && rest == "":
		return !there
	case rest == "":
		return there
	case strings.HasPrefix(rest, ": "):
		return (there && value == rest[2:]) != unwanted
	case strings.HasPrefix(rest, " ~ "):
		return strings.Contains(value, rest[3:]) != unwanted
	}
	have, err := strconv.ParseInt(value, 10, 64)
	bound, wrong := strconv.ParseInt(rest[min(3, len(rest)):], 10, 64)
	if err != nil || wrong != nil {
		return false
	}
	return strings.HasPrefix(rest, " > ") && have > bound || strings.HasPrefix(rest, " < ") && have < bound
}
