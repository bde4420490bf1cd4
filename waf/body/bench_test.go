package body_test

import (
	"fmt"
	"strings"
	"testing"

	"skerry.dev/skerry/waf/body"
)

// jsonText is an API's JSON of about a size: 66 leaves in 2,000 bytes, 900 with sentences in 100,000.
func jsonText(size int) string {
	var b strings.Builder
	b.WriteString(`{"customer":{"name":"Anna Lindqvist","email":"anna.lindqvist@example.com","active":true},"items":[`)
	title := "A rather ordinary item of the catalogue"
	if size > 10_000 {
		title = strings.Repeat("the quick brown fox jumps over the lazy dog, ", 9)
	}
	for i := 0; b.Len() < size-150; i++ {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `{"id":%d,"sku":"A-%05d","title":"%s","price":%d.50,"stock":null}`, i, i*7, title, i)
	}
	b.WriteString(`],"note":"\"quoted\"\n"}`)
	return b.String()
}

var (
	formText = func() string {
		var b strings.Builder
		for i := range 20 {
			fmt.Fprintf(&b, "&field_%02d=value+number%d", i, i)
		}
		return b.String()[1:]
	}()
	partsText = parts("--b\nContent-Disposition: form-data; name=\"title\"\n\nMy holiday\n--b\nContent-Disposition: form-data; name=\"photo\"; filename=\"beach.jpg\"\nContent-Type: image/jpeg\n\n" +
		strings.Repeat("0123456789abcdef", 256) + "\n--b--\n")
	xmlText = `<?xml version="1.0" encoding="UTF-8"?><soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/"><soap:Body>` +
		strings.Repeat(`<order id="17"><item sku="A-1">Fish &amp; chips</item><price currency="SEK">95.00</price></order>`, 20) + `</soap:Body></soap:Envelope>`
)

func BenchmarkParse(b *testing.B) {
	for _, c := range []struct{ name, contentType, text string }{
		{"json_2k", "application/json", jsonText(2_000)},
		{"json_100k", "application/json", jsonText(100_000)},
		{"json_100k_swedish", "application/json", strings.ReplaceAll(jsonText(100_000), "o", "å")},
		{"form_20", "application/x-www-form-urlencoded", formText},
		{"form_20_plain", "application/x-www-form-urlencoded", strings.ReplaceAll(formText, "+", "_")},
		{"multipart_4k", "multipart/form-data; boundary=b", partsText},
		{"xml_2k", "application/xml", xmlText},
	} {
		b.Run(c.name, func(b *testing.B) {
			var p body.Parsed
			var mem body.Memory
			l := body.DefaultLimits()
			m, data := media(b, c.contentType), []byte(c.text)
			b.SetBytes(int64(len(data)))
			b.ReportAllocs()
			for b.Loop() {
				if err := p.Parse(m, data, l, &mem); err != nil {
					b.Fatal(err)
				}
				pairs := len(p.Args) + len(p.XML)
				p.Reset()
				mem.Reset()
				_ = pairs
			}
		})
	}
}

func BenchmarkHead(b *testing.B) {
	l := body.DefaultLimits()
	var mem body.Memory
	var pairs []body.Pair
	b.Run("query", func(b *testing.B) {
		text := []byte("q=some+text&page=2&sort=asc&utm_source=mail")
		b.ReportAllocs()
		for b.Loop() {
			pairs, _ = body.AppendQuery(pairs[:0], text, l, &mem)
			mem.Reset()
		}
	})
	b.Run("cookies", func(b *testing.B) {
		text := []byte("sid=0123456789abcdef0123456789abcdef; _ga=GA1.2.3.4; theme=dark; lang=sv; cart=17")
		b.ReportAllocs()
		for b.Loop() {
			pairs, _ = body.AppendCookies(pairs[:0], text, l)
		}
	})
	b.Run("classify", func(b *testing.B) {
		text := []byte("application/json; charset=utf-8")
		b.ReportAllocs()
		for b.Loop() {
			if _, err := body.Classify(text, &mem); err != nil {
				b.Fatal(err)
			}
		}
	})
}
