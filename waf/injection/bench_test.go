package injection_test

import (
	"testing"

	"github.com/corazawaf/libinjection-go"

	"skerry.dev/skerry/waf/injection"
)

// samples are values as they come, and two attacks.
var samples = []struct{ name, text string }{
	{"number", "42"},
	{"word", "stockholm"},
	{"email", "john.doe@example.com"},
	{"sentence", "The quick brown fox jumps over the lazy dogs."},
	{"quote", "It's a nice day, isn't it? I'd say so, she said"},
	{"uuid", "550e8400-e29b-41d4-a716-446655440000"},
	{"url", "https://www.example.com/shop/items?id=4711&lang=en#top"},
	{"agent", "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36"},
	{"accept", "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8"},
	{"token", "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxMjM0NTY3ODkwIiwibmFtZSI6IkpvaG4gRG9lIn0.SflKxwRJSMeKKF2QT4fwpMeJf36POk6yJVadQssw5c"},
	{"cookie", "_ga=GA1.2.1234567890.1700000000; theme=dark; session=abcdef0123456789"},
	{"sql", "-1' and 1=1 union/* foo */select load_file('/etc/passwd')--"},
	{"html", "<img src=x onerror=alert(document.cookie)>"},
}

func BenchmarkSQLi(b *testing.B) {
	for _, v := range samples {
		value := []byte(v.text)
		b.Run(v.name+"/ours", func(b *testing.B) {
			for b.Loop() {
				injection.SQLi(value)
			}
		})
		b.Run(v.name+"/libinjection", func(b *testing.B) {
			for b.Loop() {
				libinjection.IsSQLi(v.text)
			}
		})
	}
}

func BenchmarkXSS(b *testing.B) {
	for _, v := range samples {
		value := []byte(v.text)
		b.Run(v.name+"/ours", func(b *testing.B) {
			for b.Loop() {
				injection.XSS(value)
			}
		})
		b.Run(v.name+"/libinjection", func(b *testing.B) {
			for b.Loop() {
				libinjection.IsXSS(v.text)
			}
		})
	}
}
