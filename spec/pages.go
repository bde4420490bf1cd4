package spec

import (
	"fmt"
	"sort"
	"strconv"
	"strings"
)

type pageDoc struct{ html, file val[string] }

// page is the HTML of one error page, in the document or in a file beside it.
var page = object[pageDoc]{
	name: "error page", doc: "The HTML of one error answer; {request_id} in it stands for the id of the request.",
	fields: []field[*pageDoc]{
		row("html", func(p *pageDoc) *val[string] { return &p.html }, words(pageText, map[string]any{"maxLength": pagesBytesMax}), "The HTML itself."),
		row("file", func(p *pageDoc) *val[string] { return &p.file }, besideName(".html"), "An .html file, by its path from the directory of this document."),
	},
	check: func(l *log, at Pos, p *pageDoc) {
		switch {
		case p.html.given() && p.file.given():
			l.refuse(p.file.At, "keep one of them", "an error page has either html or a file")
		case !p.html.given() && !p.file.given():
			l.refuse(at, "add `html: …` or `file: NAME.html`", "the error page has no HTML")
		}
	},
}

func pageText(s string) (bad, fix string) {
	if len(s) > pagesBytesMax {
		return fmt.Sprintf("the HTML has %d bytes, the limit for all pages of one errorPages is %d", len(s), pagesBytesMax), "let it load what is large from elsewhere"
	}
	return "", ""
}

var pageShape = page.shape()

// errorPages is a mapping from status to page. Explain shows the statuses: nobody wants the HTML in a table.
var errorPages = leaf[[]ErrorPage]{
	read: readPages,
	write: func(pages []ErrorPage) any {
		out := ordered{}
		for _, p := range pages {
			out = append(out, member{strconv.Itoa(p.Status), pageShape.write(pageDoc{html: said(p.HTML)})})
		}
		return out
	},
	describe: func(d *describer) map[string]any {
		return map[string]any{
			"type": "object", "propertyNames": map[string]any{"pattern": "^[45][0-9][0-9]$"},
			"additionalProperties": pageShape.describe(d),
		}
	},
}.shape().briefly(func(pages []ErrorPage) string {
	parts := make([]string, len(pages))
	for i, p := range pages {
		parts[i] = fmt.Sprintf("%d: %d bytes", p.Status, len(p.HTML))
	}
	return "{" + strings.Join(parts, ", ") + "}"
})

func readPages(l *log, n *node) ([]ErrorPage, bool) {
	if !mapping(l, n, "errorPages") {
		return nil, false
	}
	total, pages := 0, make([]ErrorPage, 0, len(n.entries))
	for _, e := range n.entries {
		status, ok := digitsOf(e.key.text)
		if !ok || status < 400 || status > 599 || len(e.key.text) != 3 {
			l.refuse(e.key.at, "", "%q is not the status of an error: a number from 400 to 599 is needed", clip(e.key.text))
			continue
		}
		if html, ok := readPage(l, e.value); ok {
			total += len(html)
			pages = append(pages, ErrorPage{Status: int(status), HTML: html})
		}
	}
	if total > pagesBytesMax {
		l.refuse(n.at, "let them load what is large from elsewhere", "the error pages have %d bytes together, the limit is %d", total, pagesBytesMax)
		return nil, false
	}
	sort.Slice(pages, func(i, j int) bool { return pages[i].Status < pages[j].Status })
	return pages, true
}

func readPage(l *log, n *node) (html string, ok bool) {
	before := l.count()
	d, ok := pageShape.read(l, n)
	if !ok || l.count() > before {
		return "", false
	}
	if d.html.Set {
		return d.html.V, true
	}
	f, ok := l.readBeside(d.file.At, d.file.V)
	return string(f.Data), ok
}
