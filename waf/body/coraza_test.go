package body_test

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/corazawaf/coraza/v3"
	"github.com/corazawaf/coraza/v3/experimental/plugins/plugintypes"
	"github.com/corazawaf/coraza/v3/types"

	"skerry.dev/skerry/waf/body"
)

// oracle is Coraza without rules but those that choose a processor.
func oracle(t testing.TB) coraza.WAF {
	t.Helper()
	w, err := coraza.NewWAF(coraza.NewWAFConfig().WithDirectives(`
		SecRuleEngine On
		SecRequestBodyAccess On
		SecArgumentsLimit 20000
		SecRule REQUEST_HEADERS:Content-Type "@rx xml" "id:1,phase:1,pass,nolog,t:lowercase,ctl:requestBodyProcessor=XML"
		SecRule REQUEST_HEADERS:Content-Type "@rx json" "id:2,phase:1,pass,nolog,t:lowercase,ctl:requestBodyProcessor=JSON"`))
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// collections are names of collections with their values, as key=value lines in sorted order: Coraza has no other.
type collections map[string][]string

func (c collections) add(name, key, value string) {
	c[name] = append(c[name], fmt.Sprintf("%s=%s", key, value))
}

// ask is what Coraza makes of a request, and whether it refuses the body.
func ask(w coraza.WAF, query, cookies, contentType, text string) (collections, bool) {
	tx := w.NewTransaction()
	defer tx.Close()
	tx.ProcessURI("/?"+query, "POST", "HTTP/1.1")
	if contentType != "" {
		tx.AddRequestHeader("Content-Type", contentType)
	}
	if cookies != "" {
		tx.AddRequestHeader("Cookie", cookies)
	}
	tx.ProcessRequestHeaders()
	_, _, _ = tx.WriteRequestBody([]byte(text))
	_, _ = tx.ProcessRequestBody()
	v := tx.(plugintypes.TransactionState).Variables()
	got := collections{}
	for name, list := range map[string][]types.MatchData{
		"ARGS_GET": v.ArgsGet().FindAll(), "ARGS_POST": v.ArgsPost().FindAll(), "REQUEST_COOKIES": v.RequestCookies().FindAll(),
		"XML": v.RequestXML().FindAll(), "FILES": v.Files().FindAll(), "FILES_NAMES": v.FilesNames().FindAll(),
		"FILES_SIZES": v.FilesSizes().FindAll(), "MULTIPART_NAME": v.MultipartName().FindAll(),
		"MULTIPART_FILENAME": v.MultipartFilename().FindAll(), "MULTIPART_PART_HEADERS": v.MultipartPartHeaders().FindAll(),
	} {
		for _, m := range list {
			got.add(name, m.Key(), m.Value())
		}
	}
	if size := v.FilesCombinedSize().Get(); size != "" && size != "0" {
		got.add("FILES_COMBINED_SIZE", "", size)
	}
	return got, v.RequestBodyError().Get() == "1" || v.MultipartStrictError().Get() == "1"
}

// ours is what this package makes of it, and why it refuses it.
func ours(query, cookies, contentType, text string) (collections, error) {
	got := collections{}
	list := func(name string, pairs []body.Pair) {
		for _, p := range pairs {
			got.add(name, string(p.Name), string(p.Value))
		}
	}
	var mem body.Memory
	var p body.Parsed
	l := body.DefaultLimits()
	q, err := body.AppendQuery(nil, []byte(query), l, &mem)
	if err != nil {
		return nil, err
	}
	c, err := body.AppendCookies(nil, []byte(cookies), l)
	if err != nil {
		return nil, err
	}
	m, err := body.Classify([]byte(contentType), &mem)
	if err != nil {
		return nil, err
	}
	err = p.Parse(m, []byte(text), l, &mem)
	list("ARGS_GET", q)
	list("REQUEST_COOKIES", c)
	list("ARGS_POST", p.Args)
	list("XML", p.XML)
	list("MULTIPART_NAME", p.PartNames)
	list("MULTIPART_PART_HEADERS", p.PartHeaders)
	for _, f := range p.Files {
		got.add("FILES", "", string(f.Name))
		got.add("FILES_NAMES", "", string(f.Field))
		got.add("MULTIPART_FILENAME", string(f.Field), string(f.Name))
		got.add("FILES_SIZES", string(f.Name), fmt.Sprint(len(f.Content)))
	}
	if p.CombinedSize > 0 {
		got.add("FILES_COMBINED_SIZE", "", fmt.Sprint(p.CombinedSize))
	}
	return got, err
}

// difference is what the two do not have in common; Coraza's order is that of a Go map, so order does not count.
func difference(got, want collections) string {
	var b strings.Builder
	for _, name := range []string{
		"ARGS_GET", "ARGS_POST", "REQUEST_COOKIES", "XML", "FILES", "FILES_NAMES", "FILES_SIZES", "FILES_COMBINED_SIZE",
		"MULTIPART_NAME", "MULTIPART_FILENAME", "MULTIPART_PART_HEADERS",
	} {
		slices.Sort(got[name])
		slices.Sort(want[name])
		if !slices.Equal(got[name], want[name]) {
			fmt.Fprintf(&b, "%s\n got %q\nwant %q\n", name, got[name], want[name])
		}
	}
	return b.String()
}

// What rules see of ordinary requests is what they see in Coraza.
func TestCorazaSeesTheSame(t *testing.T) {
	w := oracle(t)
	f := func(query, cookies, contentType, text string) {
		t.Helper()
		want, refused := ask(w, query, cookies, contentType, text)
		got, err := ours(query, cookies, contentType, text)
		if err != nil || refused {
			t.Errorf("%s %q: refused: %v, by Coraza: %v", contentType, text, err, refused)
		}
		if d := difference(got, want); d != "" {
			t.Errorf("%s %q\n%s", contentType, text, d)
		}
	}
	f("a=1&b=%20+&&=x&c&a=2;d=3&%zz=%&A=9", "a=1; b = \x012;; =x; y; b=3", "", "")
	const form = "application/x-www-form-urlencoded"
	f("", "", form, formText)
	f("q=1", "", form+"; charset=UTF-8", "a=1&b=%20+&&=x&c&a=2;d=3&%zz=%&%61%00=\xff&a=b=c")
	for _, text := range []string{
		`{"a":1,"b":{"c":[1,"x",null,true,[],{}]},"d":[]}`, `[]`, `{}`, `[[1,2],[3]]`, `"alone"`, `17`, `null`, `[[[]]]`, `{"a.b":1,"a":{"b":2}}`, `{"a":1,"a":2}`,
		`{"":{"":1}}`, `{"k\u0065y":"\"\\\/\b\f\n\r\t\u00e5\ud83d\ude00\u0000"}`, ` [1e999 , -0.0 , 12345678901234567890] `, `{"å":"räksmörgås"}`, jsonText(2_000),
	} {
		f("", "", "application/json", text)
		f("", "", "application/vnd.api+json; charset=utf-8", text)
	}
	for _, text := range []string{
		xmlText, `<a/>`, `<a x="1" y='2'>t<b z=""/> u <c>v</c>&lt;&#65;</a>`, "<?xml version=\"1.0\"?>\n<a>\n <b>x\r\ny</b><!-- c --></a>", `<a><![CDATA[<x>]]></a>`, `<a xmlns:s="u" s:b="c"/>`,
	} {
		f("", "", "text/xml", text)
	}
	for _, text := range []string{
		partsText, "--b--\n",
		"--b\ncontent-disposition:form-data; name=a ; filename=x.txt\nContent-TYPE:  text/plain\nX-extra: 1\n\nx\n--b\nContent-Disposition: form-data; name=\"a\"; filename=\"\"\n\nempty\n--b\nContent-Disposition: form-data; name=\"å\"; filename=\"räka; .php\"\n\n\n--b--",
		"--b\nContent-Disposition: form-data; name=\"a\"; filename=\"../../x\"\n\nx\n--b\nContent-Disposition: form-data; name=\"a\"; filename=\"C|y\"\n\nyy\n--b--",
	} {
		f("", "", "multipart/form-data; boundary=b", parts(text))
	}
}

// Where Coraza reads a body in one way and services in others, or lets pieces of it go unseen, this package has its own
// reading or refuses. The list is testdata/differs.md; each of its rows is here.
func TestDiffersFromCoraza(t *testing.T) {
	w := oracle(t)
	classes := map[string]bool{}
	f := func(class, contentType, text, want string) {
		t.Helper()
		classes[class] = true
		theirs, refused := ask(w, "", "", contentType, text)
		got, err := ours("", "", contentType, text)
		if refused == (err != nil) && difference(got, theirs) == "" {
			t.Errorf("%s: %q makes no difference", class, text)
		}
		if have := reason(t, err) + " " + strings.Join(got["XML"], "; "); want != strings.TrimSpace(have) {
			t.Errorf("%s: %s, want %s", class, have, want)
		}
	}
	const head = "--b\nContent-Disposition: form-data; name=\"a\""
	f("xml-split-text", "text/xml", "<a>UNI<!-- -->ON <![CDATA[SEL]]>ECT</a>", "ok /*=UNION SELECT")
	f("xml-doctype", "text/xml", "<!DOCTYPE a><a>x</a>", "ambiguous")
	f("xml-instruction", "text/xml", "<?php x ?><a>x</a>", "ambiguous")
	f("xml-not-well-formed", "text/xml", "<a>x", "malformed")
	f("xml-not-well-formed", "text/xml", "<a x=1>x<b></a>", "malformed")
	f("xml-html-entity", "text/xml", "<a>&nbsp;</a>", "malformed")
	f("xml-bom", "text/xml", "\ufeff<a/>", "ok")
	f("json-not-utf8", "application/json", "{\"a\":\"\xff\"}", "malformed")
	f("json-surrogate", "application/json", `{"a":"\ud800"}`, "malformed")
	f("json-depth", "application/json", strings.Repeat("[", 65)+strings.Repeat("]", 65), "limit")
	f("ndjson", "application/x-ndjson", "{\"a\":1}\n{\"a\":2}\n", "ok")
	f("json-charset", "application/json; charset=utf-16", `{"a":1}`, "ambiguous")
	f("form-charset", "application/x-www-form-urlencoded; charset=utf-7", `a=1`, "ambiguous")
	f("form-name-case", "application/x-www-form-urlencoded", `a=1&A=2`, "ok")
	f("json-types", "application/csp-report", `{"a":1}`, "ok")
	f("type-prefix", "application/x-www-form-urlencodedx", `a=1`, "ok")
	f("type-parameter-twice", "application/json; charset=utf-8; charset=utf-16", `{"a":1}`, "ambiguous")
	f("multipart-preamble", "multipart/form-data; boundary=b", parts("x\n"+head+"\n\nx\n--b--"), "ambiguous")
	f("multipart-epilogue", "multipart/form-data; boundary=b", parts(head+"\n\nx\n--b--\nmore"), "ambiguous")
	f("multipart-bare-lf", "multipart/form-data; boundary=b", head+"\n\nx\n--b--", "ambiguous")
	f("multipart-stray-boundary", "multipart/form-data; boundary=b", parts(head+"\n\nx--b\ny\n--b--"), "ambiguous")
	f("multipart-stray-boundary", "multipart/form-data; boundary=b", parts(head+"\n\nx")+"\n--b\r\ny\r\n--b--", "ambiguous")
	f("multipart-folding", "multipart/form-data; boundary=b", parts(head+";\n filename=x\n\nx\n--b--"), "malformed")
	f("multipart-backslash", "multipart/form-data; boundary=b", parts(head+"; filename=\"shell.ph\\p\"\n\nx\n--b--"), "ambiguous")
	f("multipart-filename*", "multipart/form-data; boundary=b", parts(head+"; filename*=utf-8''x\n\nx\n--b--"), "ambiguous")
	f("multipart-transfer-encoding", "multipart/form-data; boundary=b", parts(head+"\nContent-Transfer-Encoding: quoted-printable\n\n=41\n--b--"), "ambiguous")
	f("multipart-nested", "multipart/form-data; boundary=b", parts(head+"\nContent-Type: multipart/mixed; boundary=c\n\nx\n--b--"), "ambiguous")
	f("multipart-charset", "multipart/form-data; boundary=b", parts(head+"\nContent-Type: text/plain; charset=utf-7\n\nx\n--b--"), "ambiguous")
	f("multipart-charset", "multipart/form-data; boundary=b; charset=utf-7", parts(head+"\n\nx\n--b--"), "ambiguous")
	f("multipart-no-name", "multipart/form-data; boundary=b", parts("--b\nContent-Type: text/plain\n\nx\n--b--"), "malformed")
	f("multipart-not-form-data", "multipart/form-data; boundary=b", parts("--b\nContent-Disposition: attachment; name=a\n\nx\n--b--"), "malformed")
	f("multipart-header-name", "multipart/form-data; boundary=b", parts(head+"\nX : 1\n\nx\n--b--"), "malformed")
	f("multipart-file-sizes", "multipart/form-data; boundary=b", parts(head+"; filename=x\n\nx\n"+head+"; filename=x\n\nyy\n--b--"), "ok")
	for class := range classes {
		if !documented(t)[class] {
			t.Errorf("%s is not in testdata/differs.md", class)
		}
	}
	for class := range documented(t) {
		if !classes[class] {
			t.Errorf("%s of testdata/differs.md has no test", class)
		}
	}
}

// documented are the classes of testdata/differs.md.
func documented(t *testing.T) map[string]bool {
	t.Helper()
	text, err := os.ReadFile("testdata/differs.md")
	if err != nil {
		t.Fatal(err)
	}
	classes := map[string]bool{}
	for line := range strings.Lines(string(text)) {
		cells := strings.Split(line, "|")
		if len(cells) < 6 || strings.Contains(cells[1], "--") || strings.TrimSpace(cells[1]) == "class" {
			continue
		}
		for _, class := range strings.Split(cells[1], ",") {
			classes[strings.TrimSpace(class)] = true
		}
	}
	return classes
}

// FuzzCoraza holds the parsers against Coraza: where both accept, rules see the same, but for the classes of differs.md in which
// both accept.
func FuzzCoraza(f *testing.F) {
	types := []string{"application/x-www-form-urlencoded", "application/json", "text/xml", "multipart/form-data; boundary=b"}
	for i, text := range []string{"a=1&%62=+&&=;", `{"a":[1,{"b":null}],"c":"\u00e5"}`, `<a b="1">x<c/>&lt;</a>`, parts("--b\nContent-Disposition: form-data; name=a; filename=f\nX-y:z\n\nx\n--b--")} {
		f.Add(uint8(i), text, "a=1; b=\x01")
	}
	w := oracle(f)
	f.Fuzz(func(t *testing.T, which uint8, text, cookies string) {
		contentType := types[int(which)%len(types)]
		got, err := ours("", cookies, contentType, text)
		if err != nil {
			return
		}
		want, refused := ask(w, "", cookies, contentType, text)
		switch {
		case refused && contentType == "application/json" && len(text) > 100: // its budget for paths is smaller
			return
		case refused:
			t.Fatalf("%s %q is refused by Coraza", contentType, text)
		case contentType == "text/xml" && (strings.Contains(text, "<!") || strings.HasPrefix(text, "\ufeff")): // xml-split-text, xml-bom
			return
		case which%4 == 0 && folded(text): // form-name-case
			return
		}
		delete(got, "FILES_SIZES") // multipart-file-sizes
		delete(want, "FILES_SIZES")
		if d := difference(got, want); d != "" {
			t.Fatalf("%s %q %q\n%s", contentType, text, cookies, d)
		}
	})
}

// folded reports whether two names of a form are the same to Coraza, which lowers them as text in UTF-8, and not here.
func folded(text string) bool {
	pairs, _ := body.AppendQuery(nil, []byte(text), body.DefaultLimits(), new(body.Memory))
	names := map[string]string{}
	for _, p := range pairs {
		name := string(p.Name)
		lower := strings.ToLower(name)
		if other, ok := names[lower]; ok && other != name {
			return true
		}
		names[lower] = name
	}
	return false
}
