package spec

import (
	"fmt"
	"strings"
)

// This file is about files of rules of one's own. What is in them becomes part of the spec; the firewall parses it.

type ruleFileDoc struct{ file, text val[string] }

var ruleFile = object[ruleFileDoc]{
	name: "rule file", doc: "SecLang, or the phrases that it names.",
	fields: []field[*ruleFileDoc]{
		row("file", func(d *ruleFileDoc) *val[string] { return &d.file }, besideName(".conf", ".data"),
			"A .conf file of SecLang or a .data file of phrases, by its path from the directory of this document.").needed(),
		row("text", func(d *ruleFileDoc) *val[string] { return &d.text }, words(rulesText, map[string]any{"maxLength": rulesBytesMax}),
			"What is in it; there need not be such a file then."),
	},
}

func rulesText(s string) (bad, fix string) {
	if len(s) > rulesBytesMax {
		return fmt.Sprintf("the rules have %d bytes, the limit for all files of one `rules` is %d", len(s), rulesBytesMax), "remove what the Core Rule Set has already"
	}
	return "", ""
}

var ruleFileList = listOf(worded(ruleFile.shape(), "file", besideName(".conf", ".data")), rulesMax)

// ruleFiles reads what the files hold. Explain shows their names: nobody wants rules in a table.
var ruleFiles = leaf[[]WAFRules]{
	describe: ruleFileList.describe,
	read:     readRules,
	write: func(rs []WAFRules) any {
		vs := make([]val[ruleFileDoc], len(rs))
		for i, r := range rs {
			vs[i] = said(ruleFileDoc{said(r.File), said(r.Text)})
		}
		return ruleFileList.write(vs)
	},
}.shape().briefly(func(rs []WAFRules) string {
	parts := make([]string, len(rs))
	for i, r := range rs {
		parts[i] = fmt.Sprintf("%s: %d bytes", r.File, len(r.Text))
	}
	return "[" + strings.Join(parts, ", ") + "]"
})

func readRules(l *log, n *node) ([]WAFRules, bool) {
	vs, ok := ruleFileList.read(l, n)
	if !ok {
		return nil, false
	}
	total, seen, out := 0, map[string]Pos{}, make([]WAFRules, 0, len(vs))
	for _, v := range vs {
		if !v.Clean {
			continue
		}
		name := v.V.file.V
		if first, again := seen[name]; again {
			l.refuse(v.At, "remove one of them", "the rule file %q stands twice, first at line %d", name, first.Line)
			continue
		}
		seen[name] = v.At
		r := WAFRules{File: name, Text: v.V.text.V, Path: name}
		if !v.V.text.Set {
			f, found := l.readBeside(v.V.file.At, name)
			if !found {
				continue
			}
			r.Text, r.Path = string(f.Data), f.Name
		}
		total += len(r.Text)
		out = append(out, r)
	}
	if total > rulesBytesMax {
		l.refuse(n.at, "remove what the Core Rule Set has already", "the rule files have %d bytes together, the limit is %d", total, rulesBytesMax)
		return nil, false
	}
	return out, true
}
