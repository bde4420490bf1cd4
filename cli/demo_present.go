package cli

import (
	"fmt"
	"io"
	"os"
)

// presenter prints the tour and counts its checks.
type presenter struct {
	w            io.Writer
	colour       bool
	right, wrong int
}

func newPresenter(w io.Writer) *presenter {
	p := &presenter{w: w}
	if f, ok := w.(*os.File); ok && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb" {
		info, err := f.Stat()
		p.colour = err == nil && info.Mode()&os.ModeCharDevice != 0
	}
	return p
}

func (p *presenter) paint(code, text string) string {
	if !p.colour {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}

func (p *presenter) title(text string) { fmt.Fprintf(p.w, "\n%s\n", p.paint("1", text)) }

func (p *presenter) line(format string, args ...any) {
	fmt.Fprintf(p.w, "  "+format+"\n", args...)
}

// check prints what happened with a mark for whether it should have.
func (p *presenter) check(ok bool, format string, args ...any) {
	mark := p.paint("32", "✓")
	if ok {
		p.right++
	} else {
		p.wrong++
		mark = p.paint("31", "✗")
	}
	p.line(mark+" "+format, args...)
}

// detail prints something that belongs to the line above.
func (p *presenter) detail(format string, args ...any) {
	p.line("    %s", p.paint("2", fmt.Sprintf(format, args...)))
}
