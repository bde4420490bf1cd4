package ftw_test

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"
)

// event is what the log of the edge says about an exchange, as far as it is asked here.
type event struct {
	ID   string    `json:"id"`
	Kind string    `json:"kind,omitempty"` // set of what is no exchange
	Path string    `json:"path"`
	WAF  *wafEvent `json:"waf,omitempty"`
}

// wafEvent is the firewall's part of it.
type wafEvent struct {
	Rules   []ruleEvent `json:"rules"`
	Score   int         `json:"score"`
	Verdict string      `json:"verdict"`
}

// ruleEvent is a rule that matched and logs.
type ruleEvent struct {
	ID   int      `json:"id"`
	Vars []string `json:"vars"`
	Msg  string   `json:"msg"`  // with macros expanded
	Data string   `json:"data"` // logdata with macros expanded
}

// translate reads events, one JSON object a line, and calls each with the id of the exchange and the lines of
// an error log that say the same. Events that are no exchange are passed over.
func translate(events io.Reader, each func(id, lines string)) error {
	for r := bufio.NewReader(events); ; {
		line, err := r.ReadBytes('\n')
		if len(line) > 0 {
			var e event
			if jerr := json.Unmarshal(line, &e); jerr != nil {
				return fmt.Errorf("%w in %.200q", jerr, line)
			}
			if e.Kind == "" {
				each(e.ID, e.lines())
			}
		}
		switch {
		case err == io.EOF || errors.Is(err, os.ErrClosed): // the latter is what a pipe of a killed process says
			return nil
		case err != nil:
			return err
		}
	}
}

// lines is the event as ModSecurity would write it: what the expressions of the tests look for.
func (e event) lines() string {
	if e.WAF == nil {
		return ""
	}
	var b strings.Builder
	for _, r := range e.WAF.Rules {
		fmt.Fprintf(&b, "[uri %q] [id \"%d\"]", e.Path, r.ID)
		for _, v := range r.Vars {
			fmt.Fprintf(&b, " [found within %s:]", oneLine(v))
		}
		fmt.Fprintf(&b, " [msg \"%s\"] [data \"%s\"]\n", oneLine(r.Msg), oneLine(r.Data))
	}
	return b.String()
}

// oneLine keeps a value from being taken for another line.
func oneLine(s string) string { return strings.NewReplacer("\n", `\n`, "\r", `\r`).Replace(s) }

func TestTranslate(t *testing.T) {
	f := func(in, want string) {
		t.Helper()
		var got strings.Builder
		err := translate(strings.NewReader(in), func(id, lines string) { got.WriteString(id + lines + "|") })
		if err != nil {
			got.WriteString(err.Error())
		}
		if got.String() != want {
			t.Errorf("translate(%q) = %q, want %q", in, got.String(), want)
		}
	}
	f("", "")
	f(`{"id":"f0","path":"/","status":200}`+"\n", "f0|")
	f(`{"kind":"event","text":"drained"}`+"\n", "")
	f(`{"path":"/","status":200}`, "|")
	f(`{"path":"/a","waf":{"rules":[{"id":942100,"vars":["ARGS:q"]}],"score":5,"verdict":"detected"}}`+"\n",
		"[uri \"/a\"] [id \"942100\"] [found within ARGS:q:] [msg \"\"] [data \"\"]\n|")
	f(`{"path":"/a","waf":{"rules":[{"id":1,"msg":"a\nb","data":"c"},{"id":2}]}}`+"\n{}\n",
		"[uri \"/a\"] [id \"1\"] [msg \"a\\nb\"] [data \"c\"]\n[uri \"/a\"] [id \"2\"] [msg \"\"] [data \"\"]\n||")
	f("{}\nnot JSON\n", `|invalid character 'o' in literal null (expecting 'u') in "not JSON\n"`)
}
