package body_test

import (
	"fmt"
	"mime"
	"strings"
	"testing"

	"skerry.dev/skerry/waf/body"
)

func TestClassify(t *testing.T) {
	f := func(field, want string) {
		t.Helper()
		m, err := body.Classify([]byte(field), new(body.Memory))
		got := fmt.Sprintf("%s %s %s %s %v", m.Kind, m.Type, m.Charset, m.Boundary, m.BoundaryQuoted)
		if err != nil {
			got = reason(t, err)
		}
		if got != want {
			t.Errorf("%q\n got %s (%v)\nwant %s", field, got, err, want)
		}
	}
	f("", "none    false")
	f(" \t ", "none    false")
	f("application/x-www-form-urlencoded", "form application/x-www-form-urlencoded   false")
	f("Application/JSON; Charset=UTF-8", "json application/json utf-8  false")
	f("application/json;charset=\"utf-8\";", "json application/json utf-8  false")
	f("application/vnd.api+JSON ; profile=\"a;b, c\"", "json application/vnd.api+json   false")
	f("application/csp-report", "json application/csp-report   false")
	f("application/reports+json", "json application/reports+json   false")
	f("application/x-ndjson", "ndjson application/x-ndjson   false")
	f("text/xml; charset=iso-8859-1", "xml text/xml iso-8859-1  false")
	f("application/soap+xml; charset=utf-8; action=\"urn:a/b\"", "xml application/soap+xml utf-8  false")
	f("image/svg+xml", "xml image/svg+xml   false")
	f("application/octet-stream", "opaque application/octet-stream   false")
	f("application/grpc", "opaque application/grpc   false")
	f("multipart/mixed; boundary=a", "opaque multipart/mixed   false")
	f("application/json-seq", "opaque application/json-seq   false")
	f("multipart/form-data; boundary=----WebKitFormBoundaryAbC", "multipart multipart/form-data  ----WebKitFormBoundaryAbC false")
	f(`multipart/form-data; boundary="a b=?/c"; charset=utf-8`, "multipart multipart/form-data utf-8 a b=?/c true")
	f("multipart/form-data; boundary="+strings.Repeat("b", 70), "multipart multipart/form-data  "+strings.Repeat("b", 70)+" false")

	f("multipart/form-data", "malformed")
	f("multipart/form-data; boundary=", "malformed")
	f(`multipart/form-data; boundary=""`, "malformed")
	f(`multipart/form-data; boundary="a "`, "malformed")
	f(`multipart/form-data; boundary=a;b`, "malformed")
	f(`multipart/form-data; boundary=a b`, "malformed")
	f(`multipart/form-data; boundary=a, multipart/form-data; boundary=b`, "malformed")
	f("multipart/form-data; boundary=a*b", "malformed")
	f("multipart/form-data; boundary="+strings.Repeat("b", 71), "limit")
	f("multipart/form-data; boundary=a; boundary=a", "ambiguous")
	f("multipart/form-data; boundary=a; BOUNDARY=b", "ambiguous")
	f("multipart/form-data; boundary*=utf-8''a", "ambiguous")
	f("multipart/form-data; boundary*0=a; boundary*1=b", "ambiguous")
	f(`multipart/form-data; boundary="a\"b"`, "ambiguous")
	f(`multipart/form-data; boundary="a`, "malformed")
	f(`multipart/form-data; boundary="a"b`, "malformed")
	f("multipart/form-data; boundary = a", "malformed")
	f("application/json; charset=utf-8; charset=utf-8", "ambiguous")
	f("application/json;; charset=utf-8", "malformed")
	f("application/json; charset", "malformed")
	f(`application/json; charset=""`, "malformed")
	f("application/json, text/xml", "malformed")
	f("application /json", "malformed")
	f("application", "malformed")
	f("/json", "malformed")
	f("a/b/c", "malformed")
	f("application/json\x00", "malformed")
	f("application/json; a=\"\x01\"", "malformed")
	f("\u00a0application/json", "malformed")
	f("application/json; x=\u00e5", "malformed")
	f("application/json;"+strings.Repeat(" ", 1<<10)+"a=b", "limit")
	f("application/json; a=1; b=1; c=1; d=1; e=1; f=1; g=1; h=1; i=1", "limit")
}

// FuzzClassify holds Classify against mime.ParseMediaType: what is accepted is the same type with the same charset and boundary.
func FuzzClassify(f *testing.F) {
	for _, s := range []string{"application/json; charset=utf-8", `multipart/form-data; boundary="a b"`, "text/xml;", "a/b; c=d; C=d", `a/b; c="\d"`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, field string) {
		m, err := body.Classify([]byte(field), new(body.Memory))
		if err != nil {
			reason(t, err)
			return
		}
		if m.Kind == body.None {
			return
		}
		name, params, err := mime.ParseMediaType(field)
		if err != nil {
			t.Fatalf("accepted %q, refused by mime: %v", field, err)
		}
		boundary := params["boundary"]
		if m.Kind != body.Multipart {
			boundary = ""
		}
		if name != string(m.Type) || strings.ToLower(params["charset"]) != string(m.Charset) || boundary != string(m.Boundary) {
			t.Fatalf("%q: %s %v, mime has %s %v", field, m.Type, m, name, params)
		}
	})
}

func TestInspected(t *testing.T) {
	for kind, want := range map[string]bool{
		"": true, "text/plain": true, "text/plain; charset=utf-8": true, "application/json": true, "application/octet-stream": false, "image/png": false,
	} {
		m, err := body.Classify([]byte(kind), &body.Memory{})
		if err != nil || m.Inspected() != want {
			t.Errorf("%q: inspected %v, %v", kind, m.Inspected(), err)
		}
	}
}
