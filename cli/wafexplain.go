package cli

import (
	"errors"
	"fmt"
	"io"
	"net/netip"
	"strings"

	"github.com/spf13/cobra"

	"skerry.dev/skerry/exchange"
	"skerry.dev/skerry/fault"
	"skerry.dev/skerry/spec"
	"skerry.dev/skerry/waf"
	"skerry.dev/skerry/waf/body"
	"skerry.dev/skerry/waf/engine"
)

// wafQuestion is what `waf explain` is asked: a request, and under which policy.
type wafQuestion struct {
	setting    settingFlags
	paths      []string
	entrypoint string
	profile    string
	paranoia   int
	threshold  int
	client     string
}

func newWAFExplain() *cobra.Command {
	var q wafQuestion
	cmd := &cobra.Command{
		Use:   "explain REQUEST-FILE",
		Short: "Say which rules match a request, why, and which exclusions would silence them",
		Long: "Read a request as HTTP/1.1 from a file, or from standard input (-), and say which rules of the firewall match it:\n" +
			"on which value, before and after which transformations, with which score and verdict, and for each the\n" +
			"narrowest exclusion that silences it. Each exclusion has been tried. Nothing is sent.\n\n" +
			"The policy is that of the route which takes the request (-f), or of a profile.",
		Example: "  skerry waf explain request.http -f specs/\n  skerry waf explain - --paranoia 2 <request.http",
		Args:    cobra.ExactArgs(1),
	}
	q.setting.add(cmd)
	f := cmd.Flags()
	f.StringArrayVarP(&q.paths, "file", "f", nil, "file or directory of documents; repeatable")
	f.StringVar(&q.entrypoint, "entrypoint", "", "the Entrypoint whose policy it is, whatever the request's host; needs -f")
	f.StringVar(&q.profile, "profile", "website", "without -f: the profile whose policy it is")
	f.IntVar(&q.paranoia, "paranoia", 0, "paranoia level, 1 to 4, in the place of the policy's")
	f.IntVar(&q.threshold, "threshold", 0, "threshold, in the place of the policy's")
	f.StringVar(&q.client, "client", "192.0.2.1", "address of the client, for rules that ask for it")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		switch {
		case q.paranoia < 0 || q.paranoia > 4:
			return fmt.Errorf("--paranoia %d is none of 1 to 4", q.paranoia)
		case q.threshold < 0:
			return fmt.Errorf("--threshold %d is less than 1", q.threshold)
		case q.entrypoint != "" && len(q.paths) == 0:
			return errors.New("--entrypoint needs -f: the documents that it is in")
		}
		return work(func(cmd *cobra.Command, args []string) error { return explainWAF(cmd, &q, args[0]) })(cmd, args)
	}
	return cmd
}

// wafCase is a request with the policy that it is judged by.
type wafCase struct {
	req    *rawRequest
	rules  *waf.Rules
	policy spec.WAF
	place  string // whose policy it is
	path   []byte // in the normal form
	client netip.AddrPort
	notes  []string
}

func explainWAF(cmd *cobra.Command, q *wafQuestion, file string) error {
	c, err := q.question(cmd, file)
	if problems := (fault.Problems)(nil); errors.As(err, &problems) {
		printProblems(cmd.ErrOrStderr(), problems)
		return errReported
	}
	if err != nil {
		return err
	}
	return c.print(cmd.OutOrStdout())
}

// question finds the request and its policy.
func (q *wafQuestion) question(cmd *cobra.Command, file string) (*wafCase, error) {
	req, err := readRequest(file, cmd.InOrStdin())
	if err != nil {
		return nil, err
	}
	c := &wafCase{req: req, notes: req.notes}
	addr, err := netip.ParseAddr(q.client)
	if err != nil {
		return nil, fmt.Errorf("--client %q is no address", q.client)
	}
	c.client = netip.AddrPortFrom(addr, 40000)
	x := exchange.Acquire()
	defer x.Release()
	if len(q.paths) == 0 {
		err = q.byProfile(c)
	} else {
		err = q.bySpec(c, x)
	}
	if err != nil {
		return nil, err
	}
	if c.path == nil {
		raw, _, _ := strings.Cut(req.target, "?")
		normal, err := exchange.NormalPath([]byte(raw), &x.Scratch)
		if err != nil {
			c.notes = append(c.notes, "the edge refuses this path with 400: "+err.Error())
		}
		c.path = append(make([]byte, 0, len(normal)), normal...)
	}
	if c.policy.Mode == spec.WAFOff {
		return nil, fmt.Errorf("%s: waf is off, no rule looks at this request", c.place)
	}
	if q.paranoia > 0 {
		c.policy.Paranoia = q.paranoia
	}
	if q.threshold > 0 {
		c.policy.Threshold = q.threshold
	}
	c.rules, err = loadRules(q.setting.set.CRS)
	return c, err
}

// byProfile takes the policy of a built-in profile.
func (q *wafQuestion) byProfile(c *wafCase) error {
	s, problems := spec.Parse([]spec.File{{Name: "--profile", Data: []byte(
		"{apiVersion: skerry.dev/v1, kind: Entrypoint, metadata: {name: any}, spec: {hosts: [any.example], profile: " + q.profile + ", service: \"http://127.0.0.1:1\"}}")}})
	if len(problems) > 0 {
		return fmt.Errorf("--profile %q: %s", q.profile, problems[0].Text)
	}
	c.policy, c.place = wafOf(&s.Entrypoints[0].Policy), "profile "+q.profile
	return nil
}

// wafOf is the firewall of a policy; off if there is none.
func wafOf(p *spec.Policy) spec.WAF {
	if p.WAF == nil {
		return spec.WAF{Mode: spec.WAFOff}
	}
	return *p.WAF
}

// bySpec takes the policy of the route that gets the request.
func (q *wafQuestion) bySpec(c *wafCase, x *exchange.Exchange) error {
	p, problems, err := compile(q.paths, &q.setting)
	if err != nil {
		return err
	}
	if len(problems) > 0 {
		return fault.Problems(problems)
	}
	host := c.req.field("Host")
	if q.entrypoint != "" {
		if host, err = hostOf(p.Spec, q.entrypoint); err != nil {
			return err
		}
	}
	ask := question{method: c.req.method, scheme: "https", host: host, target: c.req.target}
	for _, f := range c.req.fields {
		ask.fields = append(ask.fields, string(f.Name)+":"+string(f.Value))
	}
	if err := ask.fill(x); err != nil {
		return err
	}
	c.path = append([]byte(nil), x.Req.Path...)
	target, e := p.Table.Match(x)
	switch {
	case e == nil:
		return unknownHost(string(x.Req.Host), p.Spec)
	case target == nil:
		c.policy, c.place = wafOf(&e.Policy), fmt.Sprintf("entrypoint %s (%s), of which no route takes the request: it gets 404 without being judged", e.Meta.Name, e.At)
	default:
		c.policy, c.place = wafOf(&target.Route.Policy), fmt.Sprintf("route %s (%s)", target.Label, target.Route.At)
	}
	return nil
}

// hostOf is a host of an entrypoint.
func hostOf(s *spec.Spec, name string) (string, error) {
	var names []string
	for _, e := range s.Entrypoints {
		if e.Meta.Name == name {
			return strings.Replace(e.Hosts[0], "*", "any", 1), nil
		}
		names = append(names, e.Meta.Name)
	}
	return "", fmt.Errorf("--entrypoint %q: there is none of this name, but %s", name, some(names))
}

// judge runs the rules of phases 1 and 2 as the stage does, refusing nothing, so that all of them run. End the transaction.
func (c *wafCase) judge(p *engine.Policy) *engine.Transaction {
	var mem body.Memory
	t := p.Begin()
	t.Client(c.client.Addr(), c.client.Port())
	host, _, _ := strings.Cut(c.req.field("Host"), ":")
	t.Server([]byte(host))
	t.Line([]byte(c.req.method), []byte(c.req.target), []byte(c.req.proto))
	media, err := body.Classify([]byte(c.req.field("Content-Type")), &mem)
	c.note(err)
	for _, f := range c.req.fields {
		if !ofConnection(string(f.Name)) && (!strings.EqualFold(string(f.Name), "Content-Encoding") || len(c.req.body) == 0) {
			t.Header(f.Name, f.Value)
		}
	}
	t.Media(media)
	if _, covered := media.Among(c.policy.Allow.ContentTypes); covered {
		t.AllowType(media.Type)
	}
	t.Path([]byte(c.req.method), c.path)
	t.Head()
	processor, parse := t.Processor()
	if len(processor) > 0 {
		media.Kind = body.KindOf(processor)
	}
	if len(c.req.body) > 0 && parse && media.Inspected() && !media.GRPC() {
		limits := body.DefaultLimits()
		limits.DecodedBytes = max(int(c.policy.BodyBytesMax), 1)
		data, err := body.Decode([]byte(c.req.field("Content-Encoding")), c.req.body, limits, &mem)
		if c.note(err); err == nil {
			c.note(t.Body(media, data))
		}
	} else if len(c.req.body) > 0 {
		c.note(errors.New("the body is not inspected: its type has no processor, or a rule said so"))
	}
	t.Request()
	return t
}

// note keeps what is to be said about the request, once.
func (c *wafCase) note(err error) {
	if err == nil {
		return
	}
	for _, n := range c.notes {
		if n == err.Error() {
			return
		}
	}
	c.notes = append(c.notes, err.Error())
}

// ofConnection reports whether the edge consumes a field itself, so that rules do not see it.
func ofConnection(name string) bool {
	switch strings.ToLower(name) {
	case "expect", "upgrade", "keep-alive", "te", "trailer", "proxy-connection":
		return true
	}
	return false
}

// compiled is the policy with changes, made to be looked at.
func (c *wafCase) compiled(change func(*spec.WAF)) (*engine.Policy, error) {
	w := c.policy
	w.Mode = spec.WAFDetect
	if change != nil {
		change(&w)
	}
	p, problems := waf.Compile(&w, c.rules, true)
	if len(problems) > 0 {
		return nil, fault.Problems(problems)
	}
	return p, nil
}

// print writes the whole answer.
func (c *wafCase) print(w io.Writer) error {
	p, err := c.compiled(nil)
	if err != nil {
		return err
	}
	t := c.judge(p)
	found := matchedRules(t)
	verdict := c.verdict(t)
	t.End()
	c.values(found)
	fmt.Fprintf(w, "%s %s\n\n", c.req.method, shown([]byte(c.req.target)))
	rows := [][]string{
		{"policy", fmt.Sprintf("%s: %s, paranoia %d, threshold %d, CRS %s", c.place, c.policy.Mode, c.policy.Paranoia, c.policy.Threshold, c.rules.Version())},
		{"verdict", verdict},
	}
	for _, n := range c.notes {
		rows = append(rows, []string{"note", n})
	}
	table(w, rows)
	for i := range found {
		if err := c.printRule(w, &found[i], i); err != nil {
			return err
		}
	}
	_, err = fmt.Fprintf(w, "\n%s matched\n", count(len(found), "rule"))
	return err
}

// verdict says what becomes of the request.
func (c *wafCase) verdict(t *engine.Transaction) string {
	score := fmt.Sprintf("score %d of %d", t.Score(), c.policy.Threshold)
	would := t.Would()
	var what string
	switch {
	case !would.Refused():
		return "passes, " + score
	case would.Limit != engine.LimitNone:
		what = fmt.Sprintf("refused with %d by the limit on %s, %s", would.Status, would.Limit, score)
	case would.Action == engine.ActionDrop:
		what = fmt.Sprintf("the connection is closed by rule %d, %s", would.Rule, score)
	case would.Action == engine.ActionRedirect:
		what = fmt.Sprintf("redirected with %d to %s by rule %d, %s", would.Status, would.Location, would.Rule, score)
	default:
		what = fmt.Sprintf("refused with %d by rule %d, %s", would.Status, would.Rule, score)
	}
	if c.policy.Mode == spec.WAFDetect {
		return "passes, for the mode is detect; in mode block: " + what
	}
	return what
}
