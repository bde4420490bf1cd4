package adopt

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"skerry.dev/skerry/aws/schema"
	"skerry.dev/skerry/spec"
)

// This file is about what refused requests get.

// statusOf is the status that a rule refuses with; 0: it refuses nothing.
func (r *wafRule) statusOf() int {
	if r.action != "Block" {
		return 0
	}
	code, ok := r.says.Path("Block", "CustomResponse", "ResponseCode").AsNumber()
	if !ok {
		return statusForbidden
	}
	return int(code)
}

// answer speaks of what a rule answers with, where the edge answers with a status.
func (w *webACL) answer(r *wafRule, status int) {
	l := w.f.ledger
	own := r.says.Path("Block", "CustomResponse")
	key := own.Get("CustomResponseBodyKey")
	if key != nil {
		w.answers[key.String()] = append(w.answers[key.String()], status)
		l.exact(key, "", "see the body")
	}
	for _, h := range own.Get("ResponseHeaders").List() {
		switch name := strings.ToLower(h.Get("Name").String()); {
		case name == "retry-after" && (status == statusMaintenance || status == statusRate), name == "allow" && status == statusMethod:
			l.exact(h, "", "the edge sends it with this status")
		default:
			l.refuse(h, &wafRules.answer, fmt.Sprintf("the answer of the rule %s has %s, that of the edge has not", r.name, h.Get("Name").String()))
		}
	}
	switch is := r.statusOf(); {
	case r.action == "Captcha" || r.action == "Challenge":
		l.near(r.says, "", &wafRules.answer,
			fmt.Sprintf("the rule %s asks for a proof that there is a browser (%s), the edge refuses with %d", r.name, r.action, status))
	case is != 0 && is != status:
		l.near(r.says, "", &wafRules.answer, fmt.Sprintf("the rule %s answers %d, the edge %d", r.name, is, status))
	default:
		l.exact(r.says, "", "the edge answers with the same status")
	}
}

// The statuses that the edge refuses with.
const (
	statusForbidden   = 403
	statusMethod      = 405
	statusSize        = 413
	statusRate        = 429
	statusMaintenance = 503
)

// phrases are those of statuses (RFC 9110 section 15).
var phrases = map[int]string{
	statusForbidden: "Forbidden", statusMethod: "Method Not Allowed", statusSize: "Content Too Large",
	statusRate: "Too Many Requests", statusMaintenance: "Service Unavailable",
}

// pagesOf speaks of the bodies of answers, which are forms of errors or pages.
func (w *webACL) pagesOf(props *schema.Node) {
	bodies := props.Get("CustomResponseBodies")
	if bodies == nil {
		return
	}
	for _, f := range bodies.Fields {
		statuses := w.answers[f.Name]
		slices.Sort(statuses)
		w.page(f, slices.DeleteFunc(slices.Compact(statuses), func(s int) bool { return s == 0 }))
	}
}

func (w *webACL) page(f schema.Field, statuses []int) {
	l := w.f.ledger
	kind, text := f.Value.Get("ContentType").String(), f.Value.Get("Content").String()
	if len(statuses) == 0 {
		l.exact(f.Value, "", "no rule that is taken over sends it")
		return
	}
	form := formOf(kind, text, statuses)
	switch {
	case form == spec.ErrorsAuto:
		l.exact(f.Value, "", "the edge answers so")
	case form != "":
		if w.errors == "" {
			w.errors = string(form)
		}
		l.exact(f.Value, w.users+": errors", "the edge answers so")
	case kind == "TEXT_HTML" && sayable(said{"errorPages", w.withPage(statuses, text)}):
		w.pages = w.withPage(statuses, text)
		l.near(f.Value, w.users+": errorPages", &wafRules.answer, "the page "+f.Name+" is sent with every error of the edge that has the status")
	default:
		l.refuse(f.Value, &wafRules.answer, "the body "+f.Name+" ("+kind+") is no form of the edge's errors; pages are HTML")
	}
}

// withPage are the pages with one more, for statuses.
func (w *webACL) withPage(statuses []int, text string) []said {
	pages := slices.Clone(w.pages)
	for _, s := range statuses {
		pages = put(pages, []said{{"html", text}}, strconv.Itoa(s))
	}
	return pages
}

// formOf is the form of errors that a body is of; empty: none.
func formOf(kind, text string, statuses []int) spec.Errors {
	if len(statuses) != 1 {
		return ""
	}
	status := statuses[0]
	words := fmt.Sprintf("%d %s", status, phrases[status])
	switch kind {
	case "TEXT_PLAIN":
		if text == words+"\n" {
			return spec.ErrorsAuto
		}
	case "TEXT_HTML":
		if text == "<!doctype html><title>"+words+"</title><h1>"+words+"</h1>\n" {
			return spec.ErrorsHTML
		}
	case "APPLICATION_JSON":
		var p struct {
			Type, Title string
			Status      int
		}
		if json.Unmarshal([]byte(text), &p) == nil && p.Type == "about:blank" && p.Status == status && p.Title == phrases[status] {
			return spec.ErrorsProblem
		}
	}
	return ""
}
