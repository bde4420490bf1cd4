package cachetest

import (
	"net/http"
	"strconv"
	"strings"
	"time"
)

// names is what the braces in a case stand for.
type names struct {
	id    string
	base  string // URL of the route, without a path
	start time.Time
}

// expand replaces the braces of a text. What is no name of ours stays as it is.
func (n *names) expand(text string) string {
	var b strings.Builder
	for {
		before, rest, ok := strings.Cut(text, "{")
		b.WriteString(before)
		if !ok {
			return b.String()
		}
		word, after, closed := strings.Cut(rest, "}")
		value, known := n.word(word)
		if !closed || !known {
			b.WriteByte('{')
			text = rest
			continue
		}
		b.WriteString(value)
		text = after
	}
}

func (n *names) word(word string) (string, bool) {
	switch word {
	case "id":
		return n.id, true
	case "path":
		return "/" + n.id, true
	case "url":
		return n.base + "/" + n.id, true
	}
	form := http.TimeFormat
	if rest, ok := strings.CutPrefix(word, "850 "); ok {
		form, word = "Monday, 02-Jan-06 15:04:05 GMT", rest
	} else if rest, ok := strings.CutPrefix(word, "ansi "); ok {
		form, word = time.ANSIC, rest
	}
	seconds, err := strconv.Atoi(word)
	if err != nil {
		return "", false
	}
	return n.start.Add(time.Duration(seconds) * time.Second).UTC().Format(form), true
}

// eachField calls f for each line "Name: value" of a text.
func eachField(text string, f func(name, value string)) {
	for line := range strings.Lines(text) {
		name, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), ":")
		if name != "" {
			f(name, strings.TrimPrefix(value, " "))
		}
	}
}
