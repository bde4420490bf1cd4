package wafhttp_test

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"skerry.dev/skerry/waf/wafhttp"
)

const sqli = "1' or '1'='1' union select password from users--"

// What is benign passes and arrives as it was sent, what is not does not arrive.
func TestRequests(t *testing.T) {
	r := newRig(t, wafhttp.Options{})
	chunked := func(s string) io.Reader { return io.MultiReader(strings.NewReader(s)) }
	upload := func(name, content string) (string, io.Reader) {
		var b bytes.Buffer
		w := multipart.NewWriter(&b)
		part, err := w.CreateFormFile("doc", name)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.WriteString(part, content)
		_ = w.Close()
		return w.FormDataContentType(), &b
	}
	f := func(name, method, target, contentType string, body io.Reader, want int, fields ...string) {
		t.Helper()
		sent := []byte(nil)
		if body != nil {
			sent, _ = io.ReadAll(body)
			if _, known := body.(interface{ Len() int }); known {
				body = bytes.NewReader(sent)
			} else {
				body = chunked(string(sent))
			}
		}
		status, _, text := r.send(t, method, target, contentType, body, fields...)
		got, arrived := r.last()
		res := r.result()
		if status != want || arrived != (want == 200) {
			t.Errorf("%s: status %d, want %d; arrived %v; %+v", name, status, want, arrived, res)
			return
		}
		if arrived {
			if got.body != string(sent) || got.length >= 0 && got.length != int64(len(sent)) {
				t.Errorf("%s: the handler got %q with length %d, sent was %q", name, got.body, got.length, sent)
			}
			return
		}
		if res.Verdict != wafhttp.Refused || res.Status != want || res.ID == "" || !strings.Contains(text, res.ID) || strings.Contains(text, "rule") || strings.Contains(text, "9") && strings.Contains(text, "42") && !strings.Contains(res.ID, "42") {
			t.Errorf("%s: answered %q, reported %+v", name, text, res)
		}
	}
	f("get", "GET", "/search?q=tea", "", nil, 200)
	f("attack in the query", "GET", "/search?q="+strings.ReplaceAll(sqli, " ", "%20"), "", nil, 403)
	f("attack in a field", "GET", "/", "", nil, 403, "Referer: () { :;}; /bin/cat /etc/passwd")
	f("attack in a cookie", "GET", "/", "", nil, 403, "Cookie: a=<script>alert(1)</script>")
	f("attack in a hidden field", "GET", "/", "", nil, 403, "Keep-Alive: ${jndi:ldap://x/a}")
	f("fields of the connection", "GET", "/", "", nil, 200, "Keep-Alive: timeout=5, max=100", "Te: trailers")
	f("form", "POST", "/", "application/x-www-form-urlencoded", strings.NewReader("a=b&c=d"), 200)
	f("attack in a form", "POST", "/", "application/x-www-form-urlencoded", strings.NewReader("a=<script>alert(1)</script>"), 403)
	f("json", "POST", "/", "application/json", strings.NewReader(`{"a":[1,"two"]}`), 200)
	f("a json type", "PUT", "/", "application/vnd.api+json; charset=utf-8", strings.NewReader(`{"a":[1,"two"]}`), 200)
	f("attack in json", "POST", "/", "application/json", strings.NewReader(`{"a":["`+sqli+`"]}`), 403)
	f("attack in json, escaped", "PATCH", "/", "application/json", strings.NewReader(`{"a":"\u003cscript\u003ealert(1)\u003c/script\u003e"}`), 403)
	f("chunked", "POST", "/", "application/json", chunked(`{"a":1}`), 200)
	f("chunked attack", "POST", "/", "application/json", chunked(`{"a":"`+sqli+`"}`), 403)
	f("chunked and empty", "POST", "/", "application/json", chunked(""), 200)
	kind, file := upload("note.txt", "some text")
	f("upload", "POST", "/", kind, file, 200)
	kind, file = upload("shell.php", "<?php system($_GET['c']); ?>")
	f("upload of a program", "POST", "/", kind, file, 403)
	f("ambiguous json", "POST", "/", "application/json", strings.NewReader(`{"a":1}{"b":2}`), 400)
	f("ambiguous type", "POST", "/", "application/json; charset=utf-8; charset=utf-7", strings.NewReader(`{}`), 400)
	f("two types", "POST", "/", "application/json", strings.NewReader(`{}`), 400, "Content-Type: text/plain")
	f("stream", "POST", "/", "application/octet-stream", strings.NewReader(sqli), 200)
	f("no type", "POST", "/", "", strings.NewReader("bytes"), 403)
	f("grpc", "POST", "/", "application/grpc+proto", chunked("\x00\x00\x00\x00\x01a"), 200)
	f("grpc of json", "POST", "/", "application/grpc+json", chunked("\x00\x00\x00\x00\x02{}"), 200)
	f("type that is not allowed", "POST", "/", "application/pdf", strings.NewReader("%PDF"), 415)
	f("too large", "POST", "/", "application/json", strings.NewReader(`"`+strings.Repeat("a", 128<<10)+`"`), 413)
	f("too large, chunked", "POST", "/", "application/json", chunked(`"`+strings.Repeat("a", 128<<10)+`"`), 413)
	f("largest", "POST", "/", "text/xml", strings.NewReader("<a>"+strings.Repeat("a ", 64<<9)+"</a>"), 200)
	f("too many arguments", "POST", "/", "application/x-www-form-urlencoded", strings.NewReader(strings.Repeat("a=b&", 1001)), 400)
	f("method", "PROPFIND", "/", "", nil, 403)
	r.send(t, "POST", "/", "application/grpc+json", strings.NewReader(`{"a":"`+sqli+`"}`))
	if got, _ := r.last(); got.body != "" || got.err == nil {
		t.Errorf("JSON that calls itself gRPC was read: %q, error %v", got.body, got.err)
	}
	if n := r.firewall.Held(); n != 0 {
		t.Errorf("%d bytes are still held", n)
	}
}

// A body with a coding is inspected, and arrives, without it.
func TestCoding(t *testing.T) {
	zip := func(s string) *bytes.Buffer {
		var b bytes.Buffer
		w := gzip.NewWriter(&b)
		_, _ = io.WriteString(w, s)
		_ = w.Close()
		return &b
	}
	for _, c := range []struct {
		name, coding string
		body         *bytes.Buffer
		want         int
		arrives      string
	}{
		{"benign", "gzip", zip(`{"a":"tea"}`), 200, `{"a":"tea"}`},
		{"none", "identity", bytes.NewBufferString(`{"a":"tea"}`), 200, `{"a":"tea"}`},
		{"attack", "gzip", zip(`{"a":"` + sqli + `"}`), 403, ""},
		{"damaged", "gzip", bytes.NewBufferString("no gzip"), 400, ""},
		{"two members", "gzip", bytes.NewBuffer(append(zip(`{}`).Bytes(), zip(sqli).Bytes()...)), 400, ""},
		{"bomb", "gzip", zip(strings.Repeat(" ", 1<<20)), 413, ""},
		{"unknown", "lzma", bytes.NewBufferString(`{}`), 415, ""},
		{"several", "gzip, gzip", zip(`{}`), 415, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(t, wafhttp.Options{})
			status, _, _ := r.send(t, "POST", "/", "application/json", c.body, "Content-Encoding: "+c.coding)
			got, _ := r.last()
			if status != c.want || got.body != c.arrives {
				t.Fatalf("status %d, want %d; arrived %q; %+v", status, c.want, got.body, r.result())
			}
			if status == 200 && c.coding == "gzip" && (got.length != int64(len(c.arrives)) || got.header.Get("Content-Encoding") != "" || got.header.Get("Content-Length") != fmt.Sprint(len(c.arrives))) {
				t.Errorf("the handler got length %d and fields %v", got.length, got.header)
			}
		})
	}
}

// Detect refuses nothing, changes nothing, and tells what it would have done.
func TestDetect(t *testing.T) {
	r := newRig(t, wafhttp.Options{Mode: wafhttp.Detect, BodyBytesMax: 1 << 10})
	large := `{"a":"` + strings.Repeat("tea ", 1<<10) + `"}`
	for _, c := range []struct {
		name, contentType, body, field string
		status                         int
		inspected                      wafhttp.Body
	}{
		{"attack", "application/json", `{"a":"` + sqli + `"}`, "", 403, wafhttp.BodyWhole},
		{"malformed", "application/json", `{"a":`, "", 400, wafhttp.BodyWhole},
		{"type", "application/pdf", "%PDF", "", 415, wafhttp.BodyUninspected},
		{"types", "application/json", "{}", "Content-Type: text/plain", 400, wafhttp.BodyUninspected},
		{"no type, attack", "", "q=" + sqli, "", 403, wafhttp.BodyWhole},
		{"large", "application/json", large, "", 413, wafhttp.BodyPart},
		{"large, attack at its beginning", "application/json", `{"b":"` + sqli + `",` + large[1:], "", 413, wafhttp.BodyPart},
		{"coding", "application/json", "{}", "Content-Encoding: lzma", 415, wafhttp.BodyUninspected},
		{"damaged", "application/json", "{}", "Content-Encoding: gzip", 400, wafhttp.BodyUninspected},
	} {
		fields := []string{}
		if c.field != "" {
			fields = append(fields, c.field)
		}
		status, _, _ := r.send(t, "POST", "/", c.contentType, strings.NewReader(c.body), fields...)
		got, _ := r.last()
		res := r.result()
		if status != 200 || got.body != c.body || got.err != nil || got.length != int64(len(c.body)) {
			t.Errorf("%s: status %d; the handler got %d of %d bytes, length %d, error %v", c.name, status, len(got.body), len(c.body), got.length, got.err)
		}
		if res.Verdict != wafhttp.Detected || res.Status != c.status || res.Reason == "" || res.Body != c.inspected {
			t.Errorf("%s: reported %+v, want status %d and %v", c.name, res, c.status, c.inspected)
		}
		if strings.Contains(c.name, "attack") && (res.Score < 5 || len(res.Matches) == 0) {
			t.Errorf("%s: reported %+v", c.name, res)
		}
	}
	r.send(t, "GET", "/", "", nil)
	if res := r.result(); res.ID != "" {
		t.Errorf("something was told about a request of which there is nothing to tell: %+v", res)
	}
}

// Matches name rules and variables; values only where they are asked for.
func TestReport(t *testing.T) {
	for _, show := range []bool{false, true} {
		r := newRig(t, wafhttp.Options{ShowValues: show})
		r.send(t, "GET", "/?q="+strings.Repeat("a", 300)+"%3Cscript%3Ealert(1)%3C/script%3E", "", nil)
		res := r.result()
		i := slices.IndexFunc(res.Matches, func(m wafhttp.Match) bool { return m.Rule == 941100 && m.Var == "ARGS:q" })
		if i < 0 || res.Score < 5 || res.Rule != 949110 || res.Reason != "rules" {
			t.Fatalf("reported %+v", res)
		}
		m := res.Matches[i]
		if (m.Value != "") != show || len(m.Value) > 210 || m.Bytes != 325 || m.Message != "XSS Attack Detected via libinjection" {
			t.Errorf("show %v: the match is %+v", show, m)
		}
		if strings.Contains(fmt.Sprintf("%+v", res), "alert") && !show {
			t.Errorf("a value is in the report: %+v", res)
		}
	}
}

// Exclusions, own rules and lists hold as the options say, and what they name must be there.
func TestOptions(t *testing.T) {
	attack := "?q=%3Cscript%3Ealert(1)%3C/script%3E"
	own := fstest.MapFS{"own.conf": {Data: []byte(`SecRule REQUEST_FILENAME "@beginsWith /closed" "id:1000,phase:1,deny,status:404,nolog"
SecRule REQUEST_FILENAME "@streq /away" "id:1001,phase:1,redirect:/other,status:302,nolog"
SecRule REQUEST_FILENAME "@streq /raw" "id:1002,phase:1,pass,nolog,ctl:requestBodyAccess=Off"
SecRule REQUEST_HEADERS:Content-Type "@beginsWith text/plain" "id:1003,phase:1,pass,nolog,ctl:requestBodyProcessor=JSON"
SecRule REQUEST_FILENAME "@streq /gone" "id:1004,phase:1,drop,nolog"`)}}
	for _, c := range []struct {
		name    string
		options wafhttp.Options
		method  string
		target  string
		want    int
	}{
		{"no exclusion", wafhttp.Options{}, "GET", "/a" + attack, 403},
		{"by target", wafhttp.Options{Exclude: []wafhttp.Exclude{{Rule: "941000-941999", Target: "ARGS:q"}}}, "GET", "/a" + attack, 200},
		{"by pattern", wafhttp.Options{Exclude: []wafhttp.Exclude{{Rule: "tag:attack-xss", Target: "ARGS:/^q$/"}}}, "GET", "/a" + attack, 200},
		{"by another target", wafhttp.Options{Exclude: []wafhttp.Exclude{{Rule: "941000-941999", Target: "ARGS:p"}}}, "GET", "/a" + attack, 403},
		{"by path", wafhttp.Options{Exclude: []wafhttp.Exclude{{Rule: "941000-941999", Path: "/a/*"}}}, "GET", "/a/b" + attack, 200},
		{"by another path", wafhttp.Options{Exclude: []wafhttp.Exclude{{Rule: "941000-941999", Path: "/a/*"}}}, "GET", "/b" + attack, 403},
		{"by a path with two readings", wafhttp.Options{Exclude: []wafhttp.Exclude{{Rule: "941000-941999", Path: "/a/*"}}}, "GET", "/a/%2e%2e/b" + attack, 403},
		{"by a path with an escape", wafhttp.Options{Exclude: []wafhttp.Exclude{{Rule: "941000-941999", Path: "/a/*"}}}, "GET", "/a/..%2fb" + attack, 403},
		{"by method", wafhttp.Options{Exclude: []wafhttp.Exclude{{Rule: "941000-941999", Methods: []string{"PUT"}}}}, "GET", "/a" + attack, 403},
		{"threshold", wafhttp.Options{Threshold: 1000}, "GET", "/a" + attack, 200},
		{"off", wafhttp.Options{Mode: wafhttp.Off}, "GET", "/a" + attack, 200},
		{"reference", wafhttp.Options{Reference: true}, "GET", "/a" + attack, 403},
		{"restricted extension", wafhttp.Options{}, "GET", "/dump.sql", 403},
		{"allowed extension", wafhttp.Options{Allow: wafhttp.Allow{Extensions: []string{".sql"}}}, "GET", "/dump.sql", 200},
		{"allowed method", wafhttp.Options{Allow: wafhttp.Allow{Methods: []string{"PROPFIND"}}}, "PROPFIND", "/", 200},
		{"own rule", wafhttp.Options{Rules: own}, "GET", "/closed/x", 404},
		{"own redirect", wafhttp.Options{Rules: own}, "GET", "/away", 302},
	} {
		r := newRig(t, c.options)
		r.Client().CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
		if status, fields, _ := r.send(t, c.method, c.target, "", nil); status != c.want || status == 302 && fields.Get("Location") != "/other" {
			t.Errorf("%s: status %d, want %d; %+v", c.name, status, c.want, r.result())
		}
	}

	r := newRig(t, wafhttp.Options{Rules: own})
	if status, _, _ := r.send(t, "POST", "/raw", "application/json", strings.NewReader(`{"a":"`+sqli+`"}`)); status != 200 || r.result().Body != wafhttp.BodyUninspected {
		t.Errorf("requestBodyAccess=Off: status %d", status)
	}
	if status, _, _ := r.send(t, "POST", "/", "text/plain", strings.NewReader(`{"a":"`+sqli+`"}`)); status != 403 {
		t.Errorf("requestBodyProcessor=JSON: status %d", status)
	}
	q, _ := http.NewRequestWithContext(t.Context(), "POST", r.URL+"/gone", nil)
	if resp, err := r.Client().Do(q); err == nil {
		resp.Body.Close()
		t.Errorf("drop: answered %d", resp.StatusCode)
	}
}

func TestWrongOptions(t *testing.T) {
	f := func(want string, o wafhttp.Options) {
		t.Helper()
		if _, err := wafhttp.New(o); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("the error is %v, want one with %q", err, want)
		}
	}
	f("Options.Paranoia is 5: 1 to 4", wafhttp.Options{Paranoia: 5})
	f("Options.Threshold is -1", wafhttp.Options{Threshold: -1})
	f("Options.BodyBytesMax", wafhttp.Options{BodyBytesMax: 1 << 30})
	f("Options.HeldBytesMax is 1: less than one body", wafhttp.Options{HeldBytesMax: 1})
	f(`"json" is no type/subtype`, wafhttp.Options{Allow: wafhttp.Allow{ContentTypes: []string{"json"}}})
	f("Options.Exclude[0]: no rule has the id 942999", wafhttp.Options{Exclude: []wafhttp.Exclude{{Rule: "942999"}}})
	f(`no rule has the tag "attack-tea"`, wafhttp.Options{Exclude: []wafhttp.Exclude{{Rule: "tag:attack-tea"}}})
	f("make and judge the score", wafhttp.Options{Exclude: []wafhttp.Exclude{{Rule: "1-999999"}}})
	f("names no rule", wafhttp.Options{Exclude: []wafhttp.Exclude{{Rule: "libinjection"}}})
	f("unknown variable", wafhttp.Options{Exclude: []wafhttp.Exclude{{Rule: "942100", Target: "ARG:q"}}})
	f("begins with !", wafhttp.Options{Exclude: []wafhttp.Exclude{{Rule: "942100", Target: "!ARGS:q"}}})
	f("is no path", wafhttp.Options{Exclude: []wafhttp.Exclude{{Rule: "942100", Path: "search"}}})
	f("no .conf file", wafhttp.Options{Rules: fstest.MapFS{}})
	f("own.conf:2:", wafhttp.Options{Rules: fstest.MapFS{"own.conf": {Data: []byte("\nSecRule ARG \"@rx a\" \"id:1\"\n")}}})
	f("SecRuleEngine has no place", wafhttp.Options{Rules: fstest.MapFS{"own.conf": {Data: []byte("SecRuleEngine On\n")}}})
	f("has no rules", wafhttp.Options{CRS: fstest.MapFS{}})
}
