package seclang

import "strings"

// space is white space within a line.
const space = " \t\r\v\f"

// lines cuts a file into directives: lines whose last byte is a backslash are joined with the next.
//
// White space at both ends of each line goes, as in Coraza; so a directive that is broken within its operator loses the
// indentation of the next line, which Apache would keep. Lines of comment may stand within a directive, as in Coraza.
// An empty line may not: Coraza passes over it, Apache ends the directive there. A comment ends with its line, as in Coraza;
// ModSecurity 3 joins its next line too if it ends in a backslash, so a directive directly behind such a comment is refused.
type lines struct {
	file string
	rest string
	line int // of the last one taken
}

func newLines(file, text string) *lines {
	return &lines{file: file, rest: strings.TrimPrefix(text, "\ufeff")}
}

// raw takes one line of the file, without white space around it; col is where it starts.
func (l *lines) raw() (s string, col int, ok bool) {
	if l.rest == "" {
		return "", 0, false
	}
	s, l.rest, _ = strings.Cut(l.rest, "\n")
	l.line++
	t := strings.TrimLeft(s, space)
	return strings.TrimRight(t, space), len(s) - len(t) + 1, true
}

// next takes one directive. torn is the reason why it cannot be read, and empty if it can; the span is then where it was torn.
func (l *lines) next() (t span, torn string, ok bool) {
	var b strings.Builder
	src := &source{file: l.file}
	remark := "" // the comment before
	for {
		s, col, more := l.raw()
		switch {
		case !more && len(src.marks) == 0:
			return span{}, "", false
		case !more:
			return span{b.String(), 0, src}.end(), "the file ends within a directive: its last line ends in a backslash", true
		case strings.HasPrefix(s, "#"):
			remark = s
			continue
		case s == "" && len(src.marks) == 0:
			remark = ""
			continue
		case s == "":
			return span{b.String(), 0, src}.end(), "an empty line within a directive: the line before ends in a backslash", true
		case len(src.marks) == 0 && strings.HasSuffix(remark, `\`):
			torn = "the comment before this line ends in a backslash: ModSecurity takes the line as comment, Coraza does not"
		}
		src.marks = append(src.marks, mark{b.Len(), l.line, col})
		head, joined := strings.CutSuffix(s, `\`)
		b.WriteString(head)
		if !joined {
			return span{b.String(), 0, src}, torn, true
		}
	}
}

// end is the empty span behind t.
func (t span) end() span { return t.from(len(t.s)) }

// block passes over what Coraza's SecDataset has between its backquotes.
func (l *lines) block() {
	for {
		s, _, ok := l.raw()
		if !ok || strings.HasPrefix(s, "`") {
			return
		}
	}
}
