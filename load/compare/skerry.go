package main

import (
	"net/netip"
	"strings"
	"sync"

	"skerry.dev/skerry/fault"
	"skerry.dev/skerry/waf/body"
	"skerry.dev/skerry/waf/crs"
	waf "skerry.dev/skerry/waf/engine"
)

// skerryEngine is Skerry's engine in this process.
type skerryEngine struct {
	policy *waf.Policy
	rules  int
	logged func(id int)
	views  sync.Map // *request to *view
}

// view is a request as bytes, which is what the edge has; Coraza takes strings.
type view struct {
	method, target []byte
	fields         []body.Pair
}

func (s *skerryEngine) view(r *request) *view {
	if v, ok := s.views.Load(r); ok {
		return v.(*view)
	}
	v := &view{method: []byte(r.method), target: []byte(r.target)}
	for _, f := range r.fields {
		v.fields = append(v.fields, body.Pair{Name: []byte(f.name), Value: []byte(f.value)})
	}
	s.views.Store(r, v)
	return v
}

// newSkerry makes Skerry's engine with a policy, on the rules that are in the binary: files are the rivals'. logged is told the
// id of every rule that writes a log line, nil: nobody is.
func newSkerry(_ ruleFiles, p policy, logged func(id int)) (engine, error) {
	set, err := crs.Load()
	if err != nil {
		return nil, err
	}
	program, problems := waf.New(set)
	if len(problems) > 0 {
		return nil, fault.Problems(problems)
	}
	tx := crs.Setup{Paranoia: p.Paranoia, Threshold: p.Threshold, OutThreshold: 4}.Set()
	compiled, problems := program.NewPolicy(waf.Options{TX: tx})
	if len(problems) > 0 {
		return nil, fault.Problems(problems)
	}
	return &skerryEngine{policy: compiled, rules: program.Rules(), logged: logged}, nil
}

// Rules is how many rules of the rule set it has loaded.
func (s *skerryEngine) Rules() int { return s.rules }

var (
	clientAddr = netip.MustParseAddr("192.0.2.1")
	http11     = []byte("HTTP/1.1")
)

// Judge does what the stage does for one request and its answer.
func (s *skerryEngine) Judge(r *request) (status int, err error) {
	t := s.policy.Begin()
	defer t.End()
	t.Client(clientAddr, 40000)
	q := s.view(r)
	t.Line(q.method, q.target, http11)
	var media body.Media
	var mem body.Memory
	for i := range q.fields {
		f := &q.fields[i]
		t.Header(f.Name, f.Value)
		if len(f.Name) == len("Content-Type") && strings.EqualFold(string(f.Name), "Content-Type") {
			if media, err = body.Classify(f.Value, &mem); err != nil {
				return 0, err
			}
		}
	}
	t.Media(media)
	v := t.Head()
	if !v.Refused() && len(r.body) > 0 {
		_ = t.Body(media, r.body) // the verdict says what became of it
	}
	if !v.Refused() {
		v = t.Request()
	}
	if !v.Refused() {
		t.Status(200, http11)
		t.ResponseHeader(contentType, textPlain)
		v = t.ResponseHead()
	}
	t.Log()
	if s.logged != nil {
		last := 0
		t.Matches(func(m waf.Match) bool {
			// The summary of scores is logged where phase 5 logs by default, which it does in Coraza only if it is told to.
			if m.Logged && m.Rule != last && crs.Family(m.Rule) != "correlation" {
				last = m.Rule
				s.logged(m.Rule)
			}
			return true
		})
	}
	return v.Status, nil
}

var contentType, textPlain = []byte("Content-Type"), []byte("text/plain")
