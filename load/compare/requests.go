package main

import (
	"bytes"
	"embed"
	"encoding/json"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"net/url"
	"path"
	"strconv"
	"strings"
)

// The requests that firewalls are measured with. Heads are written with plain line ends and without Content-Length, as
// people write them; what follows the empty line is the body, byte for byte.

//go:embed testdata/requests testdata/control
var requestFiles embed.FS

// field is a header field.
type field struct{ name, value string }

// request is one request to a firewall.
type request struct {
	name, method, target string
	fields               []field
	body                 []byte
}

// benign is the names of the requests that a firewall lets pass at paranoia level 1, in the order of reports.
var benign = []string{"get_small", "get_browser", "json_2k", "form_20", "json_100k"}

// benignRequest makes one of them.
func benignRequest(name string) (*request, error) {
	if name == "json_100k" {
		return articles(), nil
	}
	text, err := requestFiles.ReadFile("testdata/requests/" + name + ".txt")
	if err != nil {
		return nil, err
	}
	return parseRequest(name, text)
}

// controlRequests are the requests whose log lines must be the same in every firewall: attacks in the order of their names,
// then the small benign ones.
func controlRequests() ([]*request, error) {
	var all []*request
	files, err := fs.Glob(requestFiles, "testdata/control/*.txt")
	if err != nil {
		return nil, err
	}
	for _, file := range files {
		text, err := requestFiles.ReadFile(file)
		if err != nil {
			return nil, err
		}
		r, err := parseRequest(strings.TrimSuffix(path.Base(file), ".txt"), text)
		if err != nil {
			return nil, err
		}
		all = append(all, r)
	}
	for _, name := range benign[:len(benign)-1] {
		r, err := benignRequest(name)
		if err != nil {
			return nil, err
		}
		all = append(all, r)
	}
	return all, nil
}

// parseRequest reads a file of a request.
func parseRequest(name string, text []byte) (*request, error) {
	head, body, ok := bytes.Cut(text, []byte("\n\n"))
	line, rest, _ := strings.Cut(string(head), "\n")
	words := strings.Split(line, " ")
	if !ok || len(words) != 3 || words[2] != "HTTP/1.1" {
		return nil, fmt.Errorf("request %s: want a line like \"GET /a HTTP/1.1\", fields, an empty line and the body", name)
	}
	r := &request{name: name, method: words[0], target: words[1], body: body}
	for l := range strings.SplitSeq(rest, "\n") {
		key, value, ok := strings.Cut(l, ": ")
		if !ok {
			return nil, fmt.Errorf("request %s: no field is in %q", name, l)
		}
		r.fields = append(r.fields, field{key, value})
	}
	return r.sized(), nil
}

// sized adds the length of the body.
func (r *request) sized() *request {
	if len(r.body) > 0 {
		r.fields = append(r.fields, field{"Content-Length", strconv.Itoa(len(r.body))})
	}
	return r
}

// wire is the request as a connection carries it.
func (r *request) wire() []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s %s HTTP/1.1\r\n", r.method, r.target)
	for _, f := range r.fields {
		fmt.Fprintf(&b, "%s: %s\r\n", f.name, f.value)
	}
	b.WriteString("\r\n")
	b.Write(r.body)
	return b.Bytes()
}

// wrkScript is a script for wrk that sends the request as it is.
func (r *request) wrkScript() string {
	var b strings.Builder
	b.WriteString("local bytes = \"")
	for _, c := range r.wire() {
		fmt.Fprintf(&b, "\\%03d", c)
	}
	b.WriteString("\"\nfunction request() return bytes end\n")
	return b.String()
}

// post makes a request with a body.
func post(name, target, contentType string, body []byte) *request {
	r := &request{name: name, method: "POST", target: target, body: body, fields: []field{
		{"Host", "shop.example.com"}, {"User-Agent", "ShopApp/4.2 (Android 15)"}, {"Accept", "application/json"}, {"Content-Type", contentType},
	}}
	return r.sized()
}

const (
	articleCount = 152     // of six leaves each, 912 together
	articleBytes = 100_177 // of the whole body; the last text is cut or filled up to it
	textBytesMax = 450     // of one leaf
)

// article has six leaves.
type article struct {
	ID      int    `json:"id"`
	Author  string `json:"author"`
	Title   string `json:"title"`
	Section string `json:"section"`
	Summary string `json:"summary"`
	Text    string `json:"text"`
}

// articles is a body of 100 KB with 912 leaves of English-like text, the same in every run.
func articles() *request {
	rng := rand.New(rand.NewPCG(100, 177))
	all := make([]article, articleCount)
	for i := range all {
		all[i] = article{
			ID: 52_000 + i*7, Author: pick(rng, authors), Title: sentence(rng, 40), Section: pick(rng, sections),
			Summary: sentence(rng, 90), Text: text(rng, 230+rng.IntN(textBytesMax-230)),
		}
	}
	encode := func() []byte {
		body, err := json.Marshal(map[string][]article{"articles": all})
		if err != nil {
			panic("BUG: " + err.Error())
		}
		return body
	}
	// What is missing or too much is spread over the texts, so that no leaf stands out.
	for i := 0; ; i = (i + 1) % articleCount {
		excess := len(encode()) - articleBytes
		switch t := all[i].Text; {
		case excess == 0:
			return post("json_100k", "/api/articles/import", "application/json", encode())
		case excess > 0:
			all[i].Text = strings.TrimSuffix(t[:len(t)-min(excess, 20)], " ")
		case len(t) < textBytesMax:
			all[i].Text = t + strings.Repeat("s", min(-excess, textBytesMax-len(t), 3))
		}
	}
}

// text is sentences of about n bytes, not more.
func text(rng *rand.Rand, n int) string {
	var b strings.Builder
	for b.Len() < n {
		b.WriteString(sentence(rng, 30+rng.IntN(60)) + ". ")
	}
	return strings.TrimRight(b.String()[:n], " ")
}

// sentence is words of about n bytes.
func sentence(rng *rand.Rand, n int) string {
	var b strings.Builder
	for b.Len() < n {
		word := pick(rng, words)
		switch {
		case b.Len() == 0:
			word = strings.ToUpper(word[:1]) + word[1:]
		case rng.IntN(12) == 0:
			b.WriteString(", ")
		default:
			b.WriteByte(' ')
		}
		b.WriteString(word)
	}
	return b.String()
}

func pick(rng *rand.Rand, from []string) string { return from[rng.IntN(len(from))] }

var (
	authors  = []string{"Maria Holm", "Jonas Berg", "Ingrid Dahl", "Peter Lund", "Karin Strand", "Erik Sand", "Anna Vik"}
	sections = []string{"garden", "kitchen", "travel", "books", "letters", "weather", "music"}
	words    = strings.Fields(`the a of and to in on with for from about over under between near behind after before during
		house garden river lamp window table chair bridge harbour island boat winter summer spring autumn morning evening
		water stone wood paper letter book page story picture colour light shadow rain snow wind cloud road path field
		forest hill village town market school train station kitchen bread apple coffee tea soup friend child teacher
		neighbour family visitor sailor farmer baker painter writer reader music song voice silence colder warmer older
		younger quiet bright narrow wide early late slow quick small large green blue yellow white brown wooden heavy
		gentle simple careful honest pleasant different walked waited talked listened remembered carried opened closed
		painted repaired planted gathered followed answered promised wondered returned arrived stayed began grew found
		brought built kept told left heard held always often sometimes seldom never almost nearly together again perhaps
		however therefore because although while until where which that this these those every several many few another`)
)

// hostileCount is how many different values a hostile row goes through, so that no engine meets one twice in a row.
const hostileCount = 64

// hostile are requests with one value of 1,000 bytes in a form.
func hostile(name string, value func(*rand.Rand) string) []*request {
	rng := rand.New(rand.NewPCG(1000, 64))
	all := make([]*request, hostileCount)
	for i := range all {
		var b strings.Builder
		for b.Len() < 1000 {
			b.WriteString(value(rng))
		}
		all[i] = post(name, "/api/comments", "application/x-www-form-urlencoded", []byte("text="+url.QueryEscape(b.String()[:1000])))
	}
	return all
}

// randomPrintable is one printable byte.
func randomPrintable(rng *rand.Rand) string { return string(rune(' ' + rng.IntN(95))) }

// attackToken is a piece of an attack, and now and then an ordinary word.
func attackToken(rng *rand.Rand) string {
	if rng.IntN(4) == 0 {
		return pick(rng, words) + " "
	}
	return pick(rng, tokens)
}

var tokens = []string{
	"' or 1=1 -- ", "\" or \"a\"=\"a", " union all select ", " from information_schema.tables ", "; drop table users; ", "sleep(5)",
	"waitfor delay '0:0:5'", "/**/", "/*!50000select*/", "0x7e", "concat(", "char(", "<script>", "</script>", "<img src=x onerror=", "javascript:",
	"alert(1)", "<svg/onload=", "document.cookie", "&#x3c;", "%3Cscript%3E", "../", "..\\", "/etc/passwd", "%2e%2e%2f", "c:\\windows\\system32\\",
	"; cat ", "| id", "`whoami`", "$(uname -a)", "&& wget http://", "/bin/sh -c ", "cmd.exe /c ", "powershell -enc ", "<?php ", "system(", "base64_decode(",
	"php://input", "${jndi:ldap://", "#{7*7}", "{{7*7}}", "java.lang.Runtime", "__proto__", "require('child_process')", "http://169.254.169.254/",
	"\r\nSet-Cookie: a=b", "$ne", "(|(uid=*))", "\\x3c", "\\u003c", "c''at", "w\"h\"o", "${IFS}",
}
