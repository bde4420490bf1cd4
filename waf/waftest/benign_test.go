package waftest_test

import (
	"bufio"
	"bytes"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"

	"skerry.dev/skerry/waf/waftest"
)

var update = flag.Bool("update", false, "rewrite testdata/benign.coraza")

// TestBenign holds the corpus to being what clients send: an independent parser takes each request, and its body is whole.
func TestBenign(t *testing.T) {
	all := waftest.Benign(t)
	names := map[string]bool{}
	kinds := map[string]int{}
	for _, r := range all {
		if names[r.Name] {
			t.Errorf("two requests are named %q", r.Name)
		}
		names[r.Name] = true
		kind, _, _ := strings.Cut(r.Name, "/")
		kinds[kind]++
		in, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(r.Raw())))
		if err != nil {
			t.Errorf("%s: %v", r.Name, err)
			continue
		}
		body, err := io.ReadAll(in.Body)
		if err != nil || !bytes.Equal(body, r.Body) || in.Host == "" || r.Proto != "HTTP/1.1" {
			t.Errorf("%s: a body of %d bytes is read as %d, error %v", r.Name, len(r.Body), len(body), err)
			continue
		}
		if strings.HasPrefix(in.Header.Get("Content-Type"), "multipart/") {
			in.Body = io.NopCloser(bytes.NewReader(body))
			if err := in.ParseMultipartForm(1 << 20); err != nil {
				t.Errorf("%s: %v", r.Name, err)
			}
		}
	}
	if len(all) < 150 || len(kinds) < 10 {
		t.Errorf("%d requests of %d kinds, want at least 150 of 10", len(all), len(kinds))
	}
}

// policy is the lists of a web profile: what the Core Rule Set's own would refuse, that is no attack.
const policy = `SecAction "id:900200,phase:1,pass,nolog,t:none,\
	setvar:'tx.allowed_methods=GET HEAD POST PUT PATCH DELETE OPTIONS QUERY',\
	setvar:'tx.allowed_request_content_type=|application/x-www-form-urlencoded| |multipart/form-data| |text/xml| |application/xml| |application/soap+xml| |application/json| |text/plain| |application/octet-stream| |application/csp-report| |application/reports+json| |application/x-ndjson| |application/merge-patch+json| |application/json-patch+json| |application/strategic-merge-patch+json| |application/scim+json| |application/activity+json| |application/graphql| |application/grpc| |application/grpc-web+proto| |application/grpc-web-text| |application/protobuf| |application/x-protobuf| |application/msgpack| |application/offset+octet-stream| |application/x-git-upload-pack-request|'"
`

// TestBenignCoraza holds what Coraza and the Core Rule Set say about the corpus at paranoia 1 and 2 against a file: it is the
// measure for false positives of ours, and shows when a release of the rules changes them.
func TestBenignCoraza(t *testing.T) {
	var got strings.Builder
	all := waftest.Benign(t)
	for paranoia := 1; paranoia <= 2; paranoia++ {
		c := waftest.NewCoraza(t, waftest.Options{Paranoia: paranoia, Detect: true, Before: policy})
		refused := 0
		var lines strings.Builder
		for _, r := range all {
			j := c.Judge(r)
			if j.Score >= 5 {
				refused++
			}
			if j.Score > 0 {
				fmt.Fprintf(&lines, "%s: score %d, %s\n", r.Name, j.Score, scoring(j))
			}
		}
		fmt.Fprintf(&got, "# paranoia %d: %d of %d requests refused\n%s", paranoia, refused, len(all), &lines)
	}
	const file = "testdata/benign.coraza"
	if *update {
		if err := os.WriteFile(file, []byte(got.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got.String() != string(want) {
		t.Errorf("Coraza's judgement of the corpus has changed; look at the difference after go test -run BenignCoraza -update. Now:\n%s", &got)
	}
}

// scoring is what matched of rules that log, which are those that score, each with its first variable.
func scoring(j waftest.Judgement) string {
	var out []string
	for _, id := range j.Logged {
		if id >= 949000 { // the sum of the others
			break
		}
		i := slices.IndexFunc(j.Matches, func(m waftest.Match) bool { return m.Rule == id })
		out = append(out, fmt.Sprintf("%d %s", id, strings.Trim(fmt.Sprintf("%.60q", j.Matches[i].Var), `"`)))
	}
	return strings.Join(out, ", ")
}
