package cli

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"skerry.dev/skerry/exchange"
	"skerry.dev/skerry/fault"
	"skerry.dev/skerry/plan"
)

// question is the request that explain is asked about.
type question struct {
	method string
	scheme string
	host   string // as written, perhaps with a port
	target string // path and query
	fields []string
}

func newExplain() *cobra.Command {
	var (
		g     settingFlags
		paths []string
		q     question
	)
	cmd := &cobra.Command{
		Use:   "explain URL -f PATH",
		Short: "Say what happens to a request, and why",
		Long: "Say which entrypoint and route take a request, through which stages it goes, which service gets it, and\n" +
			"every value that is in force with its source. Nothing is sent.",
		Example: "  skerry explain http://shop.example.com/cart?x=1 -f specs/ -X POST -H 'X-Beta: 1'",
		Args:    cobra.ExactArgs(1),
	}
	g.add(cmd)
	cmd.Flags().StringVar(&g.acme.data, "data", "", "--data of the edge, to say until when what it ordered by ACME is valid")
	cmd.Flags().StringArrayVarP(&paths, "file", "f", nil, "file or directory of documents; repeatable")
	cmd.Flags().StringVarP(&q.method, "request", "X", "GET", "method of the request")
	cmd.Flags().StringArrayVarP(&q.fields, "header", "H", nil, "header field of the request, 'Name: value'; repeatable")
	if err := cmd.MarkFlagRequired("file"); err != nil {
		panic("BUG: " + err.Error())
	}
	cmd.RunE = work(func(cmd *cobra.Command, args []string) error {
		if err := q.take(args[0]); err != nil {
			return err
		}
		p, problems, err := compile(paths, &g)
		if err != nil {
			return err
		}
		if len(problems) > 0 {
			printProblems(cmd.ErrOrStderr(), problems)
			return errReported
		}
		return explain(cmd, p, &q)
	})
	return cmd
}

// take splits a URL as a client does, without changing any of it: the normal form is the edge's work.
func (q *question) take(url string) error {
	q.scheme = "http"
	rest := url
	if scheme, after, ok := strings.Cut(url, "://"); ok {
		q.scheme, rest = strings.ToLower(scheme), after
	}
	if q.scheme != "http" && q.scheme != "https" {
		return fmt.Errorf("%q is no http or https URL", url)
	}
	rest, _, _ = strings.Cut(rest, "#")
	end := strings.IndexAny(rest, "/?")
	if end < 0 {
		end = len(rest)
	}
	q.host, q.target = rest[:end], rest[end:]
	if q.host == "" {
		return fmt.Errorf("%q names no host", url)
	}
	if !strings.HasPrefix(q.target, "/") {
		q.target = "/" + q.target
	}
	return nil
}

// fill makes x the request.
func (q *question) fill(x *exchange.Exchange) (err error) {
	r := &x.Req
	r.MethodName, r.Target = []byte(q.method), []byte(q.target)
	r.Method = exchange.MethodOf(r.MethodName)
	path, query, has := bytes.Cut(r.Target, []byte("?"))
	if has {
		r.Query = query
	}
	r.RawPath = path
	x.Facts.Client.HTTPS = q.scheme == "https"
	if r.Host, r.Port, err = exchange.NormalHost([]byte(q.host), &x.Scratch); err != nil {
		return fmt.Errorf("the edge refuses this request with 400: %w", err)
	}
	if r.Path, err = exchange.NormalPath(path, &x.Scratch); err != nil {
		return fmt.Errorf("the edge refuses this request with 400: %w", err)
	}
	for _, f := range q.fields {
		name, value, ok := strings.Cut(f, ":")
		if !ok {
			return fmt.Errorf("-H %q is not of the form 'Name: value'", f)
		}
		r.Fields.AddNamed([]byte(name), []byte(strings.TrimSpace(value)))
	}
	return nil
}

func explain(cmd *cobra.Command, p *plan.Plan, q *question) error {
	x := exchange.Acquire()
	defer x.Release()
	if err := q.fill(x); err != nil {
		return err
	}
	target, e := p.Table.Match(x)
	if e == nil {
		return unknownHost(string(x.Req.Host), p.Spec)
	}
	w := cmd.OutOrStdout()
	fmt.Fprintf(w, "%s %s://%s%s\n\n", q.method, q.scheme, q.host, q.target)
	_, i := p.Match(x)
	var f *fault.Error
	if errors.As(x.Fault, &f) && target != nil {
		return fmt.Errorf("route %s/%s: the edge answers %d: %s", e.Meta.Name, p.Routes[i].Target.Route.Name, f.Kind.Status(), f.Text)
	}
	rows, moved := entryRows(p, e, x)
	if target == nil {
		return noRoute(w, e, x, rows, moved)
	}
	table(w, append(rows, routeRows(p, target, x)...))
	for _, s := range target.Route.To.Services {
		explainService(w, s.Service)
	}
	if m := target.Route.Mirror; m != nil {
		explainService(w, m.Service)
	}
	fmt.Fprintln(w)
	sources(w, "value of the route", target.Route.Sources)
	return nil
}
