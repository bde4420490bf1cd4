package body_test

import (
	"bytes"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"strings"
	"testing"

	"skerry.dev/skerry/waf/body"
)

// parts is a multipart body with boundary b from readable text: line feeds become CRLF.
func parts(text string) string {
	return strings.NewReplacer("\r\n", "\r\n", "\n", "\r\n").Replace(text)
}

// shown is all that rules see of a multipart body.
func shown(p *body.Parsed) string {
	var b strings.Builder
	fmt.Fprintf(&b, "args %s | files", flat(p.Args))
	for _, f := range p.Files {
		fmt.Fprintf(&b, " %s:%s:%s", f.Field, f.Name, f.Content)
	}
	fmt.Fprintf(&b, " | names %s | headers %s | %d", flat(p.PartNames), flat(p.PartHeaders), p.CombinedSize)
	return b.String()
}

func TestMultipart(t *testing.T) {
	f := func(text, want string) {
		t.Helper()
		p, err := parse(t, "multipart/form-data; boundary=b", parts(text))
		if got := shown(p); err != nil || got != want || p.StrictError {
			t.Errorf("%s\n got %s (%v)\nwant %s", text, got, err, want)
		}
	}
	f("--b--", "args  | files | names  | headers  | 0")
	f("\n--b--\n", "args  | files | names  | headers  | 0")
	f("--b\nContent-Disposition: form-data; name=\"a\"\n\nvalue\n--b--\n",
		"args a=value | files | names a=a | headers a=Content-Disposition: form-data; name=\"a\" | 5")
	f("--b\nContent-Disposition: form-data; name=a\n\n\n--b--",
		"args a= | files | names a=a | headers a=Content-Disposition: form-data; name=a | 0")
	f("--b\ncontent-disposition:form-data;name=\"a\" ; filename=\"x y;.php\"\nCONTENT-TYPE: \timage/png \n\n\n--\n-b\n-- b\n--b--",
		"args  | files a:x y;.php:\r\n--\r\n-b\r\n-- b | names a=a | headers a=Content-Disposition: form-data;name=\"a\" ; filename=\"x y;.php\"; a=Content-Type: image/png | 14")
	f("--b\nContent-Disposition: form-data; name=\"a\"; filename=\"\"\nContent-Type: application/octet-stream\n\n\n--b\nContent-Disposition: form-data; name=\"å\"\nContent-Type: text/plain; charset=UTF-8\nContent-Transfer-Encoding: 8bit\n\nx\n--b--",
		"args a=; å=x | files | names a=a; å=å | headers a=Content-Disposition: form-data; name=\"a\"; filename=\"\"; a=Content-Type: application/octet-stream; å=Content-Disposition: form-data; name=\"å\"; å=Content-Type: text/plain; charset=UTF-8; å=Content-Transfer-Encoding: 8bit | 1")
	f("--b\nContent-Disposition: form-data; name=\"\"\n\nx\n--b--", "args =x | files | names = | headers =Content-Disposition: form-data; name=\"\" | 1")
}

func TestMultipartIsRefused(t *testing.T) {
	f := func(text, why, unmatched string) {
		t.Helper()
		p, err := parse(t, "multipart/form-data; boundary=b", text)
		if got := reason(t, err); got != why || !p.StrictError || fmt.Sprint(p.UnmatchedBoundary) != unmatched {
			t.Errorf("%q: %s (%v), strict %v, unmatched %v, want %s", text, got, err, p.StrictError, p.UnmatchedBoundary, why)
		}
	}
	const head = "--b\nContent-Disposition: form-data; name=\"a\"\n\n"
	f("x", "malformed", "false")
	f("--c--", "malformed", "false")
	f("x\r\n--b--", "ambiguous", "false")
	f("\r\n\r\n--b--", "ambiguous", "false")
	f("\n--b--", "ambiguous", "false")
	f("--b", "ambiguous", "true")
	f("--b-", "ambiguous", "true")
	f("--b --", "ambiguous", "true")
	f("--b\n", "ambiguous", "true")
	f("--bb\r\n", "ambiguous", "true")
	f("--b--x", "ambiguous", "false")
	f("--b--\n", "ambiguous", "false")
	f("--b--\r\n\r\n", "ambiguous", "false")
	f("--b-- ", "ambiguous", "false")
	f(head+"x\n--b--", "ambiguous", "true") // bare line feeds
	f(parts(head), "malformed", "false")
	f(parts(head+"x"), "malformed", "false")
	f(parts(head+"x\n--b"), "ambiguous", "true")
	f(parts(head+"x\n--b\n"), "malformed", "false")
	f(parts(head+"--b--"), "ambiguous", "true")
	f(parts(head+"x--b--"), "ambiguous", "true")
	f(parts(head+"x\n--bx\ny\n--b--"), "ambiguous", "true")
	f(parts(head)+"x\n--b\r\ny\r\n--b--", "ambiguous", "true")
	f(parts(head)+"x\r--b\r\ny\r\n--b--", "ambiguous", "true")
	f(parts("--b\n\nx\n--b--"), "malformed", "false")
	f(parts("--b\nContent-Type: text/plain\n\nx\n--b--"), "malformed", "false")
	f(parts("--b\nContent-Disposition: form-data; name=\"a\"\n--b--"), "ambiguous", "true")
	f(parts("--b\nContent-Disposition: form-data; name=\"a\"\nX: --b\n\nx\n--b--"), "ambiguous", "true")
	h := func(header, why string) { // a part with this header, then one that must still be seen
		t.Helper()
		text := parts("--b\n" + header + "\n\nx\n--b\nContent-Disposition: form-data; name=\"last\"\n\nseen\n--b--")
		f(text, why, "false")
		if p, _ := parse(t, "multipart/form-data; boundary=b", text); !strings.Contains(flat(p.Args), "last=seen") || len(p.PartHeaders) < 2 {
			t.Errorf("%q: what follows is not seen: %s", header, shown(p))
		}
	}
	for _, line := range []string{
		"Content-Disposition: form-data", "Content-Disposition: attachment; name=\"a\"", "Content-Disposition: form-data; filename=\"a\"",
		"Content-Disposition: form-data; name=", "Content-Disposition: form-data; name=a b", "Content-Disposition: form-data; name=\"a",
		"Content-Disposition: form-data; name=\"a\"b", "Content-Disposition: form-data; name=\"a\"; x", "Content-Disposition: form-data name=\"a\"",
		"Content-Disposition : form-data; name=\"a\"", "Content-Disposition: form-data;\n name=\"a\"", "Content-Disposition: form-data; name=\"a\rb\"",
		"Content-Disposition: form-data; name=\"a\rb\"\nX: y", "Content-Disposition: form-data; name=\"a\x00\"", "\x0eContent-Disposition: form-data; name=\"a\"",
		" Content-Disposition: form-data; name=\"a\"", "nothing", "Content-Disposition: form-data; name=\"a\"\nContent-Type: text",
		"Content-Disposition: form-data; name=\"a\"\nX: \x7f",
	} {
		h(line, "malformed")
	}
	for _, line := range []string{
		"Content-Disposition: form-data; name=\"a\"; name=\"a\"", "Content-Disposition: form-data; name=\"a\"; filename=x; FileName=y",
		"Content-Disposition: form-data; name=\"a\"; filename=x; filename*=utf-8''y", "Content-Disposition: form-data; name=\"a\"; filename*=utf-8''y",
		"Content-Disposition: form-data; name=\"a\"; filename*0=x; filename*1=y", `Content-Disposition: form-data; name="a"; filename="x\"; y=\".php"`,
		`Content-Disposition: form-data; name="a"; filename="shell.ph\p"`,
		"Content-Disposition: form-data; name=\"a\"\ncontent-disposition: form-data; name=\"b\"",
		"Content-Disposition: form-data; name=\"a\"\nX: 1\nx: 1",
		"Content-Disposition: form-data; name=\"a\"\nContent-Transfer-Encoding: base64",
		"Content-Disposition: form-data; name=\"a\"\nContent-Transfer-Encoding: quoted-printable",
		"Content-Disposition: form-data; name=\"a\"\nContent-Type: multipart/mixed; boundary=c",
		"Content-Disposition: form-data; name=\"a\"\nContent-Type: text/plain; charset=utf-7",
		"Content-Disposition: form-data; name=\"a\"\nContent-Type: text/plain; charset=utf-8; charset=utf-7",
	} {
		h(line, "ambiguous")
	}
}

// What is refused for its Content-Disposition is still shown to the rules.
func TestMultipartShowsWhatItRefuses(t *testing.T) {
	f := func(params, want string) {
		t.Helper()
		p, err := parse(t, "multipart/form-data; boundary=b", parts("--b\nContent-Disposition: form-data; "+params+"\n\nx\n--b--"))
		got := flat(p.PartNames)
		for _, file := range p.Files {
			got += " " + string(file.Name)
		}
		if reason(t, err) != "ambiguous" || got != want {
			t.Errorf("%s: %s (%v), want %s", params, got, err, want)
		}
	}
	f(`name="a\"b"; filename="x\"; y=.php"`, `a\"b=a\"b x\"; y=.php`)
	f(`name="a"; filename="..\..\x"`, `a=a ..\..\x`)
	f(`filename*=utf-8''y; name="a"; filename=x`, `a=a x`)
	f(`name="a"; filename*="utf-8''y"; filename=x`, `a=a x`)
	f(`name="a"; filename=x; filename=y`, `a=a y`)
}

func TestMultipartBoundary(t *testing.T) {
	p, err := parse(t, `multipart/form-data; boundary="-- b"`, parts("---- b\nContent-Disposition: form-data; name=a\n\nx\n-- b\n--- b\n---- b--"))
	if err != nil || !p.BoundaryQuoted || lines(p.Args) != "a=x\r\n-- b\r\n--- b\n" {
		t.Error(shown(p), p.BoundaryQuoted, err)
	}
	if _, err := parse(t, `multipart/form-data; boundary=b; charset=utf-16`, "--b--"); reason(t, err) != "ambiguous" {
		t.Error(err)
	}
	if err := p.Parse(body.Media{Kind: body.Multipart}, []byte("--\r\n"), body.DefaultLimits(), new(body.Memory)); reason(t, err) != "malformed" {
		t.Error("no boundary:", err)
	}
}

func TestMultipartLimits(t *testing.T) {
	text := parts("--b\nContent-Disposition: form-data; name=\"abc\"\nX: y\n\nx\n--b\nContent-Disposition: form-data; name=\"abc\"\n\nx\n--b--")
	f := func(change func(*body.Limits), setting string) {
		t.Helper()
		l := body.DefaultLimits()
		change(&l)
		p := new(body.Parsed)
		err := p.Parse(media(t, "multipart/form-data; boundary=b"), []byte(text), l, new(body.Memory))
		if e, _ := err.(*body.Error); setting == "" && err != nil || setting != "" && (e == nil || e.Setting != setting) {
			t.Errorf("%v, want %q", err, setting)
		}
	}
	f(func(l *body.Limits) { l.Parts, l.PartHeaders, l.PartHeaderBytes, l.NameBytes = 2, 2, 52, 3 }, "")
	f(func(l *body.Limits) { l.Parts = 1 }, "Parts")
	f(func(l *body.Limits) { l.PartHeaders = 1 }, "PartHeaders")
	f(func(l *body.Limits) { l.PartHeaderBytes = 51 }, "PartHeaderBytes")
	f(func(l *body.Limits) { l.NameBytes = 2 }, "NameBytes")
}

// read is what mime/multipart makes of a body: fields, and files with their names.
func read(text []byte, boundary string) (args, files string, err error) {
	for r := multipart.NewReader(bytes.NewReader(text), boundary); ; {
		p, err := r.NextPart()
		if err == io.EOF {
			return args, files, nil
		}
		if err != nil {
			return "", "", err
		}
		content, err := io.ReadAll(p)
		if err != nil {
			return "", "", err
		}
		// FileName is only the last element of a path, the rules see all of it.
		_, params, err := mime.ParseMediaType(p.Header.Get("Content-Disposition"))
		if err != nil {
			return "", "", err
		}
		if name := params["filename"]; name != "" {
			files += fmt.Sprintf("%s:%s:%s\n", p.FormName(), name, content)
		} else {
			args += fmt.Sprintf("%s=%s\n", p.FormName(), content)
		}
	}
}

// FuzzMultipart holds the parser against mime/multipart: what is accepted has the same parts there.
func FuzzMultipart(f *testing.F) {
	for _, s := range []string{
		"--b\nContent-Disposition: form-data; name=\"a\"\n\nvalue\n--b--\n", "--b\nContent-Disposition: form-data; name=\"a\"; filename=\"x.txt\"\nContent-Type: text/plain\n\nvalue\n--b--",
		"\n--b\nContent-Disposition: form-data; name=a\nContent-Transfer-Encoding: binary\n\n\n--b\n\n--b--", "--b\n\n\n--b--", "--b--",
	} {
		f.Add([]byte(parts(s)))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		original := bytes.Clone(text)
		p := new(body.Parsed)
		err := p.Parse(media(t, "multipart/form-data; boundary=b"), text, body.DefaultLimits(), new(body.Memory))
		if !bytes.Equal(text, original) {
			t.Fatal("the input was written to")
		}
		if reason(t, err); err != nil || len(text) == 0 {
			return
		}
		files := ""
		for _, file := range p.Files {
			files += fmt.Sprintf("%s:%s:%s\n", file.Field, file.Name, file.Content)
		}
		wantArgs, wantFiles, err := read(text, "b")
		if err != nil || lines(p.Args) != wantArgs || files != wantFiles {
			t.Fatalf("%q\n got %q %q\nwant %q %q (%v)", text, lines(p.Args), files, wantArgs, wantFiles, err)
		}
	})
}
