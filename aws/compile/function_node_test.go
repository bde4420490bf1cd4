package compile

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"skerry.dev/skerry/aws/model"
	"skerry.dev/skerry/spec"
)

// node runs functions in Node.js, which is not what CloudFront has, but another implementation than ours of the same language.
type node struct {
	in  *bufio.Writer
	out *bufio.Scanner
	n   int
}

func newNode(t testing.TB) *node {
	t.Helper()
	c := exec.Command("node", "testdata/functions/harness.js")
	in, err1 := c.StdinPipe()
	out, err2 := c.StdoutPipe()
	c.Stderr = os.Stderr
	if err1 != nil || err2 != nil {
		t.Fatal(err1, err2)
	}
	if err := c.Start(); err != nil {
		t.Fatalf("these tests need Node.js: %v", err)
	}
	t.Cleanup(func() {
		in.Close()
		if err := c.Wait(); err != nil {
			t.Error(err)
		}
	})
	s := bufio.NewScanner(out)
	s.Buffer(nil, 16<<20)
	return &node{in: bufio.NewWriter(in), out: s}
}

// field is a header field, or a cookie, as events have them.
type jsField struct {
	Value string    `json:"value"`
	Multi []jsField `json:"multiValue,omitempty"`
}

type jsRequest struct {
	Method  string             `json:"method"`
	URI     string             `json:"uri"`
	Raw     *string            `json:"raw,omitempty"`
	Query   map[string]jsField `json:"querystring"`
	Headers map[string]jsField `json:"headers"`
	Cookies map[string]jsField `json:"cookies"`
}

type jsEvent struct {
	Version string         `json:"version"`
	Context map[string]any `json:"context"`
	Viewer  map[string]any `json:"viewer"`
	Request *jsRequest     `json:"request"`
	Answer  *outcome       `json:"response,omitempty"`
}

// outcome is what a function returned: a request, which has a URI, or a response.
type outcome struct {
	URI     string             `json:"uri,omitempty"`
	Status  int                `json:"statusCode,omitempty"`
	Headers map[string]jsField `json:"headers"`
	Cookies map[string]jsField `json:"cookies,omitempty"`
	Body    string             `json:"body,omitempty"`
	calls   string             // of the module cloudfront, as JSON
}

func (n *node) run(code string, event jsEvent, store map[string]string) (*outcome, error) {
	n.n++
	line, err := json.Marshal(map[string]any{"id": n.n, "code": code, "event": event, "store": store})
	if err != nil {
		return nil, err
	}
	n.in.Write(append(line, '\n'))
	n.in.Flush()
	if !n.out.Scan() {
		return nil, fmt.Errorf("node has ended: %v", n.out.Err())
	}
	var answer struct {
		ID     int             `json:"id"`
		Result *outcome        `json:"result"`
		Calls  json.RawMessage `json:"calls"`
		Error  string          `json:"error"`
	}
	if err := json.Unmarshal(n.out.Bytes(), &answer); err != nil || answer.ID != n.n {
		return nil, fmt.Errorf("node answered %s: %v", n.out.Bytes(), err)
	}
	if answer.Error != "" {
		return nil, fmt.Errorf("%s\nin\n%s", answer.Error, code)
	}
	answer.Result.calls = string(answer.Calls)
	return answer.Result, nil
}

// event makes the event of "METHOD host/path?query", with fields "name: value".
func requestEvent(method, host, target string, fields ...string) jsEvent {
	path, query, hasQuery := strings.Cut(target, "?")
	r := &jsRequest{Method: method, URI: path, Query: map[string]jsField{}, Headers: map[string]jsField{"host": {Value: host}}, Cookies: map[string]jsField{}}
	if hasQuery {
		r.Raw = &query
	}
	for _, f := range fields {
		name, value, _ := strings.Cut(f, ": ")
		name = strings.ToLower(name)
		switch had, there := r.Headers[name]; {
		case name == "cookie":
			for pair := range strings.SplitSeq(value, "; ") {
				k, v, _ := strings.Cut(pair, "=")
				r.Cookies[k] = jsField{Value: v}
			}
		case listed(hiddenFields, name): // not shown
		case there:
			if had.Multi == nil {
				had.Multi = []jsField{{Value: had.Value}}
			}
			had.Multi = append(had.Multi, jsField{Value: value})
			r.Headers[name] = had
		default:
			r.Headers[name] = jsField{Value: value}
		}
	}
	return jsEvent{Version: "1.0", Viewer: map[string]any{"ip": "192.0.2.7"}, Request: r, Context: map[string]any{
		"distributionDomainName": "d111111abcdef8.cloudfront.net", "distributionId": "EDFDVBD6EXAMPLE", "eventType": "viewer-request", "requestId": "EXAMPLEid==",
	}}
}

// matches is how CloudFront compares a path with a pattern: the obvious way.
func patternMatches(pattern, path string) bool {
	switch {
	case pattern == "":
		return path == ""
	case pattern[0] == '*':
		return patternMatches(pattern[1:], path) || path != "" && patternMatches(pattern, path[1:])
	case path == "":
		return false
	}
	return (pattern[0] == '?' || pattern[0] == path[0]) && patternMatches(pattern[1:], path[1:])
}

// behaviorFor is the behaviour that CloudFront chooses.
func (s *site) behaviorFor(path string) *behavior {
	for strings.Contains(path, "//") { // as CloudFront reads it
		path = strings.ReplaceAll(path, "//", "/")
	}
	for _, v := range s.behaviors {
		if v.pattern == "" || patternMatches(v.pattern, path) {
			return v
		}
	}
	panic("no default behaviour")
}

// madeSite compiles the behaviours and functions of one entrypoint, with origins made by hand.
func madeSite(t testing.TB, text string) (*builder, *site) {
	t.Helper()
	s := loaded(t, text)
	b := newBuilder(s, new(Memory))
	site := &site{entry: s.Entrypoints[0]}
	for _, sv := range s.Services {
		o := &origin{id: sv.Meta.Name, service: sv, origins: []*model.DistributionOrigin{{Id: model.Text(sv.Meta.Name)}}}
		if len(sv.Endpoints) == 2 {
			o.id = sv.Meta.Name + "-group"
			o.origins = append(o.origins, &model.DistributionOrigin{Id: model.Text(sv.Meta.Name + "-2")})
			o.group = &model.DistributionOriginGroup{Id: model.Text(o.id), FailoverCriteria: &model.DistributionOriginGroupFailoverCriteria{
				StatusCodes: &model.DistributionStatusCodes{Items: []model.Value{model.Int(502), model.Int(503)}}}}
		}
		site.origins = append(site.origins, o)
	}
	b.sites = append(b.sites, site)
	b.behaviors(site)
	b.functions(site)
	return b, site
}

// loaded parses a spec as it stands in a file.
func loaded(t testing.TB, text string) *spec.Spec {
	t.Helper()
	path := filepath.Join(t.TempDir(), "edge.yaml")
	if err := os.WriteFile(path, []byte(strings.TrimLeft(text, "\n")), 0o600); err != nil {
		t.Fatal(err)
	}
	s, problems := spec.Load([]string{path}, spec.Options{})
	for _, p := range problems {
		t.Error(p)
	}
	if s == nil {
		t.Fatal(text)
	}
	return s
}
