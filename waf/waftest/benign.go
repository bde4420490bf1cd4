package waftest

import (
	"bytes"
	"embed"
	"encoding/base64"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
)

// benign is requests as people and programs send them, by kind. In the files a line ends with LF, a request has no length,
// <<base64:…>> stands for bytes and <<repeat N:…>> for a text N times.
//
//go:embed testdata/benign/*.txtar
var benign embed.FS

// Benign returns the corpus of requests that no firewall should mind, as clients would send them: with CRLF in the head and
// in multipart bodies, and with a length after Host. A name is file and request, "browser/chrome first visit".
func Benign(t testing.TB) []Request {
	t.Helper()
	files, err := benign.ReadDir("testdata/benign")
	if err != nil {
		t.Fatal(err)
	}
	var all []Request
	for _, f := range files {
		text, err := benign.ReadFile("testdata/benign/" + f.Name())
		if err != nil {
			t.Fatal(err)
		}
		for _, one := range txtar.Parse(text).Files {
			r, err := written(one.Data)
			if err != nil {
				t.Fatalf("testdata/benign/%s: %s: %v", f.Name(), one.Name, err)
			}
			r.Name = strings.TrimSuffix(f.Name(), ".txtar") + "/" + one.Name
			all = append(all, r)
		}
	}
	return all
}

var marks = regexp.MustCompile(`<<(base64|repeat (\d+)):([^>]*)>>`)

// written makes a request of one in a file.
func written(text []byte) (r Request, err error) {
	r = ParseRequest(text)
	body := bytes.TrimSuffix(r.Body, []byte("\n"))
	if strings.HasPrefix(r.Header("Content-Type"), "multipart/") {
		body = bytes.ReplaceAll(body, []byte("\n"), []byte("\r\n"))
		body = append(body, "\r\n"...)
	}
	r.Body = marks.ReplaceAllFunc(body, func(mark []byte) []byte {
		m := marks.FindSubmatch(mark)
		if len(m[2]) > 0 {
			n, nerr := strconv.Atoi(string(m[2]))
			if nerr != nil || n*len(m[3]) > repeatBytesMax {
				err = fmt.Errorf("%.40q is %s times %d bytes, at most %d are allowed", mark, m[2], len(m[3]), repeatBytesMax)
				return nil
			}
			return bytes.Repeat(m[3], n)
		}
		decoded, derr := base64.StdEncoding.DecodeString(string(m[3]))
		if derr != nil {
			err = fmt.Errorf("%.40q: %w", mark, derr)
		}
		return decoded
	})
	if len(r.Headers) == 0 || r.Headers[0][0] != "Host" {
		return r, fmt.Errorf("the first header is not Host")
	}
	if len(r.Body) > 0 || r.Method == "POST" || r.Method == "PUT" || r.Method == "PATCH" {
		r.Headers = slices.Insert(r.Headers, 1, [2]string{"Content-Length", strconv.Itoa(len(r.Body))})
	}
	return r, err
}
