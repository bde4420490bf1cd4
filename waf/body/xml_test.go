package body_test

import (
	"bytes"
	"encoding/xml"
	"io"
	"strings"
	"testing"

	"skerry.dev/skerry/waf/body"
)

func TestXML(t *testing.T) {
	f := func(text, want string) {
		t.Helper()
		p, err := parse(t, "application/xml", text)
		if got := flat(p.XML); err != nil || got != want || len(p.Args) > 0 {
			t.Errorf("%s\n got %s (%v)\nwant %s", text, got, err, want)
		}
	}
	f(`<a/>`, "")
	f("\ufeff<?xml version='1.0'  encoding = \"UTF-8\" standalone='yes' ?>\r\n<!-- c -->\n<a />\n<!---->", "")
	f(`<a>x</a>`, "/*=x")
	f(`<a x="1" y='"2"'>t<b z=""/> u <c>v</c></a>`, "//@*=1; //@*=\"2\"; /*=t; //@*=; /*=u; /*=v")
	f(`<s:Envelope xmlns:s="urn:s" s:a="1"><s:Body/></s:Envelope>`, "//@*=urn:s; //@*=1")
	f("<a>\n\t <b>x\r\ny\rz</b>\n</a>", "/*=x; y; z")
	f(`<a b="&lt;&#65;&#x1F600;&quot;">&amp;&apos;&gt;&#xe5;</a>`, "//@*=<A😀\"; /*=&'>å")
	f(`<a>UNI<!-- x -->ON <![CDATA[<SEL]]>ECT<![CDATA[&amp;]]> x<!-- y --> </a>`, "/*=UNION <SELECT&amp; x")
	f(`<a><![CDATA[]]><!-- --><b/><![CDATA[ ]]></a>`, "")
	f("<förnamn land=\"Å\">日本\u00a0</förnamn >", "//@*=Å; /*=日本")
}

func TestXMLIsRefused(t *testing.T) {
	f := func(text, why string) {
		t.Helper()
		if p, err := parse(t, "text/xml", text); reason(t, err) != why {
			t.Errorf("%q: %v, %s, want %s", text, err, flat(p.XML), why)
		}
	}
	for _, text := range []string{
		" ", "x", "<", "<a", "<a>", "</a>", "<a></b>", "<a></a", "<a></a x>", "<a/><b/>", "<a/>x", "x<a/>", "<a/>&#32;", "<a/><![CDATA[]]>", "< a/>", "<a/ >", "<1/>", "<-a/>",
		"<a b/>", "<a b=1/>", "<a b=\"1/>", "<a b=\"1\"c=\"2\"/>", "<a b=\"<\"/>", "<a b=\"1\" b=\"2\"/>", "<a b='&x;'/>", "<a>&nbsp;</a>", "<a>&</a>", "<a>&lt</a>", "<a>& lt;</a>",
		"<a>&#0;</a>", "<a>&#xd800;</a>", "<a>&#x110000;</a>", "<a>&#xfffe;</a>", "<a>&#;</a>", "<a>&#x;</a>", "<a>&#X41;</a>", "<a>&#+65;</a>", "<a>&#x_1;</a>", "<a>&#000000000065;</a>", "<a>]]></a>",
		"<a>\x00</a>", "<a>\x0b</a>", "<a>\xff</a>", "<a>\xed\xa0\x80</a>", "<a>\uffff</a>", "<a b='\x01'/>", "<a><!-- \x01 --></a>", "<a><![CDATA[\x01]]></a>",
		"<!-- -- --><a/>", "<!-- ---><a/>", "<!-- <a/>", "<!--->", "<a><![CDATA[x</a>", "<a:/>", "<:a/>", "<a:b:c/>", "<a:1/>", "<a\u00d7/>", "<a></a/>", "<a b==\"1\"/>",
		"<?xml version='1.0'", "<?xml version='1.0'?>", "<?xml version='1.0' encoding='utf-8' x='y'?><a/>", "<?xml version='1.0' standalone='maybe'?><a/>",
		"<?xml version='1.0'" + strings.Repeat(" ", 300) + "?><a/>", "<![CDATA[x]]>", "<a>\u0000", "<a><b></a></b>", "<a \x00/>",
	} {
		f(text, "malformed")
	}
	for _, text := range []string{
		"<!DOCTYPE a><a/>", "<!DOCTYPE a [<!ENTITY x SYSTEM 'file:///etc/passwd'>]><a>&x;</a>", "<a><!ELEMENT a></a>", "<!doctype a><a/>", "<a><![IGNORE[x]]></a>", "<!", "<?",
		"<?php x ?><a/>", "<a><?x?></a>", " <?xml version='1.0'?><a/>", "<a/><?xml version='1.0'?>", "<?xml-stylesheet href='x'?><a/>",
		"<?xml version='1.1'?><a/>", "<?xml?><a/>", "<?xml encoding='utf-8'?><a/>", "<?xml version='1.0' encoding='utf-7'?><a/>", "<?xml version='1.0' encoding='iso-8859-1'?><a/>",
	} {
		f(text, "ambiguous")
	}
	if _, err := parse(t, "text/xml; charset=iso-8859-1", "<a/>"); reason(t, err) != "ambiguous" {
		t.Error("a charset that is not UTF-8:", err)
	}
}

func TestXMLLimits(t *testing.T) {
	d := body.DefaultLimits()
	f := func(text string, change func(*body.Limits), setting string) {
		t.Helper()
		l := d
		change(&l)
		p := new(body.Parsed)
		err := p.Parse(body.Media{Kind: body.XML}, []byte(text), l, new(body.Memory))
		if e, _ := err.(*body.Error); setting == "" && err != nil || setting != "" && (e == nil || e.Setting != setting) {
			t.Errorf("%.40s: %v, want %q", text, err, setting)
		}
	}
	same := func(*body.Limits) {}
	f(strings.Repeat("<a>", d.Depth)+strings.Repeat("</a>", d.Depth), same, "")
	f(strings.Repeat("<a>", d.Depth+1), same, "Depth")
	f("<"+strings.Repeat("a", d.NameBytes)+"/>", same, "")
	f("<"+strings.Repeat("a", d.NameBytes+1)+"/>", same, "NameBytes")
	f("<a b='1' c='2'>x</a>", func(l *body.Limits) { l.Attributes, l.Pairs = 2, 3 }, "")
	f("<a b='1' c='2'>x</a>", func(l *body.Limits) { l.Attributes = 1 }, "Attributes")
	f("<a b='1' c='2'>x</a>", func(l *body.Limits) { l.Pairs = 2 }, "Pairs")
	f("<a b='1' c='2'>x</a>", func(l *body.Limits) { l.Pairs = 1 }, "Pairs")
}

// tokens is what encoding/xml, in strict mode, makes of a document: texts between tags, and attributes.
func tokens(text []byte) (string, error) {
	d := xml.NewDecoder(bytes.NewReader(bytes.TrimPrefix(text, []byte("\ufeff"))))
	var b, run strings.Builder
	depth := 0
	flush := func() {
		if s := strings.TrimSpace(run.String()); s != "" {
			b.WriteString("/*=" + s + "\n")
		}
		run.Reset()
	}
	for {
		token, err := d.Token()
		if err == io.EOF {
			return b.String(), nil
		}
		if err != nil {
			return "", err
		}
		switch token := token.(type) {
		case xml.StartElement:
			flush()
			depth++
			for _, a := range token.Attr {
				b.WriteString("//@*=" + a.Value + "\n")
			}
		case xml.EndElement:
			flush()
			depth--
		case xml.CharData:
			if depth > 0 {
				run.Write(token)
			}
		}
	}
}

// FuzzXML holds the parser against encoding/xml: what is accepted has the same texts and attributes there. That one knows the
// letters of an older edition of XML, so names may fail.
func FuzzXML(f *testing.F) {
	for _, s := range []string{
		`<?xml version="1.0" encoding="UTF-8"?><a x="1">t<b/><!-- c --><![CDATA[<d>]]></a>`, "<a b='&#65;\r\n'>&lt;\r</a>", "<a:b xmlns:a='u'/>",
		"<å/>", "<!DOCTYPE a><a/>", "<a>]]&gt;</a>", "\ufeff<a/>",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		original := bytes.Clone(text)
		p := new(body.Parsed)
		err := p.Parse(body.Media{Kind: body.XML}, text, body.DefaultLimits(), new(body.Memory))
		if !bytes.Equal(text, original) {
			t.Fatal("the input was written to")
		}
		if reason(t, err); err != nil || len(text) == 0 {
			return
		}
		want, err := tokens(text)
		if err != nil && strings.Contains(err.Error(), "invalid XML name") {
			return
		}
		if err != nil || lines(p.XML) != want {
			t.Fatalf("%q\n got %q\nwant %q (%v)", text, lines(p.XML), want, err)
		}
	})
}
