package body_test

import (
	"bytes"
	"encoding/json"
	"io"
	"strconv"
	"strings"
	"testing"

	"skerry.dev/skerry/waf/body"
)

func TestJSON(t *testing.T) {
	f := func(text, want string) {
		t.Helper()
		p, err := parse(t, "application/json", text)
		if got := flat(p.Args); err != nil || got != want {
			t.Errorf("%s\n got %s (%v)\nwant %s", text, got, err, want)
		}
	}
	f(`{"a":1}`, "json.a=1")
	f(`{"data":{"name":"John","age":30},"items":[1,2,3]}`, "json.data.name=John; json.data.age=30; json.items.0=1; json.items.1=2; json.items.2=3; json.items=3")
	f(`[{"a":[]},{}]`, "json=2")
	f(`[[1],[]]`, "json.0.0=1; json.0=1; json=2")
	f(`{}`, "")
	f(`[]`, "")
	f(` [ true , false , null , -0.5e+10 , 1e999 ] `+"\r\n\t", "json.0=true; json.1=false; json.2=; json.3=-0.5e+10; json.4=1e999; json=5")
	f(`"alone"`, "json.0=alone; json=1")
	f(`null`, "json.0=; json=1")
	f(`{"":"empty"}`, "json.=empty")
	f(`{"a.b":"1","a":{"b":"2"},"a":{"b":"3"}}`, "json.a.b=1; json.a.b=2; json.a.b=3")
	f(`{"\u006bey":"\"\\\/\b\f\r\t\u00e5\ud83d\ude00"}`, "json.key=\"\\/\b\f\r\tå😀")
	f(`{"a":"\n"}`, "json.a=; ") // flat writes a line feed so
	f(`{"nul":"a\u0000b"}`, "json.nul=a\x00b")
	f(`{"text":"räksmörgås, 日本語, 😀 and more than eight bytes"}`, "json.text=räksmörgås, 日本語, 😀 and more than eight bytes")
	f("\"\x7f\u2028\"", "json.0=\x7f\u2028; json=1")
}

func TestJSONIsRefused(t *testing.T) {
	f := func(text string) {
		t.Helper()
		if p, err := parse(t, "application/json", text); reason(t, err) != "malformed" {
			t.Errorf("%q: %v, %s", text, err, flat(p.Args))
		}
	}
	for _, text := range []string{
		` `, `{`, `[`, `}`, `]`, `[1`, `[1,`, `[1,]`, `[,1]`, `[1 2]`, `[1}`, `{"a":1]`, `{"a"}`, `{"a":}`, `{"a":1,}`, `{,}`, `{a:1}`, `{'a':1}`, `{1:1}`,
		`{"a" 1}`, `{"a":1 "b":2}`, `[1]]`, `{}{}`, `1 2`, `[1]x`, `nul`, `nulL`, `True`, `NaN`, `Infinity`, `+1`, `01`, `-`, `-01`, `1.`, `.1`, `1e`, `1e+`, `0x10`,
		`"`, `"abc`, `"\`, `"\"`, `"\x"`, `"\u12"`, `"\u12g4"`, `"\ud800"`, `"\udc00"`, `"\ud800\ud800"`, `"\ud800x"`, `"\ud800\n"`, `"\ud800`, `"\u`,
		"\"a\nb\"", "\"a\x00\"", "\"long enough for words \x1f\"", "\"\\n\t\"", "\"\xff\"", "\"\xc0\xaf\"", "\"\xed\xa0\x80\"", "\"\\n\xff\"", "\xef\xbb\xbf{}",
		"[1]\x00", "[1]\v", "\u00a0[1]", `// x` + "\n1", `/* */ 1`, `[1]//`,
	} {
		f(text)
		f(`{"a":` + text)
	}
	if _, err := parse(t, "application/json; charset=utf-16", `{}`); reason(t, err) != "ambiguous" {
		t.Error("a charset that is not UTF-8:", err)
	}
}

// What stands before the fault is kept, for the log.
func TestJSONKeepsWhatWasRead(t *testing.T) {
	if p, err := parse(t, "application/json", `{"a":"1","b":x}`); err == nil || flat(p.Args) != "json.a=1" {
		t.Error(flat(p.Args), err)
	}
}

func TestNDJSON(t *testing.T) {
	f := func(text, want, why string) {
		t.Helper()
		p, err := parse(t, "application/x-ndjson", text)
		if got := flat(p.Args); got != want || reason(t, err) != why {
			t.Errorf("%q\n got %s (%v)\nwant %s (%s)", text, got, err, want, why)
		}
	}
	f("{\"a\":1}\n{\"a\":[2]}\n", "json.0.a=1; json.1.a.0=2; json.1.a=1; json=2", "ok")
	f("1\r\n\"x\"", "json.0=1; json.1=x; json=2", "ok")
	f("[1]", "json.0.0=1; json.0=1; json=1", "ok")
	f("1\n\n2", "json.0=1", "malformed")
	f("[1,\n2]", "json.0.0=1", "malformed")
	f("1 2\n", "json.0=1", "malformed")
	f("\n", "", "malformed")
	f("", "", "ok")
}

func TestJSONLimits(t *testing.T) {
	d := body.DefaultLimits()
	f := func(text string, change func(*body.Limits), setting string) {
		t.Helper()
		l := d
		change(&l)
		p := new(body.Parsed)
		err := p.Parse(body.Media{Kind: body.JSON}, []byte(text), l, new(body.Memory))
		if e, _ := err.(*body.Error); setting == "" && err != nil || setting != "" && (e == nil || e.Reason != body.Limit || e.Setting != setting) {
			t.Errorf("%.40s: %v, want %q", text, err, setting)
		}
	}
	same := func(*body.Limits) {}
	f(strings.Repeat("[", d.Depth)+strings.Repeat("]", d.Depth), same, "")
	f(strings.Repeat("[", d.Depth+1)+strings.Repeat("]", d.Depth+1), same, "Depth")
	f(strings.Repeat("[", 10<<20), same, "Depth")
	f(strings.Repeat(`{"a":`, 10<<20/5), same, "Depth")
	f(`[1,2,3]`, func(l *body.Limits) { l.Pairs = 4 }, "")
	f(`[1,2,3]`, func(l *body.Limits) { l.Pairs = 3 }, "Pairs")
	f(`[1,2,3]`, func(l *body.Limits) { l.Pairs = 2 }, "Pairs")
	f(`{"abc":1}`, func(l *body.Limits) { l.NameBytes = len("json.abc") }, "")
	f(`{"abc":1}`, func(l *body.Limits) { l.NameBytes = len("json.abc") - 1 }, "NameBytes")
	f(`["abc",1]`, func(l *body.Limits) { l.NamesBytes = 2 * len("json.0") }, "")
	f(`["abc",1]`, func(l *body.Limits) { l.NamesBytes = 2*len("json.0") - 1 }, "NamesBytes")
	f(`{"`+strings.Repeat("k", 900)+`":[`+strings.Repeat("1,", 9000)+`1]}`, same, "NamesBytes")
	if _, err := parse(t, "application/json", strings.Repeat("[", 100)); err.Error() != "JSON, byte 64: arrays and objects are nested too deeply (at most 64, Limits.Depth)" {
		t.Error(err)
	}
}

// leaves flattens a JSON text as this package does, by encoding/json's decoder.
func leaves(text []byte) (string, error) {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	var out []body.Pair
	add := func(path, value string) { out = append(out, body.Pair{Name: []byte(path), Value: []byte(value)}) }
	var value func(path string, root bool) error
	value = func(path string, root bool) error {
		tok, err := d.Token()
		if err != nil {
			return err
		}
		delim, nested := tok.(json.Delim)
		if !nested && root {
			defer add(path, "1")
			path += ".0"
		}
		switch v := tok.(type) {
		case nil:
			add(path, "")
		case bool:
			add(path, strconv.FormatBool(v))
		case string:
			add(path, v)
		case json.Number:
			add(path, v.String())
		}
		if !nested {
			return nil
		}
		n := 0
		for ; d.More(); n++ {
			key := strconv.Itoa(n)
			if delim == '{' {
				k, err := d.Token()
				if err != nil {
					return err
				}
				key, _ = k.(string)
			}
			if err := value(path+"."+key, false); err != nil {
				return err
			}
		}
		if delim == '[' && n > 0 {
			add(path, strconv.Itoa(n))
		}
		_, err = d.Token()
		return err
	}
	if err := value("json", true); err != nil {
		return "", err
	}
	if _, err := d.Token(); err != io.EOF {
		return "", io.ErrUnexpectedEOF
	}
	return lines(out), nil
}

// FuzzJSON holds the parser against encoding/json: what is accepted has the same leaves; what is refused is invalid there too,
// or has what only we refuse: text that is not UTF-8, lone surrogates, too much.
func FuzzJSON(f *testing.F) {
	for _, s := range []string{`{"a":[1,{"b":null}],"c":"\ud83d\ude00"}`, `[[],{},[[1e9]]]`, `"x"`, `{"a":"\u0000","a":2}`, "[\"\xff\"]", `[0.1,-2E+3]`, `{"a.b":1,"a":{"b":2}}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		if len(text) == 0 {
			return
		}
		original := bytes.Clone(text)
		p := new(body.Parsed)
		err := p.Parse(body.Media{Kind: body.JSON}, text, body.DefaultLimits(), new(body.Memory))
		if !bytes.Equal(text, original) {
			t.Fatal("the input was written to")
		}
		want, other := leaves(text)
		valid := json.Valid(text)
		switch {
		case err == nil && (!valid || other != nil):
			t.Fatalf("accepted %q, refused by encoding/json: %v", text, other)
		case err == nil && lines(p.Args) != want:
			t.Fatalf("%q\n got %q\nwant %q", text, lines(p.Args), want)
		case err != nil && valid && reason(t, err) != "limit" && !strings.Contains(err.Error(), "UTF-8") && !strings.Contains(err.Error(), "surrogate"):
			t.Fatalf("refused %q: %v", text, err)
		}
	})
}
